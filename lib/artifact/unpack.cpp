#include "artifact/unpack.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <memory>

#include "base/text.hpp"
#include "ports/first_use.hpp"

namespace tranche::artifact {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::size_t max_tar_entries = 10'000;
constexpr std::size_t max_tar_bytes = 64 << 20;

struct Functions {
  decltype(archive_read_new)* make = nullptr;
  decltype(archive_read_free)* free = nullptr;
  decltype(archive_read_open_memory)* open = nullptr;
  decltype(archive_read_next_header)* next = nullptr;
  decltype(archive_read_data)* data = nullptr;
  decltype(archive_error_string)* error = nullptr;
  decltype(archive_entry_pathname)* path = nullptr;
  decltype(archive_entry_filetype)* type = nullptr;
  decltype(archive_filter_count)* filters_in_use = nullptr;
  int (*raw)(archive*) = nullptr;
  int (*empty)(archive*) = nullptr;
  int (*tar)(archive*) = nullptr;
  int (*filters[5])(archive*) = {};
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
    TRY(library.load(f.filters_in_use, "archive_filter_count"));
    TRY(library.load(f.raw, "archive_read_support_format_raw"));
    TRY(library.load(f.empty, "archive_read_support_format_empty"));
    TRY(library.load(f.tar, "archive_read_support_format_tar"));
    std::size_t next = 0;
    for (const char* name : {"archive_read_support_filter_gzip", "archive_read_support_filter_xz",
                             "archive_read_support_filter_zstd", "archive_read_support_filter_bzip2",
                             "archive_read_support_filter_lzma"})
      TRY(library.load(f.filters[next++], name));
    return f;
  }();
  if (!loaded) return fail(loaded.error());
  return &*loaded;
}

// The beginnings of packed bytes, in the order of Functions::filters.
constexpr std::array<std::string_view, 5> magics{"\x1f\x8b", "\xfd\x37zXZ", "\x28\xb5\x2f\xfd", "BZh",
                                                 std::string_view("\x5d\0\0", 3)};
std::optional<std::size_t> filter_of(std::string_view bytes) {
  for (std::size_t i = 0; i < magics.size(); ++i)
    if (bytes.starts_with(magics[i])) return i;
  return std::nullopt;
}

// An opened archive: its entries one after the other.
class Walker {
 public:
  static Result<Walker> open(std::string_view bytes, bool tar) {
    Walker walker(*TRY(functions()));
    if (walker.reader_ == nullptr) return fail(ErrorKind::failed, "out of memory for an archive");
    bool good = (tar ? walker.lib_.tar : walker.lib_.raw)(walker.reader_.get()) >= ARCHIVE_WARN;
    if (!tar) good = good && walker.lib_.empty(walker.reader_.get()) >= ARCHIVE_WARN;
    // Only the one it begins with: what comes out could look like another.
    if (const auto filter = filter_of(bytes))
      good = good && walker.lib_.filters[*filter](walker.reader_.get()) >= ARCHIVE_WARN;
    if (!good || walker.lib_.open(walker.reader_.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
      return walker.broken();
    return walker;
  }

  // The path of the next entry, empty for what is no regular file; nullopt at the end.
  Result<std::optional<std::string>> next() {
    archive_entry* entry = nullptr;
    const int status = lib_.next(reader_.get(), &entry);
    if (status == ARCHIVE_EOF) return std::optional<std::string>();
    if (status < ARCHIVE_WARN) return broken();
    const char* const path = lib_.path(entry);
    return std::optional<std::string>(lib_.type(entry) == AE_IFREG && path != nullptr ? path : "");
  }

  // One filter is always there: the bytes themselves.
  [[nodiscard]] bool is_packed() const { return lib_.filters_in_use(reader_.get()) > 1; }

  // The next piece of the entry, empty at its end. All pieces count, also of entries nobody wants.
  Result<std::string_view> read(std::size_t max_total) {
    const la_ssize_t got = lib_.data(reader_.get(), buffer_.data(), buffer_.size());
    if (got < 0) return broken();
    total_ += static_cast<std::size_t>(got);
    if (total_ > max_total)
      return fail_hint(ErrorKind::invalid,
                       "look at where it comes from: a file so large is not expected there",
                       "it unpacks to more than {} bytes", max_total);
    return std::string_view(buffer_).substr(0, static_cast<std::size_t>(got));
  }

 private:
  explicit Walker(const Functions& lib)
      : lib_(lib), reader_(lib.make(), lib.free), buffer_(piece_bytes, '\0') {}
  [[nodiscard]] std::unexpected<Error> broken() const {
    const char* text = lib_.error(reader_.get());
    return fail_hint(ErrorKind::invalid, "pack it again", "broken archive: {}",
                     printable(text == nullptr ? "unreadable" : text));
  }

  const Functions& lib_;
  std::unique_ptr<archive, decltype(&archive_read_free)> reader_;
  std::string buffer_;
  std::size_t total_ = 0;
};

}  // namespace

Result<std::string> unpack(std::string_view bytes, std::size_t max_bytes) {
  std::string out;
  if (!filter_of(bytes)) {
    if (bytes.size() > max_bytes)
      return fail_hint(ErrorKind::invalid, "look at where it comes from", "it has more than {} bytes",
                       max_bytes);
    out = bytes;
    return out;
  }
  Walker walker = TRY(Walker::open(bytes, false));
  if (!TRY(walker.next())) return out;  // nothing was packed
  // A broken header is nothing that a filter knows, and the bytes would pass as what they stand for.
  if (!walker.is_packed())
    return fail_hint(ErrorKind::invalid, "pack it again", "broken archive: its header cannot be read");
  while (true) {
    const std::string_view piece = TRY(walker.read(max_bytes));
    if (piece.empty()) return out;
    out.append(piece);
  }
}

Result<std::optional<std::string>> tar_member(std::string_view bytes, std::string_view name,
                                              std::size_t max_bytes) {
  Walker walker = TRY(Walker::open(bytes, true));
  for (std::size_t entries = 0;; ++entries) {
    const auto path = TRY(walker.next());
    if (!path) return std::optional<std::string>();
    if (entries >= max_tar_entries)
      return fail_hint(ErrorKind::invalid, "pack it again", "the archive has more than {} entries",
                       max_tar_entries);
    std::string_view found = *path;
    while (found.starts_with("./")) found.remove_prefix(2);
    const bool wanted = !found.empty() && found == name;
    std::string out;
    while (true) {
      const std::string_view piece = TRY(walker.read(max_tar_bytes));
      if (piece.empty()) break;
      if (!wanted) continue;
      if (out.size() + piece.size() > max_bytes)
        return fail_hint(ErrorKind::invalid, "look at where it comes from", "'{}' has more than {} bytes",
                         printable(name, 60), max_bytes);
      out.append(piece);
    }
    if (wanted) return std::optional<std::string>(std::move(out));
  }
}

}  // namespace tranche::artifact
