#include "actions/github.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::actions::github {
namespace {

bool is_github_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '_' || c == '.';
         });
}

}  // namespace

Result<Place> place_in(const std::string& repository, const std::string& api, const std::string& token) {
  Place place{repository, api, token};
  const auto parts = split(place.repository, '/');
  if (parts.size() != 2 || !is_github_name(parts[0]) || !is_github_name(parts[1]))
    return fail_hint(ErrorKind::invalid, "write owner/name", "'{}' is no repository of GitHub",
                     printable(place.repository, 120));
  while (place.api.ends_with('/')) place.api.pop_back();
  return place;
}

Result<Place> place_of(const Call& call) {
  const std::string repository = TRY(web::argument(call, "repo"));
  const std::string api = TRY(web::address_or(call, "api", "https://api.github.com"));
  return place_in(repository, api, TRY(call.step.with.text_or("token", "env:TRANCHE_GITHUB_TOKEN")));
}

std::vector<Need> needs_of(const Place& place) {
  return {{Need::Kind::secret, place.token}, {Need::Kind::url, place.api}};
}

Result<web::Service> connect(Deck& deck, const Call& call, const Place& place) {
  web::Service service(deck, call, "GitHub", place.api);
  const Secret token = TRY(service.read_secret(place.token));
  service.add_secret_header("Authorization", Secret("Bearer " + std::string(token.expose())));
  service.add_header("Accept", "application/vnd.github+json");
  service.add_header("X-GitHub-Api-Version", "2022-11-28");
  return service;
}

}  // namespace tranche::actions::github
