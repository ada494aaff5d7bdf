// The journal's verbs that change it, or take it elsewhere.
#pragma once

#include "commands/command.hpp"

namespace tranche::commands {

Command journal_prove();
Command journal_export();
Command journal_witness();
Command journal_rotate_key();

}  // namespace tranche::commands
