// The arithmetic of membership: a hash that puts a device at a point of [0, 2^64), and the line below which
// it is in. Every client in the field computes the same two numbers, so nothing here may ever change
// (FEED.md).
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "cohort/decide.hpp"
#include "crypto/digest.hpp"

namespace tranche::cohort {

namespace {

constexpr std::size_t longest_text = 128;  // FEED.md: ids; labels follow the same rule
constexpr std::size_t most_labels = 32;

bool is_printable_ascii(std::string_view text) {
  for (const char c : text)
    if (c < 0x20 || c > 0x7e) return false;
  return true;
}

Result<> check_text(std::string_view what, std::string_view text) {
  if (text.empty())
    return fail_hint(ErrorKind::invalid, "give 1 to 128 bytes of printable ASCII", "{} is empty", what);
  if (text.size() > longest_text)
    return fail_hint(ErrorKind::invalid, "give 1 to 128 bytes of printable ASCII",
                     "{} '{}' is {} bytes long; at most {} are allowed", what, printable(text, 40),
                     text.size(), longest_text);
  if (!is_printable_ascii(text))
    return fail_hint(ErrorKind::invalid, "give 1 to 128 bytes of printable ASCII",
                     "{} '{}' holds a byte that is not printable ASCII", what, printable(text));
  return {};
}

// SHA-256(domain 00 salt 00 device-id), without allocating for the usual lengths.
crypto::Sha256Digest hash_device(std::string_view domain, std::string_view salt, std::string_view device_id) {
  std::array<char, 512> stack;
  const std::size_t size = domain.size() + salt.size() + device_id.size() + 2;
  std::string heap;
  char* const begin = size <= stack.size() ? stack.data() : (heap.resize(size), heap.data());
  char* at = begin;
  const auto append = [&at](std::string_view part) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  };
  append(domain);
  *at++ = '\0';
  append(salt);
  *at++ = '\0';
  append(device_id);
  return crypto::sha256({begin, size});
}

}  // namespace

Result<> check_device(const Device& device) {
  TRY(check_text("the device id", device.id));
  if (device.labels.size() > most_labels)
    return fail_hint(ErrorKind::invalid, "report only the labels that cohorts match on",
                     "device '{}' has {} labels; at most {} are allowed", device.id, device.labels.size(),
                     most_labels);
  for (const auto& [name, value] : device.labels) {
    TRY(check_text("the name of a label", name));
    TRY(check_text(fmt::format("the label '{}'", name), value));
  }
  return {};
}

std::uint64_t bucket(std::string_view salt, std::string_view device_id) {
  const crypto::Sha256Digest digest = hash_device("tranche/1", salt, device_id);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | digest[i];
  return value;
}

std::uint64_t threshold(Percent percent) {
  __extension__ using Wide = unsigned __int128;
  // A whole percent is `all`; asked anyway, the largest line is the nearest answer that fits.
  if (percent.ppm >= Percent::whole) return ~std::uint64_t{0};
  return static_cast<std::uint64_t>((static_cast<Wide>(percent.ppm) << 64) / Percent::whole);
}

std::string listed_hash(std::string_view salt, std::string_view device_id) {
  return crypto::to_hex(hash_device("tranche/1/device", salt, device_id));
}

}  // namespace tranche::cohort
