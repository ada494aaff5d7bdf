// An APT repository of somebody else: any bytes as its InRelease, Release and Packages. What is read answers
// every question, and its facts are facts. rooms: channel
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "channel/ecosystem_list.hpp"
#include "signing/clearsign.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const auto text = signing::parse_clearsigned(bytes); text && text->signatures.empty()) std::abort();
  channel::ReadInput input;
  input.channel = "stable";
  input.client.name = "apt";
  input.client.allow_downgrade = (data[0] & 1U) != 0;
  // Every file there is has these bytes: as InRelease or Release, and as the index that it may name.
  const bool signed_text = (data[0] & 2U) != 0;
  if ((data[0] & 4U) != 0) input.file = "Packages";
  input.fetch = [&](const std::string& name, std::size_t max) -> Result<std::optional<std::string>> {
    if (bytes.size() > max || name.ends_with("InRelease") != signed_text) return std::optional<std::string>();
    return std::optional(bytes);
  };
  const auto view = channel::apt().read(input);
  if (!view || *view == nullptr) return 0;
  for (const char* running : {"", "1.0", "1:0~~-1"})
    for (const char* id : {"", "0123456789abcdef0123456789abcdef"}) {
      const channel::Answer answer = (*view)->ask({id, running});
      if (answer.reason.empty()) std::abort();
      if (!answer.offered.empty() && answer.offered != (*view)->offers()) std::abort();
      if ((*view)->explain({id, running}).empty()) std::abort();
    }
  (void)(*view)->audit(input.now);
  if ((*view)->share() < 0 || (*view)->share() > 1) std::abort();
  for (const channel::NamedRelease& release : (*view)->releases()) (void)(*view)->facts(release.version);
  return 0;
}
