// What a git remote's address says: a server we can talk to, a path of this machine, or something refused.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::store {

struct GitAddress {
  enum class Kind { http, path } kind = Kind::http;
  std::string text;        // url without credentials, or a path
  bool encrypted = false;  // https
  bool loopback = false;
  bool operator==(const GitAddress&) const = default;
};

// True for "origin", false for anything that can only be an address.
bool is_remote_name(std::string_view text);
// ssh and git:// are refused (kind invalid), as is everything unknown. Credentials in a url are dropped: they
// are the checkout's and not ours.
Result<GitAddress> parse_git_address(std::string_view text);

}  // namespace tranche::store
