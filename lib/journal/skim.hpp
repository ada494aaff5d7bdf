// What the audit asks of an entry, found in its bytes without building a tree.
//
// Parsing a JSON tree and writing it again costs 20 µs an entry; a log of a million entries is to be verified
// in a second. One pass over the bytes can tell that they are canonical (RFC 8785) and where the few members
// stand that the audit compares. Where it is not certain it says so, and the entry is read the slow way: skim
// never accepts what the slow way refuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tranche::journal {

struct Skimmed {
  std::uint64_t index = 0;
  std::string_view at;       // as written
  std::string_view subject;  // no escapes in it; empty: none
  std::string_view heads;    // the map as written, braces included: its members are the caller's to compare
  bool has_state = false;
};

// nullopt: broken, not canonical, or unusual.
std::optional<Skimmed> skim_entry(std::string_view bytes);

}  // namespace tranche::journal
