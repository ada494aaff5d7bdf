// The table of clients (cohort/clients.hpp) in words: shown by `feed list`, and held in its manual page.
#pragma once

#include <string>

namespace tranche::commands {

std::string feed_table();

}  // namespace tranche::commands
