#include "sigstore/signed_content.hpp"

#include <algorithm>

#include "attest/statement.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "signing/dsse.hpp"
#include "sigstore/check_list.hpp"

namespace tranche::sigstore {
namespace {

using crypto::AnyPublicKey;
using crypto::Scheme;

std::string digest_of(std::string_view algorithm, std::string_view bytes) {
  const Scheme scheme = algorithm == "sha256"   ? Scheme::ecdsa_sha256
                        : algorithm == "sha384" ? Scheme::ecdsa_sha384
                                                : Scheme::ecdsa_sha512;
  return crypto::message_digest(scheme, bytes).value_or("");
}

// HashAlgorithm (sigstore_common.proto)
std::string_view algorithm_of(std::string_view hash) {
  if (hash == "SHA2_256") return "sha256";
  if (hash == "SHA2_384") return "sha384";
  if (hash == "SHA2_512") return "sha512";
  return {};
}

const std::string& digest_by(const Artifact& artifact, std::string_view algorithm) {
  return algorithm == "sha256" ? artifact.sha256 : algorithm == "sha384" ? artifact.sha384 : artifact.sha512;
}

// What the key signed with, by the digest that the bundle names. One scheme only, never a search.
Scheme scheme_of(const AnyPublicKey& key, std::string_view algorithm) {
  switch (key.kind()) {
    case AnyPublicKey::Kind::rsa:
      return Scheme::rsa_pkcs1_sha256;
    case AnyPublicKey::Kind::ed25519:
      return algorithm == "sha512" ? Scheme::ed25519ph : Scheme::ed25519;
    default:
      break;
  }
  if (algorithm == "sha256") return Scheme::ecdsa_sha256;
  if (algorithm == "sha384") return Scheme::ecdsa_sha384;
  if (algorithm == "sha512") return Scheme::ecdsa_sha512;
  return key.usual_scheme();
}
std::string_view algorithm_of(Scheme scheme) {
  switch (scheme) {
    case Scheme::ecdsa_sha384:
      return "sha384";
    case Scheme::ecdsa_sha512:
    case Scheme::ed25519ph:
      return "sha512";
    case Scheme::ed25519:
      return {};
    default:
      return "sha256";
  }
}

std::string pae_of(const BundleEnvelope& envelope) {
  return signing::pre_authentication_encoding(envelope.payload_type, envelope.payload);
}

// nullopt: the artifact must be here and is not.
std::optional<bool> verifies(const Bundle& bundle, const AnyPublicKey& key, const Artifact& artifact) {
  if (bundle.envelope)
    return key.verify(key.usual_scheme(), pae_of(*bundle.envelope), bundle.envelope->signature);
  const Scheme scheme = scheme_of(key, algorithm_of(bundle.message->digest_algorithm));
  if (!key.fits(scheme)) return false;
  if (scheme == Scheme::ed25519) {
    if (!artifact.verify_ed25519) return std::nullopt;
    return artifact.verify_ed25519(key, bundle.message->signature);
  }
  const std::string& digest = digest_by(artifact, algorithm_of(scheme));
  if (digest.empty()) return std::nullopt;
  return key.verify_digest(scheme, digest, bundle.message->signature);
}

// Whether the hint names the key: npm, cosign and Go write base64 or hex of the SHA-256 of its DER, model
// signing's tool hex of that of its PEM.
bool hint_names(std::string_view hint, const AnyPublicKey& key) {
  return hint == key.id() || hint == to_base64(crypto::as_bytes(crypto::sha256(key.to_der()))) ||
         hint == crypto::to_hex(crypto::sha256(key.to_pem()));
}

// Whether it can only be the digest of a key.
bool is_key_digest(std::string_view hint) {
  const auto bytes = hint.size() == 64 ? from_hex(hint) : from_base64(hint);
  return bytes && bytes->size() == 32;
}

std::optional<BundleSigner> find_key(Verdict& verdict, const Bundle& bundle, const Policy& policy,
                                     const Artifact& artifact, const std::vector<EntryBody>& bodies) {
  if (policy.keys.empty()) {
    bad(verdict, "signer", Reason::no_key, "");
    return std::nullopt;
  }
  const std::string& hint = *bundle.public_key_hint;
  // The suite has envelopes that name no key beside a hint.
  if (bundle.envelope && !hint.empty() && !bundle.envelope->key_id.empty() &&
      bundle.envelope->key_id != hint) {
    bad(verdict, "signer", Reason::bad_bundle,
        fmt::format("the hint '{}' and the envelope's keyid '{}' differ", printable(hint, 80),
                    printable(bundle.envelope->key_id, 80)));
    return std::nullopt;
  }
  const AnyPublicKey* signer = nullptr;
  for (const AnyPublicKey& key : policy.keys)
    if (hint_names(hint, key)) signer = &key;
  if (signer == nullptr)
    for (const AnyPublicKey& key : policy.keys)
      if (verifies(bundle, key, artifact).value_or(false)) signer = &key;
  if (signer == nullptr) {
    // Nobody's signature, or somebody else's: the hint or the log entry knows whose.
    if (is_key_digest(hint)) {
      bad(verdict, "signer", Reason::wrong_key, fmt::format("the bundle names key {}", printable(hint, 80)));
      return std::nullopt;
    }
    const bool another = std::any_of(bodies.begin(), bodies.end(), [&](const EntryBody& body) {
      const auto logged = AnyPublicKey::from_der(body.verifier);
      return !body.verifier_is_certificate && logged &&
             std::none_of(policy.keys.begin(), policy.keys.end(),
                          [&](const AnyPublicKey& key) { return key.to_der() == logged->to_der(); });
    });
    if (another) {
      bad(verdict, "signer", Reason::wrong_key, "the log entry names another key than the one given");
      return std::nullopt;
    }
    signer = policy.keys.data();
  }
  verdict.signer = signer->id();
  good(verdict, "signer", fmt::format("key {}", verdict.signer));
  return BundleSigner{.key = *signer};
}

std::optional<BundleSigner> find_certificate(Verdict& verdict, const Bundle& bundle, const Policy& policy) {
  if (policy.identities.empty()) {
    bad(verdict, "signer", policy.keys.empty() ? Reason::wrong_identity : Reason::key_for_certificate, "");
    return std::nullopt;
  }
  std::vector<crypto::Certificate> intermediates;
  for (const std::string& der : bundle.intermediates) {
    auto read = crypto::Certificate::from_der(der);
    if (!read) {
      bad(verdict, "signer", Reason::bad_certificate, read.error().message);
      return std::nullopt;
    }
    if (read->self_signed()) {
      bad(verdict, "signer", Reason::root_in_bundle,
          fmt::format("the chain holds the root '{}'", printable(read->subject(), 100)));
      return std::nullopt;
    }
    intermediates.push_back(std::move(*read));
  }
  auto leaf = crypto::Certificate::from_der(bundle.certificate);
  if (!leaf) {
    bad(verdict, "signer", Reason::bad_certificate, leaf.error().message);
    return std::nullopt;
  }
  if (leaf->self_signed() || leaf->is_authority()) {
    bad(verdict, "signer", Reason::root_in_bundle, "the signing certificate is an authority's");
    return std::nullopt;
  }
  auto key = leaf->public_key();
  if (!key) {
    bad(verdict, "signer", Reason::bad_certificate, key.error().message);
    return std::nullopt;
  }
  const auto names = leaf->names();
  good(verdict, "signer",
       fmt::format("certificate of '{}'", names.empty() ? "" : printable(names.front(), 200)));
  return BundleSigner{std::move(*key), std::move(*leaf), std::move(intermediates)};
}

bool check_message(Verdict& verdict, const Bundle& bundle, const Artifact& artifact,
                   const std::vector<EntryBody>& bodies) {
  const MessageSignature& message = *bundle.message;
  if (message.digest.empty() && message.digest_algorithm.empty()) {
    good(verdict, "artifact", fmt::format("sha256 {}", to_hex(artifact.sha256)));
    return true;
  }
  const std::string_view algorithm = algorithm_of(message.digest_algorithm);
  if (algorithm.empty())
    return bad(verdict, "artifact", Reason::bad_bundle,
               fmt::format("the message digest is by '{}'", printable(message.digest_algorithm, 40)));
  const std::string& here = digest_by(artifact, algorithm);
  if (here.empty())
    return bad(verdict, "artifact", Reason::artifact_needed,
               fmt::format("the bundle's digest is {}: give the file itself", algorithm));
  if (here != message.digest) {
    const bool logged = std::any_of(bodies.begin(), bodies.end(), [&](const EntryBody& body) {
      return body.digest_of == DigestOf::message && body.digest == digest_by(artifact, body.algorithm);
    });
    return bad(verdict, "artifact", logged ? Reason::message_digest_mismatch : Reason::wrong_artifact,
               fmt::format("{} {}, signed was {}", algorithm, to_hex(here), to_hex(message.digest)));
  }
  good(verdict, "artifact", fmt::format("{} {}", algorithm, to_hex(here)));
  return true;
}

bool check_statement(Verdict& verdict, const BundleEnvelope& envelope, const Artifact& artifact) {
  if (envelope.payload_type != attest::in_toto_type)
    return bad(verdict, "statement", Reason::wrong_payload_type,
               fmt::format("the envelope holds '{}'", printable(envelope.payload_type, 100)));
  const auto statement = attest::parse_statement(envelope.payload);
  if (!statement) return bad(verdict, "statement", Reason::bad_statement, statement.error().message);
  const std::string sha256 = to_hex(artifact.sha256);
  for (const attest::Subject& subject : statement->subjects)
    for (const auto& [algorithm, hex] : subject.digests)
      if (algorithm == "sha256" && hex == sha256) {
        good(verdict, "statement",
             fmt::format("{} of '{}'", printable(statement->predicate_type, 100),
                         printable(subject.name, 100)));
        good(verdict, "artifact", fmt::format("sha256 {}", sha256));
        return true;
      }
  return bad(
      verdict, "artifact", Reason::wrong_artifact,
      fmt::format("sha256 {} is none of the statement's {} subjects", sha256, statement->subjects.size()));
}

}  // namespace

Needs needs_of(const Bundle& bundle) {
  if (!bundle.message) return {};
  Needs needs{.sha384 = bundle.message->digest_algorithm == "SHA2_384",
              .sha512 = bundle.message->digest_algorithm == "SHA2_512"};
  if (bundle.message->digest_algorithm.empty()) needs = {true, true};
  return needs;
}

const std::string& signature_of(const Bundle& bundle) {
  return bundle.envelope ? bundle.envelope->signature : bundle.message->signature;
}

std::optional<std::vector<EntryBody>> read_bodies(Verdict& verdict, const Bundle& bundle) {
  std::vector<EntryBody> bodies;
  for (const LogEntry& entry : bundle.entries) {
    auto body = read_entry_body(entry);
    if (!body) {
      bad(verdict, "log-entry", body.error());
      return std::nullopt;
    }
    bodies.push_back(std::move(*body));
  }
  return bodies;
}

std::optional<BundleSigner> find_signer(Verdict& verdict, const Bundle& bundle, const Policy& policy,
                                        const Artifact& artifact, const std::vector<EntryBody>& bodies) {
  return bundle.public_key_hint ? find_key(verdict, bundle, policy, artifact, bodies)
                                : find_certificate(verdict, bundle, policy);
}

bool check_content(Verdict& verdict, const Bundle& bundle, const BundleSigner& signer,
                   const Artifact& artifact, const std::vector<EntryBody>& bodies) {
  if (bundle.message && !check_message(verdict, bundle, artifact, bodies)) return false;
  const auto verified = verifies(bundle, signer.key, artifact);
  if (!verified)
    return bad(verdict, "signature", Reason::artifact_needed, "give the file itself, not its digest");
  if (!*verified) return bad(verdict, "signature", Reason::bad_signature, "");
  good(verdict, "signature", bundle.envelope ? "over the envelope" : "over the artifact");
  return !bundle.envelope || check_statement(verdict, *bundle.envelope, artifact);
}

bool check_bodies(Verdict& verdict, const Bundle& bundle, const BundleSigner& signer,
                  const Artifact& artifact, const std::vector<EntryBody>& bodies) {
  SignedThing thing{.signature = signature_of(bundle),
                    .verifier = signer.certificate ? signer.certificate->to_der() : signer.key.to_der(),
                    .verifier_is_certificate = signer.certificate.has_value(),
                    .message_sha256 = artifact.sha256,
                    .message_sha384 = artifact.sha384,
                    .message_sha512 = artifact.sha512};
  if (bundle.envelope && !bodies.empty()) {
    const std::string pae = pae_of(*bundle.envelope);
    thing.message_sha256 = digest_of("sha256", pae);
    thing.message_sha384 = digest_of("sha384", pae);
    thing.message_sha512 = digest_of("sha512", pae);
    thing.payload_sha256 = digest_of("sha256", bundle.envelope->payload);
    thing.payload_sha384 = digest_of("sha384", bundle.envelope->payload);
    thing.payload_sha512 = digest_of("sha512", bundle.envelope->payload);
  }
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    if (auto same = match_entry(bodies[i], thing); !same) return bad(verdict, "log-entry", same.error());
    // Without a promise nothing vouches for the entry's own index: the proof's is the one that is proved.
    const LogEntry& entry = bundle.entries[i];
    const bool own = !entry.signed_entry_timestamp.empty() || !entry.proof;
    good(verdict, "log-entry",
         fmt::format("{} {} at index {}", printable(entry.kind, 20), printable(entry.version, 20),
                     own ? entry.log_index : entry.proof->log_index));
  }
  return true;
}

}  // namespace tranche::sigstore
