// What a file means, beyond its shape: names that must exist, numbers that must agree.
#include "spec/grammar.hpp"
#include "spec/meaning.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {

const Value* find_at(const Value& document, Path path) {
  const Value* at = &document;
  for (const Hop& hop : path) {
    if (const auto* key = std::get_if<std::string_view>(&hop)) {
      at = at->find(*key);
      if (at == nullptr) return nullptr;
    } else {
      const std::size_t index = std::get<std::size_t>(hop);
      if (!at->is_array() || index >= at->as_array().size()) return nullptr;
      at = &at->as_array()[index];
    }
  }
  return at;
}

Place place_at(const Value& document, Path path) {
  const Value* at = &document;
  Place place = document.place;
  for (const Hop& hop : path) {
    if (const auto* key = std::get_if<std::string_view>(&hop)) {
      at = at->find(*key);
    } else {
      const std::size_t index = std::get<std::size_t>(hop);
      at = at->is_array() && index < at->as_array().size() ? &at->as_array()[index] : nullptr;
    }
    if (at == nullptr) break;
    if (at->place.line > 0) place = at->place;
  }
  return place;
}

std::string name_hint(std::string_view name, const std::vector<std::string>& known, std::string_view noun) {
  if (known.empty()) return fmt::format("no {0} is defined; add it under `{0}s:`", noun);
  const std::string guess = nearest(name, known);
  if (!guess.empty()) return fmt::format("did you mean '{}'?", guess);
  return fmt::format("defined: {}", join(known, ", "));
}

namespace {

// A secret file given by an absolute path may still lie in the repository; git would track it sooner or
// later.
void check_secret_place(const std::string& reference, const Place& place, std::string_view key,
                        const std::string& repository, Problems& problems) {
  if (repository.empty() || !reference.starts_with("file:/")) return;
  const std::string path = normal_path(std::string_view(reference).substr(5));
  if (path.starts_with(repository.ends_with('/') ? repository : repository + "/"))
    problems.add(place, fmt::format("bad '{}': the secret file is inside the repository", key),
                 "keep it elsewhere and give an absolute path");
}

}  // namespace

void check_meaning(const App& app, const Value& document, const std::string& repository, Problems& problems) {
  for (const auto& [key, reference] :
       {std::pair("release", &app.signing.release), std::pair("feed", &app.signing.feed),
        std::pair("journal", &app.signing.journal)})
    check_secret_place(*reference, place_at(document, {"signing", key}), key, repository, problems);
  check_secret_place(app.state.token, place_at(document, {"state", "git", "token"}), "token", repository,
                     problems);
  for (const Source& source : app.sources)
    for (const SecretReference& secret : secret_references(source))
      check_secret_place(secret.reference,
                         place_at(document, {"sources", source.name, to_text(source.kind), secret.key}),
                         secret.key, repository, problems);
  check_gates(app, document, problems);
  check_rollouts(app, document, problems);
  check_playbooks(app, document, problems);
}

}  // namespace tranche::spec
