// What an S3 server answers is a stranger's: any bytes are read or refused with a hint, and what was read is
// read again equal after it was escaped.
// rooms: store
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/s3_xml.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto root = store::parse_xml({reinterpret_cast<const char*>(data), size});
  if (!root) {
    if (root.error().hint.empty()) std::abort();
    return 0;
  }
  const auto again = store::parse_xml("<a>" + store::escape_xml(root->text) + "</a>");
  if (!again || again->text != root->text) std::abort();
  return 0;
}
