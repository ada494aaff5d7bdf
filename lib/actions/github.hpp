// What steps on GitHub share (docs.github.com/rest, version 2022-11-28): who we are there, and which
// repository.
#pragma once

#include <string>
#include <vector>

#include "actions/web.hpp"

namespace tranche::actions::github {

inline constexpr int most_pages = 20;
inline constexpr std::size_t page_size = 50;

struct Place {
  std::string repository;  // "acme/notes-agent"
  std::string api, token;  // an address, a secret reference
  [[nodiscard]] std::string path(std::string_view below) const {
    return "/repos/" + repository + std::string(below);
  }
};
// kind invalid: no "owner/name".
Result<Place> place_in(const std::string& repository, const std::string& api, const std::string& token);
Result<Place> place_of(const Call& call);
std::vector<Need> needs_of(const Place& place);
Result<web::Service> connect(Deck& deck, const Call& call, const Place& place);

}  // namespace tranche::actions::github
