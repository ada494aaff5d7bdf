#include "channel/spool.hpp"

#include <algorithm>
#include <tuple>

#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/parts.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"
#include "signing/dsse.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view schema = "tranche/spool/v1";
constexpr auto refused = ErrorKind::verification;
constexpr std::size_t max_name = 128;
constexpr std::size_t max_words = 4 << 10;               // of a reason, and of who
constexpr std::uint64_t max_sequence_seen = 1ULL << 53;  // as of a feed: what every JSON reader keeps exact

bool is_name(std::string_view text) {
  return text.size() <= max_name && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_words(std::string_view text) { return text.size() <= max_words && is_valid_utf8(text); }

// What a reader accepts; the writer checks itself by it.
Result<> check(const SpooledStop& stop, ErrorKind kind) {
  if (!is_name(stop.app) || stop.app.empty() || !is_name(stop.channel) || stop.channel.empty() ||
      !is_name(stop.rollout))
    return fail(kind, "a spooled stop names no app, channel or rollout");
  if (!valid_version(stop.release) || (!stop.fallback.empty() && !valid_version(stop.fallback)))
    return fail(kind, "a spooled stop names no release");
  if (stop.fallback == stop.release) return fail(kind, "a spooled stop sends devices back to what it stops");
  if (!is_words(stop.by) || !is_words(stop.reason))
    return fail_hint(kind, fmt::format("write a reason of at most {} bytes in UTF-8", max_words),
                     "the reason of a spooled stop is too long, or no UTF-8");
  if (stop.seen_sequence > max_sequence_seen)
    return fail(kind, "a spooled stop has seen a sequence above 2^53");
  if (!stop.seen_sha256.empty() && !crypto::parse_sha256(stop.seen_sha256))
    return fail(kind, "a spooled stop holds a digest that is no SHA-256");
  return {};
}

}  // namespace

Result<std::string> seal(const SpooledStop& stop, const crypto::Ed25519Signer& feed_key) {
  TRY(check(stop, ErrorKind::invalid));
  const doc::Value value = doc::Value::object(
      {{"schema", schema},
       {"app", stop.app},
       {"channel", stop.channel},
       {"rollout", stop.rollout},
       {"release", stop.release},
       {"fallback", stop.fallback},
       {"by", stop.by},
       {"reason", stop.reason},
       {"at", tranche::to_text(stop.at)},
       {"seen", doc::Value::object({{"sequence", stop.seen_sequence}, {"sha256", stop.seen_sha256}})}});
  return signing::sign_envelope(signing::spool_type, TRY(doc::canonical_json(value)), feed_key);
}

Result<SpooledStop> open_spooled(std::string_view envelope, const signing::Trust& trust) {
  if (envelope.size() > max_spool_bytes)
    return fail(refused, "the spooled stop has more than {} bytes", max_spool_bytes);
  const std::string payload = TRY(signing::open_envelope(envelope, signing::spool_type, trust));
  const auto value = doc::parse_json(payload, "<spool>", {max_spool_bytes, 8, 100});
  if (!value) return fail(refused, "the spooled stop is not valid JSON: {}", value.error().message);
  if (TRY(value->text("schema", refused)) != schema)
    return fail_hint(refused, "a newer tranche wrote it: update this one",
                     "the spooled stop has another schema");
  SpooledStop stop;
  stop.app = TRY(value->text("app", refused));
  stop.channel = TRY(value->text("channel", refused));
  stop.rollout = TRY(value->text_or("rollout", "", refused));
  stop.release = TRY(value->text("release", refused));
  stop.fallback = TRY(value->text_or("fallback", "", refused));
  stop.by = TRY(value->text_or("by", "", refused));
  stop.reason = TRY(value->text_or("reason", "", refused));
  const auto at = parse_instant(TRY(value->text("at", refused)));
  if (!at) return fail(refused, "the spooled stop's time: {}", at.error().message);
  stop.at = *at;
  const doc::Value* seen = TRY(value->object_at("seen", refused));
  const std::int64_t sequence = TRY(seen->integer("sequence", refused));
  if (sequence < 0) return fail(refused, "the spooled stop has seen a negative sequence");
  stop.seen_sequence = static_cast<std::uint64_t>(sequence);
  stop.seen_sha256 = TRY(seen->text_or("sha256", "", refused));
  TRY(check(stop, refused));
  return stop;
}

std::string spool_name(std::string_view envelope) {
  return fmt::format("{}{}.json", spool_prefix, crypto::to_hex(crypto::sha256(envelope)));
}

Result<Spool> read_spool(store::Store& store, const signing::Trust& trust, std::string_view app,
                         std::string_view channel, const std::set<std::string>& known) {
  Spool spool;
  const auto names = TRY_WHILE("looking for stops in " + store.describe(), store.list(spool_prefix));
  if (names.size() > max_spooled)
    return fail_hint(refused, "somebody else writes there: remove what is not ours, and look who can write",
                     "{} holds more than {} files below {}", store.describe(), max_spooled, spool_prefix);
  for (const std::string& name : names) {
    if (known.contains(name)) continue;
    const auto blob = read_file(store, name, max_spool_bytes);
    if (!blob && blob.error().kind != refused) return fail(blob.error());
    if (blob && !*blob) continue;  // taken in meanwhile
    auto stop = blob ? open_spooled((*blob)->bytes, trust) : Result<SpooledStop>(fail(blob.error()));
    if (!stop || stop->app != app || stop->channel != channel || name != spool_name((*blob)->bytes)) {
      spool.unproved.push_back(name);
      continue;
    }
    spool.stops.push_back({name, (*blob)->bytes, std::move(*stop)});
  }
  std::ranges::sort(spool.stops, {}, [](const Spooled& one) { return std::tie(one.stop.at, one.name); });
  return spool;
}

}  // namespace tranche::channel
