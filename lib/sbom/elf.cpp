// A bounded reader of ELF program headers and the dynamic section. Section headers are not used: the loader
// does not use them either, and stripped files lack them.
#include "sbom/elf.hpp"

#include <optional>

namespace tranche::sbom {

namespace {

constexpr std::uint32_t pt_load = 1, pt_dynamic = 2, pt_interp = 3;
constexpr std::uint64_t dt_null = 0, dt_needed = 1, dt_strtab = 5, dt_strsz = 10, dt_soname = 14;

std::unexpected<Error> broken(std::string_view what) {
  return fail_hint(ErrorKind::invalid, "build it again; a linker does not write such a file",
                   "broken ELF file: {}", what);
}

struct Segment {
  std::uint32_t type = 0;
  std::uint64_t offset = 0, address = 0, size = 0;  // size in the file
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes), wide_(bytes[4] == 2) {}

  Result<Elf> read() {
    Elf elf;
    elf.bits = wide_ ? 64 : 32;
    const auto machine = number(18, 2);
    const auto table = number(wide_ ? 32 : 28, word());
    const auto entry_size = number(wide_ ? 54 : 42, 2);
    const auto count = number(wide_ ? 56 : 44, 2);
    if (!machine || !table || !entry_size || !count) return broken("its header is cut");
    elf.machine = static_cast<std::uint16_t>(*machine);
    if (*count > max_elf_segments) return broken("too many segments");
    if (*count > 0 && *entry_size < (wide_ ? 56U : 32U)) return broken("its segment headers are too small");
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto segment = read_segment(*table, i * *entry_size);
      if (!segment) return broken("a segment header lies outside the file");
      segments_.push_back(*segment);
    }
    for (const Segment& segment : segments_) {
      if (segment.type == pt_interp) {
        const auto text = string_at(segment.offset, segment.size);
        if (!text) return broken("its interpreter lies outside the file");
        elf.interpreter = *text;
      }
      if (segment.type != pt_dynamic || elf.dynamic) continue;
      elf.dynamic = true;
      if (const auto done = read_dynamic(segment, elf); !done) return fail(done.error());
    }
    return elf;
  }

 private:
  [[nodiscard]] std::size_t word() const { return wide_ ? 8 : 4; }

  // Little-endian; nullopt outside the file.
  [[nodiscard]] std::optional<std::uint64_t> number(std::uint64_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return value;
  }

  [[nodiscard]] std::optional<Segment> read_segment(std::uint64_t table, std::uint64_t skip) const {
    if (table > bytes_.size()) return std::nullopt;  // skip is below 2^32, so the sum below cannot wrap
    const std::uint64_t at = table + skip;
    const auto type = number(at, 4);
    const auto offset = number(at + (wide_ ? 8 : 4), word());
    const auto address = number(at + (wide_ ? 16 : 8), word());
    const auto size = number(at + (wide_ ? 32 : 16), word());
    if (!type || !offset || !address || !size) return std::nullopt;
    return Segment{static_cast<std::uint32_t>(*type), *offset, *address, *size};
  }

  // Where an address of memory lies in the file.
  [[nodiscard]] std::optional<std::uint64_t> file_offset(std::uint64_t address) const {
    for (const Segment& segment : segments_)
      if (segment.type == pt_load && address >= segment.address && address - segment.address < segment.size &&
          segment.offset <= bytes_.size())
        return segment.offset + (address - segment.address);
    return std::nullopt;
  }

  // Up to the NUL, which must come within `room` bytes and the bound of strings.
  [[nodiscard]] std::optional<std::string> string_at(std::uint64_t at, std::uint64_t room) const {
    if (at >= bytes_.size()) return std::nullopt;
    const std::string_view rest = bytes_.substr(at, std::min<std::uint64_t>(room, max_elf_string));
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(rest.substr(0, end));
  }

  Result<> read_dynamic(const Segment& segment, Elf& elf) const {
    std::vector<std::uint64_t> needed;
    std::optional<std::uint64_t> soname, table, table_size;
    const std::uint64_t entries = segment.size / (2 * word());
    if (entries > max_elf_dynamic) return broken("its dynamic section is too long");
    if (segment.offset > bytes_.size()) return broken("its dynamic section lies outside the file");
    for (std::uint64_t i = 0; i < entries; ++i) {
      const std::uint64_t at = segment.offset + i * 2 * word();
      const auto tag = number(at, word());
      const auto value = number(at + word(), word());
      if (!tag || !value) return broken("its dynamic section lies outside the file");
      if (*tag == dt_null) break;
      if (*tag == dt_needed) needed.push_back(*value);
      if (*tag == dt_soname) soname = value;
      if (*tag == dt_strtab) table = value;
      if (*tag == dt_strsz) table_size = value;
      if (needed.size() > max_elf_needed) return broken("it needs too many libraries");
    }
    if (needed.empty() && !soname) return {};
    const auto strings = table ? file_offset(*table) : std::nullopt;
    if (!strings || !table_size) return broken("its string table lies outside the file");
    const auto text = [&](std::uint64_t at) -> std::optional<std::string> {
      if (at >= *table_size || at > bytes_.size()) return std::nullopt;
      return string_at(*strings + at, *table_size - at);
    };
    for (const std::uint64_t at : needed) {
      auto name = text(at);
      if (!name) return broken("the name of a library lies outside the file");
      elf.needed.push_back(std::move(*name));
    }
    if (soname) {
      auto name = text(*soname);
      if (!name) return broken("its own name lies outside the file");
      elf.soname = std::move(*name);
    }
    return {};
  }

  std::string_view bytes_;
  bool wide_;
  std::vector<Segment> segments_;
};

}  // namespace

bool is_elf(std::string_view bytes) {
  return bytes.starts_with(
      "\x7f"
      "ELF");
}

Result<Elf> parse_elf(std::string_view bytes) {
  if (!is_elf(bytes)) return fail(ErrorKind::invalid, "not an ELF file");
  if (bytes.size() < 20) return broken("its header is cut");
  if (bytes[4] != 1 && bytes[4] != 2) return broken("neither 32 nor 64 bits");
  if (bytes[5] != 1) return fail(ErrorKind::invalid, "big-endian ELF files are not read");
  return Reader(bytes).read();
}

}  // namespace tranche::sbom
