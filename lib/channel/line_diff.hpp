// What changes between two texts, line by line, as `diff -u` writes it.
#pragma once

#include <string>
#include <string_view>

namespace tranche::channel {

// Hunks with three lines of context, without file names; empty when the texts are equal. Lines are made
// printable. Texts that are not lines of text are told by their sizes only. Where too much differs to look
// for the shortest way, all old lines go and all new ones come: always right, not always short.
std::string line_diff(std::string_view before, std::string_view after);

}  // namespace tranche::channel
