// A score is nothing or 0 to 100 tenths, whatever stands in the vector; zips are listed and unpacked within
// bounds. rooms: vuln
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vuln/cvss.hpp"
#include "vuln/zip.hpp"

using namespace tranche::vuln;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto score_of : {cvss2_base_score, cvss3_base_score, cvss4_score})
    if (const auto score = score_of(text); score && (*score < 0 || *score > 100)) std::abort();
  (void)severity_of_word(text);
  const auto entries = list_zip(text, 64);
  if (!entries) return 0;
  Unpacker unpacker;
  for (const ZipEntry& entry : *entries)
    if (const auto bytes = unpacker.unpack(entry, 1 << 16); bytes && bytes->size() != entry.size)
      std::abort();
  return 0;
}
