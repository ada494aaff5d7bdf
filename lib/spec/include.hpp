// `include: [ops/*.yaml]`: further files of the same repository, merged key by key before anything is typed.
#pragma once

#include <string>

#include "doc/value.hpp"
#include "ports/ports.hpp"
#include "spec/problems.hpp"

namespace tranche::spec {

constexpr std::size_t max_includes = 32;

// `path` below `repository`, with symlinks followed only as long as they stay inside. Error: kind invalid.
Result<std::string> path_inside(ports::Files& files, const std::string& repository, const std::string& path);

// Adds the members of every included file to `document`. Maps are merged, a name defined twice is a problem,
// as is any other key given twice; lists are joined. Included files cannot include.
void merge_includes(ports::Files& files, const std::string& repository, Value& document, Problems& problems);

}  // namespace tranche::spec
