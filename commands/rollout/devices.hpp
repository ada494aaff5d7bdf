// A list of devices from a file: NDJSON, one {"id": "...", "labels": {"ring": "pilot"}} a line, or plain ids.
#pragma once

#include <functional>
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
// One after the other, in constant memory beside the file's own bytes; ends at the first error.
Result<> each_listed_device(Context& context, const std::string& path,
                            const std::function<Result<>(const ListedDevice&)>& visit);
Result<std::vector<cohort::Device>> read_devices(Context& context, const std::string& path);
// Adds to a plan's outcome how many of the devices each stage reaches, and each device's first stage.
Result<> add_devices(const rollout::Plan& plan, const std::vector<cohort::Device>& devices, Outcome& outcome);

}  // namespace tranche::commands
