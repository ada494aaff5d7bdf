// The tree of a condition, between its parser (expression.cpp) and its evaluation (condition.cpp). Not for
// other rooms.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::gate::internal {

enum class Op {
  number,
  truth,
  result,
  at,
  element,
  len,
  is_nan,
  is_inf,
  as_float,
  as_int,
  fallback,
  all,
  any,
  none,
  either,
  both,
  negate,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  add,
  subtract,
  multiply,
  divide,
  minus
};
enum class Type { number, boolean, result };  // result: a number or a list, known when it is evaluated

struct Expression {
  Op op = Op::number;
  Type type = Type::number;
  double number = 0;  // of number; 0 or 1 of truth; the index of at
  int column = 1;
  std::vector<Expression> inside;
};

// Errors: kind invalid, "column N: ...". The text is bounded by its caller.
Result<Expression> parse_expression(std::string_view text);

// An error that points at a column of the condition.
std::unexpected<Error> wrong(int column, std::string_view what, std::string_view hint);

}  // namespace tranche::gate::internal
