#include "fleet/model.hpp"

namespace tranche::fleet {

namespace {

// Streams of one device that must not share draws.
enum class Stream : std::uint64_t { identity = 1, labels = 2, life = 3, interval = 4 };

Random stream(const Model& model, std::size_t i, Stream which) {
  Random mix(model.seed * 0xd1342543de82ef95u + static_cast<std::uint64_t>(which));
  return Random(mix.next() ^ (static_cast<std::uint64_t>(i) + 1) * 0x9e3779b97f4a7c15u);
}

}  // namespace

double Model::rate_of(std::string_view version) const {
  const auto found = crash_rate_of.find(std::string(version));
  return found == crash_rate_of.end() ? crash_rate : found->second;
}

Result<> check_model(const Model& model) {
  if (model.devices < 1 || model.devices > 10'000'000)
    return fail_hint(ErrorKind::usage, "give 1 to 10000000", "a fleet of {} devices", model.devices);
  const auto is_rate = [](double rate) { return rate >= 0 && rate <= 1; };
  if (!is_rate(model.crash_rate))
    return fail_hint(ErrorKind::usage, "give crashes per session, 0 to 1", "a crash rate of {}",
                     model.crash_rate);
  for (const auto& [version, rate] : model.crash_rate_of)
    if (!is_rate(rate))
      return fail_hint(ErrorKind::usage, "give crashes per session, 0 to 1", "a crash rate of {} for {}",
                       rate, version);
  if (model.poll < std::chrono::milliseconds(10))
    return fail_hint(ErrorKind::usage, "poll every 10ms or slower", "a poll interval of {}",
                     to_text(model.poll));
  if (!(model.sessions >= 0 && model.sessions <= 1000))
    return fail_hint(ErrorKind::usage, "give 0 to 1000 sessions a poll", "{} sessions a poll",
                     model.sessions);
  if (!(model.jitter >= 0 && model.jitter <= 0.5))
    return fail_hint(ErrorKind::usage, "give 0 to 0.5", "a jitter of {}", model.jitter);
  return {};
}

Traits traits_of(const Model& model, std::size_t i) {
  Traits traits;
  traits.number = stream(model, i, Stream::identity).next();
  Random labels = stream(model, i, Stream::labels);
  traits.pilot = labels.chance(model.pilot_share.fraction());
  double total = 0;
  for (const auto& [region, weight] : model.regions) total += weight;
  double at = labels.uniform() * total;
  for (const auto& [region, weight] : model.regions) {
    at -= weight;
    if (at < 0 || traits.region + 1U == model.regions.size()) break;
    ++traits.region;
  }
  traits.offline = stream(model, i, Stream::interval).chance(model.offline.fraction());
  return traits;
}

std::string device_id(const Traits& traits) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id = "d-0000000000000000";
  for (std::size_t i = 0; i < 16; ++i) id[2 + i] = digits[traits.number >> (60 - 4 * i) & 15];
  return id;
}

cohort::Device make_device(const Model& model, const Traits& traits) {
  cohort::Device device;
  device.id = device_id(traits);
  device.labels["ring"] = traits.pilot ? "pilot" : "broad";
  if (!model.regions.empty()) device.labels["region"] = model.regions[traits.region].first;
  return device;
}

cohort::Device make_device(const Model& model, std::size_t i) {
  return make_device(model, traits_of(model, i));
}

Random device_random(const Model& model, std::size_t i) { return stream(model, i, Stream::life); }

Duration poll_interval(const Model& model, std::size_t i) {
  return traits_of(model, i).offline ? model.poll * offline_factor : model.poll;
}

}  // namespace tranche::fleet
