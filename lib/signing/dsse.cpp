// DSSE: parse without believing, then verify, and only then hand out the payload.
#include "signing/dsse.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::signing {

namespace {

constexpr std::size_t max_envelope_bytes = 4 << 20;
constexpr std::size_t max_signatures = 8;
// An envelope is three members and a few signatures; the payload is one string.
constexpr doc::Limits envelope_limits{.max_bytes = max_envelope_bytes, .max_depth = 8, .max_nodes = 256};

struct TypeRole {
  std::string_view type;
  Role role;
};
constexpr std::array type_roles{TypeRole{manifest_type, Role::release}, TypeRole{feed_type, Role::feed},
                                TypeRole{feed_file_type, Role::feed}, TypeRole{flags_type, Role::feed},
                                TypeRole{spool_type, Role::feed}};

std::string short_id(std::string_view key_id) {
  return key_id.empty() ? "without a key id" : "key " + printable(key_id, 12);
}

Result<std::string> decode(const doc::Value& object, std::string_view member) {
  const std::string text = TRY(object.text(member, ErrorKind::verification));
  auto bytes = from_base64(text);
  if (!bytes) return fail(ErrorKind::verification, "member '{}' of the envelope is not base64", member);
  return std::move(*bytes);
}

}  // namespace

std::optional<Role> role_of_type(std::string_view type) {
  const auto* const found = std::ranges::find(type_roles, type, &TypeRole::type);
  if (found == type_roles.end()) return std::nullopt;
  return found->role;
}

std::string pre_authentication_encoding(std::string_view type, std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} {}", type.size(), type, payload.size(), payload);
}

Result<std::string> sign_envelope(std::string_view type, std::string_view payload,
                                  const crypto::Ed25519Signer& key) {
  doc::Value signature = doc::Value::object();
  signature.set("keyid", crypto::key_id(key.public_key()));
  signature.set("sig", to_base64(TRY(key.sign_message(pre_authentication_encoding(type, payload)))));
  doc::Value envelope = doc::Value::object();
  envelope.set("payload", to_base64(payload));
  envelope.set("payloadType", type);
  envelope.set("signatures", doc::Array{std::move(signature)});
  return doc::to_json(envelope) + "\n";
}

Result<Envelope> parse_envelope(std::string_view text) {
  if (text.size() > max_envelope_bytes)
    return fail(ErrorKind::verification, "the envelope has {} bytes, more than {}", text.size(),
                max_envelope_bytes);
  auto parsed = doc::parse_json(text, "<envelope>", envelope_limits);
  if (!parsed)
    return fail(ErrorKind::verification, "the envelope is not valid JSON: {}", parsed.error().message);
  if (!parsed->is_object())
    return fail(ErrorKind::verification, "the envelope is {}, not a map", parsed->kind_name());
  Envelope envelope;
  envelope.payload_type = TRY(parsed->text("payloadType", ErrorKind::verification));
  envelope.payload = TRY(decode(*parsed, "payload"));
  const doc::Value* const list = TRY(parsed->array_at("signatures", ErrorKind::verification));
  if (list->as_array().empty()) return fail(ErrorKind::verification, "the envelope has no signature");
  if (list->as_array().size() > max_signatures)
    return fail(ErrorKind::verification, "the envelope has {} signatures, more than {}",
                list->as_array().size(), max_signatures);
  for (const doc::Value& entry : list->as_array()) {
    if (!entry.is_object())
      return fail(ErrorKind::verification, "a signature of the envelope is {}, not a map", entry.kind_name());
    Signature signature;
    signature.key_id = TRY(entry.text_or("keyid", "", ErrorKind::verification));
    signature.bytes = TRY(decode(entry, "sig"));
    for (const Signature& earlier : envelope.signatures)
      if (earlier.bytes == signature.bytes ||
          (!signature.key_id.empty() && earlier.key_id == signature.key_id))
        return fail(ErrorKind::verification, "the envelope has two signatures of {}",
                    short_id(signature.key_id));
    envelope.signatures.push_back(std::move(signature));
  }
  return envelope;
}

Result<std::string> open_envelope(std::string_view text, std::string_view type, const Trust& trust) {
  const auto role = role_of_type(type);
  if (!role) return fail(ErrorKind::bug, "no role may sign payloads of type '{}'", type);
  auto parsed = parse_envelope(text);
  if (!parsed) {
    Error error = std::move(parsed.error());
    if (error.hint.empty()) error.hint = "it was changed or cut off: restore it, or have it made again";
    return fail(std::move(error));
  }
  Envelope envelope = std::move(*parsed);
  if (envelope.payload_type != type)
    return fail_hint(ErrorKind::verification, "another kind of document was given, or swapped in",
                     "the envelope holds '{}', wanted '{}'", printable(envelope.payload_type, 100), type);
  const std::string message = pre_authentication_encoding(type, envelope.payload);
  const auto keys = trust.of(*role);
  std::string bad_signature, other_role, unknown;
  for (const Signature& signature : envelope.signatures) {
    bool known = false;
    for (const crypto::PublicKey& key : keys) {
      if (!signature.key_id.empty() && signature.key_id != crypto::key_id(key)) continue;
      known = !signature.key_id.empty();
      if (crypto::verify(key, message, signature.bytes)) return std::move(envelope.payload);
    }
    if (known)
      bad_signature = short_id(signature.key_id);
    else if (const auto other = trust.role_of(signature.key_id))
      other_role = fmt::format("by {}, a {} key", short_id(signature.key_id), to_text(*other));
    else
      unknown = short_id(signature.key_id);
  }
  if (!bad_signature.empty())
    return fail_hint(ErrorKind::verification, "the bytes were changed after signing: do not use them",
                     "the signature of {} is wrong", bad_signature);
  if (!other_role.empty())
    return fail_hint(ErrorKind::verification,
                     fmt::format("sign it with a key that stands under trust: {}:", to_text(*role)),
                     "signed {}; only a {} key may sign '{}'", other_role, to_text(*role), type);
  return fail_hint(ErrorKind::verification,
                   fmt::format("if the key is right, put its public half under trust: {}:", to_text(*role)),
                   "signed with an unknown key ({}); no trusted {} key signed it", unknown, to_text(*role));
}

bool is_damaged(std::string_view text, std::string_view type, const Trust& trust) {
  if (text.size() > max_envelope_bytes) return false;
  const auto envelope = parse_envelope(text);
  if (!envelope) return true;
  const auto role = role_of_type(type);
  if (!role || envelope->payload_type != type || open_envelope(text, type, trust)) return false;
  const auto keys = trust.of(*role);
  return std::ranges::any_of(envelope->signatures, [&](const Signature& signature) {
    return std::ranges::any_of(
        keys, [&](const crypto::PublicKey& key) { return crypto::key_id(key) == signature.key_id; });
  });
}

}  // namespace tranche::signing
