// After the shapes: defaults that depend on the whole app, and what a file means.
#pragma once

#include <initializer_list>
#include <string_view>
#include <variant>

#include "spec/problems.hpp"
#include "spec/spec.hpp"

namespace tranche::spec {

// A step into a document: a key or a position.
using Hop = std::variant<std::string_view, std::size_t>;
using Path = std::initializer_list<Hop>;

// Null when there is nothing.
const Value* find_at(const Value& document, Path path);
// Of the value, or of the nearest thing around it that was written.
Place place_at(const Value& document, Path path);

// Fills in what the file left out. `document`: the app's keys as written.
void fill_defaults(App& app, const Value& document);

// Says what is wrong with the meaning of an app whose defaults are filled in. Parts whose shape is wrong
// already are passed over. `repository`: its real path, or empty when there is none.
void check_meaning(const App& app, const Value& document, const std::string& repository, Problems& problems);

// The parts of check_meaning that have a file of their own.
void check_gates(const App& app, const Value& document, Problems& problems);
void check_kayenta(const Gate& gate, const Value& document, Problems& problems);
void check_model(const Gate& gate, const Value& document, Problems& problems);
void check_rollouts(const App& app, const Value& document, Problems& problems);
// What rollouts of several apps say of each other.
void check_apps(const std::vector<App>& apps, Problems& problems);
// Of a whole file: rollouts that steps name are there. A frozen plan holds its own rollout only.
void check_named_rollouts(const std::vector<App>& apps, Problems& problems);
void check_playbooks(const App& app, const Value& document, Problems& problems);

// "did you mean 'crashes'?", or "defined: crashes, latency", or what to add when there is none of that noun.
std::string name_hint(std::string_view name, const std::vector<std::string>& known, std::string_view noun);

template <class T>
std::vector<std::string> names_of(const std::vector<T>& things) {
  std::vector<std::string> out;
  for (const T& thing : things) out.push_back(thing.name);
  return out;
}

}  // namespace tranche::spec
