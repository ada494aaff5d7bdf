#include "metrics/query.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::metrics {

Instant aligned_end(Instant now, Duration every, Duration lag) {
  if (every <= Duration::zero()) return now - lag;
  const Duration since = (now - lag).time_since_epoch();
  Duration rest = since % every;
  if (rest < Duration::zero()) rest += every;
  return Instant(since - rest);
}

Result<std::vector<double>> Source::series(const std::string& query, const Variables& /*variables*/,
                                           Arm /*arm*/, Instant /*after*/, Instant /*until*/,
                                           Duration /*step*/) {
  return fail_hint(ErrorKind::invalid, "read it from a source that keeps a history, such as prometheus",
                   "this source has no history to judge: {}", printable(query, 200));
}

void Source::note(std::string words) {
  constexpr std::size_t most = 10;
  if (notes_.size() < most && std::find(notes_.begin(), notes_.end(), words) == notes_.end())
    notes_.push_back(std::move(words));
}

Result<std::unique_ptr<Source>> make_source(const ports::World& world, const spec::Source& source,
                                            const Secrets& secrets, const std::string& repository) {
  const Surroundings around{world, repository, secrets};
  switch (source.kind) {
    case spec::Source::Kind::prometheus:
      return make_prometheus(around, source);
    case spec::Source::Kind::serve:
      return make_serve(around, source);
    case spec::Source::Kind::graphite:
      return make_graphite(around, source);
    case spec::Source::Kind::influxdb:
      return make_influxdb(around, source);
    case spec::Source::Kind::sentry:
      return make_sentry(around, source);
    case spec::Source::Kind::datadog:
      return make_datadog(around, source);
    case spec::Source::Kind::web:
      return make_web(around, source);
    case spec::Source::Kind::command:
      return make_command(around, source);
    case spec::Source::Kind::file:
      return make_file(around, source);
  }
  return fail(ErrorKind::bug, "source '{}' is of no kind", printable(source.name, 64));
}

namespace internal {

namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::string_view name_of(Arm arm) { return arm == Arm::canary ? "canary" : "control"; }

Result<> check_variable(std::string_view name, std::string_view value) {
  constexpr std::size_t longest = 128;
  if (value.empty())
    return fail_hint(ErrorKind::invalid, "ask without it, or once there is one", "${} is empty here", name);
  const bool fits = value.size() <= longest && std::all_of(value.begin(), value.end(), [](char c) {
                      return (is_word(c) || c == '.' || c == '+' || c == '-');
                    });
  if (!fits)
    return fail_hint(ErrorKind::invalid, "use letters, digits and . _ + - only, at most 128",
                     "${} is '{}', which may not stand in a query", name, printable(value, 64));
  return {};
}

namespace {

Result<std::string> fill(std::string_view query, const Variables& variables, const Arm* arm, Names kept,
                         bool encode) {
  const std::string window = to_text(variables.window);
  const std::array<std::pair<std::string_view, std::string_view>, 7> known{{
      {"arm", arm == nullptr ? std::string_view{} : name_of(*arm)},
      {"app", variables.app},
      {"channel", variables.channel},
      {"release", variables.release},
      {"version", variables.version},
      {"baseline", variables.baseline},
      {"window", window},
  }};
  std::string out;
  for (std::size_t at = 0; at < query.size();) {
    std::size_t end = at + 1;
    if (query[at] == '$')
      while (end < query.size() && is_word(query[end])) ++end;
    if (end == at + 1) {
      out += query[at++];
      continue;
    }
    const std::string_view name = query.substr(at + 1, end - at - 1);
    if (std::find(kept.begin(), kept.end(), name) != kept.end()) {
      out += query.substr(at, end - at);
      at = end;
      continue;
    }
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.first == name; });
    if (found == known.end()) {
      std::vector<std::string> names;
      for (const auto& [each, value] : known) names.emplace_back(each);
      const std::string near = nearest(name, names);
      return fail_hint(ErrorKind::invalid,
                       near.empty() ? "ours are $" + join(names, ", $") : "did you mean '$" + near + "'?",
                       "unknown variable '${}' in the query", printable(name, 64));
    }
    if (name == "arm" && arm == nullptr)
      return fail_hint(ErrorKind::invalid, "a threshold gate asks about the release: use $version",
                       "$arm stands in a query that has no arm");
    TRY(check_variable(name, found->second));
    out += encode ? percent_encode(found->second) : std::string(found->second);
    at = end;
  }
  return out;
}

}  // namespace

Result<std::string> fill_query(std::string_view query, const Variables& variables, const Arm* arm,
                               Names kept) {
  return fill(query, variables, arm, kept, false);
}

Result<std::string> fill_url(std::string_view url, const Variables& variables) {
  return fill(url, variables, nullptr, {}, true);
}

Result<std::string> fill_arm_query(std::string_view query, const spec::Gate& gate, const Variables& variables,
                                   Arm arm, Names kept) {
  const auto fill_for = [&](Arm which) {
    Variables of_arm = variables;
    if (gate.arms == spec::Gate::Arms::version)
      of_arm.version = which == Arm::canary ? variables.release : variables.baseline;
    return fill_query(query, of_arm, &which, kept);
  };
  std::string canary = TRY(fill_for(Arm::canary));
  std::string control = TRY(fill_for(Arm::control));
  if (canary == control)
    return fail_hint(ErrorKind::invalid, "select the arm in the query: {arm=\"$arm\"}",
                     "a query of gate '{}' asks the same of both arms", gate.name);
  return arm == Arm::canary ? canary : control;
}

Result<Windows> aligned_windows(Instant after, Instant until, Duration every) {
  if (every <= Duration::zero())
    return fail_hint(ErrorKind::invalid, "write every: 1m", "a gate is polled every {}", to_text(every));
  Windows out;
  out.every = every;
  out.first = aligned_end(after, every, Duration::zero()) + every;
  const Instant last = aligned_end(until, every, Duration::zero());
  if (last >= out.first) out.count = std::min<std::int64_t>((last - out.first) / every + 1, most_windows);
  return out;
}

bool is_randomised(std::string_view stratum) { return stratum != "0" && stratum != "1000000"; }

}  // namespace internal
}  // namespace tranche::metrics
