// A playbook's run: which step is next, what came of each. PURE.
//
// A step is marked `running` (journalled) before it is taken and gets its outcome after. Found `running` on a
// later try, it was cut short: the engine asks the target whether it is done; what cannot be asked becomes
// `unknown`, shown to a person and not repeated. A failing step is retried, then the run goes on: stopping is
// never blocked by one broken hook.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "spec/spec.hpp"

namespace tranche::playbook {

enum class Status { waiting, running, done, failed, unknown, skipped };
std::string_view to_text(Status status);

struct StepRecord {
  std::string id, uses;
  Status status = Status::waiting;
  int attempts = 0;
  Instant not_before{};  // the next try, while waiting
  std::string detail;    // what the action said
};
struct Run {
  std::string key;  // idempotency key of the effect that started it
  std::string playbook;
  std::vector<StepRecord> steps;
  Instant started{};
};
doc::Value to_value(const Run& run);
Result<Run> run_from_value(const doc::Value& value);

Run begin(const spec::Playbook& playbook, std::string key, Instant now);
// Index of the step to take or to wait for; nullopt: the run is over. A `running` step is the one.
std::optional<std::size_t> current(const Run& run);
// "<run key>/<step id>": the same on every try.
std::string step_key(const Run& run, std::size_t step);
Run mark_running(Run run, std::size_t step);

enum class Ended { done, failed, refused, unknown };  // refused: failed, and no retry changes that
// Records how a try ended. A failure with tries left waits its backoff (doubling, as retry says); the last
// failure goes on to the next step, or with on-failure: abort skips the rest.
Run mark_ended(Run run, const spec::Playbook& playbook, std::size_t step, Ended how, std::string detail,
               Instant now);

}  // namespace tranche::playbook
