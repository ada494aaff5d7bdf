// Small ELF files for tests: one loadable segment from address 0, one dynamic section, one string table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tranche::sbom {

struct ElfSample {
  int bits = 64;
  std::uint16_t machine = 62;
  bool dynamic = true;
  std::vector<std::string> needed;
  std::string soname;
  std::uint64_t string_table_size = 0;     // 0: the right one
  std::uint64_t string_table_address = 0;  // 0: the right one

  [[nodiscard]] std::string bytes() const {
    const bool wide = bits == 64;
    const std::size_t word = wide ? 8 : 4;
    const std::size_t header = wide ? 64 : 52, segment = wide ? 56 : 32;
    std::string strings(1, '\0');
    std::vector<std::pair<std::uint64_t, std::uint64_t>> entries;
    const auto add = [&](std::uint64_t tag, const std::string& text) {
      entries.emplace_back(tag, strings.size());
      strings += text + '\0';
    };
    for (const std::string& name : needed) add(1, name);
    if (!soname.empty()) add(14, soname);
    const std::size_t table = header + 2 * segment;
    const std::size_t dynamic_size = (entries.size() + 3) * 2 * word;
    const std::size_t end = table + dynamic_size + strings.size();
    entries.emplace_back(5, string_table_address != 0 ? string_table_address : table + dynamic_size);
    entries.emplace_back(10, string_table_size != 0 ? string_table_size : strings.size());
    entries.emplace_back(0, 0);

    std::string out(
        "\x7f"
        "ELF");
    const auto put = [&](std::uint64_t value, std::size_t size) {
      for (std::size_t i = 0; i < size; ++i)
        out += i < 8 ? static_cast<char>(value >> (8 * i) & 0xff) : char{0};
    };
    put(wide ? 2 : 1, 1);
    put(1, 1);   // little-endian
    put(1, 10);  // version and padding
    put(3, 2);   // ET_DYN
    put(machine, 2);
    put(1, 4);
    put(0, word);       // entry
    put(header, word);  // program headers
    put(0, word);       // section headers
    put(0, 4);
    put(header, 2);
    put(segment, 2);
    put(dynamic ? 2 : 1, 2);
    put(0, 6);
    const auto put_segment = [&](std::uint64_t type, std::uint64_t at, std::uint64_t size) {
      put(type, 4);
      if (wide) put(4, 4);
      for (int i = 0; i < 3; ++i) put(at, word);  // offset, two addresses
      put(size, word);
      put(size, word);
      if (!wide) put(4, 4);
      put(0, word);
    };
    put_segment(1, 0, end);
    put_segment(2, table, dynamic_size);
    for (const auto& [tag, value] : entries) {
      put(tag, word);
      put(value, word);
    }
    return out + strings;
  }
};

}  // namespace tranche::sbom
