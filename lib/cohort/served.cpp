// Each lack of a served client becomes a change of the directions, made once; decide() does the rest.
#include "cohort/served.hpp"

#include <algorithm>

#include "base/version.hpp"
#include "cohort/clients.hpp"
#include "cohort/internal.hpp"

namespace tranche::cohort {

using namespace internal;

namespace {

using Labels = std::map<std::string, std::vector<std::string>>;

bool has(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Takes out the conditions that the feed channel's cohort meets for certain: whatever value the device has,
// it is a wanted one. A pin is kept where the device may be meant.
void settle_labels(Labels& wanted, const Labels& known, bool certain) {
  std::erase_if(wanted, [&](const auto& condition) {
    const auto found = known.find(condition.first);
    if (found == known.end() || found->second.empty()) return false;
    const auto meets = [&](const std::string& value) { return has(condition.second, value); };
    return certain ? std::all_of(found->second.begin(), found->second.end(), meets)
                   : std::any_of(found->second.begin(), found->second.end(), meets);
  });
}

Directions seen_through(Directions directions, const FeedChannel& channel) {
  if (channel.name.empty()) return directions;
  for (Hold& hold : directions.holds) settle_labels(hold.labels, channel.match, false);
  if (!directions.offer) return directions;
  std::vector<std::string> listed;
  for (const std::string& id : channel.devices) listed.push_back(listed_hash(directions.offer->salt, id));
  std::sort(listed.begin(), listed.end());
  listed.erase(std::unique(listed.begin(), listed.end()), listed.end());
  for (Rule& rule : directions.offer->rules) {
    settle_labels(rule.labels, channel.match, true);
    // The very list of this cohort: who reads its file is on it.
    if (!listed.empty() && rule.devices == listed) rule.devices.clear();
  }
  return directions;
}

Directions for_no_id(Directions directions) {
  if (directions.offer)
    std::erase_if(directions.offer->rules,
                  [](const Rule& rule) { return !rule.all || !rule.devices.empty(); });
  return directions;
}

Directions for_a_person(Directions directions) {
  if (!directions.offer) return directions;
  auto& rules = directions.offer->rules;
  const bool any =
      std::any_of(rules.begin(), rules.end(), [](const Rule& rule) { return chance_ppm(rule) > 0; });
  rules.clear();
  if (any) rules.emplace_back().all = true;
  return directions;
}

Directions for_any_version(Directions directions) {
  directions.baseline = standing_release(directions);
  return directions;
}

}  // namespace

Served::Served(const Directions& directions, const FeedChannel& channel, ServedTerms terms) : terms_(terms) {
  told_[by_id] = seen_through(directions, channel);
  told_[without_id] = for_no_id(told_[by_id]);
  told_[by_hand] = for_a_person(told_[by_id]);
  for (const Asking asking : {by_id, without_id, by_hand}) untold_[asking] = for_any_version(told_[asking]);
}

Decision Served::choose(const Question& question) const {
  // A client that goes back and does not say what it runs would be sent back at its next check.
  const bool kept = !terms_.allow_downgrade || !question.running.empty();
  const Asking asking = question.manual && terms_.manual_checks && kept ? by_hand
                        : question.device.id.empty()                    ? without_id
                                                                        : by_id;
  const Directions& told = told_[asking];
  const Directions& untold = untold_[asking];
  if (question.running.empty()) return decide(untold, question.device, {});
  Decision decision = decide(told, question.device, question.running);
  if (terms_.allow_downgrade || decision.version.empty() ||
      compare_versions(decision.version, question.running) >= 0)
    return decision;
  // A fallback that this client would not take. What it would be given as a new install is the next best.
  Decision higher = decide(untold, question.device, {});
  if (!higher.version.empty() && compare_versions(higher.version, question.running) > 0) return higher;
  decision.version.clear();
  decision.reason = Reason::stranded;
  return decision;
}

}  // namespace tranche::cohort
