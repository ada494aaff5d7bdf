// What a journal says of itself, for the one command that runs without a checkout: `stop --state URL`.
//
// A checkout brings the public keys that the journal is believed by. Without one the person names the
// journal's key; or the keys that the plan itself holds are taken, which whoever wrote the log chose. That is
// good for a stop only, which takes back and never gives, and only for what stays inside the channel: no step
// of the playbook is run, no file or module is opened and no directory of this machine is written to on the
// word of a log that nobody vouches for (engine/red_button.cpp).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "journal/entry.hpp"
#include "rollout/plan.hpp"
#include "signing/keys.hpp"
#include "store/store.hpp"

namespace tranche::actions {

// Keys by role as a plan holds them: "feed" → base64 of 32 bytes each; and back (kind verification).
std::map<std::string, std::vector<std::string>> keys_of(const signing::Trust& trust);
Result<signing::Trust> trust_of(const std::map<std::string, std::vector<std::string>>& keys);

struct FoundState {
  std::string origin;  // "tranche/notes-agent"
  std::uint64_t plan_entry = 0;
  rollout::Plan plan;    // of the rollout
  signing::Trust trust;  // that the plan holds; empty: an older tranche wrote it
};
// The newest state of a rollout, its entries hashed up to the checkpoint's root, whose signature nobody has
// checked. nullopt: there is no log. kind invalid: the log does not know the rollout.
Result<std::optional<FoundState>> find_state(store::Store& store, const std::string& rollout);
// Apps that share a state keep a log each below their names: the directories that hold one, sorted. kind
// invalid: there are more than any file has.
Result<std::vector<std::string>> logs_below(store::Store& store);

// A public key as a person names it: "name+hash+base64" (c2sp.org/signed-note) or a PEM file. kind usage.
Result<crypto::PublicKey> parse_trusted(ports::Files& files, const std::string& text);

}  // namespace tranche::actions
