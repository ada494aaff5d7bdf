// Any bytes as a Tauri feed file and as the facts of a release: read by distrust, asked, explained, audited,
// and written again as they were read.
// rooms: channel
#include <cstdint>
#include <cstdlib>

#include "channel/tauri.hpp"
#include "channel/tauri_view.hpp"

using namespace tranche;
using namespace tranche::channel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto facts = parse_tauri_facts(bytes)) {
    const auto again = parse_tauri_facts(to_json(*facts));
    if (!again || *again != *facts) std::abort();
    if (const auto file = tauri_static_file(*facts, Instant{}, "https://updates.example"))
      (void)parse_tauri_release(*file);
  }
  ReadInput input;
  input.fetch = [&](const std::string& name, std::size_t) -> Result<std::optional<std::string>> {
    if (name != "latest.json") return std::nullopt;
    return std::optional(std::string(bytes));
  };
  const auto view = read_tauri(input);
  if (!view || *view == nullptr) return 0;
  for (const std::string_view running : {"", "1.0.0", "999.0.0", "odd"}) {
    const Answer answer = (*view)->ask({"id", running});
    if (!answer.offered.empty() && answer.offered != (*view)->offers()) std::abort();
    if ((*view)->explain({"id", running}).empty()) std::abort();
  }
  if ((*view)->audit(Instant{}).empty()) std::abort();
  (void)(*view)->facts((*view)->offers());
  return 0;
}
