#include "server/http.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "server/testing.hpp"

using namespace tranche;
using namespace tranche::server;
using testing::Client;

namespace {

std::unique_ptr<HttpServer> start(HttpOptions options = {}) {
  auto server = HttpServer::start(
      std::move(options),
      [](const Request& request) {
        Response response;
        auto content = std::make_shared<Content>();
        content->bytes =
            fmt::format("{} {} {} {}", request.method, request.path, request.query, request.body.size());
        response.content = content;
        if (request.path == "/later")
          response.later = [content] {
            Response late;
            late.content = content;
            return late;
          };
        if (request.path == "/headers") {
          content->bytes.clear();
          for (const Header& header : request.headers)
            content->bytes += fmt::format("{}={};", header.name, header.value);
          content->bytes += request.header("x-id");
        }
        if (request.path == "/throws") throw std::runtime_error("no");
        return response;
      },
      [](std::string_view path) { return path == "/big" ? std::size_t{1} << 20 : std::size_t{64}; });
  REQUIRE(server);
  return std::move(*server);
}

}  // namespace

TEST_CASE("one connection answers many requests, pipelined ones in order") {
  const auto server = start();
  Client client(server->port());
  std::string many;
  for (int i = 0; i < 50; ++i) many += fmt::format("GET /{}?a=b HTTP/1.1\r\nHost: h\r\n\r\n", i);
  many += "GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /last HTTP/1.1\r\nHost: h\r\n\r\nGET /par";
  REQUIRE(client.send(many));
  for (int i = 0; i < 50; ++i) CHECK(client.receive().body == fmt::format("GET /{} a=b 0", i));
  CHECK(client.receive().body == "GET /later  0");
  CHECK(client.receive().body == "GET /last  0");
  client.send("tial HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(client.receive().body == "GET /partial  0");
}

TEST_CASE("bodies come by length and in chunks") {
  const auto server = start();
  Client client(server->port());
  CHECK(client.post("/x", "12345").body == "POST /x  5");
  client.send(
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(client.receive().body == "POST /x  5");
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(client.receive().status == 100);
  client.send("abc");
  CHECK(client.receive().body == "POST /x  3");
}

TEST_CASE("what is ambiguous or malformed gets its status and the connection ends") {
  const auto server = start();
  const std::string h = "Host: h\r\n";
  const std::vector<std::pair<std::string, int>> rows{
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + h + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + h + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + h + "Transfer-Encoding: xchunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + h + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + h + h + "\r\n", 400},
      {"GET / HTTP/2.0\r\n" + h + "\r\n", 505},
      {"GET http://elsewhere/ HTTP/1.1\r\n" + h + "\r\n", 400},
      {"\x16\x03\x01\x02\x01", 400},
      {"GET /\x01 HTTP/1.1\r\n" + h + "\r\n", 400},
      {"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + h + "X: " + std::string(17 * 1024, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(17 * 1024, 'x') + " HTTP/1.1\r\n" + h + "\r\n", 431},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 65\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\n" + h + "Content-Length: 104857600\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\n" + h + "Transfer-Encoding: chunked\r\n\r\n50\r\n" + std::string(80, 'x'), 413}};
  for (const auto& [bytes, status] : rows) {
    CAPTURE(bytes.substr(0, 120));
    Client client(server->port());
    client.send(bytes);
    const auto answer = client.receive();
    CHECK(answer.status == status);
    CHECK(answer.head.find("Connection: close") != std::string::npos);
    CHECK(answer.body.find("\"hint\":") != std::string::npos);
  }
}

TEST_CASE("many small header lines are limited as one large header is") {
  const auto server = start();
  Client client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n");
  bool open = true;
  for (int i = 0; i < 200 && open; ++i) open = client.send(fmt::format("X-{}: y\r\n", i));
  client.send("\r\n");
  CHECK(client.receive().status == 431);
}

TEST_CASE("a request that dribbles in is cut at its absolute deadline") {
  HttpOptions options;
  options.request_deadline = std::chrono::milliseconds(300);
  const auto server = start(options);
  Client client(server->port());
  REQUIRE(client.send("GET / HTTP/1.1\r\nHo"));
  CHECK(client.receive().status == 408);
  CHECK(client.ended());
  Client silent(server->port());
  CHECK(silent.ended());
}

TEST_CASE("a thousand half-open connections leave a fresh request unhindered") {
  const auto server = start();
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(std::make_unique<Client>(server->port()));
    if (i % 2 == 0) idle.back()->send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  }
  Client fresh(server->port());
  CHECK(fresh.get("/fresh").body == "GET /fresh  0");
  idle[0]->send("cde");
  CHECK(idle[0]->receive().body == "POST /x  5");
}

TEST_CASE("connections are limited in all and per address") {
  HttpOptions options;
  options.max_connections_per_address = 2;
  options.limit_loopback = true;
  const auto server = start(options);
  Client first(server->port());
  CHECK(first.get("/").status == 200);
  Client second(server->port());
  CHECK(second.get("/").status == 200);
  Client third(server->port());
  CHECK(third.ended());
  CHECK(first.get("/").status == 200);
}

TEST_CASE("a handler that throws is a 500, and the connection lives on") {
  const auto server = start();
  Client client(server->port());
  CHECK(client.get("/throws").status == 500);
  CHECK(client.get("/").status == 200);
}

TEST_CASE("HTTP/1.0 and Connection: close end after their answer") {
  const auto server = start();
  Client old(server->port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(old.receive().status == 200);
  CHECK(old.ended());
  Client closing(server->port());
  CHECK(closing.get("/", "Connection: close\r\n").status == 200);
  CHECK(closing.ended());
}

TEST_CASE("stopping ends idle connections and is idempotent") {
  const auto server = start();
  Client client(server->port());
  CHECK(client.get("/").status == 200);
  server->stop();
  CHECK(client.ended());
  server->stop();
  CHECK(!Client(server->port()).connected());
}

TEST_CASE("a port that is taken is an error with a hint") {
  const auto server = start();
  HttpOptions options;
  options.port = server->port();
  const auto second = HttpServer::start(
      options, [](const Request&) { return Response(); }, [](std::string_view) { return std::size_t{0}; });
  REQUIRE(!second);
  CHECK(second.error().message.find("cannot listen") != std::string::npos);
  CHECK(!second.error().hint.empty());
}

TEST_CASE("headers are kept when they are asked for, in any case, and never mixed between requests") {
  HttpOptions options;
  options.kept_headers = {"x-id", "x-manual"};
  const auto server = start(options);
  Client client(server->port());
  CHECK(client.get("/headers", "X-Id: a\r\nX-Other: b\r\nCookie: c\r\n").body == "x-id=a;a");
  CHECK(client.get("/headers", "x-manual: 1\r\nX-ID: a\r\nx-iD: b\r\n").body == "x-manual=1;x-id=a, b;a, b");
  CHECK(client.get("/headers").body.empty());
  const auto plain = start();
  CHECK(Client(plain->port()).get("/headers", "x-id: a\r\n").body.empty());
}
