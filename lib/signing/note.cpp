// Signed notes as c2sp.org/signed-note has them, as strict as Go's golang.org/x/mod/sumdb/note: what we open,
// Go opens, and the other way round.
#include "signing/note.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::signing {

namespace {

constexpr std::size_t max_note_bytes = 1'000'000;
constexpr std::size_t max_signature_lines = 100;
constexpr std::size_t hash_bytes = 4;
constexpr std::size_t key_bytes = 32;
constexpr std::string_view line_start = "\u2014 ";  // em dash, blank

std::string tagged_key(const crypto::PublicKey& key, NoteAlgorithm algorithm) {
  std::string bytes(1, static_cast<char>(algorithm));
  return bytes.append(key.bytes.begin(), key.bytes.end());
}

std::string hash_of(std::string_view name, const crypto::PublicKey& key, NoteAlgorithm algorithm) {
  const auto digest = crypto::sha256(fmt::format("{}\n{}", name, tagged_key(key, algorithm)));
  return std::string(crypto::as_bytes(digest).substr(0, hash_bytes));
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail_hint(ErrorKind::verification,
                   "a note is text, an empty line, and lines '\u2014 NAME BASE64' (c2sp.org/signed-note)",
                   "not a signed note: {}", what);
}

}  // namespace

std::string to_line(const NoteSignature& signature) {
  return fmt::format("{}{} {}\n", line_start, signature.name,
                     to_base64(signature.key_hash + signature.signature));
}

bool is_by(const NoteSignature& signature, const VerifierKey& verifier) {
  return signature.name == verifier.name &&
         signature.key_hash == hash_of(verifier.name, verifier.key, verifier.algorithm);
}

Result<std::string> sign_line(std::string_view text, std::string_view name,
                              const crypto::Ed25519Signer& key) {
  std::string signature = TRY(key.sign_message(text));
  return to_line(
      {std::string(name), hash_of(name, key.public_key(), NoteAlgorithm::ed25519), std::move(signature)});
}

Result<std::string> sign_note(std::string_view text, std::string_view name,
                              const crypto::Ed25519Signer& key) {
  return fmt::format("{}\n{}", text, TRY(sign_line(text, name, key)));
}

std::string to_text(const VerifierKey& verifier) {
  return fmt::format("{}+{}+{}", verifier.name,
                     to_hex(hash_of(verifier.name, verifier.key, verifier.algorithm)),
                     to_base64(tagged_key(verifier.key, verifier.algorithm)));
}

std::string verifier_key(std::string_view name, const crypto::PublicKey& key) {
  return to_text(VerifierKey{std::string(name), key, NoteAlgorithm::ed25519});
}

Result<VerifierKey> parse_verifier_key(std::string_view text) {
  const auto bad = [&](std::string_view what) {
    return fail_hint(ErrorKind::invalid, "copy it as its operator publishes it: name+hash+base64",
                     "'{}' is no verifier key: {}", printable(text, 120), what);
  };
  if (text.size() > 512) return bad("it is too long");
  const auto first = text.find('+');
  const auto second = first == text.npos ? first : text.find('+', first + 1);
  if (second == text.npos || first == 0) return bad("it has no two '+'");
  VerifierKey verifier{.name = std::string(text.substr(0, first)), .key = {}};
  for (const char c : verifier.name)
    if (c <= 0x20 || c == 0x7f) return bad("its name has blanks");
  if (!is_valid_utf8(verifier.name)) return bad("its name is no UTF-8");
  const auto bytes = from_base64(text.substr(second + 1));
  if (!bytes || bytes->size() != 1 + key_bytes) return bad("its key is no Ed25519 key in base64");
  switch (static_cast<unsigned char>((*bytes)[0])) {
    case static_cast<unsigned char>(NoteAlgorithm::ed25519):
      break;
    case static_cast<unsigned char>(NoteAlgorithm::cosignature):
      verifier.algorithm = NoteAlgorithm::cosignature;
      break;
    default:
      return bad("its algorithm is neither 1 (Ed25519) nor 4 (Ed25519 cosignature)");
  }
  std::copy(bytes->begin() + 1, bytes->end(), verifier.key.bytes.begin());
  if (to_text(verifier) != text) return bad("its hash is of another name or key");
  return verifier;
}

Result<Note> read_note(std::string_view note) {
  if (note.size() > max_note_bytes) return malformed("it is larger than 1 MB");
  if (!is_valid_utf8(note)) return malformed("it is not UTF-8");
  for (const char c : note)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return malformed("it holds a control character");
  const std::size_t gap = note.rfind("\n\n");
  if (gap == std::string_view::npos || !note.ends_with('\n')) return malformed("it has no signature lines");
  Note read{.text = std::string(note.substr(0, gap + 1)), .signatures = {}};
  std::string_view rest = note.substr(gap + 2);
  while (!rest.empty()) {
    if (read.signatures.size() == max_signature_lines) return malformed("it has more than 100 signatures");
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    if (!line.starts_with(line_start)) return malformed("a signature line does not begin with '\u2014 '");
    line.remove_prefix(line_start.size());
    const std::size_t blank = line.find(' ');
    const auto bytes = blank == std::string_view::npos ? std::nullopt : from_base64(line.substr(blank + 1));
    if (!bytes || bytes->size() <= hash_bytes || blank == 0 || line.substr(0, blank).find('+') != line.npos)
      return malformed("a signature line is broken");
    read.signatures.push_back(
        {std::string(line.substr(0, blank)), bytes->substr(0, hash_bytes), bytes->substr(hash_bytes)});
  }
  return read;
}

Result<SignedNote> open_signed_note(std::string_view note, std::string_view name,
                                    std::span<const crypto::PublicKey> keys) {
  Note read = TRY(read_note(note));
  SignedNote opened;
  const bool by_name =
      std::ranges::any_of(read.signatures, [&](const NoteSignature& line) { return line.name == name; });
  for (const crypto::PublicKey& key : keys) {
    const VerifierKey verifier{std::string(name), key, NoteAlgorithm::ed25519};
    for (const NoteSignature& line : read.signatures) {
      if (!is_by(line, verifier)) continue;
      if (!crypto::verify(key, read.text, line.signature))
        return fail_hint(ErrorKind::verification, "the text was changed after signing: do not use it",
                         "the signature of '{}' is wrong", printable(name));
      opened.signers.push_back(key);
      break;
    }
  }
  opened.text = std::move(read.text);
  if (!opened.signers.empty()) return opened;
  if (by_name)
    return fail_hint(ErrorKind::verification,
                     "if the key is right, put its public half under trust: journal:",
                     "the note of '{}' is signed with an unknown key", printable(name));
  return fail_hint(ErrorKind::verification, "another log's checkpoint was given, or swapped in",
                   "the note has no signature by '{}'", printable(name));
}

Result<std::string> open_note(std::string_view note, std::string_view name,
                              std::span<const crypto::PublicKey> keys) {
  return std::move(TRY(open_signed_note(note, name, keys)).text);
}

}  // namespace tranche::signing
