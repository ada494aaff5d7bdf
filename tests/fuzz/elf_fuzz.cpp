// ELF files come out of artifacts and archives that anybody may have made: no bytes may crash the reader or
// make it work long. rooms: sbom
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sbom/elf.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto elf = sbom::parse_elf(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!elf) return 0;
  if (elf->needed.size() > sbom::max_elf_needed) std::abort();
  for (const std::string& name : elf->needed)
    if (name.size() >= sbom::max_elf_string || name.find('\0') != std::string::npos) std::abort();
  return 0;
}
