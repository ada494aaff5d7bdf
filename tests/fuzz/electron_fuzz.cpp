// Any bytes as a latest.yml on a host that we do not know, and as the facts of a release. Asking, explaining
// and auditing end; what is taken over says the same to clients when we write it.
#include <cstdint>
#include <cstdlib>

#include "channel/electron.hpp"
#include "channel/electron_view.hpp"

using namespace tranche;
using namespace tranche::channel;

namespace {

void check_share(const ElectronView& view) {
  const std::string low = "0b2c3d4e-5f60-5a7b-8c9d-0e1f00000000",
                    high = "0b2c3d4e-5f60-5a7b-8c9d-0e1fffffffff";
  const Answer first = view.ask({low, ""}), last = view.ask({high, ""});
  if (!last.offered.empty() && first.offered.empty()) std::abort();  // the lower draw is first
  if (!first.offered.empty() && !(view.share() > 0)) std::abort();
  if (!last.offered.empty() && view.share() != 1) std::abort();
  if (view.share() < 0 || view.share() > 1) std::abort();
  for (const Asker& asker : {Asker{low, ""}, Asker{high, "1.0.0"}, Asker{"x", "2"}})
    (void)view.explain(asker);
}

void check_adopted(const ElectronView& view) {
  const std::string& version = view.first().info.version;
  const auto json = view.facts(version);
  if (!json) return;
  const auto facts = parse_electron_facts(*json);
  if (!facts) std::abort();
  if (const auto written = to_json(*facts); !written || *written != *json) std::abort();
  const auto again =
      artifact::parse_update_info(electron_yml({version, facts->platforms.front(), 7U, {}}), "y");
  if (!again || again->version != version || again->staging_text != "7") std::abort();
  if (again->files != view.first().info.files || again->packages != view.first().info.packages) std::abort();
  if (again->release_notes != view.first().info.release_notes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)parse_electron_facts(bytes);
  ReadInput input;
  input.file = "latest.yml";
  input.fetch = [&](const std::string& name, std::size_t) -> Result<std::optional<std::string>> {
    if (name == "latest.yml") return std::optional(bytes);
    return std::optional<std::string>();
  };
  const auto read = read_electron(input);
  if (!read || *read == nullptr) return 0;
  const auto& view = dynamic_cast<const ElectronView&>(**read);
  check_share(view);
  (void)view.audit(Instant());
  check_adopted(view);
  return 0;
}
