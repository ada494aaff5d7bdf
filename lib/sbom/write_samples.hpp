// For tests: catalogs to write.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom::test {

inline const Instant created = *parse_instant("2026-11-21T10:45:00Z");

inline Component library(const std::string& name, std::vector<std::string> depends_on = {},
                         const std::string& scope = "") {
  Component component;
  component.name = name;
  component.version = "1.0.0";
  component.bom_ref = component.purl = make_purl("npm", "", name, "1.0.0");
  component.depends_on = std::move(depends_on);
  component.scope = scope;
  return component;
}

}  // namespace tranche::sbom::test
