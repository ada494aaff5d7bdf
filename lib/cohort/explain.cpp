// A decision in words: each step that decide() takes, with the numbers it took it on. Decides nothing itself.
#include <algorithm>

#include "base/text.hpp"
#include "cohort/decide.hpp"
#include "cohort/internal.hpp"

namespace tranche::cohort {

using namespace internal;

namespace {

std::string quoted(std::string_view text) { return fmt::format("'{}'", printable(text)); }

std::string in_words(std::uint32_t ppm) { return tranche::to_text(Percent{ppm}); }

// "customer is bank", "region is de, fr or nl"
std::string in_words(const std::map<std::string, std::vector<std::string>>& labels) {
  std::string out;
  for (const auto& [name, values] : labels) {
    if (!out.empty()) out += " and ";
    out += printable(name) + " is ";
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out += i + 1 == values.size() ? " or " : ", ";
      out += printable(values[i]);
    }
    if (values.empty()) out += "nothing at all";
  }
  return out;
}

// The first label that keeps the device from matching, in words; empty when all match.
std::string mismatch(const std::map<std::string, std::vector<std::string>>& labels, const Device& device) {
  for (const auto& [name, values] : labels) {
    const auto found = device.labels.find(name);
    if (found == device.labels.end()) return fmt::format("the device has no label '{}'", printable(name));
    if (std::find(values.begin(), values.end(), found->second) == values.end())
      return fmt::format("the device's label '{}' is {}", printable(name), quoted(found->second));
  }
  return {};
}

std::string describe(const Rule& rule) {
  std::string out = rule.all ? "everyone" : in_words(chance_ppm(rule));
  if (!rule.devices.empty()) out += fmt::format(" of {} listed devices", rule.devices.size());
  if (!rule.labels.empty()) out += " where " + in_words(rule.labels);
  return out;
}

void explain_withdrawn(std::vector<std::string>& out, const Directions& directions,
                       std::string_view running) {
  const Withdrawn* entry = running.empty() ? nullptr : find_withdrawn(directions, running);
  for (std::size_t hop = 0; entry != nullptr && hop < directions.withdrawn.size(); ++hop) {
    if (entry->fallback.empty()) {
      out.push_back(fmt::format("{} is withdrawn and names no fallback", printable(entry->version)));
      return;
    }
    out.push_back(fmt::format("{} is withdrawn; its fallback is {}", printable(entry->version),
                              printable(entry->fallback)));
    entry = find_withdrawn(directions, entry->fallback);
  }
  if (entry != nullptr) out.push_back("the fallbacks turn in a circle, so there is none");
}

void explain_rules(std::vector<std::string>& out, const Offer& offer, const Device& device,
                   const Decision& decision) {
  out.push_back(
      fmt::format("{} is offered; under the salt {} the device's bucket is {}, at {:.4f}% of the range",
                  printable(offer.release), quoted(offer.salt), decision.bucket,
                  static_cast<double>(decision.bucket) / 0x1p64 * 100));
  for (std::size_t i = 0; i < offer.rules.size(); ++i) {
    const Rule& rule = offer.rules[i];
    const std::string name = fmt::format("rule {} ({})", i + 1, describe(rule));
    if (static_cast<int>(i) == decision.rule) {
      out.push_back(rule.all ? fmt::format("{} reaches it", name)
                             : fmt::format("{} reaches it: the bucket is below {}", name, *rule.below));
      return;  // first match wins
    }
    if (rule.all == rule.below.has_value())
      out.push_back(fmt::format("{} is not well formed and reaches nobody", name));
    else if (const std::string why = mismatch(rule.labels, device); !why.empty())
      out.push_back(fmt::format("{} does not reach it: {}", name, why));
    else if (!rule.all && decision.bucket >= *rule.below)
      out.push_back(fmt::format("{} does not reach it: the bucket is not below {}", name, *rule.below));
    else
      out.push_back(fmt::format("{} does not reach it: the device is not on the list", name));
  }
  if (offer.rules.empty()) out.push_back("the offer has no rules, so it reaches nobody");
}

void explain_pins(std::vector<std::string>& out, const Directions& directions, const Device& device,
                  std::string_view version) {
  for (const Hold& hold : directions.holds) {
    if (!mismatch(hold.labels, device).empty() || allows(hold.max_version, version)) continue;
    out.push_back(fmt::format("a pin on {} for devices{}{} keeps {} from it", printable(hold.max_version),
                              hold.labels.empty() ? "" : " where ", in_words(hold.labels),
                              printable(version)));
  }
}

std::string conclude(const Decision& decision, const Directions& directions, std::string_view running) {
  const std::string keeps =
      running.empty() ? "so it gets nothing" : fmt::format("so it keeps {}", printable(running));
  switch (decision.reason) {
    case Reason::withdrawn:
      return fmt::format("so it goes to {}, whatever pins and rules say", printable(decision.version));
    case Reason::stranded:
      return keeps + ": it is stranded until something newer reaches it";
    case Reason::offered:
      return fmt::format("so it should run {}, the offer", printable(decision.version));
    case Reason::held:
      return decision.version.empty()
                 ? keeps + ": it is held"
                 : fmt::format("so it is held at the baseline, {}", printable(decision.version));
    case Reason::baseline:
      return fmt::format("so it should run {}, the baseline", printable(decision.version));
    case Reason::newer:
      return keeps + ": what it is given is older or cannot be compared, and nothing is withdrawn";
    case Reason::nothing:
      return keeps + (directions.baseline.empty() ? ": there is no baseline" : ": the baseline is withdrawn");
  }
  return keeps;
}

}  // namespace

std::vector<std::string> explain(const Directions& directions, const Device& device,
                                 std::string_view running) {
  const Decision decision = decide(directions, device, running);
  std::vector<std::string> out;
  out.push_back(running.empty() ? fmt::format("device {} is a new install", quoted(device.id))
                                : fmt::format("device {} runs {}", quoted(device.id), printable(running)));
  explain_withdrawn(out, directions, running);
  if (decision.reason != Reason::withdrawn) {
    if (directions.offer) {
      explain_rules(out, *directions.offer, device, decision);
      if (decision.rule >= 0) {
        if (find_withdrawn(directions, directions.offer->release) != nullptr)
          out.push_back(
              fmt::format("{} is withdrawn, so nobody gets it", printable(directions.offer->release)));
        else
          explain_pins(out, directions, device, directions.offer->release);
      }
    } else {
      out.push_back("nothing is being rolled out");
    }
    if (decision.reason != Reason::offered && !directions.baseline.empty()) {
      out.push_back(fmt::format("the baseline is {}", printable(directions.baseline)));
      explain_pins(out, directions, device, directions.baseline);
    }
  }
  out.push_back(conclude(decision, directions, running));
  return out;
}

}  // namespace tranche::cohort
