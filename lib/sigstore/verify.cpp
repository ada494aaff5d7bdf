#include "sigstore/verify.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/certificate.hpp"
#include "sigstore/check_list.hpp"
#include "sigstore/issuer.hpp"
#include "sigstore/log_proof.hpp"
#include "sigstore/read_bundle.hpp"
#include "sigstore/signed_content.hpp"

namespace tranche::sigstore {
namespace {

Instant at_second(std::int64_t seconds) { return Instant(std::chrono::seconds(seconds)); }
// What an Instant in milliseconds can hold, and then some: the year 9999.
constexpr std::int64_t last_second = 253'402'300'799;

// Of Rekor v2.
bool is_tiled(const LogEntry& entry) { return entry.version == "0.0.2" && entry.kind != "intoto"; }

// An entry's promise and proof. Its time counts when the promise holds.
void check_entry(Verdict& verdict, const Bundle& bundle, const LogEntry& entry, const TrustedRoot& root) {
  const bool promised = !entry.signed_entry_timestamp.empty();
  if (promised && entry.integrated_time > last_second) {
    bad(verdict, "inclusion-promise", Reason::bad_inclusion_promise, "its time is beyond all years");
    return;
  }
  const Instant made = at_second(promised ? entry.integrated_time : 0);
  if (entry.proof) {  // arithmetic: needs no log to be known
    if (auto included = check_proof(entry); !included) {
      bad(verdict, "inclusion-proof", included.error());
      return;
    }
    // A tiled log has one index; the sharded ones of Rekor v1 have two, of which the promise signs the other.
    if (is_tiled(entry) && entry.log_index != entry.proof->log_index) {
      bad(verdict, "inclusion-proof", Reason::bad_inclusion_proof,
          fmt::format("the proof is of index {}, the entry says {}", entry.proof->log_index,
                      entry.log_index));
      return;
    }
  } else if (bundle.version != BundleVersion::v0_1) {
    bad(verdict, "inclusion-proof", Reason::no_inclusion_proof, "");
    return;
  }
  const TransparencyLog* log = find_log(root, entry.log_id, promised ? std::optional(made) : std::nullopt);
  if (log == nullptr) {
    bad(verdict, "log", Reason::unknown_log,
        fmt::format("the trusted root has no log {}", to_hex(entry.log_id)));
    return;
  }
  if (promised) {
    if (auto signed_by_log = check_promise(entry, *log); !signed_by_log) {
      bad(verdict, "inclusion-promise", signed_by_log.error());
      return;
    }
    if (entry.integrated_time <= 0) {
      bad(verdict, "inclusion-promise", Reason::bad_inclusion_promise, "it states no time");
      return;
    }
    if (!log->validity.holds(made)) {
      bad(verdict, "log", Reason::log_outside_validity,
          fmt::format("{} was not valid at {}", printable(log->base_url, 100), to_text(made)));
      return;
    }
    good(verdict, "inclusion-promise",
         fmt::format("by {} at {}", printable(log->base_url, 100), to_text(made)));
    verdict.times.push_back(made);
  } else if (bundle.version == BundleVersion::v0_1) {
    bad(verdict, "inclusion-promise", Reason::no_inclusion_promise, "");
    return;
  }
  if (!entry.proof) return;
  // What version 0.1 has beside the promise may lack the checkpoint; what is there must hold.
  if (entry.proof->checkpoint.empty() && bundle.version == BundleVersion::v0_1) return;
  if (auto proved = check_proof_root(*entry.proof, *log); !proved) {
    bad(verdict, "checkpoint", proved.error());
    return;
  }
  good(verdict, "inclusion-proof",
       fmt::format("leaf {} of {}, checkpoint by {}", entry.proof->log_index, entry.proof->tree_size,
                   printable(log->base_url, 100)));
}

// The key of a log whose entry carries no time of its own must have been valid when the signature was made.
void check_log_times(Verdict& verdict, const Bundle& bundle, const TrustedRoot& root) {
  for (const LogEntry& entry : bundle.entries) {
    if (!entry.signed_entry_timestamp.empty()) continue;
    for (const Instant when : verdict.times) {
      const TransparencyLog* log = find_log(root, entry.log_id, when);
      if (log != nullptr && !log->validity.holds(when))
        bad(verdict, "log", Reason::log_outside_validity,
            fmt::format("{} was not valid at {}", printable(log->base_url, 100), to_text(when)));
    }
  }
}

// Every timestamp that is there must hold, by an authority that was believed then.
void check_timestamps(Verdict& verdict, const Bundle& bundle, const TrustedRoot& root) {
  const std::string& message = signature_of(bundle);
  for (const std::string& der : bundle.timestamps) {
    const auto read = crypto::read_timestamp(der);
    if (!read) {
      bad(verdict, "timestamp", Reason::bad_timestamp, read.error().message);
      continue;
    }
    const auto scheme = read->algorithm == "sha256"   ? crypto::Scheme::ecdsa_sha256
                        : read->algorithm == "sha384" ? crypto::Scheme::ecdsa_sha384
                                                      : crypto::Scheme::ecdsa_sha512;
    if (crypto::message_digest(scheme, message) != std::optional(read->imprint)) {
      bad(verdict, "timestamp", Reason::timestamp_of_another, "");
      continue;
    }
    Refusal why{Reason::unknown_timestamp_authority, "the trusted root has no timestamp authority"};
    bool found = false;
    for (const TimestampAuthority& authority : root.timestamp_authorities) {
      const auto stamped = crypto::verify_timestamp(der, message, authority.tsa);
      if (stamped && authority.validity.holds(stamped->when)) {
        good(verdict, "timestamp",
             fmt::format("{} by {}", to_text(stamped->when), printable(authority.uri, 100)));
        verdict.times.push_back(stamped->when);
        found = true;
        break;
      }
      if (stamped) {
        why = {
            Reason::timestamp_outside_authority,
            fmt::format("{} was not believed at {}", printable(authority.uri, 100), to_text(stamped->when))};
      } else if (why.reason == Reason::unknown_timestamp_authority) {
        // OpenSSL's words for a path that is right but for its time.
        const std::string& words = stamped.error().message;
        const bool time_only = words.find("has expired") != std::string::npos ||
                               words.find("not yet valid") != std::string::npos;
        why = {time_only ? Reason::timestamp_certificate_invalid : Reason::unknown_timestamp_authority,
               words};
      }
    }
    if (!found) bad(verdict, "timestamp", why);
  }
}

// The path to the authority that vouches for the leaf at `when`; empty after a row that says why not.
std::vector<crypto::Certificate> find_authority(Verdict& verdict, const BundleSigner& signer,
                                                const TrustedRoot& root, Instant when) {
  Refusal why{Reason::untrusted_certificate, "the trusted root has no certificate authority"};
  for (const CertificateAuthority& authority : root.authorities) {
    const std::span<const crypto::Certificate> chain(authority.chain);
    std::vector<crypto::Certificate> between(chain.begin(), chain.end() - 1);
    between.insert(between.end(), signer.intermediates.begin(), signer.intermediates.end());
    auto path =
        crypto::find_path(*signer.certificate, between, chain.last(1), when, crypto::Purpose::code_signing);
    if (path && authority.validity.holds(when)) return std::move(*path);
    if (path)
      why = {Reason::authority_outside_validity,
             fmt::format("{} was not believed at {}", printable(authority.uri, 100), to_text(when))};
    else if (why.reason == Reason::untrusted_certificate)
      why.detail = path.error().message;
  }
  bad(verdict, "certificate", why);
  return {};
}

void check_identity(Verdict& verdict, const crypto::Certificate& leaf, const Policy& policy) {
  const auto names = leaf.names();
  const std::string by = issuer_of(leaf).value_or("");
  const std::string shown = names.empty() ? "nobody" : printable(names.front(), 300);
  bool named = false;
  for (const SignerIdentity& wanted : policy.identities) {
    if (std::find(names.begin(), names.end(), wanted.identity) == names.end()) continue;
    named = true;
    if (by.empty() || by != wanted.issuer) continue;
    verdict.signer = wanted.identity;
    verdict.issuer = by;
    good(verdict, "identity", fmt::format("{}, by {}", printable(wanted.identity, 300), printable(by, 200)));
    return;
  }
  if (named)
    bad(verdict, "identity", Reason::wrong_issuer,
        fmt::format("'{}' vouched for {}", printable(by, 200), shown));
  else
    bad(verdict, "identity", Reason::wrong_identity, fmt::format("{} signed", shown));
}

void check_certificate(Verdict& verdict, const BundleSigner& signer, const TrustedRoot& root,
                       const Policy& policy) {
  const crypto::Certificate& leaf = *signer.certificate;
  if (verdict.times.empty()) {
    bad(verdict, "time", Reason::no_timestamp, "");
    return;
  }
  std::vector<crypto::Certificate> path;
  for (const Instant when : verdict.times) {
    if (when < leaf.not_before() || when > leaf.not_after()) {
      bad(verdict, "certificate", Reason::certificate_outside_validity,
          fmt::format("signed at {}, valid from {} to {}", to_text(when), to_text(leaf.not_before()),
                      to_text(leaf.not_after())));
      return;
    }
    path = find_authority(verdict, signer, root, when);
    if (path.empty()) return;
  }
  good(verdict, "certificate", fmt::format("issued by {}", printable(path.back().subject(), 100)));
  // The issuer of the path that was proved: two authorities may have one name.
  const auto scts = crypto::check_scts(leaf, path.size() > 1 ? path[1] : path[0], root.ct_logs);
  if (!scts)
    bad(verdict, "sct", Reason::bad_sct, scts.error().message);
  else if (scts->embedded == 0)
    bad(verdict, "sct", Reason::no_sct, "");
  else if (scts->verified == 0)
    bad(verdict, "sct", scts->unknown == scts->embedded ? Reason::unknown_ct_log : Reason::bad_sct,
        scts->why);
  else
    good(verdict, "sct", fmt::format("{} of {} by trusted logs", scts->verified, scts->embedded));
  check_identity(verdict, leaf, policy);
}

}  // namespace

Reason Verdict::reason() const {
  for (const Check& check : checks)
    if (!check.ok) return check.reason;
  return Reason::verified;
}

Verdict refused(std::string name, const Refusal& refusal) {
  Verdict verdict;
  bad(verdict, name, refusal);
  return verdict;
}

Verdict verify(const Bundle& bundle, const TrustedRoot* root, const Policy& policy,
               const Artifact& artifact) {
  Verdict verdict;
  const auto bodies = read_bodies(verdict, bundle);
  if (!bodies) return verdict;
  const auto signer = find_signer(verdict, bundle, policy, artifact, *bodies);
  if (!signer) return verdict;
  if (!check_content(verdict, bundle, *signer, artifact, *bodies)) return verdict;
  if (!check_bodies(verdict, bundle, *signer, artifact, *bodies)) return verdict;
  const bool keyless = signer->certificate.has_value();
  if (keyless && bundle.entries.empty()) {
    bad(verdict, "log-entry", Reason::no_log_entry, "");
    return verdict;
  }
  if (!keyless && bundle.entries.empty() && bundle.timestamps.empty()) return verdict;
  if (root == nullptr) {
    bad(verdict, "trusted-root", Reason::no_trusted_root, "");
    return verdict;
  }
  for (const LogEntry& entry : bundle.entries) check_entry(verdict, bundle, entry, *root);
  check_timestamps(verdict, bundle, *root);
  if (!verdict.verified()) return verdict;
  check_log_times(verdict, bundle, *root);
  if (keyless) check_certificate(verdict, *signer, *root, policy);
  return verdict;
}

Verdict verify(std::string_view bundle, const TrustedRoot* root, const Policy& policy,
               const Artifact& artifact) {
  const auto read = read_bundle(bundle);
  if (!read) return refused("bundle", read.error());
  return verify(*read, root, policy, artifact);
}

}  // namespace tranche::sigstore
