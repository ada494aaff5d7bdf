// Steps of playbooks: what their actions are given, by the table of actions, and where they lead.
#include <algorithm>

#include "spec/action_grammar.hpp"
#include "spec/grammar.hpp"
#include "spec/meaning.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

// One use of an action: a step, its verify or its compensate.
struct UseCheck {
  const App& app;
  const Value& document;
  Problems& problems;
  const Playbook& playbook;
  std::size_t index;
  std::string_view part;  // "verify", "compensate", or empty: the step itself
  const std::string& uses;
  const Value& with;

  [[nodiscard]] Place at(std::string_view key) const {
    if (part.empty()) return place_at(document, {"playbooks", playbook.name, "steps", index, "with", key});
    return place_at(document, {"playbooks", playbook.name, "steps", index, part, "with", key});
  }
  [[nodiscard]] std::string where() const {
    const std::string step = fmt::format("step {} of playbook '{}'", index + 1, playbook.name);
    return part.empty() ? step : fmt::format("{} of {}", part, step);
  }
  void say(std::string_view key, std::string message, std::string hint) const {
    problems.add(at(key), std::move(message) + " in " + where(), std::move(hint));
  }
  void wants(const ActionArgument& argument, std::string_view what, std::string hint) const {
    say(argument.key, fmt::format("{} must be {}", argument.key, what), std::move(hint));
  }

  void check_keys(const ActionGrammar& action) const {
    std::vector<std::string> known;
    for (const ActionArgument& argument : action.arguments) known.emplace_back(argument.key);
    if (with.is_object()) {
      for (const Member& member : with.as_object()) {
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
    for (const ActionArgument& argument : action.arguments)
      if (argument.required && with.find(argument.key) == nullptr)
        say(argument.key, fmt::format("missing argument '{}' of {}", argument.key, action.name),
            fmt::format("with: {{ {}: ... }}", argument.key));
  }

  template <class T>
  void check_name_of(const ActionArgument& argument, const Value& value, const std::vector<T>& known,
                     std::string_view noun) const {
    if (!value.is_string())
      return wants(argument, "a name", fmt::format("with: {{ {}: NAME }}", argument.key));
    const std::string& name = value.as_string();
    if (std::ranges::find(known, name, &T::name) == known.end())
      say(argument.key, fmt::format("unknown {} '{}'", noun, printable(name, 64)),
          name_hint(name, names_of(known), noun));
  }

  void check_reference(const Value& value) const {
    if (auto checked = check_secret_reference(value.as_string(), false); !checked)
      problems.add(value.place, fmt::format("{} in {}", checked.error().message, where()),
                   checked.error().hint);
  }

  void check_secret(const ActionArgument& argument, const Value& value) const {
    if (value.is_string() && is_secret_reference(value.as_string())) return check_reference(value);
    problems.hide(value.place);
    wants(argument, "a secret reference", "write env:TRANCHE_NAME, or file:PATH outside the repository");
  }

  void check_text(const ActionArgument& argument, const Value& value) const {
    if (!value.is_string())
      return wants(argument, "a string", fmt::format("with: {{ {}: \"...\" }}", argument.key));
    if (argument.words.empty()) return;
    if (std::ranges::find(argument.words, value.as_string()) == argument.words.end())
      say(argument.key, fmt::format("unknown {}", argument.key),
          "one of: " + join(std::vector<std::string>(argument.words.begin(), argument.words.end()), ", "));
  }

  void check_texts(const ActionArgument& argument, const Value& value) const {
    const bool good =
        value.is_string() ||
        (value.is_array() && value.as_array().size() <= 100 &&
         std::ranges::all_of(value.as_array(), [](const Value& one) { return one.is_string(); }));
    if (!good) wants(argument, "a string or a list of strings", "write [..., ...]");
  }

  void check_duration(const ActionArgument& argument, const Value& value) const {
    const auto given = value.is_string() ? parse_duration(value.as_string())
                                         : Result<Duration>(fail(ErrorKind::invalid, "no text"));
    if (!given || *given > std::chrono::hours(24 * 30))
      wants(argument, "a duration of at most 30 days", "write 30s, 5m or 6h");
  }

  void check_url(const ActionArgument& argument, const Value& value) const {
    if (!value.is_string()) return say(argument.key, "the url must be a string", "write https://HOST/PATH");
    const auto checked = check_http_url(value.as_string());
    if (checked) return;
    if (value.as_string().find('@') != std::string::npos) problems.hide(value.place);
    say(argument.key, checked.error().message, checked.error().hint);
  }

  static bool is_header_name(std::string_view name) {
    return !name.empty() && name.find_first_not_of(
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_") == std::string_view::npos;
  }

  void check_headers(const Value& headers) const {
    if (!headers.is_object()) return say("headers", "headers must be a map", "headers: { X-Name: value }");
    for (const Member& member : headers.as_object()) {
      if (!is_header_name(member.key))
        problems.add(member.key_place,
                     fmt::format("bad header '{}' in {}", printable(member.key, 64), where()),
                     "letters, digits, - and _");
      if (!member.value.is_string() || member.value.as_string().find_first_of("\r\n") != std::string::npos)
        problems.add(
            member.value.place,
            fmt::format("header '{}' must be a one-line string in {}", printable(member.key, 64), where()),
            "put the value in quotes");
      else if (is_secret_reference(member.value.as_string()))
        check_reference(member.value);
    }
  }

  void check_argv(const ActionArgument& argument, const Value& argv) const {
    const bool good =
        argv.is_array() && !argv.as_array().empty() && argv.as_array().size() <= 256 &&
        std::all_of(argv.as_array().begin(), argv.as_array().end(),
                    [](const Value& word) {
                      return word.is_string() && word.as_string().find('\0') == std::string::npos;
                    }) &&
        !argv.as_array().front().as_string().empty();
    if (!good)
      wants(argument, "a list of strings that begins with a program",
            "argv: [\"systemctl\", \"stop\", \"agent\"]; no shell reads it");
  }

  void check_edits(const ActionArgument& argument, const Value& value) const {
    const auto is_edit = [](const Value& one) {
      if (!one.is_object()) return false;
      for (const Member& member : one.as_object())
        if ((member.key != "file" && member.key != "key" && member.key != "value") ||
            !member.value.is_string())
          return false;
      const Value* file = one.find("file");
      return file != nullptr && one.find("value") != nullptr && check_repository_path(file->as_string());
    };
    if (!value.is_array() || value.as_array().empty() || value.as_array().size() > 100 ||
        !std::ranges::all_of(value.as_array(), is_edit))
      wants(argument, "a list of changes to files of the repository",
            "[{ file: deploy/values.yaml, key: image.tag, value: $release }]");
  }

  void check_signature(const ActionArgument& argument, const Value& value) const {
    const Value* secret = value.find("secret");
    const Value* header = value.find("header");
    if (!value.is_object() || secret == nullptr ||
        value.as_object().size() != (header == nullptr ? 1U : 2U) ||
        (header != nullptr && !(header->is_string() && is_header_name(header->as_string()))))
      return wants(argument, "a map with a secret", "{ secret: env:TRANCHE_NAME, header: X-Signature-256 }");
    check_secret(argument, *secret);
  }

  void check_argument(const ActionArgument& argument, const Value& value) const {
    switch (argument.kind) {
      case ArgumentKind::any:
        return;
      case ArgumentKind::text:
        return check_text(argument, value);
      case ArgumentKind::texts:
        return check_texts(argument, value);
      case ArgumentKind::boolean:
        if (!value.is_bool()) wants(argument, "true or false", "without quotes");
        return;
      case ArgumentKind::integer:
        if (!value.is_int()) wants(argument, "a whole number", "without quotes");
        return;
      case ArgumentKind::duration:
        return check_duration(argument, value);
      case ArgumentKind::url:
        return check_url(argument, value);
      case ArgumentKind::secret:
        return check_secret(argument, value);
      case ArgumentKind::argv:
        return check_argv(argument, value);
      case ArgumentKind::map:
        if (!value.is_object()) wants(argument, "a map", "{ key: value }");
        return;
      case ArgumentKind::headers:
        return check_headers(value);
      case ArgumentKind::flag:
        return check_name_of(argument, value, app.flags, "flag");
      case ArgumentKind::people:
        return check_name_of(argument, value, app.people, "people");
      case ArgumentKind::cohort:
        return check_name_of(argument, value, app.cohorts, "cohort");
      case ArgumentKind::rollout:
        if (!value.is_string()) wants(argument, "a name", fmt::format("with: {{ {}: NAME }}", argument.key));
        return;
      case ArgumentKind::edits:
        return check_edits(argument, value);
      case ArgumentKind::signature:
        return check_signature(argument, value);
    }
  }

  void check_flag_value() const {
    const Value* name = with.find("flag");
    const Value* value = with.find("value");
    const Flag* flag = name != nullptr && name->is_string() ? app.flag(name->as_string()) : nullptr;
    if (flag == nullptr || value == nullptr) return;
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

  [[nodiscard]] std::string text(std::string_view key) const {
    const Value* value = with.find(key);
    return value != nullptr && value->is_string() ? value->as_string() : std::string();
  }

  // What the table of arguments cannot say: which of them a kind of token needs.
  void check_revocation() const {
    const std::string kind = text("kind");
    const auto wants_also = [&](std::string_view key, std::string_view hint) {
      if (with.find(key) == nullptr)
        say("kind", fmt::format("token.revoke of kind {} needs {}", kind, key), std::string(hint));
    };
    if (kind == "oauth") wants_also("url", "url: the provider's revocation endpoint (RFC 7009)");
    if (kind.starts_with("vault-")) wants_also("url", "url: Vault's address, https://vault.example");
    if (kind == "vault-lease") wants_also("lease", "lease: its id, as Vault gave it");
    if (with.find("client-secret") != nullptr) wants_also("client-id", "client-id: the client's");
  }

  void check_github_repository() const {
    const std::string repo = text("repo");
    const auto slash = repo.find('/');
    if (repo.empty() || repo.find('$') != std::string::npos) return;
    if (slash == 0 || slash == std::string::npos || slash + 1 == repo.size() ||
        repo.find('/', slash + 1) != std::string::npos)
      say("repo", fmt::format("'{}' is no repository", printable(repo, 64)), "repo: owner/name");
  }

  void run() const {
    const ActionGrammar* action = find_action_grammar(uses);
    if (action == nullptr) return;  // said where it was read
    check_keys(*action);
    for (const ActionArgument& argument : action->arguments)
      if (const Value* value = with.find(argument.key)) check_argument(argument, *value);
    if (uses == "flag.set") check_flag_value();
    if (uses == "token.revoke") check_revocation();
    if (uses.starts_with("github.")) check_github_repository();
  }
};

struct PlaybookCheck {
  const App& app;
  const Value& document;
  Problems& problems;
  const Playbook& playbook;

  [[nodiscard]] Place at(std::size_t i, std::string_view key) const {
    return place_at(document, {"playbooks", playbook.name, "steps", i, key});
  }

  // A jump leads on, never back: a playbook ends.
  void check_jump(std::size_t i) const {
    const Step& step = playbook.steps[i];
    if (step.on_failure != Step::OnFailure::jump) return;
    std::vector<std::string> later;
    for (std::size_t j = i + 1; j < playbook.steps.size(); ++j) later.push_back(playbook.steps[j].id);
    if (std::ranges::find(later, step.on_failure_step) != later.end()) return;
    const bool back =
        std::any_of(playbook.steps.begin(), playbook.steps.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                    [&](const Step& other) { return other.id == step.on_failure_step; });
    if (back)
      problems.add(at(i, "on-failure"),
                   fmt::format("step {} of playbook '{}' goes back to step '{}': it would never end", i + 1,
                               playbook.name, printable(step.on_failure_step, 64)),
                   "name a later step, continue or abort; retry tries a step again");
    else
      problems.add(
          at(i, "on-failure"),
          fmt::format("playbook '{}' has no step '{}' to go on at", playbook.name,
                      printable(step.on_failure_step, 64)),
          later.empty() ? "write continue or abort" : name_hint(step.on_failure_step, later, "step"));
  }

  // A question that is asked after a step, and what takes a step back, do not wait themselves.
  void check_use(std::size_t i, std::string_view part, const std::string& uses) const {
    if (uses != "wait" && uses != "approval") return;
    problems.add(
        place_at(document, {"playbooks", playbook.name, "steps", i, part, "uses"}),
        fmt::format("{} is nothing for {} of step {} of playbook '{}'", uses, part, i + 1, playbook.name),
        "write it as a step of its own");
  }

  // Stopping waits for nobody.
  void check_stopping() const {
    const bool rolls_back = std::ranges::any_of(
        app.rollouts, [&](const Rollout& rollout) { return rollout.on_failure == playbook.name; });
    if (!rolls_back) return;
    std::optional<std::size_t> asks;
    for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
      const Step& step = playbook.steps[i];
      if (!asks && (!step.approval.empty() || step.uses == "approval")) asks = i;
      if (!asks || !step.uses.starts_with("channel.")) continue;
      problems.add(at(*asks, step.approval.empty() ? "uses" : "approval"),
                   fmt::format("{} in step {} of playbook '{}' waits for approval in step {}: stopping a "
                               "release waits for nobody",
                               step.uses, i + 1, playbook.name, *asks + 1),
                   "put the steps of channel.* first, and what wants approval after them");
      return;
    }
  }

  void check_step(std::size_t i) const {
    const Step& step = playbook.steps[i];
    const Value* written = find_at(document, {"playbooks", playbook.name, "steps", i});
    if (written != nullptr && problems.touches(*written)) return;
    UseCheck{app, document, problems, playbook, i, "", step.uses, step.with}.run();
    UseCheck{app, document, problems, playbook, i, "verify", step.verify.uses, step.verify.with}.run();
    UseCheck{app, document, problems, playbook, i, "compensate", step.compensate.uses, step.compensate.with}
        .run();
    check_use(i, "verify", step.verify.uses);
    check_use(i, "compensate", step.compensate.uses);
    check_jump(i);
    if (!step.approval.empty() &&
        std::ranges::find(app.people, step.approval, &People::name) == app.people.end())
      problems.add(at(i, "approval"),
                   fmt::format("unknown people '{}' in step {} of playbook '{}'",
                               printable(step.approval, 64), i + 1, playbook.name),
                   app.people.empty() ? "add them under `people:`"
                                      : name_hint(step.approval, names_of(app.people), "people"));
    for (std::size_t j = 0; j < i; ++j)
      if (playbook.steps[j].id == step.id)
        problems.add(
            at(i, "id"),
            fmt::format("step id '{}' twice in playbook '{}'", printable(step.id, 64), playbook.name),
            "give each step an id of its own");
  }
};

}  // namespace

void check_playbooks(const App& app, const Value& document, Problems& problems) {
  for (const Playbook& playbook : app.playbooks) {
    const PlaybookCheck check{app, document, problems, playbook};
    for (std::size_t i = 0; i < playbook.steps.size(); ++i) check.check_step(i);
    check.check_stopping();
  }
}

}  // namespace tranche::spec
