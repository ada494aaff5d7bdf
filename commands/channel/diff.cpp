#include "base/text.hpp"
#include "commands/channel/shared.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_channel_diff(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const spec::Channel* channel = TRY(find_channel(opened.loaded.app(), options.text("channel")));
  if (!TRY(opened.deck->channel_state(channel->name)))
    return fail_hint(
        ErrorKind::invalid,
        fmt::format("tranche channel adopt {} takes over what is there; or start a rollout", channel->name),
        "nothing was decided about channel '{}' yet", channel->name);
  const channel::ChannelReport report = TRY(opened.deck->compare(*channel));
  doc::Value notes = doc::Value::array();
  std::string text = changes_text(report, context.color);
  if (text.empty()) text = fmt::format("{}: nothing would change\n", channel->name);
  for (const std::string& note : report.notes) {
    notes.push(note);
    text += fmt::format("note: {}\n", printable(note, 400));
  }
  return Outcome{0,
                 doc::Value::object({{"schema", "tranche/channel-diff/v1"},
                                     {"channel", channel->name},
                                     {"changes", changes_json(report)},
                                     {"notes", std::move(notes)}}),
                 std::move(text)};
}

}  // namespace

Command channel_diff() {
  return {.name = "channel diff",
          .summary = "what the next publish would change, file by file",
          .help_path = "commands/channel/diff.md",
          .arguments = {{.name = "channel", .help = "a name under channels:"}},
          .flags = {app_flag()},
          .run = run_channel_diff};
}

}  // namespace tranche::commands
