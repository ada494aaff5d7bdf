// What a condition means for a measurement: its operators. Numbers are int64 or double and compare by value;
// `/` is always a division of doubles; ** takes whole exponents and 0.5 only, so that no answer depends on a
// machine's libm.
#include "gate/condition.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "gate/evaluation.hpp"

namespace tranche::gate {

namespace internal {
namespace {

constexpr std::size_t most_steps = 1'000'000;
constexpr std::int64_t longest_range = 10'000;

// 0: equal, -1, 1; by value, exact between int64 and double as far as doubles are.
template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}
int order_numbers(const doc::Value& a, const doc::Value& b) {
  if (a.is_int() && b.is_int()) return order(a.as_int(), b.as_int());
  return order(a.as_double(), b.as_double());
}

bool same(const doc::Value& a, const doc::Value& b) {
  if (a.is_number() && b.is_number()) return !is_nan(a) && !is_nan(b) && order_numbers(a, b) == 0;
  if (a.is_array() && b.is_array())
    return std::equal(a.as_array().begin(), a.as_array().end(), b.as_array().begin(), b.as_array().end(),
                      same);
  return a == b;
}

bool same_kind(const doc::Value& a, const doc::Value& b) { return a.kind_name() == b.kind_name(); }

std::string_view symbol_of(Op op) {
  switch (op) {
    case Op::less:
      return "<";
    case Op::less_equal:
      return "<=";
    case Op::greater:
      return ">";
    case Op::greater_equal:
      return ">=";
    case Op::equal:
      return "==";
    case Op::not_equal:
      return "!=";
    case Op::add:
      return "+";
    case Op::subtract:
      return "-";
    case Op::multiply:
      return "*";
    case Op::divide:
      return "/";
    case Op::modulo:
      return "%";
    case Op::power:
      return "**";
    case Op::contains:
      return "contains";
    case Op::starts_with:
      return "startsWith";
    case Op::ends_with:
      return "endsWith";
    case Op::matches:
      return "matches";
    case Op::range:
      return "..";
    default:
      return "in";
  }
}

std::string_view hint_for(const doc::Value& value) {
  if (value.is_array()) return "ask for one of its values: result[0], or all(result, # < 2.5)";
  if (value.is_string()) return "asFloat() makes a number of a string";
  if (value.is_object()) return "ask for one of its keys: result.name, or result[\"name\"]";
  if (value.is_null()) return "guard it: !isNil(result) && ...";
  return "compare values of one type";
}

double power(double base, double exponent) {
  if (exponent == 0.5) return std::sqrt(base);
  double out = 1, factor = base;
  for (auto left = static_cast<std::uint64_t>(std::fabs(exponent)); left > 0; left /= 2) {
    if (left % 2 == 1) out *= factor;
    factor *= factor;
  }
  return exponent < 0 ? 1 / out : out;
}

bool asks(const Expression& e) {
  if (e.op == Op::coalesce || (e.op == Op::literal && e.literal.is_null())) return true;
  if (e.op == Op::call && (e.function == Function::len || e.function == Function::is_nil ||
                           e.function == Function::fallback || e.function == Function::count))
    return true;
  return std::any_of(e.inside.begin(), e.inside.end(), asks);
}

std::size_t weight(const doc::Value& value) {
  std::size_t out = 1;
  if (value.is_array())
    for (const doc::Value& item : value.as_array()) out += weight(item);
  if (value.is_object())
    for (const doc::Member& item : value.as_object()) out += weight(item.value);
  if (value.is_string()) out += value.as_string().size() / 16;
  return out;
}

}  // namespace

doc::Value unknown() { return std::numeric_limits<double>::quiet_NaN(); }
bool is_nan(const doc::Value& value) {
  return value.is_number() && !value.is_int() && std::isnan(value.as_double());
}
bool is_empty(const doc::Value& value) {
  return value.is_null() || (value.is_array() && value.as_array().empty());
}

Evaluation::Evaluation(const doc::Value& result, bool strict)
    : result_(result), strict_(strict), nothing_(!strict && is_nothing(result)) {}

Result<> Evaluation::charge(const Expression& e, std::size_t steps) {
  steps_ += steps;
  if (steps_ <= most_steps) return {};
  return wrong(e.column, "the condition takes too many steps on this answer",
               "aggregate in the query, so that it answers with fewer values");
}

Result<doc::Value> Evaluation::copy(const Expression& e, const doc::Value& value) {
  TRY(charge(e, weight(value)));
  return value;
}

Result<Evaluation::Held> Evaluation::hold(const Expression& e) {
  TRY(charge(e, 1));
  switch (e.op) {
    case Op::literal:
      return Held(&e.literal);
    case Op::result:
      return Held(&result_);
    case Op::element:
      return Held(elements_.back().value);
    case Op::member:
      return member(e);
    default:
      return Held(TRY(operation(e)));
  }
}

Result<doc::Value> Evaluation::value(const Expression& e) {
  const Held held = TRY(hold(e));
  return copy(e, held.get());
}

Result<doc::Value> Evaluation::operation(const Expression& e) {
  switch (e.op) {
    case Op::position:
      return static_cast<std::int64_t>(elements_.back().index);
    case Op::list: {
      doc::Array out;
      for (const Expression& item : e.inside) out.push_back(TRY(value(item)));
      return doc::Value(std::move(out));
    }
    case Op::slice:
      return slice(e);
    case Op::call:
      return call(e);
    case Op::conditional: {
      const doc::Value condition = TRY(truth_of(e.inside[0]));
      if (!condition.is_bool()) return unknown();
      return value(e.inside[condition.as_bool() ? 1 : 2]);
    }
    case Op::coalesce: {
      const Held left = TRY(hold(e.inside[0]));
      const bool missing = left.get().is_null() || (!strict_ && is_empty(left.get()));
      if (missing) return value(e.inside[1]);
      return copy(e, left.get());
    }
    case Op::either:
    case Op::both:
    case Op::negate:
      return logic(e);
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal:
      return compare(e);
    case Op::equal:
    case Op::not_equal:
      return equal(e);
    case Op::in:
      return membership(e);
    case Op::contains:
    case Op::starts_with:
    case Op::ends_with:
    case Op::matches:
      return of_text(e);
    case Op::range:
      return range(e);
    default:
      return arithmetic(e);
  }
}

Result<doc::Value> Evaluation::operand(const Expression& e) {
  const Held held = TRY(hold(e));
  const doc::Value& value = held.get();
  if (!strict_ && e.op != Op::list && e.op != Op::literal) {
    if (is_empty(value) && is_empty(result_)) return unknown();
    if (value.is_array() && value.as_array().size() == 1 && value.as_array()[0].is_number())
      return value.as_array()[0];
  }
  return copy(e, value);
}

Result<doc::Value> Evaluation::truth_of(const Expression& e) {
  doc::Value out = TRY(operand(e));
  if (out.is_bool() || (!strict_ && is_nan(out))) return out;
  return wrong(e.column, fmt::format("expected bool, but got {}", out.kind_name()),
               "compare it with something: result[0] < 2.5");
}

Result<doc::Value> Evaluation::logic(const Expression& e) {
  const doc::Value left = TRY(truth_of(e.inside[0]));
  if (e.op == Op::negate) return left.is_bool() ? doc::Value(!left.as_bool()) : unknown();
  const bool decides = e.op == Op::either;  // the value that decides alone
  if (left.is_bool() && left.as_bool() == decides) return decides;
  const doc::Value right = TRY(truth_of(e.inside[1]));
  if (right.is_bool() && right.as_bool() == decides) return decides;
  return left.is_bool() && right.is_bool() ? doc::Value(!decides) : unknown();
}

Result<doc::Value> Evaluation::compare(const Expression& e) {
  const doc::Value a = TRY(operand(e.inside[0])), b = TRY(operand(e.inside[1]));
  int sign = 0;
  if (a.is_number() && b.is_number()) {
    if (is_nan(a) || is_nan(b)) return strict_ ? doc::Value(false) : unknown();
    sign = order_numbers(a, b);
  } else if (a.is_string() && b.is_string()) {
    sign = order(a.as_string(), b.as_string());
  } else {
    const bool left = !a.is_number() && (b.is_number() || !b.is_string());
    return wrong(e.column,
                 fmt::format("'{}' cannot compare {} with {}", symbol_of(e.op), a.kind_name(), b.kind_name()),
                 hint_for(left ? a : b));
  }
  switch (e.op) {
    case Op::less:
      return sign < 0;
    case Op::less_equal:
      return sign <= 0;
    case Op::greater:
      return sign > 0;
    default:
      return sign >= 0;
  }
}

Result<doc::Value> Evaluation::equal(const Expression& e) {
  doc::Value a, b;
  const auto is_nil = [](const Expression& side) { return side.op == Op::literal && side.literal.is_null(); };
  if (is_nil(e.inside[0]) || is_nil(e.inside[1]) || e.inside[0].type == Type::list ||
      e.inside[1].type == Type::list) {
    a = TRY(value(e.inside[0]));
    b = TRY(value(e.inside[1]));
  } else {
    a = TRY(operand(e.inside[0]));
    b = TRY(operand(e.inside[1]));
    if (!strict_ && (is_nan(a) || is_nan(b))) return unknown();
  }
  TRY(charge(e, weight(a)));
  if (!same_kind(a, b) && !a.is_null() && !b.is_null())
    return wrong(e.column,
                 fmt::format("'{}' cannot compare {} with {}", symbol_of(e.op), a.kind_name(), b.kind_name()),
                 hint_for(a.is_number() ? b : a));
  return same(a, b) == (e.op == Op::equal);
}

Result<doc::Value> Evaluation::membership(const Expression& e) {
  const doc::Value item = TRY(operand(e.inside[0]));
  const Held held = TRY(hold(e.inside[1]));
  const doc::Value& where = held.get();
  if (!strict_ && (is_nan(item) || is_nan(where) || (is_empty(where) && is_empty(result_)))) return unknown();
  if (where.is_null()) return false;
  if (where.is_object()) {
    if (!item.is_string())
      return wrong(e.column, fmt::format("a map has no key that is {}", item.kind_name()),
                   "ask for a name: \"errors\" in result");
    return where.find(item.as_string()) != nullptr;
  }
  if (!where.is_array())
    return wrong(e.column, fmt::format("'in' needs a list or a map, and this is {}", where.kind_name()),
                 where.is_string() ? "text is searched with contains: result contains \"ok\""
                                   : "write: result in [1, 2]");
  TRY(charge(e, where.as_array().size()));
  for (const doc::Value& one : where.as_array())
    if (same(one, item)) return true;
  return false;
}

Result<doc::Value> Evaluation::of_text(const Expression& e) {
  const Held whole = TRY(hold(e.inside[0])), part = TRY(hold(e.inside[1]));
  for (const Held* held : {&whole, &part}) {
    if (held->get().is_string()) continue;
    if (!strict_ && is_empty(held->get()) && is_empty(result_)) return unknown();
    return wrong(e.column,
                 fmt::format("'{}' needs strings, and this is {}", symbol_of(e.op), held->get().kind_name()),
                 held->get().is_array() ? "lists are searched with in: \"ok\" in result"
                                        : "compare numbers with <, >, ==");
  }
  const std::string& text = whole.get().as_string();
  TRY(charge(e, text.size() / 16));
  if (e.op == Op::matches) {
    TRY(charge(e, text.size() * e.pattern->size()));
    return e.pattern->matches(text);
  }
  if (e.op == Op::contains) return text.find(part.get().as_string()) != std::string::npos;
  if (e.op == Op::starts_with) return text.starts_with(part.get().as_string());
  return text.ends_with(part.get().as_string());
}

Result<doc::Value> Evaluation::range(const Expression& e) {
  const doc::Value from = TRY(operand(e.inside[0])), to = TRY(operand(e.inside[1]));
  if (!strict_ && (is_nan(from) || is_nan(to))) return unknown();
  if (!from.is_int() || !to.is_int()) return wrong(e.column, "a range needs whole numbers", "write: 1..3");
  doc::Array out;
  if (from.as_int() <= to.as_int()) {
    const auto size = static_cast<std::uint64_t>(to.as_int()) - static_cast<std::uint64_t>(from.as_int());
    if (size >= static_cast<std::uint64_t>(longest_range))
      return wrong(e.column, fmt::format("a range has at most {} numbers", longest_range),
                   "compare instead: x >= 1 && x <= 3");
    TRY(charge(e, size));
    for (std::uint64_t i = 0; i <= size; ++i) out.emplace_back(from.as_int() + static_cast<std::int64_t>(i));
  }
  return doc::Value(std::move(out));
}

Result<doc::Value> Evaluation::arithmetic(const Expression& e) {
  const doc::Value a = TRY(operand(e.inside[0]));
  if (e.op == Op::minus) {
    if (!a.is_number())
      return wrong(e.column, fmt::format("'-' needs a number, and this is {}", a.kind_name()), hint_for(a));
    if (a.is_int() && a.as_int() != std::numeric_limits<std::int64_t>::min()) return -a.as_int();
    return -a.as_double();
  }
  const doc::Value b = TRY(operand(e.inside[1]));
  if (e.op == Op::add && a.is_string() && b.is_string()) {
    TRY(charge(e, (a.as_string().size() + b.as_string().size()) / 16));
    return a.as_string() + b.as_string();
  }
  if (!a.is_number() || !b.is_number()) {
    if (!strict_ && (is_nan(a) || is_nan(b))) return unknown();
    return wrong(e.column,
                 fmt::format("'{}' cannot join {} and {}", symbol_of(e.op), a.kind_name(), b.kind_name()),
                 hint_for(a.is_number() ? b : a));
  }
  const double x = a.as_double(), y = b.as_double();
  const bool whole = a.is_int() && b.is_int();
  std::int64_t exact = 0;
  switch (e.op) {
    case Op::add:
      if (whole && !__builtin_add_overflow(a.as_int(), b.as_int(), &exact)) return exact;
      return x + y;
    case Op::subtract:
      if (whole && !__builtin_sub_overflow(a.as_int(), b.as_int(), &exact)) return exact;
      return x - y;
    case Op::multiply:
      if (whole && !__builtin_mul_overflow(a.as_int(), b.as_int(), &exact)) return exact;
      return x * y;
    case Op::divide:
      return x / y;
    case Op::modulo:
      if (!strict_ && (is_nan(a) || is_nan(b))) return unknown();
      if (!whole) return wrong(e.column, "'%' needs whole numbers", "asInt() makes a number whole");
      if (b.as_int() == 0) return wrong(e.column, "'%' by zero", "guard it: x != 0 && ...");
      return b.as_int() == -1 ? std::int64_t{0} : a.as_int() % b.as_int();
    default:
      if (is_nan(a) || is_nan(b)) return unknown();
      if (y != 0.5 && (y != std::trunc(y) || std::fabs(y) > 1024))
        return wrong(e.column, "an exponent is a whole number up to 1024, or 0.5", "write: result ** 2");
      return power(x, y);
  }
}

Result<Evaluation::Held> Evaluation::member(const Expression& e) {
  const Held base = TRY(hold(e.inside[0]));
  const doc::Value index = TRY(operand(e.inside[1]));
  if (base.get().is_null() && e.optional) return Held(doc::Value());
  return at(e, base, index);
}

Result<Evaluation::Held> Evaluation::at(const Expression& e, const Held& base, const doc::Value& index) {
  const doc::Value& whole = base.get();
  if (!strict_ && (is_nan(index) || ((is_empty(whole) || is_nan(whole)) && nothing_))) return Held(unknown());
  const auto found = [&](const doc::Value& value) -> Result<Held> {
    if (base.is_borrowed()) return Held(&value);
    return Held(TRY(copy(e, value)));
  };
  if (whole.is_object()) {
    if (!index.is_string())
      return wrong(e.column, "a map is asked by name", "write: result.name, or result[\"name\"]");
    if (const doc::Value* value = whole.find(index.as_string())) return found(*value);
    return Held(doc::Value());
  }
  if (index.is_string())
    return wrong(e.column,
                 fmt::format("there is no '{}' in {}", printable(index.as_string(), 40), whole.kind_name()),
                 whole.is_array() ? "ask one element: result[0].name" : "only maps have names inside");
  std::int64_t position = 0;
  if (index.is_int())
    position = index.as_int();
  else if (index.is_number() && index.as_double() == std::trunc(index.as_double()) &&
           std::fabs(index.as_double()) < 1e15)
    position = static_cast<std::int64_t>(index.as_double());
  else
    return wrong(e.column, "an index is a whole number", "write: result[0]");
  if (!whole.is_array())
    return wrong(e.column,
                 whole.is_number() ? "the query gave one number, not a list"
                                   : fmt::format("{} has no elements", whole.kind_name()),
                 whole.is_number() ? "write result, without an index" : "only lists have an index");
  const auto size = static_cast<std::int64_t>(whole.as_array().size());
  const std::int64_t from_start = position < 0 ? position + size : position;
  if (from_start < 0 || from_start >= size)
    return wrong(e.column, fmt::format("there is no [{}]: the list has {} values", position, size),
                 "guard it: len(result) > 0 && ...");
  return found(whole.as_array()[static_cast<std::size_t>(from_start)]);
}

Result<doc::Value> Evaluation::slice(const Expression& e) {
  const Held base = TRY(hold(e.inside[0]));
  const doc::Value& whole = base.get();
  const bool of_text = whole.is_string();
  if (!strict_ && is_nan(whole)) return unknown();
  if (!whole.is_array() && !of_text)
    return wrong(e.column, fmt::format("{} has no elements", whole.kind_name()),
                 "only lists and strings have parts");
  const auto size = static_cast<std::int64_t>(of_text ? whole.as_string().size() : whole.as_array().size());
  std::int64_t ends[2] = {0, size};
  for (std::size_t i = 0; i < 2; ++i) {
    const doc::Value end = TRY(operand(e.inside[i + 1]));
    if (end.is_null()) continue;
    if (!end.is_int())
      return wrong(e.inside[i + 1].column, "an index is a whole number", "write: result[0:2]");
    const std::int64_t position = end.as_int();
    ends[i] = std::clamp(position < 0 ? std::max(position, -size) + size : position, std::int64_t{0}, size);
  }
  ends[1] = std::max(ends[0], ends[1]);
  if (of_text) {
    std::string part = whole.as_string().substr(static_cast<std::size_t>(ends[0]),
                                                static_cast<std::size_t>(ends[1] - ends[0]));
    if (!is_valid_utf8(part)) return wrong(e.column, "this cuts a character in two", "cut at another place");
    return part;
  }
  return copy(e,
              doc::Value(doc::Array(whole.as_array().begin() + ends[0], whole.as_array().begin() + ends[1])));
}

}  // namespace internal

using namespace internal;

bool is_nothing(const doc::Value& result) {
  if (result.is_array()) return std::all_of(result.as_array().begin(), result.as_array().end(), is_nan);
  return result.is_null() || is_nan(result);
}

struct Condition::Node {
  Expression root;
};

Result<Condition> Condition::compile(std::string_view text) {
  constexpr std::size_t longest_text = 4096;
  if (text.size() > longest_text)
    return fail_hint(ErrorKind::invalid, "split it over several gates",
                     "column {}: the condition is longer than {} bytes", longest_text + 1, longest_text);
  auto node = std::make_shared<Node>();
  node->root =
      TRY_WHILE(fmt::format("reading the condition '{}'", printable(text, 120)), parse_expression(text));
  Condition out;
  out.root_ = std::move(node);
  return out;
}

Result<Truth> Condition::evaluate(const doc::Value& result, bool strict) const {
  if (root_ == nullptr) return fail(ErrorKind::bug, "a condition is evaluated before it is compiled");
  const doc::Value out = TRY(Evaluation(result, strict).value(root_->root));
  if (out.is_bool()) return out.as_bool() ? Truth::yes : Truth::no;
  if (!strict && (is_nan(out) || (is_empty(out) && is_empty(result)))) return Truth::unknown;
  return wrong(root_->root.column, fmt::format("expected bool, but got {}", out.kind_name()),
               "compare it with something: result[0] < 2.5");
}

bool Condition::accepts_nothing() const { return root_ != nullptr && asks(root_->root); }

}  // namespace tranche::gate
