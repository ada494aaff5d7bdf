#include "crypto/signer.hpp"

#include <doctest/doctest.h>

#include "crypto/openssl_testing.hpp"

using namespace tranche;
using namespace tranche::crypto;

namespace {

const std::string message = "offer 1.2.0";

struct Case {
  std::vector<std::string> how;
  std::vector<std::string> verify;  // openssl's words between the command and its files; empty: Ed25519
};
const std::vector<Case> cases{
    {{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, {"-sha256"}},
    {{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, {"-sha256"}},
    {{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}, {"-sha384"}},
    {{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"}, {"-sha512"}},
    {{"-algorithm", "ED25519"}, {}},
};

void make_key(const Peer& peer, const std::vector<std::string>& how) {
  std::vector<std::string> words{"genpkey", "-out", "@key"};
  words.insert(words.end(), how.begin(), how.end());
  REQUIRE(peer.openssl(words) == 0);
  REQUIRE(peer.openssl({"pkey", "-in", "@key", "-pubout", "-out", "@pub"}) == 0);
}

}  // namespace

TEST_CASE("openssl accepts what a key signs, by message and by digest") {
  for (const Case& row : cases) {
    const Peer peer;
    make_key(peer, row.how);
    const auto signer = signer_from_pem(Secret(peer.read("key")), Secret());
    REQUIRE(signer);
    const AnyPublicKey& key = (*signer)->public_key();
    CHECK(key.to_pem() == peer.read("pub"));
    const auto signature = (*signer)->sign(message);
    REQUIRE(signature);
    CHECK(key.verify(key.usual_scheme(), message, *signature));
    peer.write("message", message);
    peer.write("signature", *signature);
    std::vector<std::string> verify{"dgst"};
    verify.insert(verify.end(), row.verify.begin(), row.verify.end());
    verify.insert(verify.end(), {"-verify", "@pub", "-signature", "@signature", "@message"});
    if (row.verify.empty()) {
      verify = {"pkeyutl", "-verify", "-rawin",   "-pubin",   "-inkey",
                "@pub",    "-in",     "@message", "-sigfile", "@signature"};
      CHECK((*signer)->sign_digest(std::string(64, 'x')).error().kind == ErrorKind::bug);
    } else {
      const auto digest = message_digest(key.usual_scheme(), message);
      const auto by_digest = (*signer)->sign_digest(*digest);
      REQUIRE(by_digest);
      CHECK(key.verify(key.usual_scheme(), message, *by_digest));
      CHECK((*signer)->sign_digest("short").error().kind == ErrorKind::bug);
    }
    CHECK(peer.openssl(verify) == 0);
  }
}

TEST_CASE("a locked key opens with its passphrase and with no other") {
  for (const std::string cipher : {"aes-256-cbc", "scrypt"}) {
    const Peer peer;
    make_key(peer, cases[1].how);
    std::vector<std::string> lock{"pkcs8", "-topk8",  "-in",      "@key",
                                  "-out",  "@sealed", "-passout", "pass:correct horse"};
    if (cipher == "scrypt")
      lock.push_back("-scrypt");
    else
      lock.insert(lock.end(), {"-v2", cipher});
    REQUIRE(peer.openssl(lock) == 0);
    const Secret sealed(peer.read("sealed"));
    const auto open = signer_from_pem(sealed, Secret("correct horse"));
    REQUIRE(open);
    CHECK((*open)->public_key().to_pem() == peer.read("pub"));
    CHECK(signer_from_pem(sealed, Secret("wrong")).error().kind == ErrorKind::verification);
    const auto without = signer_from_pem(sealed, Secret());
    CHECK(without.error().kind == ErrorKind::invalid);
    CHECK(without.error().hint.find("passphrase") != std::string::npos);
  }
}

TEST_CASE("keys of other forms and kinds are refused with what to do") {
  const Peer peer;
  REQUIRE(peer.openssl({"ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "@old"}) == 0);
  const auto old = signer_from_pem(Secret(peer.read("old")), Secret());
  CHECK(old.error().message == "it holds 'EC PRIVATE KEY', not 'PRIVATE KEY'");
  CHECK(old.error().hint == "turn it into PKCS#8: openssl pkcs8 -topk8");
  make_key(peer, {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"});
  CHECK(signer_from_pem(Secret(peer.read("key")), Secret()).error().kind == ErrorKind::verification);
  CHECK_FALSE(signer_from_pem(Secret("hello"), Secret()));
  CHECK_FALSE(signer_from_pem(Secret(peer.read("pub")), Secret()));
  CHECK_FALSE(
      signer_from_pem(Secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), Secret()));
}

TEST_CASE("an ephemeral key is P-256 and another each time") {
  const auto one = make_ephemeral_signer();
  const auto two = make_ephemeral_signer();
  REQUIRE(one);
  REQUIRE(two);
  CHECK((*one)->public_key().kind() == AnyPublicKey::Kind::p256);
  CHECK((*one)->public_key().to_der() != (*two)->public_key().to_der());
  const auto signature = (*one)->sign(message);
  CHECK((*one)->public_key().verify(Scheme::ecdsa_sha256, message, *signature));
  CHECK_FALSE((*two)->public_key().verify(Scheme::ecdsa_sha256, message, *signature));
}
