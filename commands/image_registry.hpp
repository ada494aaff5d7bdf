// What signing and fetching share: the images of the command line, and who we are to their registries.
#pragma once

#include <vector>

#include "commands/command.hpp"
#include "oci/reference.hpp"
#include "oci/registry.hpp"

namespace tranche::commands {

// Each once, without its tag. kind usage: the account of the environment would go to several registries.
Result<std::vector<oci::Reference>> read_images(const Options& options, Context& context);
Result<oci::Registry> open_registry(const Options& options, Context& context, const oci::Reference& image,
                                    bool write);

}  // namespace tranche::commands
