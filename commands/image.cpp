#include "commands/image.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "commands/image_registry.hpp"

namespace tranche::commands {
namespace {

// One account for several registries would hand one's password to the other.
Result<> refuse_shared_account(Context& context, const Options& options,
                               const std::vector<oci::Reference>& images) {
  const auto other = std::ranges::find_if(
      images, [&](const oci::Reference& image) { return image.host != images.front().host; });
  if (other == images.end() || options.given("registry-auth") ||
      !context.world.environ.get("TRANCHE_REGISTRY_USER"))
    return {};
  return fail_hint(ErrorKind::usage, "sign them in two runs, or give --registry-auth FILE",
                   "TRANCHE_REGISTRY_USER is one account, and the images are of {} and {}",
                   printable(images.front().host), printable(other->host));
}

}  // namespace

std::vector<Flag> image_flags() {
  return {{.name = "registry-auth",
           .value = "FILE",
           .help = "the account at an image's registry, from docker's or podman's config.json; without: "
                   "TRANCHE_REGISTRY_USER and TRANCHE_REGISTRY_PASSWORD"},
          {.name = "plain-http", .help = "ask an image's registry without encryption on other machines too"}};
}

Result<bool> names_image(Context& context, const std::string& word) {
  if (TRY(context.world.files.info(word))) return false;
  if (oci::looks_like_image(word)) return true;
  // registry.example/notes:1.2, and no file of that name
  const auto pinned = oci::parse_reference(word + "@sha256:" + std::string(64, '0'));
  return pinned && !pinned->tag.empty();
}

Result<bool> names_images(Context& context, const std::vector<std::string>& words) {
  std::size_t images = 0;
  for (const std::string& word : words) {
    if (!TRY(names_image(context, word))) continue;
    TRY(oci::parse_reference(word));
    ++images;
  }
  if (images != 0 && images != words.size())
    return fail_hint(ErrorKind::usage, "name them in two runs", "files and images do not go together");
  return images != 0;
}

Result<std::vector<oci::Reference>> read_images(const Options& options, Context& context) {
  std::vector<oci::Reference> images;
  for (const std::string& word : options.list("path")) {
    oci::Reference image = TRY(oci::parse_reference(word));
    image.tag.clear();
    if (std::ranges::find(images, image) != images.end())
      return fail_hint(ErrorKind::usage, "name each image once", "'{}' is named twice", printable(word));
    images.push_back(std::move(image));
  }
  TRY(refuse_shared_account(context, options, images));
  return images;
}

Result<oci::Registry> open_registry(const Options& options, Context& context, const oci::Reference& image,
                                    bool write) {
  oci::Access access;
  access.credentials = TRY(oci::find_credentials(
      context.world, options.given("registry-auth") ? options.text("registry-auth") : "", image.host));
  access.plain_http = options.given("plain-http");
  access.write = write;
  return oci::Registry::open(context.world, image, std::move(access));
}

}  // namespace tranche::commands
