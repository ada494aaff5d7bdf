// Man pages and shell completions from the records of the commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::cli {

struct ManPage {
  std::string name;  // "tranche-rollout-start.1"
  std::string text;  // mdoc(7)
};
// tranche.1, tranche.yaml.5 and one page a command. The same bytes from every build: no version, no date of
// its own.
std::vector<ManPage> man_pages();

// shell: "bash", "zsh" or "fish". A script that completes commands, flags, choices and files, and asks
// nothing of the binary.
Result<std::string> completion_script(std::string_view shell);

}  // namespace tranche::cli
