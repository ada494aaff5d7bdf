#include "sigstore/bundle.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"
#include "sigstore/artifact_file.hpp"
#include "sigstore/read_bundle.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::sigstore;

namespace {

const std::string good =
    R"({"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AAAA"},"signature":"AAAA"}})";

std::string_view reason_of(const std::string& text) {
  const auto read = read_bundle(text);
  return read ? "verified" : code_of(read.error().reason);
}
std::string changed(std::string_view from, std::string_view to) {
  REQUIRE(good.find(from) != std::string::npos);
  return replace_all(good, from, to);
}

}  // namespace

TEST_CASE("every reason has a code of its own, in kebab case, and a sentence") {
  std::vector<std::string_view> codes;
  for (const ReasonText& text : all_reasons()) {
    CHECK(text.code == code_of(text.reason));
    CHECK_FALSE(text.sentence.empty());
    CHECK(text.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos);
    CHECK(std::find(codes.begin(), codes.end(), text.code) == codes.end());
    codes.push_back(text.code);
  }
}

TEST_CASE("a bundle's JSON is read to the letter") {
  for (const auto& [text, reason] : std::vector<std::pair<std::string, std::string_view>>{
           {good, "verified"},
           {good + "\n", "verified"},
           {good + " {}", "bad-json"},
           {"", "bad-json"},
           {"[]", "bad-bundle"},
           {"null", "bad-bundle"},
           {changed("{\"publicKey\"", "{\"tlogEntries\":null,\"publicKey\""), "verified"},
           {changed("{\"hint\":\"x\"}", "{\"hint\":\"x\",\"hint\":\"y\"}"), "bad-json"},
           {changed("{\"hint\":\"x\"}", "null"), "bad-bundle"},
           {changed("{\"hint\":\"x\"}", "{\"hint\":1}"), "bad-bundle"},
           {changed("{\"hint\":\"x\"}", "{\"rawBytes\":\"AAAA\"}"), "bad-bundle"},
           {changed("\"signature\":\"AAAA\"", "\"signature\":\"AAA\""), "bad-base64"},
           {changed("\"signature\":\"AAAA\"", "\"signature\":\"AA_-\""), "bad-base64"},
           {changed("\"signature\":\"AAAA\"", "\"signature\":\"AAB=\""), "bad-base64"},
           {changed("\"signature\":\"AAAA\"", "\"signature\":\"AAAA\\n\""), "bad-base64"},
           {changed("\"signature\":\"AAAA\"", "\"signature\":\"\""), "bad-bundle"},
           {changed("\"signature\":\"AAAA\"", "\"signature\":null"), "bad-bundle"},
           {changed("messageSignature", "message_signature"), "bad-bundle"},
           {changed("\"publicKey\":", "\"tlogEntries\":[7],\"publicKey\":"), "bad-bundle"},
           {changed("\"publicKey\":", "\"tlogEntries\":{},\"publicKey\":"), "bad-bundle"},
           {changed("\"hint\":\"x\"", "\"hint\":" + std::string(40, '[') + std::string(40, ']')), "bad-json"},
           {changed("v0.3+json", "v0.3"), "unknown-media-type"},
           {changed(".v0.3+json", "+json;version=0.3"), "verified"},
           {changed(".v0.3+json", "+json;version=0.2"), "verified"}}) {
    CAPTURE(text);
    CHECK(reason_of(text) == reason);
  }
  const auto error = parse_bundle("{");
  REQUIRE_FALSE(error.has_value());
  CHECK(error.error().kind == ErrorKind::verification);
  CHECK(error.error().hint.find("bad-json") != std::string::npos);
}

TEST_CASE("a file is read once for its digests, and once more only for a pure Ed25519 signature over it") {
  support::FakeWorld fake;
  const std::string bytes = std::string(700'000, 'a') + "end";
  REQUIRE(fake.world().files.write("big.bin", bytes).has_value());
  const auto plain = read_artifact(fake.world().files, "big.bin", {});
  REQUIRE(plain.has_value());
  CHECK(plain->sha256 == std::string(crypto::as_bytes(crypto::sha256(bytes))));
  CHECK(plain->sha384.empty());
  CHECK(plain->sha512.empty());
  const auto all = read_artifact(fake.world().files, "big.bin", {.sha384 = true, .sha512 = true});
  REQUIRE(all.has_value());
  CHECK(all->sha384 == crypto::message_digest(crypto::Scheme::ecdsa_sha384, bytes).value_or(""));
  CHECK(all->sha512 == crypto::message_digest(crypto::Scheme::ecdsa_sha512, bytes).value_or(""));
  const auto secret = crypto::SecretKey::from_seed(Secret(std::string(32, 's')));
  const auto key = *crypto::AnyPublicKey::from_pem(crypto::to_pem(secret->public_key()));
  CHECK(plain->verify_ed25519(key, secret->sign(bytes)));
  CHECK_FALSE(plain->verify_ed25519(key, secret->sign("other")));
  REQUIRE(fake.world().files.remove("big.bin").has_value());
  CHECK_FALSE(plain->verify_ed25519(key, secret->sign(bytes)));
  CHECK_FALSE(read_artifact(fake.world().files, "big.bin", {}).has_value());
}
