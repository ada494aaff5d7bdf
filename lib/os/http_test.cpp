#include <doctest/doctest.h>

#include <cstdlib>
#include <thread>

#include "base/text.hpp"
#include "os/world.hpp"
#include "support/free_port.hpp"
#include "support/loopback_server.hpp"

using namespace tranche;
using support::LoopbackServer;

namespace {
std::string line_of(const std::string& request) { return request.substr(0, request.find("\r\n")); }
bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("a request goes out as it was asked, and any status is an answer") {
  LoopbackServer server(
      [](const std::string&) { return LoopbackServer::answer(418, "short", "X-One: a b \r\n"); });
  const auto http = os::make_http();
  const auto response = http->send({.method = "PUT",
                                    .url = server.url("/a?b=c"),
                                    .headers = {{"X-Plain", "p"}, {"X-Empty", ""}},
                                    .secret_headers = {{"Authorization", Secret("Bearer s3cret")}},
                                    .body = std::string("bo\0dy", 5)});
  REQUIRE(response.has_value());
  CHECK(response->status == 418);
  CHECK(response->body == "short");
  CHECK(response->header("x-one") == "a b");
  const auto request = server.requests().at(0);
  CHECK(line_of(request) == "PUT /a?b=c HTTP/1.1");
  CHECK(holds(request, "\r\nX-Plain: p\r\n"));
  CHECK(holds(request, "\r\nX-Empty:\r\n"));
  CHECK(holds(request, "\r\nAuthorization: Bearer s3cret\r\n"));
  CHECK(request.ends_with(std::string("\r\n\r\nbo\0dy", 9)));
  CHECK_FALSE(holds(request, "Expect:"));
  CHECK_FALSE(holds(request, "Content-Type:"));
}

TEST_CASE("methods without a body are sent as such") {
  LoopbackServer server([](const std::string& request) {
    return std::optional(request.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                                                     : LoopbackServer::answer(200, "x"));
  });
  const auto http = os::make_http();
  for (const char* method : {"GET", "HEAD", "POST", "DELETE"}) {
    CAPTURE(method);
    const auto response = http->send({.method = method, .url = server.url()});
    REQUIRE(response.has_value());
    CHECK(response->status == 200);
    CHECK(line_of(server.requests().back()) == std::string(method) + " / HTTP/1.1");
  }
}

TEST_CASE("requests to one host share a connection") {
  LoopbackServer server([](const std::string&) { return LoopbackServer::answer(200, "x"); });
  const auto http = os::make_http();
  for (int i = 0; i < 20; ++i) REQUIRE(http->send({.url = server.url()}).has_value());
  CHECK(server.connections() == 1);
}

TEST_CASE("many threads may send at once") {
  LoopbackServer server(
      [](const std::string& request) { return LoopbackServer::answer(200, line_of(request)); });
  const auto http = os::make_http();
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&, i] {
        for (int j = 0; j < 10; ++j) {
          const auto path = fmt::format("/{}/{}", i, j);
          const auto response = http->send({.url = server.url(path)});
          if (response && response->body == "GET " + path + " HTTP/1.1") ++right;
        }
      });
  }
  CHECK(right == 80);
}

TEST_CASE("a body larger than asked for is an error, with and without a length") {
  for (const bool with_length : {true, false}) {
    LoopbackServer server([&](const std::string&) {
      const std::string body(1001, 'x');
      return std::optional(with_length ? LoopbackServer::answer(200, body)
                                       : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                                             body + "\r\n0\r\n\r\n");
    });
    const auto http = os::make_http();
    const auto refused = http->send({.url = server.url(), .max_response_bytes = 1000});
    REQUIRE_FALSE(refused.has_value());
    CHECK(holds(refused.error().message, "larger than 1000 bytes"));
    CHECK_FALSE(refused.error().hint.empty());
    CHECK(http->send({.url = server.url(), .max_response_bytes = 1001})->body.size() == 1001);
  }
}

TEST_CASE("endless headers are an error") {
  LoopbackServer server([](const std::string&) {
    std::string answer = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 5000; ++i) answer += "X-Filler: " + std::string(80, 'x') + "\r\n";
    return std::optional(answer + "Content-Length: 0\r\n\r\n");
  });
  CHECK_FALSE(os::make_http()->send({.url = server.url()}).has_value());
}

TEST_CASE("a server that says nothing is given up at the timeout") {
  LoopbackServer server([](const std::string&) { return std::nullopt; });
  const auto late = os::make_http()->send({.url = server.url(), .timeout = std::chrono::milliseconds(50)});
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == ErrorKind::failed);
  CHECK(holds(late.error().message, "within 50ms"));
}

TEST_CASE("a refused connection says so, without the query") {
  const auto url = fmt::format("http://127.0.0.1:{}/x?token=s3cret", support::free_port());
  const auto refused = os::make_http()->send({.url = url});
  REQUIRE_FALSE(refused.has_value());
  INFO(refused.error().message);
  CHECK(refused.error().hint == "check that the server runs and that the port is right");
  CHECK_FALSE(holds(refused.error().message, "s3cret"));
}

TEST_CASE("an answer that breaks off is an error") {
  LoopbackServer server([](const std::string&) {
    return std::optional<std::string>(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  });
  CHECK_FALSE(os::make_http()->send({.url = server.url()}).has_value());
}

TEST_CASE("redirects are followed only as often as asked, and 303 turns into GET") {
  LoopbackServer server([](const std::string& request) {
    if (holds(line_of(request), "/end")) return LoopbackServer::answer(200, line_of(request));
    return LoopbackServer::answer(303, "", "Location: /end?x\r\n");
  });
  const auto http = os::make_http();
  CHECK(http->send({.method = "POST", .url = server.url(), .body = "b"})->status == 303);
  const auto response = http->send({.method = "POST", .url = server.url(), .body = "b", .max_redirects = 1});
  REQUIRE(response.has_value());
  CHECK(response->body == "GET /end?x HTTP/1.1");

  LoopbackServer circle(
      [](const std::string&) { return LoopbackServer::answer(302, "", "Location: /\r\n"); });
  const auto refused = http->send({.url = circle.url(), .max_redirects = 3});
  REQUIRE_FALSE(refused.has_value());
  CHECK(circle.requests().size() == 4);
}

TEST_CASE("secrets stay with their origin, even when a chain of redirects comes back") {
  LoopbackServer* home_of = nullptr;
  LoopbackServer stranger([&](const std::string&) {
    return LoopbackServer::answer(307, "", "Location: " + home_of->url("/back") + "\r\n");
  });
  LoopbackServer home([&](const std::string& request) {
    if (holds(line_of(request), "/same"))
      return LoopbackServer::answer(307, "", "Location: " + stranger.url() + "\r\n");
    if (holds(line_of(request), "/back")) return LoopbackServer::answer(200, "end");
    return LoopbackServer::answer(307, "", "Location: /same\r\n");
  });
  home_of = &home;
  const auto response = os::make_http()->send({.url = home.url(),
                                               .headers = {{"X-Plain", "p"}},
                                               .secret_headers = {{"X-Api-Key", Secret("s3cret")}},
                                               .max_redirects = 5});
  REQUIRE(response.has_value());
  CHECK(response->body == "end");
  REQUIRE(home.requests().size() == 3);
  CHECK(holds(home.requests()[0], "s3cret"));
  CHECK(holds(home.requests()[1], "s3cret"));
  CHECK_FALSE(holds(home.requests()[2], "s3cret"));
  REQUIRE(stranger.requests().size() == 1);
  CHECK_FALSE(holds(stranger.requests()[0], "s3cret"));
  CHECK(holds(stranger.requests()[0], "X-Plain"));
}

TEST_CASE("what is no web address, or would smuggle a header, is refused before anything is sent") {
  LoopbackServer server(
      [](const std::string&) { return LoopbackServer::answer(302, "", "Location: file:///etc/passwd\r\n"); });
  const auto http = os::make_http();
  for (const std::string url : {"", "x", "file:///etc/passwd", "ftp://h/x", "gopher://h/x", "http://",
                                "http://u:p@h/", "http://h/\r\nX: y", "http://h h/"}) {
    CAPTURE(url);
    const auto refused = http->send({.url = url});
    REQUIRE_FALSE(refused.has_value());
    INFO(refused.error().message);
    CHECK(refused.error().kind == ErrorKind::invalid);
    CHECK_FALSE(holds(refused.error().message, "u:p"));
  }
  CHECK_FALSE(http->send({.url = server.url(), .headers = {{"A", "b\r\nC: d"}}}).has_value());
  CHECK_FALSE(http->send({.url = server.url(), .headers = {{"A b", "c"}}}).has_value());
  CHECK_FALSE(http->send({.method = "GET /x", .url = server.url()}).has_value());
  CHECK(server.requests().empty());
  CHECK_FALSE(http->send({.url = server.url(), .max_redirects = 1}).has_value());
}

TEST_CASE("the environment's proxy is not used for this machine") {
  LoopbackServer proxy([](const std::string&) { return LoopbackServer::answer(200, "proxy"); });
  LoopbackServer server([](const std::string&) { return LoopbackServer::answer(200, "server"); });
  setenv("http_proxy", proxy.url().c_str(), 1);
  const auto http = os::make_http();
  const auto inside = http->send({.url = server.url()});
  const auto outside = http->send({.url = "http://tranche.invalid/"});
  unsetenv("http_proxy");
  CHECK(inside->body == "server");
  REQUIRE(outside.has_value());
  CHECK(outside->body == "proxy");
}

TEST_CASE("what a request sends does not depend on the requests before it") {
  LoopbackServer* stranger_of = nullptr;
  LoopbackServer server([&](const std::string& request) -> std::optional<std::string> {
    const std::string line = line_of(request);
    if (holds(line, "/broken"))
      return "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    if (holds(line, "/same")) return LoopbackServer::answer(307, "", "Location: /end\r\n");
    if (holds(line, "/away"))
      return LoopbackServer::answer(302, "", "Location: " + stranger_of->url("/end") + "\r\n");
    if (line.starts_with("HEAD")) return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    return LoopbackServer::answer(200, "answer");
  });
  LoopbackServer stranger([](const std::string&) { return LoopbackServer::answer(200, "far"); });
  stranger_of = &stranger;
  const std::vector<std::pair<std::string, Secret>> secret = {{"Authorization", Secret("Bearer s3cret")}};
  const std::vector<std::pair<std::string, Secret>> other = {{"X-Api-Key", Secret("0ther")}};
  const std::vector<ports::HttpRequest> shapes = {
      {.url = server.url("/plain")},
      {.url = server.url("/plain"), .secret_headers = secret},
      {.url = server.url("/plain"), .secret_headers = other},
      {.url = server.url("/q?token=1"), .headers = {{"User-Agent", "me"}, {"X-One", "1"}}},
      {.method = "HEAD", .url = server.url("/plain")},
      {.method = "POST", .url = server.url("/plain")},
      {.method = "POST",
       .url = server.url("/plain"),
       .headers = {{"Content-Type", "text/x"}},
       .secret_headers = secret,
       .body = "a body of some length"},
      {.method = "POST", .url = server.url("/plain"), .body = "b"},
      {.method = "POST", .url = server.url("/plain"), .body = std::string(3000, 'c')},
      {.method = "PUT", .url = server.url("/plain"), .body = "d"},
      {.method = "PUT", .url = server.url("/plain")},
      {.method = "DELETE", .url = server.url("/plain"), .secret_headers = secret},
      {.url = server.url("/same"), .secret_headers = secret, .max_redirects = 2},
      {.method = "POST",
       .url = server.url("/away"),
       .secret_headers = secret,
       .body = "e",
       .max_redirects = 2},
      {.method = "POST",
       .url = server.url("/plain"),
       .secret_headers = secret,
       .body = "too much of an answer",
       .max_response_bytes = 1},
      {.method = "POST", .url = server.url("/broken"), .secret_headers = secret, .body = "no answer"},
      {.url = stranger.url("/far")},
  };
  // Everything that both servers saw of one request, and what came of it.
  const auto send = [&](ports::Http& http, const ports::HttpRequest& request) {
    const std::size_t here = server.requests().size(), there = stranger.requests().size();
    const auto response = http.send(request);
    std::string seen = response ? fmt::format("{} {}", response->status, response->body) : "error";
    const auto at_home = server.requests(), away = stranger.requests();
    for (std::size_t i = here; i < at_home.size(); ++i) seen += "\n" + at_home[i];
    for (std::size_t i = there; i < away.size(); ++i) seen += "\n(away) " + away[i];
    return seen;
  };
  std::vector<std::string> alone;
  for (const auto& request : shapes) alone.push_back(send(*os::make_http(), request));
  CHECK(holds(alone[1], "s3cret"));
  CHECK_FALSE(holds(alone[0], "s3cret"));
  for (std::size_t first = 0; first < shapes.size(); ++first) {
    const auto http = os::make_http();
    for (std::size_t second = 0; second < shapes.size(); ++second) {
      CAPTURE(first);
      CAPTURE(second);
      CHECK(send(*http, shapes[first]) == alone[first]);
      CHECK(send(*http, shapes[second]) == alone[second]);
    }
  }
}

TEST_CASE("a shorter or a longer limit of one request is not that of the next") {
  LoopbackServer server([](const std::string& request) -> std::optional<std::string> {
    if (holds(line_of(request), "/silent")) return std::nullopt;
    return LoopbackServer::answer(200, std::string(100, 'x'));
  });
  const auto http = os::make_http();
  using std::chrono::milliseconds;
  REQUIRE(http->send({.url = server.url(), .timeout = milliseconds(60'000)}));
  const auto late = http->send({.url = server.url("/silent"), .timeout = milliseconds(20)});
  REQUIRE_FALSE(late);
  CHECK(holds(late.error().message, "within 20ms"));
  CHECK(http->send({.url = server.url(), .max_response_bytes = 100}));
  CHECK_FALSE(http->send({.url = server.url(), .max_response_bytes = 99}));
  CHECK(http->send({.url = server.url()}));
}

TEST_CASE("the words of one failure are not those of the next") {
  LoopbackServer server([](const std::string&) {
    return std::optional<std::string>(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  });
  const auto http = os::make_http();
  const auto closed = fmt::format("http://127.0.0.1:{}/", support::free_port());
  const auto words = [&](ports::Http& through, const std::string& url) {
    const auto refused = through.send({.url = url});
    REQUIRE_FALSE(refused);
    return refused.error().message;
  };
  const std::string alone = words(*os::make_http(), server.url());
  const std::string refused = words(*http, closed);
  CHECK(holds(refused, "connect"));
  CHECK(words(*http, server.url()) == alone);
}
