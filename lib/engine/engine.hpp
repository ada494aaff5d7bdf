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
};

class Engine {
 public:
  explicit Engine(actions::Deck& deck) : deck_(deck), reader_(deck.world(), deck.repository()) {}
  // Hears every decision as it is made (the live line, the log).
  void on_decision(std::function<void(const std::string&)> listener) { listener_ = std::move(listener); }

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
  // The red button. The channel is withdrawn in the same append as the decision and published before the
  // playbook's steps, however slow they are. Never lost to a conflict: it is tried again on the newest state.
  // Stopping what is rolled back changes nothing, but publishes what is not out yet.
  Result<Report> stop(const std::string& rollout, const std::string& reason);
  // Stops that waited beside the channel's feed (channel/spool.hpp) become entries of the journal; published,
  // and removed there. What was taken in, in words. A store that cannot be read says so in words, too: what
  // is published looks there once more.
  Result<> take_in_stops(const spec::Channel& channel);
  // As the journal says; asks nobody.
  Result<Report> status(const std::string& rollout);
  // When the next tick can have something to do, at most `longest` from now.
  Instant next_tick(const Report& report, Duration longest);

 private:
  struct Loaded {
    rollout::Plan plan;
    rollout::State state;
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
  Result<> settle(Loaded& loaded);  // performs pending effects until there is none
  Result<> perform(Loaded& loaded);
  Result<> try_pending(Loaded& loaded);
  void tell_people(Loaded& loaded);
  void beat(const spec::Rollout& rollout);
  // The conditions of the growth that is next.
  rollout::Conditions look(const Loaded& loaded, Instant now);
  Result<bool> perform_playbook(Loaded& loaded, const rollout::Effect& effect);  // stranded?
  // Leaves a signed summary in the state store for every gate that had passed when its stage ended; what the
  // journal says of them: [{gate, stage, name, sha256}].
  Result<doc::Value> leave_summaries(const Loaded& loaded, const rollout::State& next);
  Result<> record(Loaded& loaded, const std::string& kind, rollout::Next next,
                  const std::string& reason = {});
  journal::Draft draft_of(const std::string& rollout, const std::string& kind, const rollout::Next& next,
                          const std::string& reason);
  Result<Report> stop_once(const std::string& rollout, const std::string& reason);
  Result<> take_in(const spec::Channel& channel, const channel::Spooled& stop);
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
  GateReader reader_;
};

}  // namespace tranche::engine
