// The feeds that this build writes and reads beside the native one.
#include <algorithm>

#include "channel/ecosystem_list.hpp"

namespace tranche::channel {

const std::vector<Ecosystem>& ecosystems() {
  static const std::vector<Ecosystem> all{electron(), tauri(), sparkle(), velopack(), squirrel()};
  return all;
}

const Ecosystem* find_ecosystem(std::string_view feed) {
  const auto found = std::find_if(ecosystems().begin(), ecosystems().end(),
                                  [&](const Ecosystem& one) { return one.feed == feed; });
  return found == ecosystems().end() ? nullptr : &*found;
}

std::string facts_name(std::string_view feed) { return std::string(feed) + ".feed.json"; }

}  // namespace tranche::channel
