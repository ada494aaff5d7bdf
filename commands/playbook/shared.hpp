// How a run of a playbook is shown.
#pragma once

#include <string>
#include <vector>

#include "commands/command.hpp"
#include "engine/playbooks.hpp"

namespace tranche::commands {

// {playbook, for, by, reason, started, plan, over, waits, steps: [{step, uses, status, attempts, detail,
// ...}]}
doc::Value run_json(const playbook::Run& run, bool over, const std::string& waits);
std::string run_text(const playbook::Run& run, bool over, const std::string& waits, bool color);
// 0 every step is done or was skipped; 1 one failed, or what came of it is unknown; 8 it waits, and
// --pending-ok does not say that this is fine.
int run_exit_code(const playbook::Run& run, bool over, bool pending_ok);

doc::Value plan_json(const engine::PlaybookPlan& plan);
std::string plan_text(const engine::PlaybookPlan& plan, bool color);

Argument playbook_argument();
// --rollout NAME, or the only one there is.
Flag rollout_flag();

}  // namespace tranche::commands
