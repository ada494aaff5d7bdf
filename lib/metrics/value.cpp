#include "metrics/value.hpp"

#include <algorithm>

#include "metrics/json_path.hpp"

namespace tranche::metrics::internal {

Result<gate::Measurement> measurement_of(const doc::Value& document, std::string_view path) {
  gate::Measurement out;
  const doc::Value* value = &document;
  JsonPath compiled;
  if (!path.empty()) {
    compiled = TRY(JsonPath::compile(path));
    value = TRY(compiled.first(document));
  }
  if (value == nullptr || value->is_null()) return out;
  const auto is_number = [](const doc::Value& one) { return one.is_number(); };
  if (value->is_number()) {
    out.scalar = true;
    out.values.push_back(value->as_double());
  } else if (value->is_array() &&
             std::all_of(value->as_array().begin(), value->as_array().end(), is_number)) {
    for (const doc::Value& one : value->as_array()) out.values.push_back(one.as_double());
    if (out.values.empty()) return out;
  } else {
    out.answer = *value;
  }
  out.has_data = true;
  return out;
}

}  // namespace tranche::metrics::internal
