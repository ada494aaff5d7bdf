#include "playbook/run.hpp"

#include <algorithm>
#include <array>

namespace tranche::playbook {
namespace {

constexpr std::array<std::string_view, 6> names{"waiting", "running", "done", "failed", "unknown", "skipped"};
constexpr Duration longest_backoff = std::chrono::minutes(5);  // a rollback must not sleep through the night

}  // namespace

std::string_view to_text(Status status) { return names[static_cast<std::size_t>(status)]; }

doc::Value to_value(const Run& run) {
  doc::Value steps = doc::Value::array();
  for (const StepRecord& step : run.steps)
    steps.push(doc::Value::object({{"id", step.id},
                                   {"uses", step.uses},
                                   {"status", to_text(step.status)},
                                   {"attempts", step.attempts},
                                   {"not-before", tranche::to_text(step.not_before)},
                                   {"detail", step.detail}}));
  return doc::Value::object({{"schema", "tranche/playbook-run/v1"},
                             {"key", run.key},
                             {"playbook", run.playbook},
                             {"started", tranche::to_text(run.started)},
                             {"steps", steps}});
}

Result<Run> run_from_value(const doc::Value& value) {
  Run run;
  if (TRY(value.text("schema")) != "tranche/playbook-run/v1")
    return fail_hint(ErrorKind::invalid, "a newer tranche wrote it: update this one",
                     "the playbook's run has an unknown schema");
  run.key = TRY(value.text("key"));
  run.playbook = TRY(value.text("playbook"));
  run.started = TRY(parse_instant(TRY(value.text("started"))));
  for (const doc::Value& item : TRY(value.array_at("steps"))->as_array()) {
    StepRecord step;
    step.id = TRY(item.text("id"));
    step.uses = TRY(item.text("uses"));
    const std::string status = TRY(item.text("status"));
    const auto found = std::find(names.begin(), names.end(), status);
    if (found == names.end())
      return fail(ErrorKind::invalid, "step '{}' has the unknown status '{}'", step.id, status);
    step.status = static_cast<Status>(found - names.begin());
    step.attempts = static_cast<int>(TRY(item.integer("attempts")));
    step.not_before = TRY(parse_instant(TRY(item.text("not-before"))));
    step.detail = TRY(item.text("detail"));
    run.steps.push_back(step);
  }
  return run;
}

Run begin(const spec::Playbook& playbook, std::string key, Instant now) {
  Run run{std::move(key), playbook.name, {}, now};
  for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
    const spec::Step& step = playbook.steps[i];
    run.steps.push_back({step.id.empty() ? fmt::format("{}-{}", i + 1, step.uses) : step.id,
                         step.uses,
                         Status::waiting,
                         0,
                         now,
                         {}});
  }
  return run;
}

std::optional<std::size_t> current(const Run& run) {
  for (std::size_t i = 0; i < run.steps.size(); ++i)
    if (run.steps[i].status == Status::waiting || run.steps[i].status == Status::running) return i;
  return std::nullopt;
}

std::string step_key(const Run& run, std::size_t step) { return run.key + "/" + run.steps[step].id; }

Run mark_running(Run run, std::size_t step) {
  run.steps[step].status = Status::running;
  ++run.steps[step].attempts;
  return run;
}

Run mark_ended(Run run, const spec::Playbook& playbook, std::size_t step, Ended how, std::string detail,
               Instant now) {
  StepRecord& record = run.steps[step];
  const spec::Step& spec = playbook.steps[step];
  record.detail = std::move(detail);
  switch (how) {
    case Ended::done:
      record.status = Status::done;
      return run;
    case Ended::unknown:
      record.status = Status::unknown;
      return run;
    case Ended::failed:
    case Ended::refused:
      break;
  }
  if (how == Ended::failed && record.attempts < spec.retry.attempts) {
    Duration wait = spec.retry.backoff;
    for (int i = 1; i < record.attempts && wait < longest_backoff; ++i) wait *= 2;
    record.status = Status::waiting;
    record.not_before = now + std::min(wait, longest_backoff);
    return run;
  }
  record.status = Status::failed;
  if (spec.on_failure == spec::Step::OnFailure::abort)
    for (std::size_t i = step + 1; i < run.steps.size(); ++i) run.steps[i].status = Status::skipped;
  return run;
}

}  // namespace tranche::playbook
