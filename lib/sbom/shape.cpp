#include "sbom/shape.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::sbom {

namespace {

bool is_kind(const doc::Value& value, Kind kind) {
  switch (kind) {
    case Kind::any:
      return true;
    case Kind::text:
      return value.is_string();
    case Kind::integer:
      return value.is_int();
    case Kind::number:
      return value.is_number();
    case Kind::boolean:
      return value.is_bool();
    case Kind::map:
      return value.is_object();
    case Kind::list:
      return value.is_array();
  }
  return false;
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::any:
      return "anything";
    case Kind::text:
      return "a string";
    case Kind::integer:
      return "an integer";
    case Kind::number:
      return "a number";
    case Kind::boolean:
      return "a boolean";
    case Kind::map:
      return "a map";
    case Kind::list:
      return "a list";
  }
  return "";
}

void check_choice(const doc::Value& value, const Rule& rule, Walk& walk) {
  std::vector<std::string> names;
  for (const Choice& choice : rule.choices) {
    if (choice.since > walk.version) continue;
    if (value.as_string() == choice.name) return;
    names.emplace_back(choice.name);
  }
  const std::string near = nearest(value.as_string(), names);
  const std::string hint = near.empty() ? "it takes: " + join(names, ", ") : "did you mean '" + near + "'?";
  walk.findings.add(value.place,
                    fmt::format("'{}' cannot be '{}'", rule.key, printable(value.as_string(), 80)), hint);
}

void check_item(const doc::Value& value, const Rule& rule, Kind kind, Walk& walk) {
  if (!is_kind(value, kind)) {
    walk.findings.add(value.place, fmt::format("'{}' holds {} where {} belongs", rule.key, value.kind_name(),
                                               name_of(kind)));
    return;
  }
  if (kind == Kind::text && !rule.choices.empty()) check_choice(value, rule, walk);
  if (kind == Kind::map && rule.shape != nullptr) check_map(value, *rule.shape(), walk);
}

void check_member(const doc::Value& value, const Rule& rule, Walk& walk) {
  if (!is_kind(value, rule.kind)) {
    walk.findings.add(value.place,
                      fmt::format("'{}' is {}, not {}", rule.key, value.kind_name(), name_of(rule.kind)));
    return;
  }
  if (rule.kind == Kind::list) {
    for (const doc::Value& item : value.as_array()) check_item(item, rule, rule.of, walk);
  } else {
    check_item(value, rule, rule.kind, walk);
  }
  if (rule.check != nullptr) rule.check(value, walk);
}

}  // namespace

void Findings::add(const doc::Place& place, std::string message, std::string hint) {
  if (errors_.size() >= max_findings) {
    ++more_;
    return;
  }
  Error error(ErrorKind::invalid, std::move(message),
              hint.empty() ? "correct it where the document is made" : std::move(hint));
  if (place.source) error.mark = to_mark(place);
  errors_.push_back(std::move(error));
}

Result<> Findings::result() && {
  if (errors_.empty()) return {};
  if (more_ > 0)
    errors_.emplace_back(ErrorKind::invalid, fmt::format("and {} more findings like these", more_),
                         "correct the ones above and look again");
  Error first = std::move(errors_.front());
  first.others.assign(std::make_move_iterator(errors_.begin() + 1), std::make_move_iterator(errors_.end()));
  return fail(std::move(first));
}

void check_map(const doc::Value& value, const Shape& shape, Walk& walk) {
  for (const doc::Member& member : value.as_object()) {
    const auto rule = std::ranges::find(shape.rules, std::string_view(member.key), &Rule::key);
    if (rule != shape.rules.end() && rule->since <= walk.version) {
      check_member(member.value, *rule, walk);
      continue;
    }
    if (walk.version < shape.closed_since) continue;
    std::vector<std::string> known;
    for (const Rule& other : shape.rules)
      if (other.since <= walk.version) known.emplace_back(other.key);
    const std::string near = nearest(member.key, known);
    walk.findings.add(member.key_place,
                      fmt::format("{} has no member '{}' in this version of the format", shape.what,
                                  printable(member.key, 80)),
                      near.empty() ? "" : "did you mean '" + near + "'?");
  }
  for (const Rule& rule : shape.rules)
    if (rule.required && rule.since <= walk.version && value.find(rule.key) == nullptr)
      walk.findings.add(value.place, fmt::format("{} has no '{}'", shape.what, rule.key),
                        fmt::format("add '{}'", rule.key));
}

}  // namespace tranche::sbom
