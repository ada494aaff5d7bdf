#include "actions/zip_writer.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace tranche::actions {

namespace {

constexpr std::size_t max_files = 65'535;
constexpr std::size_t max_bytes = 1U << 30;
constexpr std::uint16_t version = 20;            // 2.0: folders
constexpr std::uint16_t first_day = 1 << 5 | 1;  // January 1st of 1980
constexpr std::uint16_t made_on_unix = 3 << 8;
constexpr std::uint32_t plain_file = 0100644U << 16;

// Little-endian.
void put16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value & 0xff);
  out += static_cast<char>(value >> 8);
}
void put32(std::string& out, std::uint32_t value) {
  put16(out, static_cast<std::uint16_t>(value & 0xffff));
  put16(out, static_cast<std::uint16_t>(value >> 16));
}

// What the local header and the directory's say alike.
void put_facts(std::string& out, const std::string& name, const std::string& bytes) {
  put16(out, version);
  put16(out, 0);  // flags
  put16(out, 0);  // stored
  put16(out, 0);  // time
  put16(out, first_day);
  put32(out, crc32(bytes));
  put32(out, static_cast<std::uint32_t>(bytes.size()));
  put32(out, static_cast<std::uint32_t>(bytes.size()));
  put16(out, static_cast<std::uint16_t>(name.size()));
  put16(out, 0);  // extra
}

Result<> check_file_name(std::string_view name) {
  const bool ascii = std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; });
  const auto parts = split(name, '/');
  const bool plain = std::ranges::none_of(
      parts, [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
  if (!ascii || !plain || name.size() > 512)
    return fail_hint(ErrorKind::invalid, "give the file another name", "'{}' cannot stand in a zip",
                     printable(name));
  return {};
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320U ^ c >> 1 : c >> 1;
      made[i] = c;
    }
    return made;
  }();
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) crc = table[(crc ^ static_cast<std::uint8_t>(c)) & 0xff] ^ crc >> 8;
  return ~crc;
}

Result<std::string> write_zip(const std::map<std::string, std::string>& files) {
  std::size_t total = 0;
  for (const auto& [name, bytes] : files) {
    TRY(check_file_name(name));
    total += bytes.size() + 2 * name.size() + 128;
  }
  if (files.size() > max_files || total >= max_bytes)
    return fail_hint(ErrorKind::invalid, "export fewer entries",
                     "{} files of {} bytes are more than a zip holds", files.size(), total);
  std::string out, directory;
  out.reserve(total);
  for (const auto& [name, bytes] : files) {
    const auto at = static_cast<std::uint32_t>(out.size());
    put32(out, 0x04034b50);
    put_facts(out, name, bytes);
    out += name;
    out += bytes;
    put32(directory, 0x02014b50);
    put16(directory, made_on_unix | version);
    put_facts(directory, name, bytes);
    put16(directory, 0);  // comment
    put16(directory, 0);  // disk
    put16(directory, 0);  // internal attributes
    put32(directory, plain_file);
    put32(directory, at);
    directory += name;
  }
  const auto start = static_cast<std::uint32_t>(out.size());
  out += directory;
  put32(out, 0x06054b50);
  put32(out, 0);  // disks
  put16(out, static_cast<std::uint16_t>(files.size()));
  put16(out, static_cast<std::uint16_t>(files.size()));
  put32(out, static_cast<std::uint32_t>(directory.size()));
  put32(out, start);
  put16(out, 0);  // comment
  return out;
}

}  // namespace tranche::actions
