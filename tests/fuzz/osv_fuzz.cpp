// Advisories come from elsewhere: no bytes may crash the two passes over a record, and what the second can
// read and names the wanted package, the first must not have passed over. rooms: vuln
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "vuln/osv.hpp"

using namespace tranche;
using namespace tranche::vuln;

namespace {

class LeftPad final : public Wanted {
 public:
  [[nodiscard]] bool has(std::string_view ecosystem, std::string_view name,
                         std::string_view purl) const override {
    if (const std::string family = split_ecosystem(ecosystem).family; !name.empty() && !family.empty())
      return family == "npm" && normal_name("npm", name) == "left-pad";
    const auto package = package_of(purl);
    return package && package->family == "npm" && package->names.front() == "left-pad";
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto skimmed = skim_osv(text, LeftPad());
  const auto advisory = read_osv(text, "fuzz.json");
  if (!advisory) return 0;
  if (!skimmed || skimmed->withdrawn != advisory->withdrawn) std::abort();
  for (const std::string_view purl : {"pkg:npm/left-pad@1.0.0", "pkg:npm/left-pad@x", "pkg:npm/left-pad"}) {
    const auto package = package_of(purl);
    for (const Affected& affected : advisory->affected) {
      if (affected.family == "npm" && affected.name == "left-pad" && !skimmed->wanted) std::abort();
      const Judgement judgement = judge(affected, *package);
      if (judgement.is != Judgement::Is::unaffected && judgement.why.empty()) std::abort();
    }
  }
  return 0;
}
