// Answers and errors as text or JSON.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "commands/command.hpp"

namespace tranche::cli {

// "usage", "verification", ...: the word for an error kind in JSON.
std::string_view kind_word(ErrorKind kind);
// {"schema": "tranche/error/v1", "error": {"kind", "message", "file", "line", "column", "hint", "while": [],
//  "others": []}}; members without a value are absent. "others" holds errors of the same form.
doc::Value error_to_value(const Error& error);

void show(const commands::Outcome& outcome, bool json, ports::Console& console);
// Text goes to stderr; JSON is the result of the command, and goes to stdout.
void show(const Error& error, bool json, bool color, ports::Console& console);

}  // namespace tranche::cli
