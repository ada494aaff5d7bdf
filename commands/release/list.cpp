#include "actions/releases.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_release_list(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  doc::Value list = doc::Value::array();
  Table table({"version", "created", "artifacts", "manifest"});
  for (const std::string& version : TRY(actions::list_releases(*opened.deck))) {
    const actions::StoredRelease release = TRY(actions::load_release(*opened.deck, version));
    list.push(doc::Value::object({{"version", version},
                                  {"created", to_text(release.manifest.created)},
                                  {"manifest-sha256", release.sha256}}));
    table.row({version, to_text(release.manifest.created), std::to_string(release.manifest.artifacts.size()),
               short_id(release.sha256)});
  }
  return Outcome{0, doc::Value::object({{"schema", "tranche/release-list/v1"}, {"releases", list}}),
                 table.text()};
}

}  // namespace

Command release_list() {
  return {.name = "release list",
          .summary = "the releases on record, lowest version first",
          .help_path = "commands/release/list.md",
          .flags = {app_flag()},
          .run = run_release_list};
}

}  // namespace tranche::commands
