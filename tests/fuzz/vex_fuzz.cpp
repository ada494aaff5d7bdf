// A VEX document takes findings away: no bytes may crash its reader, and a statement that is about nothing
// takes nothing away. rooms: vuln
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vuln/vex.hpp"

using namespace tranche;
using namespace tranche::vuln;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto statements = read_vex(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.json");
  if (!statements) return 0;
  sbom::Component main, component, nameless;
  main.name = "notes";
  main.bom_ref = "notes@1";
  component.name = "left-pad";
  component.version = "1.0.0";
  component.purl = component.bom_ref = "pkg:npm/left-pad@1.0.0";
  for (const VexStatement& statement : *statements) {
    const bool about = is_about(statement, {main, component, "urn:uuid:1"});
    if (about && statement.products.empty()) std::abort();
    const VexStatement* found = find_statement(*statements, statement.ids, {main, component, "urn:uuid:1"});
    if (about && !statement.ids.empty() && found == nullptr) std::abort();
    if (is_about(statement, {nameless, nameless, ""})) std::abort();
  }
  return 0;
}
