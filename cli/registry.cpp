// The product's table of contents: one line a command, in help order.
#include <array>
#include <stdexcept>

#include "commands/commands.hpp"
#include "commands/journal/verbs.hpp"

namespace tranche::commands {
namespace {

struct Line {
  std::string_view group;
  std::string_view name;
  Command (*make)();
};

constexpr std::string_view setup = "Set up and validate";
constexpr std::string_view supply = "Supply chain";
constexpr std::string_view releases = "Releases and rollouts";
constexpr std::string_view decides = "Gates, playbooks, flags";
constexpr std::string_view records = "Feeds and the journal";
constexpr std::string_view devices = "Devices, real and rehearsed";
constexpr std::string_view about = "About";

constexpr auto table = std::to_array<Line>({
    {setup, "init", init},
    {setup, "check", check},
    {setup, "schema", schema},
    {setup, "doctor", doctor},
    {supply, "sbom", sbom},
    {supply, "sbom diff", sbom_diff},
    {supply, "sbom audit", sbom_audit},
    {supply, "sign", sign},
    {supply, "verify", verify},
    {supply, "attest", attest},
    {supply, "key generate", key_generate},
    {supply, "key show", key_show},
    {releases, "release create", release_create},
    {releases, "release show", release_show},
    {releases, "release list", release_list},
    {releases, "release diff", release_diff},
    {releases, "rollout plan", rollout_plan},
    {releases, "rollout start", rollout_start},
    {releases, "rollout advance", rollout_advance},
    {releases, "rollout run", rollout_run},
    {releases, "rollout watch", rollout_watch},
    {releases, "rollout status", rollout_status},
    {releases, "rollout pause", rollout_pause},
    {releases, "rollout resume", rollout_resume},
    {releases, "rollout promote", rollout_promote},
    {releases, "rollout amend", rollout_amend},
    {releases, "rollout undo", rollout_undo},
    {releases, "rollout history", rollout_history},
    {releases, "stop", stop},
    {releases, "approve", approve},
    {releases, "approve list", approve_list},
    {releases, "explain", explain},
    {decides, "gate list", gate_list},
    {decides, "gate run", gate_run},
    {decides, "gate plan", gate_plan},
    {decides, "gate replay", gate_replay},
    {decides, "gate compare", gate_compare},
    {decides, "playbook list", playbook_list},
    {decides, "playbook show", playbook_show},
    {decides, "playbook run", playbook_run},
    {decides, "playbook resume", playbook_resume},
    {decides, "playbook drill", playbook_drill},
    {decides, "flag set", flag_set},
    {decides, "flag get", flag_get},
    {decides, "flag list", flag_list},
    {decides, "flag history", flag_history},
    {records, "feed check", feed_check},
    {records, "feed predict", feed_predict},
    {records, "feed list", feed_list},
    {records, "feed audit", feed_audit},
    {records, "channel adopt", channel_adopt},
    {records, "channel diff", channel_diff},
    {records, "journal show", journal_show},
    {records, "journal verify", journal_verify},
    {records, "journal prove", journal_prove},
    {records, "journal export", journal_export},
    {records, "journal witness", journal_witness},
    {records, "journal rotate-key", journal_rotate_key},
    {records, "report", report},
    {devices, "serve", serve},
    {devices, "fleet run", fleet_run},
    {devices, "simulate", simulate},
    {about, "completion", completion},
    {about, "version", version},
    {about, "help", help},
});

Command make(const Line& line) {
  Command command = line.make();
  if (command.name != line.name)
    throw std::logic_error(fmt::format("'{}' is registered as '{}'", command.name, line.name));
  return command;
}

}  // namespace

const std::vector<Group>& registry() {
  static const std::vector<Group> groups = [] {
    std::vector<Group> made;
    for (const Line& line : table) {
      if (made.empty() || made.back().title != line.group) made.push_back({std::string(line.group), {}});
      made.back().commands.push_back(make(line));
    }
    return made;
  }();
  return groups;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const Line& line : table) names.emplace_back(line.name);
  return names;
}

std::optional<Command> find_command(std::string_view name) {
  for (const Line& line : table)
    if (line.name == name) return make(line);
  return std::nullopt;
}

}  // namespace tranche::commands
