// The functions that a condition may call: expr-lang's that are of use on measurements, and Argo's own
// (utils/evaluate). {name, function, fewest and most arguments, has a predicate, gives, takes}.
#include "gate/expression.hpp"

namespace tranche::gate::internal {

std::string_view name_of(Type type) {
  switch (type) {
    case Type::any:
      return "any value";
    case Type::nothing:
      return "nil";
    case Type::boolean:
      return "a boolean";
    case Type::number:
      return "a number";
    case Type::text:
      return "a string";
    case Type::list:
      return "a list";
    default:
      return "a map";
  }
}

namespace {

constexpr Builtin table[] = {
    {"all", Function::all, 2, 2, true, Type::boolean, {Type::list, Type::boolean}},
    {"any", Function::any, 2, 2, true, Type::boolean, {Type::list, Type::boolean}},
    {"none", Function::none, 2, 2, true, Type::boolean, {Type::list, Type::boolean}},
    {"one", Function::one, 2, 2, true, Type::boolean, {Type::list, Type::boolean}},
    {"filter", Function::filter, 2, 2, true, Type::list, {Type::list, Type::boolean}},
    {"map", Function::map, 2, 2, true, Type::list, {Type::list, Type::any}},
    {"count", Function::count, 1, 2, true, Type::number, {Type::list, Type::boolean}},
    {"sum", Function::sum, 1, 2, true, Type::number, {Type::list, Type::number}},
    {"find", Function::find, 2, 2, true, Type::any, {Type::list, Type::boolean}},
    {"findIndex", Function::find_index, 2, 2, true, Type::any, {Type::list, Type::boolean}},
    {"asInt", Function::as_int, 1, 1, false, Type::number, {Type::any, Type::any}},
    {"asFloat", Function::as_float, 1, 1, false, Type::number, {Type::any, Type::any}},
    {"isNaN", Function::is_nan, 1, 1, false, Type::boolean, {Type::number, Type::any}},
    {"isInf", Function::is_inf, 1, 1, false, Type::boolean, {Type::number, Type::any}},
    {"isNil", Function::is_nil, 1, 1, false, Type::boolean, {Type::any, Type::any}},
    {"default", Function::fallback, 2, 2, false, Type::any, {Type::any, Type::any}},
    {"len", Function::len, 1, 1, false, Type::number, {Type::any, Type::any}},
    {"min", Function::min, 1, 100, false, Type::number, {Type::any, Type::any}},
    {"max", Function::max, 1, 100, false, Type::number, {Type::any, Type::any}},
    {"mean", Function::mean, 1, 100, false, Type::number, {Type::any, Type::any}},
    {"median", Function::median, 1, 100, false, Type::number, {Type::any, Type::any}},
    {"first", Function::first, 1, 1, false, Type::any, {Type::list, Type::any}},
    {"last", Function::last, 1, 1, false, Type::any, {Type::list, Type::any}},
    {"abs", Function::abs, 1, 1, false, Type::number, {Type::number, Type::any}},
    {"ceil", Function::ceil, 1, 1, false, Type::number, {Type::number, Type::any}},
    {"floor", Function::floor, 1, 1, false, Type::number, {Type::number, Type::any}},
    {"round", Function::round, 1, 1, false, Type::number, {Type::number, Type::any}},
    {"int", Function::to_int, 1, 1, false, Type::number, {Type::any, Type::any}},
    {"float", Function::to_float, 1, 1, false, Type::number, {Type::any, Type::any}},
    {"lower", Function::lower, 1, 1, false, Type::text, {Type::text, Type::any}},
    {"upper", Function::upper, 1, 1, false, Type::text, {Type::text, Type::any}},
    {"trim", Function::trim, 1, 1, false, Type::text, {Type::text, Type::any}},
    {"hasPrefix", Function::has_prefix, 2, 2, false, Type::boolean, {Type::text, Type::text}},
    {"hasSuffix", Function::has_suffix, 2, 2, false, Type::boolean, {Type::text, Type::text}},
    {"keys", Function::keys, 1, 1, false, Type::list, {Type::map, Type::any}},
    {"values", Function::values, 1, 1, false, Type::list, {Type::map, Type::any}},
};

}  // namespace

std::span<const Builtin> builtins() { return table; }

const Builtin* find_builtin(std::string_view name) {
  for (const Builtin& builtin : table)
    if (builtin.name == name) return &builtin;
  return nullptr;
}

}  // namespace tranche::gate::internal
