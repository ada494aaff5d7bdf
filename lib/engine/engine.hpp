// The engine drives a rollout: asks gates, performs effects, journals before and after.
//
// A tick is idempotent and short, fit for cron: load the state from the journal; finish what is pending; read
// the gates; step(); journal the new state (the intent); perform; journal the outcome. Kill it anywhere and
// tick again: it ends in the same place with no effect done twice. Two runners: one wins each journal entry,
// the other gets kind conflict.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/action.hpp"
#include "actions/deck.hpp"
#include "actions/releases.hpp"
#include "base/error.hpp"
#include "engine/read_gate.hpp"
#include "playbook/run.hpp"
#include "rollout/conditions.hpp"
#include "rollout/neighbours.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"

namespace tranche::engine {

struct Report {
  rollout::Plan plan;
  rollout::State state;
  std::optional<playbook::Run> playbook;  // the last run for this rollout
  std::vector<std::string> decisions;     // of this call, in order
};

struct StartRequest {
  std::string rollout;
  std::string release;
  bool accept_no_way_back = false;
  std::string reason;
  bool supersede = false;  // what runs on the channel hands its exposure on
};

// What `rollout amend` would change.
struct Amendment {
  rollout::Plan plan;
  std::size_t stage = 0;             // where what is exposed now stands in it
  std::string before, after;         // digests of the plans
  std::vector<std::string> changes;  // in words; empty: none
};

// A rollout as the deck's journal has it, its plan held against the digest that was frozen; nullopt: it was
// never started.
Result<std::optional<rollout::Neighbour>> load_rollout(actions::Deck& deck, const std::string& rollout);
// What a feed must know of the artifacts is made with the release: later it would need the release key.
Result<> check_release_for_feeds(const rollout::Plan& plan, const artifact::Manifest& manifest);

// The release of the plan's rollout is carried by a target, not by a channel.
bool has_target(const rollout::Plan& plan);
// Of a service: its target was told to go back; or, in a playbook that goes another way, every step was done.
bool took_back(const playbook::Run& run);

class Engine {
 public:
  explicit Engine(actions::Deck& deck) : deck_(deck), reader_(deck.world(), deck.repository()) {}
  // Hears every decision as it is made (the live line, the log).
  void on_decision(std::function<void(const std::string&)> listener) { listener_ = std::move(listener); }

  // The apps of tranche.yaml: those that `after`, `requires` and `undo-order` name are read. Without them
  // such a condition is not met.
  void set_neighbours(std::vector<spec::App> apps) { neighbours_ = std::move(apps); }
  // For a journal that nobody vouches for (actions/found_state.hpp): a stop withdraws and sends back, and the
  // playbook waits for a run that knows whom to believe.
  void leave_playbooks() { leaves_playbooks_ = true; }

  // Resolves without writing: what `rollout plan` shows and `start` freezes.
  Result<rollout::Plan> plan(const StartRequest& request);
  // Freezes the plan, publishes the artifacts, exposes the first stage. kind conflict while another one runs
  // on the channel. The same release under the same plan again is the same start: what a killed one left is
  // finished, and its report returned.
  Result<Report> start(const StartRequest& request);
  // One tick.
  Result<Report> advance(const std::string& rollout);
  // Pause, Resume, Promote, Stop: the event, then whatever it makes pending. Stop is stop().
  Result<Report> apply(const std::string& rollout, const rollout::What& what);
  // What apply() would decide now; writes nothing and performs nothing.
  Result<Report> rehearse(const std::string& rollout, const rollout::What& what);
  // The red button. The channel is withdrawn in the same append as the decision and published before the
  // playbook's steps, however slow they are. Never lost to a conflict: it is tried again on the newest state.
  // Stopping what is rolled back changes nothing, but publishes what is not out yet.
  Result<Report> stop(const std::string& rollout, const std::string& reason);
  // Stops that waited beside the channel's feed (channel/spool.hpp) become entries of the journal; published,
  // and removed there. What was taken in, in words. A store that cannot be read says so in words, too: what
  // is published looks there once more.
  Result<> take_in_stops(const spec::Channel& channel);
  // stop(), unless undo-order names rollouts first whose devices still need this one: kind denied.
  Result<Report> undo(const std::string& rollout, const std::string& reason);
  Result<> check_undo_order(const std::string& rollout);
  // Adopts the configuration of the deck into the running rollout. kind denied: over, being published, taken
  // back; exposure would shrink or grow by it; another channel.
  Result<Amendment> plan_amendment(const std::string& rollout);
  Result<Report> amend(const std::string& rollout, const std::string& reason);
  // As the journal says; asks nobody.
  Result<Report> status(const std::string& rollout);
  // When the next tick can have something to do, at most `longest` from now.
  Instant next_tick(const Report& report, Duration longest);

 private:
  using Loaded = rollout::Neighbour;
  struct Inherited {
    Loaded old;
  };
  struct LocalRelease {
    actions::StoredRelease release;
    std::vector<std::pair<std::string, std::string>> paths;  // artifact → where it lies here
    std::vector<channel::NamedBytes> documents;              // of its feeds
  };
  Result<LocalRelease> collect(actions::StoredRelease release);
  Result<> publish_artifacts(const spec::Channel& channel, const LocalRelease& local);
  Result<Loaded> load(const std::string& rollout);
  Result<Loaded> load_and_take_in(const std::string& rollout);
  Result<std::optional<rollout::State>> running_beside(const std::string& rollout);
  Result<rollout::Plan> freeze(const rollout::PlanInput& input);
  Result<std::optional<Inherited>> inherit(const StartRequest& request);
  Result<std::size_t> inherited_stage(const Inherited& inherited, const rollout::Plan& plan);
  Result<> take_over(Loaded& loaded, const Inherited& inherited, std::uint64_t plan_entry, std::size_t stage,
                     const std::string& reason);
  Result<std::unique_ptr<actions::Deck>> open_neighbour(const spec::App& app);
  Result<std::optional<rollout::Neighbour>> neighbour(const std::string& rollout);
  Result<rollout::Condition> look_after(const rollout::Plan& plan);
  rollout::Condition look_required(const rollout::Plan& plan);
  Result<rollout::Condition> look_witnessed(const rollout::Plan& plan);
  Result<> settle(Loaded& loaded);       // performs pending effects until there is none, or one waits
  Result<bool> perform(Loaded& loaded);  // false: it waits, a later tick goes on
  // Services (targets.cpp); false: what is not there yet is waited for, and that is journalled once.
  Result<bool> perform_target(Loaded& loaded, const rollout::Effect& effect);
  Result<> undo_target(Loaded& loaded);
  Result<> check_target(const rollout::Plan& plan);  // asks the target; changes nothing
  // As a channel's feed would say it: the release that everybody has, and those that were taken back.
  Result<cohort::Directions> service_directions(const std::string& rollout);
  void settle_stopped(const std::string& own);  // others that a playbook has stopped
  Result<bool> try_pending(Loaded& loaded);
  void tell_people(Loaded& loaded);
  void beat(const spec::Rollout& rollout);
  // The conditions of the growth that is next.
  rollout::Conditions look(const Loaded& loaded, Instant now);
  // Whether devices are stranded; nullopt: it waits.
  Result<std::optional<bool>> perform_playbook(Loaded& loaded, const rollout::Effect& effect);
  // Leaves a signed summary in the state store for every gate that had passed when its stage ended; what the
  // journal says of them: [{gate, stage, name, sha256}].
  Result<doc::Value> leave_summaries(const Loaded& loaded, const rollout::State& next);
  Result<> record(Loaded& loaded, const std::string& kind, rollout::Next next,
                  const std::string& reason = {});
  journal::Draft draft_of(const std::string& rollout, const std::string& kind, const rollout::Next& next,
                          const std::string& reason);
  Result<Report> stop_once(const std::string& rollout, const std::string& reason);
  // `waiting`: how many of them lie there.
  Result<> take_in(const spec::Channel& channel, const channel::Spooled& stop, std::size_t waiting);
  Result<std::optional<Loaded>> running_with(const std::string& channel, const std::string& release);
  Result<std::optional<journal::Draft>> take_back_draft(const Loaded& loaded);
  Result<std::optional<journal::Draft>> decision_of(const Loaded& loaded, const rollout::State& state);
  Result<> feed_event(Loaded& loaded, const std::string& kind, rollout::What what,
                      const std::string& reason = {});
  Result<Report> report(Loaded loaded);
  rollout::Tick observe(const Loaded& loaded);
  void decided(const std::vector<std::string>& decisions);

  actions::Deck& deck_;
  std::function<void(const std::string&)> listener_;
  std::vector<std::string> decisions_;
  std::vector<spec::App> neighbours_;
  GateReader reader_;
  bool leaves_playbooks_ = false;
};

}  // namespace tranche::engine
