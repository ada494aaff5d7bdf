#include "commands/playbook/shared.hpp"

#include "base/text.hpp"
#include "commands/support.hpp"

namespace tranche::commands {
namespace {

Style style_of(playbook::Status status) {
  switch (status) {
    case playbook::Status::done:
      return Style::green;
    case playbook::Status::failed:
    case playbook::Status::unknown:
      return Style::red;
    default:
      return Style::yellow;
  }
}

doc::Value step_json(const playbook::StepRecord& step) {
  doc::Value out = doc::Value::object({{"step", step.id},
                                       {"uses", step.uses},
                                       {"status", playbook::to_text(step.status)},
                                       {"attempts", step.attempts},
                                       {"detail", step.detail},
                                       {"took-ms", static_cast<std::int64_t>(step.took.count())}});
  if (step.begun) out.set("begun", to_text(*step.begun));
  if (!step.facts.is_null()) out.set("facts", step.facts);
  if (!step.settled.empty()) out.set("settled", step.settled);
  if (step.compensation)
    out.set("compensation", doc::Value::object({{"status", playbook::to_text(step.compensation->status)},
                                                {"attempts", step.compensation->attempts},
                                                {"detail", step.compensation->detail}}));
  return out;
}

std::string need_text(const engine::CheckedNeed& need) {
  std::string_view kind = "secret";
  if (need.need.kind == actions::Need::Kind::program) kind = "program";
  if (need.need.kind == actions::Need::Kind::file) kind = "file";
  if (need.need.kind == actions::Need::Kind::url) kind = "address";
  return fmt::format("{} {}", kind, printable(need.need.what, 160));
}

}  // namespace

doc::Value run_json(const playbook::Run& run, bool over, const std::string& waits) {
  doc::Value steps = doc::Value::array();
  for (const playbook::StepRecord& step : run.steps) steps.push(step_json(step));
  return doc::Value::object({{"playbook", run.playbook},
                             {"for", playbook::to_text(run.purpose)},
                             {"key", run.key},
                             {"plan", run.plan},
                             {"started", to_text(run.started)},
                             {"by", run.by},
                             {"reason", run.reason},
                             {"course", playbook::to_text(run.course)},
                             {"over", over},
                             {"waits", waits},
                             {"steps", std::move(steps)}});
}

std::string run_text(const playbook::Run& run, bool over, const std::string& waits, bool color) {
  std::string out = fmt::format("{} {}  begun {}{}{}\n", styled(run.playbook, Style::bold, color),
                                over ? "is over" : "is on its way", to_text(run.started),
                                run.by.empty() ? "" : " by " + printable(run.by, 80),
                                run.reason.empty() ? "" : ": " + printable(run.reason, 160));
  Table table;
  for (const playbook::StepRecord& step : run.steps) {
    table.row({step.id, styled(playbook::to_text(step.status), style_of(step.status), color),
               printable(step.detail, 160)});
    if (!step.settled.empty()) table.row({"", "settled", printable(step.settled, 160)});
    if (step.compensation)
      table.row({"", fmt::format("taken back: {}", playbook::to_text(step.compensation->status)),
                 printable(step.compensation->detail, 160)});
  }
  out += table.text(2);
  if (!waits.empty()) out += "  next: " + printable(waits, 600) + "\n";
  return out;
}

int run_exit_code(const playbook::Run& run, bool over, bool pending_ok) {
  if (!over) return pending_ok ? 0 : static_cast<int>(ErrorKind::pending);
  for (const playbook::StepRecord& step : run.steps)
    if (step.status == playbook::Status::failed || step.status == playbook::Status::unknown)
      return static_cast<int>(ErrorKind::failed);
  return 0;
}

doc::Value plan_json(const engine::PlaybookPlan& plan) {
  doc::Value steps = doc::Value::array();
  for (const engine::PlannedStep& step : plan.steps) {
    doc::Value needs = doc::Value::array();
    for (const engine::CheckedNeed& need : step.needs) {
      doc::Value one = doc::Value::object({{"need", need_text(need)}, {"there", need.there}});
      if (!need.there) one.set("why", need.why);
      needs.push(std::move(one));
    }
    doc::Value one = doc::Value::object(
        {{"step", step.id}, {"uses", step.uses}, {"changes", step.changes}, {"needs", std::move(needs)}});
    if (!step.problem.empty()) one.set("problem", step.problem);
    steps.push(std::move(one));
  }
  return doc::Value::object({{"schema", "tranche/playbook-run/v1"},
                             {"dry-run", true},
                             {"plan", plan.digest},
                             {"document", plan.document},
                             {"steps", std::move(steps)}});
}

// What a step says beside its action: "when result.failed; approval managers; on-failure abort".
static std::string conditions_text(const doc::Value& document, std::size_t index) {
  std::vector<std::string> parts;
  const doc::Value* steps = document.find("steps");
  if (steps == nullptr || !steps->is_array() || index >= steps->as_array().size()) return {};
  const doc::Value& step = steps->as_array()[index];
  for (const char* key : {"when", "approval", "attempts", "deadline", "verify", "compensate", "on-failure"}) {
    const doc::Value* value = step.find(key);
    if (value == nullptr) continue;
    std::string text = value->is_string() ? value->as_string() : doc::to_json(*value);
    if (const doc::Value* uses = value->find("uses"); uses != nullptr && uses->is_string())
      text = uses->as_string();
    parts.push_back(fmt::format("{} {}", key, printable(text, 120)));
  }
  return join(parts, "; ");
}

std::string plan_text(const engine::PlaybookPlan& plan, bool color) {
  std::string out;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const engine::PlannedStep& step = plan.steps[i];
    out += fmt::format("would: {}: {}\n", step.id, printable(step.changes, 300));
    if (const std::string said = conditions_text(plan.document, i); !said.empty()) out += "  " + said + "\n";
    if (!step.problem.empty())
      out += fmt::format("  {} {}\n", styled("cannot:", Style::red, color), printable(step.problem, 300));
    for (const engine::CheckedNeed& need : step.needs) {
      const bool sent_to = need.need.kind == actions::Need::Kind::url;
      if (need.there)
        out += fmt::format("  needs {}: {}\n", need_text(need), sent_to ? "not asked" : "there");
      else
        out += fmt::format("  needs {}: {} {}\n", need_text(need), styled("missing:", Style::red, color),
                           printable(need.why, 200));
    }
  }
  return out + "plan " + plan.digest + "\n";
}

Argument playbook_argument() { return {.name = "playbook", .help = "a name under playbooks:"}; }
Flag rollout_flag() {
  return {.name = "rollout",
          .value = "NAME",
          .help = "whose release it acts on; may be left out when there is one"};
}

}  // namespace tranche::commands
