#include "engine/drill.hpp"

#include <algorithm>

#include "actions/releases.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "crypto/ed25519.hpp"
#include "engine/engine.hpp"
#include "rollout/feeds.hpp"

namespace tranche::engine {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t max_document_bytes = 16U << 20U;
constexpr std::size_t seed_bytes = 32;

// Public keys of the drill, seen at paths of the repository where nothing is: trust: takes no others.
class FilesWithKeys final : public ports::Files {
 public:
  // keys: by path. repository: its real path.
  FilesWithKeys(ports::Files& below, std::string repository, std::map<std::string, std::string> keys)
      : below_(below), repository_(std::move(repository)), keys_(std::move(keys)) {}
  Result<std::optional<std::string>> read(const std::string& path, std::size_t max_bytes) override {
    if (const auto key = keys_.find(path); key != keys_.end()) return std::optional(key->second);
    return below_.read(path, max_bytes);
  }
  Result<std::optional<ports::FileInfo>> info(const std::string& path) override {
    if (const auto key = keys_.find(path); key != keys_.end())
      return std::optional(ports::FileInfo{.size = key->second.size(), .mode = 0444});
    return below_.info(path);
  }
  Result<std::string> real_path(const std::string& path) override {
    if (!keys_.contains(path)) return below_.real_path(path);
    return join_path(repository_, path.substr(path.rfind('/') + 1));
  }
  Result<std::unique_ptr<ports::FileReader>> open(const std::string& path) override {
    return below_.open(path);
  }
  Result<> write(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
    return below_.write(path, bytes, mode);
  }
  Result<> write_all(std::span<const ports::FileWrite> files) override { return below_.write_all(files); }
  Result<> create(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
    return below_.create(path, bytes, mode);
  }
  Result<> copy(const std::string& from, const std::string& to, const Watch& watch) override {
    return below_.copy(from, to, watch);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    return below_.list(directory);
  }
  Result<> remove(const std::string& path) override { return below_.remove(path); }
  Result<> make_directories(const std::string& path) override { return below_.make_directories(path); }
  Result<std::string> current_directory() override { return below_.current_directory(); }
  Result<std::unique_ptr<ports::FileLock>> lock(const std::string& path, Duration wait) override {
    return below_.lock(path, wait);
  }

 private:
  ports::Files& below_;
  std::string repository_;
  std::map<std::string, std::string> keys_;
};

// What a machine remembers of journals is not to be filled with those of drills.
class EnvironWithState final : public ports::Environ {
 public:
  EnvironWithState(ports::Environ& below, std::string directory)
      : below_(below), directory_(std::move(directory)) {}
  std::optional<std::string> get(const std::string& name) override {
    return name == "XDG_STATE_HOME" ? std::optional(directory_) : below_.get(name);
  }

 private:
  ports::Environ& below_;
  std::string directory_;
};

// The app with all that it changes in one directory.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> make(actions::Deck& deck, const spec::App& app) {
    std::unique_ptr<Scratch> scratch(new Scratch);
    ports::World& world = deck.world();
    scratch->directory_ =
        TRY(signing::PrivateDirectory::make(world, signing::PrivateDirectory::Holds::files));
    const std::string& place = scratch->directory_->path();
    const std::string repository =
        TRY(world.files.real_path(deck.repository().empty() ? "." : deck.repository()));
    spec::App copy = app;
    std::map<std::string, std::string> keys;
    const auto new_key = [&](const std::string& role, std::vector<std::string>& trusted,
                             std::string& reference) -> Result<> {
      const auto key = TRY(crypto::SecretKey::from_seed(Secret(TRY(world.random.bytes(seed_bytes)))));
      TRY(world.files.create(place + "/" + role + ".key", key.to_pem().expose(), 0600));
      const std::string name = ".tranche-drill-" + role + ".pub";
      for (const std::string& root : {repository, deck.repository()})
        keys[join_path(root, name)] = crypto::to_pem(key.public_key());
      trusted = {name};
      reference = "file:" + place + "/" + role + ".key";
      return {};
    };
    TRY(new_key("feed", copy.trust.feed, copy.signing.feed));
    TRY(new_key("journal", copy.trust.journal, copy.signing.journal));
    copy.witnesses_required = 0;
    copy.state = {};
    copy.state.kind = spec::State::Kind::dir;
    copy.state.path = place + "/state";
    for (spec::Channel& channel : copy.channels) {
      channel.store = {};
      channel.store.path = place + "/channel-" + channel.name;
      channel.purge = {};
      channel.latest_link = false;
      channel.mode = spec::Channel::Mode::publish;
    }
    scratch->files_ = std::make_unique<FilesWithKeys>(world.files, repository, std::move(keys));
    scratch->environ_ = std::make_unique<EnvironWithState>(world.environ, place);
    scratch->world_.reset(new ports::World{world.clock, world.http, *scratch->files_, world.process,
                                           world.random, *scratch->environ_, world.console, world.zones});
    scratch->deck_ =
        TRY_WHILE("opening the scratch copy",
                  actions::Deck::open(*scratch->world_, deck.repository(), std::move(copy), deck.by()));
    return scratch;
  }
  [[nodiscard]] actions::Deck& deck() { return *deck_; }

 private:
  Scratch() = default;
  std::unique_ptr<signing::PrivateDirectory> directory_;
  std::unique_ptr<ports::Files> files_;
  std::unique_ptr<ports::Environ> environ_;
  std::unique_ptr<ports::World> world_;
  std::unique_ptr<actions::Deck> deck_;
};

struct Scene {
  rollout::Plan plan;
  spec::Playbook playbook;
  rollout::State state;
};

Result<Scene> make_scene(actions::Deck& deck, const DrillRequest& request) {
  Scene scene;
  const auto report = Engine(deck).status(request.rollout);
  const bool started = report && (request.release.empty() || report->plan.release == request.release);
  if (started) {
    scene.plan = report->plan;
  } else if (request.release.empty()) {
    return fail_hint(ErrorKind::usage, "name one: --release VERSION",
                     "rollout '{}' was never started: a drill needs a release to take back",
                     printable(request.rollout, 64));
  } else {
    scene.plan = TRY(Engine(deck).plan({request.rollout, request.release, true, {}}));
  }
  scene.plan.config = deck.app();  // the playbook and the channel as they are now
  if (has_target(scene.plan))
    return fail_hint(ErrorKind::invalid,
                     "see what it would do, and whether all it needs is there: tranche playbook run NAME "
                     "--dry-run",
                     "rollout '{}' carries a service, and no scratch copy of its target can be made",
                     printable(request.rollout, 64));
  if (scene.plan.config.channel(scene.plan.channel) == nullptr)
    return fail_hint(ErrorKind::invalid, "a drill needs a channel to take the release back from",
                     "tranche.yaml has no channel '{}'", printable(scene.plan.channel, 64));
  const spec::Rollout* spec = scene.plan.config.rollout(request.rollout);
  const std::string name = request.playbook.empty() && spec != nullptr ? spec->on_failure : request.playbook;
  const spec::Playbook* playbook = scene.plan.config.playbook(name);
  if (playbook == nullptr)
    return fail_hint(ErrorKind::invalid, "see tranche playbook list", "there is no playbook '{}'",
                     printable(name, 64));
  TRY(check_when(*playbook));
  scene.playbook = *playbook;
  // Nobody is waited for, and nothing is tried twice: a drill says what does not work at once.
  for (spec::Step& step : scene.playbook.steps) {
    step.retry.attempts = 1;
    step.approval.clear();
    step.verify.within = Duration{};
  }
  scene.state.rollout = request.rollout;
  scene.state.release = scene.plan.release;
  scene.state.id = fmt::format("{}/{}/drill", request.rollout, scene.plan.release);
  scene.state.stage = scene.plan.stages.size() - 1;
  return scene;
}

Result<> copy_releases(actions::Deck& from, actions::Deck& to, const rollout::Plan& plan) {
  const std::string folder = "releases/" + from.app().name + "/";
  store::Publication publication;
  publication.message = "releases of a drill";
  for (const std::string& name : TRY(from.state_store().list(folder))) {
    const std::string_view rest = std::string_view(name).substr(folder.size());
    const auto belongs = [&](const std::string& version) {
      return !version.empty() && rest.starts_with(version);
    };
    if (!belongs(plan.release) && !belongs(plan.baseline) && !belongs(plan.fallback)) continue;
    if (auto blob = TRY(from.state_store().get(name, max_document_bytes)))
      publication.files.push_back({name, std::move(blob->bytes), {}});
  }
  if (!publication.files.empty()) TRY(to.state_store().publish(publication));
  return {};
}

// As at the last stage of the rollout: the release is offered to everyone whom its stages reach.
Result<> offer(actions::Deck& deck, const Scene& scene) {
  const rollout::Plan& plan = scene.plan;
  const spec::Channel* channel = deck.app().channel(plan.channel);
  std::vector<channel::ReleaseRef> refs{
      {plan.release, plan.manifest_sha256, channel::manifest_name(plan.release)}};
  for (const std::string& version : {plan.baseline, plan.fallback}) {
    if (version.empty()) continue;
    if (const auto release = TRY(actions::find_release(deck, version)))
      refs.push_back({version, release->sha256, channel::manifest_name(version)});
  }
  const auto change = [&](cohort::Directions directions) {
    directions.baseline = plan.baseline;
    directions.offer = cohort::Offer{plan.release, plan.salt, rollout::rules_at(plan, scene.state.stage)};
    return directions;
  };
  TRY_WHILE("offering the release on the scratch channel",
            deck.direct(*channel, "drill/offer", {}, refs, change, "a drill"));
  return {};
}

bool acts_on_scratch(std::string_view uses) { return uses.starts_with("channel.") || uses == "flag.set"; }

Result<actions::Outcome> prepare(actions::Deck& deck, const actions::Action& action,
                                 const actions::Call& call) {
  for (const CheckedNeed& need : TRY(check_needs(deck, call)))
    if (!need.there)
      return fail(ErrorKind::invalid, "it lacks {}: {}", printable(need.need.what, 120), need.why);
  return actions::Outcome{"not sent: " + TRY(action.changes(deck, call))};
}

bool is_offered(const cohort::Directions& directions, const std::string& release) {
  const bool withdrawn = std::ranges::any_of(
      directions.withdrawn, [&](const cohort::Withdrawn& one) { return one.version == release; });
  return !withdrawn || directions.baseline == release ||
         (directions.offer && directions.offer->release == release);
}

Result<std::vector<DeviceClass>> judge(actions::Deck& deck, const rollout::Plan& plan) {
  std::vector<DeviceClass> out;
  const auto state = TRY(deck.channel_state(plan.channel));
  if (!state) return out;
  const cohort::Directions& directions = state->directions;
  const bool sent_back = std::ranges::any_of(directions.withdrawn, [&](const cohort::Withdrawn& one) {
    return one.version == plan.release && !one.fallback.empty();
  });
  for (const rollout::FeedPlan& feed : rollout::feed_plans(plan)) {
    if (feed.feed != "tranche") {
      const bool back = feed.recovers && sent_back && !feed.recovers_to.empty();
      out.push_back({feed.feed, "everyone", back, back ? feed.recovers_to : "",
                     sent_back ? feed.how : "the playbook does not send devices back"});
      continue;
    }
    const auto add = [&](const std::string& who, cohort::Device device) {
      const cohort::Decision decision = cohort::decide(directions, device, plan.release);
      const bool back = !decision.version.empty() && decision.version != plan.release;
      out.push_back({feed.feed, who, back, back ? decision.version : "",
                     std::string(cohort::to_text(decision.reason))});
    };
    add("everyone", {"drill", {}});
    for (const spec::Cohort& cohort : deck.app().cohorts) {
      cohort::Device device{"drill", {}};
      for (const auto& [label, values] : cohort.match)
        if (!values.empty()) device.labels[label] = values.front();
      add(cohort.name, std::move(device));
    }
  }
  return out;
}

}  // namespace

bool DrillReport::all_done() const {
  return why.empty() && std::ranges::all_of(steps, [](const DrilledStep& step) {
           return step.record.status == playbook::Status::done ||
                  step.record.status == playbook::Status::skipped;
         });
}
bool DrillReport::all_back() const {
  return stopped && std::ranges::all_of(devices, [](const DeviceClass& one) { return one.back; });
}

Result<DrillReport> drill(actions::Deck& deck, const DrillRequest& request) {
  const Scene scene = TRY(make_scene(deck, request));
  const rollout::Plan& plan = scene.plan;
  const auto scratch = TRY(Scratch::make(deck, plan.config));
  actions::Deck& there = scratch->deck();
  TRY(copy_releases(deck, there, plan));
  TRY(offer(there, scene));

  PlaybookOrder order = order_for(there, plan, scene.state, scene.playbook);
  order.subject = there.playbook_subject(request.rollout);
  order.key = scene.state.id;
  order.purpose = playbook::Purpose::drill;
  order.cause = {deck.by(), "a drill"};
  order.digest = TRY(playbook_digest(TRY(playbook_document(order))));
  ports::Clock& clock = deck.world().clock;
  std::map<std::string, nanoseconds> times;
  DrillReport report{
      request.rollout, scene.playbook.name, plan.release, plan.channel, {}, {}, {}, {}, false, {}};
  const nanoseconds began = clock.elapsed();
  PlaybookRunner runner(there, order, {});
  runner.perform_by(
      [&](const actions::Action& action, const actions::Call& call) -> Result<actions::Outcome> {
        const nanoseconds before = clock.elapsed();
        const bool acts = acts_on_scratch(action.name);
        const bool waits = action.name == "wait" || action.name == "approval";
        auto outcome = acts                           ? action.perform(there, call)
                       : request.live_hooks && !waits ? action.perform(deck, call)
                                                      : prepare(deck, action, call);
        times[call.key] += clock.elapsed() - before;
        if (!acts || report.stopped) return outcome;
        const auto state = there.channel_state(plan.channel);
        if (!state || !*state || is_offered((*state)->directions, plan.release)) return outcome;
        report.stopped = true;
        report.until_stopped = clock.elapsed() - began;
        return outcome;
      });
  const PlaybookProgress progress = TRY(runner.go());
  report.took = clock.elapsed() - began;
  report.why = progress.over ? "" : progress.why;
  for (std::size_t i = 0; i < progress.run.steps.size(); ++i) {
    const playbook::StepRecord& record = progress.run.steps[i];
    report.steps.push_back({record, times[playbook::step_key(progress.run, i)],
                            request.live_hooks || acts_on_scratch(record.uses)});
  }
  report.devices = TRY(judge(there, plan));
  return report;
}

}  // namespace tranche::engine
