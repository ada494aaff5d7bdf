// A pull request may bring any tranche.yaml: no bytes crash the reader, and what it accepts it writes back
// equal. rooms: spec
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "doc/value.hpp"
#include "spec/spec.hpp"
#include "spec/warnings.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = spec::parse(text);
  if (!parsed) {
    if (parsed.error().message.empty() || parsed.error().others.size() > 100) std::abort();
    return 0;
  }
  for (const spec::App& app : parsed->apps) {
    const doc::Value written = spec::to_value(app);
    const auto again = spec::from_value(written);
    if (!again || doc::to_json(spec::to_value(*again)) != doc::to_json(written)) std::abort();
    (void)spec::warnings(app);
    for (const spec::Rollout& rollout : app.rollouts) (void)spec::unsupported(app, rollout);
  }
  return 0;
}
