// One self-contained HTML page of a rollout, made from the journal alone: what was decided, on what evidence,
// and what came of it. No scripts, nothing from the network; it can be mailed and archived.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "journal/journal.hpp"
#include "playbook/run.hpp"
#include "rollout/plan.hpp"
#include "rollout/state.hpp"

namespace tranche::report {

struct Story {
  rollout::Plan plan;
  rollout::State state;                 // as it is now
  std::vector<journal::Entry> entries;  // of the rollout and its playbook since its start, in order
  std::optional<playbook::Run> playbook;
  std::string checkpoint;  // of the journal
};
// The story of a rollout's last run: entries from its plan on.
Result<Story> read_story(journal::Journal& journal, const std::string& rollout_subject,
                         const std::string& playbook_subject);
Result<std::string> render_page(const Story& story);

}  // namespace tranche::report
