#include "sigstore/session.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "sigstore/fulcio.hpp"
#include "sigstore/log_proof.hpp"
#include "sigstore/pending.hpp"
#include "sigstore/reason.hpp"
#include "sigstore/rekor.hpp"
#include "sigstore/tsa.hpp"

namespace tranche::sigstore {

namespace {

constexpr std::string_view issuer_oid = "1.3.6.1.4.1.57264.1.8";
constexpr std::string_view old_issuer_oid = "1.3.6.1.4.1.57264.1.1";

// A certificate that ends while its signature is under way is worth nothing.
constexpr auto least_left = std::chrono::seconds(60);

std::string digest_of(std::string_view text) { return crypto::to_hex(crypto::sha256(text)); }

}  // namespace

// What is to be signed, and what of it an earlier run must have meant too.
struct Session::Job {
  std::string about;
  std::string pending;
  Artifact artifact;
  std::function<Result<Bundle>(const KeyMaterial&)> sign;
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

// The key; when keyless, with a certificate that lives long enough. One serves all files of a run.
Result<KeyMaterial> Session::material() {
  if (options_.signer != nullptr) return KeyMaterial{*options_.signer, std::nullopt};
  const std::lock_guard guard(*mutex_);
  if (!certificate_ || certificate_->not_after() < world_->clock.now() + least_left) {
    const IdentityToken token = TRY(find_token(*world_, options_.repository, options_.token_reference));
    ephemeral_.push_back(TRY(crypto::make_ephemeral_signer()));
    certificate_ =
        TRY_WHILE("asking for a certificate",
                  request_certificate(*world_, options_.services.fulcio, token, *ephemeral_.back()))
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
    auto issuer = leaf.extension_text(issuer_oid);
    if (!issuer) issuer = leaf.extension_text(old_issuer_oid);
    const auto names = leaf.names();
    signer = names.empty() ? "" : names.front();
    policy.identities.push_back({signer, issuer.value_or("")});
  }
  const TrustedRoot* root = options_.root ? &*options_.root : nullptr;
  const Verdict verdict = verify(to_json(bundle), root, policy, artifact);
  if (verdict.verified()) return signer;
  if (root == nullptr && verdict.reason() == Reason::no_trusted_root) {
    for (const LogEntry& entry : bundle.entries)
      if (auto proved = entry.proof ? check_proof(entry) : Checked<>(); !proved || !entry.proof)
        return fail_hint(ErrorKind::verification, "the log answered wrongly: no bundle was written",
                         "the log entry has no inclusion proof that holds");
    return signer;
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
  const bool logs = !options_.services.logs.empty() && !job.pending.empty();
  Signed result;
  auto earlier = logs ? TRY(read_pending(world_->files, job.pending)) : std::optional<Pending>();
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
  result.bundle = TRY(job.sign(key));
  TRY(add_timestamps(result.bundle));
  if (logs) {
    TRY(write_pending(world_->files, job.pending, {job.about, result.bundle}));
    TRY(add_entries(result.bundle, key.signer.public_key(), false));
  }
  result.signer = TRY(judge(result.bundle, job.artifact, key.signer.public_key()));
  return result;
}

Result<> Session::finish(const std::string& pending) {
  if (pending.empty() || options_.services.logs.empty()) return {};
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

Result<Signed> Session::sign_file(const FileDigest& file, const std::string& pending) {
  Job job;
  job.about = about_of(options_, fmt::format("file {} {}", to_hex(file.sha256), file.name));
  job.pending = pending;
  job.artifact = {.sha256 = file.sha256, .sha384 = file.sha384, .sha512 = file.sha512};
  job.sign = [&](const KeyMaterial& key) { return sigstore::sign_file(key, file); };
  return run(job);
}

Result<Signed> Session::sign_payload(std::string_view payload_type, std::string_view payload,
                                     std::string_view artifact_sha256, const std::string& pending) {
  Job job;
  job.about = about_of(options_, fmt::format("payload {} {}", payload_type, digest_of(payload)));
  job.pending = pending;
  job.artifact.sha256 = std::string(artifact_sha256);
  job.sign = [&](const KeyMaterial& key) { return sigstore::sign_payload(key, payload_type, payload); };
  return run(job);
}

}  // namespace tranche::sigstore
