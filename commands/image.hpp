// Container images by digest, for `sign` and `verify`: a bundle signs the digest of the image's manifest and
// is attached to it in its registry.
#pragma once

#include <string>
#include <vector>

#include "commands/checks.hpp"
#include "commands/command.hpp"

namespace tranche::commands {

// --registry-auth --plain-http
std::vector<Flag> image_flags();

// A word that means an image where no file has that name: IMAGE@sha256:DIGEST, or one that only lacks its
// digest.
Result<bool> names_image(Context& context, const std::string& word);
// Whether all words mean images. kind usage when only some do, or one is an image that is not pinned.
Result<bool> names_images(Context& context, const std::vector<std::string>& words);

// Signs each image and attaches the bundle to it; an image that has it already is left as it is.
Result<Outcome> sign_images(const Options& options, Context& context);

// --fetch DIR: takes what is attached to each image from its registry into DIR, then verifies it as if it had
// been named with --bundle.
Result<> verify_images(Checks& checks, const Options& options, Context& context);

}  // namespace tranche::commands
