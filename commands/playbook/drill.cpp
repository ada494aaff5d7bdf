#include "engine/drill.hpp"

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/playbook/shared.hpp"
#include "commands/rollout/shared.hpp"
#include "commands/trusted_ref.hpp"

namespace tranche::commands {
namespace {

double to_ms(std::chrono::nanoseconds time) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  return static_cast<double>(micros) / 1'000.0;
}

doc::Value drill_json(const engine::DrillReport& report) {
  doc::Value steps = doc::Value::array();
  for (const engine::DrilledStep& step : report.steps)
    steps.push(doc::Value::object({{"step", step.record.id},
                                   {"uses", step.record.uses},
                                   {"status", playbook::to_text(step.record.status)},
                                   {"sent", step.sent},
                                   {"took-ms", to_ms(step.took)},
                                   {"detail", step.record.detail}}));
  doc::Value devices = doc::Value::array();
  for (const engine::DeviceClass& one : report.devices)
    devices.push(doc::Value::object({{"feed", one.feed},
                                     {"devices", one.who},
                                     {"back", one.back},
                                     {"to", one.to.empty() ? doc::Value() : doc::Value(one.to)},
                                     {"how", one.how}}));
  return doc::Value::object({{"schema", "tranche/playbook-drill/v1"},
                             {"playbook", report.playbook},
                             {"rollout", report.rollout},
                             {"channel", report.channel},
                             {"release", report.release},
                             {"stopped", report.stopped},
                             {"stopped-after-ms", to_ms(report.until_stopped)},
                             {"took-ms", to_ms(report.took)},
                             {"all-done", report.all_done()},
                             {"all-back", report.all_back()},
                             {"waits", report.why},
                             {"steps", std::move(steps)},
                             {"devices", std::move(devices)}});
}

std::string drill_text(const engine::DrillReport& report, bool color) {
  std::string out = fmt::format("{} takes release {} back from a copy of channel '{}'\n",
                                styled(report.playbook, Style::bold, color), report.release, report.channel);
  Table steps;
  for (const engine::DrilledStep& step : report.steps)
    steps.row({step.record.id, std::string(playbook::to_text(step.record.status)),
               fmt::format("{:.1f} ms", to_ms(step.took)), printable(step.record.detail, 160)});
  out += steps.align_right(2).text(2);
  if (!report.why.empty()) out += "  it would not go on: " + printable(report.why, 300) + "\n";
  out += report.stopped ? fmt::format("  offered to nobody after {:.1f} ms\n", to_ms(report.until_stopped))
                        : "  " + styled("it would still be offered", Style::red, color) + "\n";
  Table devices;
  for (const engine::DeviceClass& one : report.devices)
    devices.row({"feed " + one.feed, one.who,
                 one.back ? "back to " + one.to : styled("keep " + report.release, Style::red, color),
                 printable(one.how, 160)});
  return out + devices.text(2);
}

Result<Outcome> run_playbook_drill(const Options& options, Context& context) {
  TRY(demand_trusted(context, options, TRY(load_app(context, options)), {}, "playbook drill"));
  const Opened opened = TRY(open_deck(context, options));
  const engine::DrillRequest request{TRY(rollout_name(opened.loaded.app(), options)),
                                     options.given("playbook") ? options.text("playbook") : "",
                                     options.text("release"), options.given("live-hooks")};
  const engine::DrillReport report = TRY(engine::drill(*opened.deck, request));
  const int code = !report.all_back()   ? static_cast<int>(ErrorKind::stranded)
                   : !report.all_done() ? static_cast<int>(ErrorKind::failed)
                                        : 0;
  return Outcome{code, drill_json(report), drill_text(report, context.color)};
}

}  // namespace

Command playbook_drill() {
  return {.name = "playbook drill",
          .summary = "rehearse a playbook on a copy of the channel, and time it",
          .help_path = "commands/playbook/drill.md",
          .arguments = {{.name = "playbook",
                         .help = "a name under playbooks:; by default the rollout's on-failure",
                         .required = false}},
          .flags = {rollout_flag(),
                    {.name = "release",
                     .value = "VERSION",
                     .help = "the release that is taken back; by default the one that was started last"},
                    {.name = "live-hooks", .help = "send what reaches other systems, too"},
                    trusted_ref_flag(),
                    app_flag()},
          .run = run_playbook_drill};
}

}  // namespace tranche::commands
