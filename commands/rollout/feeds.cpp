#include "commands/rollout/feeds.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "commands/support.hpp"
#include "rollout/feeds.hpp"

namespace tranche::commands {
namespace {

using rollout::FeedPlan;
using rollout::FeedStage;

// "9.9%", "10.89%": of devices, two decimals at most.
std::string share_text(double share) {
  std::string text = fmt::format("{:.2f}", share * 100);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text + "%";
}

std::string stage_text(const FeedStage& stage) {
  std::string text = stage.share > 0 ? share_text(stage.share) : std::string();
  if (!stage.cohort_file.empty()) text = stage.cohort_file + " 100%" + (text.empty() ? "" : ", " + text);
  return text.empty() ? "nobody" : text;
}

bool rolled_back(const rollout::State& state) {
  return state.phase == rollout::Phase::rolled_back || state.phase == rollout::Phase::stranded;
}

bool is_stranding(const std::vector<std::string>& stranding, const std::string& feed) {
  return std::find(stranding.begin(), stranding.end(), feed) != stranding.end();
}

}  // namespace

doc::Value feeds_json(const rollout::Plan& plan) {
  doc::Value out = doc::Value::array();
  for (const FeedPlan& feed : rollout::feed_plans(plan)) {
    doc::Value stages = doc::Value::array();
    for (std::size_t i = 0; i < feed.stages.size(); ++i) {
      stages.push(doc::Value::object({{"stage", plan.stages[i].name},
                                      {"written", to_text(feed.stages[i].written)},
                                      {"share", feed.stages[i].share}}));
      if (!feed.stages[i].cohort_file.empty())
        stages.as_array().back().set("feed-channel", feed.stages[i].cohort_file);
    }
    out.push(doc::Value::object(
        {{"feed", feed.feed},
         {"served", feed.served},
         {"stages", stages},
         {"recovers", feed.recovers},
         {"recovers-to", feed.recovers_to.empty() ? doc::Value() : doc::Value(feed.recovers_to)},
         {"how", feed.how}}));
  }
  return out;
}

doc::Value recoverable_json(const rollout::Plan& plan) {
  doc::Value out = doc::Value::object();
  for (const FeedPlan& feed : rollout::feed_plans(plan)) out.set(feed.feed, feed.recovers ? "100%" : "0%");
  return out;
}

std::string feeds_text(const rollout::Plan& plan) {
  const std::vector<FeedPlan> feeds = rollout::feed_plans(plan);
  std::string out;
  if (feeds.empty()) return out;  // a service
  if (feeds.size() > 1) {
    std::vector<std::string> head{"feed"};
    for (const rollout::PlannedStage& stage : plan.stages) head.push_back(stage.name);
    Table table(head);
    for (const FeedPlan& feed : feeds) {
      std::vector<std::string> row{feed.feed + (feed.served ? " (served)" : "")};
      for (std::size_t i = 0; i < feed.stages.size(); ++i)
        row.push_back(feed.by_label ? rollout::reach_text(plan, i) : stage_text(feed.stages[i]));
      table.row(row);
    }
    out += "  really reached, of the devices that read the feed:\n" + table.text(4);
  }
  std::vector<std::string> parts;
  for (const FeedPlan& feed : feeds)
    parts.push_back(feed.feed + (feed.recovers ? " 100%, " + feed.how : " 0% (" + feed.how + ")"));
  return out + "  recoverable: " + join(parts, "; ") + "\n";
}

doc::Value recovery_json(const rollout::Plan& plan, const rollout::State& state) {
  doc::Value out = doc::Value::array();
  if (!rolled_back(state)) return out;
  const auto stranding = rollout::stranding_feeds(plan, state.stage);
  for (const FeedPlan& feed : rollout::feed_plans(plan))
    out.push(doc::Value::object({{"feed", feed.feed},
                                 {"withdrawn", true},
                                 {"recovers-to", feed.recovers ? doc::Value(feed.recovers_to) : doc::Value()},
                                 {"stranded", is_stranding(stranding, feed.feed)}}));
  return out;
}

std::string recovery_text(const rollout::Plan& plan, const rollout::State& state) {
  if (!rolled_back(state) || plan.channel.empty()) return {};
  const auto stranding = rollout::stranding_feeds(plan, state.stage);
  std::vector<std::string> withdrawn, recovered;
  for (const FeedPlan& feed : rollout::feed_plans(plan)) {
    withdrawn.push_back(feed.feed);
    if (feed.recovers) recovered.push_back(fmt::format("{} to {}", feed.feed, feed.recovers_to));
  }
  return fmt::format("withdrawn: {}; recovered: {}; stranded: {}", join(withdrawn, ", "),
                     recovered.empty() ? "none" : join(recovered, ", "),
                     stranding.empty() ? "none" : join(stranding, ", "));
}

}  // namespace tranche::commands
