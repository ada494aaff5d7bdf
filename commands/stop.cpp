#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"
#include "engine/red_button.hpp"

namespace tranche::commands {
namespace {

doc::Value beside_json(const engine::Pressed::Beside& beside) {
  const channel::StoppedBeside& done = beside.done;
  doc::Value left = doc::Value::array();
  for (const std::string& name : done.left) left.push(name);
  return doc::Value::object({{"store", beside.store},
                             {"app", done.app},
                             {"channel", done.channel},
                             {"release", done.release.empty() ? doc::Value() : doc::Value(done.release)},
                             {"fallback", done.fallback.empty() ? doc::Value() : doc::Value(done.fallback)},
                             {"sequence", done.sequence},
                             {"spooled", done.spool.empty() ? doc::Value() : doc::Value(done.spool)},
                             {"left", left}});
}

std::string beside_text(const engine::Pressed::Beside& beside, bool dry_run) {
  const channel::StoppedBeside& done = beside.done;
  if (done.release.empty())
    return fmt::format("channel '{}' in {} offers nothing: what was offered is withdrawn already\n",
                       done.channel, beside.store);
  std::string out =
      fmt::format("{} {} {} withdrawn from channel '{}' in {} (feed {})\n", done.app, done.release,
                  dry_run ? "would be" : "is", done.channel, beside.store, done.sequence);
  out += done.fallback.empty() ? "  its devices keep it: the feed knows no release to send them to\n"
                               : fmt::format("  its devices go to {}\n", done.fallback);
  if (!dry_run) out += fmt::format("  {} waits there for the journal\n", done.spool);
  for (const std::string& name : done.left)
    out += fmt::format("  '{}' was left as it is: stop it from a checkout\n", printable(name, 160));
  return out;
}

doc::Value failure_json(const Error& error) {
  doc::Value doing = doc::Value::array();
  for (const std::string& one : error.while_doing) doing.push(one);
  return doc::Value::object({{"message", error.message}, {"hint", error.hint}, {"while", doing}});
}

// 10 when devices are left with it, 1 when a part failed: press again.
int exit_of(const engine::Pressed& pressed) {
  if (pressed.stranded()) return 10;
  return pressed.failures.empty() ? 0 : 1;
}

Outcome show(const engine::Pressed& pressed, const std::string& rollout, Context& context) {
  Outcome outcome;
  if (pressed.report) {
    outcome.json = report_json(*pressed.report, "tranche/stop/v1");
    if (context.dry_run) {
      for (const std::string& decision : pressed.report->decisions)
        outcome.text += "would: " + decision + "\n";
      if (outcome.text.empty()) outcome.text = "nothing would change\n";
    } else {
      outcome.text = report_text(*pressed.report, context.world.clock.now(), context.color);
    }
  } else {
    outcome.json = doc::Value::object({{"schema", "tranche/stop/v1"}, {"rollout", rollout}});
  }
  outcome.json.set("journalled", pressed.report.has_value());
  doc::Value beside = doc::Value::array();
  for (const engine::Pressed::Beside& one : pressed.beside) {
    beside.push(beside_json(one));
    outcome.text += beside_text(one, context.dry_run);
  }
  outcome.json.set("beside", std::move(beside));
  doc::Value notes = doc::Value::array();
  for (const std::string& note : pressed.notes) {
    notes.push(note);
    context.say("{}", printable(note, 600));
  }
  outcome.json.set("notes", std::move(notes));
  doc::Value failures = doc::Value::array();
  for (const Error& failure : pressed.failures) {
    failures.push(failure_json(failure));
    std::string where;
    for (const std::string& doing : failure.while_doing)
      where += (where.empty() ? "" : ", ") + printable(doing, 160);
    outcome.text +=
        fmt::format("failed{}: {}\n{}", where.empty() ? "" : " " + where, printable(failure.message, 400),
                    failure.hint.empty() ? "" : "  hint: " + failure.hint + "\n");
  }
  if (!pressed.failures.empty()) outcome.text += "press it again: what is done stays done\n";
  outcome.json.set("failures", std::move(failures));
  outcome.exit_code = context.dry_run ? 0 : exit_of(pressed);
  return outcome;
}

Result<Outcome> run_stop(const Options& options, Context& context) {
  if (context.reason.empty())
    return fail_hint(ErrorKind::usage,
                     "tranche stop " + options.text("rollout") + " --reason \"crashes on start\"",
                     "stop wants a reason: it is the first thing that everybody will ask for");
  engine::RedButton button;
  button.rollout = options.text("rollout");
  button.reason = context.reason;
  button.app_name = options.given("app") ? options.text("app") : "";
  button.state = options.given("state") ? options.text("state") : "";
  button.stores = options.list("store");
  button.trust = options.list("trust");
  button.feed_key = options.given("feed-key") ? options.text("feed-key") : "";
  button.journal_key = options.given("journal-key") ? options.text("journal-key") : "";
  button.dry_run = context.dry_run;
  const bool anywhere = !button.state.empty() || !button.stores.empty();
  // A file that is named, or that lies here, counts; from anywhere else a broken one is no obstacle.
  const auto file = find_file(context);
  if (file || !anywhere || context.file_given) {
    auto loaded = load_app(context, options);
    if (!loaded && (!anywhere || context.file_given)) return fail(std::move(loaded.error()));
    if (loaded) {
      button.app = loaded->app();
      button.repository = loaded->repository();
    } else {
      context.say("tranche.yaml here is not used: {}", printable(loaded.error().message, 200));
    }
  }
  button.by = who(context, button.repository);
  auto pressed = engine::press(context.world, button, [&](const std::string& decision) {
    context.say("{}", printable(decision, 400));
  });
  if (!pressed) {
    // A lost race is not the presser's business (PRODUCT.md: never exit 9 from stop).
    if (pressed.error().kind == ErrorKind::conflict) pressed.error().kind = ErrorKind::failed;
    return fail(std::move(pressed.error()));
  }
  return show(*pressed, button.rollout, context);
}

}  // namespace

Command stop() {
  return {
      .name = "stop",
      .summary = "the red button: withdraw, bring devices back, tell people",
      .help_path = "commands/stop.md",
      .changes = true,
      .arguments = {{.name = "rollout", .help = "a name under rollouts:"}},
      .flags = {{.name = "state",
                 .value = "URL",
                 .help = "where the journal is: dir:PATH, git:REMOTE#BRANCH[:DIR], s3://BUCKET/PREFIX; needs "
                         "no tranche.yaml"},
                {.name = "store",
                 .value = "URL",
                 .help = "where devices read the feed: stops there even without the journal",
                 .repeated = true},
                {.name = "trust",
                 .value = "KEY",
                 .help = "a public key file or NAME+HASH+BASE64 that the journal (without it: the feed) is "
                         "believed by",
                 .repeated = true},
                {.name = "feed-key",
                 .value = "REF",
                 .help = "env:TRANCHE_NAME or file:PATH; by default what the configuration names, else "
                         "env:TRANCHE_FEED_KEY"},
                {.name = "journal-key", .value = "REF", .help = "the same; else env:TRANCHE_JOURNAL_KEY"},
                app_flag()},
      .run = run_stop};
}

}  // namespace tranche::commands
