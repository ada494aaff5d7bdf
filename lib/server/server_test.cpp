#include "server/server.hpp"

#include <doctest/doctest.h>

#include "cohort/decide.hpp"
#include "doc/value.hpp"
#include "os/world.hpp"
#include "server/testing.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::server;
using testing::Client;
using testing::TestChannel;

namespace {

struct Running {
  support::TempDirectory directory;
  os::RealWorld real;
  TestChannel channel{directory.path(), real.world().clock.now()};
  std::unique_ptr<Server> server;

  explicit Running(bool publish = true) {
    if (publish) channel.publish(real.world().files);
    Options options;
    options.channels.push_back(channel.served());
    auto started = Server::start(real.world(), std::move(options));
    REQUIRE(started);
    server = std::move(*started);
  }
  void republish() {
    channel.publish(real.world().files);
    server->poll();
  }
  Client client() const { return Client(server->port()); }
};

std::string check_in(std::string_view device, std::string_view boot, int seq, int sessions, int crashes,
                     std::string_view version = "1.0.0") {
  return fmt::format(
      R"({{"device":"{}","app":"app","channel":"stable","version":"{}","boot":"{}","seq":{},"sessions":{},)"
      R"("crashes":{},"labels":{{}},"signals":{{}},"sent":"2026-01-01T00:00:00Z"}})",
      device, version, boot, seq, sessions, crashes);
}

std::string health(Client& client) {
  const auto answer = client.get("/healthz");
  const auto body = doc::parse_json(answer.body);
  return answer.status == 200 && body ? *body->text("status") : "none";
}

}  // namespace

TEST_CASE("the server decides for every device exactly as cohort::decide does") {
  Running running;
  running.channel.offer("1.1.0", Percent{200'000});
  running.republish();
  Client client = running.client();
  for (int i = 0; i < 200; ++i) {
    const std::string id = fmt::format("device-{}", i);
    const auto decision = cohort::decide(running.channel.feed.directions, {id, {}}, "1.0.0");
    const auto answer =
        client.get(fmt::format("/v1/update?app=app&channel=stable&device={}&version=1.0.0", id));
    if (decision.version == "1.0.0") {
      CHECK(answer.status == 204);
      continue;
    }
    REQUIRE(answer.status == 200);
    const auto body = doc::parse_json(answer.body);
    REQUIRE(body);
    CHECK(*body->text("version") == decision.version);
    CHECK(*body->text("reason") == to_text(decision.reason));
    CHECK(*body->integer("sequence") == static_cast<std::int64_t>(running.channel.feed.sequence));
  }
}

TEST_CASE("labels in the query reach the rules") {
  Running running;
  running.channel.offer("1.1.0", Percent{0});
  cohort::Rule pilots;
  pilots.labels["ring"] = {"pilot"};
  pilots.all = true;
  running.channel.feed.directions.offer->rules = {pilots};
  running.republish();
  Client client = running.client();
  const std::string target = "/v1/update?app=app&channel=stable&device=d&version=1.0.0";
  CHECK(client.get(target).status == 204);
  CHECK(client.get(target + "&label.ring=pilot").status == 200);
}

TEST_CASE("bad questions are refused with a reason and a hint") {
  Running running;
  Client client = running.client();
  const std::vector<std::pair<std::string, int>> rows{
      {"/v1/update?app=app&channel=stable&device=a%01b", 400},
      {"/v1/update?app=app&channel=stable&device=a%0Ab", 400},
      {"/v1/update?app=app&channel=stable&device=%C3%A4", 400},
      {"/v1/update?app=app&channel=stable&device=" + std::string(129, 'x'), 400},
      {"/v1/update?app=app&channel=stable", 400},
      {"/v1/update?app=app&device=d", 400},
      {"/v1/update?app=app&channel=stable&device=d&device=e", 400},
      {"/v1/update?app=app&channel=stable&device=%zz", 400},
      {"/v1/update?app=app&channel=stable&device=d&version=latest!", 400},
      {"/v1/update?app=app&channel=beta&device=d", 404},
      {"/v1/update?app=other&channel=stable&device=d", 404},
      {"/v1/series?app=app&channel=stable&name=crashes&after=yesterday&step=1s", 400},
      {"/v1/series?app=app&channel=stable&name=cpu&after=2026-01-01T00:00:00Z&step=1s", 400},
      {"/v1/series?app=app&channel=stable&name=crashes&after=2026-01-01T00:00:00Z&step=7ms", 400},
      {"/v1/flags/none", 404},
      {"/nothing", 404}};
  for (const auto& [target, status] : rows) {
    CAPTURE(target);
    const auto answer = client.get(target);
    CHECK(answer.status == status);
    const auto body = doc::parse_json(answer.body);
    REQUIRE(body);
    CHECK(!body->text("error")->empty());
    CHECK(!body->text("hint")->empty());
  }
}

TEST_CASE("without a feed the server answers 503 and says that it is degraded") {
  Running running(false);
  Client client = running.client();
  CHECK(client.get("/v1/update?app=app&channel=stable&device=d").status == 503);
  CHECK(health(client) == "degraded");
  CHECK(client.get("/stable/tranche/v1/feed.json").status == 404);
  running.republish();
  CHECK(health(client) == "ok");
}

TEST_CASE("a feed signed by another key, or an older one, leaves the last good one in place") {
  Running running;
  Client client = running.client();
  const std::string good = client.get("/tranche/v1/feed.json").body;
  const auto write = [&](const std::string& bytes) {
    REQUIRE(running.real.world().files.write(running.directory / std::string(channel::feed_name), bytes));
    running.server->poll();
  };
  channel::Feed newer = running.channel.feed;
  newer.sequence += 5;
  write(*channel::seal(newer, testing::key_of('x')));
  CHECK(client.get("/tranche/v1/feed.json").body == good);
  CHECK(health(client) == "degraded");
  channel::Feed older = running.channel.feed;
  older.sequence -= 1;
  write(*channel::seal(older, running.channel.feed_key));
  CHECK(client.get("/tranche/v1/feed.json").body == good);
  CHECK(health(client) == "degraded");
  CHECK(client.get("/v1/update?app=app&channel=stable&device=d").status == 200);
  running.republish();
  CHECK(health(client) == "ok");
}

TEST_CASE("an expired feed gives no decisions") {
  Running running;
  running.channel.feed.expires = running.real.world().clock.now() + std::chrono::milliseconds(300);
  running.republish();
  Client client = running.client();
  const auto until = running.channel.feed.expires + std::chrono::milliseconds(5);
  while (running.real.world().clock.now() < until) (void)client.get("/healthz");
  const auto answer = client.get("/v1/update?app=app&channel=stable&device=d");
  CHECK(answer.status == 503);
  CHECK(answer.head.find("Retry-After: 30") != std::string::npos);
  CHECK(health(client) == "degraded");
}

TEST_CASE("an unchanged feed costs a 304") {
  Running running;
  Client client = running.client();
  const auto first = client.get("/stable/tranche/v1/feed.json");
  REQUIRE(first.status == 200);
  const std::size_t at = first.head.find("ETag: ");
  const std::string tag = first.head.substr(at + 6, first.head.find('\r', at) - at - 6);
  const auto second = client.get("/stable/tranche/v1/feed.json", "If-None-Match: " + tag + "\r\n");
  CHECK(second.status == 304);
  CHECK(second.body.empty());
  running.republish();
  CHECK(client.get("/stable/tranche/v1/feed.json", "If-None-Match: " + tag + "\r\n").status == 200);
}

TEST_CASE("files of releases are given as they are, small and large, and nothing else is") {
  Running running;
  ports::Files& files = running.real.world().files;
  const std::string small = "small", large(3'000'000, 'L'), secret = "secret";
  REQUIRE(files.write(running.directory / "tranche/v1/releases/1.0.0/small.txt", small));
  REQUIRE(files.write(running.directory / "tranche/v1/releases/1.0.0/large.deb", large));
  REQUIRE(files.write(running.directory / "tranche/v1/.hidden", secret));
  REQUIRE(files.write(running.directory / "outside.txt", secret));
  support::TempDirectory elsewhere;
  REQUIRE(files.write(elsewhere / "secret", secret));
  REQUIRE(symlink((elsewhere / "secret").c_str(), (running.directory / "tranche/v1/link").c_str()) == 0);
  Client client = running.client();
  for (int i = 0; i < 2; ++i) {
    CHECK(client.get("/stable/tranche/v1/releases/1.0.0/small.txt").body == small);
    CHECK(client.get("/tranche/v1/releases/1.0.0/large.deb").body == large);
  }
  client.send("HEAD /tranche/v1/releases/1.0.0/large.deb HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto head = client.receive(false);
  CHECK(head.status == 200);
  CHECK(head.head.find("Content-Length: 3000000") != std::string::npos);
  for (const std::string_view path :
       {"/stable/outside.txt", "/outside.txt", "/tranche/v1/../../outside.txt", "/tranche/v1/%2e%2e/x",
        "/tranche/v1/.hidden", "/tranche/v1/link", "/tranche/v1/", "/tranche/v1//feed.json",
        "/tranche/v1/releases", "/other/tranche/v1/feed.json", "/stable/../tranche/v1/feed.json"}) {
    CAPTURE(path);
    CHECK(client.get(path).status == 404);
  }
}

TEST_CASE("check-ins show on /metrics, on the status page and in the series") {
  Running running;
  running.channel.offer("1.1.0", Percent{500'000});
  running.republish();
  Client client = running.client();
  CHECK(client.get("/metrics")
            .body.find("tranche_crashes_total{app=\"app\",channel=\"stable\",version=\"1.1.0\","
                       "arm=\"canary\",stratum=\"500000\"} 0\n") != std::string::npos);
  std::string batch = "[";
  for (int i = 0; i < 100; ++i)
    batch += check_in(fmt::format("d{}", i), "b", 1, 10, 1) + (i < 99 ? "," : "]");
  const auto answer = client.post("/v1/checkin", batch);
  CHECK(answer.status == 200);
  CHECK(*doc::parse_json(answer.body)->integer("accepted") == 100);
  CHECK(client.post("/v1/checkin", check_in("d0", "b", 2, 11, 1)).status == 200);
  const auto canary = [&](std::string_view name) {
    const std::string text = client.get("/metrics").body;
    const std::string start = fmt::format(
        "{}{{app=\"app\",channel=\"stable\",version=\"1.0.0\",arm=\"canary\",stratum=\"500000\"}} ", name);
    const std::size_t at = text.find(start);
    return at == std::string::npos ? -1 : std::stoi(text.substr(at + start.size()));
  };
  int canaries = 0;
  for (int i = 0; i < 100; ++i)
    if (cohort::place(running.channel.feed.directions, {fmt::format("d{}", i), {}}).arm ==
        cohort::Arm::canary)
      ++canaries;
  CHECK(canary("tranche_devices") == canaries);
  CHECK(canary("tranche_crashes_total") == canaries);
  CHECK(client.get("/").body.find("<td>1.0.0<td>100<td>") != std::string::npos);
  CHECK(client.get("/metrics").body.find("tranche_checkins_total{result=\"counted\"} 101") !=
        std::string::npos);
}

TEST_CASE("bad check-ins are refused with a reason, and a batch keeps its good ones") {
  Running running;
  Client client = running.client();
  REQUIRE(client.post("/v1/checkin", check_in("d", "b", 1, 10, 2)).status == 200);
  const auto backwards = client.post("/v1/checkin", check_in("d", "b", 2, 9, 2));
  CHECK(backwards.status == 400);
  CHECK(backwards.body.find("backwards") != std::string::npos);
  CHECK(client.post("/v1/checkin", "{").status == 400);
  CHECK(client.post("/v1/checkin", "").status == 400);
  CHECK(client.post("/v1/checkin", check_in("a\\u0001b", "b", 1, 1, 0)).status == 400);
  CHECK(client.post("/v1/checkin", check_in(std::string(200, 'x'), "b", 1, 1, 0)).status == 400);
  CHECK(client.post("/v1/checkin", std::string(20'000, ' ') + "{}").status == 400);
  const auto mixed = client.post(
      "/v1/checkin", "[" + check_in("e", "b", 1, 1, 0) + "," + check_in("d", "b", 3, 1, 2) + ",7]");
  CHECK(mixed.status == 200);
  const auto body = doc::parse_json(mixed.body);
  REQUIRE(body);
  CHECK(*body->integer("accepted") == 1);
  CHECK(*body->integer("rejected") == 2);
  CHECK(client.get("/v1/checkin").status == 405);
}

TEST_CASE("a signed flag is answered by key") {
  Running running;
  flags::FlagSet set;
  set.app = "app";
  set.sequence = 3;
  set.flags["agent-enabled"] = {doc::Value(false), true};
  REQUIRE(running.real.world().files.write(running.directory / std::string(flags::flags_name),
                                           *flags::seal(set, running.channel.feed_key)));
  running.server->poll();
  Client client = running.client();
  CHECK(health(client) == "ok");
  INFO(client.get("/healthz").body);
  CHECK(client.get("/v1/flags/agent-enabled").body == "{\"key\":\"agent-enabled\",\"value\":false}\n");
  CHECK(client.get("/v1/flags/agent-enabled?app=other").status == 404);
  CHECK(client.get("/tranche/v1/flags.json").status == 200);
}

TEST_CASE("two apps with a channel of the same name are told apart by path") {
  support::TempDirectory first, second;
  os::RealWorld real;
  TestChannel one(first.path(), real.world().clock.now()), two(second.path(), real.world().clock.now());
  two.feed.app = "other";
  one.publish(real.world().files);
  two.publish(real.world().files);
  Options options;
  options.channels = {one.served(), two.served()};
  const auto started = Server::start(real.world(), std::move(options));
  REQUIRE(started);
  Client client((*started)->port());
  CHECK(client.get("/stable/tranche/v1/feed.json").status == 404);
  CHECK(client.get("/app/stable/tranche/v1/feed.json").body == *channel::seal(one.feed, one.feed_key));
  CHECK(client.get("/other/stable/tranche/v1/feed.json").body == *channel::seal(two.feed, two.feed_key));
  const auto answer = client.get("/v1/update?app=other&channel=stable&device=d");
  CHECK(answer.body.find("\"/other/stable/tranche/v1/releases/1.0.0/manifest.json\"") != std::string::npos);
}
