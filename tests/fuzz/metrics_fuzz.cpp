// Answers of metrics servers are hostile: no bytes may crash their readers, and whatever is taken for counts
// must be counts that a gate accepts. The first byte picks the server and the question.
// rooms: metrics
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "metrics/source.hpp"
#include "os/world.hpp"

using namespace tranche;

namespace {

struct OneAnswer final : ports::Http {
  std::string_view body;
  Result<ports::HttpResponse> send(const ports::HttpRequest&) override {
    return ports::HttpResponse{200, {}, std::string(body)};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static os::RealWorld others;  // its clock and chance; no other door is used
  OneAnswer http;
  http.body = std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1);
  spec::Source server;
  server.name = "fuzz";
  server.url = "http://127.0.0.1:1";
  server.kind = data[0] % 2 == 0 ? spec::Source::Kind::prometheus : spec::Source::Kind::serve;
  ports::World& real = others.world();
  const auto made = metrics::make_source(
      {real.clock, http, real.files, real.process, real.random, real.environ, real.console}, server, {});
  if (!made) std::abort();
  const auto& source = *made;
  spec::Gate gate;
  gate.name = "crashes";
  const bool serve = server.kind == spec::Source::Kind::serve;
  gate.events = gate.exposure = serve ? "crashes" : "x{arm=\"$arm\"}";
  gate.query = serve ? "crashes / crashes" : "x";
  const metrics::Variables variables{"agent", "stable", "1.2.0", "1.2.0", "1.1.0", gate.every};
  const Instant start{std::chrono::seconds(1'767'225'600)};
  if (data[0] % 4 < 2) {
    (void)source->measure(gate, variables, start);
    return 0;
  }
  const auto windows = source->compare(gate, variables, start, start + 5 * gate.every);
  if (!windows) {
    if (windows.error().hint.empty()) std::abort();
    return 0;
  }
  if (windows->size() != 5) std::abort();
  gate::Evidence evidence;
  for (const metrics::WindowCounts& window : *windows) {
    if (window.has_data == window.counts.empty()) std::abort();
    if (!gate::observe(evidence, {}, window.counts)) std::abort();
  }
  return 0;
}
