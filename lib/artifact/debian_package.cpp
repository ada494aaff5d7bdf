#include "artifact/debian_package.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "artifact/unpack.hpp"
#include "base/deb822.hpp"
#include "base/debian_version.hpp"
#include "base/text.hpp"

namespace tranche::artifact {

namespace {

constexpr std::string_view magic = "!<arch>\n";
constexpr std::size_t header_bytes =
    60;  // of a member: name 16, date 12, owner 6, group 6, mode 8, size 10, "`\n"
constexpr std::size_t max_members = 16;  // before control.tar
constexpr const char* rebuild = "build the package again (dpkg-deb --build), or name the right file";

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Debian Policy 5.6.1.
bool is_package_name(std::string_view name) {
  return name.size() >= 2 && name.size() <= 128 && is_alphanumeric(name.front()) &&
         std::ranges::all_of(name,
                             [](char c) { return is_alphanumeric(c) || c == '+' || c == '-' || c == '.'; });
}
bool is_architecture(std::string_view name) {
  return !name.empty() && name.size() <= 64 && is_alphanumeric(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

// Makes at least `count` bytes of the package known, or as many as there are; says what is known.
using Need = std::function<Result<std::string_view>(std::size_t count)>;

struct Member {
  std::string name;
  std::size_t start = 0, size = 0;
};

Result<Member> read_member(const Need& need, std::size_t at) {
  const std::string_view bytes = TRY(need(at + header_bytes));
  if (bytes.size() < at + header_bytes)
    return fail_hint(ErrorKind::invalid, rebuild, "it ends before its control file");
  const std::string_view header = bytes.substr(at, header_bytes);
  Member member;
  member.name = trim(header.substr(0, 16));
  if (member.name.ends_with('/')) member.name.pop_back();
  member.start = at + header_bytes;
  const auto size = parse_u64(trim(header.substr(48, 10)));
  if (!size || header.substr(58) != "`\n")
    return fail_hint(ErrorKind::invalid, rebuild, "its members cannot be read");
  if (*size > max_control_archive)
    return fail_hint(ErrorKind::invalid, rebuild, "its member '{}' has more than {} bytes",
                     printable(member.name, 20), max_control_archive);
  member.size = static_cast<std::size_t>(*size);
  return member;
}

Result<DebianPackage> read_package(const Need& need) {
  const std::string_view start = TRY(need(magic.size()));
  if (!start.starts_with(magic)) return fail_hint(ErrorKind::invalid, rebuild, "it is no Debian package");
  std::size_t at = magic.size();
  for (std::size_t members = 0; members < max_members; ++members) {
    const Member member = TRY(read_member(need, at));
    if (members == 0 && member.name != "debian-binary")
      return fail_hint(ErrorKind::invalid, rebuild, "it is no Debian package");
    const std::string_view bytes = TRY(need(member.start + member.size));
    if (bytes.size() < member.start + member.size)
      return fail_hint(ErrorKind::invalid, rebuild, "it ends in the middle of '{}'",
                       printable(member.name, 20));
    const std::string_view content = bytes.substr(member.start, member.size);
    if (members == 0 && !content.starts_with("2."))
      return fail_hint(ErrorKind::invalid, rebuild, "its format is '{}', only 2.x is known",
                       printable(trim(content), 20));
    if (member.name.starts_with("control.tar")) {
      const auto control = TRY_WHILE(fmt::format("unpacking {}", printable(member.name, 20)),
                                     tar_member(content, "control", max_control_bytes));
      if (!control) return fail_hint(ErrorKind::invalid, rebuild, "it has no control file");
      return parse_control(*control);
    }
    at = member.start + member.size + member.size % 2;
  }
  return fail_hint(ErrorKind::invalid, rebuild, "it has no control file");
}

}  // namespace

Result<DebianPackage> parse_control(std::string_view stanza) {
  Deb822Limits limits;
  limits.max_stanzas = 1;
  limits.max_stanza_bytes = max_control_bytes;
  const auto stanzas = TRY_WHILE("reading its control file", parse_deb822(stanza, limits));
  if (stanzas.empty()) return fail_hint(ErrorKind::invalid, rebuild, "its control file is empty");
  const Deb822Stanza& fields = stanzas.front();
  if (!is_valid_utf8(fields.text))
    return fail_hint(ErrorKind::invalid, rebuild, "its control file is not UTF-8");
  DebianPackage package;
  package.control = fields.text;
  package.name = fields.find("Package").value_or("");
  package.version = fields.find("Version").value_or("");
  package.architecture = fields.find("Architecture").value_or("");
  if (!is_package_name(package.name))
    return fail_hint(ErrorKind::invalid, rebuild, "'{}' is no name of a package",
                     printable(package.name, 60));
  if (!valid_debian_version(package.version))
    return fail_hint(ErrorKind::invalid, rebuild, "'{}' is no version of a package",
                     printable(package.version, 60));
  if (!is_architecture(package.architecture))
    return fail_hint(ErrorKind::invalid, rebuild, "'{}' is no architecture",
                     printable(package.architecture, 60));
  // "Source: name (version)", either part only where it differs.
  const std::string_view source = fields.find("Source").value_or("");
  const std::size_t open = source.find('(');
  package.source = trim(source.substr(0, open));
  if (package.source.empty()) package.source = package.name;
  package.source_version = package.version;
  if (open != source.npos)
    package.source_version = trim(source.substr(open + 1, source.find(')', open) - open - 1));
  if (!is_package_name(package.source) || !valid_debian_version(package.source_version))
    return fail_hint(ErrorKind::invalid, rebuild, "'{}' names no source package", printable(source, 60));
  return package;
}

Result<DebianPackage> parse_debian_package(std::string_view bytes) {
  return read_package([&](std::size_t) -> Result<std::string_view> { return bytes; });
}

Result<DebianPackage> read_debian_package(ports::Files& files, const std::string& path) {
  const auto reader = TRY(files.open(path));
  std::string known;
  bool ended = false;
  return read_package([&](std::size_t count) -> Result<std::string_view> {
    std::array<char, 16 * 1024> piece;
    while (known.size() < count && !ended) {
      const std::size_t got = TRY(reader->read(piece.data(), piece.size()));
      ended = got == 0;
      known.append(piece.data(), got);
    }
    return std::string_view(known);
  });
}

}  // namespace tranche::artifact
