#include "commands/gate/backtest.hpp"

#include <algorithm>

#include "actions/deck.hpp"
#include "base/text.hpp"
#include "engine/read_gate.hpp"
#include "gate/verdict.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"

namespace tranche::commands {
namespace {

constexpr std::uint64_t piece = 1'024;  // journal entries read at once
constexpr std::size_t most_releases = 100;
constexpr int most_windows = 11'000;      // a read
constexpr int most_measurements = 5'000;  // of one release
constexpr std::size_t most_windows_file = 1 << 20;

// A release that was rolled out once, and how that ended.
struct Past {
  std::string release, baseline, channel;
  Instant from{}, until{};
  enum class Was { unknown, good, bad } was = Was::unknown;
};

std::string_view word_of(Past::Was was) {
  constexpr std::string_view words[] = {"unknown", "good", "bad"};
  return words[static_cast<std::size_t>(was)];
}

// The rollouts of the journal, oldest first.
Result<std::vector<Past>> from_journal(Context& context, const Loaded& loaded, std::size_t wanted) {
  const std::string by = who(context, loaded.repository());
  const auto deck = TRY(actions::Deck::open(context.world, loaded.repository(), loaded.app(), by));
  journal::Journal& journal = deck->journal();
  std::vector<std::string> subjects;
  for (const spec::Rollout& rollout : loaded.app().rollouts)
    subjects.push_back(deck->rollout_subject(rollout.name));
  std::vector<std::string> ids;
  std::map<std::string, Past> by_id;
  std::map<std::string, rollout::Plan> plans;  // by subject: the newest
  for (std::uint64_t from = 0; from < journal.size(); from += piece)
    for (const journal::Entry& entry : TRY(journal.read(from, std::min(from + piece, journal.size())))) {
      if (std::ranges::find(subjects, entry.subject) == subjects.end()) continue;
      if (entry.kind == "rollout.planned") plans[entry.subject] = TRY(rollout::plan_from_value(entry.data));
      if (entry.state.is_null() || !entry.kind.starts_with("rollout.")) continue;
      const rollout::State state = TRY(rollout::state_from_value(entry.state));
      const auto [at, fresh] = by_id.try_emplace(state.id);
      Past& past = at->second;
      if (fresh) ids.push_back(state.id);
      past.release = state.release;
      past.from = state.started;
      past.until = state.detected ? *state.detected : entry.at;
      past.was = state.detected                        ? Past::Was::bad
                 : state.phase == rollout::Phase::done ? Past::Was::good
                                                       : Past::Was::unknown;
      if (const auto plan = plans.find(entry.subject); plan != plans.end()) {
        past.baseline = plan->second.baseline;
        past.channel = plan->second.channel;
      }
    }
  std::vector<Past> out;
  for (const std::string& id : ids) out.push_back(by_id[id]);
  if (out.size() > wanted) out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(wanted));
  if (out.empty())
    return fail_hint(ErrorKind::failed, "name times yourself: --windows FILE with lines release,from,until",
                     "the journal holds no rollout yet");
  return out;
}

// release,from,until[,good|bad] a line.
Result<std::vector<Past>> from_file(Context& context, const std::string& path) {
  const std::string text = TRY(read_input(context, path, most_windows_file));
  std::vector<Past> out;
  int number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.starts_with('#') || line.starts_with("release,")) continue;
    const auto cells = split(line, ',');
    const auto refuse = [&](std::string_view what) {
      return fail_hint(ErrorKind::invalid,
                       "write release,from,until and perhaps good or bad; times as RFC 3339", "{}:{}: {}",
                       printable(path), number, what);
    };
    if (cells.size() < 3 || cells.size() > 4) return refuse("a line has three or four cells");
    Past past;
    past.release = trim(cells[0]);
    const auto from = parse_instant(trim(cells[1])), until = parse_instant(trim(cells[2]));
    if (past.release.empty() || !from || !until) return refuse("a release or a time cannot be read");
    past.from = *from;
    past.until = *until;
    if (past.until <= past.from) return refuse("until is not after from");
    if (cells.size() == 4) {
      const std::string_view was = trim(cells[3]);
      if (was != "good" && was != "bad") return refuse("the last cell is neither good nor bad");
      past.was = was == "good" ? Past::Was::good : Past::Was::bad;
    }
    out.push_back(std::move(past));
    if (out.size() > most_releases) return refuse("there are more than 100 releases");
  }
  if (out.empty())
    return fail_hint(ErrorKind::invalid, "write release,from,until a line", "{} names no release",
                     printable(path));
  return out;
}

struct Tested {
  Past past;
  rollout::Replayed answer;
  double exposure = 0;  // canary's, in all of the time
  std::int64_t gaps = 0;
  std::string error;
};

Result<> read_counts(metrics::Source& source, const spec::Gate& gate, metrics::Variables variables,
                     Tested& out, rollout::Replay& replay) {
  variables.window = gate.every;
  for (Instant after = out.past.from; after < out.past.until;) {
    const Instant until = std::min(out.past.until, after + most_windows * gate.every);
    for (const metrics::WindowCounts& window : TRY(source.compare(gate, variables, after, until))) {
      out.gaps += window.has_data ? 0 : 1;
      for (const auto& [stratum, counts] : window.counts) {
        out.exposure += counts.canary.exposure;
        const auto assigned = window.assigned.find(stratum);
        TRY(replay.add(out.past.release, window.end.time_since_epoch(), stratum, counts,
                       assigned == window.assigned.end() ? nullptr : &assigned->second));
      }
    }
    after = until;
  }
  return {};
}

Result<> read_values(metrics::Source& source, const spec::Gate& gate, metrics::Variables variables,
                     Tested& out, rollout::Replay& replay) {
  variables.window = gate.interval;
  int measured = 0;
  for (Instant at = out.past.from + gate.initial_delay; at <= out.past.until; at += gate.interval) {
    if (++measured > most_measurements)
      return fail(ErrorKind::failed, "only the first {} measurements were read", most_measurements);
    const gate::Measurement answer = TRY(source.measure(gate, variables, at));
    out.gaps += answer.has_data ? 0 : 1;
    TRY(replay.add(out.past.release, at.time_since_epoch(), answer));
  }
  return {};
}

// Reads what the gate would have read and takes it through a replay. What cannot be read stands in `error`.
Result<Tested> test_one(metrics::Source& source, const spec::App& app, const spec::Gate& gate,
                        const Past& past, const Options& options) {
  Tested out{past, {}, 0, 0, {}};
  metrics::Variables variables{app.name, past.channel, past.release, past.release, past.baseline, {}};
  if (options.given("channel") || variables.channel.empty()) variables.channel = options.text("channel");
  if (options.given("baseline")) variables.baseline = options.text("baseline");
  if (variables.channel.empty() && app.channels.size() == 1) variables.channel = app.channels.front().name;
  rollout::Replay replay = TRY(rollout::Replay::make(gate));
  const auto read = [&]() -> Result<> {
    return replay.wants_counts() ? read_counts(source, gate, variables, out, replay)
                                 : read_values(source, gate, variables, out, replay);
  };
  if (const auto done = read(); !done) out.error = done.error().message;
  const auto answers = replay.finish();
  if (!answers.empty()) out.answer = answers.front();
  out.answer.series = past.release;
  return out;
}

bool stopped(const Tested& one) { return one.answer.verdict == gate::Verdict::fail; }

doc::Value tested_json(const Tested& one) {
  doc::Value out = doc::Value::object(
      {{"release", one.past.release},
       {"from", to_text(one.past.from)},
       {"until", to_text(one.past.until)},
       {"was", word_of(one.past.was)},
       {"verdict", gate::to_text(one.answer.verdict)},
       {"stopped-at", stopped(one) ? doc::Value(to_text(Instant(one.answer.at))) : doc::Value()},
       {"canary-exposure", one.answer.canary_exposure},
       {"spared", stopped(one) ? one.exposure - one.answer.canary_exposure : 0.0},
       {"gaps", one.gaps},
       {"explanation", one.answer.explanation}});
  out.set("passed-at",
          one.answer.passed_at ? doc::Value(to_text(Instant(*one.answer.passed_at))) : doc::Value());
  if (!one.error.empty()) out.set("error", one.error);
  return out;
}

Result<std::size_t> wanted_releases(const std::string& text) {
  const auto count = text.starts_with("last-") ? parse_u64(std::string_view(text).substr(5)) : std::nullopt;
  if (!count || *count == 0 || *count > most_releases)
    return fail_hint(ErrorKind::usage, "write --releases last-10; at most last-100", "'{}' names no releases",
                     printable(text, 40));
  return static_cast<std::size_t>(*count);
}

}  // namespace

Result<Outcome> back_test(const Options& options, Context& context, const FoundGate& found) {
  if (!found.loaded)
    return fail_hint(ErrorKind::invalid,
                     "name a tranche.yaml with sources:", "{} holds gates only, and no source",
                     printable(found.file));
  spec::Gate gate = found.gate;
  if (options.given("source")) gate.source = options.text("source");
  const spec::App& app = found.loaded->app();
  TRY(rollout::Replay::make(gate));
  engine::GateReader reader(context.world, found.loaded->repository());
  metrics::Source* source = TRY(reader.source(app, gate));
  const std::vector<Past> releases =
      options.given("windows")
          ? TRY(from_file(context, options.text("windows")))
          : TRY(from_journal(context, *found.loaded, TRY(wanted_releases(options.text("releases")))));

  std::vector<Tested> tested;
  for (const Past& past : releases) {
    if (context.world.clock.interrupted()) return fail(ErrorKind::interrupted, "interrupted");
    context.talk.live(fmt::format("reading {}", printable(past.release, 64)));
    tested.push_back(TRY(test_one(*source, app, gate, past, options)));
  }
  context.talk.clear();

  Table table({"release", "was", "verdict", "stopped after", "canary exposure", "spared"});
  table.align_right(4).align_right(5);
  doc::Value list = doc::Value::array();
  std::size_t stops = 0, bad = 0, bad_stopped = 0, good = 0, good_stopped = 0;
  std::vector<std::string> wrongly;
  double spared = 0;
  std::string errors;
  for (const Tested& one : tested) {
    const bool stop = stopped(one);
    stops += stop ? 1 : 0;
    bad += one.past.was == Past::Was::bad ? 1 : 0;
    good += one.past.was == Past::Was::good ? 1 : 0;
    bad_stopped += stop && one.past.was == Past::Was::bad ? 1 : 0;
    if (stop && one.past.was == Past::Was::good) {
      ++good_stopped;
      wrongly.push_back(printable(one.past.release, 64));
    }
    if (stop && one.past.was != Past::Was::good) spared += one.exposure - one.answer.canary_exposure;
    table.row({printable(one.past.release, 40), std::string(word_of(one.past.was)),
               styled(gate::to_text(one.answer.verdict), style_of(one.answer.verdict), context.color),
               stop ? to_text(Duration(
                          std::chrono::round<std::chrono::seconds>(Instant(one.answer.at) - one.past.from)))
                    : "-",
               number_text(one.answer.canary_exposure),
               stop ? number_text(one.exposure - one.answer.canary_exposure) : "-"});
    if (!one.error.empty())
      errors += fmt::format("{}: {}\n", printable(one.past.release, 40), printable(one.error, 200));
    list.push(tested_json(one));
  }
  std::string text = table.text() + errors;
  text += fmt::format("\n{} of {} would have been stopped", stops, tested.size());
  if (bad > 0) text += fmt::format(", {} of {} bad ones", bad_stopped, bad);
  if (good > 0)
    text += fmt::format(", {} of {} good ones{}", good_stopped, good,
                        wrongly.empty() ? "" : " (" + join(wrongly, ", ") + ")");
  text += fmt::format("; {} canary exposures spared\n", number_text(spared));
  return Outcome{0,
                 doc::Value::object({{"schema", "tranche/gate-backtest/v1"},
                                     {"gate", gate.name},
                                     {"source", gate.source},
                                     {"stopped", static_cast<std::int64_t>(stops)},
                                     {"bad", static_cast<std::int64_t>(bad)},
                                     {"bad-stopped", static_cast<std::int64_t>(bad_stopped)},
                                     {"good", static_cast<std::int64_t>(good)},
                                     {"good-stopped", static_cast<std::int64_t>(good_stopped)},
                                     {"spared", spared},
                                     {"releases", std::move(list)}}),
                 std::move(text)};
}

}  // namespace tranche::commands
