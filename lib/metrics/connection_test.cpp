// How a metrics server is asked: credentials, tries, clocks.
#include <cmath>

#include "metrics/connection.hpp"
#include "metrics/query_source.hpp"
#include "metrics/source_testing.hpp"

using namespace tranche;
using namespace tranche::metrics;
using internal::Connection;

namespace {

struct Peer : support::FakeWorld {
  std::vector<ports::HttpResponse> answers;  // in turn; the last one stays
  std::size_t failures = 0;                  // refused connections before them
  spec::Source source;

  Peer() {
    source.name = "prom";
    source.url = "http://127.0.0.1:9090/";
    http.handler = [this](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
      const std::size_t n = http.requests.size() - 1;
      if (n < failures) return fail(ErrorKind::failed, "connection refused");
      return answers[std::min(n - failures, answers.size() - 1)];
    };
  }
  Result<internal::Answer> ask(const Secrets& secrets = {}) {
    auto connection = TRY(Connection::make({world(), "", secrets}, source));
    return connection.get("/x", {{"a", "b c"}});
  }
  Duration slept() { return std::chrono::duration_cast<Duration>(clock.elapsed()); }
};

ports::HttpResponse ok(std::string body = "{}") { return {200, {}, std::move(body)}; }

}  // namespace

TEST_CASE("what may pass is tried again with growing pauses, what may not is not") {
  for (const int status : {429, 500, 502, 503, 504}) {
    Peer peer;
    peer.answers = {{status, {}, "{}"}, {status, {}, "{}"}, ok()};
    CAPTURE(status);
    REQUIRE(peer.ask().has_value());
    CHECK(peer.http.requests.size() == 3);
    CHECK(peer.slept() >= Duration(300));  // 200 and 400, less up to a half
    CHECK(peer.slept() <= Duration(600));
    CHECK(peer.http.requests[1].timeout < peer.http.requests[0].timeout);  // one deadline for all
  }
  for (const int status : {200, 204, 301, 400, 401, 403, 404, 405, 422, 501}) {
    Peer peer;
    peer.answers = {{status, {}, "{}"}};
    CAPTURE(status);
    CHECK(peer.ask()->status == status);
    CHECK(peer.http.requests.size() == 1);
  }
  Peer refused;
  refused.failures = 2;
  refused.answers = {ok()};
  CHECK(refused.ask().has_value());
  CHECK(refused.http.requests.size() == 3);
  Peer down;
  down.failures = 100;
  const auto got = down.ask();
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().kind == ErrorKind::failed);
  CHECK(got.error().message.find("source 'prom'") != std::string::npos);
  CHECK(down.http.requests.size() == 4);
}

TEST_CASE("Retry-After is obeyed within the deadline, and given up beyond it") {
  Peer peer;
  peer.answers = {{429, {{"retry-after", "3"}}, "{}"}, ok()};
  CHECK(peer.ask()->status == 200);
  CHECK(peer.slept() == Duration(3000));
  Peer dated;
  dated.answers = {{503, {{"retry-after", "Thu, 01 Jan 2026 00:00:02 GMT"}}, "{}"}, ok()};
  CHECK(dated.ask()->status == 200);
  CHECK(dated.slept() == Duration(2000));
  Peer late;
  late.answers = {{429, {{"retry-after", "3600"}}, "{}"}};
  const auto got = late.ask();
  REQUIRE(got.has_value());
  CHECK(got->status == 429);
  CHECK(got->retry == "3600");
  CHECK(late.http.requests.size() == 1);
  Peer interrupted;
  interrupted.answers = {{503, {}, "{}"}};
  interrupted.clock.interrupt();
  CHECK(interrupted.ask()->status == 503);
  CHECK(interrupted.http.requests.size() == 1);
}

TEST_CASE("credentials go into secret headers, and a missing one is an error") {
  Peer peer;
  peer.answers = {ok()};
  peer.source.token = "env:TRANCHE_T";
  peer.source.headers = {{"X-Scope-OrgID", "tenant-1"}, {"X-Key", "env:TRANCHE_K"}};
  const Secrets secrets{{"env:TRANCHE_T", Secret("t0ken")}, {"env:TRANCHE_K", Secret("k")}};
  REQUIRE(peer.ask(secrets).has_value());
  const ports::HttpRequest& sent = peer.http.requests[0];
  CHECK(sent.url == "http://127.0.0.1:9090/x?a=b%20c");
  REQUIRE(sent.secret_headers.size() == 2);
  CHECK(sent.secret_headers[0].first == "authorization");
  CHECK(sent.secret_headers[0].second.expose() == "Bearer t0ken");
  CHECK(sent.secret_headers[1].second.expose() == "k");
  CHECK(sent.headers[0] == std::pair<std::string, std::string>("X-Scope-OrgID", "tenant-1"));
  CHECK(sent.max_redirects == 0);

  peer.source.token.clear();
  peer.source.user = "reader";
  peer.source.password = "file:/run/secret";
  REQUIRE(peer.ask({{"file:/run/secret", Secret("pa:ss")}, {"env:TRANCHE_K", Secret("k")}}).has_value());
  CHECK(peer.http.requests[1].secret_headers[0].second.expose() == "Basic cmVhZGVyOnBhOnNz");

  const auto missing = peer.ask();
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == ErrorKind::invalid);
  CHECK(missing.error().message.find("file:/run/secret") != std::string::npos);
}

TEST_CASE("the server's clock is read from Date") {
  CHECK(to_text(*internal::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")) == "1994-11-06T08:49:37Z");
  for (const char* bad : {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nox 1994 08:49:37 GMT",
                          "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, xx Nov 1994 08:49:37 GMT"})
    CHECK_FALSE(internal::parse_http_date(bad).has_value());
  CHECK(internal::clock_words(Duration(90'000), Duration(60'000)) ==
        " (the server's clock is 1m30s ahead of ours)");
  CHECK(internal::clock_words(Duration(-90'000), Duration(60'000)) ==
        " (the server's clock is 1m30s behind ours)");
  CHECK(internal::clock_words(Duration(61'000), Duration(60'000)).empty());
  CHECK(internal::clock_words(std::nullopt, Duration(1)).empty());
}
