#pragma once

#include "artifact/manifest.hpp"
#include "doc/value.hpp"

namespace tranche::commands {

// A release for --json: app, version, created, manifest digest, artifacts, sboms.
doc::Value release_json(const artifact::Manifest& manifest, std::string_view sha256, std::string_view schema);
std::string release_text(const artifact::Manifest& manifest, std::string_view sha256);

}  // namespace tranche::commands
