// What the commands about rollouts share: the deck of the chosen app, and how a rollout is shown.
#pragma once

#include <memory>
#include <string>

#include "actions/deck.hpp"
#include "commands/command.hpp"
#include "commands/support.hpp"
#include "engine/engine.hpp"

namespace tranche::commands {

struct Opened {
  Loaded loaded;
  std::unique_ptr<actions::Deck> deck;
};
// tranche.yaml, its app, its state and journal.
Result<Opened> open_deck(Context& context, const Options& options);
// For what only reads: nobody is asked who they are, which costs two processes of git.
Result<Opened> open_to_read(Context& context, const Options& options);

// Knows the other apps of the file.
engine::Engine make_engine(const Opened& opened);

// The rollout that was named, or the only one there is; kind usage otherwise.
Result<std::string> rollout_name(const spec::App& app, const Options& options);

// 0 done, 5 rolled back, 10 stranded, 8 everything that goes on (0 with --pending-ok).
int exit_code(rollout::Phase phase, bool pending_ok);
doc::Value report_json(const engine::Report& report, std::string_view schema);
std::string report_text(const engine::Report& report, Instant now, bool color);
// What comes next, by itself and by hand: "stage 3 '50%' at the earliest in 4h, ...".
std::vector<std::string> next_steps(const engine::Report& report, Instant now);
// One line: "desktop 1.2.0: 5% 2/5, baking 3m of 6h..24h, crashes pass 21.3/20"
std::string live_text(const engine::Report& report, Instant now);
doc::Value plan_json(const rollout::Plan& plan);
std::string plan_text(const rollout::Plan& plan, bool color);

// `mode: observe`: says which files of the rollout's channel would be written now, had it not been told to
// watch only.
Result<> say_observed(Context& context, actions::Deck& deck, const std::string& channel);

Flag pending_ok_flag();
Argument rollout_argument();
// Runs an event against a rollout and shows it: pause, resume, promote, undo, stop.
Result<Outcome> apply_event(const Options& options, Context& context, rollout::What what,
                            std::string_view schema);

}  // namespace tranche::commands
