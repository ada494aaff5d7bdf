#include "commands/command.hpp"

#include <stdexcept>

#include "base/text.hpp"

namespace tranche::commands {

const Options::Entry& Options::entry(std::string_view name) const {
  const auto found = entries.find(name);
  if (found == entries.end()) throw std::logic_error(fmt::format("the command declares no '{}'", name));
  return found->second;
}

bool Options::given(std::string_view name) const { return !entry(name).values.empty(); }

std::string Options::text(std::string_view name) const {
  const Entry& e = entry(name);
  return e.values.empty() ? e.default_text : e.values.front();
}

std::vector<std::string> Options::list(std::string_view name) const {
  const Entry& e = entry(name);
  if (e.values.empty() && !e.default_text.empty()) return {e.default_text};
  return e.values;
}

Result<std::string> Options::required(std::string_view name) const {
  std::string value = text(name);
  if (value.empty() && !given(name)) return fail(ErrorKind::usage, "{} is needed", entry(name).shown);
  return value;
}

namespace {

// The reader's error said of the command line: kind usage, and which flag.
template <class T>
Result<T> as_usage(Result<T> result, const std::string& shown) {
  if (result) return result;
  Error error = std::move(result.error());
  error.kind = ErrorKind::usage;
  error.message = fmt::format("{}: {}", shown, error.message);
  return fail(std::move(error));
}

}  // namespace

Result<Duration> Options::duration(std::string_view name) const {
  return as_usage(parse_duration(TRY(required(name))), entry(name).shown);
}

Result<std::uint64_t> Options::number(std::string_view name) const {
  const std::string value = TRY(required(name));
  if (const auto number = parse_u64(value)) return *number;
  return fail(ErrorKind::usage, "{}: '{}' is no number", entry(name).shown, printable(value));
}

Result<Percent> Options::percent(std::string_view name) const {
  return as_usage(parse_percent(TRY(required(name))), entry(name).shown);
}

Result<Instant> Options::instant(std::string_view name) const {
  return as_usage(parse_instant(TRY(required(name))), entry(name).shown);
}

void Context::stream(const doc::Value& event) {
  talk.clear();
  world.console.out(doc::to_json(event) + "\n");
}

const std::vector<Flag>& global_flags() {
  static const std::vector<Flag> flags = {
      {.name = "json", .help = "print one JSON object on stdout instead of text"},
      {.name = "file", .value = "PATH", .help = "the tranche.yaml to use", .default_text = "tranche.yaml"},
      {.name = "quiet", .help = "no talk on stderr; errors are still shown"},
      {.name = "no-color", .help = "no colors (NO_COLOR and TERM=dumb do the same)"},
      {.name = "help", .help = "show this help"},
  };
  return flags;
}

const std::vector<Flag>& changing_flags() {
  static const std::vector<Flag> flags = {
      {.name = "dry-run", .help = "say what would be done, and do nothing"},
      {.name = "reason", .value = "TEXT", .help = "why; recorded with who did it"},
  };
  return flags;
}

}  // namespace tranche::commands
