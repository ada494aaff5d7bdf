// Words of the command line become a command and its options.
#pragma once

#include <string>
#include <vector>

#include "commands/command.hpp"

namespace tranche::cli {

// What stands before the command's own words: "tranche --json rollout status" is "rollout status --json".
struct Words {
  std::string command;            // "rollout status"; a noun alone when its verb is missing; may be empty
  std::vector<std::string> rest;  // flags and arguments
};
// Kind usage with did-you-mean: no such command, no such verb.
Result<Words> split_command(const std::vector<std::string>& args);

struct CommandLine {
  commands::Options options;
  bool help = false;  // when set, nothing else was checked
  bool json = false;
  bool quiet = false;
  bool no_color = false;
  bool dry_run = false;
  bool file_given = false;
  std::string file;
  std::string reason;
};
// Kind usage: unknown or doubled flag, missing value or argument, too many arguments, a value that is none of
// the choices.
Result<CommandLine> parse(const commands::Command& command, const std::vector<std::string>& rest);

// Names that begin a command of two words: "rollout", "key".
std::vector<std::string> nouns();
std::vector<std::string> verbs_of(const std::string& noun);

}  // namespace tranche::cli
