// Numbers on the command line of gates. Errors are kind usage.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace tranche::commands {

Result<double> parse_rate(std::string_view flag, std::string_view text);   // "30/min" → 0.5 a second
Result<double> parse_part(std::string_view flag, std::string_view text);   // "0.5%" or "0.005" → 0.005
Result<double> parse_ratio(std::string_view flag, std::string_view text);  // "2x" or "2" → 2

}  // namespace tranche::commands
