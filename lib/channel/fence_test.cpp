// Whoever slept between a decision and its publishing never puts it over a newer one: on a directory, on a
// git remote and in a bucket, with another writer between any two of its calls to the store.
#include <doctest/doctest.h>

#include <functional>

#include "channel/channel_testing.hpp"
#include "channel/spool.hpp"
#include "channel/static_feeds.hpp"
#include "os/world.hpp"
#include "store/s3.hpp"
#include "support/s3_server.hpp"
#include "support/temp_directory.hpp"

namespace tranche::channel {
namespace {

using namespace testing;

// A store that lets somebody else in before its n-th call.
class Interrupted final : public store::Store {
 public:
  Interrupted(std::unique_ptr<store::Store> base, int at, std::function<void()> other)
      : base_(std::move(base)), at_(at), other_(std::move(other)) {}
  Result<std::optional<store::Blob>> get(std::string_view name, std::size_t max_bytes) override {
    step();
    return base_->get(name, max_bytes);
  }
  Result<std::optional<store::Stat>> stat(std::string_view name, std::uint64_t max_hashed,
                                          store::DigestFrom from) override {
    step();
    return base_->stat(name, max_hashed, from);
  }
  Result<std::vector<std::string>> list(std::string_view prefix) override {
    step();
    return base_->list(prefix);
  }
  Result<store::Version> publish(const store::Publication& publication) override {
    step();
    return base_->publish(publication);
  }
  Result<> remove(std::span<const std::string> names) override {
    step();
    return base_->remove(names);
  }
  void refresh() override { base_->refresh(); }
  [[nodiscard]] std::string describe() const override { return base_->describe(); }
  [[nodiscard]] bool passed() const { return calls_ > at_; }

 private:
  void step() {
    if (calls_++ == at_) other_();
  }
  std::unique_ptr<store::Store> base_;
  int at_;
  std::function<void()> other_;
  int calls_ = 0;
};

struct Place {
  std::string name;
  std::function<std::unique_ptr<store::Store>(int story, int writer)> open;
};

// One server for all cases: each has a part of the bucket to itself.
int next_number() {
  static int last = 0;
  return ++last;
}

struct Fixture {
  int number = next_number();
  Keys keys;
  support::TempDirectory directory;
  os::RealWorld real;
  ports::World world = real.world();

  std::vector<Place> places() {
    std::vector<Place> all;
    all.push_back({"directory", [this](int story, int) {
                     return store::open_directory(world.files,
                                                  directory / ("public-" + std::to_string(story)));
                   }});
    all.push_back(
        {"git", [this](int story, int writer) {
           const std::string remote = directory / ("remote-" + std::to_string(story) + ".git");
           if (!*world.files.info(remote))
             REQUIRE(world.process.run({.argv = {"git", "init", "-q", "--bare", remote}})->exit_code == 0);
           store::GitOptions options;
           options.remote = remote;
           options.branch = "feeds";
           options.cache_directory = directory / ("cache-" + std::to_string(writer));
           auto opened = store::open_git(world, std::move(options));
           REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
           return std::move(*opened);
         }});
    if (support::S3Server::available())
      all.push_back({"bucket", [this](int story, int) {
                       static support::S3Server server;
                       server.command("bucket fence");
                       store::S3Options options;
                       options.bucket = "fence";
                       options.prefix = "case-" + std::to_string(number) + "/story-" + std::to_string(story);
                       options.region = support::S3Server::region;
                       options.endpoint = server.endpoint();
                       options.path_style = true;
                       options.keys = {
                           support::S3Server::access_key, Secret(support::S3Server::secret_key), {}};
                       auto opened = store::open_s3(world, std::move(options));
                       REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
                       return std::move(*opened);
                     }});
    return all;
  }
  Feed feed(std::uint64_t sequence) const {
    Feed feed = usual_feed();
    feed.sequence = sequence;
    return feed;
  }
  Result<> put(store::Store& store, const Feed& feed) {
    spec::Channel channel;
    channel.name = "stable";
    const std::string repository;
    TRY(publish_channel(store, {.world = world,
                                .repository = repository,
                                .channel = channel,
                                .trust = keys.trust,
                                .feed = feed,
                                .feed_channels = {},
                                .releases = {},
                                .unread = {},
                                .feed_key = keys.feed}));
    return {};
  }
  std::uint64_t now(const Place& place, int story) {
    const auto store = place.open(story, 9);
    store->refresh();
    const auto published = read_published(*store, keys.trust, "notes-agent", "stable");
    REQUIRE(published.has_value());
    REQUIRE(published->has_value());
    return (*published)->feed.sequence;
  }
  void spool(store::Store& store) {
    const SpooledStop stop{.app = "notes-agent",
                           .channel = "stable",
                           .rollout = "desktop",
                           .release = "1.2.0",
                           .fallback = "1.1.0",
                           .by = "bo",
                           .reason = "now",
                           .at = *parse_instant("2026-01-01T03:00:00Z"),
                           .seen_sequence = 5,
                           .seen_sha256 = {}};
    const std::string envelope = *seal(stop, keys.feed);
    store::Publication publication;
    publication.files.push_back({.name = spool_name(envelope), .bytes = envelope, .copy_from = {}});
    REQUIRE(store.publish(publication).has_value());
  }
};

TEST_CASE("a newer decision that comes in between any two calls of an older one stays") {
  Fixture f;
  int story = 0;
  for (const Place& place : f.places()) {
    CAPTURE(place.name);
    int points = 0;
    for (int at = 0;; ++at, ++story) {
      CAPTURE(at);
      REQUIRE(f.put(*place.open(story, 0), f.feed(5)).has_value());
      Interrupted slow(place.open(story, 1), at,
                       [&] { REQUIRE(f.put(*place.open(story, 2), f.feed(9)).has_value()); });
      const auto older = f.put(slow, f.feed(7));
      if (!slow.passed()) break;
      ++points;
      CHECK(older.error().kind == ErrorKind::conflict);
      CHECK(f.now(place, story) == 9);
    }
    ++story;
    CHECK(points >= 3);
  }
}

TEST_CASE(
    "an older decision that comes in between any two calls of a newer one loses, and the newer gets "
    "through") {
  Fixture f;
  int story = 0;
  for (const Place& place : f.places()) {
    CAPTURE(place.name);
    for (int at = 0;; ++at, ++story) {
      CAPTURE(at);
      REQUIRE(f.put(*place.open(story, 0), f.feed(5)).has_value());
      Interrupted slow(place.open(story, 1), at,
                       [&] { REQUIRE(f.put(*place.open(story, 2), f.feed(7)).has_value()); });
      REQUIRE(f.put(slow, f.feed(9)).has_value());
      CHECK(f.now(place, story) == 9);
      if (!slow.passed()) break;
    }
    ++story;
  }
}

TEST_CASE("a stop that is spooled before a feed was looked at keeps it from going out") {
  Fixture f;
  int story = 0;
  for (const Place& place : f.places()) {
    CAPTURE(place.name);
    // Spooled, and its feed published above: at every point the older writer loses.
    for (int at = 0;; ++at, ++story) {
      CAPTURE(at);
      REQUIRE(f.put(*place.open(story, 0), f.feed(5)).has_value());
      Interrupted slow(place.open(story, 1), at, [&] {
        const auto other = place.open(story, 2);
        f.spool(*other);
        spec::Channel channel;
        channel.name = "stable";
        const std::string repository;
        Feed stopped = f.feed(6);
        stopped.directions.offer.reset();
        const auto names = other->list(spool_prefix);
        REQUIRE(names.has_value());
        REQUIRE(publish_channel(*other, {.world = f.world,
                                         .repository = repository,
                                         .channel = channel,
                                         .trust = f.keys.trust,
                                         .feed = stopped,
                                         .feed_channels = {},
                                         .releases = {},
                                         .unread = {},
                                         .feed_key = f.keys.feed,
                                         .known_stops = {names->begin(), names->end()}})
                    .has_value());
      });
      const auto widened = f.put(slow, f.feed(60));  // higher, but it does not know of the stop
      if (!slow.passed()) break;
      REQUIRE_FALSE(widened.has_value());
      CHECK(widened.error().kind == ErrorKind::conflict);
      CHECK(f.now(place, story) == 6);
    }
    ++story;
  }
}

}  // namespace
}  // namespace tranche::channel
