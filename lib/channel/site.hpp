// A site: where a channel that another tool published can be read. A directory, a web address or a store.
//
// What a foreign feed names is hostile: names stay below the site, every file is bounded, and all files that
// one reading takes are bounded together.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "channel/ecosystem.hpp"
#include "ports/ports.hpp"
#include "store/store.hpp"

namespace tranche::channel {

// What one reading of a site may take, for its Fetch.
inline constexpr std::size_t max_site_files = 1024;
inline constexpr std::size_t max_site_bytes = 512 << 20;
// A web address and a bucket give files as a whole: larger artifacts come from a directory only.
inline constexpr std::size_t max_whole_artifact = 1 << 30;

class Site {
 public:
  virtual ~Site() = default;
  // nullopt: no such file. kind invalid: more than max_bytes, or a name that leads elsewhere.
  virtual Result<std::optional<std::string>> read(const std::string& name, std::size_t max_bytes) = 0;
  // All names below it, sorted; nullopt where nobody can ask (a web address).
  virtual Result<std::optional<std::vector<std::string>>> list() = 0;
  // A file of any size, in constant memory where the site is a directory; null: no such file.
  virtual Result<std::unique_ptr<ports::FileReader>> open(const std::string& name) = 0;
  // The local path of a file, when the site is a directory.
  [[nodiscard]] virtual std::optional<std::string> local_path(const std::string& /*name*/) const {
    return std::nullopt;
  }
  [[nodiscard]] virtual std::string address() const { return {}; }  // of a web site
  [[nodiscard]] virtual std::string describe() const = 0;           // for messages
};

std::unique_ptr<Site> open_directory_site(ports::Files& files, std::string directory);
std::unique_ptr<Site> open_store_site(ports::Files& files, store::Store& store);  // the store outlives it

// A site, and the file of it that was named; empty: a whole directory.
struct Opened {
  std::unique_ptr<Site> site;
  std::string file;
};
// FILE, DIRECTORY, "dir:PATH" or URL (http, https). A path into an APT repository opens the repository:
// ".../dists/stable/InRelease" is the file dists/stable/InRelease of what stands before it. A URL that ends
// in
// '/' is a directory, any other is a file; its query goes with that file only.
Result<Opened> open_site(ports::World& world, std::string_view text);

// What a file is, from one pass over it.
struct Measured {
  std::uint64_t size = 0;
  std::map<std::string, std::string> digests;  // "sha256", "sha512", "sha1", "md5" → hex
};
// SHA-256 always, the others where their names are in `algorithms`; nullopt: no such file.
Result<std::optional<Measured>> measure(Site& site, const std::string& name,
                                        const std::vector<std::string>& algorithms);

// The Fetch of one reading: a file is fetched once. `site` must outlive it.
Fetch fetch_from(Site& site);

// Relative, below the site, without empty, "." and ".." segments or control characters, at most 1024 bytes.
Result<> check_site_name(std::string_view name);

}  // namespace tranche::channel
