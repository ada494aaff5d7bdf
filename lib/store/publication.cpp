#include "store/publication.hpp"

#include <set>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::store {

Result<> check_publication(const Publication& publication) {
  for (const auto& file : publication.files) {
    TRY(check_name(file.name));
    if (!file.bytes.empty() + !file.copy_from.empty() + !file.copy_of.empty() > 1)
      return fail(ErrorKind::bug, "'{}' has more than one content", file.name);
    if (!file.copy_of.empty()) TRY(check_name(file.copy_of));
    if (!file.sha256.empty()) TRY(crypto::parse_sha256(file.sha256));
    if (publication.pointer && file.name == publication.pointer->name)
      return fail(ErrorKind::bug, "'{}' is published as a file and as the pointer", file.name);
  }
  if (publication.pointer) TRY(check_name(publication.pointer->name));
  if (!publication.followers.empty() && !publication.pointer)
    return fail(ErrorKind::bug, "a publication without a pointer has followers");
  std::set<std::string_view> conditional;
  if (publication.pointer) conditional.insert(publication.pointer->name);
  for (const auto& follower : publication.followers) {
    TRY(check_name(follower.name));
    if (!conditional.insert(follower.name).second)
      return fail(ErrorKind::bug, "'{}' is published on two conditions", follower.name);
  }
  return {};
}

Result<> check_prefix(std::string_view prefix) {
  if (prefix.empty()) return {};
  if (!prefix.ends_with('/'))
    return fail(ErrorKind::bug, "the prefix '{}' does not end in a slash", printable(prefix));
  return check_name(prefix.substr(0, prefix.size() - 1));
}

Version version_of(std::string_view bytes) { return Version{crypto::to_hex(crypto::sha256(bytes))}; }

Error other_bytes(const File& file, std::string_view sha256) {
  return {ErrorKind::verification,
          fmt::format("'{}' is not the file that was signed: its SHA-256 is {}, not {}", file.name, sha256,
                      file.sha256),
          "build and sign the release again"};
}

Error moved(const Pointer& pointer, const std::string& store) {
  return {ErrorKind::conflict,
          fmt::format("'{}' in {} was changed by somebody else meanwhile", pointer.name, store),
          "run again: it reads the new state first"};
}

}  // namespace tranche::store
