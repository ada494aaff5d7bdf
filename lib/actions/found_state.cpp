#include "actions/found_state.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "journal/bundle.hpp"
#include "journal/checkpoint.hpp"
#include "journal/tiles.hpp"
#include "rollout/state.hpp"
#include "signing/note.hpp"

namespace tranche::actions {
namespace {

constexpr std::string_view app_prefix = "tranche/";
constexpr std::size_t max_key_file = 16 << 10;
constexpr std::size_t longest_app = 64;
constexpr std::size_t most_apps = 100;
constexpr auto broken = ErrorKind::verification;
using signing::Role;

std::vector<crypto::PublicKey>& keys_in(signing::Trust& trust, Role role) {
  switch (role) {
    case Role::root:
      return trust.root;
    case Role::release:
      return trust.release;
    case Role::feed:
      return trust.feed;
    case Role::journal:
      break;
  }
  return trust.journal;
}

std::optional<crypto::PublicKey> key_from_bytes(std::string_view bytes) {
  crypto::PublicKey key;
  if (bytes.size() != key.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  return key;
}

// One entry of the log, hashed up to the root.
Result<journal::Entry> read_entry(journal::TileReader& tiles, std::uint64_t index) {
  const std::uint64_t bundle = index / journal::tile_width;
  const auto hashes = TRY(tiles.hashes(0, bundle));
  const std::string bytes = TRY(tiles.bundle(bundle));
  const auto entries = TRY(journal::split_bundle(bytes));
  const std::size_t at = index % journal::tile_width;
  if (at >= hashes.size() || at >= entries.size() || journal::hash_leaf(entries[at]) != hashes[at])
    return fail_hint(broken, journal::changed_hint, "entry {} of the journal was changed", index);
  journal::Entry entry = TRY(journal::parse_entry(entries[at]));
  if (entry.index != index)
    return fail(broken, "entry {} of the journal calls itself {}", index, entry.index);
  return entry;
}

}  // namespace

std::map<std::string, std::vector<std::string>> keys_of(const signing::Trust& trust) {
  std::map<std::string, std::vector<std::string>> out;
  for (const Role role : {Role::root, Role::release, Role::feed, Role::journal})
    for (const crypto::PublicKey& key : trust.of(role))
      out[std::string(signing::to_text(role))].push_back(
          to_base64(std::string_view(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size())));
  return out;
}

Result<signing::Trust> trust_of(const std::map<std::string, std::vector<std::string>>& keys) {
  signing::Trust trust;
  for (const auto& [name, list] : keys) {
    const auto role = signing::parse_role(name);
    if (!role) continue;  // of a newer tranche
    for (const std::string& text : list) {
      const auto bytes = from_base64(text);
      const auto key = bytes ? key_from_bytes(*bytes) : std::nullopt;
      if (!key) return fail(broken, "the plan holds a {} key that is none", name);
      // One key, one role (signing/keys.hpp).
      if (const auto other = trust.role_of(crypto::key_id(*key)); other && *other != *role)
        return fail(broken, "the plan holds one key as {} and as {}", signing::to_text(*other), name);
      keys_in(trust, *role).push_back(*key);
    }
  }
  return trust;
}

Result<std::optional<FoundState>> find_state(store::Store& store, const std::string& rollout) {
  const auto blob =
      TRY(journal::read_bounded(store, std::string(journal::checkpoint_name), journal::max_checkpoint_bytes));
  if (!blob) return std::optional<FoundState>();
  const signing::Note note = TRY(signing::read_note(blob->bytes));
  const auto checkpoint = TRY(journal::parse_checkpoint(note.text));
  FoundState found;
  found.origin = checkpoint.origin;
  if (!found.origin.starts_with(app_prefix) || checkpoint.size == 0)
    return fail_hint(broken, "name the state of the app", "{} holds the log '{}', which is none of tranche's",
                     store.describe(), printable(found.origin, 80));
  journal::TileReader tiles(store);
  TRY(tiles.start(checkpoint));
  const journal::Entry last = TRY(read_entry(tiles, checkpoint.size - 1));
  const std::string app = found.origin.substr(app_prefix.size());
  const std::string prefix = fmt::format("rollout/{}/", app);
  const auto head = last.heads.find(prefix + rollout);
  if (head == last.heads.end()) {
    std::vector<std::string> known;
    for (const auto& [subject, index] : last.heads)
      if (subject.starts_with(prefix)) known.push_back(printable(subject.substr(prefix.size()), 64));
    return fail_hint(ErrorKind::invalid, known.empty() ? "start it first" : "it knows: " + join(known, ", "),
                     "rollout '{}' of app '{}' was never started", printable(rollout, 64),
                     printable(app, 64));
  }
  const journal::Entry entry = TRY(read_entry(tiles, head->second));
  const rollout::State state = TRY(rollout::state_from_value(entry.state));
  if (state.plan_entry >= checkpoint.size)
    return fail(broken, "the journal lacks entry {}, the plan", state.plan_entry);
  found.plan_entry = state.plan_entry;
  const journal::Entry planned = TRY(read_entry(tiles, state.plan_entry));
  found.plan = TRY_WHILE("reading the frozen plan", rollout::plan_from_value(planned.data));
  if (found.plan.app != app)
    return fail(broken, "the plan is of app '{}', its log of '{}'", printable(found.plan.app, 64),
                printable(app, 64));
  found.trust = TRY(trust_of(found.plan.trust_keys));
  return std::optional(std::move(found));
}

Result<std::vector<std::string>> logs_below(store::Store& store) {
  std::vector<std::string> out;
  for (const std::string& name : TRY(store.list(""))) {
    const auto slash = name.find('/');
    if (slash == std::string::npos || name.substr(slash + 1) != journal::checkpoint_name) continue;
    std::string directory = name.substr(0, slash);
    if (directory.size() > longest_app || printable(directory) != directory) continue;
    if (out.size() == most_apps)
      return fail_hint(ErrorKind::invalid, "name the state of the app itself",
                       "there are logs of more than {} apps in {}", most_apps, store.describe());
    out.push_back(std::move(directory));
  }
  return out;
}

Result<crypto::PublicKey> parse_trusted(ports::Files& files, const std::string& text) {
  const auto usage = [&](std::string_view what) {
    return fail_hint(ErrorKind::usage, "name a public key file, or a verifier key NAME+HASH+BASE64",
                     "--trust '{}' {}", printable(text, 120), what);
  };
  if (auto verifier = signing::parse_verifier_key(text)) {
    if (verifier->algorithm == signing::NoteAlgorithm::ed25519) return verifier->key;
    return usage("is a witness's key, not a journal's");
  }
  const auto pem = TRY(files.read(text, max_key_file));
  if (!pem) return usage("is no file and no verifier key");
  const auto key = crypto::public_key_from_pem(*pem);
  if (!key) return usage("holds no Ed25519 public key");
  return *key;
}

}  // namespace tranche::actions
