#include "report/report.hpp"

#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_report(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const std::string name = TRY(rollout_name(opened.loaded.app(), options));
  ::tranche::report::Story story = TRY(::tranche::report::read_story(
      opened.deck->journal(), opened.deck->rollout_subject(name), opened.deck->playbook_subject(name)));
  story.checkpoint = TRY(opened.deck->journal().verify()).checkpoint;
  const std::string page = TRY(::tranche::report::render_page(story));
  const std::string out = options.text("out");
  const doc::Value json = doc::Value::object({{"schema", "tranche/report/v1"},
                                              {"rollout", name},
                                              {"release", story.state.release},
                                              {"out", out},
                                              {"bytes", page.size()}});
  if (out == "-") return Outcome{0, json, page};
  TRY(context.world.files.write(out, page));
  return Outcome{0, json, fmt::format("wrote {} ({})\n", out, format_bytes(page.size()))};
}

}  // namespace

Command report() {
  return {.name = "report",
          .summary = "one self-contained HTML page of a rollout",
          .help_path = "commands/report.md",
          .arguments = {rollout_argument()},
          .flags = {{.name = "out",
                     .value = "FILE",
                     .help = "where to write it; - for stdout",
                     .default_text = "report.html"},
                    app_flag()},
          .run = run_report};
}

}  // namespace tranche::commands
