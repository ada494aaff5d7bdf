// Completion scripts. Everything is known when they are made, so a Tab costs no process.
#include <algorithm>

#include "base/text.hpp"
#include "cli/generate.hpp"
#include "cli/help.hpp"
#include "cli/parser.hpp"
#include "commands/commands.hpp"

namespace tranche::cli {
namespace {

using commands::Command;
using commands::Flag;

// Inside single quotes of a POSIX shell, zsh or fish.
std::string quote_posix(std::string_view text) {
  return "'" + replace_all(std::string(text), "'", "'\\''") + "'";
}
std::string quote_fish(std::string_view text) {
  return "'" + replace_all(replace_all(std::string(text), "\\", "\\\\"), "'", "\\'") + "'";
}
// An item of _describe: the first ':' ends the word.
std::string zsh_item(std::string_view word, std::string_view help) {
  return quote_posix(replace_all(std::string(word), ":", "\\:") + ":" + std::string(help));
}

std::vector<Flag> flags_of(const Command& command) {
  std::vector<Flag> flags;
  const auto add = [&](const std::vector<Flag>& more) {
    for (const Flag& flag : more)
      if (!flag.hidden) flags.push_back(flag);
  };
  add(command.flags);
  if (command.changes) add(commands::changing_flags());
  add(commands::global_flags());
  return flags;
}

std::vector<Command> all_commands() {
  std::vector<Command> all;
  for (const auto& group : commands::registry())
    all.insert(all.end(), group.commands.begin(), group.commands.end());
  return all;
}

std::vector<std::string> first_words() {
  std::vector<std::string> words;
  for (const auto& name : commands::command_names()) {
    const std::string first = name.substr(0, name.find(' '));
    if (std::find(words.begin(), words.end(), first) == words.end()) words.push_back(first);
  }
  return words;
}

std::string summary_of_first(const std::string& first) {
  if (const auto command = commands::find_command(first)) return command->summary;
  return join(verbs_of(first), ", ");
}

// "sbom" is a command and has verbs besides: the word after it is a verb only when it is one of them.
bool is_command(const std::string& noun) { return commands::find_command(noun).has_value(); }

// The arms of a shell's case that join a noun and its verb; bash and zsh read the same.
std::string verb_arms() {
  std::vector<std::string> pure;
  std::string arms;
  for (const auto& noun : nouns()) {
    if (!is_command(noun))
      pure.push_back(noun);
    else
      arms += fmt::format("          {}) case $word in {}) command=\"$command $word\" ;; esac ;;\n", noun,
                          join(verbs_of(noun), "|"));
  }
  return "          " + join(pure, "|") + ") command=\"$command $word\" ;;\n" + arms;
}

std::vector<std::string> choices_of(const Command& command) {
  for (const auto& argument : command.arguments)
    if (!argument.choices.empty()) return argument.choices;
  if (command.name == "help") return first_words();
  return {};
}

std::string bash_script() {
  std::string text = R"(# bash completion for tranche; made by `tranche completion bash`
_tranche() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= word i skip=
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      --file|--reason) skip=1 ;;
      -*) ;;
      *)
        if [[ -z $command ]]; then command=$word
        else case $command in
)";
  text += verb_arms();
  text += R"(        esac; fi ;;
    esac
  done
  local flags= values= choices= verbs=
  case $command in
)";
  text += "    '') choices=" + quote_posix(join(first_words(), " ")) +
          " flags='--json --quiet --no-color --help' ;;\n";
  for (const auto& noun : nouns())
    if (!is_command(noun))
      text += fmt::format("    {}) choices={} flags='--help' ;;\n", quote_posix(noun),
                          quote_posix(join(verbs_of(noun), " ")));
  for (const auto& command : all_commands()) {
    std::vector<std::string> names;
    std::vector<std::string> values;
    std::string choice_flags;
    for (const Flag& flag : flags_of(command)) {
      names.push_back("--" + flag.name);
      if (!flag.value.empty()) values.push_back("--" + flag.name);
      if (!flag.choices.empty())
        choice_flags += fmt::format(
            "\n      [[ $prev == --{} ]] && {{ COMPREPLY=($(compgen -W {} -- \"$cur\")); return; }}",
            flag.name, quote_posix(join(flag.choices, " ")));
    }
    text += fmt::format("    {}) choices={} verbs={} flags={} values={}{} ;;\n", quote_posix(command.name),
                        quote_posix(join(choices_of(command), " ")),
                        quote_posix(join(verbs_of(command.name), " ")), quote_posix(join(names, " ")),
                        quote_posix(" " + join(values, " ") + " "), choice_flags);
  }
  text += R"(  esac
  if [[ -n $values && $values == *" $prev "* ]]; then COMPREPLY=($(compgen -f -- "$cur")); return; fi
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); return; fi
  if [[ -n $choices ]]; then COMPREPLY=($(compgen -W "$choices" -- "$cur")); return; fi
  COMPREPLY=($(compgen -W "$verbs" -- "$cur"; compgen -f -- "$cur"))
}
complete -o filenames -F _tranche tranche
)";
  return text;
}

std::string zsh_describe(std::string_view tag, const std::vector<std::string>& items) {
  return fmt::format("items=({}); _describe {} items", join(items, " "), tag);
}

std::string zsh_script() {
  std::string text = R"(#compdef tranche
# zsh completion for tranche; made by `tranche completion zsh`
_tranche() {
  local command= word skip= i
  local -a items flags
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      --file|--reason) skip=1 ;;
      -*) ;;
      *)
        if [[ -z $command ]]; then command=$word
        else case $command in
)";
  text += verb_arms();
  text += R"(        esac; fi ;;
    esac
  done
  case $command in
)";
  std::vector<std::string> items;
  for (const auto& first : first_words()) items.push_back(zsh_item(first, summary_of_first(first)));
  text += "    '') " + zsh_describe("command", items) + " ;;\n";
  for (const auto& noun : nouns()) {
    if (is_command(noun)) continue;
    items.clear();
    for (const auto& verb : verbs_of(noun))
      items.push_back(zsh_item(verb, commands::find_command(noun + " " + verb)->summary));
    text += fmt::format("    {}) {} ;;\n", noun, zsh_describe("verb", items));
  }
  for (const auto& command : all_commands()) {
    std::vector<std::string> flags;
    std::string values;
    for (const Flag& flag : flags_of(command)) {
      flags.push_back(zsh_item("--" + flag.name, flag_help(flag)));
      if (flag.value.empty()) continue;
      values += fmt::format(
          "\n        --{}) {} ;;", flag.name,
          flag.choices.empty() ? "_files; return" : "compadd -- " + join(flag.choices, " ") + "; return");
    }
    text += fmt::format("    {})\n      flags=({})\n", quote_posix(command.name), join(flags, " "));
    text += fmt::format("      case ${{words[CURRENT-1]}} in{}\n      esac\n", values);
    const auto choices = choices_of(command);
    const auto verbs = verbs_of(command.name);
    const std::string more = verbs.empty() ? "" : "compadd -- " + join(verbs, " ") + "; ";
    text += fmt::format("      if [[ $PREFIX == -* ]]; then _describe flag flags; else {}{}; fi ;;\n", more,
                        choices.empty() ? "_files" : "compadd -- " + join(choices, " "));
  }
  text += R"(  esac
}
if [[ $funcstack[1] == _tranche ]]; then _tranche "$@"; else compdef _tranche tranche; fi
)";
  return text;
}

// fish asks conditions: which words stand on the line already.
std::string fish_condition(const std::string& name) {
  const auto blank = name.find(' ');
  if (blank == std::string::npos) {
    const std::string condition = "__fish_seen_subcommand_from " + name;
    const auto verbs = verbs_of(name);
    return verbs.empty() ? condition
                         : condition + "; and not __fish_seen_subcommand_from " + join(verbs, " ");
  }
  return fmt::format("__fish_seen_subcommand_from {}; and __fish_seen_subcommand_from {}",
                     name.substr(0, blank), name.substr(blank + 1));
}

std::string fish_script() {
  std::string text = "# fish completion for tranche; made by `tranche completion fish`\n";
  const std::string all_first = join(first_words(), " ");
  for (const auto& first : first_words())
    text += fmt::format("complete -c tranche -f -n 'not __fish_seen_subcommand_from {}' -a {} -d {}\n",
                        all_first, first, quote_fish(summary_of_first(first)));
  for (const auto& noun : nouns()) {
    const std::string verbs = join(verbs_of(noun), " ");
    for (const auto& verb : verbs_of(noun))
      text += fmt::format(
          "complete -c tranche {}-n '__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from "
          "{}' -a {} -d {}\n",
          is_command(noun) ? "" : "-f ", noun, verbs, verb,
          quote_fish(commands::find_command(noun + " " + verb)->summary));
  }
  for (const auto& command : all_commands()) {
    const std::string condition = quote_fish(fish_condition(command.name));
    if (const auto choices = choices_of(command); !choices.empty())
      text += fmt::format("complete -c tranche -f -n {} -a {}\n", condition, quote_fish(join(choices, " ")));
    for (const Flag& flag : flags_of(command)) {
      std::string takes;
      if (!flag.choices.empty())
        takes = " -x -a " + quote_fish(join(flag.choices, " "));
      else if (!flag.value.empty())
        takes = " -r";
      text += fmt::format("complete -c tranche -n {} -l {}{} -d {}\n", condition, flag.name, takes,
                          quote_fish(flag_help(flag)));
    }
  }
  return text;
}

Result<commands::Outcome> run_completion(const commands::Options& options, commands::Context&) {
  const std::string shell = options.text("shell");
  std::string script = TRY(completion_script(shell));
  return commands::Outcome{
      .json = doc::Value::object({{"schema", "tranche/completion/v1"}, {"shell", shell}, {"script", script}}),
      .text = std::move(script)};
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  return fail_hint(ErrorKind::usage, "it takes: bash, zsh, fish", "no completion for '{}'", printable(shell));
}

}  // namespace tranche::cli

namespace tranche::commands {

Command completion() {
  return {.name = "completion",
          .summary = "print the completion script of a shell",
          .help_path = "commands/completion.md",
          .arguments = {{.name = "shell", .help = "bash, zsh or fish", .choices = {"bash", "zsh", "fish"}}},
          .run = cli::run_completion};
}

}  // namespace tranche::commands
