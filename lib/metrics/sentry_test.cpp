// Sentry against a loopback server that answers as docs.sentry.io/api/releases ("Retrieve Release Health
// Session Statistics") says: start, end, intervals, groups of {by, totals, series}.
#include <cmath>

#include "base/encoding.hpp"
#include "metrics/source_testing.hpp"
#include "os/world.hpp"
#include "support/loopback_server.hpp"

using namespace tranche;
using namespace tranche::metrics;
using support::LoopbackServer;

namespace {

constexpr Duration hour = std::chrono::hours(1);

spec::Source sentry(const std::string& url) {
  spec::Source source;
  source.name = "sentry";
  source.kind = spec::Source::Kind::sentry;
  source.url = url;
  source.organization = "acme";
  source.projects = {"17", "18"};
  source.environment = "production";
  source.token = "env:TRANCHE_S";
  return source;
}
const Secrets secrets{{"env:TRANCHE_S", Secret("t0ken")}};

spec::Gate crash_gate() {
  spec::Gate gate;
  gate.name = "crashes";
  gate.arms = spec::Gate::Arms::version;
  gate.events = "crashed + abnormal";
  gate.exposure = "sessions";
  gate.every = hour;
  return gate;
}

std::string group(const std::string& release, const std::string& status, const std::string& series) {
  return fmt::format(
      R"j({{"by":{{"release":"{}","session.status":"{}"}},"totals":{{"sum(session)":1}},"series":{{"sum(session)":{}}}}})j",
      release, status, series);
}
// Sentry rounds outwards: an interval more at the front.
std::string answer(const std::string& groups) {
  return R"({"start":"2025-12-31T23:00:00Z","end":"2026-01-01T03:00:00Z","query":"","intervals":[)"
         R"("2025-12-31T23:00:00Z","2026-01-01T00:00:00Z","2026-01-01T01:00:00Z","2026-01-01T02:00:00Z"],"groups":[)" +
         groups + "]}";
}

Result<std::vector<WindowCounts>> compare(const std::string& body, int status = 200) {
  CannedHttp http;
  http.body = body;
  http.status = status;
  return source_over(http, sentry("http://127.0.0.1:1"), secrets)
      ->compare(crash_gate(), variables(hour), start, start + 3 * hour);
}

}  // namespace

TEST_CASE("sessions of two releases become arms, by the hour") {
  LoopbackServer server([](const std::string& request) {
    const bool canary = holds(request, percent_encode("release:\"agent@1.2.0\""));
    const std::string name = canary ? "agent@1.2.0" : "agent@1.1.0";
    std::string groups = group(name, "healthy", canary ? "[5,90,80,0]" : "[5,900,800,700]") + "," +
                         group(name, "crashed", canary ? "[1,3,2,0]" : "[1,9,8,7]") + "," +
                         group(name, "abnormal", "[0,1,0,0]") + "," + group(name, "errored", "[0,6,null,0]") +
                         "," + group("agent@0.9", "crashed", "[1000,1000,1000,1000]");
    return LoopbackServer::answer(200, answer(groups));
  });
  os::RealWorld real;
  const auto source = must(make_source(real.world(), sentry(server.url("")), secrets));
  const auto got = source->compare(crash_gate(), variables(hour), start, start + 3 * hour);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 3);
  const gate::StratumCounts& first = got->at(0).counts.at("all");
  CHECK(got->at(0).end == start + hour);
  CHECK(first.canary.events == 4);
  CHECK(first.canary.exposure == 100);
  CHECK(first.control.events == 10);
  CHECK(first.control.exposure == 916);
  CHECK(got->at(1).counts.at("all").canary.exposure == 82);
  CHECK_FALSE(got->at(2).has_data);
  CHECK(holds(got->at(2).gap, "no sessions of canary"));
  REQUIRE(server.requests().size() == 2);
  const std::string request = server.requests()[0];
  CHECK(request.starts_with("GET /api/0/organizations/acme/sessions/?field=sum%28session%29&query="));
  for (const char* part : {"start=2026-01-01T00%3A00%3A00Z", "end=2026-01-01T03%3A00%3A00Z",
                           "groupBy=release", "groupBy=session.status", "interval=1h",
                           "project=17&project=18", "environment=production", "Bearer t0ken"})
    CHECK(holds(request, part));
}

TEST_CASE("the crash-free rate of the release measures, and no sessions are no data") {
  CannedHttp http;
  spec::Gate gate;
  gate.name = "crash-free";
  gate.query = "crash_free_rate(session)";
  gate.interval = hour;
  const auto ask = [&] {
    return source_over(http, sentry("http://127.0.0.1:1"), secrets)->measure(gate, variables(hour), start);
  };
  const auto rate = [](const std::string& value) {
    return R"j({"intervals":[],"groups":[{"by":{},"totals":{"crash_free_rate(session)":)j" + value +
           R"j(},"series":{}}]})j";
  };
  http.body = rate("0.9975");
  const auto got = ask();
  REQUIRE(got.has_value());
  CHECK(got->scalar);
  CHECK(got->values == std::vector<double>{0.9975});
  CHECK(holds(http.requests[0].url, "field=crash_free_rate%28session%29"));
  http.body = rate("null");
  CHECK_FALSE(ask()->has_data);
  http.body = R"({"groups":[]})";
  CHECK_FALSE(ask()->has_data);
  for (const std::string& bad :
       {std::string("{}"), std::string("[]"), std::string(R"({"groups":[{}]})"),
        std::string(R"({"groups":[{"totals":{}}]})"), rate("\"x\""), std::string(R"({"groups":[{},{}]})")}) {
    http.body = bad;
    CAPTURE(bad);
    CHECK_FALSE(ask().has_value());
  }
  gate.query = "p99(session.duration)";
  CHECK(ask().error().kind == ErrorKind::invalid);
}

TEST_CASE("Sentry's refusals and other intervals are told with what to do") {
  const auto limited =
      compare(R"({"detail":"You are attempting to use this endpoint too frequently."})", 429);
  REQUIRE_FALSE(limited.has_value());
  CHECK(limited.error().kind == ErrorKind::failed);
  CHECK(holds(limited.error().message, "too frequently"));
  CHECK(holds(limited.error().hint, "ask less often"));
  CHECK(holds(compare(R"({"detail":"x"})", 401).error().message, "wants authorisation"));
  CHECK(holds(compare(R"({"detail":"The requested resource does not exist"})", 404).error().hint,
              "organization"));
  CHECK(compare(R"({"detail":"Your interval is too short"})", 400).error().kind == ErrorKind::invalid);
  const auto coarse = compare(R"({"intervals":["2026-01-01T00:00:00Z","2026-01-02T00:00:00Z"],"groups":[]})");
  REQUIRE_FALSE(coarse.has_value());
  CHECK(holds(coarse.error().hint, "every: 1h"));
  for (const std::string& bad :
       {std::string("{}"), std::string(R"({"intervals":[1],"groups":[]})"), answer("{}"), answer("[]"),
        answer(group("agent@1.2.0", "crashed", "[1]")), answer(group("agent@1.2.0", "crashed", "[1,2,3,-4]")),
        answer(group("agent@1.2.0", "crashed", "[1,2,3,\"4\"]")), std::string("[]"), std::string("<html>")}) {
    CAPTURE(bad);
    CHECK_FALSE(compare(bad).has_value());
  }
  const auto empty = compare(answer(""));
  REQUIRE(empty.has_value());
  CHECK(empty->at(0).gap == "no sessions of either version");
  CannedHttp http;
  spec::Gate bucket = crash_gate();
  bucket.arms = spec::Gate::Arms::bucket;
  CHECK_FALSE(source_over(http, sentry("http://127.0.0.1:1"), secrets)
                  ->compare(bucket, variables(hour), start, start + hour)
                  .has_value());
  CHECK(http.requests.empty());
}
