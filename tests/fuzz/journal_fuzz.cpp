// Any bytes as what a journal's store may hold: an entry, a bundle, a signed checkpoint. What is accepted
// must come out as it went in.
// rooms: journal
#include <cstdint>
#include <cstdlib>

#include "journal/bundle.hpp"
#include "journal/checkpoint.hpp"
#include "journal/entry.hpp"
#include "signing/note.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tranche;
  using namespace tranche::journal;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto value = parse_entry_json(bytes)) {
    if (const auto entry = entry_from_value(*value)) {
      if (const auto written = to_bytes(*entry)) {
        const auto again = parse_entry(*written);
        require(again.has_value() && to_value(*again) == to_value(*entry));
      }
    }
  }
  if (const auto entries = split_bundle(bytes)) {
    std::string bundle;
    for (const auto entry : *entries) add_to_bundle(bundle, entry);
    require(bundle == bytes);
  }
  if (const auto checkpoint = parse_checkpoint(bytes)) {
    const auto again = parse_checkpoint(to_text(*checkpoint));
    require(again.has_value() && *again == *checkpoint);
  }
  static const crypto::PublicKey key;
  require(!signing::open_note(bytes, "tranche/fuzz", {&key, 1}).has_value());
  return 0;
}
