// Reading templates: what argo.cpp, argo_args.cpp and argo_providers.cpp share. Not for other rooms.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gate/argo.hpp"

namespace tranche::gate::internal {

// All that is wrong, with places; bounded.
class Wrongs {
 public:
  void say(const doc::Place& place, std::string message, std::string hint);
  [[nodiscard]] bool empty() const { return errors_.empty(); }
  [[nodiscard]] std::size_t count() const { return errors_.size(); }
  [[nodiscard]] Error take();

 private:
  std::vector<Error> errors_;
};

// Says so for each key that is not among `known`, with the nearest one.
void refuse_unknown_keys(const doc::Value& map, const std::vector<std::string>& known, std::string_view what,
                         Wrongs& wrongs);
// The member as a string, list or map; null pointer when it is absent, null, or of another type (said).
const std::string* text_at(const doc::Value& map, std::string_view key, Wrongs& wrongs);
const doc::Value* list_at(const doc::Value& map, std::string_view key, Wrongs& wrongs);
const doc::Value* map_at(const doc::Value& map, std::string_view key, Wrongs& wrongs);
std::optional<Duration> duration_at(const doc::Value& map, std::string_view key, Wrongs& wrongs);
// Kubernetes' IntOrString: 5 or "5".
std::optional<std::int64_t> integer_at(const doc::Value& map, std::string_view key, Wrongs& wrongs);

// The args of all templates with their values.
class Args {
 public:
  void read(const doc::Value& spec, const ArgoInput& input, Wrongs& wrongs);
  void finish(const ArgoInput& input, const doc::Place& place, Wrongs& wrongs);
  // `text` with its {{args.NAME}} replaced; secret ones stay and are added to `secrets`, or are refused when
  // that is null.
  std::string fill(const doc::Value& text, std::set<std::string>* secrets, Wrongs& wrongs) const;
  // All texts inside.
  doc::Value fill_all(const doc::Value& value, std::set<std::string>* secrets, Wrongs& wrongs) const;

 private:
  struct Arg {
    std::optional<std::string> value;
    std::string from;  // "the key 'x' of a Kubernetes secret": why there is no value here
    bool secret = false;
    doc::Place place;
  };
  std::map<std::string, Arg> args_;
};

// `metric`: filled in but for its provider. `provider`: as written.
void read_provider(ArgoMetric& metric, const doc::Value& provider, const Args& args, const ArgoInput& input,
                   Wrongs& wrongs);

}  // namespace tranche::gate::internal
