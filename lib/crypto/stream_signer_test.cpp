#include "crypto/stream_signer.hpp"

#include <doctest/doctest.h>
#include <sodium.h>

#include <algorithm>
#include <random>

#include "base/encoding.hpp"

using namespace tranche;
using crypto::SecretKey;
using crypto::StreamSigner;

namespace {

StreamSigner::Message in_pieces(const std::string& text, std::size_t piece) {
  return [text, piece](const StreamSigner::Sink& sink) -> Result<> {
    for (std::size_t at = 0; at < text.size(); at += piece) sink(std::string_view(text).substr(at, piece));
    return {};
  };
}

std::string seed_of(unsigned value) { return std::string(32, static_cast<char>(value)); }

// The expanded form that Sparkle kept before it kept seeds, with its public half.
std::string expanded(const std::string& seed) {
  std::string out(64, '\0');
  crypto_hash_sha512(reinterpret_cast<unsigned char*>(out.data()),
                     reinterpret_cast<const unsigned char*>(seed.data()), seed.size());
  out[0] = static_cast<char>(static_cast<unsigned char>(out[0]) & 248U);
  out[31] = static_cast<char>((static_cast<unsigned char>(out[31]) & 63U) | 64U);
  const auto key = *SecretKey::from_seed(Secret(seed));
  return out + std::string(key.public_key().bytes.begin(), key.public_key().bytes.end());
}

}  // namespace

TEST_CASE("a signature over pieces is the signature over the whole, whatever form the key has") {
  const unsigned start = std::random_device()();
  MESSAGE("seed ", start);
  std::mt19937 random(start);
  for (int i = 0; i < 60; ++i) {
    const std::string seed = seed_of(static_cast<unsigned>(random()));
    const auto whole = *SecretKey::from_seed(Secret(seed));
    std::string text(random() % 5'000, '\0');
    for (char& c : text) c = static_cast<char>(random());
    const std::string expected = whole.sign(text);
    const std::string half(whole.public_key().bytes.begin(), whole.public_key().bytes.end());
    for (const std::string& key : {to_base64(seed), to_base64(seed + half), to_base64(expanded(seed)) + "\n",
                                   std::string(whole.to_pem().expose())}) {
      const auto signer = StreamSigner::from_text(Secret(key));
      REQUIRE(signer);
      CHECK(signer->public_key() == whole.public_key());
      CHECK(*signer->sign(in_pieces(text, 1 + random() % 700)) == expected);
      CHECK(crypto::verify(whole.public_key(), text, expected));
    }
  }
}

TEST_CASE("the first vectors of RFC 8032 come out") {
  const auto signer = StreamSigner::from_text(
      Secret(to_base64(*from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))));
  REQUIRE(signer);
  CHECK(
      to_hex(*signer->sign(in_pieces("\x72", 1))) ==
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2e"
      "aeb4302aeeb00d291612bb0c00");
}

TEST_CASE("a message that changes between its two readings is not signed") {
  const auto signer = *StreamSigner::from_text(Secret(to_base64(seed_of(7))));
  int reading = 0;
  const auto signature = signer.sign([&](const StreamSigner::Sink& sink) -> Result<> {
    sink(reading++ == 0 ? "one" : "two");
    return {};
  });
  REQUIRE_FALSE(signature);
  CHECK(signature.error().message == "what is signed changed while it was read");
}

TEST_CASE("texts that are no key are refused") {
  std::string mismatched = expanded(seed_of(1));
  mismatched.back() = static_cast<char>(mismatched.back() ^ 1);
  for (const std::string& text :
       {std::string(), std::string("hello"), to_base64(std::string(31, 'x')), to_base64(std::string(33, 'x')),
        to_base64(mismatched), to_base64(seed_of(1) + seed_of(2)), std::string(1'000, 'A'),
        std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}) {
    const auto signer = StreamSigner::from_text(Secret(text));
    REQUIRE_FALSE(signer);
    CHECK(signer.error().kind == ErrorKind::verification);
    CHECK_FALSE(signer.error().hint.empty());
  }
}
