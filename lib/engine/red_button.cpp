#include "engine/red_button.hpp"

#include <algorithm>

#include "actions/found_state.hpp"
#include "actions/store_urls.hpp"
#include "actions/stores.hpp"
#include "base/text.hpp"
#include "signing/signers.hpp"

namespace tranche::engine {
namespace {

using rollout::Phase;

constexpr std::string_view usual_feed_key = "env:TRANCHE_FEED_KEY";

// What is known of the app, wherever that comes from.
struct Known {
  std::optional<spec::App> app;
  std::string repository;
  signing::Trust trust;
  bool vouched = true;  // by the checkout, or by a key that was named
};

class Button {
 public:
  Button(ports::World& world, const RedButton& asked, const std::function<void(const std::string&)>& listener)
      : world_(world), asked_(asked), listener_(listener) {
    known_.app = asked.app;
    known_.repository = asked.repository;
    if (known_.app) take_keys(*known_.app);
  }

  Result<Pressed> press() {
    if (!asked_.app && asked_.state.empty() && asked_.stores.empty())
      return fail_hint(ErrorKind::usage,
                       "name the state (--state URL), the store that devices read (--store URL), or the file "
                       "(--file tranche.yaml)",
                       "there is no tranche.yaml here");
    if (asked_.app && asked_.app->rollout(asked_.rollout) == nullptr && asked_.state.empty()) {
      std::vector<std::string> names;
      for (const spec::Rollout& one : asked_.app->rollouts) names.push_back(one.name);
      return fail_hint(ErrorKind::invalid, "there are: " + join(names, ", "), "app '{}' has no rollout '{}'",
                       asked_.app->name, printable(asked_.rollout, 64));
    }
    if (asked_.app || !asked_.state.empty()) {
      auto done = with_journal();
      if (done) return std::move(out_);
      if (answered_ || done.error().kind == ErrorKind::usage) return fail(std::move(done.error()));
      // Nothing is written there: the stores are left.
      out_.notes.push_back(fmt::format("the journal does not know it yet: {}", done.error().message));
      no_journal_ = std::move(done.error());
    }
    TRY(without_journal());
    return std::move(out_);
  }

 private:
  void take_keys(spec::App& app) const {
    if (!asked_.feed_key.empty()) app.signing.feed = asked_.feed_key;
    if (!asked_.journal_key.empty()) app.signing.journal = asked_.journal_key;
  }

  Result<std::vector<crypto::PublicKey>> named_keys() {
    std::vector<crypto::PublicKey> keys;
    for (const std::string& text : asked_.trust)
      keys.push_back(TRY(actions::parse_trusted(world_.files, text)));
    return keys;
  }

  struct Place {
    std::string app;  // its directory; empty: the log lies at the root
    spec::State state;
    actions::FoundState found;
  };

  Result<std::optional<actions::FoundState>> look_at(const spec::State& state) {
    const auto store = TRY(actions::open_state(world_, known_.repository, state));
    return actions::find_state(*store, asked_.rollout);
  }

  // The log of the one app that has the rollout, at the place that was named or below it.
  Result<Place> look_for(const spec::State& state) {
    auto here = look_at(state);
    if (here && *here && (asked_.app_name.empty() || (*here)->plan.app == asked_.app_name))
      return Place{"", state, std::move(**here)};
    if (!here && here.error().kind != ErrorKind::invalid) return fail(std::move(here.error()));
    const auto root = TRY(actions::open_state(world_, known_.repository, state));
    const std::vector<std::string> apps = TRY(actions::logs_below(*root));
    std::vector<Place> found;
    std::optional<Error> unread;
    for (const std::string& app : apps) {
      if (!asked_.app_name.empty() && app != asked_.app_name) continue;
      Place place{app, state, {}};
      std::string& directory =
          state.kind == spec::State::Kind::git ? place.state.directory : place.state.path;
      directory += (directory.empty() ? "" : "/") + app;
      auto there = look_at(place.state);
      if (!there) {
        if (there.error().kind != ErrorKind::invalid)
          unread = std::move(there.error()).during("reading the log of app '" + app + "'");
      } else if (*there) {
        place.found = std::move(**there);
        found.push_back(std::move(place));
      }
    }
    if (found.size() > 1 && asked_.app) {
      const auto ours = std::ranges::find(found, asked_.app->name, &Place::app);
      if (ours != found.end()) return std::move(*ours);
    }
    if (found.size() == 1) return std::move(found.front());
    std::vector<std::string> names;
    for (const Place& place : found) names.push_back(place.app);
    if (found.size() > 1)
      return fail_hint(ErrorKind::usage, "say whose: --app " + join(names, " or --app "),
                       "rollout '{}' stands in the logs of {} apps", printable(asked_.rollout, 64),
                       found.size());
    if (unread) return fail(std::move(*unread));
    if (!here) return fail(std::move(here.error()));
    if (apps.empty() && !*here)
      return fail_hint(ErrorKind::failed, "name the state of the app, as tranche.yaml has it under state:",
                       "there is no journal in {}", root->describe());
    return fail_hint(ErrorKind::invalid,
                     "there are logs of: " + (apps.empty() ? (*here)->plan.app : join(apps, ", ")),
                     "no app{} in {} has started a rollout '{}'",
                     asked_.app_name.empty() ? "" : " '" + printable(asked_.app_name, 64) + "'",
                     root->describe(), printable(asked_.rollout, 64));
  }

  // The state that was named: whose it is, and by which keys it is believed.
  Result<std::unique_ptr<actions::Deck>> open_found() {
    auto looked = look_for(TRY(actions::parse_state_url(world_, asked_.state)));
    if (!looked) {
      answered_ = looked.error().kind == ErrorKind::invalid || looked.error().kind == ErrorKind::usage;
      return fail(std::move(looked.error()));
    }
    spec::State state = std::move(looked->state);
    actions::FoundState found = std::move(looked->found);
    const std::vector<crypto::PublicKey> named = TRY(named_keys());
    signing::Trust trust = std::move(found.trust);
    bool vouched = true;
    if (!named.empty()) {
      trust.journal = named;
    } else if (asked_.app && asked_.app->name == found.plan.app) {
      trust = TRY(load_checkout_trust());
    } else {
      vouched = false;
    }
    if (trust.journal.empty() || trust.feed.empty())
      return fail_hint(ErrorKind::verification,
                       "stop it from a checkout, or with --store: an older tranche started this rollout",
                       "the plan in {} holds no public keys", printable(asked_.state));
    known_.app = std::move(found.plan.config);
    known_.app->state = std::move(state);
    known_.trust = trust;
    known_.vouched = vouched;
    if (!vouched) distrust(*known_.app);
    take_keys(*known_.app);
    if (!vouched)
      out_.notes.push_back(
          "nobody vouches for this journal: its own keys are believed for taking a release back, and for "
          "nothing else; the playbook is left to a run that knows them (or name the key: --trust FILE)");
    return actions::Deck::open_found(world_, known_.repository, *known_.app, asked_.by, std::move(trust));
  }

  // References that a log chose whom nobody vouches for: a file or a module of its choosing is not opened.
  static void distrust(spec::App& app) {
    for (std::string* reference : {&app.signing.feed, &app.signing.journal, &app.signing.passphrase})
      if (!reference->starts_with("env:")) reference->clear();
    if (app.signing.feed.empty()) app.signing.feed = usual_feed_key;
    if (app.signing.journal.empty()) app.signing.journal = "env:TRANCHE_JOURNAL_KEY";
  }

  Result<signing::Trust> load_checkout_trust() {
    const spec::Trust& paths = asked_.app->trust;
    return signing::load_trust(world_.files, asked_.repository,
                               {paths.root, paths.release, paths.feed, paths.journal});
  }

  Result<> with_journal() {
    auto deck = asked_.state.empty()
                    ? TRY(actions::Deck::open(world_, known_.repository, *known_.app, asked_.by))
                    : TRY(open_found());
    if (asked_.stores.size() > 1)
      return fail_hint(ErrorKind::usage, "one is enough where the journal is at hand",
                       "a rollout has one channel, and {} stores are named", asked_.stores.size());
    if (asked_.stores.empty() && !known_.vouched && writes_here(*deck)) {
      answered_ = true;
      return fail_hint(
          ErrorKind::verification, "name the directory: --store dir:PATH; or the journal's key: --trust FILE",
          "nobody vouches for this journal, and it names a directory of this machine to write to");
    }
    if (!asked_.stores.empty())
      TRY(deck->use_store(channel_name(*deck), TRY(actions::parse_store_url(world_, asked_.stores[0]))));
    Engine engine(*deck);
    if (listener_) engine.on_decision(listener_);
    if (!known_.vouched) engine.leave_playbooks();
    if (deck->journal().size() == 0)
      return fail_hint(ErrorKind::failed, "name the state: --state URL", "the journal in {} is empty",
                       deck->state_store().describe());
    if (asked_.dry_run) return rehearse(engine);
    auto stopped = engine.stop(asked_.rollout, asked_.reason);
    if (stopped) {
      out_.report = std::move(*stopped);
      return {};
    }
    // Written down or not: that decides who goes on.
    auto now = engine.status(asked_.rollout);
    const bool written =
        now && (now->state.phase == Phase::rolling_back || now->state.phase == Phase::rolled_back ||
                now->state.phase == Phase::stranded);
    if (written) {
      out_.report = std::move(*now);
      out_.failures.push_back(std::move(stopped.error()));
      return {};
    }
    answered_ = !now && now.error().kind == ErrorKind::invalid;  // it was never started there
    return fail(std::move(stopped.error()));
  }

  std::string channel_name(actions::Deck& deck) const {
    const spec::Rollout* rollout = deck.app().rollout(asked_.rollout);
    return rollout == nullptr ? std::string() : rollout->channel;
  }

  bool writes_here(actions::Deck& deck) const {
    const spec::Channel* channel = deck.app().channel(channel_name(deck));
    return channel != nullptr && channel->store.kind == spec::StoreRef::Kind::dir;
  }

  Result<> rehearse(Engine& engine) {
    const Report now = TRY(engine.status(asked_.rollout));
    const bool over = now.state.phase == Phase::rolled_back || now.state.phase == Phase::stranded;
    rollout::Next next{now.state, {}};
    if (!over)
      next = TRY(rollout::step(now.plan, now.state, {world_.clock.now(), rollout::Stop{asked_.reason}}));
    out_.report = Report{now.plan, next.state, now.playbook, next.decisions};
    return {};
  }

  // The channels that are left to be stopped at their stores.
  Result<std::vector<spec::Channel>> channels() {
    const spec::Rollout* rollout = known_.app ? known_.app->rollout(asked_.rollout) : nullptr;
    const spec::Channel* declared = rollout == nullptr ? nullptr : known_.app->channel(rollout->channel);
    std::vector<spec::Channel> all;
    for (const std::string& url : asked_.stores) {
      spec::Channel one = declared == nullptr ? spec::Channel{} : *declared;
      one.store = TRY(actions::parse_store_url(world_, url));
      all.push_back(std::move(one));
    }
    if (all.empty() && declared != nullptr) all.push_back(*declared);
    if (all.empty() && rollout != nullptr && rollout->target.kind != spec::Target::Kind::none)
      return fail_hint(no_journal_ ? no_journal_->kind : ErrorKind::usage,
                       "take it back at the target itself, and stop it again when the journal can be reached",
                       "{}; rollout '{}' carries a service, and what to bring back stands in its journal",
                       no_journal_ ? no_journal_->message : std::string("the journal was not found"),
                       rollout->name);
    if (all.empty())
      return fail_hint(no_journal_ ? no_journal_->kind : ErrorKind::usage,
                       "name the store that its devices read: --store URL", "{}",
                       no_journal_ ? no_journal_->message : std::string("nobody says where the feed lies"));
    return all;
  }

  Result<> without_journal() {
    const std::vector<spec::Channel> all = TRY(channels());
    const std::string reference = known_.app && !known_.app->signing.feed.empty() ? known_.app->signing.feed
                                  : !asked_.feed_key.empty()                      ? asked_.feed_key
                                                             : std::string(usual_feed_key);
    const std::string passphrase = known_.app ? known_.app->signing.passphrase : std::string();
    const auto key = TRY_WHILE("loading the feed key",
                               signing::load_role_key(world_, known_.repository, reference, passphrase));
    signing::Trust trust = known_.trust;
    if (trust.feed.empty() && asked_.app) trust = TRY(load_checkout_trust());
    if (!known_.app || trust.feed.empty()) {
      // Whoever holds the feed key believes what it signed.
      trust.feed = TRY(named_keys());
      if (std::ranges::find(trust.feed, key->public_key()) == trust.feed.end())
        trust.feed.push_back(key->public_key());
    }
    if (std::ranges::find(trust.feed, key->public_key()) == trust.feed.end())
      return fail_hint(ErrorKind::verification, "name its public half under trust: feed:, or take another",
                       "no device would believe it: the feed key is not trusted");
    for (const spec::Channel& channel : all) stop_at(channel, trust, *key);
    if (!asked_.dry_run && !out_.beside.empty())
      out_.notes.push_back(
          "the journal takes it in at the next tick that sees both: tranche rollout advance; that tick also "
          "runs the playbook");
    return {};
  }

  void stop_at(const spec::Channel& channel, const signing::Trust& trust, const crypto::Ed25519Signer& key) {
    if (channel.mode == spec::Channel::Mode::observe) {
      out_.notes.push_back(
          fmt::format("channel '{}' is written by another tool: stop it there", channel.name));
      return;
    }
    const std::string where = spec::to_text(channel.store);
    auto store = actions::open_channel(world_, known_.repository, channel);
    if (!store) {
      out_.failures.push_back(std::move(store.error()).during("opening " + where));
      return;
    }
    const std::vector<spec::Cohort> none;
    channel::StopBeside request{.world = world_,
                                .repository = known_.repository,
                                .channel = channel,
                                .cohorts = known_.app ? known_.app->cohorts : none,
                                .trust = trust,
                                .feed_key = key,
                                .app = known_.app ? known_.app->name : std::string(),
                                .rollout = asked_.rollout,
                                .by = asked_.by,
                                .reason = asked_.reason,
                                .dry_run = asked_.dry_run};
    auto done = channel::stop_beside(**store, request);
    if (done)
      out_.beside.push_back({(*store)->describe(), std::move(*done)});
    else
      out_.failures.push_back(std::move(done.error()).during("stopping at " + (*store)->describe()));
  }

  ports::World& world_;
  const RedButton& asked_;
  const std::function<void(const std::string&)>& listener_;
  Known known_;
  bool answered_ = false;  // the journal was read, and knows no such rollout
  std::optional<Error> no_journal_;
  Pressed out_;
};

}  // namespace

bool Pressed::stranded() const {
  if (report && report->state.phase == Phase::stranded) return true;
  return std::ranges::any_of(
      beside, [](const Beside& one) { return !one.done.release.empty() && one.done.fallback.empty(); });
}

Result<Pressed> press(ports::World& world, const RedButton& button,
                      const std::function<void(const std::string&)>& listener) {
  return Button(world, button, listener).press();
}

}  // namespace tranche::engine
