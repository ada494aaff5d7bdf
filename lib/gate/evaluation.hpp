// Evaluating a condition's tree; between condition.cpp (operators) and functions.cpp (calls). Not for other
// rooms.
#pragma once

#include <string_view>
#include <vector>

#include "gate/expression.hpp"

namespace tranche::gate::internal {

// An unknown truth travels as NaN, which is no boolean: whatever handles it wrongly ends in an error.
doc::Value unknown();
bool is_nan(const doc::Value& value);
bool is_empty(const doc::Value& value);  // null or an empty list

class Evaluation {
 public:
  Evaluation(const doc::Value& result, bool strict);
  Result<doc::Value> value(const Expression& e);

 private:
  // A value, borrowed where it stands in the answer: lists are not copied to look at one element.
  class Held {
   public:
    explicit Held(const doc::Value* borrowed) : borrowed_(borrowed) {}
    explicit Held(doc::Value own) : own_(std::move(own)) {}
    [[nodiscard]] const doc::Value& get() const { return borrowed_ != nullptr ? *borrowed_ : own_; }
    [[nodiscard]] bool is_borrowed() const { return borrowed_ != nullptr; }

   private:
    const doc::Value* borrowed_ = nullptr;
    doc::Value own_;
  };
  struct Element {
    const doc::Value* value;
    std::size_t index;
  };

  // condition.cpp
  Result<Held> hold(const Expression& e);
  Result<doc::Value> operation(const Expression& e);
  // As an operand of a number's operator: a list of one number is the number (not strict).
  Result<doc::Value> operand(const Expression& e);
  Result<doc::Value> truth_of(const Expression& e);  // boolean or unknown
  Result<doc::Value> logic(const Expression& e);
  Result<doc::Value> compare(const Expression& e);
  Result<doc::Value> equal(const Expression& e);
  Result<doc::Value> membership(const Expression& e);
  Result<doc::Value> of_text(const Expression& e);
  Result<doc::Value> range(const Expression& e);
  Result<doc::Value> arithmetic(const Expression& e);
  Result<Held> member(const Expression& e);
  Result<Held> at(const Expression& e, const Held& base, const doc::Value& index);
  Result<doc::Value> slice(const Expression& e);
  Result<> charge(const Expression& e, std::size_t steps);
  Result<doc::Value> copy(const Expression& e, const doc::Value& value);

  // functions.cpp
  Result<doc::Value> call(const Expression& e);
  Result<doc::Value> over_elements(const Expression& e, const doc::Array& elements);
  Result<doc::Value> quantify(const Expression& e, const doc::Array& elements);
  Result<doc::Value> of_numbers(const Expression& e);
  Result<doc::Value> of_text_or_map(const Expression& e, const doc::Value& argument);
  Result<doc::Value> of_number(const Expression& e);
  Result<doc::Value> fallback(const Expression& e);
  Result<doc::Value> length(const Expression& e);
  Result<doc::Value> as_int(const Expression& e, const doc::Value& argument);
  Result<doc::Value> as_float(const Expression& e, const doc::Value& argument);

  const doc::Value& result_;
  bool strict_;
  bool nothing_;
  std::vector<Element> elements_;  // of the predicates around
  std::size_t steps_ = 0;
};

}  // namespace tranche::gate::internal
