// What `tranche init` writes: facts about the project, a template filled in, and which files may be touched.
//
// Detection reads names and a few bytes of well-known files and runs nothing. Wrong guesses are cheap: the
// file is commented and the user edits it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::scaffold {

struct Facts {
  std::string app;                     // a valid name: a-z 0-9 and -
  std::string kind;                    // "npm", "electron", "cargo", "cmake", "go", "python"; empty: unknown
  std::string found_in;                // the file that says so; empty: unknown
  std::vector<std::string> artifacts;  // patterns
};
// Looks at package.json, Cargo.toml, CMakeLists.txt, go.mod, pyproject.toml, in this order. `fallback_name`:
// the app's name when no file names one.
Result<Facts> detect(ports::Files& files, const std::string& directory, const std::string& fallback_name);

// The nearest valid name: lower case, runs of anything else become one '-'; "app" when nothing is left.
std::string to_name(std::string_view text);

// {{name}} becomes values["name"]. Kind bug when a name is unknown or a value is left over.
Result<std::string> render(std::string_view text, const std::map<std::string, std::string>& values);

// `lines` that `old` does not hold yet, appended under `heading`; `old` itself when it holds them all.
std::string add_lines(const std::string& old, std::string_view heading,
                      const std::vector<std::string>& lines);

}  // namespace tranche::scaffold
