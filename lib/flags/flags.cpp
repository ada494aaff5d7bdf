#include "flags/flags.hpp"

#include <cmath>

#include "base/text.hpp"
#include "signing/dsse.hpp"

namespace tranche::flags {
namespace {

constexpr std::size_t max_flags_bytes = 1 << 20;
constexpr std::size_t max_flags = 1'000;
constexpr std::size_t max_text = 4'096;

bool is_scalar(const doc::Value& value) {
  return value.is_bool() || value.is_number() || (value.is_string() && value.as_string().size() <= max_text);
}

std::string_view type_name(spec::Flag::Type type) {
  switch (type) {
    case spec::Flag::Type::boolean:
      return "true or false";
    case spec::Flag::Type::text:
      return "a string";
    case spec::Flag::Type::number:
      return "a number";
  }
  return "";
}

}  // namespace

std::string to_payload(const FlagSet& set) {
  doc::Value flags = doc::Value::object();
  for (const auto& [name, setting] : set.flags)
    flags.set(name, doc::Value::object({{"value", setting.value}, {"kill-switch", setting.kill_switch}}));
  const auto text =
      doc::canonical_json(doc::Value::object({{"schema", "tranche/flags/v1"},
                                              {"app", set.app},
                                              {"sequence", static_cast<std::int64_t>(set.sequence)},
                                              {"flags", flags}}));
  return text.value_or("{}");  // values were checked: canonical_json refuses only what is not finite
}

Result<FlagSet> parse_payload(std::string_view payload) {
  constexpr ErrorKind bad = ErrorKind::verification;
  auto parsed = doc::parse_json(payload, "flags.json", {max_flags_bytes, 8, 10 * max_flags});
  if (!parsed) return fail(Error(bad, "the flags are no JSON: " + parsed.error().message));
  FlagSet set;
  if (TRY(parsed->text("schema", bad)) != "tranche/flags/v1")
    return fail(bad, "the flags have an unknown schema");
  set.app = TRY(parsed->text("app", bad));
  const std::int64_t sequence = TRY(parsed->integer("sequence", bad));
  if (sequence < 0) return fail(bad, "the flags have a negative sequence");
  set.sequence = static_cast<std::uint64_t>(sequence);
  const doc::Value* flags = TRY(parsed->object_at("flags", bad));
  if (flags->as_object().size() > max_flags) return fail(bad, "there are more than {} flags", max_flags);
  for (const doc::Member& member : flags->as_object()) {
    const doc::Value* value = member.value.find("value");
    if (value == nullptr || !is_scalar(*value))
      return fail(bad, "flag '{}' has no value of a known type", printable(member.key, 64));
    const doc::Value* kill_switch = member.value.find("kill-switch");
    set.flags[member.key] = {*value,
                             kill_switch != nullptr && kill_switch->is_bool() && kill_switch->as_bool()};
  }
  return set;
}

Result<std::string> seal(const FlagSet& set, const crypto::Ed25519Signer& feed_key) {
  return signing::sign_envelope(signing::flags_type, to_payload(set), feed_key);
}

Result<FlagSet> open_flags(std::string_view envelope, const signing::Trust& trust, std::string_view app) {
  if (envelope.size() > 2 * max_flags_bytes)
    return fail(ErrorKind::verification, "the flags file is too large");
  FlagSet set = TRY(parse_payload(TRY(signing::open_envelope(envelope, signing::flags_type, trust))));
  if (set.app != app)
    return fail(ErrorKind::verification, "the flags are of app '{}', not '{}'", printable(set.app, 64), app);
  return set;
}

Result<doc::Value> parse_flag_value(const spec::Flag& flag, std::string_view text) {
  const auto wrong = [&] {
    return fail_hint(ErrorKind::usage, fmt::format("flag '{}' takes {}", flag.name, type_name(flag.type)),
                     "'{}' is no value for flag '{}'", printable(text, 64), flag.name);
  };
  switch (flag.type) {
    case spec::Flag::Type::boolean:
      if (text == "true" || text == "on") return doc::Value(true);
      if (text == "false" || text == "off") return doc::Value(false);
      return wrong();
    case spec::Flag::Type::text:
      if (text.size() > max_text || !is_valid_utf8(text)) return wrong();
      return doc::Value(text);
    case spec::Flag::Type::number: {
      auto number = doc::parse_json(text, "value", {64, 1, 1});
      if (!number || !number->is_number()) return wrong();
      number->place = {};
      return *number;
    }
  }
  return wrong();
}

Result<> check_value(const spec::Flag& flag, const doc::Value& value) {
  const bool fits = flag.type == spec::Flag::Type::boolean ? value.is_bool()
                    : flag.type == spec::Flag::Type::text
                        ? value.is_string() && value.as_string().size() <= max_text
                        : value.is_number() && std::isfinite(value.as_double());
  if (!fits)
    return fail_hint(ErrorKind::invalid, fmt::format("it takes {}", type_name(flag.type)),
                     "flag '{}' cannot be {}", flag.name, value.kind_name());
  return {};
}

Result<> publish_flags(store::Store& store, const signing::Trust& trust, const FlagSet& set,
                       const crypto::Ed25519Signer& feed_key,
                       const std::function<Result<bool>()>& is_newest) {
  const std::string envelope = TRY(seal(set, feed_key));
  TRY_WHILE("checking the flags before publishing them", open_flags(envelope, trust, set.app));
  const auto published = TRY(store.get(flags_name, 2 * max_flags_bytes));
  store::Version expected;
  if (published) expected = published->version;
  if (published && is_newest && signing::is_damaged(published->bytes, signing::flags_type, trust)) {
    // No device takes them. Read, then the journal asked, then written on the condition of what was read.
    if (!TRY(is_newest()))
      return fail_hint(ErrorKind::conflict, "run the command again",
                       "the published flags are damaged, and the journal went on meanwhile");
  } else if (published) {
    const FlagSet current =
        TRY_WHILE("reading the published flags", open_flags(published->bytes, trust, set.app));
    if (current.sequence == set.sequence && to_payload(current) == to_payload(set)) return {};
    if (current.sequence >= set.sequence)
      return fail_hint(ErrorKind::conflict, "run the command again",
                       "newer flags are published (sequence {}, ours is {})", current.sequence, set.sequence);
  }
  store::Publication publication;
  publication.pointer = store::Pointer{std::string(flags_name), envelope, expected};
  publication.message = fmt::format("flags of {} at {}", set.app, set.sequence);
  TRY(store.publish(publication));
  return {};
}

}  // namespace tranche::flags
