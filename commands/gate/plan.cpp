// What a compare gate can see, and how long it takes, before it is used.
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/gate/plan.hpp"
#include "commands/gate/shared.hpp"
#include "gate/power.hpp"
#include "rollout/gate_memory.hpp"

namespace tranche::commands {
namespace {

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// 0.93 → "93%"; what is nearly certain is not rounded to certainty.
std::string chance_text(double chance) {
  if (chance > 0.99) return "over 99%";
  if (chance < 0.01) return chance > 0.0005 ? fmt::format("{:.1f}%", chance * 100) : "under 0.1%";
  return fmt::format("{:.0f}%", chance * 100);
}

std::string whole_minutes(Duration time) {
  if (time < std::chrono::minutes(2)) return to_text(time);
  return to_text(Duration(std::chrono::round<std::chrono::minutes>(time)));
}

doc::Value seconds_of(const std::optional<Duration>& time) { return seconds_or_null(time); }

struct Planned {
  gate::PowerQuestion question;
  double share = 0.05;
  bool share_given = false;
  gate::Power bad, good;
  std::optional<gate::StageSize> suggestion;
};

Result<Planned> ask(const Options& options, const spec::Gate& gate) {
  if (gate.kind != spec::Gate::Kind::compare)
    return fail_hint(ErrorKind::invalid,
                     "threshold gates promise nothing about errors; replay recorded values",
                     "gate '{}' compares nothing", printable(gate.name, 64));
  Planned planned;
  gate::PowerQuestion& question = planned.question;
  question.config = rollout::process_config(gate);
  question.every = gate.every;
  const double rate = TRY(parse_rate("rate", options.text("rate")));
  planned.share_given = options.given("share");
  if (planned.share_given) planned.share = TRY(parse_part("share", options.text("share")));
  if (!(planned.share > 0 && planned.share < 1))
    return fail_hint(ErrorKind::usage, "write --share 5%", "--share leaves one arm without devices");
  question.canary_rate = planned.share_given ? rate * planned.share : rate;
  const double whole = question.canary_rate / planned.share;
  question.control_rate = whole - question.canary_rate;
  question.base = TRY(parse_part("base", options.text("base")));
  question.ratio = TRY(parse_ratio("regression", options.text("regression")));
  question.within = TRY(options.duration("within"));
  question.noise = number_in(options.text("noise")).value_or(-1);
  planned.bad = TRY(gate::simulate_power(question));
  gate::PowerQuestion good = question;
  good.ratio = 1;
  planned.good = TRY(gate::simulate_power(good));
  planned.suggestion = TRY(gate::suggest_stage(question, whole));
  return planned;
}

doc::Value power_json(const gate::Power& power) {
  return doc::Value::object({{"fails", power.fails},
                             {"passes", power.passes},
                             {"half-width", power.half_width},
                             {"fail-median-seconds", seconds_of(power.fail_median)},
                             {"fail-median-canary-exposure", power.fail_exposure_median},
                             {"fails-90-seconds", seconds_of(power.fails_90)},
                             {"pass-median-seconds", seconds_of(power.pass_median)},
                             {"passes-90-seconds", seconds_of(power.passes_90)},
                             {"runs", power.runs}});
}

doc::Value plan_value(const Planned& planned, const spec::Gate& gate) {
  doc::Value suggestion;
  if (planned.suggestion)
    suggestion = doc::Value::object({{"percent", planned.suggestion->share * 100},
                                     {"bake-seconds", seconds_value(planned.suggestion->bake)},
                                     {"power", planned.suggestion->power.fails}});
  const gate::PowerQuestion& question = planned.question;
  return doc::Value::object({{"schema", "tranche/gate-plan/v1"},
                             {"gate", gate.name},
                             {"canary-per-second", question.canary_rate},
                             {"control-per-second", question.control_rate},
                             {"base", question.base},
                             {"regression", question.ratio},
                             {"noise", question.noise},
                             {"within-seconds", seconds_value(question.within)},
                             {"power", planned.bad.fails},
                             {"false-rollback", planned.good.fails},
                             {"regression-seen", power_json(planned.bad)},
                             {"good-release", power_json(planned.good)},
                             {"suggestion", std::move(suggestion)}});
}

std::string plan_words(const Planned& planned, const spec::Gate& gate) {
  const gate::PowerQuestion& question = planned.question;
  const gate::Power &bad = planned.bad, &good = planned.good;
  std::string text = fmt::format("a regression of {:g}x over a base of {}, within {}\n", question.ratio,
                                 format_ratio(question.base), to_text(question.within));
  Table table;
  table.row({"seen", fmt::format("{} (± {:.0f} points)", chance_text(bad.fails),
                                 std::max(1.0, std::ceil(bad.half_width * 100)))});
  if (bad.fail_median)
    table.row(
        {"when seen", fmt::format("half of the time within {}, after {} canary exposures",
                                  whole_minutes(*bad.fail_median), number_text(bad.fail_exposure_median))});
  table.row(
      {"passed by mistake", fmt::format("{} (false-promotion {} holds at {:g}x)", chance_text(bad.passes),
                                        format_ratio(gate.false_promotion), gate.margin)});
  text += table.text(2);
  text += "a good release\n";
  Table second;
  second.row({"failed by mistake", fmt::format("{} (at most {}, watched for ever)", chance_text(good.fails),
                                               format_ratio(gate.false_rollback))});
  second.row({"passes", good.pass_median
                            ? fmt::format("{}, half of the time within {}", chance_text(good.passes),
                                          whole_minutes(*good.pass_median))
                            : chance_text(good.passes)});
  text += second.text(2);
  if (planned.suggestion) {
    const gate::StageSize& size = *planned.suggestion;
    text += fmt::format("suggested\n  {{ percent: {:g}, bake: {} }}: sees it with a chance of {}\n",
                        size.share * 100, to_text(size.bake), chance_text(size.power.fails));
  } else {
    text += fmt::format(
        "suggested\n  no stage up to 50% sees it with 90% within {}: wait longer, or look for more\n",
        to_text(question.within));
  }
  text += fmt::format("assumed: canary {} and control {} a minute", number_text(question.canary_rate * 60),
                      number_text(question.control_rate * 60));
  if (!planned.share_given) text += " (the canary is 5% of all; --share says otherwise)";
  if (question.noise > 0) text += fmt::format(", noise of log-sd {:g} a poll", question.noise);
  if (bad.together > 1) text += fmt::format(", later polls put together by {}", bad.together);
  return text + "\n";
}

Result<Outcome> run_gate_plan(const Options& options, Context& context) {
  const FoundGate found = TRY(find_gate(options, context));
  const Planned planned = TRY(ask(options, found.gate));
  return Outcome{0, plan_value(planned, found.gate), plan_words(planned, found.gate)};
}

}  // namespace

Result<double> parse_rate(std::string_view flag, std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto refuse = [&] {
    return fail_hint(ErrorKind::usage, fmt::format("write --{} 30/min; s, min, h or d", flag),
                     "--{} '{}' is no rate", flag, printable(text, 40));
  };
  if (slash == std::string_view::npos) return refuse();
  const auto number = number_in(text.substr(0, slash));
  const std::string_view unit = text.substr(slash + 1);
  const double seconds = unit == "s" || unit == "sec"    ? 1
                         : unit == "min" || unit == "m"  ? 60
                         : unit == "h" || unit == "hour" ? 3600
                         : unit == "d" || unit == "day"  ? 86400
                                                         : 0;
  if (!number || !(*number > 0) || seconds == 0) return refuse();
  return *number / seconds;
}

Result<double> parse_part(std::string_view flag, std::string_view text) {
  const bool percent = text.ends_with('%');
  const auto number = number_in(percent ? text.substr(0, text.size() - 1) : text);
  if (!number || !(*number > 0))
    return fail_hint(ErrorKind::usage, fmt::format("write --{} 0.5%, or 0.005", flag), "--{} '{}' is no rate",
                     flag, printable(text, 40));
  return percent ? *number / 100 : *number;
}

Result<double> parse_ratio(std::string_view flag, std::string_view text) {
  const auto number = number_in(text.ends_with('x') ? text.substr(0, text.size() - 1) : text);
  if (!number || !(*number > 0))
    return fail_hint(ErrorKind::usage, fmt::format("write --{} 2x", flag), "--{} '{}' is no ratio", flag,
                     printable(text, 40));
  return *number;
}

Command gate_plan() {
  return {
      .name = "gate plan",
      .summary = "how likely a gate sees a regression, and how soon",
      .help_path = "commands/gate/plan.md",
      .arguments = {gate_argument()},
      .flags = {{.name = "rate",
                 .value = "RATE",
                 .help = "exposures of the canary, 30/min; with --share, of all devices",
                 .required = true},
                {.name = "base",
                 .value = "RATE",
                 .help = "events an exposure of a good release, 0.5%",
                 .required = true},
                {.name = "regression", .value = "RATIO", .help = "how much worse", .default_text = "2x"},
                {.name = "within", .value = "TIME", .help = "how long the gate looks", .default_text = "6h"},
                {.name = "share", .value = "PERCENT", .help = "the canary's share of all devices"},
                {.name = "noise",
                 .value = "LOG-SD",
                 .help = "of a lognormal factor on each arm and poll",
                 .default_text = "0"},
                app_flag()},
      .run = run_gate_plan};
}

}  // namespace tranche::commands
