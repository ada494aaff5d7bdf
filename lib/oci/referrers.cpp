#include "oci/referrers.hpp"

#include <algorithm>
#include <chrono>

#include "base/text.hpp"
#include "oci/reference.hpp"

namespace tranche::oci {
namespace {

constexpr int attempts = 6;
constexpr auto first_pause = std::chrono::milliseconds(200);  // then twice as long; 6 s in all

bool is_listed(std::string_view index, const std::string& digest) {
  const auto entries = parse_index(index);
  return entries && std::ranges::find(*entries, digest, &Descriptor::digest) != entries->end();
}

// Errors that say what a document is like, not what the network is like.
bool is_finding(const Error& error) { return error.kind == ErrorKind::verification; }

std::string words_of(const Error& error) {
  return error.hint.empty() ? error.message : fmt::format("{}; {}", error.message, error.hint);
}

}  // namespace

Result<Attachment> attach_bundle(Registry& registry, const Descriptor& subject, const std::string& bundle,
                                 const Annotations& annotations) {
  const std::string manifest = to_referrer(subject, describe(bundle_type, bundle), annotations);
  const Descriptor entry = entry_of(manifest, annotations);
  TRY(registry.put_blob(std::string(empty_config)));
  TRY(registry.put_blob(bundle));
  const Stored stored = TRY(registry.put_manifest(entry.digest, manifest_type, manifest));
  if (stored.indexed) return Attachment{entry.digest, ""};
  const std::string tag = referrers_tag(subject.digest);
  Duration pause = first_pause;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto list = TRY(registry.get_manifest(tag));
    if (list && is_listed(list->bytes, entry.digest)) return Attachment{entry.digest, tag};
    if (attempt > 0) {
      if (!registry.world().clock.sleep_until(registry.world().clock.now() + pause))
        return fail(ErrorKind::interrupted, "interrupted while waiting for the list of referrers");
      pause *= 2;
    }
    const std::string longer = TRY_WHILE("adding to the list of referrers at tag " + tag,
                                         add_to_index(list ? list->bytes : "", entry));
    TRY(registry.put_manifest(tag, index_type, longer, list ? list->etag : ""));
    const auto now = TRY(registry.get_manifest(tag));
    if (now && is_listed(now->bytes, entry.digest)) return Attachment{entry.digest, tag};
  }
  return fail_hint(ErrorKind::conflict, "run this again",
                   "others keep writing the list of referrers at tag {}", tag);
}

Result<std::vector<Descriptor>> list_bundles(Registry& registry, const std::string& digest) {
  auto listed = TRY(registry.get_referrers(digest));
  if (!listed) {
    const auto list = TRY(registry.get_manifest(referrers_tag(digest)));
    listed = list ? TRY(parse_index(list->bytes)) : std::vector<Descriptor>();
  }
  // Older clients write the type of the config there, and some nothing: the manifest itself will say.
  std::erase_if(*listed, [](const Descriptor& entry) {
    const std::string& type = entry.artifact_type;
    return !type.empty() && type != empty_type && !type.starts_with(bundle_type_prefix);
  });
  return std::move(*listed);
}

Result<Attached> fetch_bundle(Registry& registry, const std::string& digest, const Descriptor& entry,
                              std::string_view wanted) {
  Attached attached;
  attached.manifest = entry.digest;
  attached.predicate = entry.annotation(predicate_annotation);
  const auto problem = [&](std::string_view code, std::string detail) {
    attached.code = code;
    attached.detail = std::move(detail);
    return attached;
  };
  const auto is_other = [&] { return !attached.predicate.empty() && attached.predicate != wanted; };
  if (is_other()) return attached;
  if (entry.size > max_manifest_bytes)
    return problem("bad-referrer", fmt::format("{} has {} bytes, more than {}", entry.digest, entry.size,
                                               max_manifest_bytes));
  const auto document = registry.get_manifest(entry.digest);
  if (!document && is_finding(document.error())) return problem("wrong-digest", words_of(document.error()));
  if (!document) return fail(document.error());
  if (!*document)
    return problem("bad-referrer",
                   fmt::format("the list names {}, which the registry does not have", entry.digest));
  const auto manifest = parse_manifest((*document)->bytes);
  if (!manifest) return problem("bad-referrer", words_of(manifest.error()));
  const bool is_bundle =
      manifest->artifact_type.starts_with(bundle_type_prefix) ||
      (manifest->layers.size() == 1 && manifest->layers.front().media_type.starts_with(bundle_type_prefix));
  if (!is_bundle) {  // listed without a type, and something else
    attached.predicate = manifest->artifact_type.empty() ? manifest->media_type : manifest->artifact_type;
    return attached;
  }
  if (!manifest->subject || manifest->subject->digest != digest)
    return problem("wrong-subject", fmt::format("{} belongs to {}", entry.digest,
                                                manifest->subject ? manifest->subject->digest : "no image"));
  if (manifest->layers.size() != 1)
    return problem("bad-referrer",
                   fmt::format("{} has {} layers, not one bundle", entry.digest, manifest->layers.size()));
  const Descriptor& layer = manifest->layers.front();
  if (layer.size > max_blob_bytes)
    return problem("bad-referrer", fmt::format("bundle {} has {} bytes, more than {}", layer.digest,
                                               layer.size, max_blob_bytes));
  auto bundle = registry.get_blob(layer);
  if (!bundle && is_finding(bundle.error())) return problem("wrong-digest", words_of(bundle.error()));
  if (!bundle) return fail(bundle.error());
  attached.bundle = std::move(*bundle);
  return attached;
}

Result<std::vector<Attached>> fetch_bundles(Registry& registry, const std::string& digest,
                                            std::string_view wanted) {
  const auto begin = registry.world().clock.elapsed();
  std::vector<Attached> all;
  std::size_t bytes = 0;
  for (const Descriptor& entry : TRY(list_bundles(registry, digest))) {
    if (registry.world().clock.elapsed() - begin > longest_fetch)
      return fail_hint(ErrorKind::failed, "run this again, or ask why the registry is so slow",
                       "what is attached to the image did not come within {}",
                       tranche::to_text(longest_fetch));
    all.push_back(TRY(fetch_bundle(registry, digest, entry, wanted)));
    bytes += all.back().bundle.size();
    if (bytes > max_fetched_bytes)
      return fail(ErrorKind::verification, "what is attached to the image is larger than {} bytes",
                  max_fetched_bytes);
  }
  return all;
}

}  // namespace tranche::oci
