#include "sigstore/session.hpp"

#include <algorithm>

#include "attest/statement.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "sigstore/fulcio.hpp"
#include "sigstore/issuer.hpp"
#include "sigstore/log_proof.hpp"
#include "sigstore/pending.hpp"
#include "sigstore/read_bundle.hpp"
#include "sigstore/reason.hpp"
#include "sigstore/rekor.hpp"
#include "sigstore/tsa.hpp"

namespace tranche::sigstore {

namespace {

// A certificate that ends while its signature is under way is worth nothing.
constexpr auto least_left = std::chrono::seconds(60);

// What can be said of log entries when nobody says which logs to believe.
bool proofs_hold(const Bundle& bundle) {
  return std::ranges::all_of(bundle.entries,
                             [](const LogEntry& entry) { return entry.proof && check_proof(entry); });
}

std::string digest_of(std::string_view text) { return crypto::to_hex(crypto::sha256(text)); }

}  // namespace

// What is to be signed, and what of it an earlier run must have meant too.
struct Session::Job {
  std::string about;
  std::string pending;
  Artifact artifact;
  std::optional<FileDigest> file;  // one of the two
  std::string payload_type, payload;
};

Result<Session> Session::open(ports::World& world, SessionOptions options) {
  if (options.signer == nullptr && (options.services.fulcio.empty() || options.services.logs.empty()))
    return fail_hint(ErrorKind::invalid,
                     "name them: `signing: { fulcio: URL, rekor: URL }`, or give --signing-config FILE",
                     "keyless signing needs a certificate authority and a transparency log");
  return Session(world, std::move(options));
}

FileHash Session::hash() const {
  return options_.signer == nullptr ? FileHash::sha256 : file_hash(options_.signer->public_key());
}

Result<IdentityToken> Session::token() {
  if (!token_ || token_->expires < world_->clock.now() + least_left)
    token_ = TRY(find_token(*world_, options_.repository, options_.token_reference));
  return *token_;
}

// The key; when keyless, with a certificate that lives long enough. One serves all files of a run.
Result<KeyMaterial> Session::material() {
  if (options_.signer != nullptr) return KeyMaterial{*options_.signer, std::nullopt};
  const std::lock_guard guard(*mutex_);
  if (!certificate_ || certificate_->not_after() < world_->clock.now() + least_left) {
    const IdentityToken mine = TRY(token());
    ephemeral_.push_back(TRY(crypto::make_ephemeral_signer()));
    certificate_ = TRY_WHILE("asking for a certificate",
                             request_certificate(*world_, options_.services.fulcio, mine, *ephemeral_.back()))
                       .front();
  }
  return KeyMaterial{*ephemeral_.back(), certificate_};
}

Result<> Session::add_timestamps(Bundle& bundle) {
  const std::string& signature = bundle.message ? bundle.message->signature : bundle.envelope->signature;
  for (const std::string& url : options_.services.tsas)
    bundle.timestamps.push_back(
        TRY_WHILE("asking for a timestamp", request_timestamp(*world_, url, signature)));
  return {};
}

Result<> Session::add_entries(Bundle& bundle, const crypto::AnyPublicKey& key, bool only_find) {
  for (const LogService& log : options_.services.logs) {
    if (only_find) {
      auto found = TRY(find_logged(*world_, log, bundle, key));
      if (!found) {
        bundle.entries.clear();
        return {};
      }
      bundle.entries.push_back(std::move(*found));
    } else {
      bundle.entries.push_back(TRY(log_bundle(*world_, log, bundle, key)));
    }
  }
  return {};
}

// Who signed, when all is well.
Result<std::string> Session::judge(const Bundle& bundle, const Artifact& artifact,
                                   const crypto::AnyPublicKey& key) {
  // By a key of ours and without anybody else's word there is nothing to judge.
  if (bundle.certificate.empty() && bundle.entries.empty() && bundle.timestamps.empty()) return key.id();
  Policy policy;
  std::string signer = key.id();
  if (bundle.certificate.empty()) {
    policy.keys.push_back(key);
  } else {
    const crypto::Certificate leaf = TRY(crypto::Certificate::from_der(bundle.certificate));
    const auto names = leaf.names();
    signer = names.empty() ? "" : names.front();
    policy.identities.push_back({signer, issuer_of(leaf).value_or("")});
  }
  const TrustedRoot* root = options_.root ? &*options_.root : nullptr;
  const Verdict verdict = verify(to_json(bundle), root, policy, artifact);
  if (verdict.verified()) return signer;
  if (root == nullptr && verdict.reason() == Reason::no_trusted_root) {
    if (proofs_hold(bundle)) return signer;
    return fail_hint(ErrorKind::verification, "the log answered wrongly: no bundle was written",
                     "the log entry has no inclusion proof that holds");
  }
  for (const Check& check : verdict.checks)
    if (!check.ok)
      return fail_hint(
          ErrorKind::verification,
          "a service answered wrongly, or the trusted root does not belong to these services; no "
          "bundle was written",
          "the new signature does not verify: {}: {}", code_of(check.reason), check.detail);
  return fail(ErrorKind::bug, "a bundle without any check");
}

Result<Signed> Session::run(const Job& job) {
  const bool keeps = logs() && !job.pending.empty();
  Signed result;
  auto earlier = keeps ? TRY(read_pending(world_->files, job.pending)) : std::optional<Pending>();
  if (earlier && earlier->about == job.about) {
    const bool keyed = earlier->bundle.certificate.empty();
    const auto key = [&]() -> Result<crypto::AnyPublicKey> {
      if (keyed) return options_.signer->public_key();
      return TRY(crypto::Certificate::from_der(earlier->bundle.certificate)).public_key();
    };
    const crypto::AnyPublicKey by = TRY(key());
    Bundle bundle = earlier->bundle;
    // Once the certificate is over, a new entry without a timestamp would prove nothing: only an old one
    // does.
    bool over = false;
    if (!keyed && bundle.timestamps.empty())
      over = TRY(crypto::Certificate::from_der(bundle.certificate)).not_after() < world_->clock.now();
    TRY_WHILE("carrying on from " + printable(job.pending), add_entries(bundle, by, over));
    if (!bundle.entries.empty()) {
      result.signer =
          TRY_WHILE("carrying on from " + printable(job.pending), judge(bundle, job.artifact, by));
      result.bundle = std::move(bundle);
      result.resumed = true;
      return result;
    }
  }
  const KeyMaterial key = TRY(material());
  result.bundle = job.file ? TRY(sigstore::sign_file(key, *job.file))
                           : TRY(sigstore::sign_payload(key, job.payload_type, job.payload));
  TRY(add_timestamps(result.bundle));
  if (keeps) {
    TRY(write_pending(world_->files, job.pending, {job.about, result.bundle}));
    TRY(add_entries(result.bundle, key.signer.public_key(), false));
  }
  result.signer = TRY(judge(result.bundle, job.artifact, key.signer.public_key()));
  return result;
}

Result<> Session::finish(const std::string& pending) {
  if (pending.empty() || !logs()) return {};
  return world_->files.remove(pending);
}

namespace {

// The services that it is meant for and the key, so that an unfinished signature is not taken for another.
std::string about_of(const SessionOptions& options, std::string_view what) {
  std::string text(what);
  for (const LogService& log : options.services.logs)
    text += fmt::format("\nlog {} {}", log.version, log.url);
  for (const std::string& tsa : options.services.tsas) text += "\ntsa " + tsa;
  text += options.signer == nullptr ? "\nkeyless " + options.services.fulcio
                                    : "\nkey " + options.signer->public_key().id();
  return digest_of(text);
}

}  // namespace

Session::Job Session::file_job(const FileDigest& file, const std::string& pending) const {
  Job job;
  job.about = about_of(options_, fmt::format("file {} {}", to_hex(file.sha256), file.name));
  job.pending = pending;
  job.artifact = {.sha256 = file.sha256, .sha384 = file.sha384, .sha512 = file.sha512};
  job.file = file;
  return job;
}

Session::Job Session::payload_job(std::string_view payload_type, std::string_view payload,
                                  std::string_view artifact_sha256, const std::string& pending) const {
  Job job;
  job.about = about_of(options_, fmt::format("payload {} {}", payload_type, digest_of(payload)));
  job.pending = pending;
  job.artifact.sha256 = std::string(artifact_sha256);
  job.payload_type = std::string(payload_type);
  job.payload = std::string(payload);
  return job;
}

Result<Signed> Session::sign_file(const FileDigest& file, const std::string& pending) {
  return run(file_job(file, pending));
}

Result<Signed> Session::sign_payload(std::string_view payload_type, std::string_view payload,
                                     std::string_view artifact_sha256, const std::string& pending) {
  return run(payload_job(payload_type, payload, artifact_sha256, pending));
}

Result<std::optional<Kept>> Session::find_file_signature(const FileDigest& file, const std::string& path,
                                                         const std::string& pending) {
  return find(file_job(file, pending), path);
}

Result<std::optional<Kept>> Session::find_payload_signature(std::string_view payload_type,
                                                            std::string_view payload,
                                                            std::string_view artifact_sha256,
                                                            const std::string& path,
                                                            const std::string& pending) {
  return find(payload_job(payload_type, payload, artifact_sha256, pending), path);
}

Result<std::optional<Kept>> Session::find_payload_signature(std::string_view payload_type,
                                                            std::string_view payload,
                                                            std::string_view artifact_sha256,
                                                            std::span<const std::string> bundles,
                                                            const std::string& pending) {
  const Job job = payload_job(payload_type, payload, artifact_sha256, pending);
  if (TRY(has_unfinished(job))) return std::nullopt;
  for (const std::string& bundle : bundles)
    if (auto kept = TRY(keep(job, bundle))) return kept;
  return std::nullopt;
}

Result<bool> Session::has_unfinished(const Job& job) {
  return logs() && !job.pending.empty() && TRY(world_->files.info(job.pending)).has_value();
}

Result<std::optional<Kept>> Session::find(const Job& job, const std::string& path) {
  if (TRY(has_unfinished(job))) return std::nullopt;
  auto text = world_->files.read(path, max_bundle_bytes);
  if (!text || !*text) return std::nullopt;
  return keep(job, std::move(**text));
}

Result<std::optional<Kept>> Session::keep(const Job& job, std::string text) {
  auto bundle = read_bundle(text);
  if (!bundle || bundle->version != BundleVersion::v0_3) return std::nullopt;
  const bool keyed = options_.signer != nullptr;
  if (bundle->public_key_hint.has_value() != keyed || (!keyed && !options_.root)) return std::nullopt;
  if (bundle->entries.size() < options_.services.logs.size() ||
      bundle->timestamps.size() < options_.services.tsas.size())
    return std::nullopt;
  const bool as_statement =
      !job.file || (keyed && options_.signer->public_key().kind() == crypto::AnyPublicKey::Kind::ed25519);
  if (bundle->envelope.has_value() != as_statement) return std::nullopt;
  if (as_statement) {
    const std::string payload = job.file ? TRY(file_statement(*job.file)) : job.payload;
    const std::string_view type = job.file ? attest::in_toto_type : std::string_view(job.payload_type);
    if (bundle->envelope->payload != payload || bundle->envelope->payload_type != type) return std::nullopt;
  }
  Policy policy;
  if (keyed) {
    policy.keys.push_back(options_.signer->public_key());
  } else {
    const std::lock_guard guard(*mutex_);
    const IdentityToken mine = TRY(token());
    for (const std::string& name : mine.names) policy.identities.push_back({name, mine.issuer});
  }
  const Verdict verdict = verify(*bundle, options_.root ? &*options_.root : nullptr, policy, job.artifact);
  // Without a root our key's signature is proved, and its entry as far as judge() proves it.
  const bool holds = verdict.verified() || (keyed && !options_.root && proofs_hold(*bundle) &&
                                            verdict.reason() == Reason::no_trusted_root);
  if (!holds) return std::nullopt;
  return std::optional(Kept{std::move(*bundle), std::move(text), verdict.signer});
}

}  // namespace tranche::sigstore
