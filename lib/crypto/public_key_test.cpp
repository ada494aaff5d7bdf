#include "crypto/public_key.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "crypto/digest.hpp"
#include "crypto/openssl_testing.hpp"

using namespace tranche;
using namespace tranche::crypto;
using Kind = AnyPublicKey::Kind;

namespace {

const std::string message = "the same bytes on both sides\n";

// Makes @key and @pub with openssl.
AnyPublicKey make_pair(const Peer& peer, std::vector<std::string> how) {
  std::vector<std::string> words{"genpkey", "-out", "@key"};
  words.insert(words.end(), how.begin(), how.end());
  REQUIRE(peer.openssl(words) == 0);
  REQUIRE(peer.openssl({"pkey", "-in", "@key", "-pubout", "-out", "@pub"}) == 0);
  const auto key = AnyPublicKey::from_pem(peer.read("pub"));
  REQUIRE(key);
  return *key;
}

std::vector<std::string> curve(const std::string& name) {
  return {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + name};
}

struct Case {
  std::vector<std::string> how;
  Kind kind;
  Scheme scheme;
  std::vector<std::string> sign;  // openssl's words between the command and its files
};
const std::vector<std::string> pss{"-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                                   "rsa_pss_saltlen:digest"};
const std::vector<Case> cases{
    {{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
     Kind::rsa,
     Scheme::rsa_pkcs1_sha256,
     {"-sha256"}},
    {{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"}, Kind::rsa, Scheme::rsa_pss_sha256, pss},
    {curve("P-256"), Kind::p256, Scheme::ecdsa_sha256, {"-sha256"}},
    {curve("P-384"), Kind::p384, Scheme::ecdsa_sha384, {"-sha384"}},
    {curve("P-384"), Kind::p384, Scheme::ecdsa_sha256, {"-sha256"}},
    {curve("P-521"), Kind::p521, Scheme::ecdsa_sha512, {"-sha512"}},
};

}  // namespace

TEST_CASE("signatures of openssl verify under their own scheme and under no other") {
  for (const Case& row : cases) {
    const Peer peer;
    const AnyPublicKey key = make_pair(peer, row.how);
    CHECK(key.kind() == row.kind);
    peer.write("message", message);
    std::vector<std::string> sign{"dgst"};
    sign.insert(sign.end(), row.sign.begin(), row.sign.end());
    sign.insert(sign.end(), {"-sign", "@key", "-out", "@signature", "@message"});
    REQUIRE(peer.openssl(sign) == 0);
    const std::string signature = peer.read("signature");
    CHECK(key.verify(row.scheme, message, signature));
    CHECK(key.verify_digest(row.scheme, *message_digest(row.scheme, message), signature));
    for (const Scheme other :
         {Scheme::ecdsa_sha256, Scheme::ecdsa_sha384, Scheme::ecdsa_sha512, Scheme::ed25519,
          Scheme::ed25519ph, Scheme::rsa_pkcs1_sha256, Scheme::rsa_pss_sha256})
      if (other != row.scheme) CHECK_FALSE(key.verify(other, message, signature));
    CHECK_FALSE(key.verify(row.scheme, "other bytes", signature));
    CHECK_FALSE(key.verify(row.scheme, message, ""));
    CHECK_FALSE(key.verify(row.scheme, message, signature.substr(0, signature.size() - 1)));
    CHECK_FALSE(key.verify(row.scheme, message, signature + '\0'));
    CHECK_FALSE(key.verify_digest(row.scheme, "short", signature));
    for (std::size_t bit = 0; bit < signature.size() * 8; bit += 7) {
      std::string changed = signature;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      REQUIRE_FALSE(key.verify(row.scheme, message, changed));
    }
  }
}

TEST_CASE("pure Ed25519 signs the message itself") {
  const Peer peer;
  const AnyPublicKey key = make_pair(peer, {"-algorithm", "ED25519"});
  CHECK(key.kind() == Kind::ed25519);
  CHECK(key.usual_scheme() == Scheme::ed25519);
  peer.write("message", message);
  REQUIRE(peer.openssl({"pkeyutl", "-sign", "-rawin", "-inkey", "@key", "-in", "@message", "-out",
                        "@signature"}) == 0);
  CHECK(key.verify(Scheme::ed25519, message, peer.read("signature")));
  CHECK_FALSE(key.verify(Scheme::ed25519ph, message, peer.read("signature")));
  CHECK_FALSE(message_digest(Scheme::ed25519, message).has_value());
  CHECK_FALSE(key.verify_digest(Scheme::ed25519, std::string(32, 'x'), peer.read("signature")));
}

TEST_CASE("Ed25519ph agrees with the vector of RFC 8032 section 7.3") {
  const std::string spki =
      *from_hex("302a300506032b6570032100ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf");
  const auto key = AnyPublicKey::from_der(spki);
  REQUIRE(key);
  const std::string signature = *from_hex(
      "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
      "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406");
  CHECK(key->verify(Scheme::ed25519ph, "abc", signature));
  CHECK(key->verify_digest(Scheme::ed25519ph, *message_digest(Scheme::ed25519ph, "abc"), signature));
  CHECK_FALSE(key->verify(Scheme::ed25519ph, "abd", signature));
  CHECK_FALSE(key->verify(Scheme::ed25519, "abc", signature));
}

TEST_CASE("a key is the same through DER and PEM, and its id is the digest of the DER") {
  for (const Case& row : cases) {
    const Peer peer;
    const AnyPublicKey key = make_pair(peer, row.how);
    REQUIRE(peer.openssl({"pkey", "-pubin", "-in", "@pub", "-outform", "DER", "-out", "@der"}) == 0);
    CHECK(key.to_der() == peer.read("der"));
    CHECK(key.to_pem() == peer.read("pub"));
    CHECK(key.id() == to_hex(sha256(peer.read("der"))));
    CHECK(AnyPublicKey::from_der(key.to_der())->to_der() == key.to_der());
    CHECK_FALSE(AnyPublicKey::from_der(key.to_der() + "x"));
    CHECK_FALSE(AnyPublicKey::from_der(key.to_der().substr(1)));
  }
  const Peer peer;
  const AnyPublicKey rsa = make_pair(peer, cases[0].how);
  REQUIRE(peer.openssl({"rsa", "-in", "@key", "-RSAPublicKey_out", "-out", "@old"}) == 0);
  const auto old = AnyPublicKey::from_pem(peer.read("old"));
  REQUIRE(old);
  CHECK(old->to_der() == rsa.to_der());
}

TEST_CASE("a key that is written as DER does not write it is refused: one key has one id") {
  // The BIT STRING of the second says that its last bits do not count.
  const std::string_view key =
      "302a300506032b6570032100ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bc";
  std::string loose(key);
  loose[23] = '2';
  CHECK(AnyPublicKey::from_der(*from_hex(key)));
  CHECK_FALSE(AnyPublicKey::from_der(*from_hex(loose)));
}

TEST_CASE("keys of other kinds and sizes are refused with the kinds that are taken") {
  const std::vector<std::vector<std::string>> table{
      {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"},
      curve("secp256k1"),
      curve("P-224"),
      {"-algorithm", "ED448"},
      {"-algorithm", "X25519"},
  };
  for (const auto& how : table) {
    const Peer peer;
    std::vector<std::string> words{"genpkey", "-out", "@key"};
    words.insert(words.end(), how.begin(), how.end());
    REQUIRE(peer.openssl(words) == 0);
    REQUIRE(peer.openssl({"pkey", "-in", "@key", "-pubout", "-out", "@pub"}) == 0);
    const auto key = AnyPublicKey::from_pem(peer.read("pub"));
    REQUIRE_FALSE(key);
    CHECK(key.error().kind == ErrorKind::verification);
    CHECK(key.error().hint.find("P-384") != std::string::npos);
    CHECK(AnyPublicKey::from_pem(peer.read("key")).error().message ==
          "it holds 'PRIVATE KEY', not 'PUBLIC KEY'");
  }
  CHECK(AnyPublicKey::from_pem("hello").error().message == "there is no PEM key in it");
  CHECK_FALSE(AnyPublicKey::from_der(""));
  CHECK_FALSE(AnyPublicKey::from_pem(std::string(20'000, 'x')));
}
