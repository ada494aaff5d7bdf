// Answers of metrics servers and programs are hostile: no bytes may crash their readers, and whatever is
// taken for counts must be counts that a gate accepts. The first byte picks the source, the second the
// question.
// rooms: metrics
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gate/judging.hpp"
#include "metrics/source.hpp"
#include "os/world.hpp"

using namespace tranche;

namespace {

struct OneAnswer final : ports::Http {
  std::string_view body;
  Result<ports::HttpResponse> send(const ports::HttpRequest&) override {
    return ports::HttpResponse{200, {{"date", "Thu, 01 Jan 2026 00:00:00 GMT"}}, std::string(body)};
  }
};
struct OneOutput final : ports::Process {
  std::string_view out;
  Result<ports::ProcessResult> run(const ports::ProcessRequest&) override {
    return ports::ProcessResult{0, std::string(out), {}, false};
  }
};

using Kind = spec::Source::Kind;
// A file holds the lines that a command prints.
constexpr Kind kinds[] = {Kind::prometheus, Kind::serve, Kind::sentry,   Kind::datadog, Kind::datadog,
                          Kind::graphite,   Kind::web,   Kind::influxdb, Kind::command};

spec::Gate gate_for(Kind kind, std::uint8_t question) {
  spec::Gate gate;
  gate.name = "crashes";
  gate.events = gate.exposure = gate.histogram = "x{arm=\"$arm\"}";
  gate.query = "x";
  if (question & 1U) gate.statistic = spec::Gate::Statistic::quantile;
  if (question & 2U) gate.assignments = gate.histogram;
  switch (kind) {
    case Kind::serve:
      gate.events = gate.exposure = "crashes";
      gate.query = "crashes / crashes";
      break;
    case Kind::sentry:
      gate.arms = spec::Gate::Arms::version;
      gate.every = std::chrono::hours(1);
      gate.events = "crashed+abnormal";
      gate.exposure = "sessions";
      gate.query = "crash_free_rate(session)";
      break;
    case Kind::influxdb:
      gate.events = gate.exposure = gate.histogram = gate.query =
          "SELECT v FROM m WHERE a = '$arm' AND $time GROUP BY time($window)";
      gate.query = "SELECT v FROM m WHERE $time";
      break;
    case Kind::web:
    case Kind::command:
      gate.query = "{$..a[?(@.b > 1)]}";
      break;
    default:
      break;
  }
  return gate;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static os::RealWorld others;  // its clock and chance; no other door is used
  OneAnswer http;
  OneOutput process;
  http.body = process.out = std::string_view(reinterpret_cast<const char*>(data) + 2, size - 2);
  spec::Source server;
  server.name = "fuzz";
  server.url = "http://127.0.0.1:1";
  const std::size_t pick = data[0] % std::size(kinds);
  server.kind = kinds[pick];
  if (pick == 4) server.api = spec::Source::Api::v2;
  server.organization = server.database = "a";
  server.argv = {"a"};
  ports::World& real = others.world();
  const auto made = metrics::make_source(
      {real.clock, http, real.files, process, real.random, real.environ, real.console}, server, {});
  if (!made) std::abort();
  const auto& source = *made;
  const std::uint8_t question = data[1];
  const spec::Gate gate = gate_for(server.kind, question);
  const metrics::Variables variables{"agent", "stable", "1.2.0", "1.2.0", "1.1.0", gate.every};
  const Instant start{std::chrono::seconds(1'767'225'600)};
  const Instant until = start + 5 * gate.every;
  if (question % 16 < 4) {
    const auto measured = source->measure(gate, variables, start);
    if (measured && measured->has_data && measured->values.empty() && !measured->answer) std::abort();
    if (!measured && measured.error().hint.empty()) std::abort();
    return 0;
  }
  if (question % 16 < 7) {
    const auto course =
        source->series(gate.histogram, variables, metrics::Arm::canary, start, until, gate.every);
    if (course && course->size() != 5) std::abort();
    return 0;
  }
  const auto windows = source->compare(gate, variables, start, until);
  if (!windows) {
    if (windows.error().hint.empty()) std::abort();
    return 0;
  }
  if (windows->size() != 5) std::abort();
  for (const metrics::WindowCounts& window : *windows) {
    if (window.has_data == window.counts.empty() || window.has_data != window.gap.empty()) std::abort();
    if (!gate::check_poll(window.counts) || !gate::check_poll(window.assigned)) std::abort();
  }
  return 0;
}
