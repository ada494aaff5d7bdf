// The feeds that this build writes and reads beside the native one.
#include <algorithm>

#include "base/encoding.hpp"
#include "channel/ecosystem_list.hpp"

namespace tranche::channel {

const std::vector<Ecosystem>& ecosystems() {
  static const std::vector<Ecosystem> all{electron(), apt(), tauri(), sparkle(), velopack(), squirrel()};
  return all;
}

const Ecosystem* find_ecosystem(std::string_view feed) {
  const auto found = std::find_if(ecosystems().begin(), ecosystems().end(),
                                  [&](const Ecosystem& one) { return one.feed == feed; });
  return found == ecosystems().end() ? nullptr : &*found;
}

std::string name_below(std::string_view base_url, std::string_view url) {
  constexpr std::string_view ours = "tranche/v1/releases/";
  url = url.substr(0, url.find_first_of("?#"));
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  std::string_view rest;
  if (!base_url.empty() && url.starts_with(base_url) && url.substr(base_url.size()).starts_with('/'))
    rest = url.substr(base_url.size() + 1);
  else if (const auto at = url.find("/" + std::string(ours));
           base_url.empty() && at != std::string_view::npos)
    rest = url.substr(at + 1);
  auto name = percent_decode(rest);
  return name && store::check_name(*name) ? std::move(*name) : std::string();
}

std::string facts_name(std::string_view feed) { return std::string(feed) + ".feed.json"; }

}  // namespace tranche::channel
