// A requirements.txt, and the files that it names: each is what follows the first NUL byte. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all = fuzz::text_of(data, size);
  const std::string_view text = all.substr(0, all.find('\0'));
  const std::string other(all.substr(std::min(all.size(), text.size() + 1)));
  const auto read_other = [&](const std::string& path) -> Result<std::string> {
    if (path.size() > 64) return fail(ErrorKind::invalid, "it is too far away");
    return other;
  };
  fuzz::check_catalog(sbom::catalog_requirements(text, "requirements.txt", read_other));
  return 0;
}
