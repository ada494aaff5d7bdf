// What an ELF file says that it links. The bytes are hostile: every offset, size and count is checked before
// it is used, and the numbers below bound the work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::sbom {

inline constexpr std::size_t max_elf_segments = 4096;
inline constexpr std::size_t max_elf_dynamic = 65'536;
inline constexpr std::size_t max_elf_needed = 1024;
inline constexpr std::size_t max_elf_string = 4096;

struct Elf {
  int bits = 64;                    // 32 or 64
  std::uint16_t machine = 0;        // e_machine: 62 x86-64, 183 AArch64, 3 i386, 40 ARM, 243 RISC-V
  std::string interpreter;          // PT_INTERP; empty for libraries and static programs
  std::string soname;               // DT_SONAME
  bool dynamic = false;             // has PT_DYNAMIC
  std::vector<std::string> needed;  // DT_NEEDED in order
};

bool is_elf(std::string_view bytes);
// ELF32 or ELF64, little-endian (gABI chapters 4 and 5). kind invalid with the reason otherwise.
Result<Elf> parse_elf(std::string_view bytes);

}  // namespace tranche::sbom
