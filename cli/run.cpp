// parse → dispatch → render → exit code, and the one place where an exception ends.
#include "cli/run.hpp"

#include <algorithm>
#include <exception>

#include "base/text.hpp"
#include "cli/help.hpp"
#include "cli/parser.hpp"
#include "cli/render.hpp"

namespace tranche::cli {
namespace {

// --json counts even when the rest of the line cannot be parsed: the reader of the error is a program.
bool asks_json(const std::vector<std::string>& args) {
  const auto end = std::find(args.begin(), args.end(), "--");
  return std::find(args.begin(), end, "--json") != end;
}

struct Terminal {
  bool plain = true;  // NO_COLOR or --no-color
  bool dumb = true;   // TERM=dumb or unset: nothing can be rewritten
};

Terminal look_at_terminal(const std::vector<std::string>& args, ports::World& world) {
  const std::string term = world.environ.get("TERM").value_or("");
  const bool dumb = term.empty() || term == "dumb";
  const bool no_color = !world.environ.get("NO_COLOR").value_or("").empty() ||
                        std::find(args.begin(), args.end(), "--no-color") != args.end();
  return {.plain = no_color || dumb, .dumb = dumb};
}

// A noun without its verb: its help when asked for, else what is missing.
Result<commands::Outcome> answer_noun(const Words& words, bool color) {
  const bool asked = std::find_if(words.rest.begin(), words.rest.end(), [](const std::string& word) {
                       return word == "--help" || word == "-h";
                     }) != words.rest.end();
  if (words.command.empty() && !asked) {
    auto overview = TRY(help_about("", color));
    overview.exit_code = static_cast<int>(ErrorKind::usage);  // `tranche $UNSET` in a script is no success
    return overview;
  }
  if (asked) return help_about(words.command, color);
  return fail_hint(ErrorKind::usage, fmt::format("see `tranche help {}`", words.command),
                   "`tranche {}` needs a verb: {}", words.command, join(verbs_of(words.command), ", "));
}

Result<commands::Outcome> dispatch(const std::vector<std::string>& args, ports::World& world,
                                   const Terminal& terminal) {
  const bool color = !terminal.plain && world.console.out_is_terminal();
  const Words words = TRY(split_command(args));
  const auto command = commands::find_command(words.command);
  if (!command) return answer_noun(words, color);
  const CommandLine line = TRY(parse(*command, words.rest));
  if (line.help) return help_about(words.command, color);
  const bool err_terminal = world.console.err_is_terminal();
  commands::Talk talk(world, {.live = err_terminal && !terminal.dumb,
                              .color = err_terminal && !terminal.plain,
                              .quiet = line.quiet});
  commands::Context context{.world = world,
                            .talk = talk,
                            .json = line.json,
                            .quiet = line.quiet,
                            .color = color && !line.json,
                            .dry_run = line.dry_run,
                            .file = line.file,
                            .file_given = line.file_given,
                            .reason = line.reason};
  return command->run(line.options, context);
}

int finish(const Error& error, bool json, bool color, ports::World& world) {
  show(error, json, color, world.console);
  return static_cast<int>(error.kind);
}

Error bug(const char* what) {
  return {ErrorKind::bug, fmt::format("tranche itself is at fault: {}", printable(what)),
          "please report this, with the command and `tranche version`"};
}

}  // namespace

int run(const std::vector<std::string>& args, ports::World& world) {
  const bool json = asks_json(args);
  const Terminal terminal = look_at_terminal(args, world);
  const bool color = !terminal.plain && world.console.err_is_terminal();
  try {
    auto outcome = dispatch(args, world, terminal);
    if (!outcome) {
      if (world.clock.interrupted() && outcome.error().kind == ErrorKind::failed)
        outcome.error().kind = ErrorKind::interrupted;
      return finish(outcome.error(), json, color, world);
    }
    show(*outcome, json, world.console);
    return outcome->exit_code;
  } catch (const std::bad_alloc&) {
    return finish({ErrorKind::failed, "out of memory", "give this process more memory"}, json, color, world);
  } catch (const std::exception& error) {
    return finish(bug(error.what()), json, color, world);
  }
}

}  // namespace tranche::cli
