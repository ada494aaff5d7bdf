// The decisions that a gate would have taken on recorded counts.
#include <map>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/gate/backtest.hpp"
#include "commands/gate/shared.hpp"
#include "gate/verdict.hpp"

namespace tranche::commands {
namespace {

constexpr std::size_t most_rows = 60;

doc::Value series_json(const rollout::Replayed& one) {
  doc::Value out = doc::Value::object({{"series", one.series},
                                       {"verdict", gate::to_text(one.verdict)},
                                       {"at", seconds_value(one.at)},
                                       {"canary-exposure", one.canary_exposure}});
  out.set("evidence", one.seen ? doc::Value(plain_evidence(one.seen->log_evidence_worse)) : doc::Value());
  out.set("passed-at", seconds_or_null(one.passed_at));
  out.set("polls", one.polls);
  if (one.seen) {
    out.set("evidence-not-worse", plain_evidence(one.seen->log_evidence_not_worse));
    out.set("ratio", number_or_null(one.seen->ratio));
    out.set("ratio-low", number_or_null(one.seen->ratio_low));
    out.set("ratio-high", number_or_null(one.seen->ratio_high));
    out.set("since", seconds_or_null(one.since));
  }
  if (one.duplicates > 0) out.set("duplicates", one.duplicates);
  if (one.refused > 0) out.set("refused", one.refused);
  out.set("explanation", one.explanation);
  return out;
}

std::vector<std::string> row_of(const rollout::Replayed& one, bool counts, bool color) {
  std::vector<std::string> cells{one.series.empty() ? "-" : printable(one.series, 40),
                                 styled(gate::to_text(one.verdict), style_of(one.verdict), color),
                                 seconds_text(one.at), seconds_text(one.passed_at)};
  if (counts) cells.push_back(number_text(one.canary_exposure));
  if (counts) cells.push_back(one.seen ? evidence_text(one.seen->log_evidence_worse) : "");
  return cells;
}

std::string describe(const ReplayedFile& replayed, const spec::Gate& gate, bool color) {
  std::map<gate::Verdict, std::size_t> tally;
  for (const rollout::Replayed& one : replayed.series) ++tally[one.verdict];
  const bool counts = gate.kind == spec::Gate::Kind::compare;
  std::vector<std::string> header{"series", "verdict", "at", "passed at"};
  if (counts) header.insert(header.end(), {"canary exposure", "evidence"});
  Table table(header);
  for (const std::size_t column : {2, 3, 4, 5}) table.align_right(column);
  const bool all = replayed.series.size() <= most_rows;
  std::size_t shown = 0;
  for (const rollout::Replayed& one : replayed.series) {
    const bool bad = one.verdict == gate::Verdict::fail || one.verdict == gate::Verdict::suspect;
    if (shown == most_rows || (!all && !bad)) continue;
    table.row(row_of(one, counts, color));
    ++shown;
  }
  std::string text = table.text();
  if (replayed.series.size() > shown)
    text +=
        fmt::format("{}{} more; --json lists all\n", shown > 0 ? "and " : "", replayed.series.size() - shown);
  // One alone, or the only one that fails, says why.
  const rollout::Replayed* told = replayed.series.size() == 1 ? &replayed.series.front() : nullptr;
  if (told == nullptr && tally[gate::Verdict::fail] == 1)
    for (const rollout::Replayed& one : replayed.series)
      if (one.verdict == gate::Verdict::fail) told = &one;
  if (told != nullptr)
    text += fmt::format("\n{}: {}\n", told->series.empty() ? gate.name : printable(told->series, 40),
                        printable(told->explanation, 600));
  text += fmt::format("\n{} series", replayed.series.size());
  for (const gate::Verdict verdict : {gate::Verdict::fail, gate::Verdict::suspect, gate::Verdict::pass,
                                      gate::Verdict::inconclusive, gate::Verdict::no_data})
    if (tally[verdict] > 0) text += fmt::format(", {} {}", tally[verdict], gate::to_text(verdict));
  return text + "\n";
}

Result<Outcome> run_gate_replay(const Options& options, Context& context) {
  const FoundGate found = TRY(find_gate(options, context));
  const bool history = options.given("source") || options.given("releases") || options.given("windows");
  if (history && options.given("series"))
    return fail_hint(ErrorKind::usage, "give --series FILE, or --source with --releases or --windows",
                     "recorded counts and a source at once");
  if (history) return back_test(options, context, found);
  if (!options.given("series"))
    return fail_hint(ErrorKind::usage, "add --series FILE, or --source NAME --releases last-10",
                     "there is nothing to decide on");
  metrics::SeriesReader reader = TRY(open_series(options, context));
  const ReplayedFile replayed = TRY(replay_file(found.gate, reader, context));
  say_unknown_keys(context, reader);
  if (replayed.duplicates > 0)
    context.say("{} of a time and stratum that was in already: ignored",
                count_of(static_cast<std::uint64_t>(replayed.duplicates), "line"));
  if (replayed.refused > 0)
    context.say("{} could not be counted, as live ones could not: gaps",
                count_of(static_cast<std::uint64_t>(replayed.refused), "poll"));
  doc::Value list = doc::Value::array();
  for (const rollout::Replayed& one : replayed.series) list.push(series_json(one));
  doc::Value json = doc::Value::object({{"schema", "tranche/gate-replay/v1"},
                                        {"gate", found.gate.name},
                                        {"lines", replayed.lines},
                                        {"duplicates", replayed.duplicates},
                                        {"series", std::move(list)}});
  std::string text = context.json ? std::string() : describe(replayed, found.gate, context.color);
  return Outcome{0, std::move(json), std::move(text)};
}

}  // namespace

Command gate_replay() {
  Flag series = series_flag();
  series.required = false;
  return {
      .name = "gate replay",
      .summary = "the decisions a gate takes on recorded counts",
      .help_path = "commands/gate/replay.md",
      .arguments = {gate_argument()},
      .flags = {series,
                {.name = "source", .value = "NAME", .help = "read past releases from this source"},
                {.name = "releases",
                 .value = "last-N",
                 .help = "those of the journal's rollouts",
                 .default_text = "last-10"},
                {.name = "windows", .value = "FILE", .help = "release,from,until[,good|bad] a line, instead"},
                {.name = "baseline", .value = "VERSION", .help = "for $baseline in the queries"},
                {.name = "channel", .value = "NAME", .help = "for $channel; by default as it was"},
                app_flag()},
      .run = run_gate_replay};
}

}  // namespace tranche::commands
