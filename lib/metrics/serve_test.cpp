#include <doctest/doctest.h>

#include "metrics/source_testing.hpp"

using namespace tranche;
using namespace tranche::metrics;

namespace {

constexpr Duration second = std::chrono::seconds(1);

struct FakeServe {
  support::FakeHttp http;
  std::string sessions, crashes;  // the windows
  std::string head =
      R"({"schema":"tranche/series/v1","app":"agent","channel":"stable","name":"$","step-ms":1000,"since":"2026-01-01T00:00:00Z","windows":[)";
  int status = 200;

  FakeServe() {
    http.handler = [this](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      const bool is_sessions = request.url.find("name=sessions") != std::string::npos;
      std::string body = head;
      if (const std::size_t at = body.find('$'); at != std::string::npos)
        body.replace(at, 1, is_sessions ? "sessions" : "crashes");
      return ports::HttpResponse{status, {}, body + (is_sessions ? sessions : crashes) + "]}"};
    };
  }
  std::unique_ptr<Source> source() {
    spec::Source source;
    source.name = "fleet";
    source.kind = spec::Source::Kind::serve;
    source.url = "http://127.0.0.1:8088";
    return source_over(http, source);
  }
  Result<std::vector<WindowCounts>> ask(int windows) {
    spec::Gate gate;
    gate.name = "crashes";
    gate.events = "crashes";
    gate.exposure = "sessions";
    gate.every = second;
    return source()->compare(gate, variables(), start, start + windows * second);
  }
  Result<gate::Measurement> measure(const std::string& query) {
    spec::Gate gate;
    gate.name = "rate";
    gate.query = query;
    gate.interval = second;
    return source()->measure(gate, variables(), start + second);
  }
  static Variables variables() { return {"agent", "stable", "1.2.0", "1.2.0", "1.1.0", second}; }
};

}  // namespace

TEST_CASE("the server's windows become polls; one that it leaves out is a gap") {
  FakeServe f;
  f.sessions =
      R"({"end":"2026-01-01T00:00:01Z","counts":{"0":{"control":7},"50000":{"canary":12,"control":340},"1000000":{"canary":3}}},)"
      R"({"end":"2026-01-01T00:00:03Z","counts":{"50000":{"canary":0,"control":0}}},)"
      R"({"end":"2026-01-01T00:00:04Z","counts":{"1000000":{"canary":3}}})";
  f.crashes = R"({"end":"2026-01-01T00:00:01Z","counts":{"50000":{"canary":1,"control":2}}},)"
              R"({"end":"2026-01-01T00:00:02Z","counts":{}},{"end":"2026-01-01T00:00:03Z","counts":{}},)"
              R"({"end":"2026-01-01T00:00:04Z","counts":{}})";
  const auto got = f.ask(4);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 4);
  CHECK(got->at(0).has_data);
  REQUIRE(got->at(0).counts.size() == 1);
  CHECK(got->at(0).counts.at("50000").canary.events == 1);
  CHECK(got->at(0).counts.at("50000").canary.exposure == 12);
  CHECK(got->at(0).counts.at("50000").control.events == 2);
  CHECK(got->at(0).counts.at("50000").control.exposure == 340);
  CHECK_FALSE(got->at(1).has_data);
  CHECK(got->at(2).has_data);
  CHECK(got->at(2).counts.at("50000").canary.events == 0);
  CHECK_FALSE(got->at(3).has_data);
  for (const WindowCounts& window : *got) CHECK(window.gap.empty() == window.has_data);
  REQUIRE(f.http.requests.size() == 2);
  CHECK(f.http.requests[0].url ==
        "http://127.0.0.1:8088/v1/"
        "series?app=agent&channel=stable&name=sessions&release=1.2.0&after=2026-01-01T00%3A00%"
        "3A00Z&until=2026-01-01T00%3A00%3A04Z&step=1s");
  CHECK(f.ask(0)->empty());
}

TEST_CASE("a server that answers something else is an error") {
  const std::string good = R"({"end":"2026-01-01T00:00:01Z","counts":{}})";
  FakeServe f;
  f.sessions = f.crashes = good;
  REQUIRE(f.ask(1).has_value());
  for (const std::string bad :
       {R"({"end":"2026-01-01T00:00:02Z","counts":{}})", R"({"end":"2026-01-01T00:00:00Z","counts":{}})",
        R"({"end":"2026-01-01T00:00:00.500Z","counts":{}})", R"({"end":"never","counts":{}})",
        R"({"end":1,"counts":{}})", R"({"counts":{}})", R"({"end":"2026-01-01T00:00:01Z"})", "5",
        R"({"end":"2026-01-01T00:00:01Z","counts":{}},{"end":"2026-01-01T00:00:01Z","counts":{}})",
        R"({"end":"2026-01-01T00:00:01Z","counts":{"50000":{"canary":-1,"control":1}}})",
        R"({"end":"2026-01-01T00:00:01Z","counts":{"50000":{"canary":1e300,"control":1}}})",
        R"({"end":"2026-01-01T00:00:01Z","counts":{"50000":{"canary":"1","control":1}}})"}) {
    CAPTURE(bad);
    f.sessions = bad;
    const auto got = f.ask(1);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().message.find("source 'fleet'") != std::string::npos);
    CHECK_FALSE(got.error().hint.empty());
  }
  f.sessions = good;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"series/v1", "series/v2"},
                                                                                 {"agent", "other"},
                                                                                 {"stable", "beta"},
                                                                                 {"1000", "2000"},
                                                                                 {"\"$\"", "\"uptime\""}}) {
    FakeServe other;
    other.sessions = other.crashes = good;
    other.head.replace(other.head.find(from), from.size(), to);
    CHECK_FALSE_MESSAGE(other.ask(1).has_value(), to);
  }
  FakeServe refusing;
  refusing.status = 400;
  refusing.head = R"({"error":"no channel 'stable' of app 'agent' here","x":[)";
  CHECK(refusing.ask(1).error().kind == ErrorKind::invalid);
  CHECK(refusing.ask(1).error().message.find("no channel 'stable'") != std::string::npos);
  refusing.status = 500;
  CHECK(refusing.ask(1).error().kind == ErrorKind::failed);
}

TEST_CASE("a threshold on the server's counters is the canary's count or the rate of two") {
  FakeServe f;
  f.sessions =
      R"({"end":"2026-01-01T00:00:01Z","counts":{"50000":{"canary":30,"control":340},"1000000":{"canary":10}}})";
  f.crashes =
      R"({"end":"2026-01-01T00:00:01Z","counts":{"50000":{"canary":1,"control":9},"1000000":{"canary":1}}})";
  const auto rate = f.measure("crashes / sessions");
  REQUIRE(rate.has_value());
  CHECK(rate->scalar);
  CHECK(rate->values == std::vector<double>{0.05});
  CHECK(f.measure("crashes")->values == std::vector<double>{2});
  f.sessions = R"({"end":"2026-01-01T00:00:01Z","counts":{}})";
  CHECK_FALSE(f.measure("crashes / sessions")->has_data);  // no sessions
  f.crashes.clear();
  CHECK_FALSE(f.measure("crashes")->has_data);  // no window
  for (const char* bad : {"", "a b", "crashes / ", "crashes & sessions", "crashes/sessions/2"})
    CHECK_FALSE_MESSAGE(f.measure(bad).has_value(), bad);
}

TEST_CASE("the server's assigned devices come with the windows, without a query") {
  FakeServe f;
  f.sessions =
      R"({"end":"2026-01-01T00:00:01Z","counts":{"50000":{"canary":12,"control":340}},"assigned":{"50000":{"canary":4,"control":96},"0":{"control":7}}})";
  f.crashes = R"({"end":"2026-01-01T00:00:01Z","counts":{"50000":{"canary":1,"control":3}}})";
  const auto windows = f.ask(1);
  REQUIRE(windows.has_value());
  REQUIRE(windows->size() == 1);
  CHECK(windows->front().has_data);
  REQUIRE(windows->front().assigned.size() == 1);
  CHECK(windows->front().assigned.at("50000").canary.exposure == 4);
  CHECK(windows->front().assigned.at("50000").control.exposure == 96);
  f.sessions = R"({"end":"2026-01-01T00:00:01Z","counts":{},"assigned":{"50000":{"canary":-4}}})";
  CHECK_FALSE(f.ask(1).has_value());
  f.sessions = R"({"end":"2026-01-01T00:00:01Z","counts":{},"assigned":[]})";
  CHECK_FALSE(f.ask(1).has_value());
}
