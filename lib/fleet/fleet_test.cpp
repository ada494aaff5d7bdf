#include <doctest/doctest.h>

#include <cmath>

#include "artifact/manifest.hpp"
#include "crypto/digest.hpp"
#include "fleet/client.hpp"
#include "fleet/model.hpp"
#include "fleet/simulate.hpp"
#include "fleet/wire.hpp"

using namespace tranche;
using namespace tranche::fleet;

TEST_CASE("the same seed is the same fleet, whatever its size") {
  Model small, large;
  small.seed = large.seed = 42;
  small.devices = 10;
  large.devices = 1'000'000;
  for (std::size_t i = 0; i < 200; ++i) {
    const cohort::Device a = make_device(small, i), b = make_device(large, i);
    CHECK(a.id == b.id);
    CHECK(a.labels == b.labels);
    CHECK(device_random(small, i).next() == device_random(large, i).next());
    CHECK(cohort::check_device(a).has_value());
  }
  large.seed = 43;
  CHECK(make_device(small, 0).id != make_device(large, 0).id);
}

TEST_CASE("the generator is splitmix64, so a seed means the same on every machine") {
  Random random(7);
  CHECK(random.next() == 0x63cbe1e459320dd7u);
}

TEST_CASE("shares of labels and offline devices are what was asked for") {
  Model model;
  model.pilot_share = Percent{50'000};
  model.offline = Percent{100'000};
  int pilots = 0, offline = 0, german = 0;
  constexpr int n = 20'000;
  for (std::size_t i = 0; i < n; ++i) {
    const Traits traits = traits_of(model, i);
    pilots += traits.pilot ? 1 : 0;
    offline += traits.offline ? 1 : 0;
    german += make_device(model, traits).labels.at("region") == "de" ? 1 : 0;
    CHECK(poll_interval(model, i) == (traits.offline ? model.poll * offline_factor : model.poll));
  }
  const auto near = [](int count, double share) {
    return std::abs(count - n * share) < 5 * std::sqrt(n * share * (1 - share));
  };
  CHECK(near(pilots, 0.05));
  CHECK(near(offline, 0.1));
  CHECK(near(german, 0.3));
}

TEST_CASE("draws have the mean and the variance of their law") {
  const std::uint64_t seed = 20261121;
  CAPTURE(seed);
  Random random(seed);
  const auto check = [&](double mean, double variance, auto draw) {
    constexpr int n = 20'000;
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
      const auto x = static_cast<double>(draw());
      sum += x;
      squares += (x - mean) * (x - mean);
    }
    CHECK(std::abs(sum / n - mean) < 5 * std::sqrt(variance / n));
    CHECK(std::abs(squares / n / variance - 1) < 0.1);
  };
  for (const double mean : {0.5, 5.0, 29.0, 31.0, 4000.0})
    check(mean, mean, [&] { return random.poisson(mean); });
  for (const auto& [n, p] : std::vector<std::pair<std::uint64_t, double>>{
           {5, 0.3}, {63, 0.5}, {1000, 0.005}, {1000, 0.2}, {1000, 0.9}, {1'000'000, 0.005}})
    check(static_cast<double>(n) * p, static_cast<double>(n) * p * (1 - p),
          [&] { return random.binomial(n, p); });
  CHECK(random.binomial(10, 1.0) == 10);
  CHECK(random.binomial(10, 0.0) == 0);
  CHECK(random.poisson(0) == 0);
}

TEST_CASE("a model out of range is refused with a hint") {
  const auto refused = [](auto change) {
    Model model;
    change(model);
    const auto result = check_model(model);
    return !result && result.error().kind == ErrorKind::usage && !result.error().hint.empty();
  };
  CHECK(refused([](Model& m) { m.devices = 0; }));
  CHECK(refused([](Model& m) { m.devices = 20'000'000; }));
  CHECK(refused([](Model& m) { m.crash_rate = 1.5; }));
  CHECK(refused([](Model& m) { m.crash_rate = NAN; }));
  CHECK(refused([](Model& m) { m.crash_rate_of["1.2.0"] = -1; }));
  CHECK(refused([](Model& m) { m.poll = Duration(1); }));
  CHECK(refused([](Model& m) { m.sessions = INFINITY; }));
  CHECK(check_model(Model{}).has_value());
}

TEST_CASE("addresses are http only") {
  CHECK(parse_address("http://127.0.0.1:8090/x/")->prefix == "/x");
  CHECK(parse_address("http://[::1]:8090")->host == "::1");
  CHECK(parse_address("http://host")->port == "80");
  for (const std::string_view bad : {"https://x", "x:80", "http://", "http://h:0", "http://h:99999",
                                     "http://h:x", "http://h /", "http://h\r\nX: y/"}) {
    CAPTURE(bad);
    CHECK(!parse_address(bad));
  }
}

namespace {

const Instant now = Instant(std::chrono::seconds(1'767'225'600));

crypto::SecretKey key_of(char seed) { return *crypto::SecretKey::from_seed(Secret(std::string(32, seed))); }

struct Published {
  crypto::SecretKey feed_key = key_of('f'), release_key = key_of('r');
  signing::Trust trust;
  channel::Feed feed;
  std::map<std::string, std::string> files;

  Published() {
    trust.feed = {feed_key.public_key()};
    trust.release = {release_key.public_key()};
    feed.app = "app";
    feed.channel = "stable";
    feed.sequence = 10;
    feed.issued = now;
    feed.expires = now + std::chrono::hours(1);
    release("1.0.0");
    release("1.1.0");
    feed.directions.baseline = "1.0.0";
    cohort::Rule rule;
    rule.all = true;
    feed.directions.offer = cohort::Offer{"1.1.0", "app/stable/1.1.0", {rule}};
  }
  void release(const std::string& version) {
    const std::string bytes = "bytes of " + version;
    artifact::Manifest manifest;
    manifest.app = "app";
    manifest.version = version;
    manifest.created = now;
    manifest.artifacts.push_back(
        {"app.deb", "linux/amd64", bytes.size(), crypto::to_hex(crypto::sha256(bytes)), ""});
    const auto envelope = artifact::seal(manifest, release_key);
    REQUIRE(envelope);
    files[channel::manifest_name(version)] = *envelope;
    files[channel::artifact_name(version, "app.deb")] = bytes;
    feed.releases.push_back({version, artifact::manifest_digest(*envelope), channel::manifest_name(version)});
  }
  Fetch fetch(int* count = nullptr) {
    return [this, count](std::string_view name, std::size_t most) -> Result<std::string> {
      if (count != nullptr) ++*count;
      const auto found = files.find(std::string(name));
      if (found == files.end() || found->second.size() > most) return fail(ErrorKind::failed, "no {}", name);
      return found->second;
    };
  }
};

}  // namespace

TEST_CASE("a device takes what it is offered, after everything was verified once for all") {
  Published published;
  Site site(published.trust, "app", "stable");
  Refusal refusal;
  const std::string envelope = *channel::seal(published.feed, published.feed_key);
  const auto feed = site.open(envelope, now, refusal);
  REQUIRE(feed);
  CHECK(site.open(envelope, now, refusal) == feed);
  DeviceMemory memory;
  const Verdict verdict = consider(memory, feed, {"d", {}}, "1.0.0", now);
  CHECK(verdict.decision.version == "1.1.0");
  CHECK(memory.sequence == 10);
  int fetched = 0;
  CHECK(site.install(*feed, "1.1.0", published.fetch(&fetched), now, refusal));
  CHECK(site.install(*feed, "1.1.0", published.fetch(&fetched), now, refusal));
  CHECK(fetched == 2);
  CHECK(consider(memory, nullptr, {"d", {}}, "1.1.0", now).decision.version.empty());
}

TEST_CASE("whatever is wrong with a feed, the device keeps what it runs and says why") {
  Published published;
  Site site(published.trust, "app", "stable");
  Refusal refusal;
  SUBCASE("signed by a release key") {
    CHECK(!site.open(*channel::seal(published.feed, published.release_key), now, refusal));
    CHECK(refusal.word == "feed-refused");
  }
  SUBCASE("a changed byte") {
    std::string envelope = *channel::seal(published.feed, published.feed_key);
    envelope[envelope.size() / 2] ^= 1;
    CHECK(!site.open(envelope, now, refusal));
  }
  SUBCASE("another app's") {
    published.feed.app = "other";
    CHECK(!site.open(*channel::seal(published.feed, published.feed_key), now, refusal));
  }
  SUBCASE("older than the last one seen, even when its signature is known to be good") {
    const auto old = site.open(*channel::seal(published.feed, published.feed_key), now, refusal);
    published.feed.sequence = 11;
    const auto newer = site.open(*channel::seal(published.feed, published.feed_key), now, refusal);
    DeviceMemory memory;
    CHECK(!consider(memory, newer, {"d", {}}, "1.0.0", now).refused);
    const Verdict verdict = consider(memory, old, {"d", {}}, "1.0.0", now);
    CHECK(verdict.refused);
    CHECK(verdict.refusal.word == "feed-older");
    CHECK(memory.feed == newer);
  }
  SUBCASE("expired since it was verified") {
    const auto feed = site.open(*channel::seal(published.feed, published.feed_key), now, refusal);
    DeviceMemory memory;
    CHECK(consider(memory, feed, {"d", {}}, "1.0.0", published.feed.expires).refusal.word == "feed-expired");
    REQUIRE(!consider(memory, feed, {"d", {}}, "1.0.0", now).refused);
    CHECK(consider(memory, nullptr, {"d", {}}, "1.0.0", published.feed.expires).refusal.word ==
          "feed-expired");
  }
}

TEST_CASE("whatever is wrong with a release, it is not installed") {
  Published published;
  Site site(published.trust, "app", "stable");
  Refusal refusal;
  const std::string manifest = channel::manifest_name("1.1.0"),
                    bytes = channel::artifact_name("1.1.0", "app.deb");
  std::string word;
  SUBCASE("a changed artifact") {
    published.files[bytes][0] ^= 1;
    word = "artifact";
  }
  SUBCASE("a shorter artifact") {
    published.files[bytes].pop_back();
    word = "artifact";
  }
  SUBCASE("a manifest that was swapped for another release's") {
    published.files[manifest] = published.files[channel::manifest_name("1.0.0")];
    word = "manifest";
  }
  SUBCASE("a manifest signed by the feed key, named by the feed") {
    artifact::Manifest forged;
    forged.app = "app";
    forged.version = "1.1.0";
    forged.created = now;
    forged.artifacts.push_back({"app.deb", "any", 4, crypto::to_hex(crypto::sha256("evil")), ""});
    const auto envelope = artifact::seal(forged, published.feed_key);
    REQUIRE(envelope);
    published.files[manifest] = *envelope;
    published.feed.releases.back().manifest_sha256 = artifact::manifest_digest(*envelope);
    word = "manifest";
  }
  SUBCASE("nothing there") {
    published.files.erase(bytes);
    word = "download";
  }
  CHECK(!site.install(published.feed, "1.1.0", published.fetch(), now, refusal));
  CHECK(refusal.word == word);
  CHECK(!refusal.detail.empty());
}
