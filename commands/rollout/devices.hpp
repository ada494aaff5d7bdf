// A list of devices from a file: NDJSON, one {"id": "...", "labels": {"ring": "pilot"}} a line, or plain ids.
#pragma once

#include <string>
#include <vector>

#include "cohort/decide.hpp"
#include "commands/command.hpp"
#include "rollout/plan.hpp"

namespace tranche::commands {

struct ListedDevice {
  cohort::Device device;
  std::string running;       // "version"; empty: not known
  std::string feed_channel;  // the cohort's own file that it reads in static feeds; empty: the channel's
};
Result<std::vector<ListedDevice>> read_listed_devices(Context& context, const std::string& path);
Result<std::vector<cohort::Device>> read_devices(Context& context, const std::string& path);
// Adds to a plan's outcome how many of the devices each stage reaches, and each device's first stage.
Result<> add_devices(const rollout::Plan& plan, const std::vector<cohort::Device>& devices, Outcome& outcome);

}  // namespace tranche::commands
