#include "channel/audit.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

using channel::Asked;
using channel::FeedAudit;
using channel::Level;
using channel::Remark;

constexpr int found_exit = 7;  // the policy that --fail-on names says no
constexpr std::size_t shown_releases = 5;

doc::Value files_json(const channel::View& view) {
  doc::Value files = doc::Value::array();
  for (const channel::Named& file : view.files())
    files.push(doc::Value::object({{"name", file.name},
                                   {"size", static_cast<std::int64_t>(file.bytes.size())},
                                   {"sha256", crypto::to_hex(crypto::sha256(file.bytes))}}));
  return files;
}

doc::Value releases_json(const channel::View& view) {
  doc::Value releases = doc::Value::array();
  for (const channel::NamedRelease& release : view.releases()) {
    doc::Value files = doc::Value::array();
    for (const channel::NamedFile& file : release.files) {
      doc::Value digests = doc::Value::object();
      for (const auto& [algorithm, digest] : file.digests) digests.set(algorithm, digest);
      files.push(
          doc::Value::object({{"url", file.url}, {"size", file.size}, {"digests", std::move(digests)}}));
    }
    releases.push(doc::Value::object(
        {{"version", release.version}, {"platform", release.platform}, {"files", std::move(files)}}));
  }
  return releases;
}

doc::Value audit_json(const FeedAudit& audit) {
  doc::Value asked = doc::Value::array();
  for (const Asked& one : audit.asked)
    asked.push(doc::Value::object({{"asked", to_text(one.wanted)},
                                   {"written", to_text(one.reach.written)},
                                   {"share", one.reach.share},
                                   {"honoured", one.reach.honoured},
                                   {"why", one.reach.why}}));
  doc::Value remarks = doc::Value::array();
  for (const Remark& remark : audit.remarks)
    remarks.push(doc::Value::object({{"level", channel::to_text(remark.level)},
                                     {"code", remark.code},
                                     {"text", remark.text},
                                     {"hint", remark.hint}}));
  return doc::Value::object({{"feed", audit.feed},
                             {"files", files_json(*audit.view)},
                             {"offers", audit.view->offers()},
                             {"share", audit.view->share()},
                             {"asked", std::move(asked)},
                             {"releases", releases_json(*audit.view)},
                             {"remarks", std::move(remarks)}});
}

std::string versions_text(const channel::View& view) {
  std::vector<std::string> versions;
  for (const channel::NamedRelease& release : view.releases())
    if (std::ranges::find(versions, release.version) == versions.end()) versions.push_back(release.version);
  const std::size_t all = versions.size();
  if (all > shown_releases) versions.resize(shown_releases);
  std::string text = printable(join(versions, ", "), 300);
  if (all > shown_releases) text += fmt::format(" and {} more", all - shown_releases);
  return text;
}

// What a share becomes, for people: a feed without a fraction has a file that everybody reads, or none.
std::vector<std::string> asked_row(const Asked& one, bool decides) {
  if (!decides && !one.wanted.everyone() && one.wanted.ppm != 0)
    return {to_text(one.wanted), "cannot be said", "all or nobody", one.reach.why};
  return {to_text(one.wanted), to_text(one.reach.written), format_ratio(one.reach.share), one.reach.why};
}

Style style_of(Level level) {
  if (level == Level::problem) return Style::red;
  if (level == Level::warning) return Style::yellow;
  return level == Level::good ? Style::green : Style::dim;
}

std::string audit_text(const FeedAudit& audit, bool color) {
  const channel::View& view = *audit.view;
  std::vector<std::string> names;
  for (const channel::Named& file : view.files()) names.push_back(file.name);
  std::string out =
      fmt::format("{}: {}\n", styled(audit.feed, Style::bold, color), printable(join(names, ", "), 300));
  out += view.offers().empty() ? std::string("  offers nothing now\n")
                               : fmt::format("  offers {} to {} of those who read it\n",
                                             printable(view.offers(), 64), format_ratio(view.share()));
  if (!view.releases().empty()) out += fmt::format("  names {}\n", versions_text(view));
  const cohort::Capabilities* client = cohort::find_client(audit.feed);
  const bool decides = client != nullptr && client->fraction != cohort::Fraction::none;
  Table asked({"asked", "written", "reached", ""});
  for (const Asked& one : audit.asked) asked.row(asked_row(one, decides));
  out += asked.text(2);
  for (const Remark& remark : audit.remarks) {
    out += fmt::format(
        "  {} {}: {}\n",
        styled(fmt::format("{:7}", channel::to_text(remark.level)), style_of(remark.level), color),
        remark.code, printable(remark.text, 600));
    if (!remark.hint.empty()) out += fmt::format("          hint: {}\n", printable(remark.hint, 400));
  }
  return out;
}

bool fails(const std::string& fail_on, Level worst) {
  if (fail_on == "none") return false;
  return worst >= (fail_on == "warning" ? Level::warning : Level::problem);
}

Result<Outcome> run_feed_audit(const Options& options, Context& context) {
  channel::AuditInput input;
  input.feed = options.given("feed") ? options.text("feed") : "";
  input.channel = options.given("channel") ? options.text("channel") : "";
  input.allow_downgrade = options.given("allow-downgrade");
  input.now = context.world.clock.now();
  std::vector<std::string> wanted{"0.5", "10", "100"};
  if (options.given("percent")) wanted = options.list("percent");
  for (const std::string& text : wanted) {
    const auto percent = parse_percent(text);
    if (!percent)
      return fail_hint(ErrorKind::usage, percent.error().hint, "--percent: {}", percent.error().message);
    input.wanted.push_back(*percent);
  }
  const channel::Opened opened = TRY(channel::open_site(context.world, options.text("place")));
  const auto audits = TRY(channel::audit_site(opened, input));

  const Level worst = channel::worst_level(audits);
  const bool failed = fails(options.text("fail-on"), worst);
  doc::Value feeds = doc::Value::array();
  std::string text;
  for (const FeedAudit& audit : audits) {
    feeds.push(audit_json(audit));
    text += (text.empty() ? "" : "\n") + audit_text(audit, context.color);
  }
  return Outcome{failed ? found_exit : 0,
                 doc::Value::object({{"schema", "tranche/feed-audit/v1"},
                                     {"place", opened.site->describe()},
                                     {"worst", channel::to_text(worst)},
                                     {"failed", failed},
                                     {"feeds", std::move(feeds)}}),
                 std::move(text)};
}

}  // namespace

Command feed_audit() {
  std::vector<std::string> feeds;
  for (const cohort::Capabilities& client : cohort::clients())
    if (client.feed != "tranche") feeds.emplace_back(client.feed);
  return {.name = "feed audit",
          .summary = "who does an existing feed really reach, and what is wrong with it",
          .help_path = "commands/feed/audit.md",
          .arguments = {{.name = "place", .help = "a feed's file, a directory of them, or an http address"}},
          .flags = {{.name = "feed",
                     .value = "FEED",
                     .help = "which client reads it; else told from the file",
                     .choices = feeds},
                    {.name = "channel",
                     .value = "NAME",
                     .help = "of a directory: what the client calls the channel (latest, beta, a suite)"},
                    {.name = "percent",
                     .value = "PERCENT",
                     .help = "a share to explain, instead of 0.5%, 10% and 100%",
                     .repeated = true},
                    {.name = "allow-downgrade", .help = "the app was built to take lower versions"},
                    {.name = "fail-on",
                     .value = "LEVEL",
                     .help = "exit 7 at a remark of this level, or worse",
                     .default_text = "problem",
                     .choices = {"problem", "warning", "none"}}},
          .run = run_feed_audit};
}

}  // namespace tranche::commands
