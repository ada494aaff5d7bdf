// argv in, exit code out.
#pragma once

#include <string>
#include <vector>

#include "ports/ports.hpp"

namespace tranche::cli {

// args: argv without its first word. Never throws: what escapes a command is shown as a bug, exit 70.
int run(const std::vector<std::string>& args, ports::World& world);

}  // namespace tranche::cli
