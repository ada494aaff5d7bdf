// minisign's secret keys: 104 bytes that a scrypt stream covers. A checksum inside tells a wrong password
// from a right one; a key that is not locked (minisign -W) carries none.
#include <algorithm>

#include "base/encoding.hpp"
#include "crypto/blake2b.hpp"
#include "crypto/digest.hpp"
#include "crypto/scrypt.hpp"
#include "signing/key_files.hpp"
#include "signing/minisign.hpp"
#include "signing/minisign_parts.hpp"

namespace tranche::signing {

using namespace minisign_parts;

namespace {

constexpr std::size_t head_bytes = 2 + 2 + 2 + 32 + 8 + 8;
constexpr std::size_t locked_bytes = 8 + 64 + 32;
constexpr std::string_view locked_with_scrypt = "Sc";
constexpr std::string_view not_locked("\0\0", 2);
// rust-minisign's, and so Tauri's: a quarter of a second. minisign's own take a second and 1 GiB.
constexpr std::uint64_t rsign_operations = 1 << 20;
constexpr std::uint64_t rsign_memory = 32 << 20;

std::uint64_t read_little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string little_endian(std::uint64_t value) {
  std::string out;
  for (int i = 0; i < 8; ++i, value >>= 8) out += static_cast<char>(value & 0xff);
  return out;
}

Secret covered(std::string_view bytes, std::string_view stream) {
  std::string out(bytes);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ stream[i]);
  return Secret(std::move(out));
}

std::string checksum(std::string_view number_and_key) {
  return crypto::Blake2b(32).update("Ed").update(number_and_key).finish();
}

// Not inlined: GCC 12 then takes the short form of the string behind it for uninitialised.
[[gnu::noinline]] Result<bool> is_locked(std::string_view bytes) {
  const std::string_view lock = bytes.substr(2, 2);
  if (bytes.substr(0, 2) != "Ed" || (lock != locked_with_scrypt && lock != not_locked) ||
      bytes.substr(4, 2) != "B2")
    return fail_hint(ErrorKind::verification, "give a key that minisign or Tauri's signer made",
                     "the secret key is of an unknown algorithm");
  return lock == locked_with_scrypt;
}

// Key number, key and checksum.
Result<Secret> unlock(std::string_view bytes, bool locked, const Secret& password) {
  const std::string_view closed = bytes.substr(head_bytes);
  if (!locked) return Secret(std::string(closed));
  const Secret stream =
      TRY(crypto::scrypt(password, bytes.substr(6, 32), read_little_endian(bytes.substr(38, 8)),
                         read_little_endian(bytes.substr(46, 8)), locked_bytes));
  return covered(closed, stream.expose());
}

std::unexpected<Error> damaged() {
  return fail_hint(ErrorKind::verification, "restore it from a backup",
                   "the secret key is damaged: its two halves are of different keys");
}

}  // namespace

Result<MinisignSecretKey> MinisignSecretKey::make(const Secret& seed, std::string_view number) {
  if (number.size() != 8) return fail(ErrorKind::bug, "a minisign key number has 8 bytes");
  crypto::SecretKey key = TRY(crypto::SecretKey::from_seed(seed));
  MinisignPublicKey pub{{}, key.public_key()};
  std::copy(number.begin(), number.end(), pub.number.begin());
  std::string expanded(seed.expose());
  expanded.append(pub.key.bytes.begin(), pub.key.bytes.end());
  return MinisignSecretKey(std::move(key), Secret(std::move(expanded)), pub);
}

Result<MinisignSecretKey> MinisignSecretKey::parse(const Secret& text, const Secret& password) {
  auto lines = TRY(read_lines(text.expose(), "secret key", 2));
  const Secret line(std::move(lines[1]));
  Secret bytes(TRY(read_line_bytes(line.expose(), "secret key", head_bytes + locked_bytes)));
  const bool locked = TRY(is_locked(bytes.expose()));
  const Secret open = TRY(unlock(bytes.expose(), locked, password));
  const std::string_view number_and_key = open.expose().substr(0, 8 + 64);
  const std::string_view sum = open.expose().substr(8 + 64);
  const bool unsummed = !locked && std::ranges::all_of(sum, [](char c) { return c == 0; });
  if (!unsummed && !crypto::equal_constant_time(sum, checksum(number_and_key)))
    return fail_hint(ErrorKind::verification,
                     locked ? "name the right one with --key-password, or key-password: in tranche.yaml"
                            : "restore it from a backup",
                     "{}",
                     locked ? "the password does not open the secret key" : "the secret key is damaged");
  auto key = TRY(make(Secret(std::string(number_and_key.substr(8, 32))), number_and_key.substr(0, 8)));
  // Signing with a public half of another key would give the secret one away.
  if (!crypto::equal_constant_time(key.expanded_.expose(), number_and_key.substr(8))) return damaged();
  return key;
}

Result<Secret> MinisignSecretKey::to_text(const Secret& password, std::string_view salt) const {
  std::string open(reinterpret_cast<const char*>(public_.number.data()), public_.number.size());
  open += expanded_.expose();
  open += checksum(open);
  const Secret guarded(std::move(open));
  const Secret stream = TRY(crypto::scrypt(password, salt, rsign_operations, rsign_memory, locked_bytes));
  std::string bytes("EdScB2");
  bytes += salt;
  bytes += little_endian(rsign_operations) + little_endian(rsign_memory);
  bytes += covered(guarded.expose(), stream.expose()).expose();
  return Secret(fmt::format("{}rsign encrypted secret key\n{}\n", untrusted_prefix, to_base64(bytes)));
}

Result<MinisignPublicKey> generate_minisign_key(ports::World& world, const std::string& repository,
                                                const std::string& secret_path,
                                                const std::string& public_path, const Secret& password) {
  MinisignPublicKey pub;
  TRY(write_key_pair(world, repository, {secret_path, public_path}, [&]() -> Result<KeyTexts> {
    const Secret seed(TRY(world.random.bytes(32)));
    const auto key = TRY(MinisignSecretKey::make(seed, TRY(world.random.bytes(8))));
    pub = key.public_key();
    Secret text = TRY(key.to_text(password, TRY(world.random.bytes(crypto::scrypt_salt_bytes))));
    return KeyTexts{std::move(text), signing::to_text(pub)};
  }));
  return pub;
}

}  // namespace tranche::signing
