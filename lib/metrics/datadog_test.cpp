// Datadog against a loopback server that answers as docs.datadoghq.com/api/latest/metrics says: v1 "Query
// timeseries points"; v2 "Query timeseries data" and "Query scalar data across multiple products".
#include <cmath>

#include "metrics/source_testing.hpp"
#include "os/world.hpp"
#include "support/loopback_server.hpp"

using namespace tranche;
using namespace tranche::metrics;
using support::LoopbackServer;

namespace {

constexpr std::int64_t start_ms = 1'767'225'600'000;

spec::Source datadog(const std::string& url, spec::Source::Api api) {
  spec::Source source;
  source.name = "dd";
  source.kind = spec::Source::Kind::datadog;
  source.url = url;
  source.api_key = "env:TRANCHE_A";
  source.app_key = "env:TRANCHE_B";
  source.api = api;
  return source;
}
const Secrets secrets{{"env:TRANCHE_A", Secret("api")}, {"env:TRANCHE_B", Secret("app")}};

spec::Gate crash_gate() {
  spec::Gate gate;
  gate.name = "crashes";
  gate.events = "sum:crashes{arm:$arm} by {stratum}.as_count().rollup(sum, 20)";
  gate.exposure = "sum:sessions{arm:$arm} by {stratum}.as_count().rollup(sum, 20)";
  gate.query = "avg:latency{version:$version}";
  return gate;
}

std::string v1_series(const std::string& points, const std::string& tags = R"("stratum:50000")") {
  return R"({"status":"ok","res_type":"time_series","series":[{"metric":"x","interval":20,"scope":"arm:x",)"
         R"("tag_set":[)" +
         tags + R"(],"pointlist":)" + points + "}]}";
}
Result<gate::Measurement> measure(spec::Source::Api api, const std::string& body, int status = 200) {
  CannedHttp http;
  http.body = body;
  http.status = status;
  return source_over(http, datadog("http://127.0.0.1:1", api), secrets)
      ->measure(crash_gate(), variables(), start);
}

}  // namespace

TEST_CASE("v1: points of a window add up by stratum, nulls and absent points are none") {
  LoopbackServer server([](const std::string& request) {
    const int each = holds(request, "sessions") ? (holds(request, "canary") ? 10 : 100) : 1;
    std::string points = "[";
    for (int i = 0; i < 6; ++i)
      if (i != 4)
        points += fmt::format("{}[{}.0,{}]", i == 0 ? "" : ",", start_ms + i * 20'000,
                              i == 2 ? "null" : std::to_string(each));
    return LoopbackServer::answer(200, v1_series(points + "]"));
  });
  os::RealWorld real;
  const auto source =
      must(make_source(real.world(), datadog(server.url(""), spec::Source::Api::v1), secrets));
  const auto got = source->compare(crash_gate(), variables(), start, start + 2 * minute);
  REQUIRE(got.has_value());
  CHECK(got->at(0).counts.at("50000").canary.exposure == 20);
  CHECK(got->at(0).counts.at("50000").control.exposure == 200);
  CHECK(got->at(1).counts.at("50000").canary.events == 2);
  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("GET /api/v1/query?query=sum%3Asessions"));
  CHECK(holds(request, "&from=1767225600&to=1767225720 HTTP/1.1"));
  CHECK(holds(request, "DD-API-KEY: api\r\n"));
  CHECK(holds(request, "DD-APPLICATION-KEY: app\r\n"));
}

TEST_CASE("v1: the last point measures; an empty series or a null is no data") {
  const auto v1 = spec::Source::Api::v1;
  CHECK(measure(v1, v1_series("[[1767225540000,0.5],[1767225560000.0,0.25]]"))->values ==
        std::vector<double>{0.25});
  CHECK_FALSE(measure(v1, v1_series("[[1767225540000,0.5],[1767225560000,null]]"))->has_data);
  CHECK_FALSE(measure(v1, v1_series("[]"))->has_data);
  CHECK_FALSE(measure(v1, R"({"status":"ok","series":[]})")->has_data);
  for (const char* bad :
       {"{}", "[]", "", R"({"status":"ok","series":{}})", R"({"status":"ok","series":[{}]})",
        R"({"status":"ok","series":[{"pointlist":[[1]]}]})",
        R"({"status":"ok","series":[{"pointlist":[["1",2]]}]})",
        R"({"status":"ok","series":[{"pointlist":[[1,"2"]]}]})",
        R"({"status":"ok","series":[{"pointlist":[[1e300,2]]}]})",
        R"({"status":"error","error":"Rule 'x' did not parse"})",
        R"({"status":"ok","series":[{"pointlist":[]},{"pointlist":[]}]})"}) {
    CAPTURE(bad);
    const auto got = measure(v1, bad);
    REQUIRE_FALSE(got.has_value());
    CHECK_FALSE(got.error().hint.empty());
  }
}

TEST_CASE("points coarser than a window are refused with the rollup to write") {
  CannedHttp http;
  http.body =
      R"({"status":"ok","series":[{"interval":300,"pointlist":[[1767225600000,1],[1767225900000,1]]}]})";
  const auto got = source_over(http, datadog("http://127.0.0.1:1", spec::Source::Api::v1), secrets)
                       ->compare(crash_gate(), variables(), start, start + 2 * minute);
  REQUIRE_FALSE(got.has_value());
  CHECK(holds(got.error().hint, ".rollup(sum, 60)"));
  CHECK(holds(got.error().message, "a point each 5m"));
}

TEST_CASE("v2: a table of times and values by group tags") {
  LoopbackServer server([](const std::string& request) {
    const int each = holds(request, "sessions") ? 100 : 2;
    return LoopbackServer::answer(
        200,
        fmt::format(
            R"({{"data":{{"id":"0","type":"timeseries_response","attributes":{{"series":[{{"group_tags":["stratum:50000"],"query_index":0,"unit":null}},{{"group_tags":["stratum:200000"],"query_index":0}}],"times":[{},{}],"values":[[{},null],[{},1.5]]}}}}}})",
            start_ms, start_ms + 60'000, each, each));
  });
  os::RealWorld real;
  const auto source =
      must(make_source(real.world(), datadog(server.url(""), spec::Source::Api::v2), secrets));
  const auto got = source->compare(crash_gate(), variables(), start, start + 2 * minute);
  REQUIRE(got.has_value());
  CHECK(got->at(0).counts.size() == 2);
  CHECK(got->at(0).counts.at("50000").canary.events == 2);
  CHECK(got->at(1).counts.size() == 1);
  CHECK(got->at(1).counts.at("200000").control.exposure == 1.5);
  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("POST /api/v2/query/timeseries HTTP/1.1"));
  const auto sent = doc::parse_json(request.substr(request.find("\r\n\r\n") + 4));
  REQUIRE(sent.has_value());
  const auto want = doc::parse_json(
      R"j({"data":{"type":"timeseries_request","attributes":{"from":1767225600000,"to":1767225720000,"interval":60000,"queries":[{"data_source":"metrics","name":"a","query":"sum:sessions{arm:canary} by {stratum}.as_count().rollup(sum, 20)"}],"formulas":[{"formula":"a"}]}}})j");
  REQUIRE(want.has_value());
  CHECK(doc::canonical_json(*sent).value() == doc::canonical_json(*want).value());
}

TEST_CASE("v2: a scalar, or one a group; refusals and limits are told") {
  const auto v2 = spec::Source::Api::v2;
  const auto columns = [](const std::string& list) {
    return R"({"data":{"type":"scalar_response","attributes":{"columns":[)" + list + "]}}}";
  };
  const auto one =
      measure(v2, columns(R"({"name":"a","type":"number","values":[0.5],"meta":{"unit":null}})"));
  REQUIRE(one.has_value());
  CHECK(one->scalar);
  CHECK(one->values == std::vector<double>{0.5});
  const auto groups = measure(
      v2,
      columns(R"({"name":"env","type":"group","values":[["a"],["b"]]},{"type":"number","values":[1,null]})"));
  CHECK_FALSE(groups->scalar);
  CHECK(groups->values == std::vector<double>{1});
  CHECK_FALSE(measure(v2, columns(""))->has_data);
  CHECK_FALSE(measure(v2, columns(R"({"type":"number","values":[null]})"))->has_data);
  for (const char* bad : {"{}", R"({"data":{}})", R"({"data":{"attributes":{}}})",
                          R"({"data":{"attributes":{"columns":[{"type":"number"}]}}})",
                          R"({"data":{"attributes":{"columns":[{"type":"number","values":["1"]}]}}})",
                          R"({"errors":"partial"})"}) {
    CAPTURE(bad);
    CHECK_FALSE(measure(v2, bad).has_value());
  }
  const auto bad = measure(v2, R"({"errors":["Invalid query","second"]})", 400);
  CHECK(bad.error().kind == ErrorKind::invalid);
  CHECK(holds(bad.error().message, "Invalid query; second"));
  CHECK(holds(measure(v2, R"({"errors":["Forbidden"]})", 403).error().hint, "api-key and app-key"));

  CannedHttp limited;
  limited.status = 429;
  limited.headers = {{"x-ratelimit-limit", "100"}, {"x-ratelimit-reset", "42"}};
  limited.body = R"({"errors":["Rate limit of 100 requests in 3600 seconds reached"]})";
  const auto got = source_over(limited, datadog("http://127.0.0.1:1", v2), secrets)
                       ->measure(crash_gate(), variables(), start);
  REQUIRE_FALSE(got.has_value());
  CHECK(holds(got.error().message, "try again after 42"));
  CHECK(limited.requests.size() == 1);  // 42 s are beyond the deadline
}
