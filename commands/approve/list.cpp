#include "base/text.hpp"
#include "commands/approve/shared.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {

doc::Value waiting_json(const engine::Waiting& waiting) {
  doc::Value by = doc::Value::array();
  for (const std::string& one : waiting.standing.by) by.push(one);
  doc::Value json = doc::Value::object({{"id", waiting.request.id},
                                        {"what", waiting.request.what},
                                        {"digest", waiting.request.digest},
                                        {"people", waiting.request.people},
                                        {"next", waiting.next},
                                        {"met", waiting.standing.met},
                                        {"rejected", waiting.standing.rejected},
                                        {"given", waiting.standing.given},
                                        {"wanted", waiting.standing.wanted},
                                        {"by", by},
                                        {"why", waiting.standing.why}});
  json.set("expires",
           waiting.standing.expires ? doc::Value(to_text(*waiting.standing.expires)) : doc::Value());
  return json;
}

std::string standing_text(const engine::Waiting& waiting) {
  const actions::Standing& standing = waiting.standing;
  std::string text = fmt::format("{} of {}", standing.given, standing.wanted);
  if (!standing.by.empty()) text += ": " + join(standing.by, ", ");
  if (standing.rejected) text += ", rejected";
  if (standing.met && standing.expires) text += ", until " + to_text(*standing.expires);
  return text;
}

namespace {

Result<Outcome> run_approve_list(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const auto all = TRY(engine::find_waiting(*opened.deck));
  doc::Value list = doc::Value::array();
  Table table({"id", "people", "given", "what"});
  for (const engine::Waiting& one : all) {
    list.push(waiting_json(one));
    table.row({one.request.id, one.request.people, standing_text(one),
               one.request.what + (one.next ? "" : " (not its turn yet)")});
  }
  return Outcome{0,
                 doc::Value::object({{"schema", "tranche/approve-list/v1"}, {"requests", std::move(list)}}),
                 all.empty() ? "nothing waits for approval\n" : table.text()};
}

}  // namespace

Command approve_list() {
  return {.name = "approve list",
          .summary = "what waits for people, and who has said yes",
          .help_path = "commands/approve/list.md",
          .flags = {app_flag()},
          .run = run_approve_list};
}

}  // namespace tranche::commands
