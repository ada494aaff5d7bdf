// What the readers of Python's lockfiles and of requirements.txt share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sbom/sbom.hpp"

namespace tranche::sbom {

// PEP 503: lower case, runs of '-', '_' and '.' are one '-'.
std::string normal_python_name(std::string_view name);
// The name that a requirement (PEP 508) begins with: "Name[extra]>=1; marker" → "Name". Empty when there is
// none.
std::string_view requirement_name(std::string_view text);
// `files`: name and "sha256:HEX" of each file that the package comes as.
Component python_component(std::string_view name, std::string_view version, std::string_view vcs_url,
                           std::vector<std::pair<std::string, std::string>> files);

}  // namespace tranche::sbom
