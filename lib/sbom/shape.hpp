// What a JSON document must look like, as tables: the members of each map, their kinds, which must be there
// and which values are possible. Walking a document with a table finds all that is wrong, each with its line.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::sbom {

inline constexpr std::size_t max_findings = 20;

// What is wrong so far. More than max_findings are counted, not kept.
class Findings {
 public:
  void add(const doc::Place& place, std::string message, std::string hint = {});
  [[nodiscard]] bool empty() const { return errors_.empty(); }
  // The first error with the others behind it, kind invalid.
  [[nodiscard]] Result<> result() &&;

 private:
  std::vector<Error> errors_;
  std::size_t more_ = 0;
};

struct Walk {
  Findings findings;
  int version = 0;  // of the format, in its own count: 4 for CycloneDX 1.4
};

enum class Kind { any, text, integer, number, boolean, map, list };

struct Choice {
  std::string_view name;
  int since = 0;  // the version that brought it
};

struct Shape;
using Check = void (*)(const doc::Value& value, Walk& walk);

// Its members stand in the order in which rules are written down.
struct Rule {  // NOLINT(clang-analyzer-optin.performance.Padding)
  std::string_view key;
  Kind kind = Kind::any;
  bool required = false;
  Kind of = Kind::any;                // what a list holds
  const Shape* (*shape)() = nullptr;  // of a map, or of the maps of a list
  std::span<const Choice> choices = {};
  Check check = nullptr;  // of the value when its kind is right; of a list: of the whole list
  int since = 0;
};

struct Shape {
  std::string_view what;  // "a component": for messages
  std::span<const Rule> rules;
  int closed_since = 0;  // before this version of the format it may have other members
};

// Walks one map. Keys that no rule has are findings, as in the schemas themselves, where the shape is closed.
void check_map(const doc::Value& value, const Shape& shape, Walk& walk);

}  // namespace tranche::sbom
