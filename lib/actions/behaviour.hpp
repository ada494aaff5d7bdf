// What an agent does, as a release pins it: prompts, parameters, schemas of tools and models of tranche.yaml,
// found and hashed.
#pragma once

#include <string>
#include <vector>

#include "artifact/manifest.hpp"
#include "base/error.hpp"
#include "ports/ports.hpp"
#include "spec/spec.hpp"

namespace tranche::actions {

// Sorted by kind and name. A model is a file, or a directory whose model manifest is digested
// (attest/model.hpp; git's files and model.sig are no part of it). kind invalid: a path that finds nothing or
// leaves the repository, a directory that is no model, a symbolic link in a model; every one, at the place of
// `behaviour:`.
Result<std::vector<artifact::Behaviour>> collect_behaviour(ports::Files& files, const std::string& repository,
                                                           const spec::Behaviour& wanted);

// One line a file that differs: "prompt 'a.md' changed", "model 'm' is new", "tool 'x.json' is gone".
std::vector<std::string> describe_behaviour_change(const std::vector<artifact::Behaviour>& before,
                                                   const std::vector<artifact::Behaviour>& after);

}  // namespace tranche::actions
