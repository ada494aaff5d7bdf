// What a condition means for the results of a query.
#include <cmath>

#include "base/text.hpp"
#include "gate/expression.hpp"
#include "gate/threshold.hpp"

namespace tranche::gate {

using namespace internal;

namespace {

constexpr std::size_t longest_text = 4096;

// Numbers and booleans both travel as double: types were checked when it was compiled.
class Evaluation {
 public:
  Evaluation(const std::vector<double>& results, bool scalar) : results_(results), scalar_(scalar) {}

  Result<double> value(const Expression& e) {
    switch (e.op) {
      case Op::number:
      case Op::truth:
        return e.number;
      case Op::result:
        return whole_result(e);
      case Op::at:
        return at(e);
      case Op::element:
        return element_;
      case Op::len:
        if (scalar_)
          return wrong(e.column, "the query gave one number, which has no length",
                       "write result, without len()");
        return static_cast<double>(results_.size());
      case Op::is_nan:
        return truth(std::isnan(TRY(value(e.inside[0]))));
      case Op::is_inf:
        return truth(std::isinf(TRY(value(e.inside[0]))));
      case Op::as_float:
        return value(e.inside[0]);
      case Op::as_int:
        return as_int(e);
      case Op::fallback:
        return value(e.inside[results_.empty() ? 1 : 0]);
      case Op::all:
      case Op::any:
      case Op::none:
        return over_all(e);
      case Op::either:
        return truth(TRY(value(e.inside[0])) != 0 || TRY(value(e.inside[1])) != 0);
      case Op::both:
        return truth(TRY(value(e.inside[0])) != 0 && TRY(value(e.inside[1])) != 0);
      case Op::negate:
        return truth(TRY(value(e.inside[0])) == 0);
      case Op::minus:
        return -TRY(value(e.inside[0]));
      default:
        break;
    }
    const double a = TRY(value(e.inside[0]));
    const double b = TRY(value(e.inside[1]));
    switch (e.op) {
      case Op::less:
        return truth(a < b);
      case Op::less_equal:
        return truth(a <= b);
      case Op::greater:
        return truth(a > b);
      case Op::greater_equal:
        return truth(a >= b);
      case Op::equal:
        return truth(a == b);
      case Op::not_equal:
        return truth(a != b);
      case Op::add:
        return a + b;
      case Op::subtract:
        return a - b;
      case Op::multiply:
        return a * b;
      default:
        return a / b;
    }
  }

 private:
  static double truth(bool value) { return value ? 1 : 0; }

  Result<double> whole_result(const Expression& e) const {
    if (results_.size() == 1) return results_.front();
    if (results_.empty())
      return wrong(e.column, "the query gave no value", "guard it: len(result) > 0 && ...");
    return wrong(e.column,
                 fmt::format("the query gave {} values, so 'result' is not one number", results_.size()),
                 "write result[0], or all(result, # < 2.5)");
  }
  Result<double> at(const Expression& e) const {
    if (scalar_)
      return wrong(e.column, "the query gave one number, not a list", "write result, without an index");
    if (e.number >= static_cast<double>(results_.size()))
      return wrong(e.column,
                   fmt::format("there is no result[{}]: the query gave {} values", e.number, results_.size()),
                   "guard it: len(result) > 0 && ...");
    return results_[static_cast<std::size_t>(e.number)];
  }
  Result<double> as_int(const Expression& e) {
    const double number = TRY(value(e.inside[0]));
    if (!std::isfinite(number))
      return wrong(e.column, "asInt() of what is no finite number", "guard it with isNaN()");
    return std::trunc(number);
  }
  Result<double> over_all(const Expression& e) {
    if (scalar_) return wrong(e.column, "the query gave one number, not a list", "compare result itself");
    if (results_.empty())
      return wrong(e.column, "the query gave no value, and nothing is true of none",
                   "guard it: len(result) > 0 && ...");
    bool any = false, all = true;
    for (const double result : results_) {
      element_ = result;
      const bool holds = TRY(value(e.inside[1])) != 0;
      any = any || holds;
      all = all && holds;
    }
    return truth(e.op == Op::all ? all : e.op == Op::any ? any : !any);
  }

  const std::vector<double>& results_;
  bool scalar_;
  double element_ = 0;
};

bool asks(const Expression& e) {
  if (e.op == Op::is_nan || e.op == Op::is_inf) return true;
  for (const Expression& inner : e.inside)
    if (asks(inner)) return true;
  return false;
}

}  // namespace

struct Condition::Node {
  Expression root;
};

Result<Condition> Condition::compile(std::string_view text) {
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

Result<bool> Condition::evaluate(const std::vector<double>& results, bool scalar) const {
  if (root_ == nullptr) return fail(ErrorKind::bug, "a condition is evaluated before it is compiled");
  return TRY(Evaluation(results, scalar && results.size() == 1).value(root_->root)) != 0;
}

bool Condition::asks_for_nan() const { return root_ != nullptr && asks(root_->root); }

}  // namespace tranche::gate
