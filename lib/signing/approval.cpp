#include "signing/approval.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "signing/dsse.hpp"
#include "signing/sshsig.hpp"

namespace tranche::signing {

namespace {

constexpr std::string_view schema = "tranche/approval/v1";
constexpr std::size_t max_text_bytes = 1000;
constexpr std::size_t digest_digits = 64;
constexpr doc::Limits document_limits{.max_bytes = max_approval_bytes, .max_depth = 8, .max_nodes = 512};

std::unexpected<Error> malformed(std::string_view what) {
  return fail_hint(ErrorKind::verification, "make it anew: tranche approve ID", "the approval {}", what);
}

Result<Instant> instant_of(const doc::Value& value, std::string_view member) {
  const auto at = parse_instant(TRY(value.text(member, ErrorKind::verification)));
  if (!at) return malformed(fmt::format("has no time at '{}'", member));
  return *at;
}

bool is_digest(std::string_view text) {
  return text.size() == digest_digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

doc::Value around(std::string_view payload) {
  return doc::Value::object({{"payload", to_base64(payload)}, {"payloadType", approval_type}});
}

Result<std::string> decoded(const doc::Value& object, std::string_view member) {
  auto bytes = from_base64(TRY(object.text(member, ErrorKind::verification)));
  if (!bytes) return malformed(fmt::format("holds no base64 at '{}'", member));
  return std::move(*bytes);
}

Result<> read_signature(const doc::Value& list, ApprovalDocument& out) {
  if (!list.is_array() || list.as_array().size() != 1 || !list.as_array()[0].is_object())
    return malformed("does not hold one signature: each person makes a document of their own");
  const doc::Value& one = list.as_array()[0];
  out.key_id = TRY(one.text("keyid", ErrorKind::verification));
  out.signature = TRY(decoded(one, "sig"));
  if (out.signature.empty() || !is_digest(out.key_id)) return malformed("holds a signature without bytes");
  return {};
}

}  // namespace

Result<std::string> to_payload(const Approval& approval) {
  for (const std::string* text : {&approval.app, &approval.rollout, &approval.release, &approval.id,
                                  &approval.what, &approval.by, &approval.reason})
    if (text->size() > max_text_bytes || !is_valid_utf8(*text))
      return fail_hint(ErrorKind::invalid, fmt::format("say it in {} bytes of UTF-8", max_text_bytes),
                       "'{}' cannot stand in an approval", printable(*text, 60));
  doc::Value out = doc::Value::object({{"schema", schema},
                                       {"app", approval.app},
                                       {"rollout", approval.rollout},
                                       {"release", approval.release},
                                       {"id", approval.id},
                                       {"what", approval.what},
                                       {"digest", approval.digest},
                                       {"by", approval.by},
                                       {"at", tranche::to_text(approval.at)},
                                       {"expires", tranche::to_text(approval.expires)},
                                       {"decision", approval.approves ? "approve" : "reject"},
                                       {"reason", approval.reason}});
  return doc::canonical_json(out);
}

Result<Approval> approval_from_payload(std::string_view payload) {
  const auto value = doc::parse_json(payload, "<approval>", document_limits);
  if (!value || !value->is_object()) return malformed("is no JSON map");
  constexpr auto kind = ErrorKind::verification;
  if (TRY(value->text("schema", kind)) != schema) return malformed("is of another schema");
  Approval out;
  for (const auto& [member, text] :
       std::array<std::pair<std::string_view, std::string*>, 7>{{{"app", &out.app},
                                                                 {"rollout", &out.rollout},
                                                                 {"release", &out.release},
                                                                 {"id", &out.id},
                                                                 {"what", &out.what},
                                                                 {"digest", &out.digest},
                                                                 {"by", &out.by}}}) {
    *text = TRY(value->text(member, kind));
    if (text->empty() || text->size() > max_text_bytes)
      return malformed(fmt::format("says nothing at '{}', or too much", member));
  }
  out.reason = TRY(value->text_or("reason", "", kind));
  if (out.reason.size() > max_text_bytes) return malformed("says too much at 'reason'");
  if (!is_digest(out.digest)) return malformed("names no digest");
  out.at = TRY(instant_of(*value, "at"));
  out.expires = TRY(instant_of(*value, "expires"));
  if (out.expires <= out.at) return malformed("expires before it was made");
  const std::string decision = TRY(value->text("decision", kind));
  if (decision != "approve" && decision != "reject") return malformed("neither approves nor rejects");
  out.approves = decision == "approve";
  return out;
}

Result<std::string> sign_approval(std::string_view payload, crypto::Signer& key) {
  const std::string bytes = TRY(key.sign(pre_authentication_encoding(approval_type, payload)));
  doc::Value document = around(payload);
  document.set("signatures",
               doc::Array{doc::Value::object({{"keyid", key.public_key().id()}, {"sig", to_base64(bytes)}})});
  return doc::to_json(document) + "\n";
}

Result<std::string> with_ssh_signature(std::string_view payload, std::string_view armored) {
  TRY(parse_sshsig(armored));
  doc::Value document = around(payload);
  document.set("sshsig", std::string(trim(armored)) + "\n");
  return doc::to_json(document) + "\n";
}

Result<std::string> with_environment(std::string_view payload, const doc::Value& environment) {
  doc::Value document = around(payload);
  document.set("environment", environment);
  std::string text = doc::to_json(document) + "\n";
  if (text.size() > max_approval_bytes)
    return fail(ErrorKind::invalid, "what the token says has {} bytes, more than {}", text.size(),
                max_approval_bytes);
  return text;
}

Result<ApprovalDocument> parse_approval(std::string_view document) {
  if (document.size() > max_approval_bytes)
    return malformed(fmt::format("has {} bytes, more than {}", document.size(), max_approval_bytes));
  const auto value = doc::parse_json(document, "<approval>", document_limits);
  if (!value || !value->is_object()) return malformed("is no JSON map");
  if (value->as_object().size() != 3) return malformed("does not hold a payload, its type and a signature");
  if (TRY(value->text("payloadType", ErrorKind::verification)) != approval_type)
    return malformed("is a document of another kind");
  ApprovalDocument out;
  out.payload = TRY(decoded(*value, "payload"));
  out.approval = TRY(approval_from_payload(out.payload));
  if (const doc::Value* list = value->find("signatures")) {
    TRY(read_signature(*list, out));
  } else if (value->find("sshsig") != nullptr) {
    out.sshsig = TRY(value->text("sshsig", ErrorKind::verification));
    TRY(parse_sshsig(out.sshsig));
  } else {
    out.environment = *TRY(value->object_at("environment", ErrorKind::verification));
  }
  return out;
}

std::optional<std::size_t> find_signer(const ApprovalDocument& document,
                                       std::span<const crypto::SshKey> keys) {
  if (!document.sshsig.empty()) {
    const auto signature = parse_sshsig(document.sshsig);
    for (std::size_t i = 0; signature && i < keys.size(); ++i)
      if (verify_sshsig(*signature, keys[i], ssh_namespace, document.payload)) return i;
    return std::nullopt;
  }
  if (document.signature.empty()) return std::nullopt;
  const std::string message = pre_authentication_encoding(approval_type, document.payload);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const crypto::AnyPublicKey& key = keys[i].key;
    if (keys[i].application.empty() && key.id() == document.key_id &&
        key.verify(key.usual_scheme(), message, document.signature))
      return i;
  }
  return std::nullopt;
}

bool names_key(const ApprovalDocument& document, const crypto::SshKey& key) {
  if (document.sshsig.empty()) return !document.key_id.empty() && document.key_id == key.key.id();
  const auto signature = parse_sshsig(document.sshsig);
  return signature && signature->key.key.to_der() == key.key.to_der();
}

std::string signer_text(const ApprovalDocument& document) {
  if (!document.sshsig.empty()) {
    const auto signature = parse_sshsig(document.sshsig);
    const auto blob = signature ? crypto::to_ssh_blob(signature->key) : Result<std::string>(std::string());
    if (!blob || blob->empty()) return "an SSH key";
    // As ssh-keygen -l shows it: without padding.
    std::string print = to_base64(crypto::as_bytes(crypto::sha256(*blob)));
    while (print.ends_with('=')) print.pop_back();
    return "SSH key SHA256:" + print;
  }
  if (document.signature.empty()) return "an environment";
  return "key " + document.key_id.substr(0, 12);
}

}  // namespace tranche::signing
