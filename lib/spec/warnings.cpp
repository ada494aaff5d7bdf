#include "spec/warnings.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::spec {
namespace {

struct Collector {
  std::vector<Error> found;

  void add(const Place& place, std::string message, std::string hint) {
    Error error(ErrorKind::invalid, std::move(message), std::move(hint));
    if (place.source && place.line > 0) error.mark = doc::to_mark(place);
    found.push_back(std::move(error));
  }
};

void warn_about_stages(const App& app, const Rollout& rollout, Collector& out) {
  for (const Stage& stage : rollout.stages) {
    const std::string where =
        fmt::format("stage '{}' of rollout '{}'", printable(stage.name, 64), rollout.name);
    const bool everyone = stage.cohort.empty() && stage.whole();  // watched for a fixed time
    if (stage.gates.empty() && !everyone)
      out.add(stage.place, fmt::format("{} has no gate: only its bake time holds it", where),
              app.sources.empty() ? "add a source under `sources:` and a gate" : "add `gates: [...]`");
    if (stage.bake.min == stage.bake.max && !stage.gates.empty() && !everyone)
      out.add(
          stage.place,
          fmt::format("bake of {} leaves no time beyond its minimum: a gate that has not passed by then is "
                      "decided by on-inconclusive",
                      where),
          fmt::format("write a range: bake: {}..{}", to_text(stage.bake.min), to_text(stage.bake.max * 2)));
    for (const std::string& name : stage.gates) {
      const Gate* gate = app.gate(name);
      if (gate == nullptr || gate->kind != Gate::Kind::threshold || gate->count == 0) continue;
      const Duration needs = gate->initial_delay + gate->interval * gate->count;
      if (needs > stage.bake.max)
        out.add(stage.place,
                fmt::format("gate '{}' needs {} for its {} measurements, and the bake of {} ends after {}",
                            name, to_text(needs), gate->count, where, to_text(stage.bake.max)),
                "lower count or interval, or bake longer");
    }
  }
}

void warn_about_rollout(const App& app, const Rollout& rollout, Collector& out) {
  warn_about_stages(app, rollout, out);
  if (!rollout.stages.empty()) {
    const Stage& last = rollout.stages.back();
    if (!last.cohort.empty() || !last.whole())
      out.add(last.place,
              fmt::format("rollout '{}' ends at stage '{}': the release never reaches everyone", rollout.name,
                          printable(last.name, 64)),
              "add a last stage: { percent: 100 }");
  }
  for (const std::string& name : unbounded_gates(app, rollout)) {
    const Gate* gate = app.gate(name);
    out.add(gate == nullptr ? rollout.place : gate->place,
            fmt::format("threshold gate '{}' of rollout '{}' promises nothing about false rollbacks", name,
                        rollout.name),
            "a compare gate keeps its stated error; keep this one where there is no control arm");
  }
  if (rollout.on_inconclusive == Rollout::OnInconclusive::promote)
    out.add(rollout.place, fmt::format("rollout '{}' promotes without evidence when bake ends", rollout.name),
            "on-inconclusive: hold waits for a person");
  if (const Playbook* playbook = app.playbook(rollout.on_failure); playbook != nullptr) {
    const bool service = rollout.target.kind != Target::Kind::none;
    const std::string_view back = service ? "target.undo" : "channel.withdraw";
    // Of a service what the target is made of can be used by itself, too.
    const bool withdraws = std::any_of(playbook->steps.begin(), playbook->steps.end(), [&](const Step& step) {
      return step.uses == back || (service && (step.uses.starts_with("argo.") || step.uses == "run" ||
                                               step.uses == "git.revert" || step.uses == "flag.set"));
    });
    if (!withdraws)
      out.add(playbook->place,
              fmt::format("playbook '{}' of rollout '{}' does not {} the release", playbook->name,
                          rollout.name, service ? "take back" : "withdraw"),
              fmt::format("add a step: {{ uses: {} }}", back));
  }
}

// In a file with several apps it is an error.
void warn_about_after(const App& app, const Rollout& rollout, Collector& out) {
  if (rollout.after_rollout.empty() || app.rollout(rollout.after_rollout) != nullptr) return;
  out.add(rollout.place,
          fmt::format("rollout '{}' waits for rollout '{}', which app '{}' does not define", rollout.name,
                      printable(rollout.after_rollout, 64), app.name),
          "put both apps into one file: apps: { ... }");
}

// What its source cannot do: a gate that is asked would only ever be without data.
void warn_about_source(const Gate& gate, const Source& source, Collector& out) {
  using Kind = Source::Kind;
  const auto is = [&](std::initializer_list<Kind> kinds) {
    return std::find(kinds.begin(), kinds.end(), source.kind) != kinds.end();
  };
  const auto add = [&](std::string_view wants, std::string hint) {
    out.add(gate.place,
            fmt::format("gate '{}' {}, which source '{}' ({}) cannot answer", gate.name, wants, source.name,
                        to_text(source.kind)),
            std::move(hint));
  };
  if (gate.kind == Gate::Kind::compare) {
    if (is({Kind::web}))
      add("compares arms over time",
          "compare with prometheus, or with command and file; web measures one value");
    else if (gate.statistic == Gate::Statistic::quantile &&
             !is({Kind::prometheus, Kind::influxdb, Kind::command, Kind::file}))
      add("asks for a quantile", "read the histogram from prometheus, influxdb, command or file");
    else if (gate.statistic == Gate::Statistic::mean && is({Kind::sentry, Kind::serve}))
      add("asks for a mean", "read sums from prometheus, influxdb, graphite or datadog");
    else if (is({Kind::sentry}) && gate.every % std::chrono::hours(1) != Duration::zero())
      add(fmt::format("is polled every {}", to_text(gate.every)), "write every: 1h: Sentry counts no finer");
  }
  if (gate.kind == Gate::Kind::kayenta &&
      !is({Kind::prometheus, Kind::influxdb, Kind::graphite, Kind::datadog}))
    add("looks at the course of metrics", "judge what prometheus, influxdb, graphite or datadog keep");
}

}  // namespace

std::vector<Error> warnings(const App& app, bool alone) {
  Collector out;
  for (const Rollout& rollout : app.rollouts) {
    warn_about_rollout(app, rollout, out);
    if (alone) warn_about_after(app, rollout, out);
  }
  for (const Gate& gate : app.gates) {
    if (gate.kind == Gate::Kind::compare && gate.arms == Gate::Arms::version)
      out.add(gate.place,
              fmt::format("gate '{}' takes its arms from versions: eager updaters differ", gate.name),
              "arms: bucket compares devices that chance has picked");
    if (const Source* source = app.source(gate.source)) warn_about_source(gate, *source, out);
    const bool asked = std::any_of(app.rollouts.begin(), app.rollouts.end(), [&](const Rollout& rollout) {
      return std::any_of(rollout.stages.begin(), rollout.stages.end(), [&](const Stage& stage) {
        return std::find(stage.gates.begin(), stage.gates.end(), gate.name) != stage.gates.end();
      });
    });
    if (!asked && !app.rollouts.empty())
      out.add(gate.place, fmt::format("gate '{}' is asked at no stage", gate.name),
              "add it to the gates of a stage, or remove it");
  }
  for (const Channel& channel : app.channels) {
    for (const Client& client : channel.clients)
      if (!channel.has_feed(client.name))
        out.add(client.place,
                fmt::format("clients of channel '{}' speak of feed '{}', which it does not have",
                            channel.name, printable(client.name, 64)),
                "add the feed or remove the client");
  }
  return std::move(out.found);
}

}  // namespace tranche::spec
