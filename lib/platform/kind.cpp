#include "platform/kind.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "base/text.hpp"

namespace tranche::platform {
namespace {

using namespace std::string_view_literals;

// deb(5); rpm's lead; "PE Format" and "Compound File Binary" of Microsoft; cabinet's CFHEADER; xar, zip.
constexpr std::array<std::pair<std::string_view, FileKind>, 7> beginnings{{
    {"!<arch>\ndebian-binary"sv, FileKind::deb},
    {"\xed\xab\xee\xdb"sv, FileKind::rpm},
    {"MZ"sv, FileKind::program},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, FileKind::installer},
    {"MSCF"sv, FileKind::cabinet},
    {"PK\x03\x04"sv, FileKind::archive},
    {"xar!"sv, FileKind::archive},
}};
constexpr std::size_t first_bytes = 32;

bool is_one_of(FileKind kind, std::initializer_list<FileKind> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

bool can_be(FileKind kind, std::string_view format) {
  if (format == "deb") return kind == FileKind::deb;
  if (format == "rpm") return kind == FileKind::rpm;
  if (format == "authenticode") return !is_one_of(kind, {FileKind::empty, FileKind::deb, FileKind::rpm});
  // A disk image has its mark at its end.
  return is_one_of(kind, {FileKind::unknown, FileKind::archive});
}

std::string_view wanted_by(std::string_view format) {
  if (format == "deb") return "a .deb package";
  if (format == "rpm") return "an .rpm package";
  if (format == "authenticode") return "a PE, MSI or CAB";
  return "a zip, dmg or pkg";
}

}  // namespace

FileKind kind_of(std::string_view first) {
  if (first.empty()) return FileKind::empty;
  for (const auto& [beginning, kind] : beginnings)
    if (first.starts_with(beginning)) return kind;
  return FileKind::unknown;
}

std::string_view describe(FileKind kind) {
  switch (kind) {
    case FileKind::empty:
      return "empty";
    case FileKind::deb:
      return "a .deb package";
    case FileKind::rpm:
      return "an .rpm package";
    case FileKind::program:
      return "a Windows program";
    case FileKind::installer:
      return "an MSI";
    case FileKind::cabinet:
      return "a cabinet";
    case FileKind::archive:
      return "an archive";
    case FileKind::unknown:
      break;
  }
  return "of no known kind";
}

Result<std::string> find_mismatch(ports::Files& files, const std::string& path, std::string_view format) {
  const auto reader = TRY(files.open(path));
  std::string first(first_bytes, '\0');
  std::size_t got = 0;
  while (got < first.size()) {
    const std::size_t count = TRY(reader->read(first.data() + got, first.size() - got));
    if (count == 0) break;
    got += count;
  }
  const FileKind kind = kind_of(std::string_view(first).substr(0, got));
  if (can_be(kind, format)) return std::string();
  return fmt::format("the file is {}, not {}", describe(kind), wanted_by(format));
}

}  // namespace tranche::platform
