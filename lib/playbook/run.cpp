#include "playbook/run.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace tranche::playbook {
namespace {

constexpr std::array<std::string_view, 7> statuses{"waiting", "running", "done",     "failed",
                                                   "unknown", "skipped", "verifying"};
constexpr std::array<std::string_view, 4> purposes{"rollback", "hold", "hand", "drill"};
constexpr std::array<std::string_view, 3> courses{"forward", "back", "stopped"};

// An entry holds 64 KiB, of which the names of all subjects may take 25.
constexpr std::size_t most_bytes = 30'000;
constexpr std::size_t most_steps = 100;

template <class T, std::size_t N>
Result<T> read_word(const doc::Value& value, std::string_view key,
                    const std::array<std::string_view, N>& words, std::string_view fallback) {
  const std::string word = TRY(value.text_or(key, fallback));
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end())
    return fail_hint(ErrorKind::invalid, "a newer tranche wrote it: update this one",
                     "the playbook's run has the unknown {} '{}'", key, printable(word, 32));
  return static_cast<T>(found - words.begin());
}

// Cutting what was cut changes nothing.
std::string cut(const std::string& text, std::size_t most) {
  if (text.size() <= most || (text.size() <= most + 3 && text.ends_with("..."))) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;  // not inside a character
  return text.substr(0, end) + "...";
}

doc::Value to_value(const Compensation& compensation, std::size_t most_text) {
  return doc::Value::object({{"status", to_text(compensation.status)},
                             {"attempts", compensation.attempts},
                             {"not-before", tranche::to_text(compensation.not_before)},
                             {"detail", cut(compensation.detail, most_text)}});
}

doc::Value to_value(const StepRecord& step, std::size_t most_text) {
  doc::Value out = doc::Value::object({{"id", step.id},
                                       {"uses", step.uses},
                                       {"status", to_text(step.status)},
                                       {"attempts", step.attempts},
                                       {"not-before", tranche::to_text(step.not_before)},
                                       {"detail", cut(step.detail, most_text)}});
  if (step.begun) out.set("begun", tranche::to_text(*step.begun));
  if (step.took > Duration{}) out.set("took-ms", static_cast<std::int64_t>(step.took.count()));
  if (!step.facts.is_null()) out.set("facts", step.facts);
  if (step.allowed) out.set("allowed", true);
  if (step.postponed) out.set("postponed", true);
  if (step.acted) out.set("acted", true);
  if (step.asks > 0) out.set("asks", step.asks);
  if (step.verify_until) out.set("verify-until", tranche::to_text(*step.verify_until));
  if (!step.settled.empty()) out.set("settled", cut(step.settled, most_text));
  if (step.compensation) out.set("compensation", to_value(*step.compensation, most_text));
  return out;
}

Result<std::optional<Instant>> read_instant(const doc::Value& value, std::string_view key) {
  const doc::Value* member = value.find(key);
  if (member == nullptr || member->is_null()) return std::optional<Instant>();
  return std::optional(TRY(parse_instant(TRY(value.text(key)))));
}

Result<bool> read_flag(const doc::Value& value, std::string_view key) {
  const doc::Value* member = value.find(key);
  return member == nullptr || member->is_null() ? Result<bool>(false) : value.boolean(key);
}

Result<int> read_count(const doc::Value& value, std::string_view key) {
  const std::int64_t count = TRY(value.integer_or(key, 0));
  if (count < 0 || count > 1'000'000)
    return fail(ErrorKind::invalid, "'{}' of a playbook's run is out of range", key);
  return static_cast<int>(count);
}

Result<Compensation> compensation_from_value(const doc::Value& value) {
  Compensation out;
  out.status = TRY(read_word<Status>(value, "status", statuses, ""));
  out.attempts = TRY(read_count(value, "attempts"));
  out.not_before = TRY(parse_instant(TRY(value.text("not-before"))));
  out.detail = TRY(value.text("detail"));
  return out;
}

Result<StepRecord> step_from_value(const doc::Value& item) {
  StepRecord step;
  step.id = TRY(item.text("id"));
  step.uses = TRY(item.text("uses"));
  step.status = TRY(read_word<Status>(item, "status", statuses, ""));
  step.attempts = TRY(read_count(item, "attempts"));
  step.not_before = TRY(parse_instant(TRY(item.text("not-before"))));
  step.detail = TRY(item.text("detail"));
  step.begun = TRY(read_instant(item, "begun"));
  const std::int64_t took = TRY(item.integer_or("took-ms", 0));
  if (took < 0 || took > std::int64_t{1} << 40)
    return fail(ErrorKind::invalid, "'took-ms' of a playbook's run is out of range");
  step.took = Duration(took);
  if (const doc::Value* facts = item.find("facts"); facts != nullptr) step.facts = *facts;
  step.allowed = TRY(read_flag(item, "allowed"));
  step.postponed = TRY(read_flag(item, "postponed"));
  step.acted = TRY(read_flag(item, "acted"));
  step.asks = TRY(read_count(item, "asks"));
  step.verify_until = TRY(read_instant(item, "verify-until"));
  step.settled = TRY(item.text_or("settled", ""));
  if (const doc::Value* value = item.find("compensation"); value != nullptr && !value->is_null())
    step.compensation = TRY(compensation_from_value(*value));
  return step;
}

}  // namespace

std::string_view to_text(Status status) { return statuses[static_cast<std::size_t>(status)]; }
std::string_view to_text(Purpose purpose) { return purposes[static_cast<std::size_t>(purpose)]; }
std::string_view to_text(Course course) { return courses[static_cast<std::size_t>(course)]; }

doc::Value to_value(const Run& run) {
  doc::Value out = doc::Value::object({{"schema", "tranche/playbook-run/v1"},
                                       {"key", run.key},
                                       {"playbook", run.playbook},
                                       {"started", tranche::to_text(run.started)},
                                       {"steps", doc::Value::array()}});
  if (!run.plan.empty()) out.set("plan", run.plan);
  if (run.purpose != Purpose::rollback) out.set("for", to_text(run.purpose));
  if (run.course != Course::forward) out.set("course", to_text(run.course));
  if (!run.by.empty()) out.set("by", cut(run.by, 200));
  if (!run.reason.empty()) out.set("reason", cut(run.reason, 2'000));
  for (const std::size_t most_text : {400, 100, 20}) {
    doc::Value steps = doc::Value::array();
    for (const StepRecord& step : run.steps) steps.push(to_value(step, most_text));
    out.set("steps", std::move(steps));
    if (doc::to_json(out).size() <= most_bytes) break;
  }
  return out;
}

Result<Run> run_from_value(const doc::Value& value) {
  Run run;
  if (TRY(value.text("schema")) != "tranche/playbook-run/v1")
    return fail_hint(ErrorKind::invalid, "a newer tranche wrote it: update this one",
                     "the playbook's run has an unknown schema");
  run.key = TRY(value.text("key"));
  run.playbook = TRY(value.text("playbook"));
  run.started = TRY(parse_instant(TRY(value.text("started"))));
  run.plan = TRY(value.text_or("plan", ""));
  run.purpose = TRY(read_word<Purpose>(value, "for", purposes, "rollback"));
  run.course = TRY(read_word<Course>(value, "course", courses, "forward"));
  run.by = TRY(value.text_or("by", ""));
  run.reason = TRY(value.text_or("reason", ""));
  const doc::Array& steps = TRY(value.array_at("steps"))->as_array();
  if (steps.size() > most_steps)
    return fail(ErrorKind::invalid, "the playbook's run has more than {} steps", most_steps);
  for (const doc::Value& item : steps) run.steps.push_back(TRY(step_from_value(item)));
  return run;
}

std::optional<std::size_t> current(const Run& run) {
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    const Status status = run.steps[i].status;
    if (status == Status::waiting || status == Status::running || status == Status::verifying) return i;
  }
  return std::nullopt;
}

std::string step_key(const Run& run, std::size_t step) { return run.key + "/" + run.steps[step].id; }

std::optional<std::size_t> find_step(const Run& run, std::string_view id) {
  for (std::size_t i = 0; i < run.steps.size(); ++i)
    if (run.steps[i].id == id) return i;
  for (std::size_t i = 0; i < run.steps.size(); ++i)
    if (std::to_string(i + 1) == id) return i;
  return std::nullopt;
}

}  // namespace tranche::playbook
