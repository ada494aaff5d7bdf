// A condition on what was measured, such as `result[0] < 2.5`, in the language of Argo's successCondition.
// PURE. Grammar: expression.cpp; meaning: expr-lang's Language-Definition, Argo's utils/evaluate.
//
// Where Argo's answer would be a trap, the answer here is `unknown`: a comparison with NaN (0/0: no traffic),
// a value that an empty answer lacks, "all of nothing". Unknown is contagious as in Kleene's logic: `unknown
// || true` is true, `unknown && true` is unknown. A condition that asks (isNaN, len, isNil, default, ??) gets
// a plain answer. `strict` gives Argo's: NaN compares false, all() of nothing is true, a missing value is an
// error.
#pragma once

#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::gate {

enum class Truth { no, yes, unknown };

class Condition {
 public:
  // Errors: kind invalid, "column N: ...", with a hint. Bounded: 4096 bytes, 64 levels, 512 parts.
  static Result<Condition> compile(std::string_view text);
  // `result`: null, boolean, number, string, list or map. Without `strict`, a list of one number is taken as
  // the number where a number is needed (Argo wants result[0]; both work). Bounded to a million steps.
  // Errors (kind invalid, no such key, not a boolean, ...) are Argo's "Error" measurements.
  [[nodiscard]] Result<Truth> evaluate(const doc::Value& result, bool strict = false) const;
  // It says itself what an empty answer means: by len, isNil, default, nil or ??.
  [[nodiscard]] bool accepts_nothing() const;

 private:
  struct Node;
  std::shared_ptr<const Node> root_;
};

// null, an empty list, and a list or a number that is NaN throughout: nothing was measured.
bool is_nothing(const doc::Value& result);

}  // namespace tranche::gate
