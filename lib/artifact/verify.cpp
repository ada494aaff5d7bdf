// The last check before bytes are trusted: what lies on this disk is what was signed.
#include "artifact/collect.hpp"
#include "artifact/manifest.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"

namespace tranche::artifact {

namespace {

Error mismatch(std::string message, std::string hint) {
  return {ErrorKind::verification, std::move(message), std::move(hint)};
}

}  // namespace

Result<> verify_files(const Manifest& manifest, ports::Files& files,
                      const std::map<std::string, std::string>& paths) {
  std::vector<Error> errors;
  std::vector<const Artifact*> to_hash;
  std::vector<std::string> hash_paths;
  for (const Artifact& artifact : manifest.artifacts) {
    const auto path = paths.find(artifact.name);
    auto info = path == paths.end() ? std::optional<ports::FileInfo>() : TRY(files.info(path->second));
    if (info && info->kind == ports::FileInfo::Kind::symlink)
      info = TRY(files.info(TRY(files.real_path(path->second))));
    if (!info || info->kind != ports::FileInfo::Kind::file) {
      errors.push_back(mismatch(fmt::format("artifact '{}' is missing", artifact.name),
                                "put the file that was signed where the others are"));
    } else if (info->size != artifact.size) {
      errors.push_back(mismatch(fmt::format("artifact '{}' has {} bytes, the manifest says {}", artifact.name,
                                            info->size, artifact.size),
                                "it is not the file that was signed: do not ship it"));
    } else {
      to_hash.push_back(&artifact);
      hash_paths.push_back(path->second);
    }
  }
  const auto digests = TRY(digest_files(files, hash_paths));
  for (std::size_t i = 0; i < to_hash.size(); ++i)
    if (digests[i].sha256 != to_hash[i]->sha256)
      errors.push_back(
          mismatch(fmt::format("artifact '{}' was changed: its SHA-256 is {}, the manifest says {}",
                               to_hash[i]->name, digests[i].sha256, to_hash[i]->sha256),
                   "it is not the file that was signed: do not ship it"));
  if (errors.empty()) return {};
  Error first = std::move(errors.front());
  first.others.assign(std::make_move_iterator(errors.begin() + 1), std::make_move_iterator(errors.end()));
  return fail(std::move(first));
}

Result<> verify_directory(const Manifest& manifest, ports::Files& files, const std::string& directory) {
  std::map<std::string, std::string> paths;
  for (const Artifact& artifact : manifest.artifacts)
    paths.emplace(artifact.name, join_path(directory, artifact.name));
  return verify_files(manifest, files, paths);
}

}  // namespace tranche::artifact
