// How each client asks, and what "keep what runs" looks like to it:
//   electron  GET latest[-mac|-linux[-arch]].yml, x-user-staging-id      a yml of the version that runs
//   velopack  GET releases.CHANNEL.json?stagingId&localVersion            no assets
//   tauri     GET TARGET/ARCH/CURRENT_VERSION, an id of the app's naming  204
#include "server/served.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/tauri.hpp"
#include "cohort/clients.hpp"
#include "server/query.hpp"

namespace tranche::server {

namespace {

constexpr std::string_view electron_id = "x-user-staging-id";
constexpr std::string_view version_header = "x-tranche-version";
constexpr std::string_view manual_header = "x-tranche-manual";
constexpr std::string_view labels_header = "x-tranche-labels";

std::shared_ptr<const Content> make_content(std::string bytes, std::string_view type) {
  auto content = std::make_shared<Content>();  // no-store: the next who asks may get another
  content->bytes = std::move(bytes);
  content->type = type;
  return content;
}

std::string_view type_of(std::string_view feed) {
  return feed == "electron" ? "text/yaml; charset=utf-8" : "application/json";
}

Response give_now(std::shared_ptr<const Content> content, int status = 200) {
  Response response;
  response.status = status;
  response.content = std::move(content);
  return response;
}

std::string file_key(std::string_view feed, std::string_view feed_channel, std::string_view name) {
  if (feed == "tauri" && !feed_channel.empty()) return fmt::format("{}/{}", feed_channel, name);
  const std::string folder = std::string(feed) + "/";
  return std::string(name.starts_with(folder) ? name.substr(folder.size()) : name);
}

template <class Value>
std::shared_ptr<const Value> find_in(
    const std::map<std::string, std::shared_ptr<const Value>, std::less<>>& all, std::string_view key) {
  const auto found = all.find(key);
  return found == all.end() ? nullptr : found->second;
}

// The release as its key signed it, with what `name` must know of it.
Result<std::shared_ptr<const channel::Shipped>> read_release(ports::World& world, const ServedChannel& served,
                                                             std::string_view name, const channel::Feed& feed,
                                                             const channel::ReleaseRef& release) {
  const auto store = store::open_directory(world.files, served.directory);
  const auto file = TRY(store->get(release.manifest_path, channel::max_manifest_bytes));
  if (!file) return fail(ErrorKind::verification, "{} is missing", release.manifest_path);
  auto manifest = TRY(channel::open_release(feed, release.version, file->bytes, served.trust));
  auto facts = TRY(channel::read_facts(*store, manifest, name));
  return std::make_shared<const channel::Shipped>(
      channel::Shipped{std::move(manifest), std::move(facts).value_or("")});
}

Result<> read_labels(std::string_view text, cohort::Device& device) {
  if (text.empty()) return {};
  const Query labels = TRY(Query::parse(text));
  for (const auto& [name, value] : labels.all()) device.labels.emplace(name, value);
  return {};
}

}  // namespace

bool ServedChannel::decides(std::string_view feed) const {
  if (feed == "tranche" || config.on_unsupported != spec::Channel::OnUnsupported::serve) return false;
  const cohort::Capabilities* client = cohort::find_client(feed);
  return client != nullptr && client->servable && config.has_feed(feed);
}

std::vector<std::string> client_headers(const std::vector<ServedChannel>& channels) {
  std::vector<std::string> names;
  const auto add = [&](std::string_view name) {
    const std::string wanted = lower(name);
    if (!wanted.empty() && std::ranges::find(names, wanted) == names.end()) names.push_back(wanted);
  };
  for (const ServedChannel& served : channels)
    for (const std::string& feed : served.config.feeds) {
      if (!served.decides(feed)) continue;
      for (const std::string_view name : {version_header, manual_header, labels_header}) add(name);
      if (feed == "electron") add(electron_id);
      add(served.config.client(feed).staging_id);
    }
  return names;
}

std::shared_ptr<const ServedFeed> ServedFeed::prepare(ports::World& world, const ServedChannel& served,
                                                      std::string_view name, const channel::Feed& feed,
                                                      const ServedFeed* before, FindEcosystem find) {
  auto made = std::make_shared<ServedFeed>();
  ServedFeed& self = *made;
  self.name_ = name;
  self.client_ = served.config.client(name);
  self.standing_ = cohort::standing_release(feed.directions);
  const cohort::ServedTerms terms{self.client_.allow_downgrade,
                                  self.client_.manual_checks == spec::Client::ManualChecks::allow};
  self.feed_channels_.emplace_back();
  self.deciders_.emplace_back(feed.directions, cohort::FeedChannel{}, terms);
  for (const cohort::FeedChannel& one : served.feed_channels) {
    self.feed_channels_.push_back(one.name);
    self.deciders_.emplace_back(feed.directions, one, terms);
  }
  const auto miss = [&](const std::string& version, const std::string& why) {
    self.missing_.emplace(version, why);
    if (self.trouble_.empty()) self.trouble_ = fmt::format("{}: release {}: {}", self.name_, version, why);
  };
  for (const channel::ReleaseRef& release : feed.releases) {
    const auto known = before == nullptr ? nullptr : find_in(before->known_, release.manifest_sha256);
    auto read = known ? Result<std::shared_ptr<const channel::Shipped>>(known)
                      : read_release(world, served, name, feed, release);
    if (read)
      self.known_.emplace(release.manifest_sha256, std::move(*read));
    else
      miss(release.version, read.error().message);
  }
  for (const channel::ReleaseRef& release : feed.releases) {
    if (!self.known_.contains(release.manifest_sha256)) continue;
    // A file may name what is below its release: Velopack's deltas are found so.
    std::vector<channel::Shipped> below;
    std::string key = release.manifest_sha256;
    for (const auto& [digest, other] : self.known_)
      if (compare_versions(other->manifest.version, release.version) <= 0) {
        below.push_back(*other);
        key += digest;
      }
    auto of = before == nullptr ? nullptr : find_in(before->made_, key);
    if (!of) {
      auto fresh = self.make(world, served, feed, release.version, std::move(below), find);
      if (!fresh) {
        miss(release.version, fresh.error().message);
        continue;
      }
      of = std::make_shared<const Made>(std::move(*fresh));
    }
    self.made_.emplace(std::move(key), of);
    for (std::size_t at = 0; at < of->files.size(); ++at)
      for (const channel::Named& one : of->files[at]) {
        File& file = self.files_[file_key(name, self.feed_channels_[at], one.name)];
        file.decider = at;
        file.answers[release.version] = make_content(one.bytes, type_of(name));
      }
    for (const channel::Alias& alias : of->aliases)
      self.aliases_.emplace(alias.name, channel::artifact_name(release.version, alias.artifact));
  }
  return made;
}

Result<ServedFeed::Made> ServedFeed::make(ports::World& world, const ServedChannel& served,
                                          const channel::Feed& feed, const std::string& version,
                                          std::vector<channel::Shipped> releases, FindEcosystem find) const {
  Made made;
  made.files.resize(feed_channels_.size());
  std::ranges::sort(releases, [](const channel::Shipped& a, const channel::Shipped& b) {
    return compare_versions(a.manifest.version, b.manifest.version) > 0;
  });
  const auto shipped =
      std::ranges::find(releases, version, [](const channel::Shipped& one) { return one.manifest.version; });
  if (shipped->facts.empty()) return made;  // nothing of this release is for that client
  const channel::Ecosystem* ecosystem = find(name_);
  if (ecosystem == nullptr) return fail(ErrorKind::invalid, "this build has no writer for it");
  const auto store = store::open_directory(world.files, served.directory);
  if (ecosystem->aliases != nullptr) made.aliases = ecosystem->aliases(shipped->manifest, client_);
  for (std::size_t at = 0; at < feed_channels_.size(); ++at) {
    std::vector<cohort::Track> tracks;
    // A track without a release leaves the channel's own file alone.
    if (at > 0) tracks.emplace_back();
    tracks.push_back({feed_channels_[at], version, Percent{Percent::whole}, {}, false});
    auto written = TRY(ecosystem->write({.world = world,
                                         .repository = served.repository,
                                         .app = served.app,
                                         .channel = served.config,
                                         .client = client_,
                                         .tracks = std::move(tracks),
                                         .releases = releases,
                                         .sequence = feed.sequence,
                                         .issued = feed.issued,
                                         .expires = feed.expires,
                                         .store = *store}));
    for (channel::Named& pointer : written.pointers) {
      if (name_ != "tauri") {
        made.files[at].push_back(std::move(pointer));
        continue;
      }
      for (channel::Named& platform : TRY(channel::tauri_answers(pointer.bytes)))
        made.files[at].push_back(std::move(platform));
    }
  }
  return made;
}

std::vector<std::string> ServedFeed::files() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) names.push_back(name);
  return names;
}

// An id that cannot be believed is none; what cannot be read of version and labels is refused, since a pin
// may hang on it.
Result<cohort::Question> ServedFeed::read_question(const Request& request, const Query& query,
                                                   std::string& running) const {
  const auto parameter = [&](std::string_view name) -> std::string_view {
    const std::string* value = name.empty() ? nullptr : query.find(name);
    return value == nullptr ? std::string_view() : std::string_view(*value);
  };
  const auto either = [&](std::string_view name, std::string_view header) {
    return query.find(name) != nullptr ? parameter(name) : request.header(header);
  };
  if (name_ != "tauri") running = either(name_ == "velopack" ? "localVersion" : "version", version_header);
  if (!running.empty() && !valid_version(running))
    return fail_hint(ErrorKind::invalid, "send the version that runs, or none", "'{}' is no version",
                     printable(running, 40));
  cohort::Question question;
  for (const auto& [key, value] : query.all())
    if (key.starts_with("label.")) question.device.labels.emplace(key.substr(6), value);
  TRY_WHILE("reading the labels", read_labels(request.header(labels_header), question.device));
  question.device.id = "-";
  TRY(cohort::check_device(question.device));
  question.device.id = name_ == "electron"   ? request.header(electron_id)
                       : name_ == "velopack" ? parameter("stagingId")
                                             : either(client_.staging_id, lower(client_.staging_id));
  const bool believed = name_ == "tauri" ? cohort::check_device(question.device).has_value()
                                         : cohort::parse_uuid(question.device.id).has_value();
  if (!believed) question.device.id.clear();
  question.manual = request.header(manual_header) == "1" || parameter("manual") == "1";
  question.running = running;
  return question;
}

Response ServedFeed::keep(const File& file, const cohort::Question& question) const {
  if (name_ == "tauri") return give_now(nullptr, 204);
  if (name_ == "velopack") return give_now(make_content("{\"Assets\":[]}\n", type_of(name_)));
  if (question.running.empty()) return refuse(404, "there is nothing for this client yet", "ask again later");
  if (const auto own = file.answers.find(question.running); own != file.answers.end())
    return give_now(own->second);
  return give_now(make_content(fmt::format("version: '{}'\nfiles: []\n", question.running), type_of(name_)));
}

Response ServedFeed::pick(const File& file, const cohort::Question& question) const {
  const cohort::Decision decision = deciders_[file.decider].choose(question);
  if (decision.version.empty()) return keep(file, question);
  // A client that runs it is told so by its file, where one is.
  if (decision.version == question.running && name_ != "electron") return keep(file, question);
  if (const auto found = file.answers.find(decision.version); found != file.answers.end())
    return give_now(found->second);
  if (const auto why = missing_.find(decision.version); why != missing_.end()) {
    Response response = refuse(503, fmt::format("release {} cannot be given here", decision.version),
                               "keep what runs and ask again later; /healthz says why");
    response.retry_after = 30;
    return response;
  }
  // The release has nothing for this platform. A client that does not say what it runs would take a missing
  // file for an error: it gets what the rest get.
  if (question.running.empty() && decision.reason == cohort::Reason::offered)
    if (const auto found = file.answers.find(standing_); found != file.answers.end())
      return give_now(found->second);
  return keep(file, question);
}

// TARGET/ARCH/VERSION[?bundle=TYPE] of a Tauri endpoint → the key of its file; nullopt: the path is of
// another shape.
std::optional<std::string> ServedFeed::read_endpoint(std::string_view path, const Query& query,
                                                     std::string& running) const {
  const std::size_t first = path.find('/');
  const std::size_t second = first == std::string_view::npos ? first : path.find('/', first + 1);
  if (second == std::string_view::npos || path.find('/', second + 1) != std::string_view::npos)
    return std::nullopt;
  running = path.substr(second + 1);
  const std::string* reads = query.find("channel");
  const std::string target =
      (reads == nullptr ? std::string() : *reads + "/") + std::string(path.substr(0, first));
  // {{target}} may hold the architecture already.
  const std::string both = fmt::format("{}-{}", target, path.substr(first + 1, second - first - 1));
  if (const std::string* bundle = query.find("bundle"))
    if (std::string whole = both + "-" + *bundle; files_.contains(whole)) return whole;
  return files_.contains(both) ? both : target;
}

ServedFeed::Found ServedFeed::answer(std::string_view rest, const Request& request) const {
  const auto refused = [](const Error& error) {
    return Found{refuse(400, error.message, error.hint.empty() ? "see `tranche serve --help`" : error.hint),
                 {}};
  };
  std::string name, running;
  if (!percent_decode(rest, name))
    return {refuse(400, "the path cannot be decoded", "percent-encode it"), {}};
  const auto query = Query::parse(request.query);
  if (!query) return refused(query.error());
  const auto endpoint =
      name_ == "tauri" ? read_endpoint(name, *query, running) : std::optional<std::string>();
  const auto file = files_.find(endpoint ? *endpoint : name);
  if (file == files_.end()) {
    if (endpoint) return {give_now(nullptr, 204), {}};  // nothing was ever published for that platform
    const auto alias = aliases_.find(name);
    return {{.status = 0}, alias == aliases_.end() ? std::move(name) : alias->second};
  }
  const auto question = read_question(request, *query, running);
  if (!question) return refused(question.error());
  return {pick(file->second, *question), {}};
}

}  // namespace tranche::server
