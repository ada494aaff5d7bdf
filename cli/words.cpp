// Which command is meant: nouns and verbs, before any flag is parsed. Only that command's parser is built.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cli/parser.hpp"

namespace tranche::cli {
namespace {

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& otherwise) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? otherwise : "did you mean '" + near + "'?";
}

// How many words a leading flag takes, 0 when this is no flag that may stand before the command.
std::size_t leading_flag_words(const std::vector<std::string>& args, std::size_t at) {
  const std::string& word = args[at];
  if (!word.starts_with("--") || word == "--") return word == "-h" ? 1 : 0;
  for (const auto& flag : commands::global_flags()) {
    const std::string name = "--" + flag.name;
    if (flag.value.empty() && word == name) return 1;
    if (!flag.value.empty() && word == name) return at + 1 < args.size() ? 2 : 1;
    if (!flag.value.empty() && word.starts_with(name + "=")) return 1;
  }
  return 0;
}

}  // namespace

std::vector<std::string> nouns() {
  std::vector<std::string> found;
  for (const auto& name : commands::command_names()) {
    const auto blank = name.find(' ');
    if (blank == std::string::npos) continue;
    if (const std::string noun = name.substr(0, blank); !contains(found, noun)) found.push_back(noun);
  }
  return found;
}

std::vector<std::string> verbs_of(const std::string& noun) {
  std::vector<std::string> verbs;
  for (const auto& name : commands::command_names())
    if (name.starts_with(noun + " ")) verbs.push_back(name.substr(noun.size() + 1));
  return verbs;
}

Result<Words> split_command(const std::vector<std::string>& args) {
  Words words;
  std::size_t at = 0;
  while (at < args.size()) {
    if (args[at] == "--version") {
      words.command = "version";
      words.rest.insert(words.rest.end(), args.begin() + static_cast<std::ptrdiff_t>(at) + 1, args.end());
      return words;
    }
    const std::size_t taken = leading_flag_words(args, at);
    if (taken == 0) break;
    words.rest.insert(words.rest.end(), args.begin() + static_cast<std::ptrdiff_t>(at),
                      args.begin() + static_cast<std::ptrdiff_t>(at + taken));
    at += taken;
  }
  if (at == args.size()) return words;

  const std::vector<std::string> names = commands::command_names();
  const std::string& first = args[at];
  const auto take_rest = [&](std::size_t from) {
    words.rest.insert(words.rest.end(), args.begin() + static_cast<std::ptrdiff_t>(from), args.end());
  };
  const std::vector<std::string> verbs = verbs_of(first);
  if (contains(names, first)) {  // "sbom PATH", unless a verb of the same noun follows: "sbom diff"
    const bool verb_follows = at + 1 < args.size() && contains(verbs, args[at + 1]);
    words.command = verb_follows ? first + " " + args[at + 1] : first;
    take_rest(at + (verb_follows ? 2 : 1));
    return words;
  }
  if (verbs.empty()) {
    if (first.starts_with("-"))
      return fail_hint(ErrorKind::usage, "flags follow the command; `tranche help` lists the commands",
                       "unknown flag '{}'", printable(first));
    std::vector<std::string> candidates = names;
    for (const auto& noun : nouns()) candidates.push_back(noun);
    return fail_hint(ErrorKind::usage, did_you_mean(first, candidates, "`tranche help` lists the commands"),
                     "unknown command '{}'", printable(first));
  }
  if (at + 1 >= args.size() || args[at + 1].starts_with("-")) {
    words.command = first;
    take_rest(at + 1);
    return words;
  }
  const std::string& verb = args[at + 1];
  if (!contains(verbs, verb))
    return fail_hint(ErrorKind::usage,
                     did_you_mean(verb, verbs, fmt::format("{} has: {}", first, join(verbs, ", "))),
                     "unknown command '{} {}'", first, printable(verb));
  words.command = first + " " + verb;
  take_rest(at + 2);
  return words;
}

}  // namespace tranche::cli
