#include "channel/foreign.hpp"

#include <algorithm>
#include <set>

#include "artifact/collect.hpp"
#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "crypto/digest.hpp"

namespace tranche::channel {
namespace {

constexpr std::size_t max_artifact_name = 200;

// Manifests hold plain names only.
std::string plain_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("._~+@=-").find(c) != std::string_view::npos;
    if (!plain) c = '-';
  }
  if (out.size() > max_artifact_name) out = out.substr(out.size() - max_artifact_name);
  if (out.empty() || out == "." || out == "..") out = "artifact";
  return out;
}

std::string plain_platform(const std::string& platform, std::string_view name) {
  const bool plain = !platform.empty() && platform.size() <= 64 && platform.find("//") == std::string::npos &&
                     std::ranges::all_of(platform, [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
                              c == '-' || c == '.';
                     });
  const std::string told = plain ? platform : "any";
  return told == "any" ? artifact::platform_of(name) : told;
}

// A digest as feeds write it, hex or base64, in lower-case hex.
std::string hex_of(const std::string& digest) {
  if (from_hex(digest)) return lower(digest);
  const auto raw = from_base64(digest);
  return raw ? to_hex(*raw) : digest;
}

// What all feeds say of one file.
struct Said {
  std::string platform;
  std::uint64_t size = 0;
  std::map<std::string, std::string> digests;
};

Error disagree(const std::string& name, std::string_view what) {
  return {ErrorKind::verification,
          fmt::format("{} of {} is not what the feed says", what, printable(name, 160)),
          "put the file that was published there again; until then clients refuse it too"};
}

Result<> merge(Said& into, const NamedFile& file, const std::string& platform, const std::string& name) {
  if (into.platform.empty() || into.platform == "any") into.platform = platform;
  if (file.size != 0 && into.size != 0 && file.size != into.size) return fail(disagree(name, "the size"));
  if (into.size == 0) into.size = file.size;
  for (const auto& [algorithm, digest] : file.digests) {
    const auto [known, added] = into.digests.try_emplace(algorithm, hex_of(digest));
    if (!added && known->second != hex_of(digest)) return fail(disagree(name, "the " + algorithm));
  }
  return {};
}

// Where a file lies at the site; empty: elsewhere.
std::string place_of(const ForeignChannel& foreign, const NamedFile& file) {
  if (!file.name.empty()) return file.name;
  for (const std::string& address : foreign.addresses)
    if (file.url.starts_with(address))
      return percent_decode(file.url.substr(address.size(), file.url.find_first_of("?#") - address.size()))
          .value_or("");
  return {};
}

// Everything that feeds name under a version: name at the site → what they say.
Result<std::map<std::string, Said>> files_named(const ForeignChannel& foreign, const std::string& version) {
  std::map<std::string, Said> out;
  for (const ForeignFeed& feed : foreign.feeds)
    for (const NamedRelease& release : feed.view->releases()) {
      if (release_version(feed.feed, release.version) != version) continue;
      for (const NamedFile& file : release.files) {
        const std::string place = place_of(foreign, file);
        if (place.empty())
          return fail_hint(
              ErrorKind::invalid,
              "say under url: of the channel where clients read it, or copy the file beside the feed",
              "the {} feed names {} for {}, which lies elsewhere", feed.feed, printable(file.url, 160),
              version);
        TRY(check_site_name(place));
        TRY(merge(out[place], file, release.platform, place));
      }
    }
  return out;
}

Result<artifact::Artifact> read_artifact(Site& site, const std::string& name, const Said& said,
                                         bool trust_digests) {
  artifact::Artifact out;
  out.platform = plain_platform(said.platform, base_name(name));
  const auto told = said.digests.find("sha256");
  if (trust_digests && said.size != 0 && told != said.digests.end() && crypto::parse_sha256(told->second)) {
    out.size = said.size;
    out.sha256 = told->second;
    return out;
  }
  std::vector<std::string> algorithms;
  for (const auto& [algorithm, digest] : said.digests) algorithms.push_back(algorithm);
  const auto measured = TRY(measure(site, name, algorithms));
  if (!measured)
    return fail_hint(ErrorKind::invalid, "put it back, or take its release out of the feed",
                     "{} is named and is not in {}", printable(name, 160), printable(site.describe()));
  if (said.size != 0 && measured->size != said.size) return fail(disagree(name, "the size"));
  for (const auto& [algorithm, digest] : said.digests)
    if (const auto own = measured->digests.find(algorithm);
        own != measured->digests.end() && own->second != digest)
      return fail(disagree(name, "the " + algorithm));
  out.size = measured->size;
  out.sha256 = measured->digests.at("sha256");
  return out;
}

// "x64/app.exe" and "arm64/app.exe" become app.exe and arm64-app.exe: the first one that comes keeps its
// name.
std::string free_name(const std::map<std::string, std::string>& taken, const std::string& place) {
  std::string name = plain_name(base_name(place));
  if (!taken.contains(name)) return name;
  const std::string whole = plain_name(place);
  for (int i = 2; taken.contains(name); ++i) name = i == 2 ? whole : fmt::format("{}-{}", i, whole);
  return name;
}

Result<> add_facts(ForeignRelease& release, const ForeignChannel& foreign, const std::string& version) {
  for (const ForeignFeed& feed : foreign.feeds) {
    const std::string name = facts_name(feed.feed);
    const bool known =
        std::ranges::any_of(release.documents, [&](const auto& one) { return one.first == name; });
    const auto& named = feed.view->releases();
    const auto found = std::ranges::find_if(
        named, [&](const NamedRelease& one) { return release_version(feed.feed, one.version) == version; });
    if (known || found == named.end()) continue;
    std::string facts = TRY_WHILE(fmt::format("reading what the {} feed says of {}", feed.feed, version),
                                  feed.view->facts(found->version));
    if (facts.empty()) continue;
    release.manifest.feeds.push_back({name, feed.feed, facts.size(), crypto::to_hex(crypto::sha256(facts))});
    release.documents.emplace_back(name, std::move(facts));
  }
  return {};
}

}  // namespace

Result<std::vector<std::unique_ptr<View>>> read_views(const Ecosystem& ecosystem, ReadInput input) {
  const auto first = [](const View& view) { return view.files().empty() ? "" : view.files().front().name; };
  std::vector<std::unique_ptr<View>> views;
  std::set<std::string> seen;
  for (const std::string_view platform : {"windows/amd64", "windows/arm64", "darwin/amd64", "darwin/arm64",
                                          "linux/amd64", "linux/arm64", "linux/arm"}) {
    if (!input.file.empty()) break;
    input.platform = platform;
    auto view = TRY(ecosystem.read(input));
    if (view != nullptr && seen.insert(first(*view)).second) views.push_back(std::move(view));
  }
  input.platform.clear();  // whatever else is there; or all of one file that each system reads a part of
  auto whole = TRY(ecosystem.read(input));
  if (whole == nullptr) return views;
  if (views.size() == 1 && first(*views.front()) == first(*whole)) views.clear();
  if (views.empty() || seen.insert(first(*whole)).second) views.push_back(std::move(whole));
  return views;
}

namespace {

bool covers(const View& whole, const View& part) {
  return std::ranges::all_of(part.files(), [&](const Named& file) {
    return std::ranges::find(whole.files(), file.name, &Named::name) != whole.files().end();
  });
}

Result<std::optional<ForeignFeed>> read_one(const Ecosystem& ecosystem, ReadInput input) {
  ForeignFeed out;
  out.feed = std::string(ecosystem.feed);
  out.feed_channel = input.feed_channel;
  out.view = TRY(ecosystem.read(input));
  input.world = nullptr;  // its signature was looked at
  out.parts = TRY(read_views(ecosystem, input));
  if (out.parts.empty()) return std::optional<ForeignFeed>();
  if (out.view == nullptr && out.parts.size() == 1) {
    out.view = std::move(out.parts.front());
    out.parts = TRY(read_views(ecosystem, input));
  }
  for (const auto& part : out.parts)
    if (out.view == nullptr || !covers(*out.view, *part))
      return fail_hint(
          ErrorKind::invalid,
          fmt::format("name the one that this channel carries: clients: {{ {}: {{ channel: NAME }} }}",
                      ecosystem.feed),
          "{} is a file for clients of their own, and there are others beside it",
          printable(part->files().front().name, 160));
  return std::optional(std::move(out));
}

}  // namespace

Result<ForeignChannel> read_foreign(ports::World& world, const std::string& repository, Site& site,
                                    const spec::Channel& channel,
                                    const std::vector<std::string>& feed_channels, Instant now,
                                    const std::vector<Ecosystem>& known) {
  ForeignChannel out;
  for (std::string address : {channel.url, site.address()}) {
    if (address.empty()) continue;
    if (!address.ends_with('/')) address += '/';
    out.addresses.push_back(std::move(address));
  }
  const Fetch fetch = fetch_from(site);
  std::vector<std::string> names{""};
  for (const std::string& name : feed_channels)
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  for (const Ecosystem& ecosystem : known) {
    if (!channel.has_feed(ecosystem.feed)) continue;
    for (const std::string& name : names) {
      ReadInput input;
      input.fetch = fetch;
      input.channel = channel.name;
      input.feed_channel = name;
      input.client = channel.client(ecosystem.feed);
      input.now = now;
      input.world = &world;
      input.repository = repository;
      input.base_url = site.address().empty() ? channel.url : site.address();
      auto feed = TRY_WHILE(fmt::format("reading the {} feed in {}", ecosystem.feed, site.describe()),
                            read_one(ecosystem, input));
      if (feed) out.feeds.push_back(std::move(*feed));
    }
  }
  if (out.feeds.empty())
    return fail_hint(ErrorKind::invalid, "name under feeds: what is published there; see tranche feed audit",
                     "no feed of channel '{}' ({}) is in {}", channel.name, join(channel.feeds, ", "),
                     printable(site.describe()));
  return out;
}

std::string release_version(std::string_view feed, std::string_view version) {
  if (feed != "apt") return std::string(version);
  const auto colon = version.find(':');
  const std::string_view upstream = colon == std::string_view::npos ? version : version.substr(colon + 1);
  const auto dash = upstream.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == upstream.size()) return std::string(upstream);
  const char first = upstream[dash + 1];
  const std::string_view without = upstream.substr(0, dash);
  return std::string(first >= '0' && first <= '9' && valid_version(without) ? without : upstream);
}

std::vector<std::string> named_versions(const ForeignChannel& foreign) {
  std::set<std::string> versions;
  for (const ForeignFeed& feed : foreign.feeds)
    for (const NamedRelease& release : feed.view->releases()) {
      std::string version = release_version(feed.feed, release.version);
      if (valid_version(version)) versions.insert(std::move(version));
    }
  std::vector<std::string> out(versions.begin(), versions.end());
  std::ranges::sort(out,
                    [](const std::string& a, const std::string& b) { return compare_versions(a, b) > 0; });
  return out;
}

namespace {

// What one file says beside the release that was chosen.
Result<> look_at(const ForeignFeed& feed, const View& part, const Choice& choice, InForce& out) {
  if (part.offers().empty()) return {};
  const std::string name = printable(part.files().front().name, 160);
  const std::string version = release_version(feed.feed, part.offers());
  if (version != out.version) {
    out.notes.push_back(fmt::format("{} gives {}, not {}", name, printable(version, 64), out.version));
    return {};
  }
  if (part.share() >= 1) return {};
  const double percent = part.share() * 100;
  if (!choice.finish && feed.feed_channel.empty())
    return fail_hint(ErrorKind::invalid,
                     "finish or withdraw it with the tool that began it; or take it for everyone's: --finish",
                     "{} gives {} to {:.1f}% only: it is being rolled out", name, version, percent);
  out.notes.push_back(
      fmt::format("{} gives {} to {:.1f}%: the next publish gives it to everyone", name, version, percent));
  return {};
}

}  // namespace

Result<InForce> find_in_force(const ForeignChannel& foreign, const Choice& choice) {
  InForce out;
  std::map<std::string, std::vector<std::string>> offered;  // version → feeds
  for (const ForeignFeed& feed : foreign.feeds)
    for (const auto& part : feed.parts)
      if (feed.feed_channel.empty() && !part->offers().empty())
        offered[release_version(feed.feed, part->offers())].push_back(part->files().front().name);
  if (offered.empty())
    return fail_hint(ErrorKind::invalid,
                     "publish a release with the other tool first, or start with a rollout",
                     "the feeds offer no release now");
  out.version = choice.release.empty() ? offered.begin()->first : choice.release;
  if (choice.release.empty() && offered.size() > 1) {
    std::vector<std::string> words;
    for (const auto& [version, feeds] : offered) words.push_back(version + " by " + join(feeds, ", "));
    return fail_hint(
        ErrorKind::invalid,
        "bring them to one with the other tool, or choose: --release VERSION; the feeds that do not "
        "have it stay as they are",
        "the feeds give different releases: {}", printable(join(words, "; "), 300));
  }
  if (!offered.contains(out.version))
    return fail_hint(ErrorKind::invalid, "offered: " + printable(offered.begin()->first, 64),
                     "no feed offers {} now", printable(out.version, 64));
  if (!valid_version(out.version))
    return fail_hint(ErrorKind::invalid, "versions look like 1.2.0 or 1.2.0-rc.1 (semver.org)",
                     "the feeds offer '{}', which no release can be called", printable(out.version, 64));
  for (const ForeignFeed& feed : foreign.feeds)
    for (const auto& part : feed.parts) TRY(look_at(feed, *part, choice, out));
  return out;
}

Result<ForeignRelease> collect_release(Site& site, const ForeignChannel& foreign, const std::string& app,
                                       const std::string& version, Instant created, bool trust_digests) {
  ForeignRelease out;
  out.manifest.app = app;
  out.manifest.version = version;
  out.manifest.created = created;
  const auto named = TRY(files_named(foreign, version));
  if (named.size() > artifact::max_artifacts)
    return fail(ErrorKind::invalid, "the feeds name {} files for {}, more than {}", named.size(), version,
                artifact::max_artifacts);
  for (const auto& [place, said] : named) {
    artifact::Artifact one =
        TRY_WHILE("reading release " + version, read_artifact(site, place, said, trust_digests));
    one.name = free_name(out.places, place);
    out.places[one.name] = place;
    out.manifest.artifacts.push_back(std::move(one));
  }
  TRY(add_facts(out, foreign, version));
  TRY(artifact::check_manifest(out.manifest));
  return out;
}

}  // namespace tranche::channel
