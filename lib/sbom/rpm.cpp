// rpm.org "RPM V4 Package format": a lead of 96 bytes, then two headers of one form: magic, number of index
// entries, size of the data; entries of 16 bytes (tag, type, offset, count), all big-endian. The first header
// is padded to 8 bytes.
#include "sbom/rpm.hpp"

#include "base/text.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t lead_bytes = 96;
constexpr std::size_t max_entries = 65'536;  // rpm's own limits
constexpr std::size_t max_data = 256 << 20;
constexpr std::uint32_t type_int32 = 4;
constexpr std::uint32_t type_string = 6;
constexpr std::uint32_t type_string_array = 8;
constexpr std::uint32_t type_i18n = 9;

enum Tag : std::uint32_t {
  tag_name = 1000,
  tag_version = 1001,
  tag_release = 1002,
  tag_epoch = 1003,
  tag_summary = 1004,
  tag_vendor = 1011,
  tag_license = 1014,
  tag_url = 1020,
  tag_arch = 1022,
  tag_source_rpm = 1044,
};

std::uint32_t u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = (value << 8) | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

struct Header {
  std::string_view index, data;
  std::size_t end = 0;  // offset behind it
};

std::unexpected<Error> broken(const std::string& file, std::size_t offset, std::string_view why) {
  return fail_hint(ErrorKind::invalid, "is the file cut off? rpm -K tells", "{}: at byte {}: {}",
                   printable(file), offset, why);
}

Result<Header> read_header(std::string_view bytes, std::size_t at, const std::string& file) {
  if (bytes.size() < at + 16) return broken(file, at, "the file ends within a header");
  if (bytes.substr(at, 3) != "\x8e\xad\xe8") return broken(file, at, "no header begins here");
  const std::size_t entries = u32(bytes, at + 8);
  const std::size_t size = u32(bytes, at + 12);
  if (entries > max_entries || size > max_data)
    return broken(file, at, "the header is larger than rpm allows");
  const std::size_t begin = at + 16;
  if (bytes.size() - begin < entries * 16 + size) return broken(file, at, "the file ends within a header");
  return Header{bytes.substr(begin, entries * 16), bytes.substr(begin + entries * 16, size),
                begin + entries * 16 + size};
}

// Where the data of a tag is and what type it has.
struct Entry {
  std::uint32_t type, offset, count;
};
std::optional<Entry> find_entry(const Header& header, std::uint32_t tag) {
  for (std::size_t i = 0; i + 16 <= header.index.size(); i += 16)
    if (u32(header.index, i) == tag)
      return Entry{u32(header.index, i + 4), u32(header.index, i + 8), u32(header.index, i + 12)};
  return std::nullopt;
}

// The first text of a tag; empty when there is none, or it is not what it should be.
std::string text_of(const Header& header, std::uint32_t tag) {
  const auto entry = find_entry(header, tag);
  if (!entry || entry->count == 0 || entry->offset >= header.data.size()) return {};
  if (entry->type != type_string && entry->type != type_string_array && entry->type != type_i18n) return {};
  const std::string_view rest = header.data.substr(entry->offset);
  const std::size_t end = rest.find('\0');
  return end == rest.npos || !is_valid_utf8(rest.substr(0, end)) ? std::string()
                                                                 : std::string(rest.substr(0, end));
}

std::string number_of(const Header& header, std::uint32_t tag) {
  const auto entry = find_entry(header, tag);
  if (!entry || entry->type != type_int32 || entry->count == 0 ||
      entry->offset + std::size_t{4} > header.data.size())
    return {};
  return fmt::format("{}", u32(header.data, entry->offset));
}

}  // namespace

bool is_rpm(std::string_view bytes) { return bytes.starts_with("\xed\xab\xee\xdb"); }

Result<Component> read_rpm(std::string_view head, const std::string& file) {
  if (!is_rpm(head)) return broken(file, 0, "this is no .rpm");
  const Header signature = TRY(read_header(head, lead_bytes, file));
  const Header header = TRY(read_header(head, (signature.end + 7) / 8 * 8, file));
  Component component;
  component.name = text_of(header, tag_name);
  const std::string version = text_of(header, tag_version);
  const std::string release = text_of(header, tag_release);
  if (component.name.empty() || version.empty())
    return broken(file, signature.end, "the header names no package");
  component.version = release.empty() ? version : fmt::format("{}-{}", version, release);
  const std::string source = text_of(header, tag_source_rpm);
  const bool is_source = source.empty();
  component.purl = make_purl(
      "rpm", "", component.name, component.version,
      {{"arch", is_source ? "src" : text_of(header, tag_arch)}, {"epoch", number_of(header, tag_epoch)}});
  component.bom_ref = component.purl;
  if (std::string license = text_of(header, tag_license); !license.empty())
    component.licenses.push_back(std::move(license));
  component.description = text_of(header, tag_summary);
  component.supplier = text_of(header, tag_vendor);
  if (!is_source) component.properties.emplace_back("rpm:source", source);
  return component;
}

}  // namespace tranche::sbom
