// Who gets what.
//
// The problem: the reference client, the server, the fleet and `plan` must agree on every device, for ever.
// The idea: one pure function, in FEED.md's order (withdrawn, holds, offer, baseline), that answers "keep
// what runs" whenever it is not sure. It sits in the loop of a million-device simulation, so it hashes once
// and allocates nothing on the usual path.
#include "cohort/decide.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/version.hpp"
#include "cohort/internal.hpp"

namespace tranche::cohort {

namespace {

bool matches(const std::map<std::string, std::vector<std::string>>& wanted, const Device& device) {
  for (const auto& [name, values] : wanted) {
    const auto found = device.labels.find(name);
    if (found == device.labels.end()) return false;
    if (std::find(values.begin(), values.end(), found->second) == values.end()) return false;
  }
  return true;
}

// The hash of the id among listed ids: computed when the first list asks for it.
class ListedId {
 public:
  ListedId(const Offer& offer, const Device& device) : offer_(offer), device_(device) {}
  bool in(const std::vector<std::string>& list) {
    if (list.empty()) return true;
    if (hash_.empty()) hash_ = listed_hash(offer_.salt, device_.id);
    return std::binary_search(list.begin(), list.end(), hash_);
  }

 private:
  const Offer& offer_;
  const Device& device_;
  std::string hash_;
};

// A rule is one of a line and everyone; one that is neither or both reaches nobody.
bool well_formed(const Rule& rule) { return rule.all != rule.below.has_value(); }

int first_rule(const Offer& offer, const Device& device, std::uint64_t at) {
  ListedId listed(offer, device);
  for (std::size_t i = 0; i < offer.rules.size(); ++i) {
    const Rule& rule = offer.rules[i];
    if (!well_formed(rule)) continue;
    if (!rule.all && at >= *rule.below) continue;
    if (matches(rule.labels, device) && listed.in(rule.devices)) return static_cast<int>(i);
  }
  return -1;
}

std::string_view next_digits(std::string_view& rest) {
  std::size_t end = 0;
  while (end < rest.size() && rest[end] >= '0' && rest[end] <= '9') ++end;
  const std::string_view digits = rest.substr(0, end);
  rest.remove_prefix(end);
  return digits;
}

int compare_digits(std::string_view a, std::string_view b) {
  while (a.size() > 1 && a.front() == '0') a.remove_prefix(1);
  while (b.size() > 1 && b.front() == '0') b.remove_prefix(1);
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  const int order = a.compare(b);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace

namespace internal {

bool allows(std::string_view max_version, std::string_view version) {
  if (!valid_version(max_version) || !valid_version(version)) return false;
  std::string_view limit = max_version, have = version;
  for (;;) {
    const std::string_view limit_part = next_digits(limit);
    const std::string_view have_part = next_digits(have);
    const int order = compare_digits(have_part.empty() ? "0" : have_part, limit_part);
    if (order != 0) return order < 0;
    if (!limit.starts_with('.')) break;
    limit.remove_prefix(1);
    if (have.starts_with('.'))
      have.remove_prefix(1);
    else
      have = {};  // 1.1 is 1.1.0
  }
  // The pin's numbers are equal: 1.1 allows all of 1.1, but 1.1.0-rc.1 is a pin on that very pre-release.
  return !limit.starts_with('-') || compare_versions(version, max_version) <= 0;
}

bool held(const Directions& directions, const Device& device, std::string_view version) {
  for (const Hold& hold : directions.holds)
    if (matches(hold.labels, device) && !allows(hold.max_version, version)) return true;
  return false;
}

const Withdrawn* find_withdrawn(const Directions& directions, std::string_view version) {
  for (const Withdrawn& entry : directions.withdrawn)
    if (entry.version == version) return &entry;
  return nullptr;
}

std::string_view final_fallback(const Directions& directions, std::string_view running) {
  const Withdrawn* entry = find_withdrawn(directions, running);
  // A chain longer than the list visits an entry twice: a cycle.
  for (std::size_t step = 0; entry != nullptr && step < directions.withdrawn.size(); ++step) {
    const std::string_view to = entry->fallback;
    if (to.empty()) return {};
    entry = find_withdrawn(directions, to);
    if (entry == nullptr) return to;
  }
  return {};
}

bool may_follow(std::string_view candidate, std::string_view running) {
  if (running.empty() || candidate == running) return true;
  return valid_version(candidate) && valid_version(running) && compare_versions(candidate, running) >= 0;
}

std::uint32_t chance_ppm(const Rule& rule) {
  __extension__ using Wide = unsigned __int128;
  if (!well_formed(rule)) return 0;
  if (rule.all) return Percent::whole;
  // The inverse of threshold(), rounded up, so that a chance above zero never becomes zero.
  const Wide scaled = static_cast<Wide>(*rule.below) * Percent::whole;
  return static_cast<std::uint32_t>((scaled + ~std::uint64_t{0}) >> 64);
}

}  // namespace internal

using namespace internal;

std::string_view to_text(Reason reason) {
  switch (reason) {
    case Reason::withdrawn:
      return "withdrawn";
    case Reason::stranded:
      return "stranded";
    case Reason::offered:
      return "offered";
    case Reason::held:
      return "held";
    case Reason::baseline:
      return "baseline";
    case Reason::newer:
      return "newer";
    case Reason::nothing:
      return "nothing";
  }
  return "nothing";
}

std::string_view to_text(Arm arm) {
  switch (arm) {
    case Arm::none:
      return "none";
    case Arm::canary:
      return "canary";
    case Arm::control:
      return "control";
  }
  return "none";
}

Decision decide(const Directions& directions, const Device& device, std::string_view running) {
  Decision decision;
  if (directions.offer) {
    decision.bucket = bucket(directions.offer->salt, device.id);
    decision.rule = first_rule(*directions.offer, device, decision.bucket);
  }
  const bool runs_withdrawn = !running.empty() && find_withdrawn(directions, running) != nullptr;
  if (runs_withdrawn) {
    if (const std::string_view to = final_fallback(directions, running); !to.empty()) {
      decision.version = to;
      decision.reason = Reason::withdrawn;
      return decision;
    }
  }
  // One candidate after the other; the first that may follow what runs wins. What kept the others away is
  // the reason when none does.
  bool any_held = false, any_older = false;
  const auto takes = [&](std::string_view candidate) {
    if (candidate.empty() || find_withdrawn(directions, candidate) != nullptr) return false;
    if (!may_follow(candidate, running)) {
      any_older = true;
      return false;
    }
    if (held(directions, device, candidate)) {
      any_held = true;
      return false;
    }
    return true;
  };
  if (decision.rule >= 0 && takes(directions.offer->release)) {
    decision.version = directions.offer->release;
    decision.reason = Reason::offered;
    return decision;
  }
  const bool offer_held = any_held;
  if (takes(directions.baseline)) {
    decision.version = directions.baseline;
    decision.reason = offer_held ? Reason::held : Reason::baseline;
  } else if (runs_withdrawn) {
    decision.reason = Reason::stranded;
  } else if (any_held) {
    decision.reason = Reason::held;
  } else if (any_older) {
    decision.reason = Reason::newer;
  }
  return decision;
}

Placement place(const Directions& directions, const Device& device) {
  Placement placement;
  if (!directions.offer) return placement;
  const Offer& offer = *directions.offer;
  // A pin keeps a device out of both arms alike: in the canary it would be counted for a release that it
  // never ran.
  if (held(directions, device, offer.release)) return placement;
  placement.arm = Arm::control;
  const std::uint64_t at = bucket(offer.salt, device.id);
  ListedId listed(offer, device);
  for (const Rule& rule : offer.rules) {
    const std::uint32_t chance = chance_ppm(rule);
    if (chance == 0 || !matches(rule.labels, device) || !listed.in(rule.devices)) continue;
    placement.stratum = std::max(placement.stratum, chance);
    if (rule.all || at < *rule.below) placement.arm = Arm::canary;
  }
  return placement;
}

}  // namespace tranche::cohort
