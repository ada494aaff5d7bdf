// `sign IMAGE@sha256:DIGEST`: the statement that cosign signs (sigstore/cosign, cmd/cosign/cli/sign,
// signDigestBundle: an in-toto statement of its own predicate type, empty, whose one subject is the digest),
// in a bundle that the registry lists among what refers to the image.
//
// The problem: the run may end anywhere between the log and the list, and is run again. The idea: what is
// attached is looked at first. What this key signed already, or what an unfinished signature (see
// sigstore/session.hpp) had become, is not attached twice.
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
#include "signing/dsse.hpp"

namespace tranche::commands {
namespace {

struct AttachedBundle {
  std::string manifest;
  sigstore::Bundle bundle;
};

Result<std::string> payload_of(const oci::Reference& image) {
  attest::Statement statement;
  statement.subjects = {{"", {{"sha256", image.digest.substr(image.digest.find(':') + 1)}}}};
  statement.predicate_type = std::string(sigstore::cosign_sign_type);
  statement.predicate = doc::Value::object();
  return attest::to_payload(statement);
}

// The signatures that are attached already; what cannot be read is not ours.
Result<std::vector<AttachedBundle>> find_attached(oci::Registry& registry, const std::string& digest) {
  std::vector<AttachedBundle> found;
  for (const oci::Descriptor& entry : TRY(oci::list_bundles(registry, digest))) {
    const oci::Attached attached =
        TRY(oci::fetch_bundle(registry, digest, entry, sigstore::cosign_sign_type));
    if (attached.bundle.empty()) continue;
    auto bundle = sigstore::parse_bundle(attached.bundle);
    if (bundle && bundle->envelope) found.push_back({attached.manifest, std::move(*bundle)});
  }
  return found;
}

// This key's signature over the same payload, with all that the services would add today.
bool is_by(const crypto::AnyPublicKey& key, const sigstore::Bundle& bundle, const std::string& payload,
           const sigstore::Services& services) {
  const sigstore::BundleEnvelope& envelope = *bundle.envelope;
  return bundle.certificate.empty() && envelope.payload_type == attest::in_toto_type &&
         envelope.payload == payload && bundle.entries.size() >= services.logs.size() &&
         bundle.timestamps.size() >= services.tsas.size() &&
         key.verify(key.usual_scheme(),
                    signing::pre_authentication_encoding(envelope.payload_type, envelope.payload),
                    envelope.signature);
}

struct SignedImage {
  oci::Attachment attachment;
  bool attached = false;  // by this run
  bool resumed = false;
  std::string signer;
  std::size_t entries = 0, timestamps = 0;
};

class ImageSigner {
 public:
  ImageSigner(Context& context, sigstore::Session& session, Instant created)
      : context_(context), session_(session), created_(created) {}

  Result<SignedImage> sign(oci::Registry& registry, const oci::Reference& image,
                           const oci::Descriptor& subject) {
    const std::string payload = TRY(payload_of(image));
    const std::vector<AttachedBundle> there = TRY(find_attached(registry, image.digest));
    if (session_.key() != nullptr)
      for (const AttachedBundle& one : there)
        if (is_by(*session_.key(), one.bundle, payload, session_.services()))
          return shown(one.bundle, {one.manifest, ""}, session_.key()->id());
    // In the working directory: an image has no place of its own here.
    const std::string pending = fmt::format("{}.{}{}", base_name(image.repository),
                                            oci::referrers_tag(image.digest), sigstore::pending_suffix);
    const sigstore::Signed made = TRY(session_.sign_payload(
        attest::in_toto_type, payload, from_hex(image.digest.substr(image.digest.find(':') + 1)).value_or(""),
        pending));
    const auto same = std::ranges::find_if(there, [&](const AttachedBundle& one) {
      return one.bundle.envelope->signature == made.bundle.envelope->signature;
    });
    SignedImage signed_image = shown(made.bundle, {}, made.signer);
    signed_image.resumed = made.resumed;
    if (same != there.end()) {
      signed_image.attachment.manifest = same->manifest;
    } else {
      signed_image.attachment =
          TRY(oci::attach_bundle(registry, subject, sigstore::to_json(made.bundle), annotations()));
      signed_image.attached = true;
    }
    TRY(session_.finish(pending));
    return signed_image;
  }

 private:
  static SignedImage shown(const sigstore::Bundle& bundle, oci::Attachment attachment, std::string signer) {
    SignedImage image;
    image.attachment = std::move(attachment);
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

  Context& context_;
  sigstore::Session& session_;
  Instant created_;
};

}  // namespace

Result<Outcome> sign_images(const Options& options, Context& context) {
  const std::vector<oci::Reference> images = TRY(read_images(options, context));
  sigstore::Session session = TRY(open_bundle_signer(options, context));
  ImageSigner signer(context, session, build_time(context));
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
      row.set("attached", made.attached);
      row.set("resumed", made.resumed);
      said = made.attached ? "signed" : "was signed";
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
