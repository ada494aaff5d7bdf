#include "sbom/write.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "sbom/cyclonedx.hpp"
#include "sbom/spdx.hpp"

namespace tranche::sbom {

Result<std::string> write_bom(const Catalog& catalog, std::string_view format, Instant created,
                              std::string_view tool_version) {
  if (format == "cyclonedx-1.6") return to_cyclonedx(catalog, created, tool_version, "1.6");
  if (format == "cyclonedx-1.5") return to_cyclonedx(catalog, created, tool_version, "1.5");
  if (format == "spdx-2.3") return to_spdx(catalog, created, tool_version);
  return fail_hint(ErrorKind::invalid, "cyclonedx-1.6, cyclonedx-1.5 and spdx-2.3 are written",
                   "'{}' is no format of bills of materials", printable(format, 64));
}

std::string bom_file_name(std::string_view format) {
  if (format == "cyclonedx-1.6") return "sbom.cdx.json";
  if (format == "cyclonedx-1.5") return "sbom.cdx-1.5.json";
  if (format == "cyclonedx-1.4") return "sbom.cdx-1.4.json";
  if (format == "spdx-2.3") return "sbom.spdx.json";
  return "sbom.json";
}

std::string document_uuid(std::string_view text) {
  crypto::Sha256Digest digest = crypto::sha256(text);
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x80);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  const std::string hex = crypto::to_hex(digest);
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

}  // namespace tranche::sbom
