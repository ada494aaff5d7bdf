// A trusted root is a file like any other: no bytes may crash its reader, and every log that comes out of it
// says since when it is believed.
// rooms: sigstore
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sigstore/trusted_root.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto root = sigstore::parse_trusted_root({reinterpret_cast<const char*>(data), size});
  if (!root) return 0;
  for (const auto& log : root->logs)
    if (!log.validity.from || !log.key.fits(log.scheme)) std::abort();
  for (const auto& authority : root->authorities)
    if (authority.chain.empty()) std::abort();
  return 0;
}
