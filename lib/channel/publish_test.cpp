#include <doctest/doctest.h>

#include <algorithm>

#include "channel/channel_testing.hpp"
#include "channel/static_feeds.hpp"
#include "support/fake_world.hpp"

namespace tranche::channel {
namespace {

using namespace testing;

struct Fixture {
  Keys keys;
  support::FakeWorld fake;
  ports::World world = fake.world();
  support::MemoryFiles& files = fake.files;
  std::unique_ptr<store::Store> store = store::open_directory(files, "/public");

  void build(const std::string& version, const std::string& bytes) {
    files.bytes["/dist/" + version + "/notes.deb"] = bytes;
    files.bytes["/dist/" + version + "/notes.tar.gz"] = bytes + "2";
  }
  static std::vector<std::pair<std::string, std::string>> paths(const std::string& version) {
    return {{"notes.deb", "/dist/" + version + "/notes.deb"},
            {"notes.tar.gz", "/dist/" + version + "/notes.tar.gz"}};
  }
  Result<ReleaseRef> publish(const std::string& version, const std::string& bytes) {
    return publish_release(*store, usual_manifest(version, bytes), sealed_manifest(keys, version, bytes),
                           paths(version));
  }
  // 1.1.0 and 1.2.0 built, published, and the usual feed over them.
  Feed whole() {
    Feed feed = usual_feed();
    for (auto& release : feed.releases) {
      build(release.version, "bytes of " + release.version);
      const auto published = publish(release.version, "bytes of " + release.version);
      if (!published) FAIL(published.error().message);
      release = *published;
    }
    return feed;
  }
  Result<> put(const Feed& feed) { return put(feed, keys.feed); }
  Result<> put(const Feed& feed, const crypto::SecretKey& key,
               const std::function<Result<bool>()>& is_newest = {}) {
    spec::Channel channel;
    channel.name = feed.channel;
    const std::string repository = "/repo";
    TRY(publish_channel(*store, {.world = world,
                                 .repository = repository,
                                 .channel = channel,
                                 .trust = keys.trust,
                                 .feed = feed,
                                 .feed_channels = {},
                                 .releases = {},
                                 .unread = {},
                                 .feed_key = key,
                                 .known_stops = {},
                                 .is_newest = is_newest}));
    return {};
  }
  std::optional<Feed> now() {
    const auto published = read_published(*store, keys.trust, "notes-agent", "stable");
    if (!published) FAIL(published.error().message);
    return *published ? std::optional((*published)->feed) : std::nullopt;
  }
  std::vector<Finding> check(bool with_artifacts = true, Duration later = {}) {
    const auto found = check_channel(*store, keys.trust, "notes-agent", "stable",
                                     *parse_instant("2026-01-01T00:00:00Z") + later, with_artifacts);
    if (!found) FAIL(found.error().message);
    return *found;
  }
  // Names of the checks that failed.
  std::vector<std::string> wrong(bool with_artifacts = true, Duration later = {}) {
    std::vector<std::string> names;
    for (const auto& finding : check(with_artifacts, later))
      if (!finding.ok) names.push_back(finding.check);
    return names;
  }
};

template <class T>
void check_error(const Result<T>& result, ErrorKind kind, std::string_view words) {
  REQUIRE_FALSE(result.has_value());
  CAPTURE(result.error().message);
  CAPTURE(words);
  CHECK(result.error().kind == kind);
  CHECK(result.error().message.find(words) != std::string::npos);
  CHECK_FALSE(result.error().hint.empty());
}

TEST_CASE("a release is published with its artifacts before its manifest, and again without a write") {
  Fixture f;
  f.build("1.2.0", "bytes");
  const auto release = f.publish("1.2.0", "bytes");
  REQUIRE(release.has_value());
  CHECK(release->manifest_path == "tranche/v1/releases/1.2.0/manifest.json");
  CHECK(release->manifest_sha256 == digest_of(f.files.bytes["/public/" + release->manifest_path]));
  CHECK(f.files.bytes["/public/tranche/v1/releases/1.2.0/notes.deb"] == "bytes");
  REQUIRE(f.files.changes.size() >= 3);
  CHECK(f.files.changes.back().ends_with("manifest.json"));
  const auto changes = f.files.changes.size();
  CHECK(*f.publish("1.2.0", "bytes") == *release);
  CHECK(f.files.changes.size() == changes);
}

TEST_CASE("what a feed must know of a release is published before the manifest that binds it") {
  Fixture f;
  f.build("1.2.0", "bytes");
  const std::string facts = R"({"files":[]})";
  auto manifest = usual_manifest("1.2.0", "bytes");
  manifest.feeds.push_back({"electron.feed.json", "electron", facts.size(), digest_of(facts)});
  const auto envelope = *artifact::seal(manifest, f.keys.release);
  const auto put = [&](const std::vector<NamedBytes>& documents) {
    return publish_release(*f.store, manifest, envelope, Fixture::paths("1.2.0"), documents);
  };
  const std::string name = "/public/tranche/v1/releases/1.2.0/electron.feed.json";
  check_error(put({}), ErrorKind::invalid, "'electron.feed.json', which feed 'electron' needs");
  check_error(put({{"electron.feed.json", facts + " "}}), ErrorKind::verification, "is not the document");
  CHECK_FALSE(f.files.bytes.contains("/public/tranche/v1/releases/1.2.0/manifest.json"));
  REQUIRE(put({{"tauri.feed.json", "of another feed"}, {"electron.feed.json", facts}}).has_value());
  CHECK(f.files.bytes[name] == facts);
  CHECK_FALSE(f.files.bytes.contains("/public/tranche/v1/releases/1.2.0/tauri.feed.json"));
  CHECK(f.files.changes.back().ends_with("manifest.json"));
  // Held already: cron publishes again without them.
  const auto changes = f.files.changes.size();
  CHECK(put({}).has_value());
  CHECK(f.files.changes.size() == changes);

  CHECK(*read_facts(*f.store, manifest, "electron") == facts);
  CHECK(*read_facts(*f.store, manifest, "tauri") == std::nullopt);
  f.files.bytes[name] = R"({"files":{}})";
  check_error(read_facts(*f.store, manifest, "electron"), ErrorKind::verification, "is not the document");
  check_error(put({{"electron.feed.json", facts}}), ErrorKind::invalid, "with other bytes");
  f.files.bytes[name] = facts + facts;
  check_error(read_facts(*f.store, manifest, "electron"), ErrorKind::verification, "electron.feed.json");
  f.files.bytes.erase(name);
  check_error(read_facts(*f.store, manifest, "electron"), ErrorKind::verification, "is missing");
}

TEST_CASE("one version with two digests is refused and nothing is overwritten") {
  Fixture f;
  f.build("1.2.0", "bytes");
  REQUIRE(f.publish("1.2.0", "bytes").has_value());
  const auto before = f.files.bytes;
  f.build("1.2.0", "other");
  check_error(f.publish("1.2.0", "other"), ErrorKind::invalid, "manifest of version 1.2.0 is published");
  f.files.bytes.erase("/public/tranche/v1/releases/1.2.0/manifest.json");
  check_error(f.publish("1.2.0", "other"), ErrorKind::invalid, "artifact 'notes.deb' of version 1.2.0");
  CHECK(f.files.bytes["/public/tranche/v1/releases/1.2.0/notes.deb"] == "bytes");
  CHECK_FALSE(f.files.bytes.contains("/public/tranche/v1/releases/1.2.0/manifest.json"));
}

TEST_CASE(
    "a missing artifact, one that changed since it was signed, and one in the manifest's place are refused") {
  Fixture f;
  f.build("1.2.0", "bytes");
  auto paths = Fixture::paths("1.2.0");
  const auto manifest = usual_manifest("1.2.0", "bytes");
  const auto envelope = sealed_manifest(f.keys, "1.2.0", "bytes");
  check_error(publish_release(*f.store, manifest, envelope, {paths[0]}), ErrorKind::invalid,
              "'notes.tar.gz'");
  f.files.bytes["/dist/1.2.0/notes.deb"] = "bytez";
  check_error(f.publish("1.2.0", "bytes"), ErrorKind::verification,
              "notes.deb' is not the file that was signed");
  CHECK_FALSE(f.files.bytes.contains("/public/tranche/v1/releases/1.2.0/notes.deb"));
  CHECK_FALSE(f.files.bytes.contains("/public/tranche/v1/releases/1.2.0/manifest.json"));
  f.build("1.2.0", "bytes");
  CHECK(f.publish("1.2.0", "bytes").has_value());
  auto sly = manifest;
  sly.version = "1.3.0";
  sly.artifacts[0].name = "manifest.json";
  check_error(publish_release(*f.store, sly, envelope, paths), ErrorKind::invalid, "where the manifest does");
}

TEST_CASE("a feed is published over a lower sequence only") {
  Fixture f;
  Feed feed = f.whole();
  CHECK_FALSE(f.now().has_value());
  REQUIRE(f.put(feed).has_value());
  CHECK(*f.now() == feed);

  const auto changes = f.files.changes.size();
  CHECK(f.put(feed).has_value());  // done already
  CHECK(f.files.changes.size() == changes);

  Feed newer = feed;
  newer.sequence = 9;
  newer.directions.offer->rules.pop_back();
  REQUIRE(f.put(newer).has_value());
  CHECK(*f.now() == newer);
  check_error(f.put(feed), ErrorKind::conflict,
              "a newer feed: sequence 9, this one is 7");  // the stale writer
  Feed other = newer;
  other.directions.baseline.clear();
  check_error(f.put(other), ErrorKind::conflict, "another feed: sequence 9");
  CHECK(*f.now() == newer);
}

TEST_CASE("a writer that loses the race for the pointer looks again") {
  Fixture f;
  const Feed feed = f.whole();
  Feed first = feed;
  first.sequence = 3;
  bool raced = false;
  const auto race = [&](const Feed& theirs) {
    raced = false;
    f.files.fault = [&, theirs](std::string_view operation, std::string_view) -> Result<> {
      if (operation != "lock" || raced) return {};
      raced = true;  // between our read and our lock
      f.files.bytes["/public/tranche/v1/feed.json"] = *seal(theirs, f.keys.feed);
      return {};
    };
    auto done = f.put(feed);
    f.files.fault = nullptr;
    CHECK(raced);
    return done;
  };
  CHECK(race(first).has_value());
  CHECK(*f.now() == feed);
  f.files.bytes.erase("/public/tranche/v1/feed.json");
  CHECK(race(feed).has_value());  // somebody else published the same
  f.files.bytes.erase("/public/tranche/v1/feed.json");
  Feed newer = feed;
  newer.sequence = 8;
  check_error(race(newer), ErrorKind::conflict, "a newer feed");
  CHECK(*f.now() == newer);
}

TEST_CASE("a release on record that cannot be read keeps the native feed from nobody") {
  Fixture f;
  const Feed feed = f.whole();
  spec::Channel channel;
  channel.name = feed.channel;
  channel.feeds = {"tranche", "electron"};
  const std::string repository = "/repo";
  const auto published =
      publish_channel(*f.store, {.world = f.world,
                                 .repository = repository,
                                 .channel = channel,
                                 .trust = f.keys.trust,
                                 .feed = feed,
                                 .feed_channels = {},
                                 .releases = {},
                                 .unread = Error(ErrorKind::verification, "it is damaged", "make it again"),
                                 .feed_key = f.keys.feed});
  check_error(published, ErrorKind::verification, "it is damaged");
  CHECK(*f.now() == feed);
}

TEST_CASE("a feed that no client would accept is not published") {
  Fixture f;
  Feed feed = f.whole();
  SUBCASE("a version without a release") {
    feed.directions.baseline = "3.0.0";
    CHECK_FALSE(f.put(feed).has_value());
  }
  SUBCASE("a key of another role") {
    CHECK(f.put(feed, f.keys.release).error().kind == ErrorKind::verification);
  }
  SUBCASE("too large") {
    auto& rule = feed.directions.offer->rules[0];
    for (int i = 0; i < 15'000; ++i) rule.devices.push_back(digest_of(std::to_string(i)));
    std::ranges::sort(rule.devices);
    check_error(f.put(feed), ErrorKind::invalid, "more than");
  }
  CHECK_FALSE(f.now().has_value());
}

TEST_CASE("what stands in the feed's place and does not verify is neither believed nor overwritten") {
  Fixture f;
  const Feed feed = f.whole();
  REQUIRE(f.put(feed).has_value());
  auto& published = f.files.bytes["/public/tranche/v1/feed.json"];
  Feed newer = feed;
  newer.sequence = 8;
  for (const std::string& bytes :
       {std::string("{}"), *seal(feed, f.keys.release), std::string(max_feed_bytes + 1, 'x')}) {
    published = bytes;
    CHECK(f.put(newer).error().kind == ErrorKind::verification);
    CHECK(published == bytes);
  }
  Feed other = feed;
  other.channel = "beta";
  published = *seal(other, f.keys.feed);
  check_error(f.put(newer), ErrorKind::verification, "of channel 'beta'");
}

TEST_CASE("a damaged feed is made again by the newest decision, and by nobody else") {
  Fixture f;
  const Feed feed = f.whole();
  REQUIRE(f.put(feed).has_value());
  auto& published = f.files.bytes["/public/tranche/v1/feed.json"];
  const std::string whole = published;
  std::string turned = whole;
  turned[whole.find("payload") + 12] ^= 1;
  for (const std::string& damaged : {whole.substr(0, whole.size() / 2), std::string(), turned}) {
    CAPTURE(damaged);
    published = damaged;
    // Without a journal to ask.
    const auto refused = f.put(feed);
    check_error(refused, ErrorKind::verification, "");
    CHECK_FALSE(refused.error().hint.empty());
    CHECK_FALSE(read_published(*f.store, f.keys.trust, "notes-agent", "stable").error().hint.empty());
    // Somebody decided meanwhile; or nobody knows.
    const auto newer = [] { return Result<bool>(false); };
    check_error(f.put(feed, f.keys.feed, newer), ErrorKind::conflict, "the journal went on");
    const auto unknown = [] {
      return Result<bool>(fail_hint(ErrorKind::failed, "look at it", "no journal"));
    };
    check_error(f.put(feed, f.keys.feed, unknown), ErrorKind::failed, "no journal");
    CHECK(published == damaged);
    CHECK(f.put(feed, f.keys.feed, [] { return Result<bool>(true); }).has_value());
    CHECK(*f.now() == feed);
  }
  // Whole, but not ours: somebody else's, whatever the journal says.
  for (const std::string& other : {*seal(feed, f.keys.release), std::string(max_feed_bytes + 1, 'x')}) {
    published = other;
    check_error(f.put(feed, f.keys.feed, [] { return Result<bool>(true); }), ErrorKind::verification, "");
    CHECK(published == other);
  }
}

TEST_CASE("a damaged feed that another writer replaced meanwhile is left as that one wrote it") {
  Fixture f;
  const Feed feed = f.whole();
  REQUIRE(f.put(feed).has_value());
  auto& published = f.files.bytes["/public/tranche/v1/feed.json"];
  published = "torn";
  Feed newer = feed;
  newer.sequence = 8;
  const auto overtaken = [&] {  // between the journal's answer and the write
    published = *seal(newer, f.keys.feed);
    return Result<bool>(true);
  };
  check_error(f.put(feed, f.keys.feed, overtaken), ErrorKind::conflict, "");
  CHECK(*f.now() == newer);
}

TEST_CASE(
    "a store that vanishes at any step leaves the old feed whole or the new one, and a second run "
    "completes") {
  Fixture f;
  Feed old_feed = f.whole();
  old_feed.directions.offer.reset();
  REQUIRE(f.put(old_feed).has_value());
  f.build("1.3.0", "bytes of 1.3.0");
  const auto before = f.files.bytes;
  const auto roll_out = [&]() -> Result<> {
    Feed feed = old_feed;
    feed.sequence = 8;
    feed.releases.push_back(TRY(f.publish("1.3.0", "bytes of 1.3.0")));
    feed.directions.offer = cohort::Offer{"1.3.0", "s", {}};
    return f.put(feed);
  };
  bool completed = false;
  int steps = 0;
  for (; !completed; ++steps) {
    CAPTURE(steps);
    f.files.bytes = before;
    int operations = 0;
    bool gone = false;
    f.files.fault = [&](std::string_view, std::string_view path) -> Result<> {
      if (gone || (path.starts_with("/public") && operations++ == steps)) {
        gone = true;
        return fail(ErrorKind::failed, "the store is gone");
      }
      return {};
    };
    const auto result = roll_out();
    f.files.fault = nullptr;
    completed = !gone;
    CHECK(result.has_value() == !gone);
    if (gone) CHECK(result.error().kind == ErrorKind::failed);
    CHECK((f.now()->sequence == 7 || f.now()->sequence == 8));
    CHECK(f.wrong().empty());
    CHECK(roll_out().has_value());
    CHECK(f.now()->sequence == 8);
    CHECK(f.wrong().empty());
    for (const auto& [path, bytes] : f.files.bytes) CHECK(path.find(".tmp") == std::string::npos);
  }
  CHECK(steps > 8);
}

TEST_CASE("feed check finds nothing wrong with a whole channel, and names every check") {
  Fixture f;
  REQUIRE(f.put(f.whole()).has_value());
  std::vector<std::string> names;
  for (const auto& finding : f.check()) {
    CAPTURE(finding.detail);
    CHECK(finding.ok);
    names.push_back(finding.check);
  }
  CHECK(names == std::vector<std::string>{"signature", "app and channel", "expiry", "releases", "directions",
                                          "manifest 1.1.0", "artifact 1.1.0 notes.deb",
                                          "artifact 1.1.0 notes.tar.gz", "manifest 1.2.0",
                                          "artifact 1.2.0 notes.deb", "artifact 1.2.0 notes.tar.gz"});
  CHECK(f.check(false).size() == 7);
}

TEST_CASE("feed check reports every fault, not only the first") {
  using Names = std::vector<std::string>;
  Fixture f;
  CHECK(f.wrong() == Names{"feed"});
  Feed feed = f.whole();
  REQUIRE(f.put(feed).has_value());
  CHECK(f.wrong(true, std::chrono::hours(24)) == Names{"expiry"});
  f.files.bytes["/public/tranche/v1/releases/1.1.0/manifest.json"][30] ^= 1;
  f.files.bytes["/public/tranche/v1/releases/1.2.0/notes.deb"][0] ^= 1;
  f.files.bytes["/public/tranche/v1/releases/1.2.0/notes.tar.gz"] += "longer";
  CHECK(f.wrong(true, std::chrono::hours(24)) ==
        Names{"expiry", "manifest 1.1.0", "artifact 1.2.0 notes.deb", "artifact 1.2.0 notes.tar.gz"});
  CHECK(f.wrong(false) == Names{"manifest 1.1.0"});
  f.files.bytes.erase("/public/tranche/v1/releases/1.2.0/notes.deb");
  CHECK(f.wrong().size() == 3);
  feed.directions.withdrawn.push_back({"1.2.0", "1.1.0"});
  f.files.bytes["/public/tranche/v1/feed.json"] = *seal(feed, f.keys.feed);
  CHECK(f.wrong(false) == Names{"directions", "manifest 1.1.0"});
  f.files.bytes["/public/tranche/v1/feed.json"] = *seal(feed, f.keys.journal);
  CHECK(f.wrong() == Names{"signature"});
}

TEST_CASE("a store that cannot be read is an error of the check, not a finding") {
  Fixture f;
  REQUIRE(f.put(f.whole()).has_value());
  f.files.fault = [](std::string_view, std::string_view) -> Result<> {
    return fail(ErrorKind::failed, "the disk is gone");
  };
  CHECK(check_channel(*f.store, f.keys.trust, "notes-agent", "stable", {}, true).error().kind ==
        ErrorKind::failed);
}

}  // namespace
}  // namespace tranche::channel
