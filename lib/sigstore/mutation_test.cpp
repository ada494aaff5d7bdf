// What the suite's other cases are about, made from those that are here: one thing changed in the bundle, the
// trusted root or the policy, and the reason that it must give.
#include <doctest/doctest.h>

#include <functional>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/certificate.hpp"
#include "crypto/openssl_testing.hpp"
#include "crypto/signer.hpp"
#include "doc/value.hpp"
#include "sigstore/corpus_testing.hpp"

using namespace tranche;
using namespace tranche::sigstore;
using namespace tranche::sigstore::testing;

namespace {

// "verificationMaterial.tlogEntries.0.logIndex"
doc::Value& at(doc::Value& document, std::string_view path) {
  doc::Value* value = &document;
  for (const std::string_view part : split(path, '.')) {
    if (const auto index = parse_u64(part)) {
      REQUIRE(value->is_array());
      REQUIRE(*index < value->as_array().size());
      value = &value->as_array()[*index];
    } else {
      value = value->find(part);
      REQUIRE(value != nullptr);
    }
  }
  return *value;
}
void drop(doc::Value& document, std::string_view path, std::string_view key) {
  REQUIRE(at(document, path).erase(key));
}

constexpr std::string_view entry = "verificationMaterial.tlogEntries.0";

struct Documents {
  doc::Value bundle, root;
};
struct Mutation {
  std::string_view name;
  std::string_view of;  // the case
  std::function<void(Documents&)> change;
  std::string_view reason;
};

const std::string v01 = "trust-root-tlog-validity-end-inclusive";
const std::string v03 = "rekor2-happy-path";
const std::string key = "managed-key-happy-path";

doc::Value parse(const std::string& text) {
  auto value = doc::parse_json(text);
  REQUIRE(value.has_value());
  return std::move(*value);
}

// The bundle of another case, for taking parts of it.
doc::Value bundle_of(const std::string& name) {
  return parse(find_case(all_cases(*support::find_corpus("sigstore")), name).bundle);
}

doc::Value instant(std::string_view text) { return doc::Value(text); }

const std::vector<Mutation>& mutations() {
  static const std::vector<Mutation> all{
      // the bundle as a file
      {"another media type", v03,
       [](Documents& d) { d.bundle.set("mediaType", "application/vnd.dev.sigstore.bundle.v0.4+json"); },
       "unknown-media-type"},
      {"no media type", v03, [](Documents& d) { d.bundle.erase("mediaType"); }, "bad-bundle"},
      {"a member that no version knows", v03, [](Documents& d) { d.bundle.set("messageSignatura", 1); },
       "bad-bundle"},
      {"both contents", v03, [](Documents& d) { d.bundle.set("dsseEnvelope", doc::Value::object()); },
       "bad-bundle"},
      {"a certificate and a key", v03,
       [](Documents& d) {
         at(d.bundle, "verificationMaterial").set("publicKey", doc::Value::object({{"hint", "x"}}));
       },
       "bad-bundle"},
      {"a chain in version 0.3", v01,
       [](Documents& d) { d.bundle.set("mediaType", "application/vnd.dev.sigstore.bundle.v0.3+json"); },
       "bad-bundle"},
      {"a certificate that is none", v03,
       [](Documents& d) { at(d.bundle, "verificationMaterial.certificate").set("rawBytes", "MAA="); },
       "bad-certificate"},
      {"the root in the chain", v01,
       [](Documents& d) {
         const std::string root =
             at(d.root, "certificateAuthorities.1.certChain.certificates.1.rawBytes").as_string();
         at(d.bundle, "verificationMaterial.x509CertificateChain.certificates")
             .push(doc::Value::object({{"rawBytes", root}}));
       },
       "root-in-bundle"},
      {"an entry twice", v03,
       [](Documents& d) {
         at(d.bundle, "verificationMaterial.tlogEntries").push(doc::Value(at(d.bundle, entry)));
       },
       "duplicate-log-entry"},
      {"a timestamp twice", v03,
       [](Documents& d) {
         doc::Value& list = at(d.bundle, "verificationMaterial.timestampVerificationData.rfc3161Timestamps");
         list.push(doc::Value(list.as_array()[0]));
       },
       "duplicate-timestamp"},
      {"an index beyond 64 bits", v03,
       [](Documents& d) { at(d.bundle, entry).set("logIndex", "99999999999999999999"); }, "bad-log-index"},
      {"two signatures in the envelope", "rekor2-dsse-mismatch-sig_fail",
       [](Documents& d) {
         doc::Value& list = at(d.bundle, "dsseEnvelope.signatures");
         list.push(doc::Value(list.as_array()[0]));
       },
       "several-signatures"},
      {"no signature in the envelope", "rekor2-dsse-mismatch-sig_fail",
       [](Documents& d) { at(d.bundle, "dsseEnvelope").set("signatures", doc::Value::array()); },
       "several-signatures"},
      // the artifact
      {"another message digest", v03,
       [](Documents& d) {
         at(d.bundle, "messageSignature.messageDigest").set("digest", to_base64(std::string(32, 'x')));
       },
       "message-digest-mismatch"},
      {"a digest by an algorithm that does not exist", v03,
       [](Documents& d) { at(d.bundle, "messageSignature.messageDigest").set("algorithm", "SHA2_257"); },
       "bad-bundle"},
      {"a digest that the caller does not have", v03,
       [](Documents& d) { at(d.bundle, "messageSignature.messageDigest").set("algorithm", "SHA2_512"); },
       "artifact-needed"},
      {"a payload that is no statement", "rekor2-dsse-mismatch-sig_fail",
       [](Documents& d) { at(d.bundle, "dsseEnvelope").set("payloadType", "text/plain"); }, "bad-signature"},
      // the log
      {"no entry", v03,
       [](Documents& d) { at(d.bundle, "verificationMaterial").set("tlogEntries", doc::Value::array()); },
       "no-log-entry"},
      {"an entry of a later kind", v03,
       [](Documents& d) {
         at(d.bundle, entry)
             .set("kindVersion", doc::Value::object({{"kind", "hashedrekord"}, {"version", "0.0.3"}}));
       },
       "unknown-entry-kind"},
      {"an entry that says it is of another kind", v03,
       [](Documents& d) {
         at(d.bundle, entry).set("kindVersion", doc::Value::object({{"kind", "dsse"}, {"version", "0.0.2"}}));
       },
       "bad-log-entry"},
      {"the entry of another bundle", v03,
       [](Documents& d) {
         doc::Value other = bundle_of("rekor2-timestamp-with-embedded-cert");
         at(d.bundle, "verificationMaterial").set("tlogEntries", doc::Array{at(other, entry)});
       },
       "entry-wrong-signature"},
      {"a log that nobody knows", v03, [](Documents& d) { d.root.set("tlogs", doc::Value::array()); },
       "unknown-log"},
      {"an entry that names another log", v03,
       [](Documents& d) {
         at(d.bundle, entry).set("logId", doc::Value::object({{"keyId", to_base64(std::string(32, 'x'))}}));
       },
       "unknown-log"},
      {"a log that ended a second before the promise", v01,
       [](Documents& d) {
         at(d.root, "tlogs.0.publicKey.validFor").set("end", instant("2023-07-12T15:56:35Z"));
       },
       "log-outside-validity"},
      {"a log that began after the promise", v01,
       [](Documents& d) {
         at(d.root, "tlogs.0.publicKey.validFor").erase("end");
         at(d.root, "tlogs.0.publicKey.validFor").set("start", instant("2023-07-12T15:56:37Z"));
       },
       "log-outside-validity"},
      {"a tiled log that ended before the timestamp", v03,
       [](Documents& d) {
         at(d.root, "tlogs.1.publicKey.validFor").set("end", instant("2025-06-12T12:02:19Z"));
       },
       "log-outside-validity"},
      {"no promise in version 0.1", v01, [](Documents& d) { drop(d.bundle, entry, "inclusionPromise"); },
       "no-inclusion-promise"},
      {"a promise of another time", v01,
       [](Documents& d) { at(d.bundle, entry).set("integratedTime", "1689177397"); },
       "bad-inclusion-promise"},
      {"a promise of another index", v01,
       [](Documents& d) { at(d.bundle, entry).set("logIndex", "27246493"); }, "bad-inclusion-promise"},
      {"a time without a promise is none", key,
       [](Documents& d) { drop(d.bundle, entry, "inclusionPromise"); }, "verified"},
      {"an index beside the proof's", v03, [](Documents& d) { at(d.bundle, entry).set("logIndex", "734"); },
       "bad-inclusion-proof"},
      {"a proof of another index", v03,
       [](Documents& d) {
         at(d.bundle, entry).set("logIndex", "734");
         at(d.bundle, "verificationMaterial.tlogEntries.0.inclusionProof").set("logIndex", "734");
       },
       "bad-inclusion-proof"},
      {"an index outside the tree", v03,
       [](Documents& d) {
         at(d.bundle, entry).set("logIndex", "736");
         at(d.bundle, "verificationMaterial.tlogEntries.0.inclusionProof").set("logIndex", "736");
       },
       "bad-inclusion-proof"},
      {"a proof without a checkpoint", v03,
       [](Documents& d) {
         drop(d.bundle, "verificationMaterial.tlogEntries.0.inclusionProof", "checkpoint");
       },
       "no-checkpoint"},
      {"a proof without a checkpoint beside a promise in version 0.1", v01,
       [](Documents& d) {
         drop(d.bundle, "verificationMaterial.tlogEntries.0.inclusionProof", "checkpoint");
       },
       "verified"},
      {"a checkpoint of another tree", v03,
       [](Documents& d) {
         doc::Value other = bundle_of("rekor2-timestamp-with-embedded-cert");
         const std::string path = "verificationMaterial.tlogEntries.0.inclusionProof";
         at(d.bundle, path).set("checkpoint", at(other, path + ".checkpoint"));
       },
       "checkpoint-mismatch"},
      {"a checkpoint whose text was changed", v03,
       [](Documents& d) {
         doc::Value& note =
             at(d.bundle, "verificationMaterial.tlogEntries.0.inclusionProof.checkpoint.envelope");
         note = doc::Value(replace_all(note.as_string(), "\n736\n", "\n737\n"));
       },
       "bad-checkpoint-signature"},
      // the time
      {"a timestamp over another signature", v03,
       [](Documents& d) {
         doc::Value other = bundle_of("rekor2-timestamp-with-embedded-cert");
         const std::string path = "verificationMaterial.timestampVerificationData";
         at(d.bundle, "verificationMaterial").set("timestampVerificationData", at(other, path));
       },
       "timestamp-of-another"},
      {"a timestamp that is none", v03,
       [](Documents& d) {
         at(d.bundle, "verificationMaterial.timestampVerificationData.rfc3161Timestamps.0")
             .set("signedTimestamp", "MAA=");
       },
       "bad-timestamp"},
      {"an authority that has no certificates lends its time to none",
       "rekor2-timestamp-outside-trust-root-tsa-validity_fail",
       [](Documents& d) {
         at(d.root, "timestampAuthorities")
             .push(doc::Value::object(
                 {{"uri", "https://other.example"},
                  {"certChain", doc::Value::object({{"certificates", doc::Value::array()}})},
                  {"validFor", doc::Value::object(
                                   {{"start", "2025-06-01T00:00:00Z"}, {"end", "2025-07-01T00:00:00Z"}})}}));
       },
       "timestamp-outside-authority"},
      {"no authority", v03, [](Documents& d) { d.root.erase("timestampAuthorities"); },
       "unknown-timestamp-authority"},
      // the certificate
      {"an authority that nobody knows", v03,
       [](Documents& d) { d.root.set("certificateAuthorities", doc::Value::array()); },
       "untrusted-certificate"},
      {"an authority whose time was over", v03,
       [](Documents& d) {
         at(d.root, "certificateAuthorities.0")
             .set("validFor",
                  doc::Value::object({{"start", "2022-04-14T21:38:40Z"}, {"end", "2025-06-12T12:02:19Z"}}));
       },
       "authority-outside-validity"},
      {"an authority whose time ended with the timestamp", v03,
       [](Documents& d) {
         at(d.root, "certificateAuthorities.0")
             .set("validFor",
                  doc::Value::object({{"start", "2022-04-14T21:38:40Z"}, {"end", "2025-06-12T12:02:20Z"}}));
       },
       "verified"},
      {"a CT log that nobody knows", v03, [](Documents& d) { d.root.erase("ctlogs"); }, "unknown-ct-log"},
      {"a CT log whose time was over", v03,
       [](Documents& d) {
         for (std::size_t i = 0; i < at(d.root, "ctlogs").as_array().size(); ++i)
           at(d.root, fmt::format("ctlogs.{}.publicKey.validFor", i)).set("end", "2024-01-01T00:00:00Z");
       },
       "bad-sct"},
      // the trusted root
      {"a log's key without a start", v03,
       [](Documents& d) { drop(d.root, "tlogs.0.publicKey.validFor", "start"); }, "log-key-without-start"},
      {"a log's key without any validity", v03,
       [](Documents& d) { drop(d.root, "tlogs.0.publicKey", "validFor"); }, "log-key-without-start"},
      {"a root of another type", v03,
       [](Documents& d) { d.root.set("mediaType", "application/vnd.dev.sigstore.trustedroot.v0.9+json"); },
       "bad-trusted-root"},
      {"a root of version 0.2", v03,
       [](Documents& d) { d.root.set("mediaType", "application/vnd.dev.sigstore.trustedroot.v0.2+json"); },
       "verified"},
      {"a member that a later root has", v03,
       [](Documents& d) { at(d.root, "tlogs.0").set("operator", "somebody"); }, "verified"},
      {"a log with a key of a kind that is not known", v03,
       [](Documents& d) { at(d.root, "tlogs.0.publicKey").set("keyDetails", "ML_DSA_65"); }, "verified"},
      {"a log's key that is none", v03,
       [](Documents& d) { at(d.root, "tlogs.0.publicKey").set("rawBytes", "MAA="); }, "bad-trusted-root"},
      {"a time that is none", v03,
       [](Documents& d) { at(d.root, "tlogs.0.publicKey.validFor").set("start", "yesterday"); },
       "bad-trusted-root"},
      {"another authority of the same name first", v03,
       [](Documents& d) {
         // Same subject, another key: what counts is the path, not the name.
         doc::Value other = parse(find_case(all_cases(*support::find_corpus("sigstore")), v01).root);
         doc::Array list = at(other, "certificateAuthorities").as_array();
         list.push_back(at(d.root, "certificateAuthorities.0"));
         d.root.set("certificateAuthorities", list);
       },
       "verified"},
  };
  return all;
}

}  // namespace

TEST_CASE("one thing changed in a bundle or its trusted root is refused for that one thing") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  const auto cases = all_cases(*corpus);
  for (const Mutation& mutation : mutations()) {
    CAPTURE(mutation.name);
    Case changed = find_case(cases, std::string(mutation.of));
    Documents documents{parse(changed.bundle), parse(changed.root)};
    mutation.change(documents);
    changed.bundle = doc::to_json(documents.bundle);
    changed.root = doc::to_json(documents.root);
    const Verdict verdict = run_case(changed, by_digest(changed.artifact));
    INFO(describe(verdict));
    CHECK(code_of(verdict.reason()) == mutation.reason);
    CHECK(verdict.verified() == (mutation.reason == "verified"));
  }
}

TEST_CASE("who signed and who vouched must both be the ones asked for, to the letter") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  const Case one = find_case(all_cases(*corpus), v03);
  const auto reason = [&](std::string identity, std::string issuer) {
    return code_of(run_case(one, by_digest(one.artifact), {std::move(identity), std::move(issuer)}).reason());
  };
  CHECK(reason(beacon.identity, beacon.issuer) == "verified");
  CHECK(reason(beacon.identity.substr(0, beacon.identity.size() - 1), beacon.issuer) == "wrong-identity");
  CHECK(reason(beacon.identity + "/", beacon.issuer) == "wrong-identity");
  CHECK(reason("", beacon.issuer) == "wrong-identity");
  CHECK(reason(beacon.identity, beacon.issuer + "/") == "wrong-issuer");
  CHECK(reason(beacon.identity, "") == "wrong-issuer");
}

TEST_CASE(
    "a bundle with a certificate needs an identity, one with a key a key, and what is signed a trusted "
    "root") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  const auto cases = all_cases(*corpus);
  const Case keyless = find_case(cases, v03);
  const Case keyed = find_case(cases, key);
  const auto signer = *crypto::AnyPublicKey::from_pem(*keyed.key);
  const auto root = *read_trusted_root(keyed.root);
  const auto reason = [](const Case& one, const TrustedRoot* trusted, const Policy& policy) {
    return code_of(verify(one.bundle, trusted, policy, by_digest(one.artifact)).reason());
  };
  CHECK(reason(keyless, &root, {.keys = {signer}}) == "key-for-certificate");
  CHECK(reason(keyless, nullptr, {.identities = {beacon}}) == "no-trusted-root");
  CHECK(reason(keyed, &root, {.identities = {beacon}}) == "no-key");
  CHECK(reason(keyed, nullptr, {.keys = {signer}}) == "no-trusted-root");
  CHECK(reason(keyed, &root, {.identities = {beacon}, .keys = {signer}}) == "verified");
  CHECK(reason(keyed, &root, {}) == "no-key");
  CHECK(reason(keyless, &root, {}) == "wrong-identity");
  // Another key: the log entry knows whose it is.
  const auto other = (*crypto::make_ephemeral_signer())->public_key();
  CHECK(reason(keyed, &root, {.keys = {other}}) == "wrong-key");
  CHECK(reason(keyed, &root, {.keys = {other, signer}}) == "verified");
}

TEST_CASE("of several timestamps each must lie within the certificate's life, not only the earliest") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  Case one = find_case(all_cases(*corpus), v03);
  Documents documents{parse(one.bundle), parse(one.root)};
  const std::string signature = *from_base64(at(documents.bundle, "messageSignature.signature").as_string());
  const crypto::Peer clock;  // which stamps today, long after the certificate
  clock.write("config",
              "[req]\ndistinguished_name=dn\n[dn]\n[leaf]\nkeyUsage=critical,digitalSignature\n"
              "extendedKeyUsage=critical,timeStamping\n[one]\nserial=" +
                  clock.path("serial") + "\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n");
  clock.write("serial", "01\n");
  clock.write("query", *crypto::make_timestamp_request(signature, "\x41\x02\x03\x04\x05\x06\x07\x08"));
  REQUIRE(clock.openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "@key", "-out", "@pem",
                         "-subj", "/CN=clock", "-config", "@config", "-extensions", "leaf"}) == 0);
  REQUIRE(clock.openssl({"ts", "-reply", "-config", "@config", "-section", "one", "-signer", "@pem", "-inkey",
                         "@key", "-queryfile", "@query", "-out", "@response"}) == 0);
  doc::Value chain = doc::Value::array();
  chain.push(doc::Value::object(
      {{"rawBytes", to_base64(crypto::Certificate::from_pem(clock.read("pem"))->to_der())}}));
  at(documents.root, "timestampAuthorities")
      .push(doc::Value::object({{"uri", "https://clock.example"},
                                {"certChain", doc::Value::object({{"certificates", std::move(chain)}})}}));
  doc::Value& stamps =
      at(documents.bundle, "verificationMaterial.timestampVerificationData.rfc3161Timestamps");
  const doc::Value late = doc::Value::object({{"signedTimestamp", to_base64(clock.read("response"))}});
  const doc::Value early = stamps.as_array()[0];
  for (const doc::Array& order : {doc::Array{early, late}, doc::Array{late, early}}) {
    at(documents.bundle, "verificationMaterial.timestampVerificationData").set("rfc3161Timestamps", order);
    one.bundle = doc::to_json(documents.bundle);
    one.root = doc::to_json(documents.root);
    const Verdict verdict = run_case(one, by_digest(one.artifact));
    INFO(describe(verdict));
    CHECK(verdict.times.size() == 2);
    CHECK(code_of(verdict.reason()) == "certificate-outside-validity");
  }
}
