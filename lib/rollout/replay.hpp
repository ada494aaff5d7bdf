// A gate over recorded series: the decisions that it would have taken, each series on its own. PURE.
//
// The gate's own evidence process or counters take in every poll, as they do live, and are judged after each.
// A series ends at its first fail.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "gate/compare.hpp"
#include "gate/threshold.hpp"
#include "spec/spec.hpp"

namespace tranche::rollout {

struct Replayed {
  std::string series;
  gate::Verdict verdict = gate::Verdict::no_data;
  Duration at{};                         // of the fail, else of the last poll
  double canary_exposure = 0;            // all that was recorded until then
  std::optional<Duration> passed_at;     // the first poll at which the verdict was pass
  std::optional<Duration> suspect_at;    // ... suspect
  std::optional<gate::Comparison> seen;  // compare: at the end, in words
  std::optional<Duration> since;         // compare: when what it sees began, where that is followed
  std::string explanation;
  std::int64_t polls = 0;       // of different times
  std::int64_t duplicates = 0;  // lines of a time and stratum that were in already
  std::int64_t refused = 0;     // polls that the gate cannot count, as a live one: gaps
  std::string refusal;          // why, the first time
};

inline constexpr std::size_t most_series = 1'000'000;

class Replay {
 public:
  // Kind invalid: the gate is neither compare nor threshold.
  static Result<Replay> make(const spec::Gate& gate);
  Replay(Replay&&) noexcept;
  Replay& operator=(Replay&&) noexcept;
  ~Replay();

  // The next line of a series: one stratum of one poll. Errors (kind invalid): `t` is before the series'
  // last, more than a million series, more than 64 strata in one poll.
  // `assigned`: the devices that got their arm, as exposures; nullptr where they are not counted.
  Result<> add(std::string_view series, Duration t, std::string_view stratum,
               const gate::StratumCounts& counts, const gate::StratumCounts* assigned = nullptr);
  Result<> add(std::string_view series, Duration t, const gate::Measurement& measurement);

  // Whether the lines of this gate are counts (compare) or values (threshold).
  [[nodiscard]] bool wants_counts() const;
  // The answers, in the order in which the series first appeared.
  std::vector<Replayed> finish();

 private:
  struct Body;
  explicit Replay(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace tranche::rollout
