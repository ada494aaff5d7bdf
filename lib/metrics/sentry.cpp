// Release health from Sentry's sessions API (docs.sentry.io/api/releases,
// "Retrieve Release Health Session Statistics"): sessions by release and status, by the hour.
//
// Sentry knows versions, not arms: the canary is the release, control the baseline, whoever runs them. It
// rounds what it is asked for, so the times of the answer are checked against the windows.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "metrics/connection.hpp"
#include "metrics/query_source.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

constexpr std::array<std::string_view, 8> fields{
    "crash_free_rate(session)", "crash_free_rate(user)", "crash_rate(session)",
    "crash_rate(user)",         "sum(session)",          "count_unique(user)",
    "count_crashed(session)",   "count_errored(session)"};

// Sessions of one release: by window, then by status.
using Statuses = std::map<std::string, std::vector<double>>;

class Sentry final : public Source {
 public:
  Sentry(Connection connection, spec::Source source)
      : connection_(std::move(connection)), source_(std::move(source)) {}

  Result<std::vector<WindowCounts>> compare(const spec::Gate& gate, const Variables& variables, Instant after,
                                            Instant until) override {
    forget_notes();
    if (gate.arms != spec::Gate::Arms::version)
      return fail_hint(ErrorKind::invalid, "write arms: version",
                       "{} knows versions, and gate '{}' asks for arms", connection_.name(), gate.name);
    if (gate.statistic == spec::Gate::Statistic::quantile || gate.statistic == spec::Gate::Statistic::mean ||
        !gate.assignments.empty())
      return fail_hint(ErrorKind::invalid, "read durations and assignments from prometheus",
                       "{} counts sessions, and gate '{}' asks for more", connection_.name(), gate.name);
    const Windows all = TRY(aligned_windows(after, until, gate.every));
    std::vector<WindowCounts> out;
    constexpr std::int64_t most = 1'000;  // Sentry gives at most 10,000 points: statuses times windows
    for (std::int64_t from = 0; from < all.count; from += most) {
      Windows some = all;
      some.first = all.end(from);
      some.count = std::min(most, all.count - from);
      const Statuses canary = TRY(sessions(variables.release, variables, some));
      const Statuses control = TRY(sessions(variables.baseline, variables, some));
      for (std::int64_t i = 0; i < some.count; ++i) {
        WindowCounts& window = out.emplace_back();
        window.end = some.end(i);
        gate::StratumCounts counts;
        counts.canary = TRY(count(canary, gate, i));
        counts.control = TRY(count(control, gate, i));
        const bool has_canary = counts.canary.exposure > 0, has_control = counts.control.exposure > 0;
        window.has_data = has_canary && has_control;
        if (window.has_data)
          window.counts["all"] = std::move(counts);
        else
          window.gap = fmt::format("no sessions of {}{}",
                                   has_canary    ? "control"
                                   : has_control ? "canary"
                                                 : "either version",
                                   clock_words(connection_.clock_ahead(), gate.every));
      }
    }
    return out;
  }

  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    forget_notes();
    if (std::find(fields.begin(), fields.end(), gate.query) == fields.end())
      return fail_hint(ErrorKind::invalid, "write query: crash_free_rate(session)",
                       "'{}' is not a field of Sentry's sessions", printable(gate.query, 64));
    const std::string release = TRY(release_name(variables.version, variables));
    const doc::Value body = TRY(ask(release, at - gate.interval, at, gate.query, {}));
    const doc::Value* groups = body.find("groups");
    if (groups == nullptr || !groups->is_array()) return unreadable("it has no groups");
    gate::Measurement out;
    out.scalar = true;
    if (groups->as_array().empty()) return out;
    if (groups->as_array().size() > 1) return unreadable("it has several groups");
    const doc::Value* totals = groups->as_array()[0].find("totals");
    const doc::Value* value = totals == nullptr ? nullptr : totals->find(gate.query);
    if (value == nullptr) return unreadable("it has no total of " + gate.query);
    if (value->is_null()) return out;  // no sessions
    if (!value->is_number()) return unreadable("a total is no number");
    out.values.push_back(value->as_double());
    out.has_data = true;
    return out;
  }

 private:
  std::unexpected<Error> unreadable(std::string_view what) const {
    return connection_.unreadable(what, "", "see that the url leads to Sentry, without /api");
  }
  Result<std::string> release_name(std::string_view version, const Variables& variables) const {
    TRY(check_variable("app", variables.app));
    TRY(check_variable("version", version));
    return replace_all(replace_all(source_.release, "{app}", variables.app), "{version}", version);
  }

  Result<doc::Value> ask(const std::string& release, Instant from, Instant until, std::string_view field,
                         const Form& more) {
    // Quotes in a search: Sentry's search syntax. The template is the file's, the rest has no quotes.
    Form form{{"field", std::string(field)},
              {"query", fmt::format("release:\"{}\"", replace_all(release, "\"", ""))},
              {"start", to_text(from)},
              {"end", to_text(until)}};
    form.insert(form.end(), more.begin(), more.end());
    if (source_.projects.empty()) form.emplace_back("project", "-1");  // all
    for (const std::string& project : source_.projects) form.emplace_back("project", project);
    if (!source_.environment.empty()) form.emplace_back("environment", source_.environment);
    Answer answer =
        TRY(connection_.get(fmt::format("/api/0/organizations/{}/sessions/", source_.organization), form));
    if (answer.status != 200) {
      std::string why = words_in(answer.body, "detail");
      return connection_.refused(answer, why, "release:" + release,
                                 answer.status == 404 ? "see that organization and projects are right" : "");
    }
    if (!answer.body.is_object()) return unreadable("it is no map");
    return std::move(answer.body);
  }

  Result<Statuses> sessions(const std::string& version, const Variables& variables, const Windows& windows) {
    const std::string release = TRY(release_name(version, variables));
    const doc::Value body = TRY(
        ask(release, windows.first - windows.every, windows.end(windows.count - 1), "sum(session)",
            {{"groupBy", "release"}, {"groupBy", "session.status"}, {"interval", interval(windows.every)}}));
    const std::vector<std::optional<std::int64_t>> places = TRY(read_intervals(body, windows));
    const doc::Value* groups = body.find("groups");
    if (groups == nullptr || !groups->is_array()) return unreadable("it has no groups");
    Statuses out;
    for (const doc::Value& group : groups->as_array()) {
      const doc::Value *by = group.find("by"), *series = group.find("series");
      const doc::Value* counts = series == nullptr ? nullptr : series->find("sum(session)");
      if (by == nullptr || counts == nullptr || !counts->is_array() ||
          counts->as_array().size() != places.size())
        return unreadable("a group has no by, or not one count for each interval");
      const doc::Value *named = by->find("release"), *status = by->find("session.status");
      if (named == nullptr || !named->is_string() || status == nullptr || !status->is_string())
        return unreadable("a group is by neither release nor session.status");
      if (named->as_string() != release) continue;
      if (out.size() >= 16 && !out.contains(status->as_string()))
        return unreadable("it has too many statuses");
      std::vector<double>& row = out[status->as_string()];
      row.resize(static_cast<std::size_t>(windows.count));
      for (std::size_t i = 0; i < places.size(); ++i) {
        const doc::Value& one = counts->as_array()[i];
        if (one.is_null() || !places[i]) continue;
        if (!one.is_number() || !(one.as_double() >= 0 && one.as_double() <= largest_count))
          return unreadable("a count is no count");
        row[static_cast<std::size_t>(*places[i])] += one.as_double();
      }
    }
    return out;
  }

  // Which window each interval of the answer is; nullopt: none that was asked for.
  Result<std::vector<std::optional<std::int64_t>>> read_intervals(const doc::Value& body,
                                                                  const Windows& windows) {
    const doc::Value* list = body.find("intervals");
    if (list == nullptr || !list->is_array()) return unreadable("it has no intervals");
    std::vector<std::optional<std::int64_t>> out;
    std::optional<Instant> before;
    for (const doc::Value& one : list->as_array()) {
      const auto begin = one.is_string() ? parse_instant(one.as_string()) : Result<Instant>(Instant{});
      if (!one.is_string() || !begin) return unreadable("an interval is no time");
      if ((before && *begin - *before != windows.every) ||
          begin->time_since_epoch() % windows.every != Duration::zero())
        return fail_hint(ErrorKind::invalid,
                         "write every: 1h (Sentry counts by the hour, or a part of a day)",
                         "{} counts in other intervals than {}", connection_.name(), to_text(windows.every));
      before = *begin;
      const std::int64_t index = (*begin + windows.every - windows.first) / windows.every;
      const bool asked = *begin + windows.every >= windows.first && index < windows.count;
      out.push_back(asked ? std::optional(index) : std::nullopt);
    }
    return out;
  }

  static std::string interval(Duration every) {
    const std::int64_t minutes = std::max<std::int64_t>(1, every / std::chrono::minutes(1));
    return minutes % 60 == 0 ? fmt::format("{}h", minutes / 60) : fmt::format("{}m", minutes);
  }

  // events: statuses joined by '+'; exposure: "sessions" or statuses.
  Result<gate::ArmCounts> count(const Statuses& statuses, const spec::Gate& gate, std::int64_t window) const {
    const auto sum = [&](const std::string& words) -> Result<double> {
      double total = 0;
      const auto at = static_cast<std::size_t>(window);
      if (words == "sessions") {
        for (const auto& [status, row] : statuses) total += row[at];
        return total;
      }
      for (const std::string_view part : split(words, '+')) {
        const std::string status(trim(part));
        if (status != "crashed" && status != "abnormal" && status != "errored" && status != "healthy")
          return fail_hint(ErrorKind::invalid,
                           "write sessions, or statuses: crashed, abnormal, errored, healthy, joined by +",
                           "'{}' is not a count of Sentry's sessions", printable(status, 64));
        if (const auto row = statuses.find(status); row != statuses.end()) total += row->second[at];
      }
      return total;
    };
    gate::ArmCounts out;
    out.events = TRY(sum(gate.events));
    out.exposure = TRY(sum(gate.exposure));
    return out;
  }

  Connection connection_;
  spec::Source source_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_sentry(const Surroundings& around, const spec::Source& source) {
  Connection connection = TRY(Connection::make(around, source));
  return std::make_unique<Sentry>(std::move(connection), source);
}

}  // namespace tranche::metrics
