// A .zip read by its central directory, so that several threads can take entries out of it at once. OSV's own
// export is one zip with 100,000 entries; one thread and zlib need seconds for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::vuln {

struct ZipEntry {
  std::string_view name;
  std::string_view packed;
  std::uint64_t size = 0;  // unpacked
  std::uint32_t crc = 0;
  bool deflated = false;  // else stored
};

inline constexpr std::uint64_t max_unpacked = 8ULL << 30;

// APPNOTE 6.3, with zip64. Directories are left out. kind invalid for anything broken, encrypted, packed by
// another method, with more than `max_entries` entries, or of more than max_unpacked bytes when unpacked. The
// entries point into `bytes`.
Result<std::vector<ZipEntry>> list_zip(std::string_view bytes, std::size_t max_entries);

// True where libdeflate is installed; without it only stored entries can be taken.
bool can_inflate();

// Takes entries out, one at a time, into the same buffer. One of them a thread.
class Unpacker {
 public:
  Unpacker();
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  // Valid until the next call. kind invalid when it is larger than max_bytes or its size or checksum is
  // another.
  Result<std::string_view> unpack(const ZipEntry& entry, std::size_t max_bytes);

 private:
  void* state_ = nullptr;
  std::string buffer_;
};

}  // namespace tranche::vuln
