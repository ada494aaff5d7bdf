#include "journal/bundle.hpp"

#include <cassert>
#include <cstdint>

#include "journal/tiles.hpp"

namespace tranche::journal {

void add_to_bundle(std::string& bundle, std::string_view entry) {
  assert(entry.size() <= 65'535);
  bundle += static_cast<char>(entry.size() >> 8);
  bundle += static_cast<char>(entry.size() & 0xff);
  bundle += entry;
}

Result<std::vector<std::string_view>> split_bundle(std::string_view bundle) {
  std::vector<std::string_view> entries;
  while (!bundle.empty()) {
    if (entries.size() == 256)
      return fail_hint(ErrorKind::verification, changed_hint, "an entry bundle holds more than 256 entries");
    if (bundle.size() < 2)
      return fail_hint(ErrorKind::verification, changed_hint, "an entry bundle ends inside a length");
    const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(bundle[0]) << 8 |
                                                 static_cast<std::uint8_t>(bundle[1]));
    if (bundle.size() - 2 < length)
      return fail_hint(ErrorKind::verification, changed_hint, "an entry bundle ends inside an entry");
    entries.push_back(bundle.substr(2, length));
    bundle.remove_prefix(2 + length);
  }
  return entries;
}

}  // namespace tranche::journal
