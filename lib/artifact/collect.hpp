// From patterns to artifacts: find the files, stay in the repository, hash each once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/manifest.hpp"
#include "base/error.hpp"
#include "doc/value.hpp"
#include "ports/ports.hpp"

namespace tranche::artifact {

// One entry under `artifacts:`. `path` is relative to the repository; {version} stands for the version; * ?
// [] and ** as in base/text.hpp glob_match.
struct Pattern {
  std::string path;
  std::string platform;  // empty: platform_of(file name)
  std::string kind;      // empty: plain files; "electron-builder": what the latest*.yml found there name
  doc::Place place;      // for errors
};

struct Digested {
  std::uint64_t size = 0;
  std::string sha256;  // hex
  std::string sha512;  // hex; only where it was asked for
};

// "linux/amd64" from "notes_1.0_amd64.deb", "windows/arm64" from "notes-arm64.exe"; "any" when the name does
// not say both.
std::string platform_of(std::string_view file_name);

// One file, read in 256 KiB pieces: constant memory whatever its size.
Result<Digested> digest_file(ports::Files& files, const std::string& path);
// Many files on all cores, each read once; answers in the order of `paths`, the first error otherwise.
// threads: 0 = one a core. `with_sha512`, when given, says for each path whether that is wanted too.
Result<std::vector<Digested>> digest_files(ports::Files& files, const std::vector<std::string>& paths,
                                           unsigned threads = 0, const std::vector<bool>& with_sha512 = {});

// What a path or glob of the repository names, directories too when it is no glob; sorted by path. kind
// invalid: it leaves the repository, it finds nothing, the bounds of `collect`.
struct RepositoryPath {
  std::string path;  // in the repository
  std::string real;  // on this machine
  bool is_directory = false;
};
Result<std::vector<RepositoryPath>> find_paths(ports::Files& files, const std::string& repository,
                                               const std::string& pattern);

// The artifacts that the patterns name, sorted by name. kind invalid, with the pattern's mark: a pattern that
// matches nothing, a path that leaves the repository ("..", absolute, or a symlink that leads outside), two
// files of one name, a name that no manifest may hold, more than 10,000 directory entries, deeper than 32
// directories. All errors at once (Error::others).
//
// Kind electron-builder: the artifacts are the files and packages that the matched latest*.yml name, which
// lie beside it, with their .blockmap where there is one; not the yml itself. kind invalid: a yml of another
// version, a file that is not there or has no sha512; kind verification: other bytes than the yml says.
//
// Files that a glob finds and that only say something of others (by_products.hpp) are no artifacts; their
// paths are added to `passed_over` when it is given. A pattern without a glob takes what it names.
//
// Digests::named: only what such a yml names is hashed, the others have no sha256. For files whose digest is
// known from elsewhere, and is checked by whoever reads them next.
enum class Digests { all, named };
Result<std::vector<Artifact>> collect(ports::Files& files, const std::string& repository,
                                      const std::vector<Pattern>& patterns, std::string_view version,
                                      Digests digests = Digests::all,
                                      std::vector<std::string>* passed_over = nullptr);

}  // namespace tranche::artifact
