// Signing several things in one run: one key or one certificate, the same services, one judgement at the end.
//
// The problem: a log entry cannot be taken back, and the step between writing it and having it on disk can
// end at any time. The idea: the signature, its certificate and its timestamps are written beside the file
// (FILE.sigstore.pending, no secret in it; the ephemeral key is never stored) before a log is asked. The next
// run finds them, sends the same bytes again, and the log answers with the entry that it has.
//
// What the services answer is believed as little as a stranger's bundle: before a bundle is handed back it
// goes through verify(), for the identity that was asked for. Without a trusted root that ends where trust
// begins: the entry belongs to the signature, and its proof leads to the root hash that it states.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/signer.hpp"
#include "sigstore/oidc.hpp"
#include "sigstore/services.hpp"
#include "sigstore/sign.hpp"
#include "sigstore/trusted_root.hpp"
#include "sigstore/verify.hpp"

namespace tranche::sigstore {

inline constexpr std::string_view pending_suffix = ".sigstore.pending";

struct SessionOptions {
  std::unique_ptr<crypto::Signer> signer;  // null: keyless
  Services services;                       // keyless: fulcio and at least one log
  std::optional<TrustedRoot> root;
  std::string repository;       // where secrets may not lie
  std::string token_reference;  // keyless; as find_token wants it
};

struct Signed {
  Bundle bundle;
  bool resumed = false;  // a signature that an earlier run had begun
  std::string signer;    // identity, or the key's id
};

// A bundle that was there already.
struct Kept {
  Bundle bundle;
  std::string text;    // as it lies there
  std::string signer;  // identity, or the key's id
};

class Session {
 public:
  // kind invalid: keyless without the services that it needs.
  static Result<Session> open(ports::World& world, SessionOptions options);
  Session(Session&&) = default;

  // The digest that sign_file needs.
  [[nodiscard]] FileHash hash() const;
  // The key that signs; null: keyless.
  [[nodiscard]] const crypto::AnyPublicKey* key() const {
    return options_.signer ? &options_.signer->public_key() : nullptr;
  }
  // Signs a file, or a payload (in-toto) about the artifact of this SHA-256. `pending`: the path that takes
  // the unfinished signature, which is gone again when the caller has written the bundle and calls finish();
  // empty when nothing is logged.
  // Both may be called from several threads at once, for different pending paths.
  Result<Signed> sign_file(const FileDigest& file, const std::string& pending);
  Result<Signed> sign_payload(std::string_view payload_type, std::string_view payload,
                              std::string_view artifact_sha256, const std::string& pending);
  Result<> finish(const std::string& pending);

  // The bundle at `path`, where signing again would say nothing new: it is of version 0.3 and holds for
  // exactly this file or payload, by the key or identity that would sign now, with an entry and a timestamp
  // for each service that would be asked. nullopt: sign. Also when it is keyless and no trusted root can
  // vouch for it, and while an unfinished signature lies at `pending`: that is carried on first.
  Result<std::optional<Kept>> find_file_signature(const FileDigest& file, const std::string& path,
                                                  const std::string& pending);
  Result<std::optional<Kept>> find_payload_signature(std::string_view payload_type, std::string_view payload,
                                                     std::string_view artifact_sha256,
                                                     const std::string& path, const std::string& pending);
  // The same among bundles that lie elsewhere: the first that would be kept.
  Result<std::optional<Kept>> find_payload_signature(std::string_view payload_type, std::string_view payload,
                                                     std::string_view artifact_sha256,
                                                     std::span<const std::string> bundles,
                                                     const std::string& pending);
  // Whether signing leaves something outside this machine that must not get lost.
  [[nodiscard]] bool logs() const { return !options_.services.logs.empty(); }

 private:
  Session(ports::World& world, SessionOptions options) : world_(&world), options_(std::move(options)) {}
  Result<IdentityToken> token();  // with the mutex held
  Result<KeyMaterial> material();
  struct Job;
  Result<Signed> run(const Job& job);
  Result<std::optional<Kept>> find(const Job& job, const std::string& path);
  Result<bool> has_unfinished(const Job& job);
  Result<std::optional<Kept>> keep(const Job& job, std::string text);
  Job file_job(const FileDigest& file, const std::string& pending) const;
  Job payload_job(std::string_view payload_type, std::string_view payload, std::string_view artifact_sha256,
                  const std::string& pending) const;
  Result<> add_timestamps(Bundle& bundle);
  Result<> add_entries(Bundle& bundle, const crypto::AnyPublicKey& key, bool only_find);
  Result<std::string> judge(const Bundle& bundle, const Artifact& artifact, const crypto::AnyPublicKey& key);

  ports::World* world_;
  SessionOptions options_;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  // guards what follows
  std::vector<std::unique_ptr<crypto::Signer>> ephemeral_;  // the last one signs; others may still be at it
  std::optional<crypto::Certificate> certificate_;
  std::optional<IdentityToken> token_;
};

}  // namespace tranche::sigstore
