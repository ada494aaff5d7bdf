// `sign IMAGE@sha256:DIGEST`: the statement that cosign signs (sigstore/cosign, cmd/cosign/cli/sign,
// signDigestBundle: an in-toto statement of its own predicate type, empty, whose one subject is the digest),
// in a bundle that the registry lists among what refers to the image.
//
// The problem: the run may end anywhere between the log and the list, and is run again. The idea: what is
// attached is looked at first. What this key or identity signed already, or what an unfinished signature
// (sigstore/session.hpp) had become, is not attached twice.
#include <algorithm>

#include "attest/statement.hpp"
#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/bundle_signer.hpp"
#include "commands/image.hpp"
#include "commands/image_registry.hpp"
#include "commands/release/make.hpp"
#include "commands/support.hpp"
#include "oci/referrers.hpp"

namespace tranche::commands {
namespace {

struct AttachedBundles {
  std::vector<std::string> manifests;  // digests
  std::vector<std::string> texts;      // in the same order
};

Result<std::string> payload_of(const oci::Reference& image) {
  attest::Statement statement;
  statement.subjects = {{"", {{"sha256", image.digest.substr(image.digest.find(':') + 1)}}}};
  statement.predicate_type = std::string(sigstore::cosign_sign_type);
  statement.predicate = doc::Value::object();
  return attest::to_payload(statement);
}

Result<AttachedBundles> find_attached(oci::Registry& registry, const std::string& digest) {
  AttachedBundles found;
  for (oci::Attached& attached : TRY(oci::fetch_bundles(registry, digest, sigstore::cosign_sign_type))) {
    if (attached.bundle.empty()) continue;
    found.manifests.push_back(std::move(attached.manifest));
    found.texts.push_back(std::move(attached.bundle));
  }
  return found;
}

// Which of the texts; their number when it is none of them.
template <class Is>
std::size_t index_of(const AttachedBundles& bundles, Is is) {
  return static_cast<std::size_t>(std::ranges::find_if(bundles.texts, is) - bundles.texts.begin());
}

// The same signature, with as many entries and timestamps: an Ed25519 key makes it again, and a log may have
// been named since.
bool is_same(const std::string& text, const sigstore::Bundle& mine) {
  const auto bundle = sigstore::parse_bundle(text);
  return bundle && bundle->envelope && bundle->envelope->signature == mine.envelope->signature &&
         bundle->entries.size() >= mine.entries.size() && bundle->timestamps.size() >= mine.timestamps.size();
}

struct SignedImage {
  oci::Attachment attachment;
  bool resumed = false;
  bool kept = false;  // it was attached already
  std::string signer;
  std::size_t entries = 0, timestamps = 0;
};

class ImageSigner {
 public:
  ImageSigner(sigstore::Session& session, Instant created, bool again)
      : session_(session), created_(created), again_(again) {}

  Result<SignedImage> sign(oci::Registry& registry, const oci::Reference& image,
                           const oci::Descriptor& subject) {
    const std::string payload = TRY(payload_of(image));
    const std::string sha256 = from_hex(image.digest.substr(image.digest.find(':') + 1)).value_or("");
    // In the working directory: an image has no place of its own here.
    const std::string pending = fmt::format("{}.{}{}", base_name(image.repository),
                                            oci::referrers_tag(image.digest), sigstore::pending_suffix);
    const AttachedBundles there = TRY(find_attached(registry, image.digest));
    if (!again_)
      if (const auto kept = TRY(
              session_.find_payload_signature(attest::in_toto_type, payload, sha256, there.texts, pending))) {
        const std::size_t at = index_of(there, [&](const std::string& text) { return text == kept->text; });
        return shown(kept->bundle, there.manifests.at(at), kept->signer);
      }
    const sigstore::Signed made = TRY(session_.sign_payload(attest::in_toto_type, payload, sha256, pending));
    const std::size_t at =
        index_of(there, [&](const std::string& text) { return is_same(text, made.bundle); });
    SignedImage signed_image =
        shown(made.bundle, at < there.texts.size() ? there.manifests[at] : "", made.signer);
    signed_image.resumed = made.resumed;
    if (at == there.texts.size()) {
      signed_image.attachment =
          TRY(oci::attach_bundle(registry, subject, sigstore::to_json(made.bundle), annotations()));
      signed_image.kept = false;
    }
    TRY(session_.finish(pending));
    return signed_image;
  }

 private:
  static SignedImage shown(const sigstore::Bundle& bundle, std::string manifest, std::string signer) {
    SignedImage image;
    image.attachment.manifest = std::move(manifest);
    image.kept = true;
    image.signer = std::move(signer);
    image.entries = bundle.entries.size();
    image.timestamps = bundle.timestamps.size();
    return image;
  }
  [[nodiscard]] oci::Annotations annotations() const {
    return {{"org.opencontainers.image.created", to_text(created_)},
            {"dev.sigstore.bundle.content", "dsse-envelope"},
            {std::string(oci::predicate_annotation), std::string(sigstore::cosign_sign_type)}};
  }

  sigstore::Session& session_;
  Instant created_;
  bool again_;
};

}  // namespace

Result<Outcome> sign_images(const Options& options, Context& context) {
  const std::vector<oci::Reference> images = TRY(read_images(options, context));
  sigstore::Session session = TRY(open_bundle_signer(options, context));
  ImageSigner signer(session, build_time(context), options.given("again"));
  Table table;
  doc::Value list = doc::Value::array();
  for (const oci::Reference& image : images) {
    const std::string name = oci::to_text(image);
    oci::Registry registry = TRY(open_registry(options, context, image, !context.dry_run));
    const auto manifest = TRY_WHILE("signing " + name, registry.get_manifest(image.digest));
    if (!manifest)
      return fail_hint(ErrorKind::failed, "push it first; the digest is that of the manifest, not of a layer",
                       "there is no image {}", name);
    doc::Value row = doc::Value::object({{"image", name}});
    std::string said = "would sign";
    std::string where = "-";
    if (!context.dry_run) {
      oci::Descriptor subject = oci::describe(manifest->media_type, manifest->bytes);
      const SignedImage made = TRY_WHILE("signing " + name, signer.sign(registry, image, subject));
      if (made.resumed) context.say("{}: carried on where an earlier run ended", name);
      row.set("referrer", made.attachment.manifest);
      if (!made.attachment.tag.empty()) row.set("tag", made.attachment.tag);
      row.set("signer", made.signer);
      row.set("log-entries", static_cast<std::int64_t>(made.entries));
      row.set("timestamps", static_cast<std::int64_t>(made.timestamps));
      row.set("resumed", made.resumed);
      row.set("kept", made.kept);
      said = made.kept ? "already signed" : "signed";
      where = made.attachment.manifest;
    }
    table.row({said + " " + name, where});
    list.push(std::move(row));
  }
  return Outcome{.json = doc::Value::object(
                     {{"schema", "tranche/sign/v1"}, {"format", "bundle"}, {"images", std::move(list)}}),
                 .text = table.text()};
}

}  // namespace tranche::commands
