// Flags: remote switches, kill switches included. Their values live in the journal ("flag/<app>/<name>");
// what devices and `serve` read is one signed file beside the feed, `tranche/v1/flags.json`, a DSSE envelope
// by the feed key
// (signing::flags_type).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "doc/value.hpp"
#include "signing/keys.hpp"
#include "spec/spec.hpp"
#include "store/store.hpp"

namespace tranche::flags {

inline constexpr std::string_view flags_name = "tranche/v1/flags.json";

struct Setting {
  doc::Value value;  // bool, string or number, by the flag's type
  bool kill_switch = false;
};
struct FlagSet {
  std::string app;
  std::uint64_t sequence = 0;  // journal index of the newest change
  std::map<std::string, Setting> flags;
};
std::string to_payload(const FlagSet& set);               // RFC 8785
Result<FlagSet> parse_payload(std::string_view payload);  // kind verification
Result<std::string> seal(const FlagSet& set, const crypto::Ed25519Signer& feed_key);
Result<FlagSet> open_flags(std::string_view envelope, const signing::Trust& trust, std::string_view app);

// A value given as text ("false", "10", "blue") for a flag of this type; kind usage with a hint otherwise.
Result<doc::Value> parse_flag_value(const spec::Flag& flag, std::string_view text);
// The value fits the flag's type.
Result<> check_value(const spec::Flag& flag, const doc::Value& value);

// Writes the file unless a newer sequence is there (kind conflict); equal is done already. `is_newest`:
// whether this is what the journal still says, asked before a damaged file is replaced; empty: it is refused.
Result<> publish_flags(store::Store& store, const signing::Trust& trust, const FlagSet& set,
                       const crypto::Ed25519Signer& feed_key,
                       const std::function<Result<bool>()>& is_newest = {});

}  // namespace tranche::flags
