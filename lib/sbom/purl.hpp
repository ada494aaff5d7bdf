// Package URLs (github.com/package-url/purl-spec): pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS#SUBPATH, the
// one name that a component has in every BOM, advisory and VEX document.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace tranche::sbom {

inline constexpr std::size_t max_purl_bytes = 16 * 1024;

// All parts decoded and normalised as their type wants it (purl-spec types/): lower case where the ecosystem
// knows none, PEP 503 for pypi. npm and golang keep their case: their registries hold old names with
// capitals, and `npm sbom` and Go's advisories spell them so.
struct Purl {
  std::string type;        // lower case
  std::string name_space;  // segments with '/' between them; may be empty: "@scope", "github.com/acme"
  std::string name;
  std::string version;                                          // may be empty
  std::vector<std::pair<std::string, std::string>> qualifiers;  // sorted by key, each once, none empty
  std::string subpath;                                          // may be empty
  bool operator==(const Purl&) const = default;
  // "@scope/name", "github.com/acme/thing", "org.acme:thing" for maven: as the ecosystem itself says it.
  [[nodiscard]] std::string full_name() const;
  [[nodiscard]] std::string_view qualifier(std::string_view key) const;  // empty when there is none
};

// kind invalid with the reason: no purl, a part that its type requires or prohibits, more than
// max_purl_bytes.
Result<Purl> parse_purl(std::string_view text);
// The same checks and normalisation for parts that come from elsewhere.
Result<Purl> check_purl(Purl parts);
// The canonical text.
std::string write_purl(const Purl& purl);

// The canonical text of parts that a cataloger found, normalised; nothing is refused. Empty parts are left
// out.
std::string make_purl(std::string_view type, std::string_view name_space, std::string_view name,
                      std::string_view version,
                      std::vector<std::pair<std::string, std::string>> qualifiers = {},
                      std::string_view subpath = {});

// The text without the passwords and tokens in its addresses: "https://user:secret@host" is "https://host",
// "ssh://git:secret@host" is "ssh://git@host". Lockfiles have them, and a BOM is handed out.
std::string without_credentials(std::string_view text);

}  // namespace tranche::sbom
