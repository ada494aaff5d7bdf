// A command is one record: what it is called, what it takes, what it does. Parsing, help, man pages and
// completions are made from the record, so they cannot disagree.
//
//   Command rollout_start() {
//     return {.name = "rollout start", .summary = "start a rollout and freeze its plan",
//             .help_path = "commands/rollout/start.md", .changes = true,
//             .arguments = {{.name = "rollout", .help = "a name under rollouts:"}},
//             .flags = {{.name = "release", .value = "VERSION", .help = "the release to roll out", .required
//             = true}}, .run = run};
//   }
//
// run() asks lib and shows the answer: stdout is the result (Outcome), stderr is the talk (Context::say).
// A new command: its file beside its .md, one line in commands.hpp, one line in cli/registry.cpp. Its .md
// begins with "## Examples" (lines indented by four blanks), then says what it does in plain sections ("##
// Title", paragraphs, indented examples, "- " lists): it is shown as it is, and becomes the man page.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/time.hpp"
#include "commands/talk.hpp"
#include "doc/value.hpp"
#include "ports/ports.hpp"

namespace tranche::commands {

struct Argument {
  std::string name;  // "rollout": options.text("rollout"); help shows ROLLOUT
  std::string help;
  bool required = true;
  bool repeated = false;             // only the last argument; required: at least one
  std::vector<std::string> choices;  // when not empty, nothing else is accepted
};

struct Flag {
  std::string name;   // "release" for --release
  std::string value;  // metavar, "VERSION"; empty: a boolean flag
  std::string help;
  bool repeated = false;     // may be given more than once; otherwise twice is a usage error
  bool required = false;     // a usage error when absent
  std::string default_text;  // what text() and the typed getters say when it was not given; shown in help
  std::vector<std::string> choices;
  bool hidden = false;  // works, but is shown nowhere
};

// What the command line said. Arguments and flags share one name space. Asking for a name that the command
// does not declare is a bug (exit 70); a value of the wrong form is kind usage.
class Options {
 public:
  [[nodiscard]] bool given(std::string_view name) const;
  // The value, else default_text. Of a repeated one: the first.
  [[nodiscard]] std::string text(std::string_view name) const;
  // All values, in order; default_text alone when none was given and there is one.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  // Kind usage when absent without a default_text: ask given() first where that is fine.
  [[nodiscard]] Result<Duration> duration(std::string_view name) const;
  [[nodiscard]] Result<std::uint64_t> number(std::string_view name) const;
  [[nodiscard]] Result<Percent> percent(std::string_view name) const;
  [[nodiscard]] Result<Instant> instant(std::string_view name) const;

  // For the parser and tests.
  struct Entry {
    std::string shown;  // "--release" or "ROLLOUT": for messages
    std::string default_text;
    std::vector<std::string> values;
  };
  std::map<std::string, Entry, std::less<>> entries;

 private:
  [[nodiscard]] const Entry& entry(std::string_view name) const;
  [[nodiscard]] Result<std::string> required(std::string_view name) const;
};

// The answer. `text` goes to stdout as it is (end it with a newline; empty: nothing); with --json `json`
// goes there instead, on one line. An exit code other than 0 with an answer (verify: 6, rollout advance: 8)
// is no Error: both are shown.
struct Outcome {
  int exit_code = 0;
  doc::Value json;  // an object with "schema": "tranche/<noun>[-<verb>]/v1"
  std::string text;
  std::string json_text;  // when not empty: shown in place of `json`, for answers too large for a tree
};

struct Context {
  ports::World& world;
  Talk& talk;
  bool json = false;
  bool quiet = false;
  bool color = false;  // of stdout; stderr has its own in talk
  bool dry_run = false;
  std::string file = "tranche.yaml";  // --file
  bool file_given = false;
  std::string reason;  // --reason; may be empty

  // One line of talk on stderr, unless --quiet. User-controlled text goes through printable() first.
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (!quiet) talk.line(fmt::format(format, std::forward<Args>(args)...));
  }
  // A line of a machine-readable stream on stdout, for commands that run on (serve, rollout watch --json).
  void stream(const doc::Value& event);
};

struct Command {
  std::string name;       // "rollout start"
  std::string summary;    // one line, lower case, no full stop
  std::string help_path;  // embedded long help, "commands/rollout/start.md"; begins with "## Examples"
  bool changes = false;   // takes --dry-run and --reason
  std::vector<Argument> arguments;
  std::vector<Flag> flags;
  std::function<Result<Outcome>(const Options&, Context&)> run;
  std::string (*help_table)() = nullptr;  // the help's last section, "Table", from what the code itself reads
};

// A group of commands, for the overview: "set up, validate, …".
struct Group {
  std::string title;
  std::vector<Command> commands;
};

// Every command in help order (cli/registry.cpp).
const std::vector<Group>& registry();
std::vector<std::string> command_names();
// Makes that one command only: most runs need no other. nullopt when there is none of that name.
std::optional<Command> find_command(std::string_view name);

// What every command takes besides its own flags.
const std::vector<Flag>& global_flags();    // --json --file --quiet --no-color --help
const std::vector<Flag>& changing_flags();  // --dry-run --reason

}  // namespace tranche::commands
