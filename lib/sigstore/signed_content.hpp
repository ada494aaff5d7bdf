// What needs no trust: who the bundle says signed, whether the signature is theirs over this artifact, and
// whether the log entries speak of the same.
#pragma once

#include <optional>
#include <vector>

#include "crypto/certificate.hpp"
#include "sigstore/entry_body.hpp"
#include "sigstore/verify.hpp"

namespace tranche::sigstore {

struct BundleSigner {
  crypto::AnyPublicKey key;
  std::optional<crypto::Certificate> certificate;
  std::vector<crypto::Certificate> intermediates;
};

// The bodies of the entries in their order; nullopt after a row that says why not.
std::optional<std::vector<EntryBody>> read_bodies(Verdict& verdict, const Bundle& bundle);
// Reads the certificate, or picks the key among the policy's. Rows "signer".
std::optional<BundleSigner> find_signer(Verdict& verdict, const Bundle& bundle, const Policy& policy,
                                        const Artifact& artifact, const std::vector<EntryBody>& bodies);
// Rows "artifact", "signature", "statement".
bool check_content(Verdict& verdict, const Bundle& bundle, const BundleSigner& signer,
                   const Artifact& artifact, const std::vector<EntryBody>& bodies);
// Rows "log-entry".
bool check_bodies(Verdict& verdict, const Bundle& bundle, const BundleSigner& signer,
                  const Artifact& artifact, const std::vector<EntryBody>& bodies);

// Over the bytes that a signature in the bundle is over.
const std::string& signature_of(const Bundle& bundle);

}  // namespace tranche::sigstore
