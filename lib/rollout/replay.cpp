#include "rollout/replay.hpp"

#include <functional>
#include <unordered_map>

#include "base/text.hpp"
#include "gate/process.hpp"
#include "rollout/gate_memory.hpp"

namespace tranche::rollout {

namespace {

constexpr std::size_t most_strata = 64;

struct Slot {  // one stratum of the poll that is being put together
  std::string name;
  gate::StratumCounts* counts = nullptr;  // in the poll
  bool filled = false;
};

// What a series holds while it runs; freed when it ends.
struct Running {
  gate::Process process;
  gate::Counters counters;
  gate::Poll poll, assigned;
  std::vector<Slot> slots;
  std::size_t filled = 0;
};

struct Series {
  Replayed answer;
  std::unique_ptr<Running> running;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace

struct Replay::Body {
  spec::Gate gate;
  gate::ProcessConfig process;
  gate::ThresholdConfig threshold;
  std::vector<Series> series;
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> index;
  std::size_t last = 0;  // lines of a series often follow each other

  [[nodiscard]] bool compares() const { return gate.kind == spec::Gate::Kind::compare; }

  Result<Series*> find(std::string_view name) {
    if (last < series.size() && series[last].answer.series == name) return &series[last];
    const auto found = index.find(name);
    if (found != index.end()) {
      last = found->second;
      return &series[last];
    }
    if (series.size() >= most_series)
      return fail_hint(ErrorKind::invalid, "replay the file in parts", "there are more than {} series",
                       most_series);
    last = series.size();
    index.emplace(name, last);
    Series& made = series.emplace_back();
    made.answer.series = name;
    made.running = std::make_unique<Running>();
    if (compares()) made.running->process = gate::begin(process);
    return &made;
  }

  static Result<> advance(const Replayed& answer, Duration t) {
    if (answer.polls > 0 && t < answer.at)
      return fail_hint(ErrorKind::invalid, "sort the lines of a series by t",
                       "t goes back from {:g} to {:g} in series '{}'",
                       static_cast<double>(answer.at.count()) / 1000, static_cast<double>(t.count()) / 1000,
                       printable(answer.series, 64));
    return {};
  }

  // The poll is whole: the gate takes it in.
  void close_poll(Series& one) const {
    Running& running = *one.running;
    if (running.filled == 0) return;
    Replayed& answer = one.answer;
    if (running.filled < running.slots.size()) {  // a stratum of earlier polls is missing
      std::erase_if(running.slots, [&](const Slot& slot) {
        if (!slot.filled) running.poll.erase(slot.name);
        return !slot.filled;
      });
    }
    for (Slot& slot : running.slots) slot.filled = false;
    running.filled = 0;
    if (!running.assigned.empty()) {
      // Devices that could not be counted leave the comparison as it is.
      (void)gate::observe_assigned(running.process, running.assigned);
      running.assigned.clear();
    }
    if (const auto observed = gate::observe(running.process, process, running.poll, Instant(answer.at));
        !observed) {
      if (answer.refused++ == 0) answer.refusal = observed.error().message;
      return;
    }
    if (gate::may_decide(running.process, process, !answer.passed_at))
      decide(one, gate::judge(running.process, process, false).verdict);
  }

  void decide(Series& one, gate::Verdict verdict) const {
    Replayed& answer = one.answer;
    answer.verdict = verdict;
    if (verdict == gate::Verdict::pass && !answer.passed_at) answer.passed_at = answer.at;
    if (verdict == gate::Verdict::suspect && !answer.suspect_at) answer.suspect_at = answer.at;
    if (verdict == gate::Verdict::fail) end(one);
  }

  void end(Series& one) const {
    Replayed& answer = one.answer;
    if (compares()) {
      answer.seen = gate::judge(one.running->process, process);
      answer.verdict = answer.seen->verdict;
      answer.explanation = answer.seen->explanation;
      const Instant since = gate::totals(one.running->process).since;
      if (since != Instant{}) answer.since = since.time_since_epoch();
    } else {
      const gate::ThresholdJudgement judgement = gate::judge(one.running->counters, threshold);
      answer.verdict = judgement.verdict;
      answer.explanation = judgement.explanation;
    }
    one.running.reset();
  }
};

Replay::Replay(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Replay::Replay(Replay&&) noexcept = default;
Replay& Replay::operator=(Replay&&) noexcept = default;
Replay::~Replay() = default;

Result<Replay> Replay::make(const spec::Gate& gate) {
  auto body = std::make_unique<Body>();
  body->gate = gate;
  if (gate.kind == spec::Gate::Kind::compare) {
    body->process = process_config(gate);
    TRY(gate::check(body->process.compare));
  } else if (gate.kind == spec::Gate::Kind::threshold) {
    body->threshold = threshold_config(gate);
    TRY(gate::check(body->threshold));
  } else {
    return fail_hint(ErrorKind::invalid, "compare and threshold gates decide on recorded counts and values",
                     "gate '{}' cannot be replayed: it asks more than numbers", printable(gate.name, 64));
  }
  return Replay(std::move(body));
}

bool Replay::wants_counts() const { return body_->compares(); }

Result<> Replay::add(std::string_view series, Duration t, std::string_view stratum,
                     const gate::StratumCounts& counts, const gate::StratumCounts* assigned) {
  Series* one = TRY(body_->find(series));
  if (one->running == nullptr) return {};
  Replayed& answer = one->answer;
  TRY(Body::advance(answer, t));
  if (answer.polls == 0 || t > answer.at) {
    body_->close_poll(*one);
    if (one->running == nullptr) return {};
    answer.at = t;
    ++answer.polls;
  }
  Running& running = *one->running;
  Slot* slot = nullptr;
  for (Slot& known : running.slots)
    if (known.name == stratum) slot = &known;
  if (slot == nullptr) {
    if (running.slots.size() == most_strata)
      return fail_hint(ErrorKind::invalid, "put devices of one exposure into one stratum",
                       "series '{}' has more than {} strata", printable(answer.series, 64), most_strata);
    slot = &running.slots.emplace_back(std::string(stratum), &running.poll[std::string(stratum)]);
  }
  if (slot->filled) {
    ++answer.duplicates;
    return {};
  }
  slot->filled = true;
  ++running.filled;
  *slot->counts = counts;
  if (assigned != nullptr) running.assigned[slot->name] = *assigned;
  answer.canary_exposure += counts.canary.exposure;
  return {};
}

Result<> Replay::add(std::string_view series, Duration t, const gate::Measurement& measurement) {
  Series* one = TRY(body_->find(series));
  if (one->running == nullptr) return {};
  Replayed& answer = one->answer;
  TRY(Body::advance(answer, t));
  if (answer.polls > 0 && t == answer.at) {
    ++answer.duplicates;
    return {};
  }
  gate::Counters& counters = one->running->counters;
  if (gate::is_complete(counters, body_->threshold)) return {};
  answer.at = t;
  ++answer.polls;
  if (const auto observed = gate::observe(counters, body_->threshold, measurement); !observed) {
    if (answer.refused++ == 0) answer.refusal = observed.error().message;
    return {};
  }
  body_->decide(*one, gate::judge(counters, body_->threshold).verdict);
  return {};
}

std::vector<Replayed> Replay::finish() {
  std::vector<Replayed> out;
  out.reserve(body_->series.size());
  for (Series& one : body_->series) {
    if (one.running != nullptr && body_->compares()) body_->close_poll(one);
    if (one.running != nullptr) body_->end(one);
    out.push_back(std::move(one.answer));
  }
  body_->series.clear();
  body_->index.clear();
  return out;
}

}  // namespace tranche::rollout
