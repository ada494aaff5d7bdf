// What a registry answers: no bytes may crash the readers; a list that is extended holds what it held and
// one entry more; a challenge and an image's name are read in bounds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oci/credentials.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"

using namespace tranche;
using namespace tranche::oci;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = parse_manifest(text))
    for (const Descriptor& layer : manifest->layers)
      if (!is_digest(layer.digest)) std::abort();
  const auto entries = parse_index(text);
  const Descriptor entry = entry_of("a manifest", {{"k", "v"}});
  if (const auto merged = add_to_index(text, entry); merged && !text.empty()) {
    const auto after = parse_index(*merged);
    if (!entries || !after) std::abort();
    if (*merged != text) {
      if (after->size() != entries->size() + 1 || after->back() != entry) std::abort();
      for (std::size_t i = 0; i < entries->size(); ++i)
        if ((*after)[i] != (*entries)[i]) std::abort();
    }
    if (*add_to_index(*merged, entry) != *merged) std::abort();
  }
  const std::vector<std::pair<std::string, std::string>> headers{{"www-authenticate", std::string(text)}};
  if (const auto challenge = read_challenge(headers); challenge && challenge->realm.size() > size)
    std::abort();
  (void)parse_auth_file(Secret(std::string(text)), "registry.example");
  if (const auto image = parse_reference(text)) {
    if (parse_reference(to_text(*image))->digest != image->digest) std::abort();
    if (origin_of(base_url(*image, false)).empty()) std::abort();
  }
  return 0;
}
