// One table a channel: versions against arms, with the numbers a release manager asks for first.
#include "server/status_page.hpp"

#include <algorithm>
#include <map>

#include "base/html.hpp"
#include "base/percent.hpp"

namespace tranche::server {

namespace {

constexpr std::string_view style = R"(
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--good:#1a7f37;--bad:#cf222e;--bar:#2f81f7}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem;margin:0 0 1rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}
dt{opacity:.7}dd{margin:0}.bad{color:var(--bad);font-weight:600}.good{color:var(--good);font-weight:600}
.bar{background:var(--soft);border-radius:3px;height:.5rem;min-width:8rem}
.bar i{display:block;background:var(--bar);height:100%;border-radius:3px}
footer{margin-top:2rem;opacity:.7}
)";

struct Line {
  std::uint64_t devices = 0, canary = 0, control = 0, sessions = 0, crashes = 0;
  void add(const Row& row) {
    devices += row.devices;
    if (row.arm == cohort::Arm::canary) canary += row.devices;
    if (row.arm == cohort::Arm::control) control += row.devices;
    sessions += row.sessions;
    crashes += row.crashes;
  }
};

std::string number(std::uint64_t value) {  // 12 345: read in groups
  std::string digits = fmt::format("{}", value);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, "\u202f");
  return digits;
}

std::string rate(std::uint64_t crashes, std::uint64_t sessions) {
  if (sessions == 0) return "–";
  return fmt::format("{:.2f}%", 100.0 * static_cast<double>(crashes) / static_cast<double>(sessions));
}

// The share that the offer's rules reach, each in words.
std::string describe_rules(const cohort::Offer& offer) {
  std::string text;
  for (const cohort::Rule& rule : offer.rules) {
    if (!text.empty()) text += ", ";
    if (rule.all)
      text += "all";
    else if (rule.below)
      text += fmt::format("{:.6g}%", static_cast<double>(*rule.below) / 18446744073709551616.0 * 100.0);
    if (!rule.devices.empty()) text += fmt::format(" of {} listed devices", rule.devices.size());
    if (rule.labels.empty() && rule.devices.empty()) text += rule.all ? " devices" : " of all devices";
    for (const auto& [name, values] : rule.labels)
      text += fmt::format(" of {}={}", name, fmt::join(values, "|"));
  }
  return text.empty() ? "nobody" : text;
}

void append_term(std::string& page, std::string_view term, std::string_view escaped) {
  page.append("<dt>").append(term).append("</dt><dd>").append(escaped).append("</dd>");
}

// "served: latest.yml, latest-linux.yml", or "static: its files decide".
std::string describe_feed(const ServedChannel& served, const Snapshot& snapshot, const std::string& name) {
  if (!served.decides(name)) return "static: its files decide";
  std::string text = "served";
  for (const auto& feed : snapshot.served)
    if (feed->name() == name)
      text += feed->files().empty()
                  ? ": nothing published for it yet"
                  : fmt::format(": {}", escape_html(fmt::to_string(fmt::join(feed->files(), ", "))));
  return text;
}

void append_channel(std::string& page, const ServedChannel& served, const Snapshot& snapshot,
                    const std::vector<Row>& rows, Instant now) {
  page += fmt::format("<h2>{} / {}</h2><dl>", escape_html(served.app), escape_html(served.channel));
  if (!snapshot.trouble.empty())
    append_term(page, "trouble", fmt::format("<span class=bad>{}</span>", escape_html(snapshot.trouble)));
  for (const std::string& name : served.config.feeds)
    if (name != "tranche") append_term(page, escape_html(name), describe_feed(served, snapshot, name));
  if (snapshot.loaded) {
    const channel::Feed& feed = snapshot.feed;
    append_term(page, "feed",
                fmt::format("sequence {}, issued {}, {} {}", feed.sequence,
                            to_text(std::chrono::floor<std::chrono::seconds>(feed.issued)),
                            snapshot.expired(now) ? "<span class=bad>expired</span>" : "expires",
                            to_text(std::chrono::floor<std::chrono::seconds>(feed.expires))));
    append_term(page, "baseline",
                feed.directions.baseline.empty() ? "none yet" : escape_html(feed.directions.baseline));
    if (feed.directions.offer)
      append_term(page, "on offer",
                  fmt::format("{} to {}", escape_html(feed.directions.offer->release),
                              escape_html(describe_rules(*feed.directions.offer))));
    for (const cohort::Withdrawn& withdrawn : feed.directions.withdrawn)
      append_term(
          page, "withdrawn",
          withdrawn.fallback.empty()
              ? fmt::format("{} <span class=bad>no way back</span>", escape_html(withdrawn.version))
              : fmt::format("{} → {}", escape_html(withdrawn.version), escape_html(withdrawn.fallback)));
  }
  page += "</dl>";

  std::map<std::string, Line> by_version;
  std::uint64_t devices = 0;
  for (const Row& row : rows)
    if (row.app == served.app && row.channel == served.channel) {
      by_version[row.version].add(row);
      devices += row.devices;
    }
  if (by_version.empty()) {
    page += "<p>No device has checked in yet.</p>";
    return;
  }
  page +=
      "<table><thead><tr><th>version<th>devices<th>share<th>canary<th>control<th>sessions<th>crashes<th>rate"
      "</thead><tbody>";
  for (const auto& [version, line] : by_version) {
    const double share =
        devices == 0 ? 0 : 100.0 * static_cast<double>(line.devices) / static_cast<double>(devices);
    page += fmt::format(
        "<tr><td>{}<td>{}<td><div class=bar title=\"{:.1f}%\"><i "
        "style=\"width:{:.1f}%\"></i></div><td>{}<td>{}"
        "<td>{}<td>{}<td>{}",
        escape_html(version), number(line.devices), share, share, number(line.canary), number(line.control),
        number(line.sessions), number(line.crashes), rate(line.crashes, line.sessions));
  }
  page += "</tbody></table>";
}

}  // namespace

std::string render_status_page(const Feeds& feeds, const std::vector<Row>& rows, Instant now) {
  std::string page = "<!doctype html><html lang=en><meta charset=utf-8><title>tranche</title>";
  page += "<meta name=viewport content=\"width=device-width,initial-scale=1\"><style>";
  page.append(style).append("</style><h1>tranche serve</h1>");
  for (std::size_t i = 0; i < feeds.channels().size(); ++i)
    append_channel(page, feeds.channels()[i], *feeds.at(i), rows, now);
  page += fmt::format(
      "<footer>as of {} · devices as of their last check-in · counted since this server started · "
      "<a href=\"/metrics\">metrics</a> · <a href=\"/healthz\">health</a></footer></html>\n",
      to_text(std::chrono::floor<std::chrono::seconds>(now)));
  return page;
}

}  // namespace tranche::server
