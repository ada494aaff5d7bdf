#include "server/served.hpp"

#include <doctest/doctest.h>

#include <random>

#include "cohort/clients.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"
#include "os/world.hpp"
#include "server/server.hpp"
#include "server/testing.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::server;
using testing::Client;
using testing::TestChannel;

namespace {

int writes = 0;

// A writer as the real ones are: a file a track that names the release and what its facts say.
Result<channel::Written> write_plainly(const channel::WriteInput& input) {
  ++writes;
  channel::Written written;
  for (const cohort::Track& track : input.tracks) {
    if (track.release.empty()) continue;
    REQUIRE(track.share.everyone());
    const channel::Shipped& shipped = input.releases.front();
    REQUIRE(shipped.manifest.version == track.release);
    const std::string name = track.feed_channel.empty() ? "latest" : track.feed_channel;
    if (input.client.name == "tauri") {
      const std::string entry = fmt::format(R"({{"url":"{}/x","signature":"c2ln"}})", input.channel.url);
      written.pointers.push_back(
          {name + ".json", fmt::format(R"({{"version":"{}","notes":"n","platforms":{{"linux-x86_64":{}}}}})",
                                       track.release, entry)});
    } else if (input.client.name == "velopack") {
      written.pointers.push_back(
          {"releases." + (track.feed_channel.empty() ? "win" : track.feed_channel) + ".json",
           fmt::format(R"({{"Assets":[{{"Version":"{}"}}]}})", track.release)});
    } else {
      written.pointers.push_back(
          {name + ".yml", fmt::format("version: {}\nfacts: {}\n", track.release, shipped.facts)});
      if (shipped.facts != "windows-only")
        written.pointers.push_back({name + "-linux.yml", fmt::format("version: {}\n", track.release)});
    }
  }
  return written;
}
std::vector<channel::Alias> name_aliases(const artifact::Manifest& manifest, const spec::Client&) {
  return {{manifest.artifacts[0].name, fmt::format("App-{}-full.nupkg", manifest.version)}};
}
const channel::Ecosystem* find_plain(std::string_view feed) {
  static const channel::Ecosystem all[] = {{"electron", nullptr, nullptr, write_plainly, nullptr},
                                           {"velopack", nullptr, name_aliases, write_plainly, nullptr},
                                           {"tauri", nullptr, nullptr, write_plainly, nullptr}};
  for (const auto& one : all)
    if (one.feed == feed) return &one;
  return nullptr;
}

std::string sha256(std::string_view text) { return crypto::to_hex(crypto::sha256(text)); }

constexpr std::string_view someone = "7a1f3f5e-0b1c-5d2e-8f00-0123456789ab";
std::string uuid(int i) { return fmt::format("{:08x}-0000-4000-8000-{:012x}", i * 2654435761u, i); }
std::string staging(std::string_view id) { return fmt::format("x-User-Staging-Id: {}\r\n", id); }

struct Running {
  support::TempDirectory directory;
  os::RealWorld real;
  TestChannel channel{directory.path(), real.world().clock.now()};
  crypto::SecretKey release_key = testing::key_of('r');
  ServedChannel served = channel.served();
  std::unique_ptr<Server> server;

  Running() {
    channel.feed.releases.clear();
    channel.feed.directions = {};
    served.trust.release.push_back(release_key.public_key());
    served.config.name = "stable";
    served.config.url = "https://updates.example/stable";
    served.config.on_unsupported = spec::Channel::OnUnsupported::serve;
    served.config.feeds = {"tranche", "electron", "velopack", "tauri", "apt"};
    spec::Client tauri;
    tauri.name = "tauri";
    tauri.staging_id = "X-Device";
    served.config.clients = {tauri};
    served.feed_channels = {{"pilot", {{"ring", {"pilot"}}}, {}}};
  }
  spec::Client& client(const std::string& feed) {
    for (spec::Client& one : served.config.clients)
      if (one.name == feed) return one;
    served.config.clients.emplace_back().name = feed;
    return served.config.clients.back();
  }
  // The release as it lies in the store.
  void release(const std::string& version, const std::string& facts = "f") {
    artifact::Manifest manifest;
    manifest.app = "app";
    manifest.version = version;
    manifest.created = channel.feed.issued;
    manifest.artifacts.push_back({"app.exe", "windows/amd64", 3, sha256("exe"), {}});
    for (const std::string feed : {"electron", "tauri", "velopack"})
      manifest.feeds.push_back({channel::facts_name(feed), feed, facts.size(), sha256(facts)});
    const std::string envelope = *artifact::seal(manifest, release_key);
    put(channel::manifest_name(version), envelope);
    put(channel::artifact_name(version, "app.exe"), "exe");
    for (const auto& document : manifest.feeds) put(channel::artifact_name(version, document.name), facts);
    channel.feed.releases.push_back({version, sha256(envelope), channel::manifest_name(version)});
  }
  void put(const std::string& name, const std::string& bytes) {
    REQUIRE(real.world().files.write(directory / name, bytes));
  }
  // 1.1.0 for all, 1.2.0 for `percent`.
  void offer(Percent percent) {
    if (channel.feed.releases.empty()) {
      release("1.1.0");
      release("1.2.0");
    }
    channel.feed.directions.baseline = "1.1.0";
    cohort::Rule rule;
    rule.all = percent.everyone();
    if (!rule.all) rule.below = cohort::threshold(percent);
    channel.feed.directions.offer = cohort::Offer{"1.2.0", "app/stable/1.2.0", {rule}};
  }
  void withdraw(const std::string& fallback) {
    channel.feed.directions.offer.reset();
    channel.feed.directions.withdrawn = {{"1.2.0", fallback}};
    std::erase_if(channel.feed.releases, [](const auto& one) { return one.version == "1.2.0"; });
  }
  void publish() {
    channel.publish(real.world().files);
    if (server) {
      server->poll();
      return;
    }
    Options options;
    options.channels.push_back(served);
    options.find_ecosystem = find_plain;
    auto started = Server::start(real.world(), std::move(options));
    REQUIRE(started);
    server = std::move(*started);
  }
  Client::Answer get(std::string_view target, std::string_view headers = {}) const {
    return Client(server->port()).get(target, headers);
  }
  std::string version(std::string_view target, std::string_view headers = {}) const {
    const auto answer = get(target, headers);
    if (answer.status != 200) return fmt::format("{}", answer.status);
    const std::size_t at = answer.body.find("ersion");
    if (at == std::string::npos) return answer.body;
    const std::size_t from = answer.body.find_first_of("0123456789", at);
    return answer.body.substr(from, answer.body.find_first_not_of("0123456789.", from) - from);
  }
};

}  // namespace

TEST_CASE("electron's file is that of the release that decide gives to the staging id") {
  for (const std::uint32_t ppm : {5'000u, 100'000u, 500'000u}) {
    Running running;
    running.offer(Percent{ppm});
    running.publish();
    Client client(running.server->port());
    int in = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto expected = cohort::decide(running.channel.feed.directions, {uuid(i), {}}, "").version;
      const auto answer = client.get("/stable/electron/latest.yml?noCache=1j2k", staging(uuid(i)));
      REQUIRE(answer.status == 200);
      CHECK(answer.body == fmt::format("version: {}\nfacts: f\n", expected));
      in += expected == "1.2.0";
    }
    CHECK(in > 0);
    CHECK(in < 1000);
  }
}

TEST_CASE("who sends no id that can be believed gets the standing release, and so no cache keeps an answer") {
  Running running;
  running.offer(Percent{999'999});
  running.publish();
  const std::string file = "/stable/electron/latest-linux.yml";
  CHECK(running.version(file, staging(someone)) == "1.2.0");
  for (const std::string& headers : {std::string(), staging(""), staging("7a1f3f5e"), staging("'; drop"),
                                     staging(std::string(5000, 'a')), staging(someone) + staging(someone)}) {
    CAPTURE(headers);
    CHECK(running.version(file, headers) == "1.1.0");
  }
  CHECK(running.get(file).head.find("Cache-Control: no-store") != std::string::npos);
  running.offer(Percent{1'000'000});
  running.publish();
  CHECK(running.version(file) == "1.2.0");
}

TEST_CASE("a person who asks is given the offer, unless it is withdrawn or the channel says no") {
  for (const bool allowed : {true, false}) {
    Running running;
    running.client("electron").manual_checks =
        allowed ? spec::Client::ManualChecks::allow : spec::Client::ManualChecks::throttle;
    running.offer(Percent{1});
    running.publish();
    const std::string_view now = allowed ? "1.2.0" : "1.1.0";
    CHECK(running.version("/stable/electron/latest.yml?manual=1", staging(someone)) == now);
    CHECK(running.version("/stable/electron/latest.yml", "X-Tranche-Manual: 1\r\n") == now);
    CHECK(running.version("/stable/electron/latest.yml?manual=0", staging(someone)) == "1.1.0");
    running.withdraw("1.1.0");
    running.publish();
    CHECK(running.version("/stable/electron/latest.yml?manual=1", staging(someone)) == "1.1.0");
  }
}

TEST_CASE("after a withdrawal clients go back, or forward to a higher fallback, as they can") {
  Running running;
  running.offer(Percent{1'000'000});
  running.release("1.2.1");
  running.publish();
  const std::string file = "/stable/electron/latest.yml";
  running.withdraw("1.1.0");
  running.publish();
  CHECK(running.version(file) == "1.1.0");
  // Never sent an older version when it says what it runs: the answer is what it has.
  CHECK(running.version(file + "?version=1.2.0") == "1.2.0");
  CHECK(running.get(file + "?version=1.2.0").body == "version: '1.2.0'\nfiles: []\n");
  CHECK(running.version("/stable/velopack/releases.win.json?localVersion=1.2.0") == "{\"Assets\":[]}\n");
  CHECK(running.version("/stable/tauri/linux/x86_64/1.2.0") == "204");
  running.withdraw("1.2.1");
  running.publish();
  CHECK(running.version(file) == "1.2.1");
  CHECK(running.version(file + "?version=1.2.0") == "1.2.1");
  CHECK(running.version(file + "?version=1.1.0") == "1.1.0");
  CHECK(running.version("/stable/velopack/releases.win.json?localVersion=1.2.0") == "1.2.1");
  CHECK(running.version("/stable/tauri/linux/x86_64/1.2.0") == "1.2.1");

  Running opted_in;
  for (const std::string feed : {"electron", "velopack", "tauri"})
    opted_in.client(feed).allow_downgrade = true;
  opted_in.offer(Percent{1'000'000});
  opted_in.publish();
  opted_in.withdraw("1.1.0");
  opted_in.publish();
  CHECK(opted_in.version(file, "x-tranche-version: 1.2.0\r\n") == "1.1.0");
  CHECK(opted_in.version("/stable/velopack/releases.win.json?localVersion=1.2.0") == "1.1.0");
  CHECK(opted_in.version("/stable/tauri/linux/x86_64/1.2.0") == "1.1.0");
}

TEST_CASE("velopack asks with stagingId and localVersion, and finds its packages beside its file") {
  Running running;
  running.offer(Percent{500'000});
  running.publish();
  for (int i = 0; i < 200; ++i) {
    const auto expected = cohort::decide(running.channel.feed.directions, {uuid(i), {}}, "1.0.0").version;
    CHECK(running.version(fmt::format(
              "/stable/velopack/releases.win.json?localVersion=1.0.0&id=App&stagingId={}", uuid(i))) ==
          expected);
  }
  CHECK(running.get("/").body.find("served: releases.pilot.json, releases.win.json") != std::string::npos);
  CHECK(running.get("/").body.find("<dt>apt</dt><dd>static") != std::string::npos);
  // 0.0.1053 sends nothing.
  CHECK(running.version("/stable/velopack/releases.win.json") == "1.1.0");
  CHECK(running.get("/stable/velopack/App-1.2.0-full.nupkg").body == "exe");
  CHECK(running.get("/stable/velopack/App-9.9.9-full.nupkg").status == 404);
}

TEST_CASE("tauri asks one endpoint: 204, or its platform's part of the file") {
  Running running;
  running.offer(Percent{500'000});
  running.publish();
  for (int i = 0; i < 200; ++i) {
    const std::string id = fmt::format("device-{}", i);
    const auto expected = cohort::decide(running.channel.feed.directions, {id, {}}, "1.1.0").version;
    const std::string told = expected == "1.1.0" ? "204" : expected;
    CHECK(running.version("/stable/tauri/linux/x86_64/1.1.0?X-Device=" + id) == told);
    CHECK(running.version("/stable/tauri/linux/x86_64/1.1.0", "x-device: " + id + "\r\n") == told);
    CHECK(running.version("/stable/tauri/linux-x86_64/x86_64/1.1.0?X-Device=" + id) == told);
  }
  const auto answer = running.get("/stable/tauri/linux/x86_64/1.0.0");
  CHECK(answer.body ==
        "{\"version\":\"1.1.0\",\"url\":\"https://updates.example/stable/x\",\"signature\":\"c2ln\","
        "\"notes\":\"n\"}\n");
  CHECK(running.version("/stable/tauri/darwin/aarch64/1.0.0") == "204");
  CHECK(running.version("/stable/tauri/linux/x86_64/newest") == "400");
}

TEST_CASE("a feed channel's readers are its cohort; labels can be sent too") {
  Running running;
  running.offer(Percent{0});
  cohort::Rule pilots;
  pilots.labels["ring"] = {"pilot"};
  pilots.all = true;
  running.channel.feed.directions.offer->rules = {pilots};
  running.publish();
  CHECK(running.version("/stable/electron/latest.yml", staging(someone)) == "1.1.0");
  CHECK(running.version("/stable/electron/pilot.yml", staging(someone)) == "1.2.0");
  CHECK(running.version("/stable/electron/pilot-linux.yml") == "1.2.0");
  CHECK(running.version("/stable/velopack/releases.pilot.json") == "1.2.0");
  CHECK(running.version("/stable/tauri/linux/x86_64/1.1.0?channel=pilot") == "1.2.0");
  CHECK(running.version("/stable/tauri/linux/x86_64/1.1.0?channel=none") == "204");
  CHECK(running.version("/stable/electron/latest.yml?label.ring=pilot", staging(someone)) == "1.2.0");
  CHECK(running.version("/stable/electron/latest.yml", "x-tranche-labels: a=b&ring=pilot\r\n") == "1.2.0");
}

TEST_CASE("hostile questions are refused, and files come from the store and from nowhere else") {
  Running running;
  running.offer(Percent{500'000});
  running.publish();
  running.put("../outside", "secret");
  const std::pair<std::string, int> rows[] = {
      {"/stable/electron/latest.yml?version=latest!", 400},
      {"/stable/electron/latest.yml?a=%zz", 400},
      {"/stable/electron/latest.yml?a=1&a=2", 400},
      {"/stable/electron/latest.yml?label.ring=%01", 400},
      {"/stable/electron/%zz", 400},
      {"/stable/electron/latest-mac.yml", 404},
      {"/stable/electron/../outside", 404},
      {"/stable/electron/%2e%2e/outside", 404},
      {"/stable/electron/", 404},
      {"/stable/apt/dists", 404},  // no client of it sends an id: its static files decide
      {"/other/electron/latest.yml", 404}};
  for (const auto& [target, status] : rows) {
    CAPTURE(target);
    CHECK(running.get(target).status == status);
  }
  CHECK(running.get("/stable/electron/latest.yml", "x-tranche-labels: =%zz\r\n").status == 400);
  CHECK(running.get("/stable/electron/tranche/v1/releases/1.2.0/app.exe").body == "exe");
  (void)running.real.world().files.remove(running.directory / "../outside");
}

TEST_CASE("property: no bytes in path, query or headers expose anybody or crash the server") {
  Running running;
  running.offer(Percent{0});
  cohort::Rule pilots;
  pilots.labels["ring"] = {"pilot"};
  pilots.all = true;
  running.channel.feed.directions.offer->rules = {pilots};
  running.publish();
  const auto seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  const auto noise = [&](std::string_view alphabet) {
    std::string text;
    for (auto size = random() % 60; size > 0; --size) text += alphabet[random() % alphabet.size()];
    return text;
  };
  constexpr std::string_view plain = "ab0-./%=&?_~:+,;'\"<>@![]{}label.version",
                             printable_bytes = " !#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~";
  const std::string_view paths[] = {"electron/latest.yml",
                                    "electron/latest-linux.yml",
                                    "velopack/releases.win.json",
                                    "tauri/linux/x86_64/1.1.0",
                                    "electron/",
                                    "tauri/",
                                    "velopack/"};
  Client client(running.server->port());
  for (int i = 0; i < 3000; ++i) {
    std::string target = "/stable/" + std::string(paths[random() % std::size(paths)]);
    if (random() % 3 == 0) target += noise(plain);
    if (random() % 2 == 0)
      target += "?" + noise(plain) + "&stagingId=" + noise(plain) + "&label.x=" + noise(plain);
    const std::string headers = fmt::format(
        "x-user-staging-id: {}\r\nx-tranche-version: {}\r\nx-tranche-labels: {}\r\nx-device: {}\r\n",
        noise(printable_bytes), random() % 2 == 0 ? "1.1.0" : noise(printable_bytes), noise(printable_bytes),
        noise(printable_bytes));
    const auto answer = client.get(target, headers);
    CAPTURE(target);
    CAPTURE(headers);
    CHECK((answer.status == 200 || answer.status == 204 || answer.status == 400 || answer.status == 404));
    CHECK(answer.body.find("1.2.0") == std::string::npos);
  }
}

TEST_CASE("a release for another platform leaves a client where the rest are") {
  Running running;
  running.release("1.1.0");
  running.release("1.2.0", "windows-only");
  running.offer(Percent{1'000'000});
  running.publish();
  CHECK(running.version("/stable/electron/latest.yml") == "1.2.0");
  CHECK(running.version("/stable/electron/latest-linux.yml") == "1.1.0");
  CHECK(running.version("/stable/electron/latest-linux.yml?version=1.1.0") == "1.1.0");
}

TEST_CASE("facts that the release key did not sign are never used, and come back when they are right") {
  Running running;
  running.offer(Percent{1'000'000});
  running.put("tranche/v1/releases/1.2.0/electron.feed.json", "x");
  running.publish();
  CHECK(running.version("/stable/electron/latest.yml") == "503");
  CHECK(running.version("/stable/tauri/linux/x86_64/1.1.0") == "1.2.0");
  const std::string health = running.get("/healthz").body;
  CHECK(health.find("degraded") != std::string::npos);
  CHECK(health.find("electron: release 1.2.0") != std::string::npos);
  running.put("tranche/v1/releases/1.2.0/electron.feed.json", "f");
  running.server->poll();
  CHECK(running.version("/stable/electron/latest.yml") == "1.2.0");
  CHECK(running.get("/healthz").body.find("degraded") == std::string::npos);
  // Renewing the feed writes nothing anew.
  const int before = writes;
  running.publish();
  CHECK(writes == before);
  CHECK(running.version("/stable/electron/latest.yml") == "1.2.0");
}

TEST_CASE("an expired feed decides nothing, and a channel that does not ask for it is not decided") {
  Running running;
  running.offer(Percent{1'000'000});
  running.channel.feed.expires = running.real.world().clock.now() + std::chrono::milliseconds(200);
  running.publish();
  const auto until = running.channel.feed.expires + std::chrono::milliseconds(5);
  while (running.real.world().clock.now() < until) (void)running.get("/healthz");
  CHECK(running.get("/stable/electron/latest.yml").status == 503);

  Running plain;
  plain.served.config.on_unsupported = spec::Channel::OnUnsupported::refuse;
  plain.offer(Percent{1'000'000});
  plain.publish();
  CHECK(plain.get("/stable/electron/latest.yml").status == 404);
}

TEST_CASE(
    "where the server decides, the arm of a check-in is its own bucket; where a file decides, the "
    "updater's") {
  for (const bool decided : {true, false}) {
    Running running;
    if (!decided) running.served.config.on_unsupported = spec::Channel::OnUnsupported::refuse;
    running.offer(Percent{500'000});
    running.publish();
    Client client(running.server->port());
    int canaries = 0;
    for (int i = 0; i < 300; ++i) {
      const std::string id = fmt::format("00000000-0000-4000-8000-0000{:08x}", i * 14'000'000u);
      const auto answer = client.post(
          "/v1/checkin",
          fmt::format(
              R"({{"device":"{}","app":"app","channel":"stable","version":"1.1.0","boot":"b","seq":1,)"
              R"("sessions":1,"crashes":0,"feed":"electron"}})",
              id));
      REQUIRE(answer.status == 200);
      canaries += decided
                      ? cohort::place(running.channel.feed.directions, {id, {}}).arm == cohort::Arm::canary
                      : cohort::electron_admits(id, "50");
    }
    CHECK(canaries > 0);
    CHECK(canaries < 300);
    const std::string wanted = fmt::format(
        "tranche_devices{{app=\"app\",channel=\"stable\",version=\"1.1.0\",arm=\"canary\",stratum=\"500000\"}"
        "} {}\n",
        canaries);
    CHECK(client.get("/metrics").body.find(wanted) != std::string::npos);
  }
}
