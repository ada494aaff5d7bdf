// Entries of the journal as lines, in the forms that people and their tools read.
#pragma once

#include <string>
#include <vector>

#include "commands/command.hpp"
#include "commands/support.hpp"
#include "journal/select.hpp"

namespace tranche::commands {

// --from --to --since --until --by --kind --subject --release.
std::vector<Flag> selection_flags();
Result<journal::Selection> read_selection(const Options& options);

// What an entry says, in a line.
std::string line_of(const journal::Entry& entry);

// RFC 4180, lines end with CRLF. A cell that a spreadsheet would take for a formula (it begins with = + - @,
// a tab or a carriage return) is written behind a '.
std::string csv_cell(std::string_view text);
std::string csv_header();
std::string csv_row(const journal::Entry& entry);

}  // namespace tranche::commands
