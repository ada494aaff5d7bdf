// Archives read in memory through libarchive, opened on first use. Nothing is written to disk, so no path in
// an archive can escape; formats that libarchive would hand to other programs are not enabled.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::sbom {

struct ArchiveLimits {
  std::size_t max_entries = 50'000;
  std::uint64_t max_total_bytes = 2ULL << 30;  // uncompressed, over all entries: what a bomb is stopped by
  std::size_t max_entry_bytes = 256U << 20;    // larger entries are passed over
};

// True for what walk_archive may understand, by its first bytes: ar (.deb), zip, gzip, xz, zstd, bzip2, tar.
bool looks_like_archive(std::string_view bytes);

// Calls `wanted(name, first 4 KiB)` for each regular file, and `take(name, bytes)` with the whole of those it
// says true to. The data members of a .deb are looked into. Returns how many wanted entries were passed over
// for their size. kind invalid when the archive is broken or over a limit.
Result<std::size_t> walk_archive(
    std::string_view bytes, const ArchiveLimits& limits,
    const std::function<bool(std::string_view name, std::string_view head)>& wanted,
    const std::function<Result<>(std::string_view name, std::string bytes)>& take);

// The file `control` of a .deb, from its bytes or as many of them as reach behind control.tar.*. kind invalid
// when there is none of at most 1 MiB.
Result<std::string> read_deb_control(std::string_view bytes);

}  // namespace tranche::sbom
