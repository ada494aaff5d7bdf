// What the shortest useful file means (PRODUCT.md "Defaults"). A file that spells all of this out means the
// same, so the frozen plan can be read back by any runner.
#include <algorithm>

#include "spec/meaning.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;
constexpr DurationRange watched{48h, 48h};  // 100% of everyone

std::string stage_name(const Stage& stage) {
  if (stage.cohort.empty()) return stage.percent ? to_text(*stage.percent) : "everyone";
  return stage.percent ? stage.cohort + " " + to_text(*stage.percent) : stage.cohort;
}

bool has_standard_counters(const Source& source) {
  return source.kind == Source::Kind::prometheus || source.kind == Source::Kind::serve ||
         source.kind == Source::Kind::sentry;
}

// With one source and no gates: crashes a session, on the counters that every check-in fills
// (FEED.md "Check-in"), compared within strata.
Gate crashes_gate(const Source& source) {
  Gate gate;
  gate.name = "crashes";
  gate.source = source.name;
  gate.place = source.place;
  if (source.kind == Source::Kind::serve) {
    gate.events = "crashes";
    gate.exposure = "sessions";
    return gate;
  }
  if (source.kind == Source::Kind::sentry) {
    gate.events = "crashed";
    gate.exposure = "sessions";
    gate.arms = Gate::Arms::version;
    gate.every = 1h;  // Sentry counts no finer
    return gate;
  }
  const auto query = [](std::string_view counter) {
    return fmt::format(R"(sum by (stratum) (increase({}{{app="$app",channel="$channel",arm="$arm"}}[1m])))",
                       counter);
  };
  gate.events = query("tranche_crashes_total");
  gate.exposure = query("tranche_sessions_total");
  return gate;
}

// What `tranche serve` and Sentry count by themselves needs no words.
void fill_counts(Gate& gate, const Source& source, const Value& document) {
  const bool serve = source.kind == Source::Kind::serve;
  if (!serve && source.kind != Source::Kind::sentry) return;
  const auto fill = [&](std::string& into, std::string_view key, const char* text) {
    if (into.empty() && !find_at(document, {"gates", gate.name, key})) into = text;
  };
  if (gate.kind == Gate::Kind::compare && gate.statistic != Gate::Statistic::quantile) {
    fill(gate.events, "events", serve ? "crashes" : "crashed");
    fill(gate.exposure, "exposure", "sessions");
  } else if (gate.kind == Gate::Kind::threshold && !serve) {
    fill(gate.query, "query", "crash_free_rate(session)");
  }
}

std::vector<Stage> default_stages(const App& app, const Place& place) {
  std::vector<Stage> stages;
  if (app.cohort("pilot") != nullptr) {
    Stage pilot;
    pilot.cohort = "pilot";
    stages.push_back(pilot);
  }
  for (const std::uint32_t share : {5U, 20U, 50U, 100U}) {
    Stage stage;
    stage.percent = Percent{share * 10'000};
    if (stage.percent->everyone()) stage.bake = watched;
    stages.push_back(stage);
  }
  for (Stage& stage : stages) stage.place = place;
  return stages;
}

// Every gate that can be asked at a stage: comparisons need a randomised control.
std::vector<std::string> fitting_gates(const App& app, const Stage& stage) {
  std::vector<std::string> names;
  for (const Gate& gate : app.gates)
    if (gate.kind == Gate::Kind::threshold || (gate.kind == Gate::Kind::compare && !stage.whole()))
      names.push_back(gate.name);
  return names;
}

void fill_stages(App& app, Rollout& rollout, const Value& document) {
  const Value* written = find_at(document, {"rollouts", rollout.name, "stages"});
  if (written == nullptr) rollout.stages = default_stages(app, rollout.place);
  for (std::size_t i = 0; i < rollout.stages.size(); ++i) {
    Stage& stage = rollout.stages[i];
    const auto left_out = [&](std::string_view key) {
      return written == nullptr || find_at(*written, {i, key}) == nullptr;
    };
    if (stage.name.empty()) stage.name = stage_name(stage);
    if (written != nullptr && left_out("bake") && stage.cohort.empty() && stage.whole()) stage.bake = watched;
    if (left_out("gates")) stage.gates = fitting_gates(app, stage);
  }
}

// Of a channel: withdraw, then fall back. Of a service: its target brings the baseline back. Telling people
// needs an address, and there is no default one: add an http.request.
Playbook rollback_playbook(std::string name, bool of_service, const Place& place) {
  Playbook playbook;
  playbook.name = std::move(name);
  playbook.place = place;
  const std::vector<const char*> actions =
      of_service ? std::vector<const char*>{"target.undo"}
                 : std::vector<const char*>{"channel.withdraw", "channel.fallback"};
  for (const char* action : actions) {
    Step step;
    step.uses = action;
    step.retry = {5, 2s};
    step.place = place;
    playbook.steps.push_back(step);
  }
  return playbook;
}

bool is_service(const Rollout& rollout) { return rollout.target.kind != Target::Kind::none; }

// Where channels and services share a file and it writes no playbook `rollback`, each kind gets its own.
void fill_playbooks(App& app, const Value& document) {
  if (app.playbook("rollback") != nullptr) return;
  const bool services = std::ranges::any_of(app.rollouts, is_service);
  const bool only_services = services && std::ranges::all_of(app.rollouts, is_service);
  app.playbooks.push_back(rollback_playbook("rollback", only_services, app.place));
  if (!services || only_services) return;
  bool used = false;
  for (Rollout& rollout : app.rollouts) {
    if (!is_service(rollout) || find_at(document, {"rollouts", rollout.name, "on-failure"})) continue;
    rollout.on_failure = "rollback-service";
    used = true;
  }
  if (used && app.playbook("rollback-service") == nullptr)
    app.playbooks.push_back(rollback_playbook("rollback-service", true, app.place));
}

}  // namespace

void fill_defaults(App& app, const Value& document) {
  if (app.gates.empty() && app.sources.size() == 1 && has_standard_counters(app.sources.front()))
    app.gates.push_back(crashes_gate(app.sources.front()));
  for (Gate& gate : app.gates) {
    // A template has addresses of its own: only a source that is named stands in for them.
    if (gate.kind != Gate::Kind::argo && gate.source.empty() && app.sources.size() == 1 &&
        !find_at(document, {"gates", gate.name, "source"}))
      gate.source = app.sources.front().name;
    if (const Source* source = app.source(gate.source)) fill_counts(gate, *source, document);
  }
  if (app.rollouts.empty()) {
    // A rollout for each channel, of the channel's name: `tranche rollout start stable`.
    for (const Channel& channel : app.channels) {
      Rollout rollout;
      rollout.name = channel.name;
      rollout.channel = channel.name;
      rollout.place = channel.place;
      app.rollouts.push_back(rollout);
    }
  }
  for (Rollout& rollout : app.rollouts) {
    if (rollout.target.kind == Target::Kind::none && rollout.channel.empty() && app.channels.size() == 1 &&
        !find_at(document, {"rollouts", rollout.name, "channel"}))
      rollout.channel = app.channels.front().name;
    fill_stages(app, rollout, document);
  }
  fill_playbooks(app, document);
  for (Playbook& playbook : app.playbooks) {
    for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
      Step& step = playbook.steps[i];
      if (step.id.empty()) step.id = fmt::format("{}-{}", i + 1, step.uses);
    }
  }
}

}  // namespace tranche::spec
