// Any bytes as Squirrel's RELEASES, as Velopack's releases.json and as the facts of their packages: reading
// ends, answers are versions that the file names, and facts come out as they went in.
// rooms: channel
#include <cstdint>
#include <cstdlib>

#include "channel/ecosystem_list.hpp"
#include "channel/nupkg.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  if (const auto packages = channel::parse_packages(bytes)) {
    const std::string written = channel::write_packages(*packages);
    const auto again = channel::parse_packages(written);
    if (!again || *again != *packages) std::abort();
  }
  channel::ReadInput input;
  input.fetch = [&](const std::string&, std::size_t) -> Result<std::optional<std::string>> {
    return std::optional(bytes);
  };
  for (const channel::Ecosystem& ecosystem : {channel::squirrel(), channel::velopack()}) {
    const auto view = ecosystem.read(input);
    if (!view || *view == nullptr) continue;
    for (const char* id : {"", "01020304-0506-0708-090a-0b0c0d0e0f10"})
      for (const char* running : {"", "1.0", "99.0.0"}) {
        const auto answer = (*view)->ask({id, running});
        bool named = answer.offered.empty();
        for (const auto& release : (*view)->releases()) named = named || release.version == answer.offered;
        if (!named) std::abort();
        (void)(*view)->explain({id, running});
      }
    (void)(*view)->audit(Instant());
    for (const auto& release : (*view)->releases()) (void)(*view)->facts(release.version);
  }
  return 0;
}
