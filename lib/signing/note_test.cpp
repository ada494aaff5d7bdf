#include "signing/note.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

crypto::SecretKey key_of(char fill) { return *crypto::SecretKey::from_seed(Secret(std::string(32, fill))); }

const crypto::SecretKey journal_key = key_of('j');
const std::string text = "notes-agent/journal\n12\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

Result<std::string> open(std::string_view note, std::string_view name = "notes-agent/journal") {
  const std::vector<crypto::PublicKey> keys = {key_of('o').public_key(), journal_key.public_key()};
  return open_note(note, name, keys);
}
bool has(const std::string& whole, std::string_view part) { return whole.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a note that was signed opens as its text") {
  const std::string note = *sign_note(text, "notes-agent/journal", journal_key);
  CHECK(note.starts_with(text + "\n\u2014 notes-agent/journal "));
  CHECK(*open(note) == text);
}

TEST_CASE("text with empty lines inside opens whole") {
  const std::string paragraphs = "a\n\nb\n";
  CHECK(*open(*sign_note(paragraphs, "notes-agent/journal", journal_key)) == paragraphs);
}

TEST_CASE("the public example of golang.org/x/mod/sumdb/note verifies") {
  // PeterNeumann of the package documentation: verifier key and note as printed there.
  const std::string key = *from_base64("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  crypto::PublicKey peter;
  std::copy(key.begin() + 1, key.end(), peter.bytes.begin());
  CHECK(verifier_key("PeterNeumann", peter) ==
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  const std::string saying =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const std::string note =
      saying +
      "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf"
      "qdngotpRZb6KE6RyyBwJnAM=\n";
  CHECK(*open_note(note, "PeterNeumann", std::vector{peter}) == saying);
}

TEST_CASE("other signatures beside ours are passed over, ours must be there") {
  const std::string note = *sign_note(text, "notes-agent/journal", journal_key);
  const std::string witness = sign_note(text, "witness.example", key_of('w'))->substr(text.size() + 1);
  CHECK(*open(note + witness) == text);
  CHECK(*open(text + "\n" + witness + note.substr(text.size() + 1)) == text);
  CHECK(has(open(text + "\n" + witness).error().message, "no signature by 'notes-agent/journal'"));
}

TEST_CASE("each reason to refuse a note has its own words") {
  const std::string note = *sign_note(text, "notes-agent/journal", journal_key);
  CHECK(has(open("x" + note).error().message, "the signature of 'notes-agent/journal' is wrong"));
  CHECK(has(open(*sign_note(text, "notes-agent/journal", key_of('x'))).error().message, "unknown key"));
  CHECK(has(open(note, "other/journal").error().message, "no signature by 'other/journal'"));
  CHECK(has(open(text).error().message, "no signature lines"));
  CHECK(has(open("").error().message, "no signature lines"));
  CHECK(has(open(note.substr(0, note.size() - 1)).error().message, "no signature lines"));
  CHECK(has(open(text + "\n- x AAAA\n").error().message, "does not begin with"));
  CHECK(has(open(text + "\n\u2014 x\n").error().message, "broken"));
  CHECK(has(open(text + "\n\u2014 x AAAA\n").error().message, "broken"));
  CHECK(has(open(text + "\n\u2014 x ????????\n").error().message, "broken"));
  CHECK(has(open("\x01" + note).error().message, "control character"));
  CHECK(has(open("\xff" + note).error().message, "UTF-8"));
  CHECK(has(open(std::string(1'000'001, 'a')).error().message, "1 MB"));
  std::string many = text + "\n";
  for (int i = 0; i < 101; ++i) many += "\u2014 x AAAAAAA=\n";
  CHECK(has(open(many).error().message, "100 signatures"));
  CHECK(open("").error().kind == ErrorKind::verification);
}
