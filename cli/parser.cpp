// The only translation unit that sees CLI11 (4 s to compile). CLI11 splits flags from values; arguments are
// taken from what it leaves, because its lists read "[a,b]" as two values and its messages know no
// did-you-mean.
#include "cli/parser.hpp"

#include <algorithm>
#include <cctype>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/text.hpp"

namespace tranche::cli {
namespace {

using commands::Argument;
using commands::Command;
using commands::Flag;
using commands::Options;

std::string usage_hint(const Command& command) {
  return fmt::format("see `tranche {} --help`", command.name);
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::vector<Flag> all_flags(const Command& command) {
  std::vector<Flag> flags = command.flags;
  const auto add = [&](const std::vector<Flag>& more) {
    flags.insert(flags.end(), more.begin(), more.end());
  };
  if (command.changes) add(commands::changing_flags());
  add(commands::global_flags());
  return flags;
}

Result<> check_choice(const std::string& shown, const std::vector<std::string>& choices,
                      const std::string& value) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
  const std::string near = nearest(value, choices);
  return fail_hint(ErrorKind::usage,
                   near.empty() ? "it takes: " + join(choices, ", ") : "did you mean '" + near + "'?",
                   "{} cannot be '{}'", shown, printable(value));
}

Error unknown_flag(const Command& command, const std::vector<Flag>& flags, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& flag : flags)
    if (!flag.hidden) names.push_back("--" + flag.name);
  const std::string name = word.substr(0, word.find('='));
  const std::string near = nearest(name, names);
  return {ErrorKind::usage, fmt::format("unknown flag '{}' of `tranche {}`", printable(name), command.name),
          near.empty() ? usage_hint(command) : "did you mean '" + near + "'?"};
}

Result<> take_arguments(const Command& command, std::vector<std::string> words, Options& options) {
  std::size_t at = 0;
  for (const Argument& argument : command.arguments) {
    const std::string shown = upper(argument.name);
    Options::Entry entry{.shown = shown};
    do {
      if (at == words.size()) break;
      TRY(check_choice(shown, argument.choices, words[at]));
      entry.values.push_back(std::move(words[at++]));
    } while (argument.repeated);
    if (entry.values.empty() && argument.required)
      return fail_hint(ErrorKind::usage, usage_hint(command), "`tranche {}` needs {}: {}", command.name,
                       shown, argument.help);
    options.entries[argument.name] = std::move(entry);
  }
  if (at < words.size())
    return fail_hint(ErrorKind::usage, usage_hint(command), "`tranche {}` has no use for '{}'", command.name,
                     printable(words[at]));
  return {};
}

Result<> take_flag(const Command& command, const Flag& flag, const CLI::Option& option, Options& options) {
  const std::string shown = "--" + flag.name;
  Options::Entry entry{.shown = shown, .default_text = flag.default_text};
  if (option.count() > 0) entry.values = option.results();
  if (entry.values.size() > 1 && !flag.repeated && !flag.value.empty())
    return fail_hint(ErrorKind::usage, "give it once", "{} is given twice", shown);
  for (const auto& value : entry.values)
    if (!flag.value.empty()) TRY(check_choice(shown, flag.choices, value));
  if (entry.values.empty() && flag.required)
    return fail_hint(ErrorKind::usage, usage_hint(command), "`tranche {}` needs {} {}: {}", command.name,
                     shown, flag.value, flag.help);
  options.entries[flag.name] = std::move(entry);
  return {};
}

}  // namespace

Result<CommandLine> parse(const Command& command, const std::vector<std::string>& rest) {
  const std::vector<Flag> flags = all_flags(command);
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<CLI::Option*> declared;
  for (const Flag& flag : flags) {
    std::string name = "--" + flag.name;
    if (flag.name == "help") name = "-h," + name;
    CLI::Option* option =
        flag.value.empty() ? app.add_flag(name)->disable_flag_override() : app.add_option(name)->expected(1);
    declared.push_back(option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll));
  }
  try {
    app.parse(std::vector<std::string>(rest.rbegin(), rest.rend()));  // CLI11 pops from the back
  } catch (const CLI::ArgumentMismatch& mismatch) {
    // "--file: 1 required TEXT missing", "json was given a disallowed flag override"
    const std::string what = mismatch.what();
    const std::string name = what.substr(0, what.find_first_of(": "));
    for (const Flag& flag : flags)
      if (name == flag.name || name == "--" + flag.name)
        return fail_hint(ErrorKind::usage, usage_hint(command), "--{} {}", flag.name,
                         flag.value.empty() ? "takes no value" : "needs a value");
    return fail_hint(ErrorKind::usage, usage_hint(command), "{}", what);
  } catch (const CLI::ParseError& error) {
    return fail_hint(ErrorKind::usage, usage_hint(command), "{}", error.what());
  }

  CommandLine line;
  const auto given = [&](std::string_view name) {
    for (std::size_t i = 0; i < flags.size(); ++i)
      if (flags[i].name == name) return declared[i]->count() > 0;
    return false;
  };
  line.help = given("help");
  line.json = given("json");
  line.quiet = given("quiet");
  line.no_color = given("no-color");
  line.dry_run = command.changes && given("dry-run");
  if (line.help) return line;

  std::vector<std::string> words;
  bool only_arguments = false;
  for (const std::string& word : app.remaining()) {
    if (!only_arguments && word == "--") {
      only_arguments = true;
    } else if (!only_arguments && word.size() > 1 && word.front() == '-') {
      return fail(unknown_flag(command, flags, word));
    } else {
      words.push_back(word);
    }
  }
  TRY(take_arguments(command, std::move(words), line.options));
  for (std::size_t i = 0; i < flags.size(); ++i)
    TRY(take_flag(command, flags[i], *declared[i], line.options));
  line.file = line.options.text("file");
  line.file_given = line.options.given("file");
  if (command.changes) line.reason = line.options.text("reason");
  return line;
}

}  // namespace tranche::cli
