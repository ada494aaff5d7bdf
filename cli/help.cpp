#include "cli/help.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "base/text.hpp"
#include "cli/generate.hpp"
#include "cli/parser.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"

namespace tranche {
std::string_view embedded_text(std::string_view path);  // cli/embed.cmake
}

namespace tranche::cli {
namespace {

using commands::Command;
using commands::Flag;
using commands::Outcome;
using commands::Style;
using commands::styled;
using commands::Table;

std::string upper(std::string_view text) {
  std::string up;
  for (const char c : text) up += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return up;
}

std::string flag_table(const std::vector<Flag>& flags) {
  Table table;
  for (const Flag& flag : flags)
    if (!flag.hidden) table.row({shown_flag(flag), flag_help(flag)});
  return table.text(4);
}

std::string section_text(const Section& section, bool color) {
  std::string text = "\n" + styled(section.title, Style::bold, color) + "\n";
  for (const auto& line : section.lines) {
    // Prose and lists move in by four; examples have their four blanks already.
    const bool indented = line.empty() || line.starts_with("    ");
    text += (indented ? line : "    " + line) + "\n";
  }
  return text;
}

std::string command_text(const Command& command, bool color) {
  std::string text = fmt::format("tranche {}: {}\n", command.name, command.summary);
  const std::vector<Section> sections = long_help(command);
  text += section_text(sections.front(), color);
  const auto heading = [&](std::string_view title) {
    text += "\n" + styled(title, Style::bold, color) + "\n";
  };
  heading("Usage");
  text += "    " + usage_line(command) + "\n";
  if (!command.arguments.empty()) {
    heading("Arguments");
    Table table;
    for (const auto& argument : command.arguments) table.row({shown_argument(argument), argument.help});
    text += table.text(4);
  }
  if (!command.flags.empty()) {
    heading("Flags");
    text += flag_table(command.flags);
  }
  heading("Flags of every command");
  std::vector<Flag> shared = command.changes ? commands::changing_flags() : std::vector<Flag>{};
  shared.insert(shared.end(), commands::global_flags().begin(), commands::global_flags().end());
  text += flag_table(shared);
  for (std::size_t i = 1; i < sections.size(); ++i) text += section_text(sections[i], color);
  if (const auto verbs = verbs_of(command.name); !verbs.empty()) {
    heading("See also");
    Table table;
    for (const auto& verb : verbs) {
      const Command other = *commands::find_command(command.name + " " + verb);
      table.row({"tranche " + other.name, other.summary});
    }
    text += table.text(4);
  }
  return text;
}

doc::Value command_value(const Command& command) {
  doc::Value arguments = doc::Value::array();
  for (const auto& argument : command.arguments)
    arguments.push(doc::Value::object({{"name", argument.name},
                                       {"help", argument.help},
                                       {"required", argument.required},
                                       {"repeated", argument.repeated}}));
  doc::Value flags = doc::Value::array();
  for (const auto& flag : command.flags)
    if (!flag.hidden)
      flags.push(doc::Value::object({{"name", flag.name},
                                     {"value", flag.value},
                                     {"help", flag.help},
                                     {"required", flag.required},
                                     {"repeated", flag.repeated},
                                     {"default", flag.default_text}}));
  return doc::Value::object({{"name", command.name},
                             {"summary", command.summary},
                             {"usage", usage_line(command)},
                             {"changes", command.changes},
                             {"arguments", std::move(arguments)},
                             {"flags", std::move(flags)}});
}

Outcome answer(std::string text, const std::vector<Command>& about) {
  doc::Value list = doc::Value::array();
  for (const auto& command : about) list.push(command_value(command));
  return {.json = doc::Value::object({{"schema", "tranche/help/v1"}, {"commands", std::move(list)}}),
          .text = std::move(text)};
}

Outcome overview(bool color) {
  std::string text =
      "tranche takes an application from built artifacts to every device, in tranches,\n"
      "and takes it back by itself when the numbers say so.\n";
  std::vector<Command> all;
  std::size_t width = 0;
  for (const auto& name : commands::command_names()) width = std::max(width, name.size());
  for (const auto& group : commands::registry()) {
    text += "\n" + styled(group.title, Style::bold, color) + "\n";
    for (const auto& command : group.commands) {
      text += fmt::format("    {:<{}}  {}\n", command.name, width, command.summary);
      all.push_back(command);
    }
  }
  text +=
      "\nStart with `tranche init`. `tranche help COMMAND` shows examples and flags.\n"
      "Exit codes: 0 done, 1 failed, 2 usage, 3 invalid file, 4 gate failed, 5 rolled back,\n"
      "6 verification failed, 7 denied, 8 pending, 9 conflict, 10 devices stranded.\n";
  return answer(std::move(text), all);
}

Outcome noun_help(const std::string& noun, bool color) {
  std::vector<Command> verbs;
  std::size_t width = 0;
  for (const auto& verb : verbs_of(noun)) {
    verbs.push_back(*commands::find_command(noun + " " + verb));
    width = std::max(width, verbs.back().name.size());
  }
  std::string text = styled("Commands of tranche " + noun, Style::bold, color) + "\n";
  for (const auto& command : verbs)
    text += fmt::format("    {:<{}}  {}\n", command.name, width, command.summary);
  text += fmt::format("\n`tranche help {} VERB` shows examples and flags.\n", noun);
  return answer(std::move(text), verbs);
}

Result<Outcome> run_help(const commands::Options& options, commands::Context& context) {
  if (options.given("man")) {
    const std::string directory = options.text("man");
    doc::Value files = doc::Value::array();
    for (const ManPage& page : man_pages()) {
      TRY(context.world.files.write(directory + "/" + page.name, page.text));
      files.push(page.name);
    }
    return Outcome{.json = doc::Value::object({{"schema", "tranche/man/v1"}, {"files", std::move(files)}})};
  }
  return help_about(join(options.list("command"), " "), context.color);
}

}  // namespace

std::string shown_argument(const commands::Argument& argument) {
  std::string text = upper(argument.name) + (argument.repeated ? "..." : "");
  return argument.required ? text : "[" + text + "]";
}

std::string shown_flag(const Flag& flag) {
  return flag.value.empty() ? "--" + flag.name : fmt::format("--{} {}", flag.name, flag.value);
}

std::string flag_help(const Flag& flag) {
  std::string text = flag.help;
  if (!flag.choices.empty()) text += fmt::format(" ({})", join(flag.choices, ", "));
  if (flag.required) text += " (needed)";
  if (flag.repeated) text += " (may be repeated)";
  if (!flag.default_text.empty()) text += fmt::format(" [{}]", flag.default_text);
  return text;
}

std::string usage_line(const Command& command) {
  std::string text = "tranche " + command.name;
  for (const auto& argument : command.arguments) text += " " + shown_argument(argument);
  for (const auto& flag : command.flags)
    if (flag.required && !flag.hidden) text += " " + shown_flag(flag);
  return text + " [flags]";
}

std::vector<Section> long_help(const Command& command) {
  std::vector<Section> sections;
  const std::string_view source = embedded_text(command.help_path);
  for (const std::string_view line : split(source, '\n')) {
    if (line.starts_with("## ")) {
      sections.push_back({std::string(line.substr(3)), {}});
    } else if (!sections.empty()) {
      if (!(line.empty() && sections.back().lines.empty())) sections.back().lines.emplace_back(line);
    }
  }
  for (auto& section : sections)
    while (!section.lines.empty() && section.lines.back().empty()) section.lines.pop_back();
  if (command.help_table != nullptr) {
    sections.push_back({"Table", {}});
    const std::string table = command.help_table();
    for (const std::string_view line : split(trim(table), '\n'))
      sections.back().lines.push_back("    " + std::string(line));
  }
  if (sections.empty() || sections.front().title != "Examples" || sections.front().lines.empty())
    throw std::logic_error(fmt::format("the help of '{}' does not begin with ## Examples", command.name));
  return sections;
}

Result<Outcome> help_about(const std::string& topic, bool color) {
  if (topic.empty()) return overview(color);
  if (const auto command = commands::find_command(topic))
    return answer(command_text(*command, color), {*command});
  if (!verbs_of(topic).empty()) return noun_help(topic, color);
  std::vector<std::string> candidates = commands::command_names();
  for (const auto& noun : nouns()) candidates.push_back(noun);
  const std::string near = nearest(topic, candidates);
  return fail_hint(ErrorKind::usage,
                   near.empty() ? "`tranche help` lists the commands" : "did you mean '" + near + "'?",
                   "there is no command '{}'", printable(topic));
}

}  // namespace tranche::cli

namespace tranche::commands {

Command help() {
  return {.name = "help",
          .summary = "show what a command does, with examples",
          .help_path = "commands/help.md",
          .arguments = {{.name = "command",
                         .help = "a command, or the first word of several",
                         .required = false,
                         .repeated = true}},
          .flags = {{.name = "man", .value = "DIR", .help = "write the man pages there", .hidden = true}},
          .run = cli::run_help};
}

}  // namespace tranche::commands
