#include "artifact/builder_files.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"

namespace tranche::artifact {

namespace {

// The file on disk that a url means. GitHub's publisher writes dashes for what a url cannot hold, so a name
// is found through the name it gets as an artifact; only when that says which.
std::optional<std::string> local_name(const std::string& url, const std::vector<std::string>& listing) {
  const std::string plain = base_name(url);
  const std::string decoded = percent_decode(plain).value_or(plain);
  for (const std::string& wanted : {plain, decoded})
    if (std::ranges::find(listing, wanted) != listing.end()) return wanted;
  std::optional<std::string> found;
  for (const std::string& name : listing) {
    if (update_file_name(name) != update_file_name(url)) continue;
    if (found) return std::nullopt;
    found = name;
  }
  return found;
}

}  // namespace

Result<std::vector<BuilderFile>> builder_files(std::string_view document, const std::string& path,
                                               const std::vector<std::string>& listing,
                                               std::string_view version) {
  const std::string shown = printable(path);
  const auto name = parse_update_info_name(base_name(path));
  if (!name)
    return fail_hint(ErrorKind::invalid, "name the files that electron-builder wrote: dist/latest*.yml",
                     "'{}' is no document of electron-builder", shown);
  auto parsed = parse_update_info(document, path);
  if (!parsed) {
    Error error = std::move(parsed.error());
    error.kind = ErrorKind::invalid;
    return fail(std::move(error));
  }
  if (parsed->version != version)
    return fail_hint(ErrorKind::invalid, "build that version, or create the release that was built",
                     "{} is of version {}, not {}", shown, parsed->version, printable(version));
  std::vector<UpdateFile> wanted = parsed->files;
  for (const UpdatePackage& package : parsed->packages) wanted.push_back(package.file);
  if (wanted.empty())
    return fail_hint(ErrorKind::invalid, "build it again: electron-builder lists what it built",
                     "{} names no file", shown);
  std::vector<BuilderFile> files;
  for (const UpdateFile& file : wanted) {
    const auto local = local_name(file.url, listing);
    if (!local)
      return fail_hint(ErrorKind::invalid, "keep the files beside the yml that electron-builder wrote",
                       "{} names '{}', which is not beside it", shown, printable(file.url));
    const auto sha512 = sha512_hex(file.sha512);
    if (!sha512)
      return fail_hint(ErrorKind::invalid, "build it with electron-builder 19 or newer",
                       "{} has no SHA-512 of '{}'", shown, printable(file.url));
    const std::string artifact = update_file_name(file.url);
    const std::string platform = update_platform(name->suffix, artifact);
    files.push_back({*local, artifact, platform, *sha512, file.size});
    if (const std::string map = *local + ".blockmap"; std::ranges::find(listing, map) != listing.end())
      files.push_back({map, artifact + ".blockmap", platform, {}, {}});
  }
  return files;
}

Result<> check_built(const BuilderFile& file, const std::string& path, const std::string& document,
                     const Digested& digested) {
  const std::string hint = "something changed the file after electron-builder wrote the yml: build it again";
  if (file.size && *file.size != digested.size)
    return fail_hint(ErrorKind::verification, hint, "{} says that '{}' has {} bytes, it has {}",
                     printable(base_name(document)), printable(path), *file.size, digested.size);
  if (!file.sha512.empty() && file.sha512 != digested.sha512)
    return fail_hint(ErrorKind::verification, hint, "the SHA-512 of '{}' is not what {} says",
                     printable(path), printable(base_name(document)));
  return {};
}

}  // namespace tranche::artifact
