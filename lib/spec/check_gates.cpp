#include <algorithm>

#include "base/text.hpp"
#include "spec/grammar.hpp"
#include "spec/meaning.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

bool is_counter_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

bool is_sentry_count(std::string_view text) {
  if (text == "sessions") return true;
  for (const std::string_view part : split(text, '+')) {
    const std::string_view status = trim(part);
    if (status != "crashed" && status != "abnormal" && status != "errored" && status != "healthy")
      return false;
  }
  return true;
}

// The others answer with counts or a value of their own; a query only picks from it.
bool is_asked_by_query(const Source& source) {
  return source.kind != Source::Kind::web && source.kind != Source::Kind::command &&
         source.kind != Source::Kind::file;
}

struct GateCheck {
  const App& app;
  const Value& document;
  Problems& problems;
  const Gate& gate;

  [[nodiscard]] Place at(std::string_view key) const {
    return find_at(document, {"gates", gate.name, key}) ? place_at(document, {"gates", gate.name, key})
                                                        : gate.place;
  }
  void say(std::string_view key, std::string message, std::string hint) const {
    problems.add(at(key), std::move(message), std::move(hint));
  }

  void check_query_of(std::string_view key, const std::string& query, const Source& source) const {
    if (query.empty()) {
      say(key, fmt::format("gate '{}' has no {}", gate.name, key),
          gate.statistic == Gate::Statistic::quantile
              ? "a quantile needs `histogram: QUERY` with $arm, whose series carry le"
              : fmt::format(
                    "a compare gate counts events and exposure of both arms: add `{}: QUERY` with $arm",
                    key));
    } else if (source.kind == Source::Kind::serve) {
      if (!is_counter_name(query))
        say(key, fmt::format("'{}' of gate '{}' is not a counter of `tranche serve`", key, gate.name),
            "for a serve source write the name of a counter: crashes, sessions or a signal");
    } else if (source.kind == Source::Kind::sentry) {
      if (!is_sentry_count(query))
        say(key, fmt::format("'{}' of gate '{}' is not a count of Sentry's sessions", key, gate.name),
            "write sessions, or statuses: crashed, abnormal, errored, healthy, joined by +");
    } else if (!query_uses(query, "$arm") && !query_uses(query, "$version")) {
      say(key, fmt::format("'{}' of gate '{}' asks the same of both arms", key, gate.name),
          "select the arm in the query: {arm=\"$arm\"}");
    } else {
      check_time_of(key, query, source);
    }
  }
  void check_time_of(std::string_view key, const std::string& query, const Source& source) const {
    const bool bound = query_uses(query, "$time");
    if (source.kind == Source::Kind::influxdb && !bound)
      say(key, fmt::format("'{}' of gate '{}' does not say which time", key, gate.name),
          "add the condition to WHERE: ... AND $time, and for counts GROUP BY time($window)");
    if (source.kind != Source::Kind::influxdb && bound)
      say(key, fmt::format("'{}' of gate '{}' holds $time, which InfluxDB alone has", key, gate.name),
          "leave it out: the time of the question is sent beside the query");
  }

  void check_compare(const Source* source) const {
    if (gate.margin <= gate.worse_than)
      say("margin",
          fmt::format("the margin of gate '{}', {}x, is not above worse-than, {}x", gate.name, gate.margin,
                      gate.worse_than),
          "pass means: certified not worse than margin; make it larger than worse-than");
    if (gate.suspect_at < gate.false_rollback)
      say("suspect-at", fmt::format("suspect-at of gate '{}' is stricter than false-rollback", gate.name),
          "suspicion comes before failure: make suspect-at at least as large as false-rollback");
    if (gate.statistic == Gate::Statistic::quantile && !gate.events.empty())
      say("events", fmt::format("gate '{}' compares a quantile, and events are not part of it", gate.name),
          "leave events and exposure out: histogram has both arms' values");
    if (gate.statistic != Gate::Statistic::quantile && !gate.histogram.empty())
      say("histogram", fmt::format("gate '{}' has a histogram and compares no quantile", gate.name),
          "add `statistic: p99`");
    if (source == nullptr || !is_asked_by_query(*source)) return;
    if (source->kind == Source::Kind::serve && gate.statistic == Gate::Statistic::quantile)
      return say("statistic", fmt::format("gate '{}' wants a quantile of `tranche serve`", gate.name),
                 "serve counts events; read latencies from prometheus");
    if (gate.statistic == Gate::Statistic::quantile) {
      check_query_of("histogram", gate.histogram, *source);
    } else {
      check_query_of("events", gate.events, *source);
      check_query_of("exposure", gate.exposure, *source);
    }
    if (!gate.assignments.empty() && source->kind == Source::Kind::serve)
      say("assignments", fmt::format("gate '{}' asks `tranche serve` for assignments", gate.name),
          "remove the key: serve counts the devices of each arm by itself");
    else if (!gate.assignments.empty())
      check_query_of("assignments", gate.assignments, *source);
    if (!gate.before_events.empty()) {
      check_query_of("before", gate.before_events, *source);
      check_query_of("before", gate.before_exposure, *source);
    }
    if (source->kind == Source::Kind::sentry && gate.arms != Gate::Arms::version)
      say("arms", fmt::format("gate '{}' asks Sentry for arms, and Sentry knows versions only", gate.name),
          "write arms: version");
  }

  void check_threshold(const Source* source) const {
    if (gate.success_condition.empty() && gate.failure_condition.empty())
      say("query", fmt::format("gate '{}' has no condition", gate.name),
          "add success-condition, for example: result < 2.5");
    if (source != nullptr && is_asked_by_query(*source)) {
      if (gate.query.empty())
        say("query", fmt::format("gate '{}' has no query", gate.name), "add `query:`");
      else if (source->kind != Source::Kind::serve && source->kind != Source::Kind::sentry)
        check_time_of("query", gate.query, *source);
    }
    if (gate.count == 0) return;
    // As Argo refuses them: limits that the count ends before.
    const int wanted = std::max(gate.failure_limit, 0) + gate.consecutive_success_limit;
    if (gate.count < wanted)
      say("count",
          fmt::format("the count of gate '{}', {}, is below failure-limit + consecutive-success-limit, {}",
                      gate.name, gate.count, wanted),
          "measure more often, or lower the limits: the gate would end before it can reach them");
    if (gate.count < gate.inconclusive_limit)
      say("count",
          fmt::format("the count of gate '{}', {}, is below inconclusive-limit, {}", gate.name, gate.count,
                      gate.inconclusive_limit),
          "measure more often, or lower the limit");
  }

  void run() const {
    const Value* written = find_at(document, {"gates", gate.name});
    if (written != nullptr && problems.touches(*written)) return;
    const Source* source = app.source(gate.source);
    if (!gate.source.empty() && source == nullptr && !app.sources.empty())
      say("source", fmt::format("unknown source '{}' in gate '{}'", printable(gate.source, 64), gate.name),
          name_hint(gate.source, names_of(app.sources), "source"));
    if (gate.source.empty() && app.sources.size() > 1 &&
        (gate.kind == Gate::Kind::compare || gate.kind == Gate::Kind::threshold ||
         gate.kind == Gate::Kind::kayenta))
      say("source", fmt::format("gate '{}' names no source, and there are several", gate.name),
          "add `source:`, one of: " + join(names_of(app.sources), ", "));
    if (gate.kind == Gate::Kind::compare) check_compare(source);
    if (gate.kind == Gate::Kind::threshold) check_threshold(source);
    if (gate.kind == Gate::Kind::kayenta) check_kayenta(gate, document, problems);
    if (gate.kind == Gate::Kind::model) check_model(gate, document, problems);
  }
};

}  // namespace

void check_gates(const App& app, const Value& document, Problems& problems) {
  for (const Gate& gate : app.gates) GateCheck{app, document, problems, gate}.run();
}

}  // namespace tranche::spec
