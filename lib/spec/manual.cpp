#include "spec/manual.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "spec/action_grammar.hpp"
#include "spec/spec.hpp"

namespace tranche::spec {
namespace {

using doc::Value;

std::string schema_text(const Value& schema, std::string_view key) {
  const Value* value = schema.find(key);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

std::string plain_value(const Value& value) {
  return value.is_string() ? value.as_string() : doc::to_json(value);
}

std::string what_it_takes(const Value& schema);

std::string one_of_kinds(const Value& list) {
  std::vector<std::string> kinds;
  for (const Value& one : list.as_array()) {
    std::string kind = what_it_takes(one);
    if (std::ranges::find(kinds, kind) == kinds.end()) kinds.push_back(std::move(kind));
  }
  return join(kinds, " or ");
}

std::string word_list(const Value& list, std::string_view between) {
  std::vector<std::string> words;
  for (const Value& one : list.as_array()) words.push_back(plain_value(one));
  return join(words, between);
}

std::string map_kind(const Value& schema) {
  if (const Value* more = schema.find("additionalProperties"); more != nullptr && more->is_object())
    return "map of names to " + what_it_takes(*more);
  const Value* properties = schema.find("properties");
  if (properties == nullptr || !properties->is_object()) return "map";
  std::vector<std::string> members;
  for (const doc::Member& member : properties->as_object())
    members.push_back(member.key + ": " + what_it_takes(member.value));
  return "{ " + join(members, ", ") + " }";
}

// What a key may hold, in a few words.
std::string what_it_takes(const Value& schema) {
  if (const std::string ref = schema_text(schema, "$ref"); !ref.empty())
    return ref.substr(ref.rfind('/') + 1);
  if (const Value* list = schema.find("anyOf"); list != nullptr && list->is_array())
    return one_of_kinds(*list);
  if (const Value* list = schema.find("oneOf"); list != nullptr && list->is_array())
    return one_of_kinds(*list);
  if (const Value* words = schema.find("enum"); words != nullptr && words->is_array())
    return word_list(*words, " | ");
  if (const Value* only = schema.find("const"); only != nullptr) return plain_value(*only);
  if (const Value* shown = schema.find("examples"); shown != nullptr && shown->is_array())
    return "like " + word_list(*shown, ", ");
  const std::string type = schema_text(schema, "type");
  if (type == "array") {
    const Value* items = schema.find("items");
    return items == nullptr ? "list" : "list of " + what_it_takes(*items);
  }
  if (type == "object") return map_kind(schema);
  if (type == "boolean") return "true | false";
  if (type == "string") return "text";
  return type.empty() ? "any value" : type;
}

bool key_is_required(const Value& schema, const std::string& key) {
  const Value* required = schema.find("required");
  return required != nullptr && required->is_array() &&
         std::ranges::any_of(required->as_array(),
                             [&](const Value& one) { return one.is_string() && one.as_string() == key; });
}

ManualSection manual_section(std::string name, const Value& schema) {
  ManualSection section{std::move(name), schema_text(schema, "description"), {}, false};
  const Value* properties = schema.find("properties");
  if (properties == nullptr || !properties->is_object()) return section;
  for (const doc::Member& member : properties->as_object()) {
    const Value* fallback = member.value.find("default");
    section.keys.push_back({member.key, what_it_takes(member.value), schema_text(member.value, "description"),
                            fallback == nullptr ? std::string() : plain_value(*fallback),
                            key_is_required(schema, member.key)});
  }
  return section;
}

}  // namespace

std::vector<ManualSection> manual() {
  const Value schema = json_schema();
  std::vector<ManualSection> sections{manual_section("tranche.yaml", schema)};
  if (const Value* others = schema.find("$defs"); others != nullptr && others->is_object())
    for (const doc::Member& member : others->as_object())
      sections.push_back(manual_section(member.key, member.value));
  std::ranges::sort(sections.begin() + 1, sections.end(), {}, &ManualSection::name);
  for (const ActionGrammar& action : action_grammar()) {
    ManualSection section{std::string(action.name), std::string(action.summary), {}, true};
    for (const ActionArgument& argument : action.arguments)
      section.keys.push_back(
          {std::string(argument.key), to_text(argument), std::string(argument.doc), "", argument.required});
    sections.push_back(std::move(section));
  }
  return sections;
}

}  // namespace tranche::spec
