// What other methods would have decided on the same counts.
#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/gate/plan.hpp"
#include "commands/gate/shared.hpp"
#include "gate/rivals.hpp"
#include "gate/verdict.hpp"

namespace tranche::commands {
namespace {

constexpr std::size_t most_polls = 5'000'000;  // of all series together: they are kept, some 500 bytes each

struct Recorded {
  std::vector<gate::TimedPoll> polls;
};
struct Series {
  std::vector<std::string> order;
  std::map<std::string, Recorded, std::less<>> by_name;
};

// One answer of one method.
struct Decided {
  bool failed = false;
  bool no_data = false;
  std::optional<std::int64_t> at;
  double exposure = 0;
};
struct Method {
  std::string name, title, what;
  std::vector<Decided> decided;  // a series each, in order
};

Result<Series> read_all(metrics::SeriesReader& reader) {
  Series out;
  std::size_t polls = 0;
  for (;;) {
    const metrics::SeriesLine* line = TRY(reader.next());
    if (line == nullptr) return out;
    if (!line->has_counts)
      return std::unexpected(reader.at_line({ErrorKind::invalid, "the line has no counts",
                                             "other methods are compared on events and exposure"}));
    auto found = out.by_name.find(line->series);
    if (found == out.by_name.end()) {
      out.order.emplace_back(line->series);
      found = out.by_name.emplace(out.order.back(), Recorded{}).first;
    }
    std::vector<gate::TimedPoll>& into = found->second.polls;
    const std::int64_t at = std::chrono::floor<std::chrono::seconds>(line->t).count();
    if (into.empty() || into.back().at < at) {
      if (++polls > most_polls)
        return std::unexpected(
            reader.at_line({ErrorKind::invalid, fmt::format("there are more than {} polls", most_polls),
                            "compare in parts"}));
      into.push_back({at, {}});
    }
    if (into.back().at == at) into.back().poll.try_emplace(std::string(line->stratum), line->counts);
  }
}

Method ours(const spec::Gate& gate, const std::vector<rollout::Replayed>& series) {
  Method out{"tranche", "tranche", "this gate", {}};
  for (const rollout::Replayed& one : series) {
    const bool failed = one.verdict == gate::Verdict::fail;
    out.decided.push_back({failed, one.verdict == gate::Verdict::no_data,
                           failed ? std::optional(one.at.count() / 1000) : std::nullopt,
                           one.canary_exposure});
  }
  out.title += " (" + gate.name + ")";
  return out;
}

// The series of which something is known.
struct Known {
  std::vector<std::string> bad, good;
  [[nodiscard]] bool any() const { return !bad.empty() || !good.empty(); }
  static bool matches(const std::vector<std::string>& patterns, const std::string& name) {
    return std::ranges::any_of(patterns, [&](const std::string& one) { return glob_match(one, name); });
  }
};

std::vector<std::string> patterns_of(const Options& options, std::string_view flag) {
  std::vector<std::string> out;
  for (const std::string& given : options.list(flag))
    for (const std::string_view part : split(given, ','))
      if (!trim(part).empty()) out.emplace_back(trim(part));
  return out;
}

struct Tally {
  std::size_t failed = 0, bad = 0, bad_failed = 0, good = 0, good_failed = 0;
  std::optional<std::int64_t> median_at;
  std::optional<double> median_exposure;
};
Tally tally(const Method& method, const std::vector<std::string>& names, const Known& known) {
  Tally out;
  std::vector<std::int64_t> at;
  std::vector<double> exposure;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Decided& one = method.decided[i];
    const bool bad = Known::matches(known.bad, names[i]), good = !bad && Known::matches(known.good, names[i]);
    out.failed += one.failed ? 1 : 0;
    out.bad += bad ? 1 : 0;
    out.good += good ? 1 : 0;
    out.bad_failed += bad && one.failed ? 1 : 0;
    out.good_failed += good && one.failed ? 1 : 0;
    // When something is known, how fast the bad ones were found; a false alarm is no success.
    if (!one.failed || (!known.bad.empty() && !bad)) continue;
    at.push_back(*one.at);
    exposure.push_back(one.exposure);
  }
  const auto median = [](auto& values) {
    std::sort(values.begin(), values.end());
    return values[(values.size() - 1) / 2];
  };
  if (!at.empty()) out.median_at = median(at);
  if (!exposure.empty()) out.median_exposure = median(exposure);
  return out;
}

doc::Value method_json(const Method& method, const Tally& sums, const Series& series, const Known& known) {
  doc::Value list = doc::Value::array();
  for (std::size_t i = 0; i < series.order.size(); ++i) {
    const Decided& one = method.decided[i];
    list.push(doc::Value::object({{"series", series.order[i]},
                                  {"failed", one.failed},
                                  {"at", one.at ? doc::Value(*one.at) : doc::Value()},
                                  {"canary-exposure", one.exposure}}));
  }
  doc::Value out = doc::Value::object(
      {{"method", method.name},
       {"what", method.what},
       {"failed", static_cast<std::int64_t>(sums.failed)},
       {"median-at", sums.median_at ? doc::Value(*sums.median_at) : doc::Value()},
       {"median-canary-exposure", sums.median_exposure ? doc::Value(*sums.median_exposure) : doc::Value()}});
  if (known.any()) {
    out.set("bad", static_cast<std::int64_t>(sums.bad));
    out.set("detected", static_cast<std::int64_t>(sums.bad_failed));
    out.set("good", static_cast<std::int64_t>(sums.good));
    out.set("false-rollbacks", static_cast<std::int64_t>(sums.good_failed));
  }
  out.set("series", std::move(list));
  return out;
}

std::string part(std::size_t count, std::size_t of) {
  if (of == 0) return "-";
  return fmt::format("{} of {} ({:.1f}%)", count, of,
                     100.0 * static_cast<double>(count) / static_cast<double>(of));
}

Result<Outcome> run_gate_compare(const Options& options, Context& context) {
  const FoundGate found = TRY(find_gate(options, context));
  const spec::Gate& gate = found.gate;
  if (gate.kind != spec::Gate::Kind::compare)
    return fail_hint(ErrorKind::invalid, "compare it by hand with tranche gate replay",
                     "gate '{}' compares nothing", printable(gate.name, 64));
  metrics::SeriesReader reader = TRY(open_series(options, context));
  const Series series = TRY(read_all(reader));
  say_unknown_keys(context, reader);
  const Known known{patterns_of(options, "bad"), patterns_of(options, "good")};

  rollout::Replay replay = TRY(rollout::Replay::make(gate));
  for (const std::string& name : series.order)
    for (const gate::TimedPoll& poll : series.by_name.find(name)->second.polls)
      for (const auto& [stratum, counts] : poll.poll)
        TRY(replay.add(name, std::chrono::seconds(poll.at), stratum, counts));
  std::vector<Method> methods{ours(gate, replay.finish())};
  gate::RivalConfig config;
  if (options.given("threshold")) config.threshold = TRY(parse_part("threshold", options.text("threshold")));
  for (const gate::RivalKind& kind : gate::rival_kinds()) {
    Method method{std::string(kind.name), std::string(kind.title), std::string(kind.what), {}};
    for (const std::string& name : series.order) {
      if (context.world.clock.interrupted()) return fail(ErrorKind::interrupted, "interrupted");
      const gate::RivalAnswer answer = gate::run(kind, config, series.by_name.find(name)->second.polls);
      method.decided.push_back({answer.verdict == gate::Verdict::fail,
                                answer.verdict == gate::Verdict::no_data, answer.at, answer.canary_exposure});
    }
    methods.push_back(std::move(method));
  }

  std::vector<std::string> header{"method", "failed"};
  if (known.any()) header.insert(header.end(), {"false rollbacks", "detected"});
  header.insert(header.end(), {"median at", "median canary exposure"});
  Table table(header);
  for (std::size_t column = 1; column < header.size(); ++column) table.align_right(column);
  doc::Value list = doc::Value::array();
  for (const Method& method : methods) {
    const Tally sums = tally(method, series.order, known);
    std::vector<std::string> row{method.title, fmt::format("{} of {}", sums.failed, series.order.size())};
    if (known.any()) {
      row.push_back(part(sums.good_failed, sums.good));
      row.push_back(part(sums.bad_failed, sums.bad));
    }
    row.push_back(sums.median_at ? seconds_text(Duration(std::chrono::seconds(*sums.median_at))) : "-");
    row.push_back(sums.median_exposure ? number_text(*sums.median_exposure) : "-");
    table.row(std::move(row));
    list.push(method_json(method, sums, series, known));
  }
  std::string text = table.text();
  if (!text.empty()) {
    text += "\n";
    Table words;
    for (const Method& method : methods) words.row({method.title, printable(method.what, 160)});
    text += words.text();
  }
  return Outcome{
      0,
      doc::Value::object(
          {{"schema", "tranche/gate-compare/v1"}, {"gate", gate.name}, {"methods", std::move(list)}}),
      std::move(text)};
}

}  // namespace

Command gate_compare() {
  return {.name = "gate compare",
          .summary = "what other methods would have decided on the same counts",
          .help_path = "commands/gate/compare.md",
          .arguments = {gate_argument()},
          .flags = {series_flag(),
                    {.name = "bad",
                     .value = "NAMES",
                     .help = "series known to be bad, as globs with commas",
                     .repeated = true},
                    {.name = "good",
                     .value = "NAMES",
                     .help = "series known to be good; --bad goes first",
                     .repeated = true},
                    {.name = "threshold",
                     .value = "RATE",
                     .help = "of the fixed rules; else twice the control's rate over the first polls"},
                    app_flag()},
          .run = run_gate_compare};
}

}  // namespace tranche::commands
