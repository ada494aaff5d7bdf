// For tests: what a catalog lists, as short texts.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "sbom/catalogers.hpp"

namespace tranche::sbom::test {

using List = std::vector<std::string>;

inline Catalog taken(Result<Catalog> catalog) {
  REQUIRE_MESSAGE(catalog, (catalog ? std::string() : catalog.error().message));
  return std::move(*catalog);
}

// "purl" or "purl (scope)".
inline List listed(const Catalog& catalog) {
  List list;
  for (const Component& component : catalog.components)
    list.push_back(component.scope.empty() ? component.purl : component.purl + " (" + component.scope + ")");
  return list;
}

inline const Component& at(const Catalog& catalog, std::string_view purl) {
  const auto found = std::ranges::find(catalog.components, purl, &Component::purl);
  REQUIRE_MESSAGE(found != catalog.components.end(), std::string(purl));
  return *found;
}

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The error is invalid and says `part`.
inline void refused(const Result<Catalog>& catalog, std::string_view part) {
  REQUIRE_FALSE(catalog);
  CHECK(catalog.error().kind == ErrorKind::invalid);
  CHECK_MESSAGE(has(catalog.error().message, part), catalog.error().message);
}

}  // namespace tranche::sbom::test
