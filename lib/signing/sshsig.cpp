#include "signing/sshsig.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/hash.hpp"

namespace tranche::signing {

namespace {

constexpr std::size_t max_armor_bytes = 16 * 1024;
constexpr std::string_view armor_begin = "-----BEGIN SSH SIGNATURE-----";
constexpr std::string_view armor_end = "-----END SSH SIGNATURE-----";
constexpr std::string_view magic = "SSHSIG";
constexpr std::uint32_t version = 1;

std::unexpected<Error> malformed(std::string_view what) {
  return fail_hint(ErrorKind::verification, "sign with: ssh-keygen -Y sign -n tranche -f KEY FILE",
                   "the SSH signature {}", what);
}

Result<std::string> open_armor(std::string_view text) {
  text = trim(text);
  if (text.size() > max_armor_bytes || !text.starts_with(armor_begin) || !text.ends_with(armor_end) ||
      text.size() < armor_begin.size() + armor_end.size())
    return malformed("has no armor");
  text.remove_prefix(armor_begin.size());
  text.remove_suffix(armor_end.size());
  std::string body;
  for (const char c : text)
    if (c != '\n' && c != '\r') body += c;
  auto bytes = from_base64(body);
  if (!bytes) return malformed("is not base64");
  return std::move(*bytes);
}

}  // namespace

Result<SshSignature> parse_sshsig(std::string_view armored) {
  const std::string bytes = TRY(open_armor(armored));
  if (!bytes.starts_with(magic)) return malformed("does not begin as one");
  crypto::SshReader reader(std::string_view(bytes).substr(magic.size()));
  if (reader.number() != version) return malformed("is of another version");
  const auto key = reader.string();
  const auto space = reader.string();
  const auto reserved = reader.string();
  const auto hash = reader.string();
  const auto signature = reader.string();
  if (!key || !space || !reserved || !hash || !signature || !reader.at_end())
    return malformed("is cut short or goes on too long");
  if (space->empty()) return malformed("is for no namespace");
  if (*hash != "sha256" && *hash != "sha512") return malformed("is over another hash than SHA-2");
  return SshSignature{TRY(crypto::ssh_key_from_blob(*key)), std::string(*space), std::string(*hash),
                      std::string(*reserved), std::string(*signature)};
}

bool verify_sshsig(const SshSignature& signature, const crypto::SshKey& key, std::string_view space,
                   std::string_view message) {
  if (signature.space != space || signature.key.application != key.application ||
      signature.key.key.to_der() != key.key.to_der())
    return false;
  const std::string digest = signature.hash == "sha512"
                                 ? crypto::hash(crypto::HashKind::sha512, message)
                                 : std::string(crypto::as_bytes(crypto::sha256(message)));
  const std::string shown = std::string(magic) + crypto::ssh_string(space) +
                            crypto::ssh_string(signature.reserved) + crypto::ssh_string(signature.hash) +
                            crypto::ssh_string(digest);
  return crypto::verify_ssh(key, shown, signature.signature);
}

}  // namespace tranche::signing
