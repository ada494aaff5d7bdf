// From any JSON to what a threshold gate measures. Private to this room.
#pragma once

#include <string_view>

#include "doc/value.hpp"
#include "metrics/source.hpp"

namespace tranche::metrics::internal {

// A number is a scalar, a list of numbers is a list; anything else is an answer as it stands. Null, an empty
// list and a path that matches nothing are no data. `path`: JSONPath, empty for the whole document.
Result<gate::Measurement> measurement_of(const doc::Value& document, std::string_view path);

}  // namespace tranche::metrics::internal
