#include "channel/feed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "channel/channel_testing.hpp"
#include "doc/value.hpp"

namespace tranche::channel {
namespace {

using namespace testing;

template <class T>
void check_refused(const Result<T>& result, std::string_view words) {
  REQUIRE_FALSE(result.has_value());
  CAPTURE(result.error().message);
  CAPTURE(words);
  CHECK(result.error().kind == ErrorKind::verification);
  CHECK(result.error().message.find(words) != std::string::npos);
}

Feed random_feed(std::mt19937& random) {
  const auto below = [&](int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random); };
  const auto version = [&](int i) {
    return fmt::format("1.{}.{}{}", i, below(9), below(3) == 0 ? "-rc.1" : "");
  };
  const auto labels = [&] {
    std::map<std::string, std::vector<std::string>> made;
    for (int i = below(3); i > 0; --i)
      for (int v = 1 + below(3); v > 0; --v)
        made[fmt::format("label {}", below(5))].push_back(fmt::format("\"{}\\", v));
    return made;
  };
  Feed feed;
  feed.app = "notes-agent";
  feed.channel = "stable";
  feed.sequence = below(2) == 0 ? (1ULL << 53) : static_cast<std::uint64_t>(below(1000));
  feed.issued = Instant(std::chrono::milliseconds(1'700'000'000'000 + below(1'000'000'000)));
  feed.expires = feed.issued + std::chrono::milliseconds(1 + below(1'000'000));
  if (below(2) == 0) feed.plan = digest_of(std::to_string(below(9)));
  for (int i = 1 + below(5); i > 0; --i)
    feed.releases.push_back(
        {version(i), digest_of(std::to_string(i)), manifest_name(fmt::format("1.{}", i))});
  const auto any = [&] {
    return feed.releases[static_cast<std::size_t>(below(static_cast<int>(feed.releases.size())))].version;
  };
  if (below(4) != 0) feed.directions.baseline = any();
  for (int i = below(3); i > 0; --i)
    feed.directions.withdrawn.push_back({fmt::format("0.{}", i), below(2) == 0 ? any() : ""});
  for (int i = below(3); i > 0; --i) feed.directions.holds.push_back({labels(), "1." + std::to_string(i)});
  if (below(4) != 0) {
    auto& offer = feed.directions.offer.emplace();
    offer.release = any();
    offer.salt = "notes-agent/stable/1.2.0";
    for (int i = below(4); i > 0; --i) {
      cohort::Rule rule;
      rule.labels = labels();
      for (int d = below(4); d > 0; --d) rule.devices.push_back(digest_of(std::to_string(d)));
      std::ranges::sort(rule.devices);
      if (below(2) == 0)
        rule.all = true;
      else
        rule.below = (static_cast<std::uint64_t>(random()) << 32) | random();
      offer.rules.push_back(rule);
    }
  }
  return feed;
}

TEST_CASE("property: a feed reads back equal, through its payload and through its envelope") {
  const auto seed = std::random_device{}();
  MESSAGE("seed " << seed);
  CAPTURE(seed);
  std::mt19937 random(seed);
  const Keys keys;
  for (int round = 0; round < 200; ++round) {
    const Feed feed = random_feed(random);
    const auto payload = to_payload(feed);
    const auto parsed = parse_payload(payload);
    if (!parsed) FAIL(parsed.error().message);
    CHECK(*parsed == feed);
    CHECK(to_payload(*parsed) == payload);
    const auto opened =
        open_feed(*seal(feed, keys.feed), keys.trust, "notes-agent", "stable", feed.issued, {});
    REQUIRE(opened.has_value());
    CHECK(*opened == feed);
  }
}

TEST_CASE("the payload is the one that FEED.md describes") {
  CHECK(
      to_payload(usual_feed()) ==
      R"({"app":"notes-agent","baseline":"1.1.0","channel":"stable","expires":"2026-01-02T00:00:00Z",)"
      R"("holds":[{"labels":{"customer":["bank"]},"max-version":"1.1"}],"issued":"2026-01-01T00:00:00Z",)"
      R"("offer":{"release":"1.2.0","rules":[{"all":true,"labels":{"ring":["pilot"]}},{"below":"922337203685477580"}],)"
      R"("salt":"notes-agent/stable/1.2.0"},"plan":")" +
          digest_of("plan") +
          R"(","releases":[{"manifest":{"path":"tranche/v1/releases/1.1.0/manifest.json","sha256":")" +
          digest_of("1.1.0") +
          R"("},"version":"1.1.0"},{"manifest":{"path":"tranche/v1/releases/1.2.0/manifest.json",)" +
          R"("sha256":")" + digest_of("1.2.0") +
          R"("},"version":"1.2.0"}],"schema":"tranche/feed/v1","sequence":7,)"
          R"("withdrawn":[{"fallback":"1.1.0","version":"1.0.9"}]})");
}

TEST_CASE("one flipped byte of the envelope is refused or changes nothing") {
  const Keys keys;
  const Feed feed = usual_feed();
  const std::string good = *seal(feed, keys.feed);
  int harmless = 0;
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const int mask : {0x01, 0x20, 0x80}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ mask);
      const auto opened = open_feed(bad, keys.trust, feed.app, feed.channel, feed.issued, {});
      if (opened) {
        ++harmless;
        CHECK(*opened == feed);
      } else {
        CHECK(opened.error().kind == ErrorKind::verification);
      }
    }
  CHECK(harmless < 20);
}

TEST_CASE("a feed that a client must not believe is refused with a message of its own") {
  const Keys keys;
  const Feed feed = usual_feed();
  const auto open = [&](const std::string& envelope, std::string_view app = "notes-agent",
                        std::string_view channel = "stable", std::uint64_t seen = 7, Duration later = {}) {
    return open_feed(envelope, keys.trust, app, channel, feed.issued + later, {seen});
  };
  const std::string good = *seal(feed, keys.feed);
  CHECK(open(good).has_value());
  CHECK(open(good, "notes-agent", "stable", 0, std::chrono::hours(23)).has_value());

  SUBCASE("another app") { check_refused(open(good, "other"), "of app 'notes-agent', not 'other'"); }
  SUBCASE("another channel") {
    check_refused(open(good, "notes-agent", "beta"), "of channel 'stable', not 'beta'");
  }
  SUBCASE("older than one seen") {
    check_refused(open(good, "notes-agent", "stable", 8), "older than one seen: sequence 7, was 8");
  }
  SUBCASE("expired") {
    check_refused(open(good, "notes-agent", "stable", 7, std::chrono::hours(24)), "expired at 2026-01-02");
  }
  SUBCASE("signed by a release key") { check_refused(open(*seal(feed, keys.release)), "a release key"); }
  SUBCASE("signed by a stranger") { check_refused(open(*seal(feed, key_of('x'))), "unknown key"); }
  SUBCASE("a manifest's payload type") {
    check_refused(open(*signing::sign_envelope(signing::manifest_type, to_payload(feed), keys.feed)), "");
  }
  SUBCASE("too large") { check_refused(open(good + std::string(max_feed_bytes, ' ')), "more than"); }
  SUBCASE("no envelope") { check_refused(open("{}"), ""); }
  SUBCASE("a version without a release entry") {
    Feed bad = feed;
    bad.releases.pop_back();
    check_refused(open(*seal(bad, keys.feed)), "offer 1.2.0 is not among its releases");
  }
}

// The usual payload with one member changed.
std::string changed(const std::function<void(doc::Value&)>& change) {
  auto value = *doc::parse_json(to_payload(usual_feed()));
  change(value);
  return doc::to_json(value);
}
doc::Value& rule(doc::Value& feed) { return feed.find("offer")->find("rules")->as_array()[0]; }

TEST_CASE("a payload of another form is refused") {
  using doc::Value;
  const std::string device = digest_of("d"), other_device = digest_of("e");
  const std::vector<std::pair<std::string_view, std::function<void(Value&)>>> changes = {
      {"schema", [](Value& v) { v.set("schema", "tranche/feed/v2"); }},
      {"schema", [](Value& v) { v.erase("schema"); }},
      {"app", [](Value& v) { v.erase("app"); }},
      {"app", [](Value& v) { v.set("app", ""); }},
      {"app", [](Value& v) { v.set("app", "a\nb"); }},
      {"channel", [](Value& v) { v.set("channel", 1); }},
      {"sequence", [](Value& v) { v.set("sequence", "7"); }},
      {"sequence", [](Value& v) { v.set("sequence", -1); }},
      {"sequence", [](Value& v) { v.set("sequence", 7.5); }},
      {"sequence", [](Value& v) { v.set("sequence", std::int64_t{1} << 60); }},
      {"issued", [](Value& v) { v.set("issued", "yesterday"); }},
      {"expires", [](Value& v) { v.set("expires", *v.find("issued")); }},
      {"plan", [](Value& v) { v.set("plan", "abc"); }},
      {"releases", [](Value& v) { v.set("releases", Value::object()); }},
      {"releases", [](Value& v) { v.find("releases")->push(1); }},
      {"release 1.2.0 stands twice",
       [](Value& v) { v.find("releases")->push(v.find("releases")->as_array()[1]); }},
      {"is no version", [](Value& v) { v.find("releases")->as_array()[0].set("version", "latest"); }},
      {"manifest", [](Value& v) { v.find("releases")->as_array()[0].erase("manifest"); }},
      {"SHA-256", [](Value& v) { v.find("releases")->as_array()[0].find("manifest")->set("sha256", "00"); }},
      {"../", [](Value& v) { v.find("releases")->as_array()[0].find("manifest")->set("path", "../secret"); }},
      {"baseline", [](Value& v) { v.set("baseline", Value()); }},
      {"baseline 3.0.0 is not among", [](Value& v) { v.set("baseline", "3.0.0"); }},
      {"fallback 3.0.0 is not among",
       [](Value& v) { v.find("withdrawn")->as_array()[0].set("fallback", "3.0.0"); }},
      {"withdrawn version 1.0.9 stands twice",
       [](Value& v) { v.find("withdrawn")->push(v.find("withdrawn")->as_array()[0]); }},
      {"withdrawn", [](Value& v) { v.find("withdrawn")->push("1.0.8"); }},
      {"max-version", [](Value& v) { v.find("holds")->as_array()[0].erase("max-version"); }},
      {"offer", [](Value& v) { v.set("offer", Value::array()); }},
      {"salt", [](Value& v) { v.find("offer")->set("salt", ""); }},
      {"rules", [](Value& v) { v.find("offer")->set("rules", Value::object()); }},
      {"one of 'below' and 'all'", [](Value& v) { rule(v).erase("all"); }},
      {"not both", [](Value& v) { rule(v).set("below", "1"); }},
      {"'all' can only be true", [](Value& v) { rule(v).set("all", false); }},
      {"all", [](Value& v) { rule(v).set("all", "true"); }},
      {"below",
       [](Value& v) {
         rule(v).erase("all");
         rule(v).set("below", 5);
       }},
      {"below",
       [](Value& v) {
         rule(v).erase("all");
         rule(v).set("below", "05");
       }},
      {"below",
       [](Value& v) {
         rule(v).erase("all");
         rule(v).set("below", "18446744073709551616");
       }},
      {"labels", [](Value& v) { rule(v).set("labels", Value::array()); }},
      {"label 'ring'", [](Value& v) { rule(v).find("labels")->set("ring", Value::array()); }},
      {"label 'ring'", [](Value& v) { rule(v).find("labels")->set("ring", "pilot"); }},
      {"empty list of devices", [](Value& v) { rule(v).set("devices", Value::array()); }},
      {"listed device", [](Value& v) { rule(v).set("devices", doc::Array{"device-1"}); }},
      {"not in order",
       [&](Value& v) {
         rule(v).set("devices", doc::Array{std::max(device, other_device), std::min(device, other_device)});
       }},
      {"not in order", [&](Value& v) { rule(v).set("devices", doc::Array{device, device}); }},
  };
  CHECK(parse_payload(changed([](Value&) {})).has_value());
  for (const auto& [words, change] : changes) check_refused(parse_payload(changed(change)), words);
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), std::string("{\"schema\":1,\"schema\":1}")})
    check_refused(parse_payload(text), "");
}

TEST_CASE("members that a later version adds are passed over") {
  const auto parsed = parse_payload(changed([](doc::Value& v) {
    v.set("keys", doc::Array{"next"});
    rule(v).set("note", 1);
    v.find("releases")->as_array()[0].set("size", 3);
  }));
  REQUIRE(parsed.has_value());
  CHECK(*parsed == usual_feed());
}

TEST_CASE("a release opens only with the manifest that the feed names") {
  const Keys keys;
  const std::string envelope = sealed_manifest(keys, "1.2.0", "the bytes");
  Feed feed = usual_feed();
  feed.releases[1].manifest_sha256 = artifact::manifest_digest(envelope);
  CHECK(open_release(feed, "1.2.0", envelope, keys.trust)->version == "1.2.0");
  check_refused(open_release(feed, "1.2.0", envelope + " ", keys.trust), "SHA-256");
  check_refused(open_release(feed, "1.3.0", envelope, keys.trust), "names no release 1.3.0");

  SUBCASE("signed by a feed key") {
    auto manifest = usual_manifest("1.2.0", "the bytes");
    const std::string forged = *artifact::seal(manifest, keys.feed);
    feed.releases[1].manifest_sha256 = artifact::manifest_digest(forged);
    check_refused(open_release(feed, "1.2.0", forged, keys.trust), "a feed key");
  }
  SUBCASE("of another app or version") {
    auto manifest = usual_manifest("1.2.0", "the bytes");
    manifest.app = "other";
    const std::string of_other = *artifact::seal(manifest, keys.release);
    feed.releases[1].manifest_sha256 = artifact::manifest_digest(of_other);
    check_refused(open_release(feed, "1.2.0", of_other, keys.trust), "");
    feed.releases[0].manifest_sha256 = artifact::manifest_digest(envelope);
    check_refused(open_release(feed, "1.1.0", envelope, keys.trust), "");
  }
}

}  // namespace
}  // namespace tranche::channel
