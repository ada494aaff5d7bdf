// Counts from the server of our own (`tranche serve`): increments it has added up from check-ins.
//
// It says zeros, so nothing needs to be guessed: a window that it leaves out is a gap.
#include <cmath>
#include <map>

#include "base/text.hpp"
#include "metrics/connection.hpp"
#include "metrics/query.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

struct ArmTotals {
  double canary = 0, control = 0;
};
using Strata = std::map<std::string, ArmTotals>;
struct Told {
  Strata counts, assigned;
};
using Series = std::map<Instant, Told>;  // by window end

class Serve final : public Source {
 public:
  explicit Serve(Connection connection) : connection_(std::move(connection)) {}

  Result<std::vector<WindowCounts>> compare(const spec::Gate& gate, const Variables& variables, Instant after,
                                            Instant until) override {
    if (gate.statistic == spec::Gate::Statistic::quantile)
      return fail_hint(ErrorKind::invalid, "read the histogram from its /metrics through a prometheus source",
                       "`tranche serve` counts, and gate '{}' asks for a quantile", gate.name);
    const Windows windows = TRY(aligned_windows(after, until, gate.every));
    std::vector<WindowCounts> out;
    if (windows.count == 0) return out;
    const Series exposure = TRY(read(gate.exposure, variables, windows));
    const Series events = TRY(read(gate.events, variables, windows));
    for (std::int64_t i = 0; i < windows.count; ++i) {
      WindowCounts& window = out.emplace_back();
      window.end = windows.end(i);
      const auto exposed = exposure.find(window.end), happened = events.find(window.end);
      if (exposed == exposure.end() || happened == events.end()) {
        window.gap = "the server has no counts of this window";
        continue;
      }
      for (const auto& [stratum, totals] : exposed->second.counts) {
        if (!is_randomised(stratum)) continue;
        const auto bad = happened->second.counts.find(stratum);
        const ArmTotals seen = bad == happened->second.counts.end() ? ArmTotals{} : bad->second;
        window.counts[stratum] = {{seen.canary, totals.canary}, {seen.control, totals.control}};
      }
      for (const auto& [stratum, devices] : exposed->second.assigned)
        if (is_randomised(stratum)) window.assigned[stratum] = {{0, devices.canary}, {0, devices.control}};
      window.has_data = !window.counts.empty();
      if (!window.has_data)
        window.gap = exposed->second.counts.empty() ? "no device was counted"
                                                    : "only devices that chance has not placed";
    }
    return out;
  }

  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    const Instant end = aligned_end(at, gate.interval, Duration::zero());
    const Windows windows = TRY(aligned_windows(end - gate.interval, end, gate.interval));
    const std::size_t slash = gate.query.find('/');
    const std::string above(trim(std::string_view(gate.query).substr(0, slash)));
    gate::Measurement out;
    out.scalar = true;
    const std::optional<double> value = TRY(canary_total(above, variables, windows));
    if (slash == std::string::npos) {
      if (value) out.values.push_back(*value);
    } else {
      const std::string below(trim(std::string_view(gate.query).substr(slash + 1)));
      const std::optional<double> divisor = TRY(canary_total(below, variables, windows));
      if (value && divisor && *divisor > 0) out.values.push_back(*value / *divisor);
    }
    out.has_data = !out.values.empty();
    return out;
  }

 private:
  std::unexpected<Error> unreadable(std::string_view what) {
    return connection_.unreadable(what, "", "see that the url leads to a `tranche serve` of this version");
  }

  // What the canary arm counted in the window, all strata together; nullopt when the server has no counts.
  Result<std::optional<double>> canary_total(const std::string& name, const Variables& variables,
                                             const Windows& windows) {
    const Series series = TRY(read(name, variables, windows));
    if (series.empty()) return std::optional<double>{};
    double total = 0;
    for (const auto& [end, told] : series)
      for (const auto& [stratum, totals] : told.counts) total += totals.canary;
    return std::optional<double>{total};
  }

  Result<Series> read(const std::string& name, const Variables& variables, const Windows& windows) {
    const std::string_view counter =
        name.starts_with("signal:") ? std::string_view(name).substr(7) : std::string_view(name);
    if (!check_variable("counter", counter))
      return fail_hint(ErrorKind::invalid, "write crashes, sessions or signal:NAME, or one / another",
                       "'{}' is not a counter of `tranche serve`", printable(name, 64));
    TRY(check_variable("app", variables.app));
    TRY(check_variable("channel", variables.channel));
    TRY(check_variable("release", variables.release));
    const Answer answer =
        TRY(connection_.get("/v1/series", {{"app", variables.app},
                                           {"channel", variables.channel},
                                           {"name", name},
                                           {"release", variables.release},
                                           {"after", to_text(windows.first - windows.every)},
                                           {"until", to_text(windows.end(windows.count - 1))},
                                           {"step", to_text(windows.every)}}));
    if (answer.status != 200) {
      const doc::Value* why = answer.body.find("error");
      const doc::Value* text = why != nullptr && why->is_object() ? why->find("message") : why;
      return fail_hint(answer.status == 400 ? ErrorKind::invalid : ErrorKind::failed,
                       "see that the url leads to the server of this app and channel",
                       "{} refused to count '{}' (HTTP {}){}{}", connection_.name(), printable(name, 64),
                       answer.status, text != nullptr && text->is_string() ? ": " : "",
                       text != nullptr && text->is_string() ? printable(text->as_string(), 300) : "");
    }
    return parse(answer.body, name, variables, windows);
  }

  Result<> take(const doc::Value& counts, Strata& into) {
    if (counts.as_object().size() > most_strata) return unreadable("a window has too many strata");
    for (const doc::Member& stratum : counts.as_object()) {
      ArmTotals& totals = into[stratum.key];
      for (const auto& [arm, total] : {std::pair{"canary", &totals.canary}, {"control", &totals.control}}) {
        const doc::Value* count = stratum.value.find(arm);
        if (count == nullptr) continue;
        if (!count->is_number() || !(count->as_double() >= 0 && count->as_double() <= largest_count))
          return unreadable("a count is no count");
        *total = count->as_double();
      }
    }
    return {};
  }

  Result<Series> parse(const doc::Value& body, const std::string& name, const Variables& variables,
                       const Windows& windows) {
    const auto is = [&](std::string_view key, std::string_view want) {
      const doc::Value* value = body.find(key);
      return value != nullptr && value->is_string() && value->as_string() == want;
    };
    if (!is("schema", "tranche/series/v1")) return unreadable("its schema is not tranche/series/v1");
    if (!is("app", variables.app) || !is("channel", variables.channel) || !is("name", name))
      return unreadable("it is about another app, channel or counter");
    const doc::Value* step = body.find("step-ms");
    if (step == nullptr || !step->is_int() || step->as_int() != windows.every.count())
      return unreadable("its windows have another length");
    const doc::Value* list = body.find("windows");
    if (list == nullptr || !list->is_array()) return unreadable("it has no windows");
    Series out;
    for (const doc::Value& window : list->as_array()) {
      const doc::Value* end_text = window.find("end");
      const doc::Value* counts = window.find("counts");
      if (end_text == nullptr || !end_text->is_string() || counts == nullptr || !counts->is_object())
        return unreadable("a window has no end or no counts");
      const auto end = parse_instant(end_text->as_string());
      if (!end) return unreadable("a window ends at no time");
      const Duration since = *end - windows.first;
      if (since < Duration::zero() || *end > windows.end(windows.count - 1) ||
          since % windows.every != Duration::zero())
        return unreadable("a window was not asked for");
      const auto [at, fresh] = out.try_emplace(*end);
      if (!fresh) return unreadable("a window comes twice");
      TRY(take(*counts, at->second.counts));
      if (const doc::Value* assigned = window.find("assigned")) {
        if (!assigned->is_object()) return unreadable("a window's assigned devices are no map");
        TRY(take(*assigned, at->second.assigned));
      }
    }
    return out;
  }

  Connection connection_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_serve(const Surroundings& around, const spec::Source& source) {
  Connection connection = TRY(Connection::make(around, source));
  return std::make_unique<Serve>(std::move(connection));
}

}  // namespace tranche::metrics
