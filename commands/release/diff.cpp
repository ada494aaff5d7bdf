#include <algorithm>

#include "actions/releases.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

struct Change {
  std::string kind, name, change;  // "prompt", "a.md", "changed"
};

// What stands on one side only, or on both with other digests.
template <class Entry, class KindOf>
void compare(const std::vector<Entry>& before, const std::vector<Entry>& after, const KindOf& kind_of,
             std::vector<Change>& changes) {
  const auto find = [&](const std::vector<Entry>& list, const Entry& wanted) {
    return std::find_if(list.begin(), list.end(), [&](const Entry& one) {
      return one.name == wanted.name && kind_of(one) == kind_of(wanted);
    });
  };
  for (const Entry& one : after) {
    const auto old = find(before, one);
    if (old == before.end())
      changes.push_back({kind_of(one), one.name, "new"});
    else if (old->sha256 != one.sha256)
      changes.push_back({kind_of(one), one.name, "changed"});
  }
  for (const Entry& one : before)
    if (find(after, one) == after.end()) changes.push_back({kind_of(one), one.name, "gone"});
}

Result<Outcome> run_release_diff(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const actions::StoredRelease before = TRY(actions::load_release(*opened.deck, options.text("from")));
  const actions::StoredRelease after = TRY(actions::load_release(*opened.deck, options.text("to")));
  std::vector<Change> changes;
  compare(
      before.manifest.artifacts, after.manifest.artifacts,
      [](const artifact::Artifact&) { return std::string("artifact"); }, changes);
  compare(
      before.manifest.behaviour, after.manifest.behaviour,
      [](const artifact::Behaviour& one) { return one.kind; }, changes);
  doc::Value list = doc::Value::array();
  Table table;
  for (const Change& one : changes) {
    list.push(doc::Value::object({{"kind", one.kind}, {"name", one.name}, {"change", one.change}}));
    table.row({one.change, one.kind, printable(one.name)});
  }
  return Outcome{.json = doc::Value::object({{"schema", "tranche/release-diff/v1"},
                                             {"from", before.manifest.version},
                                             {"to", after.manifest.version},
                                             {"changes", std::move(list)}}),
                 .text = changes.empty() ? "no artifact and no behaviour differs\n" : table.text()};
}

}  // namespace

Command release_diff() {
  return {.name = "release diff",
          .summary = "what differs between two releases: artifacts, prompts, parameters, tools, models",
          .help_path = "commands/release/diff.md",
          .arguments = {{.name = "from", .help = "a version on record"}, {.name = "to", .help = "another"}},
          .flags = {app_flag()},
          .run = run_release_diff};
}

}  // namespace tranche::commands
