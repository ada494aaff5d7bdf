// mdoc(7) pages. Checked by `mandoc -Tlint`; a test compares them with man/.
#include <cctype>

#include "base/text.hpp"
#include "cli/generate.hpp"
#include "cli/help.hpp"
#include "commands/command.hpp"
#include "spec/manual.hpp"

namespace tranche::cli {
namespace {

using commands::Command;
using commands::Flag;

// The pages change with the product, not with the day they are built.
constexpr std::string_view page_date = "November 21, 2026";

// Text of a page line: no escape, no macro at its start.
std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  // `code` of the long help is bold here.
  std::string styled;
  bool code = false;
  for (const char c : out) {
    if (c != '`') {
      styled += c;
      continue;
    }
    styled += code ? "\\fR" : "\\fB";
    code = !code;
  }
  if (styled.starts_with('.') || styled.starts_with('\'')) styled.insert(0, "\\&");
  return styled;
}

// Prose: each sentence on a line of its own, as mdoc wants it.
std::string prose(std::string_view text) {
  std::string lines = escape(text);
  for (const char* end : {". ", "? ", "! "})
    lines = replace_all(std::move(lines), end, std::string(1, end[0]) + "\n");
  return replace_all(replace_all(std::move(lines), "\n.", "\n\\&."), "\n'", "\n\\&'");
}

// An argument of a macro: quoted when it holds blanks, and never read as a macro itself.
std::string word(std::string_view text) {
  std::string out = "\\&";
  for (const char c : text) out += c == '-' ? std::string("\\-") : c == '"' ? "\"\"" : std::string(1, c);
  return text.find(' ') == std::string_view::npos ? out : "\"" + out + "\"";
}

std::string upper(std::string_view text) {
  std::string up;
  for (const char c : text) up += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return up;
}

std::string page_name(std::string_view command) {
  return "tranche-" + replace_all(std::string(command), " ", "-");
}

std::string head(const std::string& name, std::string_view summary, int section = 1) {
  return fmt::format(
      ".\\\" made by `tranche help --man`; do not edit\n.Dd {}\n.Dt {} {}\n.Os\n.Sh NAME\n.Nm {}\n.Nd {}\n",
      page_date, upper(name), section, name, escape(summary));
}

// A section of the long help: prose becomes paragraphs, "- " a list, lines indented by four an example.
std::string body(const std::vector<std::string>& lines, bool first_paragraph) {
  std::string text;
  bool example = false;
  bool list = false;
  bool blank = false;
  const auto close = [&] {
    if (example) text += ".Ed\n";
    if (list) text += ".El\n";
    if (example || list) first_paragraph = false;
    example = list = false;
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.empty()) {
      blank = true;
      continue;
    }
    if (line.starts_with("    ")) {
      if (!example) {
        close();
        text += ".Bd -literal -offset indent\n";
        example = true;
      } else if (blank) {
        text += "\n";
      }
      text += escape(line.substr(4)) + "\n";
    } else if (line.starts_with("- ")) {
      if (!list) {
        close();
        text += ".Bl -bullet\n";
        list = true;
      }
      text += ".It\n" + prose(line.substr(2)) + "\n";
    } else if (list && !blank) {
      text += prose(trim(line)) + "\n";  // goes on with the item
    } else {
      const bool was_block = example || list;
      close();
      if ((blank || was_block) && !first_paragraph) text += ".Pp\n";
      text += prose(line) + "\n";
      first_paragraph = false;
    }
    blank = false;
  }
  close();
  return text;
}

std::string flag_list(const std::vector<Flag>& flags) {
  std::string text;
  for (const Flag& flag : flags) {
    if (flag.hidden) continue;
    text += fmt::format(".It Fl \\-{}", replace_all(flag.name, "-", "\\-"));
    if (!flag.value.empty()) text += " Ar " + word(flag.value);
    text += "\n" + prose(flag_help(flag)) + "\n";
  }
  return text.empty() ? text : ".Bl -tag -width Ds\n" + text + ".El\n";
}

ManPage command_page(const Command& command) {
  const std::string name = page_name(command.name);
  const std::vector<Section> sections = long_help(command);
  std::string text = head(name, command.summary);
  text += ".Sh SYNOPSIS\n.Nm tranche " + command.name + "\n";
  for (const auto& argument : command.arguments)
    text += (argument.required ? ".Ar " : ".Op Ar ") + word(upper(argument.name)) +
            (argument.repeated ? " ...\n" : "\n");
  for (const auto& flag : command.flags) {
    if (flag.hidden) continue;
    text += (flag.required ? ".Fl \\-" : ".Op Fl \\-") + replace_all(flag.name, "-", "\\-");
    if (!flag.value.empty()) text += " Ar " + word(flag.value);
    text += "\n";
  }
  text += ".Sh DESCRIPTION\n";
  std::string described;
  for (std::size_t i = 1; i < sections.size(); ++i)
    described += fmt::format(".Ss {}\n", escape(sections[i].title)) + body(sections[i].lines, true);
  text += described.empty() ? escape(command.summary) + ".\n" : described;
  if (!command.arguments.empty()) {
    text += ".Ss Arguments\n.Bl -tag -width Ds\n";
    for (const auto& argument : command.arguments)
      text += ".It Ar " + word(upper(argument.name)) + "\n" + prose(argument.help) + "\n";
    text += ".El\n";
  }
  if (const std::string flags = flag_list(command.flags); !flags.empty()) text += ".Ss Flags\n" + flags;
  if (command.changes)
    text += ".Ss Flags of commands that change something\n" + flag_list(commands::changing_flags());
  text += ".Sh EXIT STATUS\nSee\n.Xr tranche 1 .\n";
  text += ".Sh EXAMPLES\n" + body(sections.front().lines, true);
  text += ".Sh SEE ALSO\n.Xr tranche 1\n";
  return {name + ".1", text};
}

struct ExitCode {
  int code;
  std::string_view meaning;
};
constexpr ExitCode exit_codes[] = {
    {0, "done"},
    {1, "failed: the network, a disk, a tool"},
    {2, "usage: the command line"},
    {3, "an invalid file, or a request that is not supported"},
    {4, "a gate failed"},
    {5, "rolled back, nobody stranded"},
    {6, "a signature, digest, journal or feed did not verify"},
    {7, "denied by policy"},
    {8, "pending: baking, held, waiting for approval, inconclusive"},
    {9, "conflict: somebody else moved the state; run again"},
    {10, "stopped, devices stranded"},
    {70, "a bug in tranche"},
    {130, "interrupted"},
};

ManPage main_page() {
  std::string text = head("tranche", "takes an application to every device in tranches, and back by itself");
  text += ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar argument ...\n.Op Ar flags\n.Sh DESCRIPTION\n";
  text +=
      "Everything is declared in\n.Pa tranche.yaml\nin the repository, every decision is a line in a signed "
      "journal, "
      "and every step\ncan be rehearsed before it touches a device.\n";
  for (const auto& group : commands::registry()) {
    text += fmt::format(".Ss {}\n.Bl -tag -width Ds\n", escape(group.title));
    for (const auto& command : group.commands)
      text += fmt::format(".It Xr {} 1\n{}\n", page_name(command.name), escape(command.summary));
    text += ".El\n";
  }
  text += ".Ss Flags of every command\n" + flag_list(commands::global_flags());
  text += ".Ss Flags of commands that change something\n" + flag_list(commands::changing_flags());
  text += ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n";
  text +=
      ".It Ev NO_COLOR\nWhen set, no colors.\n.It Ev TERM\nWhen \"dumb\" or unset, no colors and no live "
      "line.\n";
  text += ".It Ev TRANCHE_*\nThe only variables that env: references may name.\n.El\n";
  text += ".Sh EXIT STATUS\n.Bl -tag -width Ds\n";
  for (const auto& [code, meaning] : exit_codes) text += fmt::format(".It {}\n{}\n", code, meaning);
  return {"tranche.1", text + ".El\n"};
}

// tranche.yaml(5): every key of the file, then every action of playbooks with its arguments.
ManPage file_page() {
  std::string text =
      head("tranche.yaml", "what is delivered, to whom, in which steps, behind which gates", 5);
  text +=
      ".Sh DESCRIPTION\nOne file in the repository, or several that\n.Ic include\nputs together.\n"
      "Keys that no part knows are errors.\nDurations are written 30s, 5m, 6h, 2d; ranges 6h..24h; secrets "
      "as "
      "references\n(env:TRANCHE_NAME, or file:PATH outside the repository).\n";
  bool actions = false;
  for (const spec::ManualSection& section : spec::manual()) {
    if (section.is_action && !actions)
      text += ".Sh ACTIONS\nWhat\n.Ic uses\nof a step may name, and what it takes under\n.Ic with .\n";
    actions = section.is_action;
    text += fmt::format(".Ss {}\n{}\n", escape(section.name), prose(section.doc));
    if (section.keys.empty()) continue;
    text += ".Bl -tag -width Ds\n";
    for (const spec::ManualKey& key : section.keys) {
      text += fmt::format(".It Ic {} : Ar {}\n{}", word(key.key), word(key.takes), prose(key.doc));
      text += key.required ? " (required)\n" : "\n";
      if (!key.fallback.empty()) text += ".br\nBy default " + prose(key.fallback) + "\n";
    }
    text += ".El\n";
  }
  return {"tranche.yaml.5", text + ".Sh SEE ALSO\n.Xr tranche 1 ,\n.Xr tranche-check 1\n"};
}

}  // namespace

std::vector<ManPage> man_pages() {
  std::vector<ManPage> pages{main_page(), file_page()};
  for (const auto& group : commands::registry())
    for (const auto& command : group.commands) pages.push_back(command_page(command));
  return pages;
}

}  // namespace tranche::cli
