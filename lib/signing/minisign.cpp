// Reading is strict where a second reading would be possible: every text has exactly its lines, every base64
// its one canonical form. Key numbers are compared first, because "another key" is what people get wrong;
// they decide nothing.
#include "signing/minisign.hpp"

#include <algorithm>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/blake2b.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519_stream.hpp"
#include "signing/minisign_parts.hpp"

namespace tranche::signing {

using namespace minisign_parts;

namespace {

constexpr std::size_t piece_bytes = 256 << 10;
constexpr std::size_t public_bytes = 2 + 8 + 32;
constexpr std::size_t signature_bytes = 2 + 8 + 64;

constexpr std::string_view sign_hint = "sign the file again: `tranche sign --format minisign FILE`";

MinisignKeyNumber number_of(std::string_view bytes) {
  MinisignKeyNumber number;
  std::copy(bytes.begin(), bytes.end(), number.begin());
  return number;
}

std::string_view as_bytes(const MinisignKeyNumber& number) {
  return {reinterpret_cast<const char*>(number.data()), number.size()};
}

Result<> feed_file(ports::Files& files, const std::string& path, auto&& take) {
  const auto reader = TRY(files.open(path));
  std::string piece(piece_bytes, '\0');
  while (const std::size_t size = TRY(reader->read(piece.data(), piece.size())))
    take(std::string_view(piece).substr(0, size));
  return {};
}

Result<> check_comment(std::string_view comment, std::string_view which) {
  const bool plain = is_valid_utf8(comment) && std::ranges::none_of(comment, [](char c) {
                       return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
                     });
  if (!plain || comment.size() > max_minisign_trusted_comment)
    return fail_hint(ErrorKind::invalid,
                     fmt::format("at most {} bytes of UTF-8 in one line", max_minisign_trusted_comment),
                     "the {} comment cannot be signed: '{}'", which, printable(comment, 60));
  return {};
}

std::unexpected<Error> other_bytes() {
  return fail_hint(ErrorKind::verification, "get the file again from who signed it",
                   "the file is not the one that was signed");
}

}  // namespace

namespace minisign_parts {

Result<std::vector<std::string>> read_lines(std::string_view text, std::string_view what,
                                            std::size_t wanted) {
  if (text.size() > max_minisign_text)
    return fail_hint(ErrorKind::verification, "name the file that minisign wrote",
                     "the {} is larger than {} bytes", what, max_minisign_text);
  std::string unwrapped;
  if (!text.starts_with(untrusted_prefix)) {  // Tauri's form: the whole text in base64
    auto inner = from_base64(trim(text));
    if (inner && inner->starts_with(untrusted_prefix)) {
      unwrapped = std::move(*inner);
      text = unwrapped;
    }
  }
  std::vector<std::string> lines;
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty())
    return fail_hint(ErrorKind::verification, "name the file that minisign wrote", "the {} is empty", what);
  if (!lines.front().starts_with(untrusted_prefix))
    return fail_hint(ErrorKind::verification, "name the file that minisign wrote, or Tauri's base64 of it",
                     "the {} does not begin with '{}'", what, untrusted_prefix);
  if (lines.size() < wanted)
    return fail_hint(ErrorKind::verification, "get it whole again", "the {} ends after {} of {} lines", what,
                     lines.size(), wanted);
  if (lines.size() > wanted)
    return fail_hint(ErrorKind::verification, "remove them", "the {} has {} lines, and {} say all of it",
                     what, lines.size(), wanted);
  return lines;
}

Result<std::string> read_line_bytes(std::string_view line, std::string_view what, std::size_t wanted) {
  auto bytes = from_base64(trim(line));
  if (!bytes) return fail_hint(ErrorKind::verification, "get it whole again", "the {} is no base64", what);
  if (bytes->size() != wanted)
    return fail_hint(ErrorKind::verification, "get it whole again", "the {} has {} bytes, not {}", what,
                     bytes->size(), wanted);
  return std::move(*bytes);
}

}  // namespace minisign_parts

std::string to_text(const MinisignKeyNumber& number) {
  std::string out;
  for (auto byte = number.rbegin(); byte != number.rend(); ++byte) out += fmt::format("{:02X}", *byte);
  return out;  // a little-endian integer, as minisign shows it
}

Result<MinisignPublicKey> parse_minisign_public_key(std::string_view text) {
  std::string line;
  if (const auto bare = from_base64(trim(text)); bare && bare->size() == public_bytes)
    line = trim(text);
  else
    line = TRY(read_lines(text, "public key", 2))[1];
  const std::string bytes = TRY(read_line_bytes(line, "public key", public_bytes));
  if (!bytes.starts_with("Ed"))
    return fail_hint(ErrorKind::verification, "give a key that minisign made",
                     "the public key is of an unknown algorithm");
  MinisignPublicKey key;
  key.number = number_of(std::string_view(bytes).substr(2, 8));
  std::copy(bytes.begin() + 10, bytes.end(), key.key.bytes.begin());
  return key;
}

std::string to_text(const MinisignPublicKey& key) {
  std::string bytes("Ed");
  bytes += as_bytes(key.number);
  bytes.append(key.key.bytes.begin(), key.key.bytes.end());
  return fmt::format("{}minisign public key {}\n{}\n", untrusted_prefix, to_text(key.number),
                     to_base64(bytes));
}

Result<MinisignSignature> parse_minisign_signature(std::string_view text) {
  const auto lines = TRY(read_lines(text, "signature", 4));
  const std::string bytes = TRY(read_line_bytes(lines[1], "signature", signature_bytes));
  MinisignSignature out;
  if (!bytes.starts_with("Ed") && !bytes.starts_with("ED"))
    return fail_hint(ErrorKind::verification, std::string(sign_hint),
                     "the signature is of an unknown algorithm");
  out.prehashed = bytes[1] == 'D';
  out.number = number_of(std::string_view(bytes).substr(2, 8));
  out.signature = bytes.substr(10);
  if (!lines[2].starts_with(trusted_prefix))
    return fail_hint(ErrorKind::verification, std::string(sign_hint),
                     "the third line of the signature does not begin with '{}'", trusted_prefix);
  out.trusted_comment = lines[2].substr(trusted_prefix.size());
  if (out.trusted_comment.size() > max_minisign_trusted_comment)
    return fail_hint(ErrorKind::verification, std::string(sign_hint),
                     "the trusted comment is longer than {} bytes", max_minisign_trusted_comment);
  out.global_signature = TRY(read_line_bytes(lines[3], "signature of the trusted comment", 64));
  out.untrusted_comment = lines[0].substr(untrusted_prefix.size());
  return out;
}

std::string to_text(const MinisignSignature& signature) {
  std::string bytes(signature.prehashed ? "ED" : "Ed");
  bytes += as_bytes(signature.number);
  bytes += signature.signature;
  return fmt::format("{}{}\n{}\n{}{}\n{}\n", untrusted_prefix, signature.untrusted_comment, to_base64(bytes),
                     trusted_prefix, signature.trusted_comment, to_base64(signature.global_signature));
}

std::optional<std::string_view> comment_field(std::string_view trusted_comment, std::string_view key) {
  for (const std::string_view field : split(trusted_comment, '\t'))
    if (field.size() > key.size() && field.starts_with(key) && field[key.size()] == ':')
      return field.substr(key.size() + 1);
  return std::nullopt;
}

std::string usual_comment(Instant when, std::string_view file_name, std::string_view version) {
  const auto one_line = [](std::string_view text) {
    std::string out;
    for (const char c : text)
      if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
    return out;
  };
  const auto seconds = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  std::string comment = fmt::format("timestamp:{}\tfile:{}", seconds, one_line(file_name));
  if (!version.empty()) comment += "\tversion:" + one_line(version);
  return comment;
}

Result<std::string> sign_minisign_digest(const MinisignSecretKey& key, std::string_view digest,
                                         std::string_view trusted_comment,
                                         std::string_view untrusted_comment) {
  TRY(check_comment(trusted_comment, "trusted"));
  TRY(check_comment(untrusted_comment, "untrusted"));
  MinisignSignature out;
  out.number = key.public_.number;
  out.signature = key.key_.sign(digest);
  out.trusted_comment = trusted_comment;
  out.untrusted_comment = untrusted_comment;
  out.global_signature = key.key_.sign(out.signature + out.trusted_comment);
  return to_text(out);
}

Result<std::string> sign_minisign(ports::Files& files, const std::string& path, const MinisignSecretKey& key,
                                  std::string_view trusted_comment) {
  crypto::Blake2b hash;
  TRY(feed_file(files, path, [&](std::string_view piece) { hash.update(piece); }));
  return sign_minisign_digest(key, hash.finish(), trusted_comment);
}

Result<> verify_minisign_comment(const MinisignSignature& signature, const MinisignPublicKey& key) {
  if (signature.number != key.number)
    return fail_hint(ErrorKind::verification, "take the public key of who signed it",
                     "signed with key {}, not with key {}", to_text(signature.number), to_text(key.number));
  if (!crypto::verify(key.key, signature.signature + signature.trusted_comment, signature.global_signature))
    return fail_hint(ErrorKind::verification, std::string(sign_hint),
                     "the trusted comment is not the one that was signed: '{}'",
                     printable(signature.trusted_comment, 100));
  return {};
}

Result<> verify_minisign(ports::Files& files, const std::string& path, const MinisignSignature& signature,
                         const MinisignPublicKey& key) {
  TRY(verify_minisign_comment(signature, key));
  bool good = false;
  if (signature.prehashed) {
    crypto::Blake2b hash;
    TRY(feed_file(files, path, [&](std::string_view piece) { hash.update(piece); }));
    good = crypto::verify(key.key, hash.finish(), signature.signature);
  } else {
    crypto::Ed25519Verifier verifier(key.key, signature.signature);
    TRY(feed_file(files, path, [&](std::string_view piece) { verifier.update(piece); }));
    good = verifier.finish();
  }
  if (!good) return other_bytes();
  return {};
}

Result<> verify_minisign_bytes(std::string_view bytes, const MinisignSignature& signature,
                               const MinisignPublicKey& key) {
  TRY(verify_minisign_comment(signature, key));
  const bool good = signature.prehashed ? crypto::verify(key.key, crypto::Blake2b().update(bytes).finish(),
                                                         signature.signature)
                                        : crypto::verify(key.key, bytes, signature.signature);
  if (!good) return other_bytes();
  return {};
}

}  // namespace tranche::signing
