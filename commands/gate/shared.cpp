#include "commands/gate/shared.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "gate/exact_math.hpp"
#include "gate/verdict.hpp"

namespace tranche::commands {
namespace {

constexpr std::size_t most_file_bytes = 1 << 20;
constexpr std::size_t most_stdin_bytes = std::size_t{1} << 30;

// A file of gates alone has no app.
bool holds_gates_only(const doc::Value& document) {
  if (!document.is_object() || document.find("gates") == nullptr) return false;
  return std::ranges::all_of(document.as_object(), [](const doc::Member& member) {
    return member.key == "version" || member.key == "gates";
  });
}

Result<spec::Gate> pick(const std::vector<spec::Gate>& gates, const std::string& name,
                        const std::string& file) {
  std::vector<std::string> names;
  for (const spec::Gate& gate : gates) {
    if (gate.name == name) return gate;
    names.push_back(gate.name);
  }
  const std::string near = nearest(name, names);
  return fail_hint(ErrorKind::usage,
                   !near.empty()   ? fmt::format("did you mean '{}'?", near)
                   : names.empty() ? "add one under gates:"
                                   : "it has: " + join(names, ", "),
                   "{} has no gate '{}'", printable(file), printable(name, 64));
}

}  // namespace

Argument gate_argument() { return {.name = "gate", .help = "a name under gates:"}; }

Flag series_flag() {
  return {.name = "series",
          .value = "FILE",
          .help = "recorded counts, a JSON object a line; - is stdin",
          .required = true};
}

Result<FoundGate> find_gate(const Options& options, Context& context) {
  FoundGate found;
  found.file = TRY(find_file(context));
  const std::string name = options.text("gate");
  const auto text = TRY_WHILE("reading " + found.file, context.world.files.read(found.file, most_file_bytes));
  if (text) {
    const auto document = doc::parse_yaml(*text, found.file);
    if (document && holds_gates_only(*document)) {
      const auto gates = TRY(spec::parse_gates(*text, found.file));
      found.gate = TRY(pick(gates, name, found.file));
      return found;
    }
  }
  found.loaded = TRY(load_app(context, options));
  found.gate = TRY(pick(found.loaded->app().gates, name, found.file));
  return found;
}

Result<metrics::SeriesReader> open_series(const Options& options, Context& context) {
  const std::string path = options.text("series");
  if (path == "-") return metrics::SeriesReader("<stdin>", TRY(context.world.console.in(most_stdin_bytes)));
  if (!TRY(context.world.files.info(path)))
    return fail_hint(ErrorKind::failed, "check the path; - reads stdin", "no such file: '{}'",
                     printable(path));
  auto from = TRY_WHILE("reading " + path, context.world.files.open(path));
  return metrics::SeriesReader(path, std::move(from));
}

void say_unknown_keys(Context& context, const metrics::SeriesReader& reader) {
  if (!reader.unknown_keys().empty())
    context.say("keys that mean nothing here were passed over: {}", join(reader.unknown_keys(), ", "));
}

Result<ReplayedFile> replay_file(const spec::Gate& gate, metrics::SeriesReader& reader, Context& context) {
  rollout::Replay replay = TRY(rollout::Replay::make(gate));
  ReplayedFile out;
  for (;;) {
    const metrics::SeriesLine* line = TRY(reader.next());
    if (line == nullptr) break;
    if ((++out.lines & 0xFFFF) == 0) {
      if (context.world.clock.interrupted())
        return fail(ErrorKind::interrupted, "interrupted at line {}", reader.line_number());
      if (context.talk.is_live()) context.talk.live(fmt::format("{} lines", out.lines));
    }
    Result<> added;
    if (replay.wants_counts()) {
      if (line->has_counts || line->has_assigned)
        added = replay.add(line->series, line->t, line->stratum, line->counts,
                           line->has_assigned ? &line->assigned : nullptr);
      else
        added = fail_hint(ErrorKind::invalid, "compare gates count events and exposure of both arms",
                          "the line has a value, and gate '{}' is a compare gate", printable(gate.name, 64));
    } else if (line->has_measurement) {
      added = replay.add(line->series, line->t, line->measurement);
    } else {
      added = fail_hint(ErrorKind::invalid, "write {\"t\":60,\"value\":0.2}",
                        "the line has counts, and gate '{}' is a threshold gate", printable(gate.name, 64));
    }
    if (!added) return std::unexpected(reader.at_line(std::move(added.error())));
  }
  context.talk.clear();
  out.series = replay.finish();
  for (const rollout::Replayed& one : out.series) {
    out.duplicates += one.duplicates;
    out.refused += one.refused;
  }
  return out;
}

doc::Value seconds_value(Duration t) {
  if (t.count() % 1000 == 0) return t.count() / 1000;
  return static_cast<double>(t.count()) / 1000;
}
doc::Value seconds_or_null(const std::optional<Duration>& t) { return t ? seconds_value(*t) : doc::Value(); }

double plain_evidence(double log_evidence) {
  return log_evidence > 690 ? 1e300 : gate::exp_exact(log_evidence);
}

std::string evidence_text(double log_evidence) {
  return log_evidence > 13.8 ? "over 1000000" : fmt::format("{:.3g}", plain_evidence(log_evidence));
}

std::string seconds_text(Duration t) {
  // Since 2001 it is a moment, not a time since some start.
  if (t > std::chrono::seconds(1'000'000'000)) return to_text(Instant(t));
  return doc::to_json(seconds_value(t));
}
std::string seconds_text(const std::optional<Duration>& t) { return t ? seconds_text(*t) : ""; }

std::string number_text(double number) { return fmt::format("{:.6g}", number); }

Style style_of(gate::Verdict verdict) {
  switch (verdict) {
    case gate::Verdict::fail:
      return Style::red;
    case gate::Verdict::suspect:
      return Style::yellow;
    case gate::Verdict::pass:
      return Style::green;
    default:
      return Style::dim;
  }
}

doc::Value number_or_null(double number) { return std::isfinite(number) ? doc::Value(number) : doc::Value(); }

}  // namespace tranche::commands
