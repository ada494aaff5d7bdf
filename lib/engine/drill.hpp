// A playbook rehearsed: run for real, against a scratch copy of the channel in a private directory.
//
// The release is offered there to everyone, as at a rollout's last stage; then the playbook runs as in a
// rollback. Flags and channel.* act there, signed with keys made for the drill; what reaches other systems is
// not sent, but everything that it needs is looked for. Nothing of the app's own state changes.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/playbook_plan.hpp"
#include "playbook/run.hpp"
#include "signing/private_directory.hpp"

namespace tranche::engine {

struct DrillRequest {
  std::string rollout, playbook;
  std::string release;      // empty: of the rollout as it was started last
  bool live_hooks = false;  // what reaches other systems is sent as well
};
struct DrilledStep {
  playbook::StepRecord record;
  std::chrono::nanoseconds took{};  // of its action
  bool sent = true;                 // false: it reaches another system, and was only prepared
};
// Devices that read one feed, and what they would have been told once the playbook was over.
struct DeviceClass {
  std::string feed;
  std::string who;  // "everyone", or the name of a cohort
  bool back = false;
  std::string to;   // version; empty: they keep the release
  std::string how;  // in words
};
struct DrillReport {
  std::string rollout, playbook, release, channel;
  std::vector<DrilledStep> steps;
  std::vector<DeviceClass> devices;
  std::chrono::nanoseconds until_stopped{};  // from the start until the release was offered to nobody
  std::chrono::nanoseconds took{};
  bool stopped = false;  // the release is offered to nobody
  std::string why;       // the playbook would wait, or stop: for what
  [[nodiscard]] bool all_done() const;
  [[nodiscard]] bool all_back() const;
};

Result<DrillReport> drill(actions::Deck& deck, const DrillRequest& request);

}  // namespace tranche::engine
