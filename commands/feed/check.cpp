#include "actions/stores.hpp"
#include "base/text.hpp"
#include "channel/feed.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_feed_check(const Options& options, Context& context) {
  const Loaded loaded = TRY(load_app(context, options));
  const signing::Trust trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  doc::Value checks = doc::Value::array();
  Table table;
  bool all_ok = true;
  bool known = !options.given("channel");
  for (const spec::Channel& channel : loaded.app().channels) {
    if (options.given("channel") && channel.name != options.text("channel")) continue;
    known = true;
    const auto store = TRY(actions::open_channel(context.world, loaded.repository(), channel));
    const auto findings =
        TRY(channel::check_channel(*store, trust, loaded.app().name, channel.name, context.world.clock.now(),
                                   !options.given("no-artifacts")));
    for (const channel::Finding& finding : findings) {
      all_ok = all_ok && finding.ok;
      checks.push(doc::Value::object({{"channel", channel.name},
                                      {"name", finding.check},
                                      {"ok", finding.ok},
                                      {"detail", finding.detail}}));
      table.row({channel.name, finding.ok ? "ok" : "FAILED", finding.check, printable(finding.detail, 160)});
    }
  }
  if (!known)
    return fail(ErrorKind::invalid, "app '{}' has no channel '{}'", loaded.app().name,
                printable(options.text("channel"), 64));
  return Outcome{
      all_ok ? 0 : 6,
      doc::Value::object({{"schema", "tranche/feed-check/v1"}, {"verified", all_ok}, {"checks", checks}}),
      table.text()};
}

}  // namespace

Command feed_check() {
  return {.name = "feed check",
          .summary = "verify a published channel as a device would",
          .help_path = "commands/feed/check.md",
          .flags = {{.name = "channel", .value = "CHANNEL", .help = "only this one"},
                    {.name = "no-artifacts", .help = "do not read the artifacts, only what is signed"},
                    app_flag()},
          .run = run_feed_check};
}

}  // namespace tranche::commands
