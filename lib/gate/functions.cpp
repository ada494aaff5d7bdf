// The functions of conditions: expr-lang's over lists and numbers, and Argo's asInt, asFloat, isNaN, isInf,
// isNil, default (utils/evaluate). Where the answer of the query is nothing, a question about all or any of
// it is unknown (strict: as expr-lang, where all of nothing is true).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "gate/evaluation.hpp"

namespace tranche::gate::internal {
namespace {

std::string_view name_of(Function function) {
  for (const Builtin& builtin : builtins())
    if (builtin.function == function) return builtin.name;
  return "?";
}

std::int64_t characters(std::string_view text) {
  std::int64_t out = 0;
  for (const char c : text) out += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return out;
}

doc::Value sum_of(const std::vector<doc::Value>& numbers) {
  std::int64_t exact = 0;
  double sum = 0;
  bool whole = true;
  for (const doc::Value& number : numbers) {
    whole = whole && number.is_int() && !__builtin_add_overflow(exact, number.as_int(), &exact);
    sum += number.as_double();
  }
  return whole ? doc::Value(exact) : doc::Value(sum);
}

// expr-lang keeps the first unless a later one is strictly beyond it, so a NaN hides what follows.
doc::Value extreme(const std::vector<doc::Value>& numbers, bool largest, bool strict) {
  const doc::Value* found = &numbers.front();
  for (const doc::Value& number : numbers) {
    if (!strict && is_nan(number)) return number;
    const bool beyond =
        largest ? found->as_double() < number.as_double() : number.as_double() < found->as_double();
    if (beyond) found = &number;
  }
  return *found;
}

doc::Value median_of(std::vector<doc::Value> numbers) {
  if (std::any_of(numbers.begin(), numbers.end(), is_nan)) return unknown();
  std::vector<double> sorted;
  for (const doc::Value& number : numbers) sorted.push_back(number.as_double());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace

Result<doc::Value> Evaluation::call(const Expression& e) {
  switch (e.function) {
    case Function::is_nil:
    case Function::fallback:
      return fallback(e);
    case Function::len:
      return length(e);
    case Function::min:
    case Function::max:
    case Function::mean:
    case Function::median:
      return of_numbers(e);
    case Function::is_nan:
    case Function::is_inf:
    case Function::abs:
    case Function::ceil:
    case Function::floor:
    case Function::round:
      return of_number(e);
    case Function::as_int:
    case Function::to_int:
      return as_int(e, TRY(operand(e.inside[0])));
    case Function::as_float:
    case Function::to_float:
      return as_float(e, TRY(operand(e.inside[0])));
    case Function::lower:
    case Function::upper:
    case Function::trim:
    case Function::has_prefix:
    case Function::has_suffix:
    case Function::keys:
    case Function::values: {
      const Held held = TRY(hold(e.inside[0]));
      return of_text_or_map(e, held.get());
    }
    default:
      break;
  }
  const Held list = TRY(hold(e.inside[0]));
  if (!strict_ && (is_nan(list.get()) || (list.get().is_null() && nothing_))) return unknown();
  if (!list.get().is_array())
    return wrong(e.column,
                 list.get().is_number() ? "the query gave one number, not a list"
                                        : fmt::format("{}() needs a list, and this is {}",
                                                      name_of(e.function), list.get().kind_name()),
                 list.get().is_number() ? "compare result itself" : "only lists have elements");
  return over_elements(e, list.get().as_array());
}

Result<doc::Value> Evaluation::over_elements(const Expression& e, const doc::Array& elements) {
  switch (e.function) {
    case Function::all:
    case Function::any:
    case Function::none:
    case Function::one:
      return quantify(e, elements);
    case Function::first:
    case Function::last:
      if (elements.empty()) return doc::Value();
      return copy(e, e.function == Function::first ? elements.front() : elements.back());
    default:
      break;
  }
  doc::Array kept;
  std::vector<doc::Value> numbers;
  std::int64_t count = 0;
  bool uncertain = false;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    TRY(charge(e, 1));
    doc::Value answer = true;
    elements_.push_back({&elements[i], i});
    if (e.inside.size() == 2) {
      answer = e.function == Function::map || e.function == Function::sum ? TRY(value(e.inside[1]))
                                                                          : TRY(truth_of(e.inside[1]));
    } else {
      answer = TRY(copy(e, elements[i]));
      if (e.function == Function::count && !answer.is_bool() && !(!strict_ && is_nan(answer)))
        return wrong(e.column, fmt::format("count() of a list with {} in it", answer.kind_name()),
                     "say which elements count: count(result, # > 1)");
    }
    elements_.pop_back();
    switch (e.function) {
      case Function::map:
        kept.push_back(std::move(answer));
        continue;
      case Function::sum:
        if (!answer.is_number())
          return wrong(e.column, fmt::format("sum() of {}", answer.kind_name()),
                       "add up numbers: sum(result, #.value)");
        numbers.push_back(std::move(answer));
        continue;
      default:
        break;
    }
    uncertain = uncertain || !answer.is_bool();
    if (!answer.is_bool() || !answer.as_bool()) continue;
    ++count;
    if (e.function == Function::find || e.function == Function::find_index) {
      if (uncertain) return unknown();
      if (e.function == Function::find) return copy(e, elements[i]);
      return static_cast<std::int64_t>(i);
    }
    if (e.function == Function::filter) kept.push_back(TRY(copy(e, elements[i])));
  }
  if (e.function == Function::sum) return numbers.empty() && nothing_ ? unknown() : sum_of(numbers);
  if (uncertain) return unknown();
  if (e.function == Function::count) return count;
  if (e.function == Function::map || e.function == Function::filter) return doc::Value(std::move(kept));
  return doc::Value();  // find, findIndex
}

Result<doc::Value> Evaluation::quantify(const Expression& e, const doc::Array& elements) {
  if (elements.empty() && nothing_) return unknown();
  std::size_t yes = 0, no = 0, uncertain = 0;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    elements_.push_back({&elements[i], i});
    const doc::Value answer = TRY(truth_of(e.inside[1]));
    elements_.pop_back();
    ++(answer.is_bool() ? (answer.as_bool() ? yes : no) : uncertain);
  }
  switch (e.function) {
    case Function::all:
      return no > 0 ? doc::Value(false) : uncertain > 0 ? unknown() : doc::Value(true);
    case Function::any:
      return yes > 0 ? doc::Value(true) : uncertain > 0 ? unknown() : doc::Value(false);
    case Function::none:
      return yes > 0 ? doc::Value(false) : uncertain > 0 ? unknown() : doc::Value(true);
    default:
      return yes > 1 ? doc::Value(false) : uncertain > 0 ? unknown() : doc::Value(yes == 1);
  }
}

// min, max, mean, median: of one list, or of their arguments.
Result<doc::Value> Evaluation::of_numbers(const Expression& e) {
  std::vector<doc::Value> numbers;
  const auto take = [&](const doc::Value& value) -> Result<> {
    if (!value.is_number())
      return wrong(e.column, fmt::format("{}() of {}", name_of(e.function), value.kind_name()),
                   "give it numbers, or a list of numbers");
    numbers.push_back(value);
    return {};
  };
  for (const Expression& argument : e.inside) {
    const Held held = TRY(hold(argument));
    if (!held.get().is_array()) {
      if (!strict_ && held.get().is_null() && nothing_) return unknown();
      TRY(take(held.get()));
      continue;
    }
    TRY(charge(e, held.get().as_array().size()));
    for (const doc::Value& value : held.get().as_array()) TRY(take(value));
  }
  if (numbers.empty()) {
    if (nothing_) return unknown();
    if (e.function == Function::mean || e.function == Function::median) return 0.0;
    return wrong(e.column, fmt::format("{}() of nothing", name_of(e.function)),
                 "guard it: len(result) > 0 && ...");
  }
  switch (e.function) {
    case Function::min:
      return extreme(numbers, false, strict_);
    case Function::max:
      return extreme(numbers, true, strict_);
    case Function::median:
      return median_of(std::move(numbers));
    default:
      return sum_of(numbers).as_double() / static_cast<double>(numbers.size());
  }
}

Result<doc::Value> Evaluation::of_number(const Expression& e) {
  const doc::Value argument = TRY(operand(e.inside[0]));
  if (!argument.is_number())
    return wrong(
        e.column,
        fmt::format("{}() needs a number, and this is {}", name_of(e.function), argument.kind_name()),
        argument.is_array() ? "ask for one of its values: isNaN(result[0])"
                            : "asFloat() makes a number of a string");
  const double number = argument.as_double();
  switch (e.function) {
    case Function::is_nan:
    case Function::is_inf:
      if (!strict_ && is_empty(result_)) return unknown();  // what is not there is no NaN either
      return e.function == Function::is_nan ? std::isnan(number) : std::isinf(number);
    case Function::abs:
      if (argument.is_int() && argument.as_int() != std::numeric_limits<std::int64_t>::min())
        return argument.as_int() < 0 ? -argument.as_int() : argument.as_int();
      return std::fabs(number);
    case Function::ceil:
      return std::ceil(number);
    case Function::floor:
      return std::floor(number);
    default:
      return std::round(number);
  }
}

// Argo's default() and isNil() look at result whatever they are given.
Result<doc::Value> Evaluation::fallback(const Expression& e) {
  bool missing = strict_ ? result_.is_null() : is_empty(result_);
  doc::Value own;
  if (!strict_ && !missing) {
    own = TRY(value(e.inside[0]));
    missing = own.is_null();
  }
  if (e.function == Function::is_nil) return missing;
  if (missing) return value(e.inside[1]);
  return strict_ ? copy(e, result_) : Result<doc::Value>(std::move(own));
}

Result<doc::Value> Evaluation::length(const Expression& e) {
  const Held held = TRY(hold(e.inside[0]));
  const doc::Value& whole = held.get();
  if (whole.is_array()) return static_cast<std::int64_t>(whole.as_array().size());
  if (whole.is_object()) return static_cast<std::int64_t>(whole.as_object().size());
  if (whole.is_string()) return characters(whole.as_string());
  if (!strict_ && whole.is_null()) return std::int64_t{0};
  if (!strict_ && is_nan(whole) && e.inside[0].op != Op::result) return unknown();
  return wrong(e.column,
               whole.is_number() ? "the query gave one number, which has no length"
                                 : fmt::format("{} has no length", whole.kind_name()),
               "lists, maps and strings have one; write result, without len()");
}

Result<doc::Value> Evaluation::as_int(const Expression& e, const doc::Value& argument) {
  if (argument.is_int()) return argument;
  if (argument.is_number()) {
    const double number = argument.as_double();
    if (!strict_ && std::isnan(number)) return unknown();
    if (!(std::fabs(number) < 9.2e18))
      return wrong(e.column, "asInt() of what is no finite whole number", "guard it with isNaN()");
    return static_cast<std::int64_t>(number);
  }
  if (argument.is_string()) {
    std::string_view text = argument.as_string();
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t number = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code == std::errc{} && stop == text.data() + text.size()) return number;
    return wrong(e.column, fmt::format("asInt() of '{}'", printable(argument.as_string(), 40)),
                 "asFloat() reads numbers with a fraction");
  }
  return wrong(e.column, fmt::format("asInt() of {}", argument.kind_name()), "give it a number or a string");
}

Result<doc::Value> Evaluation::as_float(const Expression& e, const doc::Value& argument) {
  if (argument.is_number()) return argument.as_double();
  if (argument.is_string()) {
    std::string_view text = argument.as_string();
    if (text.starts_with('+')) text.remove_prefix(1);
    double number = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code == std::errc{} && stop == text.data() + text.size()) return number;
    return wrong(e.column, fmt::format("asFloat() of '{}'", printable(argument.as_string(), 40)),
                 "the text must be a number such as 0.5");
  }
  return wrong(e.column, fmt::format("asFloat() of {}", argument.kind_name()),
               "give it a number or a string");
}

Result<doc::Value> Evaluation::of_text_or_map(const Expression& e, const doc::Value& argument) {
  if (!strict_ && is_empty(argument) && is_empty(result_)) return unknown();
  const bool map = e.function == Function::keys || e.function == Function::values;
  if (map ? !argument.is_object() : !argument.is_string())
    return wrong(e.column,
                 fmt::format("{}() needs {}, and this is {}", name_of(e.function), map ? "a map" : "a string",
                             argument.kind_name()),
                 "ask for the part of result that you mean");
  if (map) {
    doc::Array out;
    for (const doc::Member& one : argument.as_object())
      out.push_back(e.function == Function::keys ? doc::Value(one.key) : TRY(copy(e, one.value)));
    return doc::Value(std::move(out));
  }
  std::string text = argument.as_string();
  TRY(charge(e, text.size() / 16));
  switch (e.function) {
    case Function::lower:
      return tranche::lower(text);
    case Function::upper:
      for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      return text;
    case Function::trim:
      return std::string(trim(text));
    default:
      break;
  }
  const doc::Value part = TRY(value(e.inside[1]));
  if (!part.is_string())
    return wrong(e.column, fmt::format("{}() needs strings", name_of(e.function)), "put the text in quotes");
  return e.function == Function::has_prefix ? text.starts_with(part.as_string())
                                            : text.ends_with(part.as_string());
}

}  // namespace tranche::gate::internal
