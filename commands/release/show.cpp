#include "actions/releases.hpp"
#include "commands/commands.hpp"
#include "commands/release/shared.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_release_show(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const actions::StoredRelease release = TRY(actions::load_release(*opened.deck, options.text("version")));
  return Outcome{0, release_json(release.manifest, release.sha256, "tranche/release-show/v1"),
                 release_text(release.manifest, release.sha256)};
}

}  // namespace

Command release_show() {
  return {.name = "release show",
          .summary = "what a release holds",
          .help_path = "commands/release/show.md",
          .arguments = {{.name = "version", .help = "a version on record"}},
          .flags = {app_flag()},
          .run = run_release_show};
}

}  // namespace tranche::commands
