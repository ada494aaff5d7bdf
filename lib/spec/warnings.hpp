// What is allowed in tranche.yaml and still deserves a word: `check` prints these.
#pragma once

#include <vector>

#include "spec/spec.hpp"

namespace tranche::spec {

// `alone`: the file has no other app. Kind invalid, each with mark (when the app came from a text) and hint.
// Never an obstacle: exit code 0.
std::vector<Error> warnings(const App& app, bool alone = true);

}  // namespace tranche::spec
