// Publications in one file, one after another: durable with a single flush each, before they are files of
// their own (logged.hpp).
//
// The file is a slab: a header, then records without gaps.
//   header  "tranche-log/1\n\n\n" · generation (u64)
//   record  length of the body (u32) · SHA-256 of (the digest before ‖ body) · body
// Integers are little-endian. The digest before the first record is that of the header, so that what an
// earlier generation left behind it, or a cut of the power tore, ends the log: a record counts when it is
// whole and all before it do. A body is the pointer's old version and new bytes, then the files; a file that
// begins with the bytes of another ("tile/0/000.p/5" with those of ".p/4") holds only what is new.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/digest.hpp"
#include "ports/slab.hpp"
#include "store/store.hpp"

namespace tranche::store {

inline constexpr std::size_t log_bytes = 256 * 1024;
inline constexpr std::size_t log_header_bytes = 24;

struct LogFile {
  std::string name;
  std::string base;              // name of the file that this one begins with; empty: none
  std::uint64_t base_bytes = 0;  // its size
  std::string rest;              // what comes after it
};
struct LogRecord {
  Version expected;     // of the pointer, before
  std::string pointer;  // its bytes, after
  std::vector<LogFile> files;
};
std::string to_bytes(const LogRecord& record);
// nullopt: no record.
std::optional<LogRecord> log_record_from(std::string_view body);

// Where a log ends: the next record goes there.
struct LogEnd {
  std::uint64_t generation = 0;
  std::uint64_t offset = log_header_bytes;
  crypto::Sha256Digest digest{};
};
struct LogContents {
  LogEnd end;
  std::vector<LogRecord> records;
};
// What is there; a slab that is no log, or of another size, has no records and generation 0. Error: it cannot
// be read.
Result<LogContents> read_log(ports::Slab& slab);
Result<std::uint64_t> read_generation(ports::Slab& slab);
// An empty log of this generation. It need not be durable: who has not seen it finds the records of the
// generation before, whose files are all there.
Result<LogEnd> begin_log(ports::Slab& slab, std::uint64_t generation);
// Durable when it returns. false: it does not fit.
Result<bool> append_record(ports::Slab& slab, LogEnd& end, std::string_view body);

}  // namespace tranche::store
