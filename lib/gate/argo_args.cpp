// The args of templates: defaults, values of tranche.yaml, and their places in texts.
#include <algorithm>

#include "base/text.hpp"
#include "gate/argo_reading.hpp"

namespace tranche::gate {

namespace internal {
namespace {

constexpr std::size_t most_args = 200;
constexpr std::size_t longest_text = 64 * 1024;  // filled in

bool is_reference(std::string_view text) { return text.starts_with("env:") || text.starts_with("file:"); }

std::string cluster_source(const doc::Value& from, Wrongs& wrongs) {
  refuse_unknown_keys(from, {"secretKeyRef", "fieldRef", "podTemplateHashValue"}, "valueFrom", wrongs);
  if (from.find("secretKeyRef") != nullptr) return "a Kubernetes secret";
  if (from.find("fieldRef") != nullptr) return "a field of a Kubernetes object";
  return "a pod template's hash";
}

// Calls `use(tag)` for each {{tag}}, trimmed, and joins what it gives with the text between.
template <class Use>
std::string replace_tags(std::string_view text, Use use) {
  std::string out;
  for (;;) {
    const std::size_t open = text.find("{{");
    const std::size_t close = open == std::string_view::npos ? open : text.find("}}", open + 2);
    if (close == std::string_view::npos) return out.append(text);
    out.append(text.substr(0, open));
    out += use(trim(text.substr(open + 2, close - open - 2)));
    text.remove_prefix(close + 2);
  }
}

}  // namespace

void Args::read(const doc::Value& spec, const ArgoInput& input, Wrongs& wrongs) {
  const doc::Value* list = list_at(spec, "args", wrongs);
  if (list == nullptr) return;
  std::set<std::string> here;
  for (const doc::Value& item : list->as_array()) {
    if (!item.is_object()) {
      wrongs.say(item.place, "an arg must be a map", "write: - name: service-name");
      continue;
    }
    refuse_unknown_keys(item, {"name", "value", "valueFrom"}, "an arg", wrongs);
    const std::string* name = text_at(item, "name", wrongs);
    if (name == nullptr || name->empty()) {
      wrongs.say(item.place, "an arg without a name", "write: - name: service-name");
      continue;
    }
    if (args_.size() >= most_args) return wrongs.say(item.place, "too many args", "at most 200");
    if (!here.insert(*name).second)
      wrongs.say(item.place, fmt::format("the arg '{}' is there twice", printable(*name, 64)), "remove one");
    Arg arg;
    arg.place = item.place;
    const std::string* value = text_at(item, "value", wrongs);
    if (value != nullptr) arg.value = *value;
    if (const doc::Value* from = map_at(item, "valueFrom", wrongs)) {
      arg.from = cluster_source(*from, wrongs);
      arg.secret = from->find("secretKeyRef") != nullptr;
      if (value != nullptr)
        wrongs.say(item.place, fmt::format("the arg '{}' has a value and a valueFrom", printable(*name, 64)),
                   "keep one of them");
    }
    Arg& merged = args_.try_emplace(*name, arg).first->second;
    const bool given = input.args.contains(*name);
    if (merged.value && arg.value && *merged.value != *arg.value && !given)
      wrongs.say(item.place,
                 fmt::format("the arg '{}' has the values '{}' and '{}' in two templates",
                             printable(*name, 64), printable(*merged.value, 64), printable(*arg.value, 64)),
                 "say which under `args` in tranche.yaml");
    if (!merged.value) merged.value = arg.value;
    merged.secret = merged.secret || arg.secret;
    if (merged.from.empty()) merged.from = arg.from;
  }
}

void Args::finish(const ArgoInput& input, const doc::Place& place, Wrongs& wrongs) {
  std::vector<std::string> known;
  for (const auto& [name, arg] : args_) known.push_back(name);
  for (const auto& [name, value] : input.args) {
    const auto found = args_.find(name);
    if (found == args_.end()) {
      const std::string near = nearest(name, known);
      wrongs.say(place, fmt::format("the template has no arg '{}'", printable(name, 64)),
                 !near.empty()   ? "did you mean '" + near + "'?"
                 : known.empty() ? "it has none"
                                 : "it has: " + join(known, ", "));
      continue;
    }
    Arg& arg = found->second;
    if (arg.secret && !is_reference(value))
      wrongs.say(arg.place, fmt::format("the arg '{}' is a secret", printable(name, 64)),
                 fmt::format("give a reference in tranche.yaml: args: {{ {}: env:TRANCHE_NAME }}",
                             printable(name, 64)));
    arg.secret = arg.secret || is_reference(value);
    arg.value = arg.secret ? std::string() : value;
    arg.from.clear();
  }
  for (const auto& [name, arg] : args_) {
    if (arg.value && arg.from.empty()) continue;
    const std::string example = arg.secret ? "env:TRANCHE_NAME" : "VALUE";
    wrongs.say(arg.place,
               arg.from.empty() ? fmt::format("the arg '{}' has no value", printable(name, 64))
                                : fmt::format("the arg '{}' comes from {}, which is not read here",
                                              printable(name, 64), arg.from),
               fmt::format("give it in tranche.yaml: args: {{ {}: {} }}", printable(name, 64), example));
  }
}

std::string Args::fill(const doc::Value& text, std::set<std::string>* secrets, Wrongs& wrongs) const {
  std::string out = replace_tags(text.as_string(), [&](std::string_view tag) -> std::string {
    const std::string whole = "{{" + std::string(tag) + "}}";
    const bool is_arg = tag.starts_with("args.");
    const auto found = args_.find(std::string(is_arg ? tag.substr(5) : tag));
    if (!is_arg || found == args_.end()) {
      std::vector<std::string> known;
      for (const auto& [name, arg] : args_) known.push_back("args." + name);
      const std::string near = nearest(tag, known);
      wrongs.say(
          text.place, fmt::format("nothing is known of {}", printable(whole, 80)),
          near.empty() ? "args of the template are written {{args.NAME}}" : "did you mean {{" + near + "}}?");
      return whole;
    }
    const Arg& arg = found->second;
    if (!arg.secret) return arg.value.value_or("");
    if (secrets == nullptr) {
      wrongs.say(text.place,
                 fmt::format("the secret {} stands where it would be shown", printable(whole, 80)),
                 "secrets go into headers, authentication and bodies only");
      return whole;
    }
    secrets->insert(found->first);
    return "{{args." + found->first + "}}";
  });
  if (out.size() > longest_text) {
    wrongs.say(text.place, "the text with its args filled in is longer than 64 KiB", "shorten it");
    out.clear();
  }
  return out;
}

doc::Value Args::fill_all(const doc::Value& value, std::set<std::string>* secrets, Wrongs& wrongs) const {
  doc::Value out = value;
  if (value.is_string()) {
    out = fill(value, secrets, wrongs);
    out.place = value.place;
  } else if (value.is_array()) {
    for (doc::Value& item : out.as_array()) item = fill_all(item, secrets, wrongs);
  } else if (value.is_object()) {
    for (doc::Member& member : out.as_object()) member.value = fill_all(member.value, secrets, wrongs);
  }
  return out;
}

}  // namespace internal

Result<doc::Value> fill_secrets(const doc::Value& fields, const std::map<std::string, std::string>& secrets) {
  doc::Value out = fields;
  std::string missing;
  if (fields.is_string()) {
    out = internal::replace_tags(fields.as_string(), [&](std::string_view tag) -> std::string {
      const auto found = secrets.find(std::string(tag.starts_with("args.") ? tag.substr(5) : tag));
      if (found != secrets.end()) return found->second;
      missing = tag;
      return {};
    });
  } else if (fields.is_array()) {
    for (doc::Value& item : out.as_array()) item = TRY(fill_secrets(item, secrets));
  } else if (fields.is_object()) {
    for (doc::Member& member : out.as_object()) member.value = TRY(fill_secrets(member.value, secrets));
  }
  if (!missing.empty())
    return fail_hint(ErrorKind::invalid, "give it under `args` of the gate: env:TRANCHE_NAME or file:PATH",
                     "the secret {{{{{}}}}} has no value", printable(missing, 64));
  return out;
}

}  // namespace tranche::gate
