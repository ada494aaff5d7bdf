// The flags that describe a synthetic fleet, for `fleet run` and `simulate`.
#pragma once

#include <string>
#include <vector>

#include "commands/command.hpp"
#include "commands/support.hpp"
#include "fleet/model.hpp"

namespace tranche::commands {

std::vector<Flag> model_flags(std::string devices, std::string poll);
Result<fleet::Model> read_model(const Options& options);

}  // namespace tranche::commands
