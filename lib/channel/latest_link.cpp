#include "channel/latest_link.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "channel/feed.hpp"
#include "doc/value.hpp"

namespace tranche::channel {

namespace {

constexpr std::size_t max_index_bytes = 1 << 20;

// Names that the last index lists; none when it cannot be read: then nothing is removed.
std::vector<std::string> names_in(std::string_view index) {
  std::vector<std::string> names;
  const auto value = doc::parse_json(index);
  const doc::Value* files = value ? value->find("files") : nullptr;
  if (files == nullptr || !files->is_array()) return names;
  for (const doc::Value& file : files->as_array())
    if (const auto name = file.text("name");
        name && name->starts_with("latest/") && *name != latest_index_name && store::check_name(*name))
      names.push_back(*name);
  return names;
}

}  // namespace

std::string latest_name(std::string_view version, std::string_view artifact) {
  return "latest/" + replace_all(std::string(artifact), version, "latest");
}

Result<bool> move_latest_link(store::Store& store, const artifact::Manifest& manifest) {
  doc::Value files = doc::Value::array();
  store::Publication publication;
  std::set<std::string> names;
  for (const artifact::Artifact& artifact : manifest.artifacts) {
    std::string name = latest_name(manifest.version, artifact.name);
    if (name == latest_index_name || !names.insert(name).second)
      return fail_hint(ErrorKind::invalid, "give the artifacts names that differ in more than the version",
                       "artifact '{}' has no name of its own below latest/", artifact.name);
    files.push(doc::Value::object({{"name", name},
                                   {"artifact", artifact.name},
                                   {"platform", artifact.platform},
                                   {"size", static_cast<std::int64_t>(artifact.size)},
                                   {"sha256", artifact.sha256}}));
    publication.files.push_back({.name = std::move(name),
                                 .bytes = {},
                                 .copy_from = {},
                                 .copy_of = artifact_name(manifest.version, artifact.name),
                                 .sha256 = artifact.sha256,
                                 .caching = store::Caching::revalidate});
  }
  const std::string index = doc::to_json(doc::Value::object({{"schema", "tranche/latest/v1"},
                                                             {"app", manifest.app},
                                                             {"version", manifest.version},
                                                             {"files", std::move(files)}})) +
                            "\n";
  const auto now = TRY(store.get(latest_index_name, max_index_bytes));
  if (now && now->bytes == index) return false;
  publication.pointer =
      store::Pointer{std::string(latest_index_name), index, now ? now->version : store::Version()};
  publication.message = fmt::format("latest {} {}", manifest.app, manifest.version);
  TRY_WHILE("moving latest/ in " + store.describe() + " to " + manifest.version, store.publish(publication));
  std::vector<std::string> old = now ? names_in(now->bytes) : std::vector<std::string>();
  std::erase_if(old, [&](const std::string& name) { return names.contains(name); });
  if (!old.empty()) TRY(store.remove(old));
  return true;
}

}  // namespace tranche::channel
