// `verify --fetch DIR IMAGE@sha256:DIGEST`: the one place where verify asks a machine, because it was told
// to. What the registry answers is a stranger's: it is only carried here, and believed as little as a file.
// A registry full of other people's bundles must not hide ours, so what cannot be used is passed over while
// one that verifies is there.
#include <algorithm>

#include "attest/statement.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/bundles.hpp"
#include "commands/image.hpp"
#include "commands/image_registry.hpp"
#include "commands/support.hpp"
#include "oci/referrers.hpp"
#include "sigstore/read_bundle.hpp"
#include "sigstore/sign.hpp"

namespace tranche::commands {
namespace {

struct Fetched {
  std::string lines;  // one bundle a line
  std::size_t signatures = 0;
  std::size_t others = 0;  // attestations and the like
  std::vector<oci::Attached> problems;
};

// A statement of another type is about the image, and no signature of it.
bool is_signature(const sigstore::Bundle& bundle) {
  if (!bundle.envelope || bundle.envelope->payload_type != attest::in_toto_type) return true;
  const auto statement = attest::parse_statement(bundle.envelope->payload);
  return !statement || statement->predicate_type == sigstore::cosign_sign_type;
}

void take(Fetched& fetched, oci::Attached attached) {
  const auto problem = [&](std::string_view code, std::string detail) {
    attached.code = code;
    attached.detail = std::move(detail);
    fetched.problems.push_back(std::move(attached));
  };
  if (!attached.code.empty()) {
    fetched.problems.push_back(std::move(attached));
    return;
  }
  if (attached.bundle.empty()) {
    ++fetched.others;
    return;
  }
  const auto bundle = sigstore::read_bundle(attached.bundle);
  if (!bundle) {
    problem(code_of(bundle.error().reason), bundle.error().detail);
    return;
  }
  if (!is_signature(*bundle)) {
    ++fetched.others;
    return;
  }
  const auto json = doc::parse_json(attached.bundle, "<bundle>", {.max_bytes = sigstore::max_bundle_bytes});
  if (!json) {
    problem("bad-json", json.error().message);
    return;
  }
  const std::string line = doc::to_json(*json) + "\n";
  if (fetched.lines.size() + line.size() > sigstore::max_bundle_bytes) {
    problem("bad-referrer", "the attached bundles together are too large");
    return;
  }
  fetched.lines += line;
  ++fetched.signatures;
}

void show_problems(Checks& checks, const Fetched& fetched, const std::string& prefix) {
  for (const oci::Attached& one : fetched.problems) checks.bad(prefix + "referrer", one.code, one.detail);
}

}  // namespace

Result<> verify_images(Checks& checks, const Options& options, Context& context) {
  if (!TRY(names_images(context, options.list("path"))))
    return fail_hint(ErrorKind::usage, "name images, IMAGE@sha256:DIGEST",
                     "--fetch asks the registries of images");
  const std::vector<oci::Reference> images = TRY(read_images(options, context));
  BundleVerifier bundles(options, context, images.size() > 1);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const oci::Reference& image = images[i];
    const std::string name = oci::to_text(image);
    const std::string prefix = images.size() > 1 ? base_name(image.repository) + " " : "";
    oci::Registry registry = TRY(open_registry(options, context, image, false));
    auto attached = oci::fetch_bundles(registry, image.digest, sigstore::cosign_sign_type);
    if (!attached && attached.error().kind == ErrorKind::verification) {
      checks.bad(prefix + "referrers", "bad-referrers", error_text(attached.error()));
      continue;
    }
    if (!attached) return fail(std::move(attached.error()).during("fetching what is attached to " + name));
    Fetched fetched;
    for (oci::Attached& one : *attached) take(fetched, std::move(one));
    if (fetched.signatures == 0) {
      show_problems(checks, fetched, prefix);
      if (fetched.problems.empty())
        checks.bad(prefix + "signature", "unsigned",
                   fetched.others == 0 ? fmt::format("nothing is attached to {}", name)
                                       : fmt::format("{} attached to {}, and no signature",
                                                     count_of(fetched.others, "bundle"), name));
      continue;
    }
    const std::string at = join_path(
        options.text("fetch"),
        fmt::format("{}.{}.sigstore.jsonl", base_name(image.repository), oci::referrers_tag(image.digest)));
    TRY(context.world.files.write(at, fetched.lines));
    context.say("{}: {} in {}", name, count_of(fetched.signatures, "bundle"), printable(at));
    const std::size_t before = checks.failed;
    TRY(bundles.verify(checks, options.list("path")[i], at));
    if (checks.failed != before) show_problems(checks, fetched, prefix);
  }
  return {};
}

}  // namespace tranche::commands
