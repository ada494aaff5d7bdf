// What the tests of this room share: one app in a world of memory. Real keys, real signatures, a real
// journal; the fleet is a small model behind the fake Http port that answers /v1/series, and counts the
// requests that reach the hook.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actions/deck.hpp"
#include "actions/releases.hpp"
#include "artifact/collect.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "channel/feed.hpp"
#include "engine/engine.hpp"
#include "support/fake_world.hpp"

namespace tranche::engine::testing {

using namespace std::chrono_literals;

inline constexpr const char* usual_yaml = R"(
version: 1
app: notes-agent
artifacts: ["dist/notes_{version}_amd64.deb"]
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: env:TRANCHE_RELEASE_KEY, feed: env:TRANCHE_FEED_KEY, journal: env:TRANCHE_JOURNAL_KEY }
state: dir:state
channels: { stable: { store: "dir:public", expires: 24h } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
gates:
  crashes: { kind: compare, source: fleet, events: crashes, exposure: sessions, margin: 2x, every: 1s }
rollouts:
  desktop:
    channel: stable
    stages:
      - { percent: 5, bake: 3s..12s, gates: [crashes] }
      - { percent: 50, bake: 3s..12s, gates: [crashes] }
      - { percent: 100, bake: 2s }
    on-failure: rollback
playbooks:
  rollback:
    steps:
      - { uses: flag.set, with: { flag: agent-enabled, value: false } }
      - { uses: channel.withdraw }
      - { uses: channel.fallback }
      - { uses: http.request, with: { method: POST, url: "http://127.0.0.1:2/hook", body: { text: "$release: $reason" } }, retry: { attempts: 3, backoff: 1s } }
flags:
  agent-enabled: { type: bool, default: true, kill-switch: true }
)";

// The value, or the test ends with the error's words.
template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class AppWorld {
 public:
  explicit AppWorld(const std::string& yaml = usual_yaml) : world(fake.world()) {
    const auto spec = must(spec::parse(yaml));
    app = spec.apps[0];
    apps = spec.apps;
    add_key("release", "TRANCHE_RELEASE_KEY", 'r');
    add_key("feed", "TRANCHE_FEED_KEY", 'f');
    add_key("journal", "TRANCHE_JOURNAL_KEY", 'j');
    fake.environ.values["HOME"] = "/home/ana";
    fake.files.bytes["/repo/tranche.yaml"] = yaml;
    fake.http.handler = [this](const ports::HttpRequest& request) { return answer(request); };
  }
  AppWorld(const AppWorld&) = delete;
  AppWorld& operator=(const AppWorld&) = delete;

  // Every run of the binary is a deck of its own.
  Result<std::unique_ptr<actions::Deck>> try_open() {
    return actions::Deck::open(world, "/repo", app, "ana@example.org");
  }
  std::unique_ptr<actions::Deck> open() { return must(try_open()); }

  void build(const std::string& version, const std::string& bytes = {}) {
    fake.files.bytes[artifact_path(version)] = bytes.empty() ? "the code of " + version : bytes;
  }
  static std::string artifact_path(const std::string& version) {
    return "/repo/dist/notes_" + version + "_amd64.deb";
  }
  // What was built, with no documents yet.
  Result<artifact::Manifest> manifest_of(const std::string& version) {
    artifact::Manifest manifest;
    manifest.app = app.name;
    manifest.version = version;
    manifest.created = fake.clock.now();
    manifest.artifacts =
        TRY(artifact::collect(fake.files, "/repo", {{app.artifacts[0].path, {}, {}, {}}}, version));
    return manifest;
  }
  Result<actions::Created> create(const std::string& version) {
    auto deck = TRY(try_open());
    const artifact::Manifest manifest = TRY(manifest_of(version));
    return create_release(*deck, manifest, {{"sbom.json", "{\"of\":\"" + version + "\"}"}}, "a build");
  }
  void build_and_create(const std::string& version) {
    build(version);
    must(create(version));
  }

  Engine engine_on(actions::Deck& deck) {
    Engine engine(deck);
    engine.set_neighbours(apps);
    return engine;
  }
  Result<Report> start(const std::string& version, const std::string& rollout = "desktop") {
    auto deck = TRY(try_open());
    return engine_on(*deck).start({rollout, version, true, "ship it"});
  }
  Result<Report> advance(const std::string& rollout = "desktop") {
    auto deck = TRY(try_open());
    return engine_on(*deck).advance(rollout);
  }
  Result<Report> apply(const rollout::What& what, const std::string& rollout = "desktop") {
    auto deck = TRY(try_open());
    return engine_on(*deck).apply(rollout, what);
  }
  Report status(const std::string& rollout = "desktop") {
    auto deck = open();
    return must(Engine(*deck).status(rollout));
  }
  // A second passes, and the cron job runs.
  Report tick(Duration passed = 1s) {
    fake.clock.advance(passed);
    return must(advance());
  }
  Report tick_until(const std::function<bool(const rollout::State&)>& there, int most = 60) {
    Report report = status();
    for (int i = 0; i < most && !there(report.state); ++i) report = tick();
    INFO("phase ", rollout::to_text(report.state.phase), ": ", report.state.because);
    REQUIRE(there(report.state));
    return report;
  }
  Report tick_until_final() {
    return tick_until([](const rollout::State& state) { return rollout::is_final(state.phase); });
  }
  // Ships a release to everyone.
  void ship(const std::string& version) {
    build_and_create(version);
    must(start(version));
    REQUIRE(tick_until_final().state.phase == rollout::Phase::done);
  }

  std::optional<channel::Feed> published_feed(const std::string& name = "stable") {
    auto deck = open();
    store::Store* store = must(deck->channel_store(*app.channel(name)));
    auto published = must(channel::read_published(*store, deck->trust(), app.name, name));
    if (!published) return std::nullopt;
    return std::move(published->feed);
  }
  std::optional<flags::FlagSet> published_flags() {
    const auto found = fake.files.bytes.find("/repo/public/" + std::string(flags::flags_name));
    if (found == fake.files.bytes.end()) return std::nullopt;
    return must(flags::open_flags(found->second, open()->trust(), app.name));
  }
  std::vector<journal::Entry> entries() {
    auto deck = open();
    return must(deck->journal().read(0, deck->journal().size()));
  }
  // Files that a device or another runner can see; not what this machine remembers for itself.
  std::map<std::string, std::string> visible() const {
    std::map<std::string, std::string> out;
    for (const auto& [path, bytes] : fake.files.bytes)
      if (path.starts_with("/repo/state/") || path.starts_with("/repo/public/")) out[path] = bytes;
    return out;
  }

  support::FakeWorld fake;
  ports::World world;
  spec::App app;
  std::vector<spec::App> apps;                  // of the file
  std::map<std::string, double> crashes_of_20;  // release -> crashes a window among 1,000 sessions, not 20
  double fleet_size = 1;                        // times 20,000 sessions a window
  bool source_down = false;
  std::function<Result<ports::HttpResponse>(const ports::HttpRequest&)> hook;  // instead of "204"
  std::map<std::string, int> delivered;  // Idempotency-Key -> requests the hook said 2xx to
  std::map<std::string, int> tried;      // Idempotency-Key -> requests that reached it

  void add_key(const std::string& role, const std::string& variable, char seed) {
    const auto key = must(crypto::SecretKey::from_seed(Secret(std::string(32, seed))));
    fake.environ.values[variable] = std::string(key.to_pem().expose());
    fake.files.bytes["/repo/keys/" + role + ".pub"] = crypto::to_pem(key.public_key());
  }

 private:
  Result<ports::HttpResponse> answer(const ports::HttpRequest& request) {
    if (request.url.starts_with("http://127.0.0.1:1/v1/series?")) {
      if (source_down) return fail(ErrorKind::failed, "connection refused");
      return ports::HttpResponse{200, {}, series(request.url.substr(request.url.find('?') + 1))};
    }
    REQUIRE(request.url == "http://127.0.0.1:2/hook");
    std::string key;
    for (const auto& [name, value] : request.headers)
      if (name == "Idempotency-Key") key = value;
    auto response = hook ? hook(request) : Result<ports::HttpResponse>(ports::HttpResponse{204, {}, {}});
    ++tried[key];
    if (response && response->status < 300) ++delivered[key];
    return response;
  }

  std::string series(std::string_view query) const {
    std::map<std::string, std::string> form;
    for (std::string_view pair : split(query, '&')) {
      const auto equals = pair.find('=');
      form[std::string(pair.substr(0, equals))] = percent_decode(pair.substr(equals + 1)).value_or("");
    }
    const Instant after = must(parse_instant(form["after"]));
    const Instant until = must(parse_instant(form["until"]));
    const Duration step = must(parse_duration(form["step"]));
    const auto bad = crashes_of_20.find(form["release"]);
    const double crashes = bad == crashes_of_20.end() ? 20 : bad->second;
    const double canary = fleet_size * (form["name"] == "sessions" ? 1'000 : crashes);
    const double control = fleet_size * (form["name"] == "sessions" ? 19'000 : 380);
    doc::Value windows = doc::Value::array();
    for (Instant end = after + step; end <= until; end += step)
      windows.push(doc::Value::object(
          {{"end", to_text(end)},
           {"counts", doc::Value::object(
                          {{"50000", doc::Value::object({{"canary", canary}, {"control", control}})}})}}));
    return doc::to_json(doc::Value::object({{"schema", "tranche/series/v1"},
                                            {"app", form["app"]},
                                            {"channel", form["channel"]},
                                            {"name", form["name"]},
                                            {"step-ms", static_cast<std::int64_t>(step.count())},
                                            {"windows", windows},
                                            {"since", "2026-01-01T00:00:00Z"}}));
  }
};

}  // namespace tranche::engine::testing
