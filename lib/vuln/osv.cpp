#include "vuln/osv.hpp"

#include <algorithm>
#include <span>

#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::vuln {
namespace {

using doc::Value;

constexpr doc::Limits limits{.max_bytes = max_record_bytes, .max_depth = 64, .max_nodes = 2'000'000};
constexpr std::string_view hint = "get the record again; --lenient passes over records that cannot be read";

std::unexpected<Error> bad(const Value& at, const std::string& message) {
  Error error(ErrorKind::invalid, message, std::string(hint));
  if (at.place.source) error.mark = doc::to_mark(at.place);
  return fail(std::move(error));
}

// nullptr: absent or null. An error when it is something else than `is` says.
Result<const Value*> member(const Value& object, std::string_view key, bool (Value::*is)() const,
                            std::string_view kind) {
  const Value* value = object.find(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (!(value->*is)()) return bad(*value, fmt::format("'{}' is {}, not {}", key, value->kind_name(), kind));
  return value;
}
// Of the object itself; empty when it is absent.
Result<std::span<const Value>> list_in(const Value& object, std::string_view key) {
  const Value* const list = TRY(member(object, key, &Value::is_array, "a list"));
  return list == nullptr ? std::span<const Value>() : std::span<const Value>(list->as_array());
}
Result<std::string> text_in(const Value& object, std::string_view key) {
  const Value* const text = TRY(member(object, key, &Value::is_string, "a string"));
  return text == nullptr ? std::string() : text->as_string();
}
Result<> want_object(const Value& value, std::string_view what) {
  if (value.is_object()) return {};
  return bad(value, fmt::format("{} is {}, not a map", what, value.kind_name()));
}
Result<std::vector<std::string>> texts_in(const Value& object, std::string_view key) {
  std::vector<std::string> out;
  for (const Value& value : TRY(list_in(object, key))) {
    if (!value.is_string())
      return bad(value, fmt::format("'{}' holds {}, not strings", key, value.kind_name()));
    out.push_back(value.as_string());
  }
  return out;
}

Result<Event> read_event(const Value& value) {
  TRY(want_object(value, "an event"));
  constexpr std::array<std::string_view, 4> keys{"introduced", "fixed", "last_affected", "limit"};
  std::optional<Event> found;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string version = TRY(text_in(value, keys[i]));
    if (version.empty()) continue;
    if (found) return bad(value, "an event says two things");
    found = Event{static_cast<Event::Kind>(i), version};
  }
  if (!found) return bad(value, "an event says neither introduced, fixed, last_affected nor limit");
  return *found;
}

Result<Range> read_range(const Value& value) {
  TRY(want_object(value, "a range"));
  const std::string type = TRY(text_in(value, "type"));
  Range out;
  if (type == "GIT")
    out.type = Range::Type::git;
  else if (type == "ECOSYSTEM")
    out.type = Range::Type::ecosystem;
  else if (type != "SEMVER")
    return bad(value, fmt::format("a range of type '{}'", printable(type, 40)));
  for (const Value& event : TRY(list_in(value, "events"))) out.events.push_back(TRY(read_event(event)));
  const bool begins = std::ranges::any_of(
      out.events, [](const Event& event) { return event.kind == Event::Kind::introduced; });
  if (!begins) return bad(value, "a range without an introduced event");
  return out;
}

struct Rated {
  std::optional<Severity> severity;
  int score = -1;

  void add(Severity found) { severity = severity ? std::max(*severity, found) : found; }
  void add_score(int found) {
    score = std::max(score, found);
    add(severity_of_score(found));
  }
};

Result<> rate(const Value& holder, Rated& into) {
  int old_score = -1;  // CVSS 2, which counts where nothing newer is said
  bool newer = false;
  for (const Value& entry : TRY(list_in(holder, "severity"))) {
    TRY(want_object(entry, "a severity"));
    const std::string text = TRY(text_in(entry, "score"));
    auto score = cvss4_score(text);
    if (!score) score = cvss3_base_score(text);
    newer = newer || score.has_value();
    if (score)
      into.add_score(*score);
    else if (const auto old = cvss2_base_score(text))
      old_score = std::max(old_score, *old);
    else if (const auto word = severity_of_word(text))
      into.add(*word);
  }
  if (!newer && old_score >= 0) into.add_score(old_score);
  // Other members of it are the database's own business, of any type.
  if (const Value* specific = holder.find("database_specific"); specific != nullptr && specific->is_object())
    if (const Value* word = specific->find("severity"); word != nullptr && word->is_string())
      if (const auto severity = severity_of_word(word->as_string())) into.add(*severity);
  return {};
}

Result<std::optional<Affected>> read_affected(const Value& value) {
  TRY(want_object(value, "an affected package"));
  const Value* const package = TRY(member(value, "package", &Value::is_object, "a map"));
  if (package == nullptr) return std::nullopt;  // GIT ranges of a repository
  Affected out;
  const EcosystemName ecosystem = split_ecosystem(TRY(text_in(*package, "ecosystem")));
  const std::string name = TRY(text_in(*package, "name"));
  const std::string purl = TRY(text_in(*package, "purl"));
  if (!ecosystem.family.empty() && !name.empty()) {
    out.family = ecosystem.family;
    out.release = ecosystem.release;
    out.name = normal_name(out.family, name);
  } else if (const auto named = package_of(purl)) {
    out.family = named->family;
    out.release = named->release;
    out.name = named->names.front();
  } else {
    return bad(*package, "a package without ecosystem and name");
  }
  for (const Value& range : TRY(list_in(value, "ranges"))) out.ranges.push_back(TRY(read_range(range)));
  out.versions = TRY(texts_in(value, "versions"));
  Rated rated;
  TRY(rate(value, rated));
  out.severity = rated.severity;
  return out;
}

// The record's own page, in a browser.
Result<std::string> find_url(const Value& record) {
  std::string any;
  for (const Value& reference : TRY(list_in(record, "references"))) {
    TRY(want_object(reference, "a reference"));
    const std::string url = TRY(text_in(reference, "url"));
    if (!url.starts_with("https://")) continue;
    if (TRY(text_in(reference, "type")) == "ADVISORY") return url;
    if (any.empty()) any = url;
  }
  return any;
}

// Order of two versions in a range; "0" is before everything.
std::optional<std::strong_ordering> order_in(const Range& range, Ecosystem ecosystem, const std::string& a,
                                             const std::string& b) {
  if (a == "0" || b == "0") return (a != "0") <=> (b != "0");
  return compare_versions(range.type == Range::Type::semver ? Ecosystem::semver : ecosystem, a, b);
}

// At one version: what ends there ends before what begins there begins, and what is last affected there is so
// after.
int rank(Event::Kind kind) {
  return kind == Event::Kind::fixed ? 0 : kind == Event::Kind::introduced ? 1 : 2;
}

// OSV schema, "Evaluation": the events in order, each turning the answer when the version has reached it.
Judgement judge_range(const Range& range, const Package& package) {
  Judgement out;
  std::vector<Event> events;
  bool has_limit = false, before_limit = false;
  const auto undecided = [&](const std::string& version) {
    return Judgement{
        Judgement::Is::undecided,
        fmt::format("'{}' and '{}' have no order", printable(package.version, 60), printable(version, 60)),
        {}};
  };
  for (const Event& event : range.events) {
    if (event.kind != Event::Kind::limit) {
      events.push_back(event);
      continue;
    }
    has_limit = true;
    if (event.version == "*") {
      before_limit = true;
      continue;
    }
    const auto order = order_in(range, package.order, package.version, event.version);
    if (!order) return undecided(event.version);
    before_limit = before_limit || *order < 0;
  }
  // Everything has an order with the version; then the events have one among themselves.
  for (const Event& event : events)
    if (!order_in(range, package.order, package.version, event.version)) return undecided(event.version);
  std::ranges::stable_sort(events, [&](const Event& a, const Event& b) {
    const auto order =
        order_in(range, package.order, a.version, b.version).value_or(std::strong_ordering::equal);
    return order != 0 ? order < 0 : rank(a.kind) < rank(b.kind);
  });
  bool affected = false;
  const Event* end = nullptr;  // the first that ends it above the version
  for (const Event& event : events) {
    const auto order = *order_in(range, package.order, package.version, event.version);
    if (event.kind == Event::Kind::introduced && order >= 0) affected = true;
    if (event.kind == Event::Kind::fixed && order >= 0) affected = false;
    if (event.kind == Event::Kind::last_affected && order > 0) affected = false;
    if (affected && end == nullptr && event.kind != Event::Kind::introduced) end = &event;
    if (!affected) end = nullptr;
  }
  if (!affected || (has_limit && !before_limit)) return out;
  out.is = Judgement::Is::affected;
  if (end == nullptr) {
    out.why = "no version is fixed";
  } else if (end->kind == Event::Kind::fixed) {
    out.why = fmt::format("before {}", printable(end->version, 60));
    out.fixed.push_back(end->version);
  } else {
    out.why = fmt::format("up to {}", printable(end->version, 60));
  }
  return out;
}

}  // namespace

Result<Advisory> read_osv(std::string_view text, const std::string& file) {
  const Value record = TRY(doc::parse_json(text, file, limits));
  TRY(want_object(record, "the record"));
  Advisory out;
  out.file = file;
  out.id = TRY(text_in(record, "id"));
  if (out.id.empty()) return bad(record, "a record without an id");
  if (TRY(text_in(record, "modified")).empty()) return bad(record, "a record without a modified time");
  out.withdrawn = !TRY(text_in(record, "withdrawn")).empty();
  out.aliases = TRY(texts_in(record, "aliases"));
  out.summary = TRY(text_in(record, "summary"));
  out.url = TRY(find_url(record));
  for (const Value& affected : TRY(list_in(record, "affected")))
    if (auto read = TRY(read_affected(affected))) out.affected.push_back(std::move(*read));
  Rated rated;
  TRY(rate(record, rated));
  out.severity = rated.severity.value_or(Severity::unknown);
  out.score = rated.score;
  return out;
}

Judgement judge(const Affected& affected, const Package& asked) {
  Package package = asked;
  package.version = version_under(asked, affected.name);
  if (package.version.empty()) return {Judgement::Is::undecided, "the component has no version", {}};
  Judgement undecided;
  bool evaluated = affected.ranges.empty() && affected.versions.empty();
  if (evaluated) return {Judgement::Is::affected, "every version", {}};
  for (const Range& range : affected.ranges) {
    if (range.type == Range::Type::git) continue;
    evaluated = true;
    Judgement found = judge_range(range, package);
    if (found.is == Judgement::Is::affected) return found;
    if (found.is == Judgement::Is::undecided) undecided = std::move(found);
  }
  for (const std::string& version : affected.versions) {
    const auto order = compare_versions(package.order, version, package.version);
    if (version == package.version || (order && *order == 0))
      return {Judgement::Is::affected, "the version is listed", {}};
  }
  if (undecided.is == Judgement::Is::undecided) return undecided;
  if (!evaluated && affected.versions.empty())
    return {Judgement::Is::undecided, "only ranges of git commits, which are not evaluated", {}};
  return {};
}

}  // namespace tranche::vuln
