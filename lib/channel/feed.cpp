// The feed as bytes: written canonically, read by distrust. Every bound below keeps a feed that some key did
// sign from costing a client more than a megabyte and a millisecond.
#include "channel/feed.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/parts.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view schema = "tranche/feed/v1";
constexpr auto refused = ErrorKind::verification;
constexpr std::uint64_t max_sequence = 1ULL << 53;  // what every JSON reader keeps exact
constexpr std::size_t max_releases = 1024;
constexpr std::size_t max_rules = 256;
constexpr std::size_t max_labels = 32;  // of a device, so more can never match
constexpr std::size_t max_values = 1024;
constexpr std::size_t max_holds = 256;

using Labels = std::map<std::string, std::vector<std::string>>;

doc::Value to_value(const Labels& labels) {
  doc::Value value = doc::Value::object();
  for (const auto& [name, allowed] : labels) value.set(name, doc::Array(allowed.begin(), allowed.end()));
  return value;
}

doc::Value to_value(const cohort::Rule& rule) {
  doc::Value value = doc::Value::object();
  if (!rule.labels.empty()) value.set("labels", to_value(rule.labels));
  if (!rule.devices.empty()) value.set("devices", doc::Array(rule.devices.begin(), rule.devices.end()));
  if (rule.below) value.set("below", std::to_string(*rule.below));
  if (rule.all) value.set("all", true);
  return value;
}

bool is_text(std::string_view text, std::size_t limit) {
  return !text.empty() && text.size() <= limit &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool is_digest(std::string_view text) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::ranges::all_of(text, hex);
}

// A member that must be there and hold printable ASCII.
Result<std::string> read_text(const doc::Value& value, std::string_view key, std::size_t limit) {
  auto text = TRY(value.text(key, refused));
  if (!is_text(text, limit)) return fail(refused, "feed: '{}' is '{}'", key, printable(text, 60));
  return text;
}

Result<std::string> read_version(const doc::Value& value, std::string_view key) {
  auto text = TRY(value.text(key, refused));
  if (!valid_version(text)) return fail(refused, "feed: {} '{}' is no version", key, printable(text, 60));
  return text;
}

Result<Instant> read_instant(const doc::Value& value, std::string_view key) {
  const auto instant = parse_instant(TRY(value.text(key, refused)));
  if (!instant) return fail(refused, "feed: {}: {}", key, instant.error().message);
  return *instant;
}

// nullptr: absent. An optional list of at most `limit` members.
Result<const doc::Array*> read_list(const doc::Value& value, std::string_view key, std::size_t limit) {
  if (value.find(key) == nullptr) return nullptr;
  const auto& list = TRY(value.array_at(key, refused))->as_array();
  if (list.size() > limit) return fail(refused, "feed: more than {} {}", limit, key);
  return &list;
}

Result<> expect_map(const doc::Value& value, std::string_view what) {
  if (!value.is_object()) return fail(refused, "feed: one of {} is {}, not a map", what, value.kind_name());
  return {};
}

Result<Labels> read_labels(const doc::Value& value) {
  Labels labels;
  if (value.find("labels") == nullptr) return labels;
  const auto& members = TRY(value.object_at("labels", refused))->as_object();
  if (members.size() > max_labels) return fail(refused, "feed: more than {} labels", max_labels);
  for (const auto& [name, allowed, place] : members) {
    if (!is_text(name, 128)) return fail(refused, "feed: '{}' is no label", printable(name, 60));
    if (!allowed.is_array() || allowed.as_array().empty() || allowed.as_array().size() > max_values)
      return fail(refused, "feed: label '{}' needs a list of 1 to {} values", name, max_values);
    auto& values = labels[name];
    for (const auto& one : allowed.as_array()) {
      if (!one.is_string() || !is_text(one.as_string(), 128))
        return fail(refused, "feed: a value of label '{}' is no printable text", name);
      values.push_back(one.as_string());
    }
  }
  return labels;
}

Result<cohort::Rule> read_rule(const doc::Value& value) {
  TRY(expect_map(value, "the rules"));
  cohort::Rule rule;
  rule.labels = TRY(read_labels(value));
  if (const auto* devices = TRY(read_list(value, "devices", max_feed_bytes / 64))) {
    // An empty list reaches nobody, and a reader that takes it for no list would reach everybody.
    if (devices->empty()) return fail(refused, "feed: a rule has an empty list of devices");
    for (const auto& device : *devices) {
      if (!device.is_string() || !is_digest(device.as_string()))
        return fail(refused, "feed: a listed device is no SHA-256 in hex");
      if (!rule.devices.empty() && device.as_string() <= rule.devices.back())
        return fail(refused, "feed: listed devices are not in order");
      rule.devices.push_back(device.as_string());
    }
  }
  if (value.find("below") != nullptr) {
    const auto text = TRY(value.text("below", refused));
    const auto below = parse_u64(text);
    if (!below || std::to_string(*below) != text)
      return fail(refused, "feed: below '{}' is no number under 2^64", printable(text, 40));
    rule.below = below;
  }
  if (value.find("all") != nullptr) {
    rule.all = TRY(value.boolean("all", refused));
    if (!rule.all) return fail(refused, "feed: 'all' can only be true");
  }
  if (rule.all == rule.below.has_value())
    return fail(refused, "feed: a rule needs one of 'below' and 'all'{}", rule.all ? ", not both" : "");
  return rule;
}

Result<ReleaseRef> read_release(const doc::Value& value) {
  TRY(expect_map(value, "the releases"));
  ReleaseRef release;
  release.version = TRY(read_version(value, "version"));
  const auto* manifest = TRY(value.object_at("manifest", refused));
  release.manifest_sha256 = TRY(manifest->text("sha256", refused));
  if (!is_digest(release.manifest_sha256))
    return fail(refused, "feed: release {} names its manifest by no SHA-256 in hex", release.version);
  release.manifest_path = TRY(manifest->text("path", refused));
  if (!store::check_name(release.manifest_path))
    return fail(refused, "feed: release {} has its manifest at '{}'", release.version,
                printable(release.manifest_path, 60));
  return release;
}

Result<cohort::Directions> read_directions(const doc::Value& value) {
  cohort::Directions directions;
  if (value.find("offer") != nullptr) {
    const auto* offer = TRY(value.object_at("offer", refused));
    auto& into = directions.offer.emplace();
    into.release = TRY(read_version(*offer, "release"));
    into.salt = TRY(read_text(*offer, "salt", 512));
    if (const auto* rules = TRY(read_list(*offer, "rules", max_rules)))
      for (const auto& rule : *rules) into.rules.push_back(TRY(read_rule(rule)));
  }
  if (value.find("baseline") != nullptr) directions.baseline = TRY(read_version(value, "baseline"));
  if (const auto* list = TRY(read_list(value, "withdrawn", max_releases)))
    for (const auto& one : *list) {
      TRY(expect_map(one, "the withdrawn"));
      cohort::Withdrawn withdrawn;
      withdrawn.version = TRY(read_version(one, "version"));
      if (one.find("fallback") != nullptr) withdrawn.fallback = TRY(read_version(one, "fallback"));
      directions.withdrawn.push_back(std::move(withdrawn));
    }
  if (const auto* list = TRY(read_list(value, "holds", max_holds)))
    for (const auto& one : *list) {
      TRY(expect_map(one, "the holds"));
      cohort::Hold hold;
      hold.labels = TRY(read_labels(one));
      hold.max_version = TRY(read_version(one, "max-version"));
      directions.holds.push_back(std::move(hold));
    }
  return directions;
}

Result<> check_unique(std::set<std::string>& seen, std::string_view what, const std::string& version) {
  if (!seen.insert(version).second) return fail(refused, "feed: {} {} stands twice", what, version);
  return {};
}

}  // namespace

std::string manifest_name(std::string_view version) {
  return fmt::format("tranche/v1/releases/{}/manifest.json", version);
}

std::string artifact_name(std::string_view version, std::string_view artifact) {
  return fmt::format("tranche/v1/releases/{}/{}", version, artifact);
}

std::string to_payload(const Feed& feed) {
  doc::Value releases = doc::Value::array(), withdrawn = doc::Value::array(), holds = doc::Value::array();
  for (const auto& release : feed.releases)
    releases.push(doc::Value::object({{"version", release.version},
                                      {"manifest", doc::Value::object({{"sha256", release.manifest_sha256},
                                                                       {"path", release.manifest_path}})}}));
  for (const auto& one : feed.directions.withdrawn) {
    withdrawn.push(doc::Value::object({{"version", one.version}}));
    if (!one.fallback.empty()) withdrawn.as_array().back().set("fallback", one.fallback);
  }
  for (const auto& hold : feed.directions.holds) {
    holds.push(doc::Value::object({{"max-version", hold.max_version}}));
    if (!hold.labels.empty()) holds.as_array().back().set("labels", to_value(hold.labels));
  }
  doc::Value value = doc::Value::object({{"schema", schema},
                                         {"app", feed.app},
                                         {"channel", feed.channel},
                                         {"sequence", feed.sequence},
                                         {"issued", tranche::to_text(feed.issued)},
                                         {"expires", tranche::to_text(feed.expires)},
                                         {"releases", std::move(releases)},
                                         {"withdrawn", std::move(withdrawn)},
                                         {"holds", std::move(holds)}});
  if (!feed.plan.empty()) value.set("plan", feed.plan);
  if (!feed.directions.baseline.empty()) value.set("baseline", feed.directions.baseline);
  if (const auto& offer = feed.directions.offer) {
    doc::Value rules = doc::Value::array();
    for (const auto& rule : offer->rules) rules.push(to_value(rule));
    value.set("offer",
              doc::Value::object(
                  {{"release", offer->release}, {"salt", offer->salt}, {"rules", std::move(rules)}}));
  }
  return doc::canonical_json(value).value_or("");  // fails on doubles only, and there are none
}

Result<Feed> parse_members(std::string_view payload) {
  if (payload.size() > max_feed_bytes)
    return fail(refused, "the feed has more than {} bytes", max_feed_bytes);
  const auto value = doc::parse_json(payload, "feed", {.max_bytes = max_feed_bytes, .max_depth = 16});
  if (!value) return fail(refused, "the feed is no JSON: {}", value.error().message);
  if (!value->is_object()) return fail(refused, "the feed is {}, not a map", value->kind_name());
  if (const auto found = TRY(value->text("schema", refused)); found != schema)
    return fail_hint(refused, "a newer client is needed", "the feed has schema '{}', not '{}'",
                     printable(found, 60), schema);
  Feed feed;
  feed.app = TRY(read_text(*value, "app", 128));
  feed.channel = TRY(read_text(*value, "channel", 128));
  const auto sequence = TRY(value->integer("sequence", refused));
  if (sequence < 0 || static_cast<std::uint64_t>(sequence) > max_sequence)
    return fail(refused, "feed: sequence {} is not between 0 and 2^53", sequence);
  feed.sequence = static_cast<std::uint64_t>(sequence);
  feed.issued = TRY(read_instant(*value, "issued"));
  feed.expires = TRY(read_instant(*value, "expires"));
  if (feed.expires <= feed.issued) return fail(refused, "feed: it expires before it is issued");
  feed.plan = TRY(value->text_or("plan", "", refused));
  if (!feed.plan.empty() && !is_digest(feed.plan)) return fail(refused, "feed: plan is no SHA-256 in hex");
  if (const auto* list = TRY(read_list(*value, "releases", max_releases)))
    for (const auto& one : *list) feed.releases.push_back(TRY(read_release(one)));
  feed.directions = TRY(read_directions(*value));
  std::set<std::string> versions, gone;
  for (const auto& release : feed.releases) TRY(check_unique(versions, "release", release.version));
  for (const auto& one : feed.directions.withdrawn) TRY(check_unique(gone, "withdrawn version", one.version));
  return feed;
}

Result<> check_releases(const Feed& feed) {
  const auto check = [&](std::string_view what, const std::string& version) -> Result<> {
    if (version.empty() ||
        std::ranges::find(feed.releases, version, &ReleaseRef::version) != feed.releases.end())
      return {};
    return fail(refused, "the feed's {} {} is not among its releases", what, version);
  };
  if (feed.directions.offer) TRY(check("offer", feed.directions.offer->release));
  TRY(check("baseline", feed.directions.baseline));
  for (const auto& one : feed.directions.withdrawn) TRY(check("fallback", one.fallback));
  return {};
}

Result<> check_stream(const Feed& feed, std::string_view app, std::string_view channel) {
  if (feed.app != app)
    return fail_hint(refused, "point the channel at a store of this app's own",
                     "the feed is of app '{}', not '{}'", feed.app, printable(app));
  if (feed.channel != channel)
    return fail_hint(refused, "point the channel at a store of its own",
                     "the feed is of channel '{}', not '{}'", feed.channel, printable(channel));
  return {};
}

Result<> check_expiry(const Feed& feed, Instant now) {
  if (now < feed.expires) return {};
  return fail_hint(refused, "run the next tick: it publishes a fresh one; check the clock",
                   "the feed expired at {} (now {})", tranche::to_text(feed.expires), tranche::to_text(now));
}

Result<Feed> parse_payload(std::string_view payload) {
  auto feed = TRY(parse_members(payload));
  TRY(check_releases(feed));
  return feed;
}

Result<std::string> seal(const Feed& feed, const crypto::Ed25519Signer& feed_key) {
  return signing::sign_envelope(signing::feed_type, to_payload(feed), feed_key);
}

Result<Feed> open_signed(std::string_view envelope, const signing::Trust& trust) {
  if (envelope.size() > max_feed_bytes)
    return fail_hint(refused, "this is no feed of ours", "the feed has {} bytes, more than {}",
                     envelope.size(), max_feed_bytes);
  const auto payload =
      TRY_WHILE("checking the feed's signature", signing::open_envelope(envelope, signing::feed_type, trust));
  return parse_members(payload);
}

Result<Feed> open_feed(std::string_view envelope, const signing::Trust& trust, std::string_view app,
                       std::string_view channel, Instant now, const Seen& seen) {
  auto feed = TRY(open_signed(envelope, trust));
  TRY(check_stream(feed, app, channel));
  TRY(check_expiry(feed, now));
  if (feed.sequence < seen.sequence)
    return fail_hint(refused, "somebody serves an old feed: the newest one seen stays in force",
                     "the feed is older than one seen: sequence {}, was {}", feed.sequence, seen.sequence);
  TRY(check_releases(feed));
  return feed;
}

Result<artifact::Manifest> open_release(const Feed& feed, std::string_view version, std::string_view envelope,
                                        const signing::Trust& trust) {
  const auto release = std::ranges::find(feed.releases, version, &ReleaseRef::version);
  if (release == feed.releases.end())
    return fail(refused, "the feed names no release {}", printable(version, 60));
  if (envelope.size() > max_manifest_bytes)
    return fail(refused, "the manifest of {} has {} bytes, more than {}", version, envelope.size(),
                max_manifest_bytes);
  if (const auto digest = artifact::manifest_digest(envelope); digest != release->manifest_sha256)
    return fail_hint(refused, "the file was changed or replaced: publish the release again",
                     "the manifest of {} has SHA-256 {:.16}…, the feed names {:.16}…", version, digest,
                     release->manifest_sha256);
  return TRY_WHILE(fmt::format("checking the manifest of release {}", version),
                   artifact::open_manifest(envelope, trust, feed.app, version));
}

}  // namespace tranche::channel
