// Any bytes as an appcast: reading ends, what is accepted is written in a form that reads back as the same,
// and every answer is one of the versions that the feed names.
// rooms: channel
#include <cstdint>
#include <cstdlib>

#include "channel/appcast.hpp"
#include "channel/ecosystem_list.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto appcast = channel::parse_appcast(bytes, "appcast.xml");
  if (!appcast) return 0;
  // Blanks around some texts go when they are read for the second time; then nothing changes any more.
  if (const auto again = channel::parse_appcast(channel::write_appcast(*appcast), "appcast.xml")) {
    const std::string twice = channel::write_appcast(*again);
    const auto last = channel::parse_appcast(twice, "appcast.xml");
    if (!last || channel::write_appcast(*last) != twice) std::abort();
  }
  channel::ReadInput input;
  input.fetch = [&](const std::string&, std::size_t) -> Result<std::optional<std::string>> {
    return std::optional(bytes);
  };
  const auto view = channel::sparkle().read(input);
  if (!view || *view == nullptr) std::abort();
  for (const char* id : {"", "0", "6"})
    for (const char* running : {"", "1.0", "99"}) {
      const auto answer = (*view)->ask({id, running});
      bool named = answer.offered.empty();
      for (const channel::AppcastItem& item : appcast->items) named = named || item.version == answer.offered;
      if (!named) std::abort();
      (void)(*view)->explain({id, running});
    }
  (void)(*view)->audit(Instant());
  for (const auto& release : (*view)->releases()) (void)(*view)->facts(release.version);
  return 0;
}
