#include "signing/cosignature.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

const crypto::SecretKey key = *crypto::SecretKey::from_seed(Secret(std::string(32, 'w')));
const VerifierKey verifier{"witness.example/w1", key.public_key(), NoteAlgorithm::cosignature};
const std::string text = "example/log\n12\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

NoteSignature cosign(std::uint64_t seconds) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(seconds >> shift & 0xff);
  return {verifier.name, "", bytes + *key.sign_message(cosigned_text(text, seconds))};
}

}  // namespace

TEST_CASE("what a witness signs is two lines before the checkpoint's text") {
  CHECK(cosigned_text("a\n1\nb\n", 1679315147) == "cosignature/v1\ntime 1679315147\na\n1\nb\n");
}

TEST_CASE("a cosignature says when it was made, and is of this text, time and key alone") {
  const auto at = check_cosignature(text, cosign(1679315147), verifier);
  REQUIRE(at.has_value());
  CHECK(to_text(*at) == "2023-03-20T12:25:47Z");
  CHECK_FALSE(check_cosignature(text + "x\n", cosign(1679315147), verifier).has_value());
  auto later = cosign(1679315147);
  later.signature[7] = static_cast<char>(later.signature[7] + 1);
  CHECK_FALSE(check_cosignature(text, later, verifier).has_value());
  auto cut = cosign(1679315147);
  cut.signature.pop_back();
  CHECK_FALSE(check_cosignature(text, cut, verifier).has_value());
  CHECK_FALSE(check_cosignature(text, cosign(std::uint64_t{1} << 62), verifier).has_value());
}

TEST_CASE("verifier keys read back, and a wrong hash, algorithm or length is refused") {
  const std::string good = to_text(verifier);
  CHECK(*parse_verifier_key(good) == verifier);
  const std::string plain = verifier_key("log.example", key.public_key());
  CHECK(parse_verifier_key(plain)->algorithm == NoteAlgorithm::ed25519);
  CHECK(parse_verifier_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").has_value());
  for (const std::string& bad : {std::string(), std::string("a+b"), "x" + good, good + "A",
                                 good.substr(0, good.size() - 4), "a b" + good.substr(good.find('+')),
                                 std::string("a+00000000+") + to_base64(std::string(33, '\x06'))}) {
    CAPTURE(bad);
    const auto refused = parse_verifier_key(bad);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::invalid);
    CHECK_FALSE(refused.error().hint.empty());
  }
}
