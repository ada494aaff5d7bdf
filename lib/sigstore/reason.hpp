// Why a bundle was refused: one code a cause, for programs; one sentence, for people. The codes are part of
// `tranche verify --json` and never change their meaning. Parsing and checking answer with a Refusal where
// the rest of the project answers with an Error: the code must survive up to the command.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::sigstore {

enum class Reason {
  verified,
  // the bundle as a file
  bad_json,
  bad_base64,
  bad_bundle,
  unknown_media_type,
  bad_log_index,
  duplicate_log_entry,
  duplicate_timestamp,
  several_signatures,
  root_in_bundle,
  bad_certificate,
  // the trusted root
  no_trusted_root,
  bad_trusted_root,
  log_key_without_start,
  // whom the caller believes
  no_key,
  bad_key,
  key_for_certificate,
  wrong_key,
  // the artifact and its signature
  wrong_artifact,
  message_digest_mismatch,
  artifact_needed,
  bad_signature,
  wrong_payload_type,
  bad_statement,
  // the log entry
  no_log_entry,
  bad_log_entry,
  unknown_entry_kind,
  other_log_entry,
  entry_wrong_digest,
  entry_wrong_signature,
  entry_wrong_key,
  unknown_log,
  log_outside_validity,
  no_inclusion_promise,
  bad_inclusion_promise,
  no_inclusion_proof,
  bad_inclusion_proof,
  no_checkpoint,
  bad_checkpoint,
  checkpoint_unsigned,
  checkpoint_wrong_origin,
  checkpoint_wrong_key,
  bad_checkpoint_signature,
  checkpoint_mismatch,
  // the time of signing
  no_timestamp,
  bad_timestamp,
  timestamp_of_another,
  unknown_timestamp_authority,
  timestamp_outside_authority,
  timestamp_certificate_invalid,
  // the certificate
  certificate_outside_validity,
  untrusted_certificate,
  authority_outside_validity,
  no_sct,
  bad_sct,
  unknown_ct_log,
  wrong_identity,
  wrong_issuer,
};

struct ReasonText {
  Reason reason;
  std::string_view code;      // kebab-case
  std::string_view sentence;  // what is wrong, without a full stop
};
std::span<const ReasonText> all_reasons();  // each once, in the order of the enum
std::string_view code_of(Reason reason);
std::string_view sentence_of(Reason reason);

struct Refusal {
  Reason reason = Reason::bad_bundle;
  std::string detail;  // what and where; user-controlled parts are printable already
};
template <class T = void>
using Checked = std::expected<T, Refusal>;

// The same as an Error of kind verification, for callers that need no code.
Error to_error(const Refusal& refusal);

}  // namespace tranche::sigstore
