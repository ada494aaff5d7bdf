// A fleet that does not exist: who the devices are, how often they ask, how often they crash. PURE: the seed
// decides everything.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/time.hpp"
#include "cohort/decide.hpp"
#include "fleet/random.hpp"

namespace tranche::fleet {

// How much less often an offline device asks.
inline constexpr int offline_factor = 20;

struct Model {
  std::uint64_t seed = 1;
  std::size_t devices = 10'000;
  Duration poll = std::chrono::minutes(5);
  double jitter = 0.1;                          // of the interval, either way: 0..0.5
  double sessions = 5;                          // mean per poll interval of a device
  double crash_rate = 0.005;                    // per session
  std::map<std::string, double> crash_rate_of;  // by version, where it differs
  std::string start_version = "1.0.0";
  Percent pilot_share{10'000};  // label ring=pilot
  std::vector<std::pair<std::string, double>> regions{{"de", 3}, {"fr", 2}, {"nl", 1}, {"us", 4}};  // weights
  Percent offline{0};  // share that asks 20 times less often: laptops in drawers
  [[nodiscard]] double rate_of(std::string_view version) const;
};
// Kind usage: no devices or more than ten million, rates that are no probability, a poll under 10 ms.
Result<> check_model(const Model& model);

// What the seed says about device i: the same whatever the number of devices. For simulations that have no
// room for a million maps of labels.
struct Traits {
  std::uint64_t number = 0;  // its id is "d-" and this in 16 hex digits
  bool pilot = false;        // label ring: pilot or broad
  std::uint8_t region = 0;   // label region: index into Model::regions
  bool offline = false;
};
Traits traits_of(const Model& model, std::size_t i);
std::string device_id(const Traits& traits);
cohort::Device make_device(const Model& model, const Traits& traits);
cohort::Device make_device(const Model& model, std::size_t i);
// Generator of what happens to device i: independent of the others.
Random device_random(const Model& model, std::size_t i);
// The interval of device i, before jitter.
Duration poll_interval(const Model& model, std::size_t i);

}  // namespace tranche::fleet
