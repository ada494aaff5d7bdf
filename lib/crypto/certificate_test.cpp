#include "crypto/certificate.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "crypto/digest.hpp"
#include "crypto/openssl_testing.hpp"
#include "doc/value.hpp"
#include "support/corpora.hpp"

using namespace tranche;
using namespace tranche::crypto;

namespace {

// An authority @ca.pem and certificates that it issues, by openssl.
struct Authority {
  Peer peer;
  Authority() {
    peer.write("config",
               "[req]\ndistinguished_name=dn\n[dn]\n"
               "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
               "subjectKeyIdentifier=hash\n"
               "[signer]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n"
               "subjectAltName=email:ana@example.org,URI:https://example.org/workflow@refs/heads/main,"
               "otherName:1.3.6.1.4.1.57264.1.7;UTF8:bot!example.org\n"
               "1.3.6.1.4.1.57264.1.1=DER:68747470733a2f2f6964702e6578616d706c65\n"
               "1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:https://idp.example\n"
               "[server]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
               "[bare]\nkeyUsage=critical,digitalSignature\n"
               "[nosign]\nkeyUsage=critical,keyAgreement\nextendedKeyUsage=codeSigning\n"
               "[middle]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
               "[stamp]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n");
    REQUIRE(new_key("ca"));
    REQUIRE(peer.openssl({"req", "-x509", "-new", "-key", "@ca.key", "-out", "@ca.pem", "-subj", "/CN=root",
                          "-days", "300", "-config", "@config", "-extensions", "ca"}) == 0);
  }
  [[nodiscard]] bool new_key(const std::string& name) const {
    return peer.openssl(
               {"ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "@" + name + ".key"}) == 0;
  }
  [[nodiscard]] Certificate issue(const std::string& name, const std::string& section,
                                  const std::string& by = "ca") const {
    REQUIRE(new_key(name));
    REQUIRE(peer.openssl({"req", "-new", "-key", "@" + name + ".key", "-out", "@" + name + ".csr", "-subj",
                          "/O=tests/CN=" + name, "-config", "@config"}) == 0);
    REQUIRE(peer.openssl({"x509", "-req", "-in", "@" + name + ".csr", "-CA", "@" + by + ".pem", "-CAkey",
                          "@" + by + ".key", "-out", "@" + name + ".pem", "-days", "30", "-extfile",
                          "@config", "-extensions", section, "-CAcreateserial"}) == 0);
    return get(name);
  }
  [[nodiscard]] Certificate get(const std::string& name) const {
    return *Certificate::from_pem(peer.read(name + ".pem"));
  }
};

Result<std::vector<Certificate>> path_of(const Certificate& leaf, const std::vector<Certificate>& between,
                                         const Certificate& root, Instant when,
                                         Purpose purpose = Purpose::code_signing) {
  const std::vector<Certificate> roots{root};
  return find_path(leaf, between, roots, when, purpose);
}

std::string bytes_at(const doc::Value& object, std::string_view key) {
  return *from_base64(object.find(key)->as_string());
}

}  // namespace

TEST_CASE("a certificate says its names, its issuer, its validity and its key") {
  const Authority authority;
  const Certificate leaf = authority.issue("leaf", "signer");
  CHECK(leaf.names() == std::vector<std::string>{"ana@example.org",
                                                 "https://example.org/workflow@refs/heads/main",
                                                 "bot!example.org"});
  CHECK(leaf.extension_text("1.3.6.1.4.1.57264.1.8") == "https://idp.example");
  CHECK(leaf.extension_text("1.3.6.1.4.1.57264.1.1") == "https://idp.example");
  CHECK_FALSE(leaf.extension_text("1.3.6.1.4.1.57264.1.9").has_value());
  CHECK_FALSE(leaf.extension_text("nonsense").has_value());
  CHECK(leaf.subject() == "CN=leaf,O=tests");
  CHECK_FALSE(leaf.is_authority());
  CHECK_FALSE(leaf.self_signed());
  CHECK(authority.get("ca").is_authority());
  CHECK(authority.get("ca").self_signed());
  CHECK(leaf.not_after() - leaf.not_before() == std::chrono::hours(30 * 24));
  REQUIRE(authority.peer.openssl({"pkey", "-in", "@leaf.key", "-pubout", "-out", "@leaf.pub"}) == 0);
  CHECK(leaf.public_key()->to_pem() == authority.peer.read("leaf.pub"));
  CHECK(leaf.to_pem() == authority.peer.read("leaf.pem"));
  CHECK(Certificate::from_der(leaf.to_der())->to_der() == leaf.to_der());
}

TEST_CASE("what is no certificate is refused") {
  const Authority authority;
  const std::string der = authority.get("ca").to_der();
  CHECK_FALSE(Certificate::from_der(""));
  CHECK_FALSE(Certificate::from_der("hello"));
  CHECK(Certificate::from_der(der + "x").error().message == "bytes follow the certificate");
  CHECK_FALSE(Certificate::from_der(der.substr(0, der.size() - 1)));
  CHECK_FALSE(Certificate::from_pem("hello"));
  CHECK_FALSE(Certificate::from_pem(authority.peer.read("ca.key")));
  const std::string pem = authority.peer.read("ca.pem");
  CHECK(Certificate::chain_from_pem(pem + pem)->size() == 2);
  CHECK_FALSE(
      Certificate::chain_from_pem(pem + "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"));
  std::string many;
  for (int i = 0; i < 17; ++i) many += pem;
  CHECK_FALSE(Certificate::chain_from_pem(many));
}

TEST_CASE("a path is judged at the given moment: from the first second to the last, both included") {
  const Authority authority;
  const Certificate root = authority.get("ca");
  const Certificate leaf = authority.issue("leaf", "signer");
  const auto second = std::chrono::seconds(1);
  CHECK(path_of(leaf, {}, root, leaf.not_before())->size() == 2);
  CHECK(path_of(leaf, {}, root, leaf.not_after()));
  CHECK(path_of(leaf, {}, root, leaf.not_after() + std::chrono::milliseconds(999)));
  CHECK_FALSE(path_of(leaf, {}, root, leaf.not_after() + second));
  CHECK_FALSE(path_of(leaf, {}, root, root.not_before() - second));
  const auto late = path_of(leaf, {}, root, leaf.not_after() + second);
  CHECK(late.error().kind == ErrorKind::verification);
  CHECK(late.error().message.find("certificate has expired") != std::string::npos);
}

TEST_CASE("a path goes over intermediates to an anchor, which need not be self-signed") {
  const Authority authority;
  const Certificate root = authority.get("ca");
  const Certificate middle = authority.issue("middle", "middle");
  const Certificate leaf = authority.issue("leaf", "signer", "middle");
  const Instant when = leaf.not_before();
  const auto path = path_of(leaf, {middle}, root, when);
  REQUIRE(path);
  REQUIRE(path->size() == 3);
  CHECK((*path)[1].to_der() == middle.to_der());
  CHECK(path_of(leaf, {}, middle, when)->size() == 2);
  CHECK_FALSE(path_of(leaf, {}, root, when));
  const Authority other;
  CHECK_FALSE(path_of(leaf, {middle}, other.get("ca"), when));
  CHECK_FALSE(path_of(leaf, {middle, root}, other.get("ca"), when));  // a root that comes along is no anchor
  const std::vector<Certificate> nobody;
  CHECK_FALSE(find_path(leaf, nobody, nobody, when, Purpose::code_signing));
}

TEST_CASE("a certificate must be for the purpose") {
  const Authority authority;
  const Certificate root = authority.get("ca");
  const struct {
    const char* section;
    bool signs, stamps;
  } table[] = {{"signer", true, false},
               {"server", false, false},
               {"bare", false, false},
               {"nosign", false, false},
               {"stamp", false, true}};
  for (const auto& row : table) {
    const Certificate leaf = authority.issue(row.section, row.section);
    CAPTURE(row.section);
    CHECK(path_of(leaf, {}, root, leaf.not_before()).has_value() == row.signs);
    CHECK(path_of(leaf, {}, root, leaf.not_before(), Purpose::timestamping).has_value() == row.stamps);
  }
  // A leaf may not issue others.
  const Certificate leaf = authority.get("signer");
  const Certificate grandchild = authority.issue("grandchild", "signer", "signer");
  CHECK_FALSE(path_of(grandchild, {leaf}, root, grandchild.not_before()));
}

TEST_CASE("transparency timestamps verify by the log's key, extensions included, and by no other") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  const auto load = [&](const std::string& name) {
    return *doc::parse_json(support::read_corpus_file(*corpus + "/bundle-verify/" + name));
  };
  const doc::Value bundle = load("bundle-with-sct-with-extensions/bundle.sigstore.json");
  const doc::Value root = load("bundle-with-sct-with-extensions/trusted_root.json");
  const doc::Value& material = *bundle.find("verificationMaterial");
  const doc::Value* single = material.find("certificate");
  const doc::Value& raw_leaf =
      single != nullptr ? *single
                        : material.find("x509CertificateChain")->find("certificates")->as_array()[0];
  const auto leaf = Certificate::from_der(bytes_at(raw_leaf, "rawBytes"));
  const auto issuer = Certificate::from_der(bytes_at(root.find("certificateAuthorities")
                                                         ->as_array()[0]
                                                         .find("certChain")
                                                         ->find("certificates")
                                                         ->as_array()[0],
                                                     "rawBytes"));
  REQUIRE(leaf);
  REQUIRE(issuer);
  const doc::Value& log = root.find("ctlogs")->as_array()[0];
  const auto key = AnyPublicKey::from_der(bytes_at(*log.find("publicKey"), "rawBytes"));
  REQUIRE(key);
  const std::string id = *from_hex(key->id());
  const auto check = [&](const CtLog& one, const Certificate& by) {
    const std::vector<CtLog> logs{one};
    return *check_scts(*leaf, by, logs);
  };
  const SctCheck good = check({id, *key, {}, {}}, *issuer);
  CHECK(good.embedded == 1);
  CHECK(good.verified == 1);
  CHECK(good.why.empty());
  CHECK(path_of(*leaf, {}, *issuer, leaf->not_before()));
  CHECK(leaf->names() == std::vector<std::string>{"https://github.com/sigstore-conformance/"
                                                  "extremely-dangerous-public-oidc-beacon/.github/workflows/"
                                                  "extremely-dangerous-oidc-beacon.yml@refs/heads/main"});
  CHECK(leaf->extension_text("1.3.6.1.4.1.57264.1.8") == "https://token.actions.githubusercontent.com");

  const Instant made = *parse_instant("2026-01-15T22:49:24.925Z");
  const auto tick = std::chrono::milliseconds(1);
  CHECK(check({id, *key, made, made}, *issuer).verified == 1);
  CHECK(check({id, *key, made + tick, {}}, *issuer).verified == 0);
  CHECK(check({id, *key, {}, made - tick}, *issuer).verified == 0);
  CHECK(check({std::string(32, 'x'), *key, {}, {}}, *issuer).why.find("not trusted") != std::string::npos);
  CHECK(check({id, *issuer->public_key(), {}, {}}, *issuer).verified == 0);
  CHECK(check({id, *key, {}, {}}, *leaf).verified == 0);  // another issuer
  const Authority plain;
  CHECK(check_scts(plain.get("ca"), plain.get("ca"), {})->embedded == 0);
}
