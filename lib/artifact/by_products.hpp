// Files that say something of other files and are never shipped by themselves: signatures, bundles,
// attestations, SBOMs, what a signature under way leaves. `dist/*` finds them beside what was built.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tranche::artifact {

// By its name alone, or (".sig", ".asc": words that others use too) when the file it belongs to lies beside
// it. `beside`: the names in its directory.
bool is_by_product(std::string_view name, std::span<const std::string> beside);

}  // namespace tranche::artifact
