// Reading is strict: two lines and no more, and one canonical base64. A signature file with the message
// inside (signify -e) has more, and is refused: two readings of "the file" would be possible.
#include "signing/signify.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519_stream.hpp"
#include "crypto/hash.hpp"

namespace tranche::signing {
namespace {

constexpr std::string_view prefix = "untrusted comment: ";
constexpr std::string_view algorithm = "Ed";
constexpr std::size_t longest_comment = 1023;  // COMMENTMAXLEN of signify.c, less its end
constexpr std::size_t piece_bytes = 256 << 10;
constexpr std::size_t number_bytes = 8;

Result<std::string> read_bytes(std::string_view text, std::string_view what, std::size_t wanted) {
  constexpr const char* hint = "name the file that signify wrote, whole";
  if (text.size() > max_signify_text)
    return fail_hint(ErrorKind::verification, hint, "the {} is larger than {} bytes", what, max_signify_text);
  std::vector<std::string_view> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty() || !lines[0].starts_with(prefix))
    return fail_hint(ErrorKind::verification, hint, "the {} does not begin with '{}'", what, prefix);
  if (lines.size() != 2)
    return fail_hint(ErrorKind::verification, hint, "the {} has {} lines, not 2", what, lines.size());
  auto bytes = from_base64(lines[1]);
  if (!bytes) return fail_hint(ErrorKind::verification, hint, "the {} is no base64", what);
  if (bytes->size() != wanted)
    return fail_hint(ErrorKind::verification, hint, "the {} has {} bytes, not {}", what, bytes->size(),
                     wanted);
  if (!bytes->starts_with(algorithm))
    return fail_hint(ErrorKind::verification, hint, "the {} is of an unknown algorithm", what);
  return std::move(*bytes);
}

SignifyKeyNumber number_of(std::string_view bytes) {
  SignifyKeyNumber number;
  std::copy_n(bytes.begin(), number.size(), number.begin());
  return number;
}

Result<> feed_file(ports::Files& files, const std::string& path, const crypto::StreamSigner::Sink& take) {
  const auto reader = TRY(files.open(path));
  std::string piece(piece_bytes, '\0');
  while (const std::size_t size = TRY(reader->read(piece.data(), piece.size())))
    take(std::string_view(piece).substr(0, size));
  return {};
}

Result<> check_comment(std::string_view comment) {
  const bool one_line =
      std::ranges::none_of(comment, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!one_line || comment.size() > longest_comment || !is_valid_utf8(comment))
    return fail_hint(ErrorKind::invalid, fmt::format("at most {} bytes in one line", longest_comment),
                     "the comment cannot be written: '{}'", printable(comment, 60));
  return {};
}

}  // namespace

std::string signify_number_text(const SignifyKeyNumber& number) {
  return to_hex(std::string_view(reinterpret_cast<const char*>(number.data()), number.size()));
}

Result<SignifyPublicKey> parse_signify_public_key(std::string_view text) {
  const std::string bytes = TRY(read_bytes(text, "public key", algorithm.size() + number_bytes + 32));
  SignifyPublicKey out{.number = number_of(std::string_view(bytes).substr(2)), .key = {}};
  std::copy(bytes.begin() + 10, bytes.end(), out.key.bytes.begin());
  return out;
}

Result<SignifySignature> parse_signify_signature(std::string_view text) {
  const std::string bytes = TRY(read_bytes(text, "signature", algorithm.size() + number_bytes + 64));
  return SignifySignature{.number = number_of(std::string_view(bytes).substr(2)),
                          .signature = bytes.substr(10)};
}

Result<SignifySecretKey> SignifySecretKey::parse(const Secret& text) {
  constexpr std::size_t rounds_at = 4, checksum_at = 24, number_at = 32, secret_at = 40, whole = 104;
  std::string plain = TRY(read_bytes(text.expose(), "secret key", whole));
  // On the heap: GCC 12 takes the short form of a string that is moved here for unset.
  const auto held = std::make_unique<const Secret>(std::move(plain));
  const std::string_view bytes = held->expose();
  if (!bytes.substr(2).starts_with("BK"))
    return fail_hint(ErrorKind::verification, "give a key that signify made",
                     "the secret key is locked in an unknown way");
  if (bytes.substr(rounds_at, 4) != std::string_view("\0\0\0\0", 4))
    return fail_hint(ErrorKind::invalid,
                     "make one without (signify-openbsd -G -n), kept in a secret store; or sign with "
                     "--format minisign, whose locked keys open here",
                     "the signify key is locked with a password");
  crypto::Hash hash(crypto::HashKind::sha512);
  hash.update(bytes.substr(secret_at));
  if (!crypto::equal_constant_time(std::string_view(hash.finish()).substr(0, 8),
                                   bytes.substr(checksum_at, 8)))
    return fail_hint(ErrorKind::verification, "take it from a copy", "the secret key is damaged");
  auto signer = TRY(crypto::StreamSigner::from_text(Secret(to_base64(bytes.substr(secret_at)))));
  const SignifyPublicKey pub{.number = number_of(bytes.substr(number_at)), .key = signer.public_key()};
  return SignifySecretKey(std::move(signer), pub);
}

Result<std::string> SignifySecretKey::sign(ports::Files& files, const std::string& path,
                                           std::string_view comment) const {
  TRY(check_comment(comment));
  const std::string signature =
      TRY(signer_.sign([&](const crypto::StreamSigner::Sink& sink) { return feed_file(files, path, sink); }));
  std::string bytes(algorithm);
  bytes.append(public_.number.begin(), public_.number.end());
  bytes += signature;
  return fmt::format("{}{}\n{}\n", prefix, comment, to_base64(bytes));
}

Result<> verify_signify(ports::Files& files, const std::string& path, const SignifySignature& signature,
                        const SignifyPublicKey& key) {
  if (signature.number != key.number)
    return fail_hint(ErrorKind::verification, "take the public key of who signed it",
                     "signed with key {}, not with key {}", signify_number_text(signature.number),
                     signify_number_text(key.number));
  crypto::Ed25519Verifier verifier(key.key, signature.signature);
  TRY(feed_file(files, path, [&](std::string_view piece) { verifier.update(piece); }));
  if (!verifier.finish())
    return fail_hint(ErrorKind::verification, "get the file again from who signed it",
                     "the file is not the one that was signed");
  return {};
}

}  // namespace tranche::signing
