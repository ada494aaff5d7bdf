#include "signing/minisign.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

// Made by minisign over the four bytes "test": github.com/jedisct1/rust-minisign-verify, its tests.
constexpr std::string_view known_key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
constexpr std::string_view known_legacy =
    "untrusted comment: signature from minisign secret key\n"
    "RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n"
    "trusted comment: timestamp:1555779966\tfile:test\n"
    "QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==";
constexpr std::string_view known_prehashed =
    "untrusted comment: signature from minisign secret key\n"
    "RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n"
    "trusted comment: timestamp:1556193335\tfile:test\n"
    "y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==";

MinisignSecretKey some_key(char seed = 'm') {
  return *MinisignSecretKey::make(Secret(std::string(32, seed)),
                                  std::string("\x01\x02\x03\x04\x05\x06\x07", 7) + seed);
}

std::string message_of(const auto& result) { return result.has_value() ? "" : result.error().message; }
bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("signatures that minisign published verify, legacy and prehashed, from memory and from a file") {
  const auto key = parse_minisign_public_key(known_key);
  REQUIRE(key.has_value());
  CHECK(to_text(key->number) == "E7620F1842B4E81F");
  CHECK(parse_minisign_public_key(to_text(*key)) == *key);
  CHECK(parse_minisign_public_key(to_base64(to_text(*key))) == *key);
  support::MemoryFiles files;
  files.bytes["test"] = "test";
  files.bytes["other"] = "Test";
  for (const std::string_view text : {known_legacy, known_prehashed}) {
    const auto signature = parse_minisign_signature(text);
    REQUIRE(signature.has_value());
    CHECK(signature->prehashed == (text == known_prehashed));
    CHECK(comment_field(signature->trusted_comment, "file") == "test");
    CHECK_FALSE(comment_field(signature->trusted_comment, "version").has_value());
    CHECK(verify_minisign_bytes("test", *signature, *key).has_value());
    CHECK(verify_minisign(files, "test", *signature, *key).has_value());
    CHECK(message_of(verify_minisign_bytes("Test", *signature, *key)) ==
          "the file is not the one that was signed");
    CHECK(message_of(verify_minisign(files, "other", *signature, *key)) ==
          "the file is not the one that was signed");
    CHECK(parse_minisign_signature(to_text(*signature)) == *signature);
    CHECK(parse_minisign_signature(to_base64(text)) == *signature);
  }
}

TEST_CASE("another key, another comment and other bytes are told apart") {
  const auto key = some_key();
  support::MemoryFiles files;
  files.bytes["app.zip"] = "the app";
  const auto text = sign_minisign(files, "app.zip", key,
                                  usual_comment(Instant{std::chrono::seconds(5)}, "app.zip", "1.2.0"));
  REQUIRE(text.has_value());
  auto signature = *parse_minisign_signature(*text);
  CHECK(signature.trusted_comment == "timestamp:5\tfile:app.zip\tversion:1.2.0");
  CHECK(verify_minisign(files, "app.zip", signature, key.public_key()).has_value());

  CHECK(message_of(verify_minisign(files, "app.zip", signature, some_key('n').public_key())) ==
        "signed with key 6D07060504030201, not with key 6E07060504030201");
  MinisignPublicKey renamed = some_key('n').public_key();
  renamed.number = signature.number;
  CHECK(holds(message_of(verify_minisign(files, "app.zip", signature, renamed)), "the trusted comment"));
  MinisignSignature retold = signature;
  retold.trusted_comment = "timestamp:5\tfile:app.zip\tversion:1.3.0";
  CHECK(
      message_of(verify_minisign(files, "app.zip", retold, key.public_key())) ==
      "the trusted comment is not the one that was signed: 'timestamp:5\\x09file:app.zip\\x09version:1.3.0'");
  files.bytes["app.zip"] += "!";
  CHECK(message_of(verify_minisign(files, "app.zip", signature, key.public_key())) ==
        "the file is not the one that was signed");
  MinisignSignature as_legacy = signature;  // the same signature, told to be over the file itself
  as_legacy.prehashed = false;
  CHECK_FALSE(verify_minisign_bytes("the app", as_legacy, key.public_key()).has_value());
}

TEST_CASE("a damaged signature file is refused with what is wrong with it") {
  const std::string good(known_prehashed);
  const auto without_line = [&](std::size_t line) {
    std::string out;
    std::size_t at = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t end = std::min(good.find('\n', at), good.size());
      if (i != line) out += good.substr(at, end - at) + "\n";
      at = end + 1;
    }
    return out;
  };
  const std::string long_comment = "untrusted comment: x\n" + good.substr(good.find('\n') + 1, 101) +
                                   "trusted comment: " + std::string(9000, 'x') + "\n" +
                                   good.substr(good.rfind('\n') + 1);
  struct Case {
    std::string text;
    std::string_view words;
  };
  std::string flipped = good;
  flipped[good.find('\n') + 2] = 'X';  // the algorithm
  const std::vector<Case> cases{
      {"", "the signature is empty"},
      {"\n\n", "the signature is empty"},
      {"hello", "does not begin with 'untrusted comment: '"},
      {without_line(0), "does not begin with 'untrusted comment: '"},
      {without_line(1), "ends after 3 of 4 lines"},
      {without_line(3), "ends after 3 of 4 lines"},
      {good.substr(0, good.size() - 8), "the signature of the trusted comment has 60 bytes, not 64"},
      {good.substr(0, good.size() - 7), "the signature of the trusted comment is no base64"},
      {good.substr(0, 80), "ends after 2 of 4 lines"},
      {good + "\nmore\n", "has 5 lines, and 4 say all of it"},
      {flipped, "of an unknown algorithm"},
      {long_comment, "the trusted comment is longer than 8192 bytes"},
      {std::string(max_minisign_text + 1, 'x'), "is larger than 32768 bytes"},
      {to_base64(good.substr(0, 80)), "ends after 2 of 4 lines"},
  };
  for (const Case& one : cases) {
    const auto read = parse_minisign_signature(one.text);
    CAPTURE(one.words);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == ErrorKind::verification);
    CHECK_FALSE(read.error().hint.empty());
    CAPTURE(read.error().message);
    CHECK(holds(read.error().message, one.words));
  }
}

TEST_CASE("a damaged public key is refused with what is wrong with it") {
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::string_view>>{
           {"", "the public key is empty"},
           {"untrusted comment: key\n", "ends after 1 of 2 lines"},
           {"untrusted comment: key\nRWQf6LRCGA9i5w==\n", "has 10 bytes, not 42"},
           {"untrusted comment: key\n???\n", "is no base64"},
           {"untrusted comment: key\n" + to_base64("Xx" + std::string(40, '1')), "of an unknown algorithm"},
           {std::string(known_key.substr(0, 55)) + "=", "does not begin with"}}) {
    const auto read = parse_minisign_public_key(text);
    CAPTURE(words);
    REQUIRE_FALSE(read.has_value());
    CAPTURE(read.error().message);
    CHECK(holds(read.error().message, words));
  }
}

TEST_CASE("a secret key comes back from its file, in minisign's form and Tauri's, by its password only") {
  const auto key = some_key();
  const Secret password("correct horse"), empty;
  for (const Secret& chosen : {password, empty}) {
    const Secret text = *key.to_text(chosen, std::string(32, 's'));
    for (const Secret& form : {text, Secret(to_base64(text.expose()))}) {
      const auto back = MinisignSecretKey::parse(form, chosen);
      REQUIRE(back.has_value());
      CHECK(back->public_key() == key.public_key());
    }
    const auto refused = MinisignSecretKey::parse(text, Secret("wrong"));
    CHECK(message_of(refused) == "the password does not open the secret key");
    CHECK(refused.error().kind == ErrorKind::verification);
  }
}

TEST_CASE("a secret key file that is damaged, hostile or of another kind is refused") {
  const Secret text = *some_key().to_text(Secret(), std::string(32, 's'));
  const std::string whole(text.expose());
  const std::string head = whole.substr(0, whole.find('\n') + 1);
  const std::string bytes =
      *from_base64(std::string_view(whole).substr(head.size(), whole.size() - head.size() - 1));
  const auto with = [&](std::size_t at, std::string_view put) {
    std::string changed = bytes;
    changed.replace(at, put.size(), put);
    return Secret(head + to_base64(changed) + "\n");
  };
  CHECK(message_of(MinisignSecretKey::parse(with(0, "XX"), {})) ==
        "the secret key is of an unknown algorithm");
  CHECK(message_of(MinisignSecretKey::parse(with(2, "XX"), {})) ==
        "the secret key is of an unknown algorithm");
  CHECK(message_of(MinisignSecretKey::parse(with(70, "!"), {})) ==
        "the password does not open the secret key");
  CHECK(holds(message_of(MinisignSecretKey::parse(with(46, std::string(8, '\x7f')), {})), "more than"));
  CHECK(holds(message_of(MinisignSecretKey::parse(Secret(head + to_base64(bytes.substr(1))), {})),
              "has 157 bytes, not 158"));
  CHECK(holds(message_of(MinisignSecretKey::parse(Secret("-----BEGIN PRIVATE KEY-----"), {})),
              "does not begin with"));
  // Not locked, as minisign -W writes: its halves must belong together.
  std::string open =
      "Ed" + std::string(2, '\0') + "B2" + std::string(48, '\0') + std::string(8, 'n') + std::string(32, 'm');
  const auto own = some_key().public_key().key.bytes;
  const std::string half(own.begin(), own.end());
  CHECK(MinisignSecretKey::parse(Secret(head + to_base64(open + half + std::string(32, '\0'))), {})
            .has_value());
  CHECK(message_of(MinisignSecretKey::parse(
            Secret(head + to_base64(open + std::string(32, 'x') + std::string(32, '\0'))), {})) ==
        "the secret key is damaged: its two halves are of different keys");
  CHECK(message_of(MinisignSecretKey::parse(Secret(head + to_base64(open + half + std::string(32, 'c'))),
                                            {})) == "the secret key is damaged");
}

TEST_CASE("a comment that is not one line of text is not signed") {
  const auto key = some_key();
  const std::string digest(64, 'd');
  CHECK(sign_minisign_digest(key, digest, "timestamp:1\tfile:größe").has_value());
  for (const std::string& comment : {std::string("a\nuntrusted comment: b"), std::string("a\rb"),
                                     std::string("\xff"), std::string(8193, 'x')}) {
    const auto refused = sign_minisign_digest(key, digest, comment);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::invalid);
  }
  CHECK(usual_comment(Instant{}, "a\nb\tc", "1.0\n") == "timestamp:0\tfile:abc\tversion:1.0");
}

TEST_CASE("a file that cannot be read is an error, never a signature or a verdict") {
  support::MemoryFiles files;
  CHECK_FALSE(sign_minisign(files, "absent", some_key(), "x").has_value());
  const auto signature = *parse_minisign_signature(known_prehashed);
  const auto key = *parse_minisign_public_key(known_key);
  const auto absent = verify_minisign(files, "absent", signature, key);
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().kind != ErrorKind::verification);
}
