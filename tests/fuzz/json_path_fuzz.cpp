// A JSONPath is the user's, the document a stranger's: neither may crash the walk or make it endless. The
// bytes before the first newline are the path, the rest is the document.
// rooms: metrics
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "metrics/json_path.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t end = all.find('\n');
  const auto path = metrics::internal::JsonPath::compile(all.substr(0, end));
  if (!path) {
    if (path.error().hint.empty()) std::abort();
    return 0;
  }
  if (end == std::string_view::npos) return 0;
  const auto document = doc::parse_json(all.substr(end + 1), "fuzz", {1 << 16, 64, 10'000});
  if (document) (void)path->first(*document);
  return 0;
}
