// The cases of the public conformance suite (sigstore/sigstore-conformance), for tests.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crypto/digest.hpp"
#include "sigstore/verify.hpp"
#include "support/corpora.hpp"

namespace tranche::sigstore::testing {

using support::read_corpus_file;

struct Case {
  std::string name, bundle, artifact, root;
  std::optional<std::string> key;
};

inline std::string read_or(const std::string& path, const std::string& otherwise) {
  return std::filesystem::exists(path) ? read_corpus_file(path) : read_corpus_file(otherwise);
}

inline std::vector<Case> all_cases(const std::string& corpus) {
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(corpus + "/bundle-verify")) {
    if (!entry.is_directory()) continue;
    const std::string at = entry.path().string();
    Case one{.name = entry.path().filename().string(),
             .bundle = read_corpus_file(at + "/bundle.sigstore.json"),
             .artifact = read_or(at + "/artifact", corpus + "/a.txt"),
             .root = read_or(at + "/trusted_root.json", corpus + "/trusted_root.production.json")};
    if (std::filesystem::exists(at + "/key.pub")) one.key = read_corpus_file(at + "/key.pub");
    cases.push_back(std::move(one));
  }
  return cases;
}

inline const SignerIdentity beacon{
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
    "extremely-dangerous-oidc-beacon.yml@refs/heads/main",
    "https://token.actions.githubusercontent.com"};

inline Artifact by_digest(const std::string& bytes) {
  return {.sha256 = std::string(crypto::as_bytes(crypto::sha256(bytes)))};
}
inline Artifact by_file(const std::string& bytes) {
  Artifact artifact = by_digest(bytes);
  artifact.sha384 = crypto::message_digest(crypto::Scheme::ecdsa_sha384, bytes).value_or("");
  artifact.sha512 = crypto::message_digest(crypto::Scheme::ecdsa_sha512, bytes).value_or("");
  artifact.verify_ed25519 = [bytes](const crypto::AnyPublicKey& key, std::string_view signature) {
    return key.verify(crypto::Scheme::ed25519, bytes, signature);
  };
  return artifact;
}

// As the suite's README says: a key file asks for the key, else the suite's own identity.
inline Verdict run_case(const Case& one, const Artifact& artifact, SignerIdentity identity = beacon) {
  Policy policy;
  if (one.key) {
    const auto key = crypto::AnyPublicKey::from_pem(*one.key);
    if (!key) return refused("key", {Reason::bad_key, key.error().message});
    policy.keys.push_back(*key);
  } else {
    policy.identities.push_back(std::move(identity));
  }
  const auto root = read_trusted_root(one.root);
  if (!root) return refused("trusted-root", root.error());
  return verify(one.bundle, &*root, policy, artifact);
}

inline std::string describe(const Verdict& verdict) {
  std::string text;
  for (const Check& check : verdict.checks)
    text += fmt::format("  {} {}: {}\n", check.ok ? "ok  " : "FAIL", check.name, check.detail);
  return text;
}

inline const Case& find_case(const std::vector<Case>& cases, const std::string& name) {
  const auto found =
      std::find_if(cases.begin(), cases.end(), [&](const Case& one) { return one.name == name; });
  REQUIRE(found != cases.end());
  return *found;
}

}  // namespace tranche::sigstore::testing
