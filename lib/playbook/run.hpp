// A playbook's run as it stands in the journal: what came of each step, and what is still to be taken back.
// PURE. What comes next of it: machine.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "spec/spec.hpp"

namespace tranche::playbook {

enum class Status {
  waiting,    // not begun, or tried and to be looked at again at `not_before`
  running,    // a try of it is journalled, what came of it is not
  done,       // and its verify, where it has one
  failed,     // every attempt of it
  unknown,    // cut short, and nobody could be asked: a person says what came of it
  skipped,    // its `when` did not hold, its time was over, another step led past it
  verifying,  // it did its part; its verify is asked
};
std::string_view to_text(Status status);

// Why the run is there. A rollback's steps that stop the release are taken whatever happens to the others.
enum class Purpose { rollback, hold, hand, drill };
std::string_view to_text(Purpose purpose);

// forward: step after step. back: aborted, what was done is taken back, last step first. stopped: a
// compensation did not succeed, a person decides how it goes on.
enum class Course { forward, back, stopped };
std::string_view to_text(Course course);

struct Compensation {
  Status status = Status::waiting;  // never verifying; skipped: a person gave it up
  int attempts = 0;
  Instant not_before{};
  std::string detail;
};
struct StepRecord {
  std::string id, uses;
  Status status = Status::waiting;
  int attempts = 0;
  Instant not_before{};  // the next look at it, while waiting, verifying or running
  std::string detail;    // what the action said
  // Absent in what an older tranche wrote.
  std::optional<Instant> begun{};  // it was its turn: the step's deadline counts from here
  Duration took{};                 // its last try
  doc::Value facts{};              // what its action said of itself; object or null
  bool allowed = false;            // its `when` holds and its approval is there
  bool postponed = false;          // its action waits for something itself
  bool acted = false;              // its action said that it is done
  int asks = 0;                    // in a row that brought no answer
  std::optional<Instant> verify_until{};
  std::string settled;  // who said what came of it, and why
  std::optional<Compensation> compensation{};
};
struct Run {
  std::string key;  // idempotency key of the effect that started it
  std::string playbook;
  std::vector<StepRecord> steps;
  Instant started{};
  // Absent in what an older tranche wrote.
  std::string plan;  // hex SHA-256 of what is carried out
  Purpose purpose = Purpose::rollback;
  Course course = Course::forward;
  std::string by, reason;
};
// Texts are cut where a run of a hundred steps would not fit an entry of the journal.
doc::Value to_value(const Run& run);
Result<Run> run_from_value(const doc::Value& value);

// The first step that is not over; nullopt: none is. What is to be done with it: machine.hpp.
std::optional<std::size_t> current(const Run& run);
// "<run key>/<step id>": the same on every try.
std::string step_key(const Run& run, std::size_t step);
// The step of that id, or of that number from 1; nullopt: there is none.
std::optional<std::size_t> find_step(const Run& run, std::string_view id);

}  // namespace tranche::playbook
