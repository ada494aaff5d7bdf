// A go.mod with its go.sum behind a line of dashes. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const std::size_t line = text.find("\n---\n");
  fuzz::check_catalog(sbom::catalog_go_mod(
      text.substr(0, line), line == text.npos ? std::string_view() : text.substr(line + 5), "go.mod"));
  return 0;
}
