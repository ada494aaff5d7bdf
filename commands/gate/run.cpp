// A gate on its own, for CI: polled until it passes, fails, or the deadline is there.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/gate/shared.hpp"
#include "commands/trusted_ref.hpp"
#include "engine/read_gate.hpp"
#include "gate/verdict.hpp"
#include "metrics/sent_queries.hpp"
#include "rollout/explain.hpp"
#include "rollout/gate_memory.hpp"

namespace tranche::commands {
namespace {

using namespace std::chrono_literals;
using Kind = spec::Gate::Kind;

constexpr std::size_t most_record_bytes = std::size_t{256} << 20;

// Lines for `gate replay`: what the gate took in, and nothing else.
class Recorder {
 public:
  static Result<Recorder> open(Context& context, std::string path, std::string series) {
    Recorder out(context, std::move(path), std::move(series));
    if (!out.path_.empty()) {
      out.text_ = TRY(context.world.files.read(out.path_, most_record_bytes)).value_or("");
      if (!out.text_.empty() && !out.text_.ends_with('\n')) out.text_ += '\n';
    }
    return out;
  }

  // `before`: polled_until before the observation was folded in, `memory` after it.
  Result<> record(const rollout::Observation& observation, const spec::Gate& gate, Instant before,
                  const rollout::GateMemory& memory) {
    if (path_.empty()) return {};
    const std::size_t old = text_.size();
    const auto counts = [&](Instant at) { return at > before && at <= memory.polled_until; };
    if (gate.kind == Kind::compare)
      for (const rollout::Window& window : observation.windows)
        if (counts(window.end)) add(window);
    if (gate.kind == Kind::threshold)
      for (const rollout::Sample& sample : observation.samples)
        if (counts(sample.at)) add(sample);
    if (text_.size() == old) return {};
    if (text_.size() > most_record_bytes)
      return fail_hint(ErrorKind::failed, "record into a new file", "'{}' has grown above 256 MiB",
                       printable(path_));
    TRY_WHILE("recording", context_.world.files.write(path_, text_));
    return {};
  }

 private:
  Recorder(Context& context, std::string path, std::string series)
      : context_(context), path_(std::move(path)), series_(std::move(series)) {}

  void add(const rollout::Window& window) {
    for (const auto& [stratum, counts] : window.counts) {
      metrics::SeriesLine line;
      line.series = series_;
      line.stratum = stratum;
      line.t = window.end.time_since_epoch();
      line.has_counts = window.has_data;
      line.counts = counts;
      if (const auto assigned = window.assigned.find(stratum); assigned != window.assigned.end()) {
        line.has_assigned = true;
        line.assigned = assigned->second;
      }
      text_ += metrics::to_series_line(line) + "\n";
    }
  }
  void add(const rollout::Sample& sample) {
    metrics::SeriesLine line;
    line.series = series_;
    line.t = sample.at.time_since_epoch();
    line.has_measurement = true;
    line.measurement = sample.measurement;
    text_ += metrics::to_series_line(line) + "\n";
  }

  Context& context_;
  std::string path_, series_, text_;
};

struct Run {
  const spec::App& app;
  const spec::Gate& gate;
  metrics::Variables variables;
  Instant started{};
  Instant deadline{};
  rollout::GateMemory memory;
  [[nodiscard]] bool decided() const {
    return memory.verdict == gate::Verdict::pass || memory.verdict == gate::Verdict::fail;
  }
  [[nodiscard]] Duration lag() const {
    const spec::Source* source = app.source(gate.source);
    return source == nullptr ? Duration{} : source->lag;
  }
};

// The evidence that grows, and how long it would take at its pace so far.
std::string still_needed(const Run& run) {
  const gate::Totals totals = gate::totals(run.memory.process);
  if (run.decided() || totals.polls < 3) return {};
  const auto needs = [&](double log_evidence, double rate) -> std::optional<Duration> {
    if (!(log_evidence > 0.2)) return std::nullopt;
    const double left = std::log(1 / rate) - log_evidence;
    const double polls = left / (log_evidence / static_cast<double>(totals.polls));
    if (!(left > 0) || !(polls < 1e5)) return std::nullopt;
    return std::chrono::round<std::chrono::minutes>(std::ceil(polls) * run.gate.every) + 1min;
  };
  const auto pass = needs(run.memory.log_evidence_not_worse, run.gate.false_promotion);
  const auto fails = needs(run.memory.log_evidence_worse, run.gate.false_rollback);
  if (fails && (!pass || *fails < *pass))
    return fmt::format("about {} more to fail at this pace", to_text(*fails));
  if (pass) return fmt::format("about {} more to pass at this pace", to_text(*pass));
  return "no evidence grows yet";
}

std::string standing(const Run& run) {
  const rollout::GateMemory& memory = run.memory;
  std::string out = fmt::format("{} {}", run.gate.name, gate::to_text(memory.verdict));
  if (run.gate.kind != Kind::compare) {
    out += ": " + printable(memory.explanation, 200);
  } else {
    const gate::Totals totals = gate::totals(memory.process);
    out += fmt::format(" · worse {} of {:.3g} · not worse {} of {:.3g}",
                       evidence_text(memory.log_evidence_worse), 1 / run.gate.false_rollback,
                       evidence_text(memory.log_evidence_not_worse), 1 / run.gate.false_promotion);
    out += fmt::format(" · canary {} in {} · control {} in {}", number_text(totals.canary.events),
                       number_text(totals.canary.exposure), number_text(totals.control.events),
                       number_text(totals.control.exposure));
    if (std::isfinite(memory.ratio)) {
      out += fmt::format(" · {:.3g}x", memory.ratio);
      if (memory.ratio_low > 0 || std::isfinite(memory.ratio_high))
        out += fmt::format(" ({:.3g} to {})", memory.ratio_low,
                           std::isfinite(memory.ratio_high) ? fmt::format("{:.3g}", memory.ratio_high) : "?");
    }
    if (const std::string needed = still_needed(run); !needed.empty()) out += " · " + needed;
  }
  if (!memory.source_error.empty()) out += " · source: " + printable(memory.source_error, 120);
  return out;
}

doc::Value run_json(const Run& run, Instant now) {
  const rollout::GateMemory& memory = run.memory;
  doc::Value out = doc::Value::object({{"schema", "tranche/gate-run/v1"},
                                       {"gate", run.gate.name},
                                       {"verdict", gate::to_text(memory.verdict)},
                                       {"explanation", memory.explanation},
                                       {"from", to_text(run.started)},
                                       {"until", to_text(now)},
                                       {"polled-until", to_text(memory.polled_until)},
                                       {"gaps", memory.gaps}});
  if (run.gate.kind == Kind::compare) {
    const gate::Totals totals = gate::totals(memory.process);
    const auto arm = [](const gate::ArmCounts& counts) {
      return doc::Value::object({{"events", counts.events}, {"exposure", counts.exposure}});
    };
    out.set("at", seconds_value(memory.polled_until.time_since_epoch()));
    out.set("evidence", plain_evidence(memory.log_evidence_worse));
    out.set("evidence-not-worse", plain_evidence(memory.log_evidence_not_worse));
    out.set("ratio", number_or_null(memory.ratio));
    out.set("ratio-low", number_or_null(memory.ratio_low));
    out.set("ratio-high", number_or_null(memory.ratio_high));
    out.set("canary", arm(totals.canary));
    out.set("control", arm(totals.control));
    out.set("polls", totals.polls);
    out.set("since", totals.since == Instant{} ? doc::Value() : doc::Value(to_text(totals.since)));
  }
  doc::Value queries = doc::Value::array();
  for (const metrics::SentQuery& query : metrics::sent_queries(run.gate, run.variables))
    queries.push(doc::Value::object({{"what", query.what}, {"query", query.text}}));
  out.set("queries", std::move(queries));
  if (!memory.source_error.empty()) out.set("source-error", memory.source_error);
  return out;
}

std::string run_words(const Run& run, bool color) {
  std::string out;
  bool first = true;
  for (const std::string& line : rollout::explain(run.gate.name, run.memory, run.gate)) {
    out += first ? styled(printable(line, 400), style_of(run.memory.verdict), color)
                 : "  " + printable(line, 400);
    out += "\n";
    first = false;
  }
  for (const metrics::SentQuery& query : metrics::sent_queries(run.gate, run.variables))
    out += fmt::format("  {}: {}\n", query.what, printable(query.text, 400));
  return out;
}

// Queries that name what nobody gave would fail at every poll.
Result<> check_variables(const spec::Gate& gate, const metrics::Variables& variables) {
  const std::string all = gate.events + " " + gate.exposure + " " + gate.histogram + " " + gate.query;
  const bool versions = gate.kind == Kind::compare && gate.arms == spec::Gate::Arms::version;
  struct Needed {
    bool needed;
    const std::string& value;
    const char* flag;
  };
  const auto uses = [&](const char* name) { return all.find(name) != std::string::npos; };
  const std::array<Needed, 3> list{
      {{uses("$release") || uses("$version") || versions, variables.release, "release"},
       {uses("$baseline") || versions, variables.baseline, "baseline"},
       {uses("$channel"), variables.channel, "channel"}}};
  for (const Needed& one : list)
    if (one.needed && one.value.empty())
      return fail_hint(ErrorKind::usage, fmt::format("add --{}", one.flag),
                       "the queries of gate '{}' ask for the {}, and none was given", gate.name, one.flag);
  return {};
}

// When there can be something new, at least a second from now.
Instant next_poll(const Run& run, Instant now) {
  const Duration period = rollout::period(run.gate);
  const Instant due = run.memory.polled_until + period + run.lag();
  if (due > now) return std::max(due, now + 1s);
  return now + std::clamp<Duration>(period / 4, 1s, 15s);  // late or down: ask again soon
}

Result<bool> poll(Run& run, engine::GateReader& reader, Recorder& recorder, Instant now) {
  const Instant before = run.memory.polled_until;
  const rollout::Observation observation = reader.read(run.app, run.gate, run.variables, run.memory);
  rollout::fold(run.memory, run.app, run.gate, observation, now);
  TRY(recorder.record(observation, run.gate, before, run.memory));
  return run.memory.polled_until > before;
}

Result<Outcome> finish(const Run& run, Context& context, Instant now) {
  const int code = run.memory.verdict == gate::Verdict::pass   ? 0
                   : run.memory.verdict == gate::Verdict::fail ? 4
                                                               : 8;
  return Outcome{code, run_json(run, now), run_words(run, context.color)};
}

Result<Outcome> run_gate_run(const Options& options, Context& context) {
  const FoundGate found = TRY(find_gate(options, context));
  if (!found.loaded)
    return fail_hint(ErrorKind::invalid,
                     "name a tranche.yaml with sources:, or decide on recorded counts: gate replay",
                     "{} holds gates only, and no source to poll", printable(found.file));
  TRY(demand_trusted(context, options, *found.loaded, {"gates", "sources"}, "gate run"));
  const spec::App& app = found.loaded->app();
  ports::Clock& clock = context.world.clock;
  Run run{app, found.gate, {}, {}, {}, {}};
  run.variables.app = app.name;
  run.variables.release = run.variables.version = options.text("release");
  run.variables.baseline = options.text("baseline");
  run.variables.channel = options.text("channel");
  if (run.variables.channel.empty() && app.channels.size() == 1)
    run.variables.channel = app.channels.front().name;
  TRY(check_variables(run.gate, run.variables));
  const Instant begun = clock.now();
  run.started = options.given("from") ? TRY(options.instant("from")) : begun;
  if (run.started > begun)
    return fail_hint(ErrorKind::usage, "name a moment in the past", "--from is in the future");
  run.deadline = begun + TRY(options.duration("deadline"));
  Recorder recorder =
      TRY(Recorder::open(context, options.text("record"),
                         run.variables.release.empty() ? run.gate.name : run.variables.release));
  rollout::begin_stage(run.memory, run.gate, run.started);
  engine::GateReader reader(context.world, found.loaded->repository());
  std::string said;
  for (;;) {
    const Instant now = clock.now();
    const bool news = TRY(poll(run, reader, recorder, now));
    const std::string stands = standing(run);
    if (!context.talk.is_live() && stands != said) context.say("{}", stands);
    said = stands;
    if (run.decided() || now >= run.deadline) {
      // A long past is read in pieces; the deadline is about waiting.
      const bool behind = news && run.memory.polled_until + rollout::period(run.gate) + run.lag() <= now;
      if (run.decided() || !behind) return finish(run, context, now);
      continue;
    }
    const Instant next = std::min(run.deadline, next_poll(run, clock.now()));
    while (clock.now() < next && !clock.interrupted()) {
      const auto wait = std::chrono::ceil<std::chrono::seconds>(next - clock.now());
      context.talk.live(stands + " · next poll in " + to_text(Duration(wait)));
      clock.sleep_until(std::min(next, clock.now() + 200ms));
    }
    if (clock.interrupted()) {
      context.talk.clear();
      return fail(ErrorKind::interrupted, "interrupted; {}", stands);
    }
  }
}

}  // namespace

Command gate_run() {
  return {
      .name = "gate run",
      .summary = "poll a gate until it passes, fails, or time is up",
      .help_path = "commands/gate/run.md",
      .arguments = {gate_argument()},
      .flags =
          {{.name = "release", .value = "VERSION", .help = "for $release and $version in the queries"},
           {.name = "baseline", .value = "VERSION", .help = "for $baseline in the queries"},
           {.name = "channel", .value = "NAME", .help = "for $channel; by default the only one"},
           {.name = "deadline", .value = "TIME", .help = "how long to wait at most", .default_text = "30m"},
           {.name = "from", .value = "TIME", .help = "begin in the past, RFC 3339; by default now"},
           {.name = "record", .value = "FILE", .help = "append what was polled, for gate replay"},
           trusted_ref_flag(),
           app_flag()},
      .run = run_gate_run};
}

}  // namespace tranche::commands
