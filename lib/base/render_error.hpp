// An Error as a user reads it (ARCHITECTURE.md "Errors"): place and message, the line with a caret, hint,
// what was being done; then the other errors of the run in the same form.
#pragma once

#include <string>

#include "base/error.hpp"

namespace tranche {

// Ends with a newline. `color`: ANSI escapes for a terminal. Whatever stands in messages, hints and excerpts,
// no control character of theirs gets through, and a long line is cut around its mark.
std::string render_error(const Error& error, bool color);

}  // namespace tranche
