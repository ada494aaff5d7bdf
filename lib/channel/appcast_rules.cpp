#include "channel/appcast_rules.hpp"

#include <algorithm>

#include "base/sparkle_version.hpp"

namespace tranche::channel {

namespace {

constexpr unsigned groups = 7;

bool system_fits(const AppcastItem& item, const SparkleHost& host) {
  if (!host.system) return item.maximum_system.empty();
  return (item.minimum_system.empty() || compare_sparkle_versions(item.minimum_system, *host.system) <= 0) &&
         (item.maximum_system.empty() || compare_sparkle_versions(item.maximum_system, *host.system) >= 0);
}

bool is_skipped(const AppcastItem& item, const SparkleHost& host) {
  if (!host.skipped_major.empty() && runs_below(host, host.skipped_major) &&
      !item.minimum_autoupdate.empty() &&
      compare_sparkle_versions(host.skipped_major, item.minimum_autoupdate) >= 0 &&
      (item.ignore_skipped_below.empty() ||
       (!host.skipped_major_sub.empty() &&
        compare_sparkle_versions(host.skipped_major_sub, item.ignore_skipped_below) >= 0)))
    return true;
  return !host.skipped.empty() && compare_sparkle_versions(host.skipped, item.version) >= 0;
}

bool is_ready(const AppcastItem& item, const SparkleHost& host, Instant now) {
  return !host.group || is_critical(item, host) || *host.group < groups_ready(item, now);
}

}  // namespace

bool runs_below(const SparkleHost& host, std::string_view version) {
  return !host.version || compare_sparkle_versions(*host.version, version) < 0;
}

bool is_critical(const AppcastItem& item, const SparkleHost& host) {
  return item.critical && (item.critical->empty() || runs_below(host, *item.critical));
}

bool is_informational(const AppcastItem& item, const SparkleHost& host) {
  if (!item.informational) return false;
  if (item.informational->empty()) return true;
  return std::any_of(item.informational->begin(), item.informational->end(), [&](const std::string& one) {
    if (one.starts_with('<')) return runs_below(host, std::string_view(one).substr(1));
    return host.version && *host.version == one;
  });
}

bool is_major_upgrade(const AppcastItem& item, const SparkleHost& host) {
  return !item.minimum_autoupdate.empty() && runs_below(host, item.minimum_autoupdate);
}

unsigned groups_ready(const AppcastItem& item, Instant now) {
  if (!item.phased_interval || !item.released) return groups;
  const Duration since = now - *item.released;
  unsigned ready = 0;
  for (unsigned group = 0; group < groups; ++group) {
    // In doubles, as the client computes: whole seconds below 2^53 are exact.
    const double wait = static_cast<double>(*item.phased_interval) * group;
    if (static_cast<double>(since.count()) / 1000.0 >= wait) ready = group + 1;
  }
  return ready;
}

std::vector<const AppcastItem*> visible_items(const Appcast& appcast, const SparkleHost& host) {
  std::vector<const AppcastItem*> out;
  for (const AppcastItem& item : appcast.items) {
    if (item.enclosure && !item.enclosure->os.empty() && item.enclosure->os != "macos") continue;
    if (item.enclosure && !item.enclosure->delta_from.empty()) continue;
    if (!item.minimum_update.empty() && runs_below(host, item.minimum_update)) continue;
    if (item.channel.empty() || host.channels.contains(item.channel)) out.push_back(&item);
  }
  return out;
}

std::vector<const AppcastItem*> supported_items(const std::vector<const AppcastItem*>& items,
                                                const SparkleHost& host, Instant now, bool without_major) {
  std::vector<const AppcastItem*> out;
  for (const AppcastItem* item : items)
    if (system_fits(*item, host) && is_ready(*item, host, now) &&
        !(without_major && is_major_upgrade(*item, host)) && !is_skipped(*item, host))
      out.push_back(item);
  return out;
}

const AppcastItem* best_item(const std::vector<const AppcastItem*>& items) {
  const AppcastItem* best = nullptr;
  for (const AppcastItem* item : items)
    if (best == nullptr || compare_sparkle_versions(best->version, item->version) < 0) best = item;
  return best;
}

SparkleChoice choose_update(const Appcast& appcast, const SparkleHost& host, Instant now) {
  SparkleChoice out;
  const auto visible = visible_items(appcast, host);
  const auto is_newer = [&](const AppcastItem* item) {
    return item != nullptr && runs_below(host, item->version);
  };
  const AppcastItem* minor = best_item(supported_items(visible, host, now, true));
  const AppcastItem* any = is_newer(minor) ? minor : best_item(supported_items(visible, host, now, false));
  if (is_newer(any)) {
    out.item = any;
    out.critical = is_critical(*any, host);
    out.informational = is_informational(*any, host);
    out.major = is_major_upgrade(*any, host);
  } else {
    out.standing = minor != nullptr ? minor : any;
  }
  SparkleHost impatient = host;
  impatient.group.reset();
  const AppcastItem* open =
      best_item(supported_items(visible, impatient, now, out.item == nullptr || !out.major));
  if (is_newer(open) &&
      (out.item == nullptr || compare_sparkle_versions(out.item->version, open->version) < 0))
    out.waiting = open;
  return out;
}

}  // namespace tranche::channel
