// A database of advisories as it lies on disk: a directory or a .zip of OSV records, one a .json file.
// Nothing is asked of any network.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "ports/ports.hpp"
#include "vuln/osv.hpp"
#include "vuln/package.hpp"

namespace tranche::vuln {

inline constexpr std::size_t max_records = 2'000'000;
inline constexpr std::size_t max_database_bytes = 2ULL << 30;

struct Database {
  std::vector<Advisory>
      advisories;  // that may be about one of the packages; in the order of their file names
  std::set<std::string, std::less<>> families;  // ecosystems that any record is about
  std::size_t records = 0;
  std::size_t withdrawn = 0;
  std::optional<Instant> newest;  // the latest modified time of a record
  std::vector<Error> unreadable;  // lenient only: records that were passed over; the first 100
  std::size_t unreadable_count = 0;
};

// `path`: a directory (read through, at most 16 levels deep) or a zip. A record that cannot be read is an
// error unless `lenient`: a database with a hole says nothing. No records at all are kind invalid too.
// Withdrawn records are counted and left out. Large databases are read by several threads; `files` must bear
// that.
Result<Database> read_advisories(ports::Files& files, const std::string& path,
                                 const std::vector<Package>& packages, bool lenient);

// What it does with a zip where libdeflate is missing: libarchive, one entry after the other.
Result<Database> read_zip_in_order(std::string_view zip, const std::string& path,
                                   const std::vector<Package>& packages, bool lenient);

}  // namespace tranche::vuln
