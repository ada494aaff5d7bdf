// Directions for static feeds: what each channel file says, without labels.
#include <algorithm>

#include "base/version.hpp"
#include "cohort/clients.hpp"
#include "cohort/internal.hpp"

namespace tranche::cohort {

using namespace internal;

namespace {

bool for_everyone(const Rule& rule) {
  return rule.labels.empty() && rule.devices.empty() && rule.feed_channel.empty();
}

// The newest of the candidates that every hold on this feed channel, or on everyone, allows.
std::string allowed(const Directions& directions, std::string_view feed_channel,
                    std::initializer_list<std::string_view> candidates) {
  for (const std::string_view candidate : candidates) {
    const bool kept = std::any_of(directions.holds.begin(), directions.holds.end(), [&](const Hold& hold) {
      const bool everyone = hold.labels.empty() && hold.feed_channel.empty();
      return (everyone || (!feed_channel.empty() && hold.feed_channel == feed_channel)) &&
             !allows(hold.max_version, candidate);
    });
    if (!candidate.empty() && !kept) return std::string(candidate);
  }
  return {};
}

}  // namespace

std::string standing_release(const Directions& directions) {
  std::string standing = directions.baseline;
  if (!standing.empty() && find_withdrawn(directions, standing) != nullptr)
    standing = final_fallback(directions, standing);
  for (const Withdrawn& withdrawn : directions.withdrawn) {
    const std::string_view fallback = final_fallback(directions, withdrawn.version);
    if (fallback.empty() || compare_versions(fallback, withdrawn.version) <= 0) continue;
    if (compare_versions(fallback, standing) > 0) standing = fallback;
  }
  return standing;
}

std::vector<Track> tracks(const Directions& directions, std::span<const std::string> feed_channels) {
  const std::string standing = standing_release(directions);
  const bool rescue =
      std::any_of(directions.withdrawn.begin(), directions.withdrawn.end(), [&](const Withdrawn& withdrawn) {
        return !standing.empty() && final_fallback(directions, withdrawn.version) == standing;
      });
  const bool offered = directions.offer && find_withdrawn(directions, directions.offer->release) == nullptr;
  std::uint32_t general = 0;
  if (offered)
    for (const Rule& rule : directions.offer->rules)
      if (for_everyone(rule)) general = std::max(general, chance_ppm(rule));

  std::vector<std::string> names{""};
  names.insert(names.end(), feed_channels.begin(), feed_channels.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<Track> out;
  for (const std::string& name : names) {
    std::uint32_t share = general;
    if (offered && !name.empty())
      for (const Rule& rule : directions.offer->rules)
        if (rule.feed_channel == name) share = std::max(share, chance_ppm(rule));
    Track track;
    track.feed_channel = name;
    track.previous = allowed(directions, name, {standing});
    track.release = track.previous;
    track.share = Percent{Percent::whole};
    track.rescue = rescue;
    if (share > 0 && allowed(directions, name, {directions.offer->release}) == directions.offer->release) {
      track.release = directions.offer->release;
      track.share = Percent{share};
      track.rescue = false;
    }
    if (track.share.everyone()) track.previous.clear();
    track.emptied = track.release.empty() && standing.empty() && !directions.withdrawn.empty();
    out.push_back(std::move(track));
  }
  return out;
}

Track honour(const Capabilities& client, Track track, bool served) {
  if (track.share.everyone()) return track;
  const Reach said = reach(client, track.share);
  if (served || said.written.ppm == 0) {
    track.release = track.previous;
    track.previous.clear();
    track.share = Percent{Percent::whole};
    return track;
  }
  track.share = said.written;
  return track;
}

}  // namespace tranche::cohort
