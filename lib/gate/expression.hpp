// The tree of a condition, between its parser (expression.cpp) and its evaluation (condition.cpp). Not for
// other rooms.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"
#include "gate/pattern.hpp"

namespace tranche::gate::internal {

enum class Op : std::uint8_t {
  literal,      // `literal`
  result,       // what was measured
  element,      // #
  position,     // #index
  list,         // [a, b]
  member,       // inside[0][inside[1]], inside[0].name; `optional`: nil of nil is nil
  slice,        // inside[0][inside[1]:inside[2]]; an end that is left out is a nil literal
  call,         // `function` of inside
  conditional,  // inside[0] ? inside[1] : inside[2]
  coalesce,     // ??
  either,
  both,
  negate,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  in,
  contains,
  starts_with,
  ends_with,
  matches,  // inside[0] by `pattern`
  range,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  power,
  minus,
};

enum class Function : std::uint8_t {
  // with a predicate
  all,
  any,
  none,
  one,
  filter,
  map,
  count,
  sum,
  find,
  find_index,
  // Argo's
  as_int,
  as_float,
  is_nan,
  is_inf,
  is_nil,
  fallback,
  // expr-lang's
  len,
  min,
  max,
  mean,
  median,
  first,
  last,
  abs,
  ceil,
  floor,
  round,
  lower,
  upper,
  trim,
  has_prefix,
  has_suffix,
  keys,
  values,
  to_int,
  to_float,
};

// What a part is known to be before anything is measured. any: known when it is evaluated.
enum class Type : std::uint8_t { any, nothing, boolean, number, text, list, map };
std::string_view name_of(Type type);  // "a boolean"

struct Builtin {
  std::string_view name;
  Function function;
  int least, most;  // arguments
  bool predicate;   // the second argument is asked for each element of the first
  Type gives;
  std::array<Type, 2> takes;  // any: not known in advance
};
std::span<const Builtin> builtins();
const Builtin* find_builtin(std::string_view name);

struct Expression {
  Op op = Op::literal;
  Function function = Function::all;
  bool optional = false;
  Type type = Type::any;
  int column = 1;
  doc::Value literal;
  std::shared_ptr<const Pattern> pattern;
  std::vector<Expression> inside;
};

// Errors: kind invalid, "column N: ...". The text is bounded by its caller.
Result<Expression> parse_expression(std::string_view text);

struct Token {
  enum class Kind : std::uint8_t { end, number, text, word, symbol } kind = Kind::end;
  std::string_view text;  // as written
  doc::Value value;       // of number and text
  int column = 1;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Result<Token> next();

 private:
  Result<Token> number(std::string_view rest, Token token);
  Result<Token> quoted(std::string_view rest, Token token);
  Result<> skip_blanks();

  std::string_view text_;
  std::size_t at_ = 0;
};

// An error that points at a column of the condition.
std::unexpected<Error> wrong(int column, std::string_view what, std::string_view hint);

}  // namespace tranche::gate::internal
