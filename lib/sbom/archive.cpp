#include "sbom/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <optional>

#include "base/text.hpp"
#include "ports/first_use.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t head_bytes = 4096;
constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::size_t max_control_bytes = 1 << 20;
constexpr int max_nesting = 1;  // a .deb is an ar of tars

// The functions of libarchive that are used, loaded with the first archive.
struct Functions {
  decltype(archive_read_new)* make = nullptr;
  decltype(archive_read_free)* free = nullptr;
  decltype(archive_read_open_memory)* open = nullptr;
  decltype(archive_read_next_header)* next = nullptr;
  decltype(archive_read_data)* data = nullptr;
  decltype(archive_error_string)* error = nullptr;
  decltype(archive_entry_pathname)* path = nullptr;
  decltype(archive_entry_filetype)* type = nullptr;
  // Filters and formats. None of these starts a program; lrzip, lzop and grzip would.
  int (*enable[8])(archive*) = {};
};

Result<const Functions*> functions() {
  static ports::Library library("libarchive.so.13", "libarchive13");
  static const Result<Functions> loaded = []() -> Result<Functions> {
    Functions f;
    TRY(library.load(f.make, "archive_read_new"));
    TRY(library.load(f.free, "archive_read_free"));
    TRY(library.load(f.open, "archive_read_open_memory"));
    TRY(library.load(f.next, "archive_read_next_header"));
    TRY(library.load(f.data, "archive_read_data"));
    TRY(library.load(f.error, "archive_error_string"));
    TRY(library.load(f.path, "archive_entry_pathname"));
    TRY(library.load(f.type, "archive_entry_filetype"));
    std::size_t next = 0;
    for (const char* name : {"archive_read_support_format_tar", "archive_read_support_format_zip",
                             "archive_read_support_format_ar", "archive_read_support_filter_gzip",
                             "archive_read_support_filter_xz", "archive_read_support_filter_zstd",
                             "archive_read_support_filter_bzip2", "archive_read_support_filter_lzma"})
      TRY(library.load(f.enable[next++], name));
    return f;
  }();
  if (!loaded) return fail(loaded.error());
  return &*loaded;
}

struct Walk {
  const Functions& lib;
  const ArchiveLimits& limits;
  const std::function<bool(std::string_view, std::string_view)>& wanted;
  const std::function<Result<>(std::string_view, std::string)>& take;
  std::string_view deb_member = "data.tar";  // of a .deb this is looked into, and nothing else of it
  std::size_t entries = 0;
  std::uint64_t total = 0;
  std::size_t passed_over = 0;

  std::unexpected<Error> broken(archive* reader) const {
    const char* text = lib.error(reader);
    return fail_hint(ErrorKind::invalid, "pack it again", "broken archive: {}",
                     printable(text == nullptr ? "unreadable" : text));
  }

  // The next piece of the entry; empty at its end. Counts what was unpacked, also of entries nobody wants.
  Result<std::string_view> read_piece(archive* reader, std::string& buffer) {
    const la_ssize_t got = lib.data(reader, buffer.data(), buffer.size());
    if (got < 0) return broken(reader);
    total += static_cast<std::uint64_t>(got);
    if (total > limits.max_total_bytes)
      return fail_hint(ErrorKind::invalid, "name the files in it one by one, or leave it out of the SBOM",
                       "the archive unpacks to more than {} bytes", limits.max_total_bytes);
    return std::string_view(buffer).substr(0, static_cast<std::size_t>(got));
  }

  Result<> read_entry(archive* reader, const std::string& name, bool in_deb, int nesting,
                      std::string& buffer) {
    std::string bytes;
    bool want = false, decided = false, too_large = false;
    const bool inner = in_deb && nesting < max_nesting && name.starts_with(deb_member);
    while (true) {
      const std::string_view piece = TRY(read_piece(reader, buffer));
      if (!decided && (piece.empty() || bytes.size() + piece.size() >= head_bytes)) {
        bytes.append(piece);
        decided = true;
        want = in_deb ? inner : wanted(name, std::string_view(bytes).substr(0, head_bytes));
        if (!want) bytes.clear();
      } else if ((want || !decided) && !too_large) {
        bytes.append(piece);
      }
      if (want && bytes.size() > limits.max_entry_bytes) {
        too_large = true;
        bytes = {};
      }
      if (piece.empty()) break;
    }
    if (too_large) ++passed_over;
    if (!want || too_large) return {};
    return inner ? walk(bytes, nesting + 1) : take(name, std::move(bytes));
  }

  Result<> walk(std::string_view bytes, int nesting) {
    const std::unique_ptr<archive, decltype(lib.free)> reader(lib.make(), lib.free);
    if (reader == nullptr) return fail(ErrorKind::failed, "out of memory for an archive");
    for (auto* const enable : lib.enable)
      if (enable(reader.get()) < ARCHIVE_WARN) return broken(reader.get());
    if (lib.open(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) return broken(reader.get());
    const bool deb = bytes.starts_with("!<arch>\ndebian-binary");
    std::string buffer(piece_bytes, '\0');
    while (true) {
      archive_entry* entry = nullptr;
      const int status = lib.next(reader.get(), &entry);
      if (status == ARCHIVE_EOF) return {};
      if (status < ARCHIVE_WARN) return broken(reader.get());
      if (++entries > limits.max_entries)
        return fail_hint(ErrorKind::invalid, "name the files in it one by one, or leave it out of the SBOM",
                         "the archive has more than {} entries", limits.max_entries);
      const char* const path = lib.path(entry);
      if (lib.type(entry) != AE_IFREG || path == nullptr) continue;
      TRY(read_entry(reader.get(), path, deb, nesting, buffer));
    }
  }
};

}  // namespace

bool looks_like_archive(std::string_view bytes) {
  for (const std::string_view magic :
       {"!<arch>\n", "PK\x03\x04", "\x1f\x8b", "\xfd\x37zXZ", "\x28\xb5\x2f\xfd", "BZh"})
    if (bytes.starts_with(magic)) return true;
  return bytes.size() > 262 && bytes.substr(257, 5) == "ustar";
}

Result<std::size_t> walk_archive(
    std::string_view bytes, const ArchiveLimits& limits,
    const std::function<bool(std::string_view name, std::string_view head)>& wanted,
    const std::function<Result<>(std::string_view name, std::string bytes)>& take) {
  Walk walk{*TRY(functions()), limits, wanted, take};
  TRY(walk.walk(bytes, 0));
  return walk.passed_over;
}

Result<std::string> read_deb_control(std::string_view bytes) {
  std::optional<std::string> control;
  const std::function<bool(std::string_view, std::string_view)> wanted = [&](std::string_view name,
                                                                             std::string_view) {
    return !control && (name == "./control" || name == "control");
  };
  const std::function<Result<>(std::string_view, std::string)> take = [&](std::string_view,
                                                                          std::string text) -> Result<> {
    control = std::move(text);
    return {};
  };
  const ArchiveLimits limits{
      .max_entries = 10'000, .max_total_bytes = 128 << 20, .max_entry_bytes = max_control_bytes};
  Walk walk{*TRY(functions()), limits, wanted, take, "control.tar"};
  const auto walked = walk.walk(bytes, 0);
  if (control) return *control;  // what follows it may be cut off
  if (!walked) return fail(walked.error());
  return fail_hint(ErrorKind::invalid, "build the package again (dpkg-deb --build)",
                   "the package has no control file of at most {} bytes", max_control_bytes);
}

}  // namespace tranche::sbom
