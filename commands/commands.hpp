// Every command, one maker each, in the order of cli/registry.cpp.
#pragma once

#include "commands/command.hpp"

namespace tranche::commands {

// set up, validate
Command init();
Command check();
Command schema();
Command doctor();

// supply chain
Command sbom();
Command sign();
Command verify();
Command key_generate();
Command key_show();

// about
Command completion();
Command version();
Command help();

}  // namespace tranche::commands
