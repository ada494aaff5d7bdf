// OpenSSH's blobs are turned into SubjectPublicKeyInfo and back by hand: the DER of each kind is a fixed head
// and the key's own bytes. What may be a key at all is decided by AnyPublicKey.
#include "crypto/ssh_key.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/ecdsa_form.hpp"
#include "crypto/openssl_handles.hpp"

namespace tranche::crypto {

namespace {

using Kind = AnyPublicKey::Kind;

constexpr std::size_t max_line_bytes = 16 * 1024;
constexpr std::size_t max_comment_bytes = 200;
constexpr const char* kinds_hint =
    "ssh-ed25519, ecdsa-sha2-nistp256/384/521, ssh-rsa of 2048 bits or more, and the sk- ones are taken: "
    "ssh-keygen -t ed25519";

struct SshKind {
  Kind kind;
  std::string_view type;           // of the key
  std::string_view security_type;  // of the same in a security key; empty: there is none
  std::string_view curve;          // ECDSA
  std::string_view der_head;       // hex; before the point
  std::size_t point_bytes;
  Scheme scheme;
};
constexpr std::array ssh_kinds{
    SshKind{Kind::ed25519, "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "", "302a300506032b6570032100", 32,
            Scheme::ed25519},
    SshKind{Kind::p256, "ecdsa-sha2-nistp256", "sk-ecdsa-sha2-nistp256@openssh.com", "nistp256",
            "3059301306072a8648ce3d020106082a8648ce3d030107034200", 65, Scheme::ecdsa_sha256},
    SshKind{Kind::p384, "ecdsa-sha2-nistp384", "", "nistp384",
            "3076301006072a8648ce3d020106052b81040022036200", 97, Scheme::ecdsa_sha384},
    SshKind{Kind::p521, "ecdsa-sha2-nistp521", "", "nistp521",
            "30819b301006072a8648ce3d020106052b8104002303818600", 133, Scheme::ecdsa_sha512}};
constexpr std::string_view rsa_type = "ssh-rsa";
// AlgorithmIdentifier { rsaEncryption, NULL }
constexpr std::string_view rsa_algorithm = "300d06092a864886f70d0101010500";

const SshKind* find_kind(Kind kind) {
  const auto* const found = std::ranges::find(ssh_kinds, kind, &SshKind::kind);
  return found == ssh_kinds.end() ? nullptr : found;
}

std::string der(char tag, std::string_view content) {
  std::string out(1, tag);
  const std::size_t size = content.size();
  if (size >= 0x10000) return {};  // no key is that long
  if (size >= 0x100) {
    out += '\x82';
    out += static_cast<char>(size >> 8);
  } else if (size >= 0x80) {
    out += '\x81';
  }
  out += static_cast<char>(size & 0xff);
  return out + std::string(content);
}

// An mpint of RFC 4251 that is positive and written in the shortest way has the bytes of a DER INTEGER.
bool is_positive(std::string_view mpint) {
  if (mpint.empty() || (mpint[0] & 0x80) != 0) return false;
  return mpint.size() == 1 ? mpint[0] != 0 : mpint[0] != 0 || (mpint[1] & 0x80) != 0;
}

std::unexpected<Error> malformed() {
  return fail_hint(ErrorKind::verification, kinds_hint, "the OpenSSH public key is malformed");
}

Result<AnyPublicKey> rsa_key(SshReader& reader) {
  const auto exponent = reader.string();
  const auto modulus = reader.string();
  if (!exponent || !modulus || !reader.at_end() || !is_positive(*exponent) || !is_positive(*modulus))
    return malformed();
  const std::string numbers = der(0x30, der(0x02, *modulus) + der(0x02, *exponent));
  return AnyPublicKey::from_der(
      der(0x30, *from_hex(rsa_algorithm) + der(0x03, std::string(1, '\0') + numbers)));
}

Result<SshKey> point_key(SshReader& reader, const SshKind& kind, bool security) {
  if (!kind.curve.empty() && reader.string() != kind.curve) return malformed();
  const auto point = reader.string();
  if (!point || point->size() != kind.point_bytes) return malformed();
  if (!kind.curve.empty() && (*point)[0] != 4) return malformed();
  std::string application;
  if (security) {
    const auto text = reader.string();
    if (!text || text->empty() || text->size() > max_comment_bytes) return malformed();
    application = std::string(*text);
  }
  if (!reader.at_end()) return malformed();
  auto key = TRY(AnyPublicKey::from_der(*from_hex(kind.der_head) + std::string(*point)));
  return SshKey{std::move(key), std::move(application), {}};
}

bool verify_rsa(const AnyPublicKey& key, const EVP_MD* method, std::string_view message,
                std::string_view signature) {
  const std::string bytes = key.to_der();
  const unsigned char* at = raw(bytes);
  const OwnedKey rsa(d2i_PUBKEY(nullptr, &at, static_cast<long>(bytes.size())));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const OwnedKeyContext context(rsa == nullptr ? nullptr
                                               : EVP_PKEY_CTX_new_from_pkey(nullptr, rsa.get(), nullptr));
  const bool good =
      context != nullptr &&
      EVP_Digest(message.data(), message.size(), digest.data(), &size, method, nullptr) == 1 &&
      EVP_PKEY_verify_init(context.get()) == 1 &&
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
      EVP_PKEY_CTX_set_signature_md(context.get(), method) == 1 &&
      EVP_PKEY_verify(context.get(), raw(signature), signature.size(), digest.data(), size) == 1;
  ERR_clear_error();
  return good;
}

// SSH has r and s as two mpints (RFC 5656, section 3.1.2).
bool verify_ecdsa(const AnyPublicKey& key, const SshKind& kind, std::string_view message,
                  std::string_view signature) {
  SshReader reader(signature);
  const std::size_t scalar = kind.point_bytes / 2;
  std::string pair;
  for (int half = 0; half < 2; ++half) {
    const auto mpint = reader.string();
    if (!mpint || !is_positive(*mpint)) return false;
    const std::string_view digits = (*mpint)[0] == 0 ? mpint->substr(1) : *mpint;
    if (digits.size() > scalar) return false;
    pair += std::string(scalar - digits.size(), '\0') + std::string(digits);
  }
  const auto form = ecdsa_der(pair);
  return reader.at_end() && form && key.verify(kind.scheme, message, *form);
}

}  // namespace

std::optional<std::string_view> SshReader::take(std::size_t count) {
  if (rest_.size() < count) return std::nullopt;
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}
std::optional<std::uint32_t> SshReader::number() {
  const auto bytes = take(4);
  if (!bytes) return std::nullopt;
  std::uint32_t value = 0;
  for (const char byte : *bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}
std::optional<std::uint8_t> SshReader::byte() {
  const auto bytes = take(1);
  if (!bytes) return std::nullopt;
  return static_cast<std::uint8_t>((*bytes)[0]);
}
std::optional<std::string_view> SshReader::string() {
  const auto size = number();
  if (!size) return std::nullopt;
  return take(*size);
}

std::string ssh_string(std::string_view bytes) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(bytes.size() >> shift & 0xff);
  return out + std::string(bytes);
}

Result<SshKey> ssh_key_from_blob(std::string_view blob) {
  SshReader reader(blob);
  const auto type = reader.string();
  if (!type) return malformed();
  if (*type == rsa_type) return SshKey{TRY(rsa_key(reader)), {}, {}};
  for (const SshKind& kind : ssh_kinds)
    if (*type == kind.type || (!kind.security_type.empty() && *type == kind.security_type))
      return point_key(reader, kind, *type == kind.security_type);
  return fail_hint(ErrorKind::verification, kinds_hint, "OpenSSH public keys of type '{}' are not taken",
                   printable(*type, 60));
}

Result<SshKey> ssh_key_from_line(std::string_view line) {
  line = trim(line);
  if (line.size() > max_line_bytes || line.find('\n') != std::string_view::npos)
    return fail_hint(ErrorKind::verification, "give the one line of a .pub file",
                     "an OpenSSH public key is one line");
  const std::size_t first = line.find(' ');
  const std::string_view type = line.substr(0, first);
  std::string_view rest = first == std::string_view::npos ? std::string_view() : trim(line.substr(first));
  const std::size_t second = rest.find(' ');
  const auto blob = from_base64(rest.substr(0, second));
  if (!blob || blob->empty())
    return fail_hint(ErrorKind::verification, "it must read 'ssh-ed25519 AAAA... name', without options",
                     "this is no OpenSSH public key");
  SshKey key = TRY(ssh_key_from_blob(*blob));
  if (SshReader(*blob).string() != type)
    return fail_hint(ErrorKind::verification, "take the line as ssh-keygen wrote it",
                     "the OpenSSH public key says '{}' and holds another type", printable(type, 60));
  if (second != std::string_view::npos) key.comment = printable(trim(rest.substr(second)), max_comment_bytes);
  return key;
}

Result<std::string> to_ssh_blob(const SshKey& key) {
  const std::string info = key.key.to_der();
  if (key.key.kind() == Kind::rsa) {
    const unsigned char* at = raw(info);
    const OwnedKey rsa(d2i_PUBKEY(nullptr, &at, static_cast<long>(info.size())));
    std::string out = ssh_string(rsa_type);
    for (const char* name : {OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_N}) {
      BIGNUM* number = nullptr;
      if (rsa == nullptr || EVP_PKEY_get_bn_param(rsa.get(), name, &number) != 1) return malformed();
      std::string digits(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
      BN_bn2bin(number, raw(digits));
      BN_free(number);
      if (!digits.empty() && (digits[0] & 0x80) != 0) digits.insert(0, 1, '\0');
      out += ssh_string(digits);
    }
    return out;
  }
  const SshKind* kind = find_kind(key.key.kind());
  const std::string head = kind == nullptr ? std::string() : *from_hex(kind->der_head);
  if (kind == nullptr || info.size() != head.size() + kind->point_bytes || !info.starts_with(head))
    return fail_hint(ErrorKind::verification, "write it with an uncompressed point",
                     "the key cannot be written as OpenSSH does");
  std::string out = ssh_string(key.application.empty() ? kind->type : kind->security_type);
  if (!kind->curve.empty()) out += ssh_string(kind->curve);
  out += ssh_string(std::string_view(info).substr(head.size()));
  if (!key.application.empty()) out += ssh_string(key.application);
  return out;
}

Result<std::string> to_ssh_line(const SshKey& key) {
  const std::string blob = TRY(to_ssh_blob(key));
  std::string line = fmt::format("{} {}", *SshReader(blob).string(), to_base64(blob));
  if (!key.comment.empty()) line += " " + key.comment;
  return line;
}

bool verify_ssh(const SshKey& key, std::string_view message, std::string_view signature) {
  SshReader reader(signature);
  const auto type = reader.string();
  const auto bytes = reader.string();
  if (!type || !bytes) return false;
  if (key.key.kind() == Kind::rsa) {
    if (!reader.at_end()) return false;
    if (*type == "rsa-sha2-512") return verify_rsa(key.key, EVP_sha512(), message, *bytes);
    return *type == "rsa-sha2-256" && verify_rsa(key.key, EVP_sha256(), message, *bytes);
  }
  const SshKind* kind = find_kind(key.key.kind());
  const bool security = !key.application.empty();
  if (kind == nullptr || *type != (security ? kind->security_type : kind->type)) return false;
  std::string shown(message);
  if (security) {
    // What a security key signs (PROTOCOL.u2f): application, flags, counter and message, hashed.
    const auto flags = reader.byte();
    const auto counter = reader.number();
    constexpr unsigned touched = 1;
    if (!flags || !counter || (*flags & touched) == 0) return false;
    shown = std::string(as_bytes(sha256(key.application))) + static_cast<char>(*flags);
    for (int shift = 24; shift >= 0; shift -= 8) shown += static_cast<char>(*counter >> shift & 0xff);
    shown += as_bytes(sha256(message));
  }
  if (!reader.at_end()) return false;
  if (kind->curve.empty()) return key.key.verify(kind->scheme, shown, *bytes);
  return verify_ecdsa(key.key, *kind, shown, *bytes);
}

}  // namespace tranche::crypto
