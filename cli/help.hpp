// Help as text: the overview, a noun with its verbs, a command with its long help.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/command.hpp"

namespace tranche::cli {

// topic: "" the overview, a noun, or a command. Kind usage when there is no such topic.
Result<commands::Outcome> help_about(const std::string& topic, bool color);

// "tranche rollout start ROLLOUT --release VERSION [flags]"
std::string usage_line(const commands::Command& command);
std::string shown_argument(const commands::Argument& argument);  // "FILE...", "[ROLLOUT]"
std::string shown_flag(const commands::Flag& flag);              // "--release VERSION"
std::string flag_help(const commands::Flag& flag);               // help, choices and default

// The long help of a command, by section; the first is "Examples". Throws when the command has none: every
// command does (the man page test makes them all).
struct Section {
  std::string title;
  std::vector<std::string> lines;
};
std::vector<Section> long_help(const commands::Command& command);

}  // namespace tranche::cli
