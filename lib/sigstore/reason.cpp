#include "sigstore/reason.hpp"

#include <array>
#include <cstddef>

namespace tranche::sigstore {
namespace {

using enum Reason;

constexpr auto texts = std::to_array<ReasonText>({
    {verified, "verified", "every check passed"},
    {bad_json, "bad-json",
     "a file is no JSON: cut short, a member twice, bytes after the end, nested too deep"},
    {bad_base64, "bad-base64", "a member that holds bytes is not base64"},
    {bad_bundle, "bad-bundle", "the bundle lacks a member, or has one that does not belong there"},
    {unknown_media_type, "unknown-media-type", "the file is of a type or version that is not known"},
    {bad_log_index, "bad-log-index", "an index or size of the log is negative or no number"},
    {duplicate_log_entry, "duplicate-log-entry", "the bundle has one log entry twice"},
    {duplicate_timestamp, "duplicate-timestamp", "the bundle has one timestamp twice"},
    {several_signatures, "several-signatures", "the envelope does not have exactly one signature"},
    {root_in_bundle, "root-in-bundle", "the bundle brings its own root certificate"},
    {bad_certificate, "bad-certificate", "the signing certificate is no X.509 certificate that can be read"},
    {no_trusted_root, "no-trusted-root", "something must be held against a trusted root, and none was given"},
    {bad_trusted_root, "bad-trusted-root", "the trusted root lacks something, or cannot be read"},
    {log_key_without_start, "log-key-without-start",
     "the trusted root does not say since when a log's key is valid"},
    {no_key, "no-key", "the bundle was signed with a key, and no key to believe was given"},
    {bad_key, "bad-key", "the key that was given is no public key that can be read"},
    {key_for_certificate, "key-for-certificate",
     "the bundle has a certificate: it asks for an identity, and only a key was given"},
    {wrong_key, "wrong-key", "the bundle was signed with another key than the one given"},
    {wrong_artifact, "wrong-artifact", "the file is not what was signed"},
    {message_digest_mismatch, "message-digest-mismatch",
     "the bundle names another digest than its log entry and the file have"},
    {artifact_needed, "artifact-needed", "this signature cannot be checked by a SHA-256 digest alone"},
    {bad_signature, "bad-signature", "the signature is not by this key over this file"},
    {wrong_payload_type, "wrong-payload-type", "the envelope holds something else than an in-toto statement"},
    {bad_statement, "bad-statement", "the in-toto statement cannot be read, or is of an unknown type"},
    {no_log_entry, "no-log-entry", "a certificate needs a transparency log entry, and there is none"},
    {bad_log_entry, "bad-log-entry", "the log entry's body cannot be read"},
    {unknown_entry_kind, "unknown-entry-kind", "the log entry is of a kind or version that is not known"},
    {other_log_entry, "other-log-entry", "the log entry is of another signature altogether"},
    {entry_wrong_digest, "entry-wrong-digest", "the log entry is of another file or payload"},
    {entry_wrong_signature, "entry-wrong-signature", "the log entry holds another signature"},
    {entry_wrong_key, "entry-wrong-key", "the log entry holds another key or certificate"},
    {unknown_log, "unknown-log", "no log of the trusted root made the entry"},
    {log_outside_validity, "log-outside-validity", "the log's key was not valid when the entry was made"},
    {no_inclusion_promise, "no-inclusion-promise", "a bundle of version 0.1 needs the log's promise"},
    {bad_inclusion_promise, "bad-inclusion-promise", "the log did not sign this promise (SET)"},
    {no_inclusion_proof, "no-inclusion-proof", "there is no proof that the log holds the entry"},
    {bad_inclusion_proof, "bad-inclusion-proof", "the proof does not lead from the entry to its root"},
    {no_checkpoint, "no-checkpoint", "the inclusion proof comes without a signed checkpoint"},
    {bad_checkpoint, "bad-checkpoint", "the checkpoint cannot be read"},
    {checkpoint_unsigned, "checkpoint-unsigned", "the checkpoint has no signature"},
    {checkpoint_wrong_origin, "checkpoint-wrong-origin", "the checkpoint names another log"},
    {checkpoint_wrong_key, "checkpoint-wrong-key", "no signature of the checkpoint is by the log's key"},
    {bad_checkpoint_signature, "bad-checkpoint-signature", "the log did not sign this checkpoint"},
    {checkpoint_mismatch, "checkpoint-mismatch", "checkpoint and inclusion proof are of different trees"},
    {no_timestamp, "no-timestamp", "nothing proves when the signature was made"},
    {bad_timestamp, "bad-timestamp", "a timestamp cannot be read, or its signature is not whole"},
    {timestamp_of_another, "timestamp-of-another", "a timestamp is over another signature"},
    {unknown_timestamp_authority, "unknown-timestamp-authority",
     "no authority of the trusted root made the timestamp"},
    {timestamp_outside_authority, "timestamp-outside-authority",
     "the trusted root does not believe the authority at the time of the timestamp"},
    {timestamp_certificate_invalid, "timestamp-certificate-invalid",
     "the authority's certificate was not valid at the time of the timestamp"},
    {certificate_outside_validity, "certificate-outside-validity",
     "the certificate was not valid when the signature was made"},
    {untrusted_certificate, "untrusted-certificate",
     "the certificate leads to no authority of the trusted root"},
    {authority_outside_validity, "authority-outside-validity",
     "the trusted root does not believe the certificate's authority at the time of signing"},
    {no_sct, "no-sct", "the certificate has no certificate transparency timestamp (SCT)"},
    {bad_sct, "bad-sct", "the certificate's SCT is not by a log that was valid then"},
    {unknown_ct_log, "unknown-ct-log", "no certificate transparency log of the trusted root made the SCT"},
    {wrong_identity, "wrong-identity", "somebody else signed"},
    {wrong_issuer, "wrong-issuer", "another provider vouched for the identity"},
});

constexpr bool in_order() {
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (texts[i].reason != static_cast<Reason>(i)) return false;
  return texts.size() == static_cast<std::size_t>(wrong_issuer) + 1;
}
static_assert(in_order(), "each reason has its line, in the order of the enum");

}  // namespace

std::span<const ReasonText> all_reasons() { return texts; }
std::string_view code_of(Reason reason) { return texts[static_cast<std::size_t>(reason)].code; }
std::string_view sentence_of(Reason reason) { return texts[static_cast<std::size_t>(reason)].sentence; }

Error to_error(const Refusal& refusal) {
  return Error(ErrorKind::verification,
               refusal.detail.empty() ? std::string(sentence_of(refusal.reason)) : refusal.detail,
               fmt::format("reason {}: {}", code_of(refusal.reason), sentence_of(refusal.reason)));
}

}  // namespace tranche::sigstore
