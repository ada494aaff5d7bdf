// The files of `argo: FILE` gates, read when tranche.yaml is loaded.
#pragma once

#include <string>

#include "ports/ports.hpp"
#include "spec/problems.hpp"
#include "spec/spec.hpp"

namespace tranche::spec {

// Fills gate.argo.templates of every argo gate. Files stay within the repository and have at most 256 KiB;
// what is wrong is said at the path in tranche.yaml, or at its place in the file.
void read_argo_files(ports::Files& files, const std::string& repository, App& app, Problems& problems);

}  // namespace tranche::spec
