// A .zip that is the same bytes each time: files stored as they are, sorted, all of 1980-01-01 (PKWARE's
// APPNOTE 6.3, without zip64). Documents are small and many readers exist; packing them would tie the bytes
// to a library's version.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::actions {

// Name → bytes. Names are relative, of printable ASCII, with '/' between folders. kind invalid: a name that
// is none, more than 65,535 files, 1 GiB or more in all.
Result<std::string> write_zip(const std::map<std::string, std::string>& files);

// CRC-32 of ISO 3309, as zip and gzip have it.
std::uint32_t crc32(std::string_view bytes);

}  // namespace tranche::actions
