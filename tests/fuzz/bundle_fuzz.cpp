// Bundles, trusted roots and checkpoints come from strangers: no bytes may crash their readers, what is read
// and written again is the same, and nothing verifies for nobody.
// rooms: sigstore
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sigstore/bundle.hpp"
#include "sigstore/entry_body.hpp"
#include "sigstore/verify.hpp"

using namespace tranche;
using namespace tranche::sigstore;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto bundle = parse_bundle(text);
  if (!bundle) return 0;
  const std::string written = to_json(*bundle);
  if (bundle->intermediates.empty()) {
    const auto again = parse_bundle(written);
    if (!again || to_json(*again) != written) std::abort();
  }
  for (const LogEntry& entry : bundle->entries) (void)read_entry_body(entry);
  // An empty root and a policy that believes one identity: the certificate's path ends nowhere.
  const TrustedRoot root;
  const Policy policy{.identities = {{"ana@example.org", "https://idp.example"}}};
  if (verify(*bundle, &root, policy, Artifact{.sha256 = std::string(32, 'x')}).verified()) std::abort();
  return 0;
}
