#include "fleet/simulate.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "base/text.hpp"
#include "cohort/decide.hpp"

namespace tranche::fleet {

namespace {

using rollout::EffectKind;
using rollout::Phase;

constexpr std::size_t most_points = 1000;

// What the rules say to all devices with the same labels.
struct Reach {
  bool all = false;
  std::uint64_t below = 0;
  std::uint32_t stratum = 0;
  [[nodiscard]] bool holds(std::uint64_t bucket) const { return all || bucket < below; }
};

// A group of devices that nothing but chance tells apart.
struct Group {
  bool placed = false;   // in an arm
  bool release = false;  // runs the release; else the baseline
  bool canary = false;
  bool offline = false;
  std::uint32_t stratum = 0;
  std::uint64_t devices = 0;
  [[nodiscard]] bool same(const Group& other) const {
    return placed == other.placed && release == other.release && canary == other.canary &&
           offline == other.offline && stratum == other.stratum;
  }
};

struct Step {
  Instant end{};
  gate::Poll counts;
};

class Run {
 public:
  explicit Run(const SimulateOptions& options)
      : options_(options), plan_(options.plan), model_(options.model), random_(options.model.seed ^ 0x5eed) {
    if (!plan_.baseline.empty()) model_.start_version = plan_.baseline;
    result_.seed = model_.seed;
    result_.devices = model_.devices;
    result_.release = plan_.release;
    result_.baseline = plan_.baseline;
  }

  Result<Simulation> run() {
    prepare();
    now_ = Instant(step_ * (options_.start.time_since_epoch() / step_));
    begin_ = now_;
    rollout::State state = rollout::begin(plan_, std::string(64, '0'), 0, now_);
    std::optional<Duration> ended;
    while (now_ - begin_ < options_.most) {
      if (options_.interrupted && options_.interrupted())
        return fail(ErrorKind::interrupted, "the simulation was interrupted");
      while (state.pending) TRY(perform(state));
      if (state.detected && !result_.detected) result_.detected = *state.detected - begin_;
      const bool over = rollout::is_final(state.phase) || state.phase == Phase::held;
      if (over && !ended) ended = now_ - begin_;
      if (over && settled()) break;
      advance(state);
      if (!over) TRY(tick(state));
    }
    add_point(state);
    result_.phase = state.phase;
    result_.because = state.because;
    result_.stage = plan_.stages[state.stage].name;
    result_.took = ended.value_or(now_ - begin_);
    if (withdrawn_) result_.stranded = plan_.baseline.empty() ? running_release() : 0;
    return std::move(result_);
  }

 private:
  // Gates that no model stands behind are assumed to pass; the step is what all windows are multiples of.
  void prepare() {
    // Its ticks are the model's, and nobody is told.
    for (spec::Rollout& rollout : plan_.config.rollouts) {
      rollout.max_tick_gap = {};
      rollout.on_hold.clear();
    }
    for (const std::string& name : rollout::required_conditions(plan_, 0))
      result_.assumptions.push_back(fmt::format("nothing waits for its {}", name));
    Duration common{};
    for (rollout::PlannedStage& stage : plan_.stages) {
      std::erase_if(stage.gates, [&](const std::string& name) {
        const spec::Gate* gate = plan_.config.gate(name);
        if (gate != nullptr && gate->kind == spec::Gate::Kind::compare) {
          common = Duration(std::gcd(common.count(), gate->every.count()));
          return false;
        }
        const std::string text =
            fmt::format("gate '{}' is assumed to pass: the model has no numbers for it", name);
        if (std::ranges::find(result_.assumptions, text) == result_.assumptions.end())
          result_.assumptions.push_back(text);
        return true;
      });
      if (!stage.rule.devices.empty())
        result_.assumptions.push_back(
            fmt::format("stage '{}' reaches listed devices, of which the model has none", stage.name));
    }
    step_ = common > Duration::zero() ? common : std::max<Duration>(model_.poll, std::chrono::seconds(1));

    const std::size_t n = model_.devices;
    bucket_.resize(n);
    class_.resize(n);
    group_of_.resize(n);
    had_release_.assign(n, 0);
    const auto slots = [&](Duration interval) {
      return static_cast<std::size_t>(std::max<std::int64_t>(1, (interval + step_ - Duration(1)) / step_));
    };
    slots_ = {slots(model_.poll), slots(model_.poll * offline_factor)};
    std::vector<std::uint32_t> slot(n);
    for (std::size_t i = 0; i < n; ++i) {
      const Traits traits = traits_of(model_, i);
      bucket_[i] = cohort::bucket(plan_.salt, device_id(traits));
      class_[i] = static_cast<std::uint16_t>((traits.region << 2U) | (traits.pilot ? 2U : 0U) |
                                             (traits.offline ? 1U : 0U));
      slot[i] = static_cast<std::uint32_t>(device_random(model_, i).next() % slots_[traits.offline ? 1 : 0]);
    }
    for (const bool offline : {false, true}) groups_.push_back({false, false, false, offline, 0, 0});
    for (std::size_t i = 0; i < n; ++i) {
      group_of_[i] = class_[i] & 1U;
      ++groups_[group_of_[i]].devices;
    }
    for (std::size_t kind = 0; kind < 2; ++kind) {  // devices in the order in which they poll
      std::vector<std::uint32_t>& begin = slot_begin_[kind];
      begin.assign(slots_[kind] + 1, 0);
      for (std::size_t i = 0; i < n; ++i)
        if ((class_[i] & 1U) == kind) ++begin[slot[i] + 1];
      std::partial_sum(begin.begin(), begin.end(), begin.begin());
      order_[kind].resize(begin.back());
      std::vector<std::uint32_t> at = begin;
      for (std::size_t i = 0; i < n; ++i)
        if ((class_[i] & 1U) == kind) order_[kind][at[slot[i]]++] = static_cast<std::uint32_t>(i);
    }
    reach_.resize((std::max<std::size_t>(1, model_.regions.size()) << 2U));
  }

  Result<> perform(rollout::State& state) {
    const rollout::Effect effect = *state.pending;
    rollout::EffectDone done{effect.key, false};
    switch (effect.kind) {
      case EffectKind::expose:
        publish(rollout::rules_at(plan_, effect.stage));
        break;
      case EffectKind::finish: {
        cohort::Rule everyone;
        everyone.all = true;
        publish({everyone});
        arms_ = false;
        break;
      }
      case EffectKind::playbook:
        publish({});
        arms_ = false;
        withdrawn_ = true;
        done.stranded = plan_.baseline.empty();
        break;
    }
    return take(state, {now_, done});
  }

  Result<> take(rollout::State& state, const rollout::Event& event) {
    rollout::Next next = TRY(rollout::step(plan_, state, event));
    state = std::move(next.state);
    for (std::string& text : next.decisions) result_.decisions.push_back({now_ - begin_, std::move(text)});
    if (!next.decisions.empty()) add_point(state);
    return {};
  }

  // New rules: who they reach is asked once for each combination of labels, in the words of cohort::place.
  void publish(const std::vector<cohort::Rule>& rules) {
    for (std::size_t c = 0; c < reach_.size(); ++c) {
      Traits traits;
      traits.offline = (c & 1U) != 0;
      traits.pilot = (c & 2U) != 0;
      traits.region = static_cast<std::uint8_t>(c >> 2U);
      const cohort::Device device = make_device(model_, traits);
      Reach reach;
      for (const cohort::Rule& rule : rules) {
        cohort::Directions alone;
        alone.offer = cohort::Offer{plan_.release, plan_.salt, {rule}};
        const std::uint32_t chance = cohort::place(alone, device).stratum;
        if (chance == 0) continue;
        reach.stratum = std::max(reach.stratum, chance);
        reach.all = reach.all || rule.all;
        if (rule.below) reach.below = std::max(reach.below, *rule.below);
      }
      reach_[c] = reach;
    }
    arms_ = true;
    exposed_ = 0;
    for (std::size_t i = 0; i < bucket_.size(); ++i) exposed_ += reach_[class_[i]].holds(bucket_[i]) ? 1 : 0;
    polls_left_ = slots_[1] > slots_[0] && !order_[1].empty() ? slots_[1] : slots_[0];
  }

  std::uint16_t group(bool release, bool canary, bool offline, std::uint32_t stratum) {
    const Group wanted{arms_, release, canary, offline, stratum, 0};
    for (std::size_t g = 0; g < groups_.size(); ++g)
      if (groups_[g].same(wanted)) return static_cast<std::uint16_t>(g);
    groups_.push_back(wanted);
    return static_cast<std::uint16_t>(groups_.size() - 1);
  }

  // One step of virtual time: devices that are due ask, then everybody lives.
  void advance(const rollout::State& state) {
    now_ += step_;
    ++steps_;
    if (polls_left_ > 0) {
      --polls_left_;
      for (std::size_t kind = 0; kind < 2; ++kind) {
        const std::size_t slot = steps_ % slots_[kind];
        for (std::uint32_t at = slot_begin_[kind][slot]; at < slot_begin_[kind][slot + 1]; ++at)
          ask(order_[kind][at]);
      }
      if (withdrawn_ && !result_.recovered && result_.detected && running_release() == 0)
        result_.recovered = now_ - begin_ - *result_.detected;
      if (steps_ % std::max<std::size_t>(1, slots_[0] / 4) == 0) add_point(state);
    }
    if (!arms_) return;
    Step step{now_, {}};
    const double polls = static_cast<double>(step_.count()) / static_cast<double>(model_.poll.count());
    for (const Group& one : groups_) {
      if (one.devices == 0 || !one.placed) continue;
      const double mean =
          static_cast<double>(one.devices) * model_.sessions * polls / (one.offline ? offline_factor : 1);
      const std::uint64_t sessions = random_.poisson(mean);
      const std::uint64_t crashes =
          random_.binomial(sessions, model_.rate_of(one.release ? plan_.release : model_.start_version));
      gate::StratumCounts& counts = step.counts[fmt::format("{}", one.stratum)];
      gate::ArmCounts& arm = one.canary ? counts.canary : counts.control;
      arm.exposure += static_cast<double>(sessions);
      arm.events += static_cast<double>(crashes);
    }
    history_.push_back(std::move(step));
  }

  // A poll: the device follows what is said now, and from here on counts where it is placed now (what it did
  // before counts where it was then, as in the server's counters).
  void ask(std::uint32_t i) {
    const Reach& reach = reach_[class_[i]];
    const bool canary = reach.holds(bucket_[i]);
    const Group& now = groups_[group_of_[i]];
    // FEED.md's order: withdrawn sends back (when there is a way), an offer sends forward, nothing keeps.
    const bool wants = withdrawn_ ? now.release && plan_.baseline.empty() : now.release || canary;
    if (wants && !now.release && had_release_[i] == 0) {
      had_release_[i] = 1;
      ++result_.ever;
    }
    if (now.placed == arms_ && now.release == wants && now.canary == canary && now.stratum == reach.stratum)
      return;
    --groups_[group_of_[i]].devices;
    group_of_[i] = group(wants, canary, now.offline, reach.stratum);
    ++groups_[group_of_[i]].devices;
  }

  [[nodiscard]] std::uint64_t running_release() const {
    std::uint64_t count = 0;
    for (const Group& one : groups_)
      if (one.release) count += one.devices;
    return count;
  }
  [[nodiscard]] bool settled() const { return polls_left_ == 0; }

  // What the engine would read for the gates that want data now.
  Result<> tick(rollout::State& state) {
    rollout::Tick tick;
    tick.conditions = rollout::conditions_met(plan_, rollout::growth_to(state));
    Instant oldest = now_;
    for (const rollout::Want& want : rollout::wanted(plan_, state)) {
      const spec::Gate* gate = plan_.config.gate(want.gate);
      if (gate == nullptr) continue;
      oldest = std::min(oldest, want.after);
      rollout::Observation& observation = tick.observations[want.gate];
      Instant end(gate->every * (want.after.time_since_epoch() / gate->every) + gate->every);
      for (; end <= now_; end += gate->every) {
        rollout::Window window;
        window.end = end;
        const auto first = std::ranges::upper_bound(history_, end - gate->every, {}, &Step::end);
        for (auto step = first; step != history_.end() && step->end <= end; ++step)
          for (const auto& [stratum, counts] : step->counts) {
            gate::StratumCounts& sum = window.counts[stratum];
            sum.canary.events += counts.canary.events;
            sum.canary.exposure += counts.canary.exposure;
            sum.control.events += counts.control.events;
            sum.control.exposure += counts.control.exposure;
            window.has_data = true;
          }
        // Arms that chance did not make (pilots, who were chosen) are no evidence.
        std::erase_if(window.counts,
                      [](const auto& entry) { return entry.first == "0" || entry.first == "1000000"; });
        observation.windows.push_back(std::move(window));
      }
    }
    std::erase_if(history_, [&](const Step& step) { return step.end <= oldest - std::chrono::hours(1); });
    return take(state, {now_, std::move(tick)});
  }

  void add_point(const rollout::State& state) {
    auto& timeline = result_.timeline;
    timeline.push_back({now_ - begin_, plan_.stages[state.stage].name,
                        arms_        ? exposed_
                        : withdrawn_ ? 0
                                     : result_.devices,
                        running_release()});
    if (timeline.size() <= most_points) return;
    for (std::size_t i = 0; 2 * i < timeline.size(); ++i) timeline[i] = timeline[2 * i];
    timeline.resize((timeline.size() + 1) / 2);
  }

  const SimulateOptions& options_;
  rollout::Plan plan_;
  Model model_;
  Random random_;
  Simulation result_;
  Duration step_{};
  Instant now_{}, begin_{};
  std::size_t steps_ = 0, polls_left_ = 0;
  std::vector<std::uint64_t> bucket_;
  std::vector<std::uint16_t> class_;     // region, pilot, offline: index into reach_
  std::vector<std::uint16_t> group_of_;  // index into groups_
  std::vector<std::uint8_t> had_release_;
  std::array<std::size_t, 2> slots_{};  // steps an interval: online, offline
  std::array<std::vector<std::uint32_t>, 2> slot_begin_, order_;
  std::vector<Reach> reach_;
  std::vector<Group> groups_;
  std::vector<Step> history_;
  std::uint64_t exposed_ = 0;
  bool arms_ = false, withdrawn_ = false;
};

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000.0; }

}  // namespace

Result<Simulation> simulate(const SimulateOptions& options) {
  TRY(check_model(options.model));
  if (options.plan.stages.empty()) return fail(ErrorKind::usage, "the plan has no stages");
  if (options.model.regions.size() > 255) return fail(ErrorKind::usage, "more than 255 regions");
  return Run(options).run();
}

doc::Value to_value(const Simulation& simulation) {
  doc::Array decisions, timeline, assumptions;
  for (const SimulatedDecision& one : simulation.decisions)
    decisions.push_back(doc::Value::object({{"t", seconds(one.at)}, {"text", one.text}}));
  for (const SimulatedPoint& point : simulation.timeline)
    timeline.push_back(doc::Value::object({{"t", seconds(point.at)},
                                           {"stage", point.stage},
                                           {"exposed", static_cast<std::int64_t>(point.exposed)},
                                           {"updated", static_cast<std::int64_t>(point.updated)}}));
  for (const std::string& text : simulation.assumptions) assumptions.emplace_back(text);
  doc::Value value = doc::Value::object({{"schema", "tranche/simulate/v1"},
                                         {"seed", fmt::format("{}", simulation.seed)},
                                         {"devices", static_cast<std::int64_t>(simulation.devices)},
                                         {"release", simulation.release},
                                         {"baseline", simulation.baseline},
                                         {"state", rollout::to_text(simulation.phase)},
                                         {"because", simulation.because},
                                         {"stage", simulation.stage},
                                         {"exposed", static_cast<std::int64_t>(simulation.ever)},
                                         {"stranded", static_cast<std::int64_t>(simulation.stranded)},
                                         {"seconds", seconds(simulation.took)}});
  if (simulation.detected) value.set("detected-after-seconds", seconds(*simulation.detected));
  if (simulation.recovered) value.set("recovered-after-seconds", seconds(*simulation.recovered));
  value.set("decisions", std::move(decisions));
  value.set("timeline", std::move(timeline));
  value.set("assumptions", std::move(assumptions));
  return value;
}

}  // namespace tranche::fleet
