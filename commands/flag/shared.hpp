#pragma once

#include <string_view>

#include "base/error.hpp"
#include "spec/spec.hpp"

namespace tranche::commands {

// The flag of that name; kind invalid with the nearest one as hint.
Result<const spec::Flag*> find_flag(const spec::App& app, std::string_view name);

}  // namespace tranche::commands
