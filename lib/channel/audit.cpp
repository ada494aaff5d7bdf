#include "channel/audit.hpp"

#include <algorithm>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "channel/foreign.hpp"
#include "doc/value.hpp"

namespace tranche::channel {
namespace {

constexpr std::size_t sniffed_bytes = 4096;

std::vector<std::string> names_of(const std::vector<Ecosystem>& known) {
  std::vector<std::string> names;
  for (const Ecosystem& one : known) names.emplace_back(one.feed);
  return names;
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

// "SHA1 name size", as Squirrel writes a line of RELEASES.
bool is_squirrel_line(std::string_view line) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  return line.size() > 42 && is_hex(line.substr(0, 40)) && (line[40] == ' ' || line[40] == '\t');
}

bool begins_a_line(std::string_view text, std::string_view word) {
  return text.starts_with(word) || text.find("\n" + std::string(word)) != std::string_view::npos;
}

std::string detect_json(std::string_view bytes) {
  const auto value = doc::parse_json(bytes, "<feed>", {max_ecosystem_file, 64, 2'000'000});
  if (!value || !value->is_object()) return {};
  if (value->find("payloadType") != nullptr) return "tranche";
  for (const doc::Member& member : value->as_object())
    if (lower(member.key) == "assets") return "velopack";
  if (value->find("platforms") != nullptr ||
      (value->find("url") != nullptr && value->find("signature") != nullptr))
    return "tauri";
  return {};
}

Result<std::vector<FeedAudit>> read_feed(const Ecosystem& ecosystem, const Opened& opened, const Fetch& fetch,
                                         const AuditInput& input) {
  ReadInput reading;
  reading.fetch = fetch;
  reading.channel = "stable";
  reading.file = opened.file;
  reading.client.name = std::string(ecosystem.feed);
  reading.client.channel = input.channel;
  reading.client.allow_downgrade = input.allow_downgrade;
  reading.now = input.now;
  if (const std::string place = opened.site->describe(); place.starts_with("http")) reading.base_url = place;
  auto views = TRY_WHILE(fmt::format("reading the {} feed of {}", ecosystem.feed, opened.site->describe()),
                         read_views(ecosystem, std::move(reading)));
  const cohort::Capabilities* client = cohort::find_client(ecosystem.feed);
  std::vector<FeedAudit> audits;
  for (auto& view : views) {
    FeedAudit audit;
    audit.feed = std::string(ecosystem.feed);
    if (client != nullptr)
      for (const Percent wanted : input.wanted)
        audit.asked.push_back({wanted, cohort::reach(*client, wanted)});
    audit.remarks = view->audit(input.now);
    std::ranges::stable_sort(audit.remarks, std::greater{}, &Remark::level);
    audit.view = std::move(view);
    audits.push_back(std::move(audit));
  }
  return audits;
}

}  // namespace

std::string detect_feed(std::string_view name, std::string_view bytes) {
  const std::string base = base_name(name);
  const std::string_view head = bytes.substr(0, sniffed_bytes);
  const std::string_view text = trim(head);
  if (base == "InRelease" || base == "Release" || base == "Release.gpg" || base.starts_with("Packages"))
    return "apt";
  if (text.starts_with('{')) return detect_json(bytes);
  if (text.starts_with('<') &&
      (head.find("<rss") != std::string_view::npos || head.find("sparkle") != std::string_view::npos))
    return "sparkle";
  if (is_squirrel_line(text)) return "squirrel";
  if (base == "RELEASES") return "squirrel";
  if (begins_a_line(text, "Package:") && begins_a_line(text, "Version:")) return "apt";
  if (begins_a_line(text, "version:") &&
      (begins_a_line(text, "files:") || begins_a_line(text, "path:") || begins_a_line(text, "sha512:")))
    return "electron";
  if (base.ends_with(".yml") || base.ends_with(".yaml")) return "electron";
  return {};
}

Result<std::vector<FeedAudit>> audit_site(const Opened& opened, const AuditInput& input,
                                          const std::vector<Ecosystem>& known) {
  const Fetch fetch = fetch_from(*opened.site);
  const std::string where =
      printable(opened.site->describe() + (opened.file.empty() ? "" : ": " + opened.file));
  std::string feed = input.feed;
  if (feed.empty() && !opened.file.empty()) {
    const auto bytes = TRY(fetch(opened.file, max_ecosystem_file));
    if (!bytes)
      return fail_hint(ErrorKind::failed, "a directory ends in /", "there is no such file: {}", where);
    feed = detect_feed(opened.file, *bytes);
    if (feed.empty())
      return fail_hint(ErrorKind::invalid, "say which client reads it: --feed NAME",
                       "this is no feed that tranche knows: {}", where);
  }
  if (feed == "tranche")
    return fail_hint(ErrorKind::invalid, "tranche feed check verifies it as a device would",
                     "this is tranche's own feed: {}", where);

  std::vector<FeedAudit> audits;
  bool tried = false;
  for (const Ecosystem& ecosystem : known) {
    if (!feed.empty() && ecosystem.feed != feed) continue;
    tried = true;
    for (FeedAudit& audit : TRY(read_feed(ecosystem, opened, fetch, input)))
      audits.push_back(std::move(audit));
  }
  if (!tried)
    return fail_hint(ErrorKind::invalid, "feeds: " + join(names_of(known), ", "),
                     "this build does not read the feed '{}'", printable(feed, 64));
  if (audits.empty())
    return fail_hint(ErrorKind::invalid, "name the feed's file itself, or its channel with --channel",
                     "no {} is here: {}", feed.empty() ? "feed that tranche knows" : feed + " feed", where);
  return audits;
}

std::string_view to_text(Level level) {
  switch (level) {
    case Level::good:
      return "good";
    case Level::note:
      return "note";
    case Level::warning:
      return "warning";
    case Level::problem:
      return "problem";
  }
  return "problem";
}

Level worst_level(const std::vector<FeedAudit>& audits) {
  Level worst = Level::good;
  for (const FeedAudit& audit : audits)
    for (const Remark& remark : audit.remarks) worst = std::max(worst, remark.level);
  return worst;
}

}  // namespace tranche::channel
