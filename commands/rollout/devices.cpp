#include "commands/rollout/devices.hpp"

#include "base/text.hpp"
#include "commands/support.hpp"
#include "doc/value.hpp"

namespace tranche::commands {
namespace {

constexpr std::size_t max_list_bytes = 256 << 20;
constexpr std::size_t shown_devices = 20;

Result<> parse_device(std::string_view line, const std::string& file, std::size_t number,
                      ListedDevice& listed) {
  cohort::Device& device = listed.device;
  device.labels.clear();
  listed.running.clear();
  listed.feed_channel.clear();
  if (!line.starts_with('{')) {
    device.id = line;
  } else {
    doc::Value value = TRY_WHILE(fmt::format("reading line {} of {}", number, file),
                                 doc::parse_json(line, file, {1 << 16, 4, 256}));
    device.id = TRY(value.text("id"));
    listed.running = TRY(value.text_or("version", ""));
    listed.feed_channel = TRY(value.text_or("feed-channel", ""));
    if (const doc::Value* labels = value.find("labels")) {
      if (!labels->is_object()) return fail(ErrorKind::invalid, "{}:{}: labels are no map", file, number);
      for (const doc::Member& label : labels->as_object()) {
        if (!label.value.is_string())
          return fail(ErrorKind::invalid, "{}:{}: label '{}' is no string", file, number,
                      printable(label.key, 64));
        device.labels[label.key] = label.value.as_string();
      }
    }
  }
  if (auto good = cohort::check_device(device); !good)
    return fail(std::move(good.error()).during(fmt::format("reading line {} of {}", number, file)));
  return {};
}

}  // namespace

Result<std::vector<cohort::Device>> read_devices(Context& context, const std::string& path) {
  std::vector<cohort::Device> devices;
  TRY(each_listed_device(context, path, [&](const ListedDevice& listed) -> Result<> {
    devices.push_back(listed.device);
    return {};
  }));
  return devices;
}

Result<> each_listed_device(Context& context, const std::string& path,
                            const std::function<Result<>(const ListedDevice&)>& visit) {
  const std::string text = TRY(read_input(context, path, max_list_bytes));
  std::string_view rest = text;
  ListedDevice listed;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    TRY(parse_device(line, path, number, listed));
    TRY(visit(listed));
  }
  return {};
}

Result<> add_devices(const rollout::Plan& plan, const std::vector<cohort::Device>& devices,
                     Outcome& outcome) {
  std::vector<std::uint64_t> reached(plan.stages.size());
  doc::Value list = doc::Value::array();
  Table table({"device", "first reached at"});
  std::vector<cohort::Directions> at_stage(plan.stages.size());
  for (std::size_t i = 0; i < plan.stages.size(); ++i)
    at_stage[i].offer = cohort::Offer{plan.release, plan.salt, rollout::rules_at(plan, i)};
  std::size_t shown = 0;
  for (const cohort::Device& device : devices) {
    std::size_t first = plan.stages.size();
    for (std::size_t i = 0; i < plan.stages.size() && first == plan.stages.size(); ++i)
      if (cohort::place(at_stage[i], device).arm == cohort::Arm::canary) first = i;
    for (std::size_t i = first; i < plan.stages.size(); ++i) ++reached[i];
    const std::string name = first < plan.stages.size() ? plan.stages[first].name : "never";
    list.push(doc::Value::object({{"id", device.id}, {"stage", name}}));
    if (shown++ < shown_devices) table.row({device.id, name});
  }
  doc::Value counts = doc::Value::array();
  outcome.text += fmt::format("\n{} in the list\n", count_of(devices.size(), "device"));
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    counts.push(doc::Value::object({{"stage", plan.stages[i].name}, {"devices", reached[i]}}));
    outcome.text += fmt::format("  {}: {}\n", plan.stages[i].name, reached[i]);
  }
  outcome.text += table.text();
  if (devices.size() > shown_devices)
    outcome.text += fmt::format("… and {} more; all of them with --json\n", devices.size() - shown_devices);
  outcome.json.set("reached", counts);
  outcome.json.set("devices", list);
  return {};
}

}  // namespace tranche::commands
