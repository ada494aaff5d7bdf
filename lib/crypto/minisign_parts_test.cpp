// The primitives that minisign stands on: BLAKE2b, scrypt, and Ed25519 over pieces.
#include <doctest/doctest.h>

#include <random>

#include "base/encoding.hpp"
#include "crypto/blake2b.hpp"
#include "crypto/ed25519_stream.hpp"
#include "crypto/scrypt.hpp"

using namespace tranche;
using namespace tranche::crypto;

TEST_CASE("BLAKE2b gives the digest of RFC 7693, in whatever pieces the bytes come") {
  const std::string abc =
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";
  CHECK(to_hex(Blake2b().update("abc").finish()) == abc);
  CHECK(to_hex(Blake2b().update("a").update("").update("bc").finish()) == abc);
  CHECK(Blake2b(32).update("abc").finish().size() == 32);
}

TEST_CASE("scrypt refuses what a hostile key file may ask for, and answers the usual") {
  const Secret password("pleaseletmein");
  const std::string salt(scrypt_salt_bytes, 's');
  const auto some = scrypt(password, salt, 1 << 15, 1 << 24, 104);
  REQUIRE(some.has_value());
  CHECK(some->expose().size() == 104);
  CHECK(scrypt(password, salt, 1 << 15, 1 << 24, 104)->expose() == some->expose());
  CHECK(scrypt(Secret("other"), salt, 1 << 15, 1 << 24, 104)->expose() != some->expose());
  for (const auto& [operations, memory] : {std::pair{max_scrypt_operations + 1, std::uint64_t{1} << 24},
                                           std::pair{std::uint64_t{1} << 20, max_scrypt_memory + 1},
                                           std::pair{~std::uint64_t{0}, ~std::uint64_t{0}}}) {
    const auto refused = scrypt(password, salt, operations, memory, 104);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("Ed25519 over pieces says what Ed25519 over the whole says") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed ", seed);
  std::mt19937_64 random(seed);
  const SecretKey key = *SecretKey::from_seed(Secret(std::string(32, 'k')));
  for (int round = 0; round < 200; ++round) {
    std::string message(random() % 2000, '\0');
    for (char& c : message) c = static_cast<char>(random());
    std::string signature = key.sign(message);
    if (round % 2 == 1) signature[random() % 64] ^= static_cast<char>(1 << random() % 8);
    if (round % 7 == 3 && !message.empty()) message[random() % message.size()] ^= 1;
    Ed25519Verifier verifier(key.public_key(), signature);
    for (std::size_t at = 0; at < message.size();) {
      const std::size_t size = std::min<std::size_t>(message.size() - at, 1 + random() % 300);
      verifier.update(std::string_view(message).substr(at, size));
      at += size;
    }
    CAPTURE(round);
    CHECK(verifier.finish() == verify(key.public_key(), message, signature));
  }
}

TEST_CASE("a signature that is not the one canonical form of itself is refused over pieces too") {
  const SecretKey key = *SecretKey::from_seed(Secret(std::string(32, 'k')));
  const std::string good = key.sign("message");
  // S + L: the same scalar modulo the group's order (RFC 8032 section 5.1.7 forbids it).
  const std::string order = *from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::string more = good;
  int carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const int sum = static_cast<unsigned char>(good[32 + i]) + static_cast<unsigned char>(order[i]) + carry;
    more[32 + i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  CHECK(Ed25519Verifier(key.public_key(), good).update("message").finish());
  CHECK_FALSE(Ed25519Verifier(key.public_key(), more).update("message").finish());
  CHECK_FALSE(Ed25519Verifier(key.public_key(), good.substr(1)).update("message").finish());
  CHECK_FALSE(Ed25519Verifier(key.public_key(), "").update("message").finish());
  // The identity as key and as R, S = 0: holds for every message by arithmetic alone.
  PublicKey identity;
  identity.bytes[0] = 1;
  std::string zero(64, '\0');
  zero[0] = 1;
  CHECK_FALSE(Ed25519Verifier(identity, zero).update("message").finish());
}
