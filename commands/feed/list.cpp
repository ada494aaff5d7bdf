#include "base/text.hpp"
#include "channel/ecosystem.hpp"
#include "cohort/clients.hpp"
#include "commands/commands.hpp"
#include "commands/feed/table.hpp"
#include "commands/support.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_feed_list(const Options&, Context&) {
  doc::Value feeds = doc::Value::array();
  for (const cohort::Capabilities& client : cohort::clients())
    feeds.push(doc::Value::object(
        {{"feed", client.feed},
         {"fraction", client.fraction_text},
         {"salt", client.salt_text},
         {"pause", client.pause_text},
         {"downgrade", client.downgrade_text},
         {"force", client.force_text},
         {"cohorts", client.cohorts_text},
         {"previous", client.previous_text},
         {"signed", client.signed_text},
         {"servable", client.servable},
         {"written", client.feed == "tranche" || channel::find_ecosystem(client.feed) != nullptr}}));
  return Outcome{0, doc::Value::object({{"schema", "tranche/feed-list/v1"}, {"feeds", feeds}}), feed_table()};
}

}  // namespace

std::string feed_table() {
  std::string out;
  for (const cohort::Capabilities& client : cohort::clients()) {
    out += std::string(client.feed) + "\n";
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"percentages", client.fraction_text},
        {"salt", client.salt_text},
        {"pause", client.pause_text},
        {"downgrade", client.downgrade_text},
        {"force", client.force_text},
        {"cohorts", client.cohorts_text},
        {"previous release for the rest", client.previous_text},
        {"signed", client.signed_text},
        {"`tranche serve` can decide", client.servable ? "yes" : "no"}};
    for (const auto& [what, words] : rows) out += fmt::format("  {:<31}{}\n", what, words);
  }
  return out;
}

Command feed_list() {
  return {.name = "feed list",
          .summary = "what each updater's feed can and cannot express",
          .help_path = "commands/feed/list.md",
          .run = run_feed_list,
          .help_table = feed_table};
}

}  // namespace tranche::commands
