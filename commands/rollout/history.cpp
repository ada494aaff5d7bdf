#include "actions/approvals.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

std::string said_in(const doc::Value& data, std::string_view key) {
  return printable(data.text(key).value_or("?"), 400);
}

// What an entry of a playbook's run says; nothing: that a step is about to be tried.
void add_playbook_lines(const journal::Entry& entry, bool by_hand, std::vector<std::string>& what) {
  const doc::Value& data = entry.data;
  const std::string lead = by_hand ? "by hand: " : "";
  if (by_hand && data.find("plan") != nullptr)
    what.push_back(fmt::format("{}playbook '{}' begins, plan {}", lead, said_in(entry.state, "playbook"),
                               said_in(data, "plan")));
  if (entry.kind == "playbook.step-ended" || entry.kind == "playbook.step-waits") {
    const std::string status = entry.kind == "playbook.step-waits" ? "waits" : said_in(data, "status");
    std::string line = fmt::format("{}step {}: {}", lead, said_in(data, "step"), status);
    if (status != "done" && status != "skipped") line += ": " + said_in(data, "detail");
    what.push_back(std::move(line));
  } else if (entry.kind == "playbook.step-undone") {
    what.push_back(fmt::format("{}step {} is taken back: {}: {}", lead, said_in(data, "step"),
                               said_in(data, "status"), said_in(data, "detail")));
  } else if (entry.kind == "playbook.cancelled") {
    what.push_back(lead + "cancelled: nothing more is begun");
  }
  if (const doc::Value* settled = data.find("steps");
      entry.kind.starts_with("playbook.") && settled != nullptr && settled->is_array())
    for (const doc::Value& one : settled->as_array())
      what.push_back(
          fmt::format("{}step {} is settled: {}", lead, said_in(one, "step"), said_in(one, "status")));
}

Result<Outcome> run_rollout_history(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const std::string name = TRY(rollout_name(opened.loaded.app(), options));
  journal::Journal& journal = opened.deck->journal();
  const std::string rollout_subject = opened.deck->rollout_subject(name);
  const std::string playbook_subject = opened.deck->playbook_subject(name);
  const std::string hand_subject = playbook_subject + "/hand";
  const std::string approval_subject = actions::approval_subject(opened.deck->app().name, name);
  Table table({"#", "when", "who", "what"});
  doc::Value list = doc::Value::array();
  constexpr std::uint64_t piece = 1'024;
  for (std::uint64_t from = 0; from < journal.size(); from += piece) {
    for (const journal::Entry& entry : TRY(journal.read(from, std::min(from + piece, journal.size())))) {
      const bool of_playbook = entry.subject == playbook_subject || entry.subject == hand_subject;
      if (entry.subject != rollout_subject && !of_playbook && entry.subject != approval_subject) continue;
      std::vector<std::string> what;
      if (const doc::Value* decisions = entry.data.find("decisions");
          decisions != nullptr && decisions->is_array())
        for (const doc::Value& decision : decisions->as_array())
          if (decision.is_string()) what.push_back(printable(decision.as_string(), 400));
      if (of_playbook) add_playbook_lines(entry, entry.subject == hand_subject, what);
      if (entry.subject == approval_subject)
        what.push_back(fmt::format("{} {} {}", said_in(entry.data, "who"),
                                   said_in(entry.data, "decision") == "approve" ? "approved" : "rejected",
                                   said_in(entry.data, "what")));
      if (what.empty()) continue;  // a tick that only gathered evidence
      if (!entry.reason.empty()) what.push_back("reason: " + printable(entry.reason, 160));
      for (std::size_t i = 0; i < what.size(); ++i)
        table.row({i == 0 ? std::to_string(entry.index) : "", i == 0 ? to_text(entry.at) : "",
                   i == 0 ? printable(entry.by, 40) : "", what[i]});
      doc::Value decisions = doc::Value::array();
      for (const std::string& line : what) decisions.push(line);
      list.push(doc::Value::object({{"index", entry.index},
                                    {"at", to_text(entry.at)},
                                    {"by", entry.by},
                                    {"kind", entry.kind},
                                    {"reason", entry.reason},
                                    {"decisions", decisions}}));
    }
  }
  engine::Engine engine = make_engine(opened);
  const engine::Report report = TRY(engine.status(name));
  const std::vector<std::string> next = next_steps(report, context.world.clock.now());
  doc::Value steps = doc::Value::array();
  std::string text = table.text();
  for (const std::string& step : next) {
    steps.push(step);
    text += "next: " + printable(step, 400) + "\n";
  }
  return Outcome{
      0,
      doc::Value::object(
          {{"schema", "tranche/rollout-history/v1"}, {"rollout", name}, {"entries", list}, {"next", steps}}),
      text};
}

}  // namespace

Command rollout_history() {
  return {.name = "rollout history",
          .summary = "what was decided, why, by whom and when",
          .help_path = "commands/rollout/history.md",
          .arguments = {rollout_argument()},
          .flags = {app_flag()},
          .run = run_rollout_history};
}

}  // namespace tranche::commands
