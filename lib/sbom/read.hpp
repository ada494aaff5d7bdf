// A bill of materials that somebody made, ours or not: CycloneDX 1.4 to 1.6 JSON or SPDX 2.3 JSON.
//
// Hostile input: at most 64 MiB, 64 levels, 5,000,000 values, max_components components. A document that
// breaks a rule of its format (check.hpp) is refused with the line; nothing is guessed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

inline constexpr std::size_t max_bom_bytes = 64 << 20;

struct Bom {
  std::string format;  // "cyclonedx-1.4", "cyclonedx-1.5", "cyclonedx-1.6" or "spdx-2.3"
  std::optional<Instant> created;
  // Components within components are listed beside them. Of SPDX: packages; files are left out. The
  // bom_ref of a component without one is made up ("#7"), so that each has one.
  Catalog catalog;
};

// `file` names it in errors (kind invalid, with line and column; all of them at once).
Result<Bom> read_bom(std::string_view text, const std::string& file);

}  // namespace tranche::sbom
