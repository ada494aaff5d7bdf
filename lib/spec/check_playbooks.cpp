// Steps of playbooks: the arguments of the actions that this build performs. The arguments of other actions
// are kept as written until those actions exist; `rollout start` refuses them.
#include <algorithm>

#include "spec/grammar.hpp"
#include "spec/meaning.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

struct Argument {
  const char* key;
  bool required;
};
struct Action {
  const char* name;
  std::vector<Argument> arguments;
};

const std::vector<Action>& checked_actions() {
  static const std::vector<Action> actions{
      {"flag.set", {{"flag", true}, {"value", true}}},
      {"channel.withdraw", {}},
      {"channel.fallback", {}},
      {"http.request", {{"method", false}, {"url", true}, {"headers", false}, {"body", false}}},
      {"run", {{"argv", true}}}};
  return actions;
}

struct StepCheck {
  const App& app;
  const Value& document;
  Problems& problems;
  const Playbook& playbook;
  std::size_t index;

  [[nodiscard]] const Step& step() const { return playbook.steps[index]; }
  [[nodiscard]] Place at(std::string_view key) const {
    return place_at(document, {"playbooks", playbook.name, "steps", index, "with", key});
  }
  [[nodiscard]] std::string where() const {
    return fmt::format("step {} of playbook '{}'", index + 1, playbook.name);
  }
  void say(std::string_view key, std::string message, std::string hint) const {
    problems.add(at(key), std::move(message) + " in " + where(), std::move(hint));
  }

  void check_keys(const Action& action) const {
    std::vector<std::string> known;
    for (const Argument& argument : action.arguments) known.emplace_back(argument.key);
    if (step().with.is_object()) {
      for (const Member& member : step().with.as_object()) {
        if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
        const std::string guess = nearest(member.key, known);
        problems.add(
            member.key_place,
            fmt::format("unknown argument '{}' of {} in {}", printable(member.key, 64), action.name, where()),
            known.empty()   ? fmt::format("{} takes no arguments", action.name)
            : guess.empty() ? "arguments: " + join(known, ", ")
                            : fmt::format("did you mean '{}'?", guess));
      }
    }
    for (const Argument& argument : action.arguments)
      if (argument.required && step().with.find(argument.key) == nullptr)
        say(argument.key, fmt::format("missing argument '{}' of {}", argument.key, action.name),
            fmt::format("with: {{ {}: ... }}", argument.key));
  }

  void check_flag() const {
    const Value* name = step().with.find("flag");
    const Value* value = step().with.find("value");
    if (name == nullptr) return;
    if (!name->is_string())
      return say("flag", "the flag must be a name", "with: { flag: NAME, value: false }");
    const Flag* flag = app.flag(name->as_string());
    if (flag == nullptr)
      return say("flag", fmt::format("unknown flag '{}'", printable(name->as_string(), 64)),
                 name_hint(name->as_string(), names_of(app.flags), "flag"));
    if (value == nullptr) return;
    const bool fits = flag->type == Flag::Type::boolean ? value->is_bool()
                      : flag->type == Flag::Type::text  ? value->is_string()
                                                        : value->is_number();
    if (!fits)
      say("value",
          fmt::format("flag '{}' takes {}, not {}", flag->name,
                      flag->type == Flag::Type::boolean ? "true or false"
                      : flag->type == Flag::Type::text  ? "a string"
                                                        : "a number",
                      value->kind_name()),
          "give a value of the flag's type");
  }

  void check_http() const {
    static const std::vector<std::string> methods{"GET", "POST", "PUT", "PATCH", "DELETE"};
    if (const Value* method = step().with.find("method");
        method != nullptr && (!method->is_string() || std::find(methods.begin(), methods.end(),
                                                                method->as_string()) == methods.end()))
      say("method", "unknown method", "one of: " + join(methods, ", "));
    if (const Value* url = step().with.find("url"); url != nullptr) {
      if (!url->is_string())
        say("url", "the url must be a string", "write https://HOST/PATH");
      else if (auto checked = check_http_url(url->as_string()); !checked) {
        if (url->as_string().find('@') != std::string::npos) problems.hide(url->place);
        say("url", checked.error().message, checked.error().hint);
      }
    }
    const Value* headers = step().with.find("headers");
    if (headers == nullptr) return;
    if (!headers->is_object()) return say("headers", "headers must be a map", "headers: { X-Name: value }");
    for (const Member& member : headers->as_object()) {
      const bool good_name = !member.key.empty() && member.key.find_first_not_of(
                                                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                        "0123456789-_") == std::string::npos;
      if (!good_name)
        problems.add(member.key_place,
                     fmt::format("bad header '{}' in {}", printable(member.key, 64), where()),
                     "letters, digits, - and _");
      if (!member.value.is_string() || member.value.as_string().find_first_of("\r\n") != std::string::npos) {
        problems.add(
            member.value.place,
            fmt::format("header '{}' must be a one-line string in {}", printable(member.key, 64), where()),
            "put the value in quotes");
      } else if (const std::string& text = member.value.as_string();
                 text.starts_with("env:") || text.starts_with("file:")) {
        if (auto checked = check_secret_reference(text, false); !checked)
          problems.add(member.value.place, fmt::format("{} in {}", checked.error().message, where()),
                       checked.error().hint);
      }
    }
  }

  void check_run() const {
    const Value* argv = step().with.find("argv");
    if (argv == nullptr) return;
    const bool good =
        argv->is_array() && !argv->as_array().empty() && argv->as_array().size() <= 256 &&
        std::all_of(argv->as_array().begin(), argv->as_array().end(),
                    [](const Value& word) {
                      return word.is_string() && word.as_string().find('\0') == std::string::npos;
                    }) &&
        !argv->as_array().front().as_string().empty();
    if (!good)
      say("argv", "argv must be a list of strings that begins with a program",
          "argv: [\"systemctl\", \"stop\", \"agent\"]; no shell reads it");
  }

  void run() const {
    const Value* written = find_at(document, {"playbooks", playbook.name, "steps", index});
    if (written != nullptr && problems.touches(*written)) return;
    const auto& actions = checked_actions();
    const auto action =
        std::find_if(actions.begin(), actions.end(), [&](const Action& a) { return step().uses == a.name; });
    if (action == actions.end()) return;
    check_keys(*action);
    if (step().uses == "flag.set") check_flag();
    if (step().uses == "http.request") check_http();
    if (step().uses == "run") check_run();
  }
};

}  // namespace

void check_playbooks(const App& app, const Value& document, Problems& problems) {
  for (const Playbook& playbook : app.playbooks) {
    for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
      StepCheck{app, document, problems, playbook, i}.run();
      for (std::size_t j = 0; j < i; ++j)
        if (playbook.steps[j].id == playbook.steps[i].id)
          problems.add(place_at(document, {"playbooks", playbook.name, "steps", i, "id"}),
                       fmt::format("step id '{}' twice in playbook '{}'", printable(playbook.steps[i].id, 64),
                                   playbook.name),
                       "give each step an id of its own");
    }
  }
}

}  // namespace tranche::spec
