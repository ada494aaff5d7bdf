// Signed notes as c2sp.org/signed-note has them, as strict as Go's golang.org/x/mod/sumdb/note: what we open,
// Go opens, and the other way round.
#include "signing/note.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::signing {

namespace {

constexpr std::size_t max_note_bytes = 1'000'000;
constexpr std::size_t max_signature_lines = 100;
constexpr char ed25519_algorithm = 0x01;
constexpr std::size_t hash_bytes = 4;
constexpr std::string_view line_start = "\u2014 ";  // em dash, blank

std::string tagged_key(const crypto::PublicKey& key) {
  std::string bytes(1, ed25519_algorithm);
  return bytes.append(key.bytes.begin(), key.bytes.end());
}

std::string key_hash(std::string_view name, const crypto::PublicKey& key) {
  const auto digest = crypto::sha256(fmt::format("{}\n{}", name, tagged_key(key)));
  return std::string(crypto::as_bytes(digest).substr(0, hash_bytes));
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail_hint(ErrorKind::verification,
                   "a note is text, an empty line, and lines '\u2014 NAME BASE64' (c2sp.org/signed-note)",
                   "not a signed note: {}", what);
}

}  // namespace

Result<std::string> sign_note(std::string_view text, std::string_view name,
                              const crypto::Ed25519Signer& key) {
  const std::string signature = key_hash(name, key.public_key()) + TRY(key.sign_message(text));
  return fmt::format("{}\n{}{} {}\n", text, line_start, name, to_base64(signature));
}

std::string verifier_key(std::string_view name, const crypto::PublicKey& key) {
  return fmt::format("{}+{}+{}", name, to_hex(key_hash(name, key)), to_base64(tagged_key(key)));
}

Result<std::string> open_note(std::string_view note, std::string_view name,
                              std::span<const crypto::PublicKey> keys) {
  if (note.size() > max_note_bytes) return malformed("it is larger than 1 MB");
  if (!is_valid_utf8(note)) return malformed("it is not UTF-8");
  for (const char c : note)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return malformed("it holds a control character");
  const std::size_t gap = note.rfind("\n\n");
  if (gap == std::string_view::npos || !note.ends_with('\n')) return malformed("it has no signature lines");
  const std::string_view text = note.substr(0, gap + 1);
  std::string_view rest = note.substr(gap + 2);
  bool by_name = false, verified = false;
  for (std::size_t lines = 0; !rest.empty(); ++lines) {
    if (lines == max_signature_lines) return malformed("it has more than 100 signatures");
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    if (!line.starts_with(line_start)) return malformed("a signature line does not begin with '\u2014 '");
    line.remove_prefix(line_start.size());
    const std::size_t blank = line.find(' ');
    const auto bytes = blank == std::string_view::npos ? std::nullopt : from_base64(line.substr(blank + 1));
    if (!bytes || bytes->size() <= hash_bytes || blank == 0 || line.substr(0, blank).find('+') != line.npos)
      return malformed("a signature line is broken");
    if (line.substr(0, blank) != name) continue;
    by_name = true;
    const std::string_view hash = std::string_view(*bytes).substr(0, hash_bytes);
    for (const crypto::PublicKey& key : keys) {
      if (verified || hash != key_hash(name, key)) continue;
      if (!crypto::verify(key, text, std::string_view(*bytes).substr(hash_bytes)))
        return fail_hint(ErrorKind::verification, "the text was changed after signing: do not use it",
                         "the signature of '{}' is wrong", printable(name));
      verified = true;
    }
  }
  if (verified) return std::string(text);
  if (by_name)
    return fail_hint(ErrorKind::verification,
                     "if the key is right, put its public half under trust: journal:",
                     "the note of '{}' is signed with an unknown key", printable(name));
  return fail_hint(ErrorKind::verification, "another log's checkpoint was given, or swapped in",
                   "the note has no signature by '{}'", printable(name));
}

}  // namespace tranche::signing
