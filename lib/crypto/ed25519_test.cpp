#include "crypto/ed25519.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "base/encoding.hpp"
#include "crypto/openssl_testing.hpp"

using namespace tranche;
using namespace tranche::crypto;

namespace {

SecretKey key_of(std::string_view seed_hex) { return *SecretKey::from_seed(Secret(*from_hex(seed_hex))); }

constexpr std::string_view some_seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

}  // namespace

TEST_CASE("signing agrees with the vectors of RFC 8032 section 7.1") {
  const struct {
    std::string_view seed, public_key, message, signature;
  } table[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf"
       "5f0595b"
       "be24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2"
       "eaeb430"
       "2aeeb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c1"
       "5e9716e"
       "d28dc027beceea1ec40a"},
  };
  for (const auto& row : table) {
    const SecretKey key = key_of(row.seed);
    const std::string message = *from_hex(row.message);
    CHECK(to_hex(std::string_view(reinterpret_cast<const char*>(key.public_key().bytes.data()), 32)) ==
          row.public_key);
    CHECK(to_hex(key.sign(message)) == row.signature);
    CHECK(verify(key.public_key(), message, *from_hex(row.signature)));
  }
}

TEST_CASE("one changed bit anywhere makes a signature false") {
  const SecretKey key = key_of(some_seed);
  const std::string message = "offer 1.1.0";
  const std::string signature = key.sign(message);
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    std::string changed = signature;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    REQUIRE_FALSE(verify(key.public_key(), message, changed));
  }
  CHECK_FALSE(verify(key.public_key(), "offer 1.2.0", signature));
  CHECK_FALSE(verify(key.public_key(), message, signature.substr(1)));
  CHECK_FALSE(verify(key.public_key(), message, signature + "x"));
  CHECK_FALSE(verify(key.public_key(), message, ""));
}

TEST_CASE("a small-order public key verifies nothing") {
  // The identity point with R = identity and S = 0 satisfies the bare equation for every message.
  PublicKey weak;
  weak.bytes[0] = 1;
  std::string signature(64, '\0');
  signature[0] = 1;
  CHECK_FALSE(verify(weak, "anything", signature));
}

TEST_CASE("keys read back from the PEM they were written as") {
  const SecretKey key = key_of(some_seed);
  const auto secret = SecretKey::from_pem(key.to_pem());
  REQUIRE(secret);
  CHECK(secret->public_key() == key.public_key());
  CHECK(secret->sign("x") == key.sign("x"));
  CHECK(*public_key_from_pem(to_pem(key.public_key())) == key.public_key());
}

TEST_CASE("a PKCS#8 version 2 key with attributes is read (RFC 8410 section 10.3)") {
  const auto key =
      SecretKey::from_pem(Secret("-----BEGIN PRIVATE KEY-----\n"
                                 "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                                 "oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n"
                                 "Z9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                 "-----END PRIVATE KEY-----\n"));
  REQUIRE(key);
  CHECK(to_hex(std::string_view(reinterpret_cast<const char*>(key->public_key().bytes.data()), 32)) ==
        "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
}

TEST_CASE("the key id is the SHA-256 of the SPKI DER") {
  // RFC 8410 section 10.1; the digest is openssl's: pkey -pubin -outform DER | dgst -sha256
  const auto key = public_key_from_pem(
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END "
      "PUBLIC "
      "KEY-----\n");
  REQUIRE(key);
  CHECK(key_id(*key) == "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
}

TEST_CASE("what is no Ed25519 key is refused with the reason") {
  const SecretKey key = key_of(some_seed);
  const std::string ec =
      "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n"
      "q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n";
  CHECK(public_key_from_pem(ec).error().message == "the public key is no Ed25519 key");
  CHECK(public_key_from_pem("hello").error().message == "there is no PEM key in it");
  CHECK(public_key_from_pem(key.to_pem().expose()).error().message ==
        "it holds 'PRIVATE KEY', not 'PUBLIC KEY'");
  CHECK(SecretKey::from_pem(Secret(to_pem(key.public_key()))).error().message ==
        "it holds 'PUBLIC KEY', not 'PRIVATE KEY'");
  CHECK(SecretKey::from_pem(Secret(std::string(20'000, 'x'))).error().kind == ErrorKind::verification);
  CHECK(SecretKey::from_pem(Secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
            .error()
            .message == "the private key is not valid PKCS#8");
  // a P-256 key as openssl genpkey writes it
  CHECK(SecretKey::from_pem(
            Secret("-----BEGIN PRIVATE "
                   "KEY-----"
                   "\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBVWxW9JGZMXF9Rfs\nvoVjTNBf8iAMzG6zj8pcN"
                   "0tbkZShRANCAAQD/tpeNpb6Hpmb8fpK455/1bEU+v1/\nCo/X2YU0HSDBVOCgwyy0P/"
                   "c4oFB1d9nELZmt9zb3Amq4P/pKuEDVaOOJ\n-----END PRIVATE KEY-----\n"))
            .error()
            .message == "the private key is no Ed25519 key");
  CHECK(SecretKey::from_seed(Secret("short")).error().kind == ErrorKind::bug);
}

TEST_CASE("openssl reads our keys and our signatures, and we read openssl's") {
  const Peer openssl;
  const std::string message = "the same bytes on both sides\n";
  openssl.write("message", message);

  REQUIRE(openssl.run({"openssl", "genpkey", "-algorithm", "ED25519", "-out", openssl.path("their.key")}) ==
          0);
  REQUIRE(openssl.run({"openssl", "pkey", "-in", openssl.path("their.key"), "-pubout", "-out",
                       openssl.path("their.pub")}) == 0);
  REQUIRE(openssl.run({"openssl", "pkeyutl", "-sign", "-rawin", "-inkey", openssl.path("their.key"), "-in",
                       openssl.path("message"), "-out", openssl.path("their.sig")}) == 0);
  const auto their_public = public_key_from_pem(openssl.read("their.pub"));
  REQUIRE(their_public);
  CHECK(verify(*their_public, message, openssl.read("their.sig")));
  const auto their_secret = SecretKey::from_pem(Secret(openssl.read("their.key")));
  REQUIRE(their_secret);
  CHECK(their_secret->sign(message) == openssl.read("their.sig"));
  CHECK(their_secret->to_pem().expose() == openssl.read("their.key"));
  CHECK(to_pem(*their_public) == openssl.read("their.pub"));

  const SecretKey ours = key_of(some_seed);
  openssl.write("our.pub", to_pem(ours.public_key()));
  openssl.write("our.sig", ours.sign(message));
  const std::vector<std::string> check = {"openssl",
                                          "pkeyutl",
                                          "-verify",
                                          "-rawin",
                                          "-pubin",
                                          "-inkey",
                                          openssl.path("our.pub"),
                                          "-in",
                                          openssl.path("message"),
                                          "-sigfile",
                                          openssl.path("our.sig")};
  CHECK(openssl.run(check) == 0);
  openssl.write("message", "other bytes\n");
  CHECK(openssl.run(check) != 0);
}
