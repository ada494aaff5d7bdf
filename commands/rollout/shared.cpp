#include "commands/rollout/shared.hpp"

#include "commands/rollout/feeds.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "metrics/sent_queries.hpp"
#include "playbook/machine.hpp"
#include "rollout/explain.hpp"

namespace tranche::commands {
namespace {

double odds(double log_evidence) { return std::exp(std::min(log_evidence, 700.0)); }

// "evidence 3.2 of 100 that it is worse, 8.1 of 20 that it is not"
std::string evidence_text(const spec::Gate& gate, const rollout::GateMemory& memory) {
  if (gate.kind != spec::Gate::Kind::compare) return memory.explanation;
  return fmt::format("worse {:.3g} of {:.3g}, not worse {:.3g} of {:.3g}", odds(memory.log_evidence_worse),
                     1 / gate.false_rollback, odds(memory.log_evidence_not_worse), 1 / gate.false_promotion);
}

Style style_of(gate::Verdict verdict) {
  switch (verdict) {
    case gate::Verdict::pass:
      return Style::green;
    case gate::Verdict::fail:
      return Style::red;
    case gate::Verdict::suspect:
      return Style::yellow;
    default:
      return Style::dim;
  }
}

metrics::Variables variables_of(const rollout::Plan& plan) {
  return {plan.app, plan.channel, plan.release, plan.release, plan.baseline, {}};
}

// Why a gate says no: which arm, how much worse, since when, and what was asked.
std::string why_text(const rollout::Plan& plan, const std::string& name, const rollout::GateMemory& memory,
                     const spec::Gate& gate) {
  std::string out;
  for (const std::string& line : rollout::explain(name, memory, gate))
    out += fmt::format("  {}{}\n", out.empty() ? "" : "  ", printable(line, 400));
  for (const metrics::SentQuery& query : metrics::sent_queries(gate, variables_of(plan)))
    out += fmt::format("    {}: {}\n", query.what, printable(query.text, 400));
  return out;
}

// What it waits for, until when, and the commands that would move it.
std::string waits_text(const rollout::State& state, Instant now) {
  std::string out;
  for (const rollout::Wait& wait : state.waits) {
    out += "  waits: " + printable(wait.why, 300);
    if (wait.until) out += fmt::format(", until {} ({})", to_text(*wait.until), format_age(*wait.until, now));
    out += "\n";
    if (!wait.next.empty()) out += "    " + printable(wait.next, 300) + "\n";
  }
  if (!state.trouble || !state.pending) return out;
  const bool fails = state.trouble->attempts > 0 || state.trouble->unknown;
  out += fmt::format("  {} {}: {}\n", fails ? "since" : "waits since", to_text(state.trouble->since),
                     printable(state.trouble->error, 300));
  if (state.trouble->unknown)
    return out + fmt::format(
                     "    look whether it took place, then: tranche rollout resume {} --settle {} "
                     "--outcome done|again\n",
                     state.rollout, state.pending->key);
  if (state.trouble->not_before > now)
    out += fmt::format("    {} at {} ({})\n", fails ? "tried again" : "looked at again",
                       to_text(state.trouble->not_before), format_age(state.trouble->not_before, now));
  return out;
}

// What its playbook waits for, and what helps; empty: nothing.
std::string playbook_waits(const engine::Report& report, Instant now) {
  const playbook::Run& run = *report.playbook;
  const spec::Playbook* playbook = report.plan.config.playbook(run.playbook);
  if (playbook == nullptr || playbook->steps.size() != run.steps.size()) return {};
  return playbook::explain(run, *playbook, playbook::next_move(run, *playbook, now), report.state.rollout);
}

std::string bake_text(const rollout::Plan& plan, const rollout::State& state, Instant now) {
  const rollout::PlannedStage& stage = plan.stages[state.stage];
  const std::string_view verb = plan.channel.empty() ? "exposing" : "publishing";
  if (state.trouble && state.trouble->attempts > 0)
    return fmt::format("{}, {} failed", verb,
                       count_of(static_cast<std::uint64_t>(state.trouble->attempts), "attempt"));
  if (state.pending) return std::string(verb);
  if (!rollout::has_begun(state)) return "not begun";
  const auto seconds =
      std::chrono::floor<std::chrono::seconds>(std::max(Duration{0}, now - state.stage_since));
  return fmt::format("{} of {}", to_text(Duration(seconds)), to_text(stage.bake));
}

Result<Opened> open_as(Context& context, Loaded loaded, std::string by) {
  auto deck = TRY(actions::Deck::open(context.world, loaded.repository(), loaded.app(), std::move(by)));
  return Opened{std::move(loaded), std::move(deck)};
}

}  // namespace

Result<Opened> open_deck(Context& context, const Options& options) {
  Loaded loaded = TRY(load_app(context, options));
  std::string by = who(context, loaded.repository());
  return open_as(context, std::move(loaded), std::move(by));
}

Result<Opened> open_to_read(Context& context, const Options& options) {
  return open_as(context, TRY(load_app(context, options)), {});
}

engine::Engine make_engine(const Opened& opened) {
  engine::Engine engine(*opened.deck);
  engine.set_neighbours(opened.loaded.spec.apps);
  return engine;
}

Result<std::string> rollout_name(const spec::App& app, const Options& options) {
  if (options.given("rollout")) return options.text("rollout");
  if (app.rollouts.size() == 1) return app.rollouts.front().name;
  std::vector<std::string> names;
  for (const spec::Rollout& rollout : app.rollouts) names.push_back(rollout.name);
  return fail_hint(ErrorKind::usage, "name one of: " + join(names, ", "), "app '{}' has {} rollouts",
                   app.name, names.size());
}

int exit_code(rollout::Phase phase, bool pending_ok) {
  switch (phase) {
    case rollout::Phase::done:
      return 0;
    case rollout::Phase::rolled_back:
      return 5;
    case rollout::Phase::stranded:
      return 10;
    case rollout::Phase::superseded:
      return 0;
    default:
      return pending_ok ? 0 : 8;
  }
}

doc::Value report_json(const engine::Report& report, std::string_view schema) {
  doc::Value out = doc::Value::object(
      {{"schema", schema},
       {"rollout", report.state.rollout},
       {"app", report.plan.app},
       {"channel", report.plan.channel},
       {"release", report.state.release},
       {"baseline", report.plan.baseline},
       {"phase", rollout::to_text(report.state.phase)},
       {"because", report.state.because},
       {"suspect", report.state.suspect},
       {"stage", doc::Value::object({{"index", static_cast<std::int64_t>(report.state.stage)},
                                     {"of", static_cast<std::int64_t>(report.plan.stages.size())},
                                     {"name", report.plan.stages[report.state.stage].name},
                                     {"share", to_text(rollout::share_at(report.plan, report.state.stage))},
                                     {"since", rollout::has_begun(report.state)
                                                   ? doc::Value(to_text(report.state.stage_since))
                                                   : doc::Value()}})},
       {"started", to_text(report.state.started)}});
  out.set("waits", rollout::to_value(report.state.waits));
  if (report.state.trouble)
    out.set("trouble",
            doc::Value::object({{"attempts", report.state.trouble->attempts},
                                {"error", report.state.trouble->error},
                                {"since", to_text(report.state.trouble->since)},
                                {"not-before", to_text(report.state.trouble->not_before)},
                                {"unknown", report.state.trouble->unknown},
                                {"begun", report.state.trouble->begun},
                                {"effect", report.state.pending ? report.state.pending->key : ""}}));
  if (report.state.detected) out.set("detected", to_text(*report.state.detected));
  if (report.state.finished) out.set("finished", to_text(*report.state.finished));
  doc::Value gates = doc::Value::array();
  for (const auto& [name, memory] : report.state.gates) {
    doc::Value gate = doc::Value::object({{"gate", name},
                                          {"verdict", gate::to_text(memory.verdict)},
                                          {"explanation", memory.explanation},
                                          {"polled-until", to_text(memory.polled_until)},
                                          {"gaps", memory.gaps}});
    if (const spec::Gate* spec = report.plan.config.gate(name);
        spec != nullptr && spec->kind == spec::Gate::Kind::compare) {
      gate.set("log-evidence-worse", memory.log_evidence_worse);
      gate.set("log-evidence-not-worse", memory.log_evidence_not_worse);
      gate.set("ratio", std::isfinite(memory.ratio) ? doc::Value(memory.ratio) : doc::Value());
      gate.set("ratio-low", memory.ratio_low);
      gate.set("ratio-high", std::isfinite(memory.ratio_high) ? doc::Value(memory.ratio_high) : doc::Value());
      const gate::Totals total = gate::totals(memory.process);
      const auto arm = [](const gate::ArmCounts& counts) {
        return doc::Value::object({{"events", counts.events}, {"exposure", counts.exposure}});
      };
      gate.set("since", total.since == Instant{} ? doc::Value() : doc::Value(to_text(total.since)));
      doc::Value queries = doc::Value::array();
      for (const metrics::SentQuery& query : metrics::sent_queries(*spec, variables_of(report.plan)))
        queries.push(doc::Value::object({{"what", query.what}, {"query", query.text}}));
      gate.set("queries", std::move(queries));
      gate.set("canary", arm(total.canary));
      gate.set("control", arm(total.control));
    }
    if (!memory.source_error.empty()) gate.set("source-error", memory.source_error);
    gates.push(std::move(gate));
  }
  out.set("gates", std::move(gates));
  if (report.playbook) {
    doc::Value steps = doc::Value::array();
    for (const playbook::StepRecord& step : report.playbook->steps)
      steps.push(doc::Value::object({{"step", step.id},
                                     {"uses", step.uses},
                                     {"status", playbook::to_text(step.status)},
                                     {"attempts", step.attempts},
                                     {"detail", step.detail}}));
    out.set("playbook", doc::Value::object({{"name", report.playbook->playbook},
                                            {"course", playbook::to_text(report.playbook->course)},
                                            {"steps", steps}}));
  }
  if (doc::Value recovery = recovery_json(report.plan, report.state); !recovery.as_array().empty())
    out.set("feeds", std::move(recovery));
  doc::Value decisions = doc::Value::array();
  for (const std::string& decision : report.decisions) decisions.push(decision);
  out.set("decisions", std::move(decisions));
  return out;
}

std::vector<std::string> next_steps(const engine::Report& report, Instant now) {
  using rollout::Phase;
  const rollout::State& state = report.state;
  std::vector<std::string> out;
  if (state.trouble && state.trouble->attempts == 0)
    out.push_back(state.trouble->error);
  else if (state.trouble)
    out.push_back(fmt::format("{} again: {}", state.pending->key, state.trouble->error));
  for (const rollout::Wait& wait : state.waits)
    out.push_back(wait.until ? fmt::format("{}, until {}", wait.why, to_text(*wait.until)) : wait.why);
  const std::size_t following = rollout::growth_to(state);
  const std::string growth =
      following < report.plan.stages.size()
          ? fmt::format("stage {} '{}'", following + 1, report.plan.stages[following].name)
          : std::string("the end");
  switch (state.phase) {
    case Phase::baking:
      if (!state.pending && state.waits.empty()) {
        const Instant earliest = state.stage_since + report.plan.stages[state.stage].bake.min;
        out.push_back(earliest > now ? fmt::format("{}, at the earliest {}", growth, to_text(earliest))
                                     : fmt::format("{}, when every gate passes", growth));
      }
      break;
    case Phase::held:
    case Phase::paused:
      out.push_back(
          fmt::format("a person: tranche rollout resume {0} --reason TEXT, tranche rollout promote {0} "
                      "--reason TEXT, or tranche stop {0} --reason TEXT",
                      state.rollout));
      break;
    case Phase::rolling_back:
      out.push_back("tranche rollout advance " + state.rollout + " goes on taking it back");
      break;
    default:
      break;
  }
  return out;
}

std::string report_text(const engine::Report& report, Instant now, bool color) {
  const rollout::State& state = report.state;
  const rollout::PlannedStage& stage = report.plan.stages[state.stage];
  std::string out = fmt::format("{} {}  {}  {}\n", styled(state.rollout, Style::bold, color), state.release,
                                styled(rollout::to_text(state.phase),
                                       rollout::is_final(state.phase) ? Style::bold : Style::yellow, color),
                                printable(state.because));
  if (!rollout::is_final(state.phase))
    out += fmt::format("  stage {}/{} '{}' reaches {}, bake {}{}\n", state.stage + 1,
                       report.plan.stages.size(), stage.name, rollout::reach_text(report.plan, state.stage),
                       bake_text(report.plan, state, now),
                       state.suspect ? ", suspect: exposure stops growing" : "");
  out += waits_text(state, now);
  if (const std::string recovery = recovery_text(report.plan, state); !recovery.empty())
    out += "  " + recovery + "\n";
  Table gates;
  for (const auto& [name, memory] : state.gates) {
    const spec::Gate* gate = report.plan.config.gate(name);
    if (gate == nullptr) continue;
    gates.row({name, styled(gate::to_text(memory.verdict), style_of(memory.verdict), color),
               evidence_text(*gate, memory),
               memory.source_error.empty() ? "" : "source: " + printable(memory.source_error, 100)});
  }
  out += gates.text(2);
  for (const auto& [name, memory] : state.gates)
    if (const spec::Gate* gate = report.plan.config.gate(name);
        gate != nullptr &&
        (memory.verdict == gate::Verdict::fail || memory.verdict == gate::Verdict::suspect))
      out += why_text(report.plan, name, memory, *gate);
  if (report.playbook) {
    Table steps;
    for (const playbook::StepRecord& step : report.playbook->steps)
      steps.row({step.id, std::string(playbook::to_text(step.status)), printable(step.detail, 120)});
    out += fmt::format("  playbook '{}'\n", report.playbook->playbook) + steps.text(4);
    if (const std::string waits = playbook_waits(report, now); !waits.empty())
      out += "    " + printable(waits, 600) + "\n";
  }
  return out;
}

std::string live_text(const engine::Report& report, Instant now) {
  const rollout::State& state = report.state;
  const rollout::PlannedStage& stage = report.plan.stages[state.stage];
  std::string out =
      fmt::format("{} {}: {} {}/{} '{}' {}", state.rollout, state.release, rollout::to_text(state.phase),
                  state.stage + 1, report.plan.stages.size(), stage.name, bake_text(report.plan, state, now));
  for (const std::string& name : stage.gates)
    if (const auto memory = state.gates.find(name); memory != state.gates.end()) {
      const spec::Gate* gate = report.plan.config.gate(name);
      out += fmt::format(" · {} {}", name, gate::to_text(memory->second.verdict));
      if (gate != nullptr && gate->kind == spec::Gate::Kind::compare)
        out += " (" + evidence_text(*gate, memory->second) + ")";
      if (!memory->second.source_error.empty())
        out += ", source: " + printable(memory->second.source_error, 60);
    }
  return out;
}

doc::Value plan_json(const rollout::Plan& plan) {
  doc::Value stages = doc::Value::array();
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    doc::Value gates = doc::Value::array();
    for (const std::string& gate : plan.stages[i].gates) gates.push(gate);
    stages.push(doc::Value::object({{"stage", plan.stages[i].name},
                                    {"share", to_text(rollout::share_at(plan, i))},
                                    {"randomised", plan.stages[i].randomised},
                                    {"bake", to_text(plan.stages[i].bake)},
                                    {"gates", gates}}));
  }
  doc::Value warnings = doc::Value::array();
  for (const std::string& warning : plan.warnings) warnings.push(warning);
  return doc::Value::object({{"schema", "tranche/rollout-plan/v1"},
                             {"app", plan.app},
                             {"rollout", plan.rollout},
                             {"channel", plan.channel},
                             {"release", plan.release},
                             {"baseline", plan.baseline},
                             {"salt", plan.salt},
                             {"stages", stages},
                             {"false-rollback", spec::false_rollback_sum(plan.config, plan.spec())},
                             {"fallback", plan.fallback.empty() ? doc::Value() : doc::Value(plan.fallback)},
                             {"feeds", feeds_json(plan)},
                             {"recoverable", recoverable_json(plan)},
                             {"warnings", warnings}});
}

std::string plan_text(const rollout::Plan& plan, bool color) {
  std::string out = fmt::format("{} {} {} of {}\n", styled(plan.rollout, Style::bold, color), plan.release,
                                rollout::carrier_text(plan.spec()), plan.app);
  Table table({"stage", "reaches", "bake", "gates"});
  for (std::size_t i = 0; i < plan.stages.size(); ++i)
    table.row({plan.stages[i].name, rollout::reach_text(plan, i), to_text(plan.stages[i].bake),
               plan.stages[i].gates.empty() ? "none: its bake only" : join(plan.stages[i].gates, ", ")});
  out += table.text(2);
  out += fmt::format("  wrongly rolled back with a chance of at most {}\n",
                     format_ratio(spec::false_rollback_sum(plan.config, plan.spec())));
  out += feeds_text(plan);
  for (const std::string& warning : plan.warnings)
    out += "  " + styled("warning: ", Style::yellow, color) + warning + "\n";
  return out;
}

Result<> say_observed(Context& context, actions::Deck& deck, const std::string& channel) {
  const spec::Channel* one = deck.app().channel(channel);
  if (one == nullptr || one->mode != spec::Channel::Mode::observe || context.quiet) return {};
  const channel::ChannelReport report = TRY(deck.compare(*one));
  for (const channel::Change& change : report.changes)
    context.say("observe: would write {} ({})", printable(change.name, 160), change.feed);
  if (report.changes.empty()) context.say("observe: nothing would be written to channel '{}'", channel);
  return {};
}

Flag pending_ok_flag() {
  return {.name = "pending-ok", .help = "exit 0 instead of 8 while the rollout goes on"};
}
Argument rollout_argument() {
  return {.name = "rollout",
          .help = "a name under rollouts:; may be left out when there is one",
          .required = false};
}

Result<Outcome> apply_event(const Options& options, Context& context, rollout::What what,
                            std::string_view schema) {
  const Opened opened = TRY(open_deck(context, options));
  const std::string name = TRY(rollout_name(opened.loaded.app(), options));
  engine::Engine engine = make_engine(opened);
  if (context.dry_run) {
    const engine::Report would = TRY(engine.rehearse(name, what));
    std::string text;
    for (const std::string& decision : would.decisions) text += "would: " + decision + "\n";
    return Outcome{0, report_json(would, schema), text.empty() ? "nothing would change\n" : text};
  }
  engine.on_decision([&](const std::string& decision) { context.say("{}", printable(decision, 400)); });
  const engine::Report report = TRY(engine.apply(name, what));
  TRY(say_observed(context, *opened.deck, report.plan.channel));
  return Outcome{0, report_json(report, schema),
                 report_text(report, context.world.clock.now(), context.color)};
}

}  // namespace tranche::commands
