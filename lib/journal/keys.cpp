#include "journal/keys.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::journal {

namespace {

constexpr auto broken = ErrorKind::verification;
constexpr auto rotate_hint =
    "whoever has a retired key can write such a journal: restore the right one from a copy or the git "
    "history";

}  // namespace

Result<Retired> retired_from_entry(const Entry& entry) {
  const auto* list = TRY_WHILE(fmt::format("reading entry {} of the journal", entry.index),
                               entry.state.array_at("retired", broken));
  if (list->as_array().size() > max_retired)
    return fail_hint(broken, rotate_hint, "entry {} of the journal retires more than {} keys", entry.index,
                     max_retired);
  Retired retired;
  for (const doc::Value& one : list->as_array()) {
    const auto key = TRY(one.text("key", broken));
    const auto at = TRY(one.integer("at", broken));
    if (at < 0 || static_cast<std::uint64_t>(at) > entry.index)
      return fail_hint(broken, rotate_hint, "entry {} of the journal retires a key at {}", entry.index, at);
    retired.emplace(key, static_cast<std::uint64_t>(at));
  }
  return retired;
}

std::string takeover_text(std::string_view origin, std::string_view old_id, std::string_view new_id,
                          std::uint64_t index) {
  return fmt::format("tranche/journal-key/v1\n{}\n{}\n{}\n{}\n", origin, old_id, new_id, index);
}

Result<Draft> rotation_draft(std::string_view origin, const Retired& before,
                             const crypto::Ed25519Signer& old_key, const crypto::Ed25519Signer& new_key,
                             std::uint64_t index) {
  const std::string old_id = crypto::key_id(old_key.public_key());
  const std::string new_id = crypto::key_id(new_key.public_key());
  const std::string signature = TRY(new_key.sign_message(takeover_text(origin, old_id, new_id, index)));
  Retired after = before;
  after[old_id] = index;
  if (after.size() > max_retired)
    return fail_hint(ErrorKind::invalid, "start a new journal", "the journal would have more than {} keys",
                     max_retired);
  doc::Value list = doc::Value::array();
  for (const auto& [key, at] : after) list.push(doc::Value::object({{"key", key}, {"at", at}}));
  Draft draft;
  draft.kind = rotated_kind;
  draft.subject = keys_subject;
  draft.data = doc::Value::object({{"old", old_id},
                                   {"new", new_id},
                                   {"new-key", crypto::to_pem(new_key.public_key())},
                                   {"accepted", to_base64(signature)}});
  draft.state = doc::Value::object({{"retired", std::move(list)}});
  return draft;
}

Result<> check_takeover(const Entry& entry, std::string_view origin,
                        std::span<const crypto::PublicKey> trusted) {
  const auto old_id = TRY(entry.data.text("old", broken));
  const auto new_id = TRY(entry.data.text("new", broken));
  const auto signature = from_base64(TRY(entry.data.text("accepted", broken)));
  const auto by_id = [&](const std::string& id) {
    return std::ranges::find_if(trusted,
                                [&](const crypto::PublicKey& key) { return crypto::key_id(key) == id; });
  };
  const auto new_key = by_id(new_id);
  if (new_key == trusted.end()) return {};  // not ours to believe or not: it signs nothing that we accept
  const std::string text = takeover_text(origin, old_id, new_id, entry.index);
  if (!signature || !crypto::verify(*new_key, text, *signature))
    return fail_hint(broken, rotate_hint, "entry {} of the journal: key {:.12} did not take over from {:.12}",
                     entry.index, printable(new_id), printable(old_id));
  return {};
}

Result<> check_signers(const Retired& retired, std::span<const crypto::PublicKey> signers,
                       std::uint64_t size) {
  for (const crypto::PublicKey& key : signers) {
    const auto found = retired.find(crypto::key_id(key));
    if (found == retired.end() || found->second + 1 == size) return {};
  }
  const std::string id = signers.empty() ? "" : crypto::key_id(signers.front());
  const auto at = retired.find(id);
  return fail_hint(broken, rotate_hint,
                   "the journal of {} entries is signed by key {:.12}, which was retired by entry {}", size,
                   id, at == retired.end() ? 0 : at->second);
}

}  // namespace tranche::journal
