// Reading latest*.yml as electron-updater does: AppUpdater.ts isUpdateAvailable, in its order. What the feed
// cannot know (the system's version against minimumSystemVersion, an app's own isUserWithinRollout) is left
// out and said in the audit.
#include "channel/electron_view.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/statement.hpp"

namespace tranche::channel {

namespace {

bool is_whole_address(std::string_view url) {
  const std::size_t colon = url.find(':');
  return url.starts_with("//") || (colon != std::string_view::npos && colon < url.find('/'));
}

std::map<std::string, std::string> digests_of(const artifact::UpdateFile& file) {
  std::map<std::string, std::string> digests;
  if (const auto sha512 = artifact::sha512_hex(file.sha512)) digests["sha512"] = *sha512;
  if (file.sha2.size() == 64) digests["sha256"] = lower(file.sha2);
  return digests;
}

void add_file(std::vector<NamedRelease>& releases, const ElectronDocument& document,
              const artifact::UpdateFile& file, const std::string& base_url) {
  const std::string platform =
      artifact::update_platform(document.suffix, artifact::update_file_name(file.url));
  auto release = std::ranges::find_if(releases, [&](const NamedRelease& one) {
    return one.version == document.info.version && one.platform == platform;
  });
  if (release == releases.end())
    release = releases.insert(releases.end(), {document.info.version, platform, {}});
  NamedFile named{file.url, place_below(document.name, file.url, base_url), file.size.value_or(0),
                  digests_of(file)};
  const bool known =
      std::ranges::any_of(release->files, [&](const NamedFile& one) { return one.url == named.url; });
  if (!known) release->files.push_back(std::move(named));
}

// Clients fetch these in differences when NAME.blockmap lies beside them.
bool takes_blockmap(const ElectronDocument& document, const artifact::UpdateFile& file) {
  const std::string name = lower(artifact::update_file_name(file.url));
  return document.suffix.empty() ? name.ends_with(".exe")
                                 : document.suffix == "-mac" && name.ends_with(".zip");
}

class Reader {
 public:
  explicit Reader(const ReadInput& input) : input_(input) {}

  Result<std::unique_ptr<View>> read() {
    if (!input_.file.empty()) {
      const auto name = artifact::parse_update_info_name(base_name(input_.file));
      TRY(look(input_.file, name ? name->suffix : ""));
    } else {
      const std::string channel =
          input_.feed_channel.empty() ? electron_channel(input_.channel, input_.client) : input_.feed_channel;
      const auto only = artifact::update_suffix(input_.platform);
      for (const std::string_view suffix : electron_suffixes)
        if (!only || *only == suffix) TRY(look(channel + std::string(suffix) + ".yml", std::string(suffix)));
    }
    if (documents_.empty()) return std::unique_ptr<View>();
    return std::unique_ptr<View>(
        std::make_unique<ElectronView>(std::move(documents_), std::move(files_), input_));
  }

 private:
  Result<> look(const std::string& name, const std::string& suffix) {
    auto bytes = TRY(input_.fetch(name, artifact::max_update_info_bytes));
    if (!bytes) return {};
    ElectronDocument document;
    document.name = name;
    document.suffix = suffix;
    document.info = TRY(artifact::parse_update_info(*bytes, name));
    document.dice = cohort::ElectronDice(document.info.staging_text);
    if (const auto statement = input_.fetch(statement_name(name), max_statement_bytes))
      document.has_statement = statement->has_value();
    for (const artifact::UpdateFile& file : document.info.files) {
      const std::string place = place_below(name, file.url, input_.base_url);
      if (place.empty() || !takes_blockmap(document, file)) continue;
      // One byte is enough: a larger file is an error, and is there.
      const auto map = input_.fetch(place + ".blockmap", 1);
      if (map && !map->has_value()) document.without_blockmap.push_back(file.url);
    }
    documents_.push_back(std::move(document));
    files_.push_back({name, std::move(*bytes)});
    return {};
  }

  const ReadInput& input_;
  std::vector<ElectronDocument> documents_;
  std::vector<Named> files_;
};

}  // namespace

std::string place_below(const std::string& document, const std::string& url, const std::string& base_url) {
  if (is_whole_address(url)) return name_below(base_url, url);
  if (url.empty() || url.front() == '/') return {};
  const auto decoded = percent_decode(url.substr(0, url.find_first_of("?#")));
  if (!decoded || decoded->empty()) return {};
  const std::string directory = directory_name(document);
  const std::string place = normal_path(directory == "." ? *decoded : join_path(directory, *decoded));
  return is_within(".", place) ? place : std::string();
}

ElectronView::ElectronView(std::vector<ElectronDocument> documents, std::vector<Named> files,
                           const ReadInput& input)
    : documents_(std::move(documents)),
      files_(std::move(files)),
      allow_downgrade_(input.client.allow_downgrade),
      base_url_(input.base_url) {
  for (const ElectronDocument& document : documents_) {
    for (const artifact::UpdateFile& file : document.info.files)
      add_file(releases_, document, file, base_url_);
    for (const artifact::UpdatePackage& package : document.info.packages)
      add_file(releases_, document, package.file, base_url_);
  }
  std::ranges::sort(releases_, [](const NamedRelease& a, const NamedRelease& b) {
    const int order = compare_versions(a.version, b.version);
    return order != 0 ? order > 0 : std::tie(a.version, a.platform) < std::tie(b.version, b.platform);
  });
}

Answer ElectronView::ask(const Asker& asker) const {
  const ElectronDocument& document = first();
  const std::string_view version = document.info.version;
  const int order = asker.running.empty() ? 1 : compare_versions(version, asker.running);
  if (order == 0) return {{}, "running"};
  if (!document.dice.admits(asker.id)) return {{}, cohort::parse_uuid(asker.id) ? "not-admitted" : "no-id"};
  if (order < 0 && !allow_downgrade_) return {{}, "newer"};
  if (document.info.files.empty()) return {{}, "nothing"};
  return {version, document.dice.everyone() ? "everyone" : "admitted"};
}

std::vector<std::string> ElectronView::explain(const Asker& asker) const {
  const ElectronDocument& document = first();
  const std::string& version = document.info.version;
  const std::string id = printable(asker.id, 64);
  std::vector<std::string> steps;
  const auto& staging = document.info.staging_text;
  steps.push_back(staging ? fmt::format("{} offers {} with stagingPercentage: {}", printable(document.name),
                                        version, printable(*staging, 40))
                          : fmt::format("{} offers {} to everyone", printable(document.name), version));
  const Answer answer = ask(asker);
  if (answer.reason == "running") {
    steps.push_back(fmt::format("it runs {} already", version));
    return steps;
  }
  if (staging && document.dice.everyone()) {
    steps.push_back("that is no number to electron-updater, so it lets everybody in");
  } else if (staging && answer.reason == "no-id") {
    steps.push_back(
        fmt::format("'{}' is no UUID: electron-updater would make itself a new id and draw from that", id));
  } else if (staging) {
    const std::string draw = asker.id.size() >= 8 ? std::string(asker.id.substr(asker.id.size() - 8)) : "";
    const double below = cohort::parse_int(*staging).value_or(0) / 100;
    steps.push_back(fmt::format("id {} draws {} / ffffffff, which is {} {}", id, draw,
                                document.dice.admits(asker.id) ? "below" : "not below", below));
  }
  if (answer.reason == "not-admitted") steps.push_back("it is not admitted, and stays where it is");
  if (answer.reason == "newer")
    steps.push_back(fmt::format("it runs {}, which is newer, and was not built with allowDowngrade",
                                printable(asker.running, 64)));
  if (answer.reason == "nothing") steps.push_back("the file names nothing to install");
  if (!answer.offered.empty())
    steps.push_back(asker.running.empty() ? fmt::format("{} is installed", version)
                                          : fmt::format("it runs {}, so {} is installed",
                                                        printable(asker.running, 64), version));
  return steps;
}

std::vector<Remark> ElectronView::audit(Instant now) const { return audit_electron(*this, now); }

Result<std::string> ElectronView::facts(const std::string& version) const {
  ElectronFacts facts;
  facts.version = version;
  const auto adopt = [&](const artifact::UpdateFile& file) -> Result<ElectronFile> {
    ElectronFile out = electron_file(file);
    out.url = file.url;
    if (!artifact::sha512_hex(file.sha512))
      return fail_hint(ErrorKind::verification, "publish it again with electron-builder, then adopt",
                       "'{}' has no SHA-512 that a file could match", printable(file.url));
    return out;
  };
  for (const ElectronDocument& document : documents_) {
    if (document.info.version != version) continue;
    if (document.info.files.empty() || facts.platform(document.suffix) != nullptr) continue;
    ElectronPlatform platform;
    platform.suffix = document.suffix;
    for (const artifact::UpdateFile& file : document.info.files) platform.files.push_back(TRY(adopt(file)));
    for (const artifact::UpdatePackage& package : document.info.packages) {
      ElectronFile file = TRY(adopt(package.file));
      platform.packages.push_back({package.architecture, std::move(file)});
    }
    platform.release_date = document.info.release_date;
    platform.release_name = document.info.release_name;
    platform.release_notes = document.info.release_notes;
    platform.minimum_system_version = document.info.minimum_system_version;
    facts.platforms.push_back(std::move(platform));
  }
  if (facts.platforms.empty())
    return fail_hint(ErrorKind::invalid, "name a version that the feed offers",
                     "the electron feed names no release {}", printable(version));
  std::ranges::sort(facts.platforms, {}, &ElectronPlatform::suffix);
  return to_json(facts);
}

Result<std::unique_ptr<View>> read_electron(const ReadInput& input) { return Reader(input).read(); }

}  // namespace tranche::channel
