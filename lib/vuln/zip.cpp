#include "vuln/zip.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "ports/first_use.hpp"

namespace tranche::vuln {
namespace {

// libdeflate.h: a plain C interface that has been the same since 1.0.
struct Functions {
  void* (*make)() = nullptr;
  void (*free)(void*) = nullptr;
  int (*inflate)(void*, const void*, std::size_t, void*, std::size_t, std::size_t*) = nullptr;
  std::uint32_t (*crc)(std::uint32_t, const void*, std::size_t) = nullptr;
};

const Result<Functions>& functions() {
  static ports::Library library("libdeflate.so.0", "libdeflate0");
  static const Result<Functions> loaded = []() -> Result<Functions> {
    Functions f;
    TRY(library.load(f.make, "libdeflate_alloc_decompressor"));
    TRY(library.load(f.free, "libdeflate_free_decompressor"));
    TRY(library.load(f.inflate, "libdeflate_deflate_decompress"));
    TRY(library.load(f.crc, "libdeflate_crc32"));
    return f;
  }();
  return loaded;
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t out = 0;
  for (std::size_t i = width; i > 0; --i) out = out << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return out;
}

std::unexpected<Error> broken(std::string_view what) {
  return fail_hint(ErrorKind::invalid, "get the archive again", "broken zip archive: {}", what);
}

constexpr std::size_t end_size = 22, locator_size = 20, end64_size = 56, central_size = 46, local_size = 30;
constexpr std::size_t max_comment = 65'535;

struct Directory {
  std::uint64_t entries = 0, size = 0, offset = 0;
};

Result<Directory> find_directory(std::string_view bytes) {
  if (bytes.size() < end_size) return broken("too short");
  std::size_t end = bytes.size() - end_size;
  const std::size_t lowest = end > max_comment ? end - max_comment : 0;
  while (bytes.substr(end, 4) != "PK\x05\x06") {
    if (end == lowest) return broken("no end of its directory");
    --end;
  }
  Directory out{number_at(bytes, end + 10, 2), number_at(bytes, end + 12, 4), number_at(bytes, end + 16, 4)};
  const bool has_locator = end >= locator_size && bytes.substr(end - locator_size, 4) == "PK\x06\x07";
  if (has_locator) {
    const std::uint64_t at = number_at(bytes, end - locator_size + 8, 8);
    if (at > bytes.size() || bytes.size() - at < end64_size || bytes.substr(at, 4) != "PK\x06\x06")
      return broken("no end of its zip64 directory");
    out = {number_at(bytes, at + 32, 8), number_at(bytes, at + 40, 8), number_at(bytes, at + 48, 8)};
  }
  if (out.offset > end || out.size > end - out.offset) return broken("its directory lies outside");
  return out;
}

// APPNOTE 4.5.3: of the numbers that stand as 0xffffffff the whole ones follow in the extra field 1, in the
// order size, packed size, offset.
bool widen(std::string_view extra, std::array<std::uint64_t*, 3> numbers) {
  const auto is_narrow = [](const std::uint64_t* number) { return *number == 0xffffffff; };
  if (std::ranges::none_of(numbers, is_narrow)) return true;
  while (extra.size() >= 4) {
    const std::uint64_t id = number_at(extra, 0, 2), size = number_at(extra, 2, 2);
    extra.remove_prefix(4);
    if (size > extra.size()) return false;
    std::string_view field = extra.substr(0, size);
    extra.remove_prefix(size);
    if (id != 1) continue;
    for (std::uint64_t* const number : numbers) {
      if (!is_narrow(number)) continue;
      if (field.size() < 8) return false;
      *number = number_at(field, 0, 8);
      field.remove_prefix(8);
    }
    return true;
  }
  return false;
}

}  // namespace

Result<std::vector<ZipEntry>> list_zip(std::string_view bytes, std::size_t max_entries) {
  const Directory directory = TRY(find_directory(bytes));
  if (directory.entries > max_entries)
    return fail_hint(ErrorKind::invalid, "unpack it and name the directory",
                     "more than {} entries in a zip archive", max_entries);
  std::string_view rest = bytes.substr(directory.offset, directory.size);
  std::vector<ZipEntry> out;
  std::uint64_t unpacked = 0;
  out.reserve(std::min<std::size_t>(directory.entries, rest.size() / central_size));
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (rest.size() < central_size || rest.substr(0, 4) != "PK\x01\x02") return broken("an entry is cut");
    const std::uint64_t flags = number_at(rest, 8, 2), method = number_at(rest, 10, 2);
    std::uint64_t packed = number_at(rest, 20, 4), size = number_at(rest, 24, 4);
    std::uint64_t offset = number_at(rest, 42, 4);
    const std::uint64_t name_size = number_at(rest, 28, 2), extra_size = number_at(rest, 30, 2);
    const std::uint64_t whole = central_size + name_size + extra_size + number_at(rest, 32, 2);
    if (whole > rest.size()) return broken("an entry is cut");
    if (!widen(rest.substr(central_size + name_size, extra_size), {&size, &packed, &offset}))
      return broken("an entry's zip64 numbers are cut");
    ZipEntry entry;
    entry.name = rest.substr(central_size, name_size);
    entry.crc = static_cast<std::uint32_t>(number_at(rest, 16, 4));
    entry.size = size;
    entry.deflated = method == 8;
    rest.remove_prefix(whole);
    if (entry.name.ends_with('/')) continue;
    if ((flags & 1) != 0) return broken("an entry is encrypted");
    if (method != 0 && method != 8) return broken("an entry is packed by a method other than deflate");
    if (offset > bytes.size() || bytes.size() - offset < local_size ||
        bytes.substr(offset, 4) != "PK\x03\x04")
      return broken("an entry lies outside");
    const std::uint64_t start =
        offset + local_size + number_at(bytes, offset + 26, 2) + number_at(bytes, offset + 28, 2);
    if (start > bytes.size() || packed > bytes.size() - start) return broken("an entry lies outside");
    entry.packed = bytes.substr(start, packed);
    // Entries may lie over one another: a small archive must not take days to unpack.
    if (size > max_unpacked - unpacked)
      return fail_hint(ErrorKind::invalid, "get the archive again",
                       "a zip archive unpacks to more than {} bytes", max_unpacked);
    unpacked += size;
    out.push_back(entry);
  }
  return out;
}

bool can_inflate() { return functions().has_value(); }

Unpacker::Unpacker() {
  if (functions()) state_ = functions()->make();
}
Unpacker::~Unpacker() {
  if (state_ != nullptr) functions()->free(state_);
}

Result<std::string_view> Unpacker::unpack(const ZipEntry& entry, std::size_t max_bytes) {
  if (entry.size > max_bytes)
    return fail_hint(ErrorKind::invalid, "leave it out", "an entry of more than {} bytes", max_bytes);
  const Result<Functions>& f = functions();
  if (!f) return fail(f.error());
  std::string_view out = entry.packed;
  if (entry.deflated) {
    if (state_ == nullptr) return fail(ErrorKind::failed, "out of memory for an archive");
    if (buffer_.size() < entry.size + 1) buffer_.resize(entry.size + 1);
    std::size_t got = 0;
    if (f->inflate(state_, entry.packed.data(), entry.packed.size(), buffer_.data(), entry.size, &got) != 0)
      return broken("an entry cannot be unpacked");
    out = std::string_view(buffer_).substr(0, got);
  }
  if (out.size() != entry.size) return broken("an entry has another size");
  if (f->crc(0, out.data(), out.size()) != entry.crc) return broken("an entry has another checksum");
  return out;
}

}  // namespace tranche::vuln
