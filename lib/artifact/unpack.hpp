// Packed bytes in memory through libarchive, opened on first use. Nothing is written to disk, no path in an
// archive is followed, and no filter starts a program.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::artifact {

// One stream of gzip, xz, zstd, bzip2 or lzma, also one that was packed twice. Other bytes come back as they
// are. kind invalid: broken, or more than max_bytes when unpacked.
Result<std::string> unpack(std::string_view bytes, std::size_t max_bytes);

// A regular file of a tar archive, packed or not; "./control" is found as "control". nullopt: it is not in
// it. kind invalid: broken, the file has more than max_bytes, the archive more than 10,000 entries or more
// than 64 MiB when unpacked.
Result<std::optional<std::string>> tar_member(std::string_view bytes, std::string_view name,
                                              std::size_t max_bytes);

}  // namespace tranche::artifact
