#include <doctest/doctest.h>

#include <map>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "metrics/query.hpp"
#include "metrics/source_testing.hpp"

using namespace tranche;
using namespace tranche::metrics;

namespace {

spec::Source prom() {
  spec::Source source;
  source.name = "prom";
  source.url = "http://127.0.0.1:9090/prom/";
  return source;
}
spec::Gate compare_gate() {
  spec::Gate gate;
  gate.name = "crashes";
  gate.events = "sum by (stratum) (increase(crashes_total{arm=\"$arm\",v=\"$version\"}[$window]))";
  gate.exposure = "sum by (stratum) (increase(sessions_total{arm=\"$arm\"}[$window]))";
  return gate;
}

// One series: its stratum (empty: no label) and a value text a window, "" for none.
struct Row {
  std::string stratum;
  std::vector<std::string> values;
};
using Rows = std::vector<Row>;

std::string matrix(const Rows& rows) {
  std::string out = R"({"status":"success","warnings":["slow"],"data":{"resultType":"matrix","result":[)";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    out += fmt::format(R"({}{{"metric":{{{}}},"values":[)", r == 0 ? "" : ",",
                       rows[r].stratum.empty() ? "" : fmt::format(R"("stratum":"{}")", rows[r].stratum));
    bool first = true;
    for (std::size_t i = 0; i < rows[r].values.size(); ++i) {
      if (rows[r].values[i].empty()) continue;
      out += fmt::format(R"({}[{},"{}"])", first ? "" : ",", 1'767'225'660 + 60 * i, rows[r].values[i]);
      first = false;
    }
    out += "]}";
  }
  return out + "]}}";
}

std::map<std::string, std::string> form_of(const std::string& text) {
  std::map<std::string, std::string> out;
  for (const std::string_view part : split(text, '&')) {
    const std::size_t is = part.find('=');
    out[std::string(part.substr(0, is))] = *percent_decode(part.substr(is + 1));
  }
  return out;
}

// Answers range queries by metric and arm.
struct FakePrometheus {
  support::FakeHttp http;
  std::map<std::string, Rows> rows;  // "crashes canary" ...
  std::vector<std::map<std::string, std::string>> forms;

  FakePrometheus() {
    http.handler = [this](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      forms.push_back(form_of(request.body));
      const std::string& query = forms.back()["query"];
      const std::string what = query.find("crashes") != std::string::npos ? "crashes" : "sessions";
      const std::string arm = query.find("\"canary\"") != std::string::npos ? "canary" : "control";
      return ports::HttpResponse{200, {}, matrix(rows[what + " " + arm])};
    };
  }
  Result<std::vector<WindowCounts>> ask(int windows) {
    return source_over(http, prom())->compare(compare_gate(), variables(), start, start + windows * minute);
  }
};

Result<gate::Measurement> measure_answer(int status, const std::string& body, std::string query = "up") {
  support::FakeHttp http;
  http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    return ports::HttpResponse{status, {}, body};
  };
  spec::Gate gate;
  gate.name = "latency";
  gate.query = std::move(query);
  return source_over(http, prom())->measure(gate, variables(), start);
}

}  // namespace

TEST_CASE("windows end at multiples of their length and wait for the lag") {
  CHECK(aligned_end(start + std::chrono::seconds(119), minute, Duration{}) == start + minute);
  CHECK(aligned_end(start + std::chrono::seconds(120), minute, Duration{}) == start + 2 * minute);
  CHECK(aligned_end(start + std::chrono::seconds(120), minute, Duration(1)) == start + minute);
  CHECK(aligned_end(start, minute, std::chrono::seconds(90)) == start - 2 * minute);
  CHECK(aligned_end(Instant(Duration(-1)), minute, Duration{}) == Instant(-minute));
  const auto windows =
      internal::aligned_windows(start + Duration(1), start + 3 * minute + Duration(5), minute);
  CHECK(windows->first == start + minute);
  CHECK(windows->count == 3);
  CHECK(internal::aligned_windows(start, start, minute)->count == 0);
  CHECK(internal::aligned_windows(start, start - minute, minute)->count == 0);
  CHECK(internal::aligned_windows(start, start + 20'000 * minute, minute)->count == 11'000);
  CHECK_FALSE(internal::aligned_windows(start, start + minute, Duration{}).has_value());
}

TEST_CASE("variables are filled in, and none can leave its quotes") {
  const Arm canary = Arm::canary;
  Variables v = variables();
  CHECK(*internal::fill_query(
            "f{a=\"$arm\",v=\"$version\",b=~\"$baseline|x$\"}[$window]/$release$app$channel", v, &canary) ==
        "f{a=\"canary\",v=\"1.2.0\",b=~\"1.1.0|x$\"}[1m]/1.2.0agentstable");
  CHECK(*internal::fill_query("no variables: 5$", v, nullptr) == "no variables: 5$");
  CHECK(internal::fill_query("$versoin", v, nullptr).error().hint.find("$version") != std::string::npos);
  CHECK_FALSE(internal::fill_query("$__interval", v, nullptr).has_value());
  CHECK_FALSE(internal::fill_query("$arm", v, nullptr).has_value());
  for (const std::string bad : {"1.0\"} or vector(1) #", "a b", "", "\n", "x\\", "{", "caf\xc3\xa9"}) {
    v.version = bad;
    CAPTURE(bad);
    const auto got = internal::fill_query("x{v=\"$version\"}", v, nullptr);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().kind == ErrorKind::invalid);
    CHECK(internal::fill_query("x", v, nullptr).has_value());  // not asked for, not checked
  }
  v.version = std::string(129, 'a');
  CHECK_FALSE(internal::fill_query("$version", v, nullptr).has_value());
}

TEST_CASE("a query that asks the same of both arms is refused") {
  spec::Gate gate = compare_gate();
  CHECK_FALSE(internal::fill_arm_query("sum(x{v=\"$version\"})", gate, variables(), Arm::canary).has_value());
  gate.arms = spec::Gate::Arms::version;
  CHECK(*internal::fill_arm_query("x{v=\"$version\"}", gate, variables(), Arm::canary) == "x{v=\"1.2.0\"}");
  CHECK(*internal::fill_arm_query("x{v=\"$version\"}", gate, variables(), Arm::control) == "x{v=\"1.1.0\"}");
}

TEST_CASE("four range queries become one poll a window, by stratum") {
  FakePrometheus p;
  p.rows["sessions canary"] = {
      {"50000", {"100", "110"}}, {"200000", {"40", "41.5"}}, {"1000000", {"7", "7"}}};
  p.rows["sessions control"] = {{"50000", {"1900", "1910"}}, {"200000", {"160", "161"}}, {"0", {"9", "9"}}};
  p.rows["crashes canary"] = {{"50000", {"1", "2"}}, {"1000000", {"5", "5"}}};
  p.rows["crashes control"] = {{"50000", {"9", ""}}, {"200000", {"3", "4"}}};
  const auto got = p.ask(2);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 2);
  const WindowCounts &first = (*got)[0], &second = (*got)[1];
  CHECK(first.end == start + minute);
  CHECK(second.end == start + 2 * minute);
  CHECK((first.has_data && second.has_data));
  REQUIRE(first.counts.size() == 2);  // "0" and "1000000" are not made by chance
  CHECK(first.counts.at("50000").canary.events == 1);
  CHECK(first.counts.at("50000").canary.exposure == 100);
  CHECK(first.counts.at("50000").control.events == 9);
  CHECK(first.counts.at("50000").control.exposure == 1900);
  CHECK(first.counts.at("200000").canary.events == 0);  // exposure without events: they never happened
  CHECK(second.counts.at("50000").control.events == 0);
  CHECK(second.counts.at("200000").canary.exposure == 41.5);

  REQUIRE(p.http.requests.size() == 4);
  CHECK(p.http.requests[0].method == "POST");
  CHECK(p.http.requests[0].url == "http://127.0.0.1:9090/prom/api/v1/query_range");
  CHECK(p.http.requests[0].max_redirects == 0);
  CHECK(p.http.requests[0].max_response_bytes == 8 << 20);
  CHECK(p.forms[1]["query"] == "sum by (stratum) (increase(crashes_total{arm=\"canary\",v=\"1.2.0\"}[1m]))");
  CHECK(p.forms[0]["start"] == "1767225660");
  CHECK(p.forms[0]["end"] == "1767225720");
  CHECK(p.forms[0]["step"] == "60");
}

TEST_CASE("series without a stratum are one stratum, and several of one add up") {
  FakePrometheus p;
  p.rows["sessions canary"] = {{"", {"100"}}, {"", {"50"}}};
  p.rows["sessions control"] = {{"", {"900"}}};
  p.rows["crashes canary"] = {{"", {"1"}}, {"", {"2"}}};
  const auto got = p.ask(1);
  REQUIRE(got->at(0).counts.contains("all"));
  CHECK(got->at(0).counts.at("all").canary.exposure == 150);
  CHECK(got->at(0).counts.at("all").canary.events == 3);
}

TEST_CASE("a window without usable exposure is a gap that says why, never zeros") {
  FakePrometheus p;
  p.rows["sessions canary"] = {{"50000", {"100", "", "100", "NaN", "100", "100", "100", "1"}}};
  p.rows["sessions control"] = {{"50000", {"900", "900", "", "900", "+Inf", "900", "900", "2"}}};
  p.rows["crashes canary"] = {{"50000", {"1", "1", "1", "1", "1", "-1", "1", "1"}}};
  p.rows["crashes control"] = {{"50000", {"1", "1", "1", "1", "1", "1", "1e300", "1"}}};
  const auto got = p.ask(9);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 9);
  const std::vector<const char*> gaps{"",
                                      "exposure of canary",
                                      "exposure of control",
                                      "exposure of canary",
                                      "exposure of control",
                                      "events of canary",
                                      "events of control",
                                      "",
                                      "exposure of either"};
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    CAPTURE(i);
    CHECK((*got)[i].has_data == (*gaps[i] == '\0'));
    CHECK((*got)[i].gap.find(gaps[i]) != std::string::npos);
    CHECK((*got)[i].counts.empty() != (*got)[i].has_data);
  }
}

TEST_CASE("an empty Prometheus gives gaps only") {
  FakePrometheus p;
  const auto nothing = p.ask(3);
  REQUIRE(nothing.has_value());
  REQUIRE(nothing->size() == 3);
  for (const WindowCounts& window : *nothing) {
    CHECK_FALSE(window.has_data);
    CHECK_FALSE(window.gap.empty());
  }
  p.rows["sessions canary"] = {{"1000000", {"5"}}};
  p.rows["sessions control"] = {{"1000000", {"5"}}};
  CHECK_FALSE(p.ask(1)->at(0).has_data);
  CHECK(p.ask(0)->empty());
}

TEST_CASE("a late tick asks in pieces that Prometheus and the bound on answers allow") {
  FakePrometheus p;
  const auto got = p.ask(4'500);
  REQUIRE(got.has_value());
  CHECK(got->size() == 4'500);
  CHECK(p.forms.size() == 12);
  for (auto& form : p.forms) CHECK(*parse_u64(form["end"]) - *parse_u64(form["start"]) <= 1'999 * 60);
  CHECK(*parse_u64(p.forms[4]["start"]) - *parse_u64(p.forms[0]["end"]) == 60);
}

TEST_CASE("where POST is not allowed, GET asks the same") {
  support::FakeHttp http;
  http.handler = [](const ports::HttpRequest& r) -> Result<ports::HttpResponse> {
    if (r.method == "POST") return ports::HttpResponse{405, {}, "no"};
    return ports::HttpResponse{
        200, {}, R"({"status":"success","data":{"resultType":"scalar","result":[1.5,"2"]}})"};
  };
  spec::Gate gate;
  gate.query = "a + b";
  spec::Source source = prom();
  source.token = "env:TRANCHE_T";
  const auto got = source_over(http, source, {{source.token, Secret("t0ken")}})
                       ->measure(gate, variables(), start + Duration(250));
  REQUIRE(got.has_value());
  CHECK(got->values == std::vector<double>{2});
  REQUIRE(http.requests.size() == 2);
  CHECK(http.requests[1].url ==
        "http://127.0.0.1:9090/prom/api/v1/query?query=a%20%2B%20b&time=1767225600.250");
  CHECK(http.requests[1].secret_headers.at(0).second.expose() == "Bearer t0ken");
}

TEST_CASE("a measurement is a scalar or the values of a vector; empty is no data") {
  const auto scalar =
      measure_answer(200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"0.02"]}})");
  REQUIRE(scalar.has_value());
  CHECK((scalar->scalar && scalar->has_data));
  CHECK(scalar->values == std::vector<double>{0.02});
  const auto vector = measure_answer(
      200,
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"1.5"]},{"metric":{},"value":[1,"+Inf"]},{"metric":{},"value":[1,"NaN"]}]}})");
  REQUIRE(vector.has_value());
  CHECK_FALSE(vector->scalar);
  REQUIRE(vector->values.size() == 3);
  CHECK(vector->values[0] == 1.5);
  CHECK(vector->values[1] > 1e308);
  CHECK(vector->values[2] != vector->values[2]);
  const auto empty =
      measure_answer(200, R"({"status":"success","data":{"resultType":"vector","result":[]}})");
  REQUIRE(empty.has_value());
  CHECK_FALSE(empty->has_data);
}

TEST_CASE("every answer that is no answer is an error with the query and a hint") {
  struct Case {
    const char* what;
    int status;
    std::string body;
    ErrorKind kind;
  };
  const std::vector<Case> cases{
      {"bad query", 400, R"({"status":"error","errorType":"bad_data","error":"parse error: \u001b[2J"})",
       ErrorKind::invalid},
      {"too many points", 422, R"({"status":"error","errorType":"execution","error":"boom"})",
       ErrorKind::invalid},
      {"starting", 503, "Service Unavailable", ErrorKind::failed},
      {"unavailable", 503, R"({"status":"error","errorType":"unavailable","error":"x"})", ErrorKind::failed},
      {"error with 200", 200, R"({"status":"error","errorType":"timeout","error":"query timed out"})",
       ErrorKind::failed},
      {"login page", 200, "<html>log in</html>", ErrorKind::failed},
      {"cut off", 200, R"({"status":"success","data":{"resultType":"vector","res)", ErrorKind::failed},
      {"a list", 200, "[]", ErrorKind::failed},
      {"nothing", 200, "", ErrorKind::failed},
      {"no data", 200, R"({"status":"success"})", ErrorKind::failed},
      {"redirect", 302, "", ErrorKind::failed},
      {"forbidden", 403, "no", ErrorKind::failed},
      {"matrix", 200, R"({"status":"success","data":{"resultType":"matrix","result":[]}})",
       ErrorKind::invalid},
      {"string", 200, R"({"status":"success","data":{"resultType":"string","result":[1,"x"]}})",
       ErrorKind::invalid},
      {"vector of nothing", 200, R"({"status":"success","data":{"resultType":"vector","result":[{}]}})",
       ErrorKind::failed},
      {"number without quotes", 200, R"({"status":"success","data":{"resultType":"scalar","result":[1,2]}})",
       ErrorKind::failed},
      {"no number", 200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"x"]}})",
       ErrorKind::failed},
      {"no time", 200, R"({"status":"success","data":{"resultType":"scalar","result":[1e300,"1"]}})",
       ErrorKind::failed},
      {"result is a map", 200, R"({"status":"success","data":{"resultType":"vector","result":{}}})",
       ErrorKind::failed},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const auto got = measure_answer(c.status, c.body, "up{v=\"$version\"}");
    REQUIRE_FALSE(got.has_value());
    CAPTURE(got.error().message);
    CHECK(got.error().kind == c.kind);
    CHECK(got.error().message.find("prom") != std::string::npos);
    CHECK(got.error().message.find('\x1b') == std::string::npos);
    CHECK_FALSE(got.error().hint.empty());
    if (got.error().message.find("the query was") != std::string::npos)
      CHECK(got.error().message.find("up{v=\"1.2.0\"}") != std::string::npos);
  }
  support::FakeHttp down;  // refuses every connection
  spec::Gate gate;
  gate.query = "up";
  const auto got = source_over(down, prom())->measure(gate, variables(), start);
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().message.find("source 'prom'") != std::string::npos);
}

TEST_CASE("a range answer of another shape is an error, not a count") {
  const auto answer = [](const std::string& result) {
    support::FakeHttp http;
    http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
      return ports::HttpResponse{200, {}, R"({"status":"success","data":)" + result + "}"};
    };
    return source_over(http, prom())
        ->compare(compare_gate(), variables(), start, start + 2 * minute)
        .has_value();
  };
  CHECK(answer(R"({"resultType":"matrix","result":[]})"));
  CHECK(answer(R"({"resultType":"matrix","result":[{"metric":{},"values":[[1767225660,"1"]]}]})"));
  for (const char* bad : {R"({"resultType":"vector","result":[]})", R"({"resultType":"matrix","result":{}})",
                          R"({"resultType":"matrix","result":[{"metric":{},"histograms":[]}]})",
                          R"({"resultType":"matrix","result":[{"metric":{},"values":[[-1e300,"1"]]}]})",
                          R"({"resultType":"matrix","result":[{"metric":{},"values":[[1767225660]]}]})"}) {
    CAPTURE(bad);
    CHECK_FALSE(answer(bad));
  }
  std::string many = R"({"resultType":"matrix","result":[)";
  for (int i = 0; i < 65; ++i)
    many += fmt::format(R"({}{{"metric":{{"stratum":"{}"}},"values":[]}})", i == 0 ? "" : ",", i);
  CHECK_FALSE(answer(many + "]}"));
}
