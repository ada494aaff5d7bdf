// Places that a command line names, where there is no tranche.yaml to say more.
//
//   dir:PATH                      absolute, or from where the command is run
//   git:REMOTE#BRANCH[:DIR]       REMOTE a url or a path; without #BRANCH: tranche-state
//   s3://BUCKET[/PREFIX]
//
// What else they need comes from the environment: TRANCHE_GIT_TOKEN; TRANCHE_S3_ACCESS_KEY,
// TRANCHE_S3_SECRET_KEY, TRANCHE_S3_SESSION_TOKEN, TRANCHE_S3_REGION, TRANCHE_S3_ENDPOINT and
// TRANCHE_S3_PATH_STYLE (1: https://host/BUCKET/key).
#pragma once

#include <string>

#include "ports/ports.hpp"
#include "spec/spec.hpp"

namespace tranche::actions {

// kind usage: neither form.
Result<spec::State> parse_state_url(ports::World& world, const std::string& text);
Result<spec::StoreRef> parse_store_url(ports::World& world, const std::string& text);

}  // namespace tranche::actions
