// Messages as gpg 2.2 writes them, and as nobody should.
#include "signing/clearsign.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "base/text.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

// A version 4 packet over SHA-256 with issuer, fingerprint and time, without the numbers of the signature
// itself.
std::string packet() {
  std::string fingerprint;
  for (int i = 0; i < 20; ++i) fingerprint += static_cast<char>(i);
  const std::string hashed =
      std::string("\x16\x21\x04", 3) + fingerprint + std::string("\x05\x02\x60\0\0\0", 6);
  const std::string body = std::string("\x04\x01\x16\x08\0", 5) + static_cast<char>(hashed.size()) + hashed +
                           std::string("\0\x0a\x09\x10", 4) + fingerprint.substr(12) + "rest";
  return std::string("\x88", 1) + static_cast<char>(body.size()) + body;
}

std::string armored(const std::string& packets) {
  return "-----BEGIN PGP SIGNATURE-----\n\n" + to_base64(packets) + "\n=abcd\n-----END PGP SIGNATURE-----\n";
}

std::string message(const std::string& text) {
  return "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + text + armored(packet());
}

std::string refusal(const std::string& bytes) {
  const auto read = parse_clearsigned(bytes);
  if (read) return "it was taken";
  CHECK(read.error().kind == ErrorKind::verification);
  return read.error().message;
}

}  // namespace

TEST_CASE("the signed text comes without dash escapes and blanks at the ends of lines") {
  const auto read = parse_clearsigned(message("Suite: stable \t\n- -dash\r\n- From here\n\n"));
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  CHECK(read->text == "Suite: stable\n-dash\nFrom here\n\n");
}

TEST_CASE("a signature says its hash, its key and its time") {
  const auto read = parse_detached(armored(packet()));
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  REQUIRE(read->size() == 1);
  CHECK(read->front().hash == "SHA256");
  CHECK(read->front().key_id == "000102030405060708090A0B0C0D0E0F10111213");
  CHECK(to_text(read->front().made) == "2021-01-14T08:25:36Z");
  CHECK(parse_detached(armored(packet() + packet()))->size() == 2);
}

TEST_CASE("a message that is more than one signed text is refused") {
  const std::string good = message("Suite: stable\n");
  CHECK(refusal(good) == "it was taken");
  CHECK(refusal("words\n" + good) == "it does not begin as a signed text does");
  CHECK(refusal(good + "words\n") == "something follows the signature");
  CHECK(refusal(good + good) == "something follows the signature");
  CHECK(refusal(good + "\n \n") == "it was taken");
  CHECK(refusal("") == "it does not begin as a signed text does");
  CHECK(refusal("-----BEGIN PGP SIGNED MESSAGE-----\n") == "it is cut");
  CHECK(refusal("-----BEGIN PGP SIGNED MESSAGE-----\nSuite: other\n\nx\n") ==
        "a header that is none stands before the text");
  CHECK(refusal("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n") == "it has no signature");
  CHECK(refusal(message("-x\n")) == "a line of the text begins with '-' and is not escaped");
  CHECK(refusal(message("-----BEGIN PGP SIGNED MESSAGE-----\n")) ==
        "a line of the text begins with '-' and is not escaped");
}

TEST_CASE("a broken signature is refused, never read in part") {
  const auto refused = [](const std::string& packets) {
    const auto read = parse_detached(armored(packets));
    return read ? "it was taken" : read.error().message;
  };
  CHECK(refused(packet().substr(0, 20)) == "its signature is cut");
  CHECK(refused("\x88") == "its signature is cut");
  CHECK(refused(std::string("\x8b", 1)) == "its signature has no length");
  CHECK(refused("x") == "its signature cannot be read");
  CHECK(refused("") == "there is no signature in it");
  CHECK(refused(std::string("\x88\x01\x09", 3)) == "a signature of version 9 is not known");
  CHECK(refused(std::string("\x88\x02\x04\x01", 4)) == "a signature in it is cut");
  CHECK(refused(std::string("\xc2\xe1", 2)) == "its signature comes in parts");
  std::string many;
  for (int i = 0; i < 20; ++i) many += packet();
  CHECK(refused(many) == "its signature cannot be read");
  CHECK(parse_detached("-----BEGIN PGP SIGNATURE-----\n\n?\n-----END PGP SIGNATURE-----\n").error().message ==
        "its signature cannot be read");
  CHECK(parse_detached("-----BEGIN PGP SIGNATURE-----\n\nabcd\n").error().message ==
        "its signature has no end");
}
