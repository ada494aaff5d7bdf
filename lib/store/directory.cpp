// A store that is a directory: what a web server or `tranche serve` hands out as it stands.
//
// Each file changes atomically (ports::Files), the pointer last. Writers exclude each other with a lock file
// from the comparison to the pointer's rename; readers never wait. A writer that dies leaves files that no
// pointer names, and the kernel drops its lock.
#include <algorithm>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "ports/slab.hpp"
#include "store/directory.hpp"
#include "store/publication.hpp"
#include "store/side_hash.hpp"
#include "store/store.hpp"

namespace tranche::store {
namespace {

constexpr std::size_t max_entries = 1'000'000;
constexpr int max_depth = 64;

class DirectoryStore final : public Store {
 public:
  DirectoryStore(ports::Files& files, std::string directory, bool locked)
      : files_(files), directory_(std::move(directory)), locked_(locked) {}

  Result<std::optional<Blob>> get(std::string_view name, std::size_t max_bytes) override {
    TRY(check_name(name));
    auto bytes = TRY(files_.read(path_of(name), max_bytes));
    if (!bytes) return std::optional<Blob>();
    Version version = version_of(*bytes);
    return std::optional(Blob{std::move(*bytes), std::move(version)});
  }

  Result<std::optional<Stat>> stat(std::string_view name, std::uint64_t max_hashed,
                                   DigestFrom /*a directory records none*/) override {
    TRY(check_name(name));
    const auto path = path_of(name);
    const auto info = TRY(files_.info(path));
    if (!info) return std::optional<Stat>();
    if (info->kind != ports::FileInfo::Kind::file)
      return fail_hint(ErrorKind::invalid, "move it away: tranche writes regular files", "'{}' in {} is none",
                       name, describe());
    Stat stat{info->size, {}};
    if (info->size <= max_hashed) stat.sha256 = TRY(digest_of(path));
    return std::optional(std::move(stat));
  }

  Result<std::vector<std::string>> list(std::string_view prefix) override {
    TRY(check_prefix(prefix));
    std::vector<std::string> names;
    TRY(walk(std::string(prefix), 0, names));
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<Version> publish(const Publication& publication) override {
    TRY(check_publication(publication));
    const auto lock = TRY(lock_directory());
    if (publication.pointer) TRY(compare(*publication.pointer));
    for (const auto& follower : publication.followers) TRY(compare(follower));
    for (const auto& file : publication.files) TRY(write_file(file));
    if (!publication.pointer) return Version();
    Version version = TRY(move(*publication.pointer));
    for (const auto& follower : publication.followers) TRY(move(follower));
    return version;
  }

  Result<> remove(std::span<const std::string> names) override {
    for (const auto& name : names) TRY(check_name(name));
    const auto lock = TRY(lock_directory());
    if (auto* slabs = dynamic_cast<ports::Slabs*>(&files_)) {
      std::vector<std::string> paths;
      for (const auto& name : names) paths.push_back(path_of(name));
      return slabs->remove_all(paths);
    }
    for (const auto& name : names) TRY(files_.remove(path_of(name)));
    return {};
  }

  [[nodiscard]] std::string describe() const override { return "dir:" + directory_; }
  [[nodiscard]] std::optional<std::string> local_directory() const override { return directory_; }

 private:
  [[nodiscard]] std::string path_of(std::string_view name) const {
    return directory_ + "/" + std::string(name);
  }

  Result<std::unique_ptr<ports::FileLock>> lock_directory() {
    if (locked_) return std::unique_ptr<ports::FileLock>();
    return files_.lock(path_of(directory_lock), directory_lock_wait);
  }

  Result<> compare(const Pointer& pointer) {
    if (TRY(version_on_disk(pointer.name)) != pointer.expected) return fail(moved(pointer, describe()));
    return {};
  }

  Result<Version> move(const Pointer& pointer) {
    Version version = version_of(pointer.bytes);
    if (version != pointer.expected) TRY(files_.write(path_of(pointer.name), pointer.bytes));
    return version;
  }

  // The hash of a file of any size, in pieces; absent when there is none.
  Result<Version> version_on_disk(std::string_view name) {
    const auto path = path_of(name);
    const auto info = TRY(files_.info(path));
    if (!info) return Version();
    return Version{TRY(digest_of(path))};
  }

  Result<std::string> digest_of(const std::string& path) {
    const auto reader = TRY(files_.open(path));
    crypto::Sha256 hash;
    std::string piece(256 * 1024, '\0');
    while (const auto got = TRY(reader->read(piece.data(), piece.size())))
      hash.update(std::string_view(piece).substr(0, got));
    return crypto::to_hex(hash.finish());
  }

  // Whether `path` holds this very digest. Only what could is read.
  Result<bool> has_digest(const std::string& path, const std::string& sha256) {
    const auto info = TRY(files_.info(path));
    return info && info->kind == ports::FileInfo::Kind::file && TRY(digest_of(path)) == sha256;
  }

  Result<bool> holds(const std::string& path, std::string_view bytes) {
    const auto info = TRY(files_.info(path));
    if (!info || info->kind != ports::FileInfo::Kind::file || info->size != bytes.size()) return false;
    return TRY(files_.read(path, bytes.size())) == bytes;
  }

  Result<bool> same_content(const std::string& path, const std::string& other) {
    const auto info = TRY(files_.info(path));
    const auto resolved = TRY(files_.real_path(other));
    const auto other_info = TRY(files_.info(resolved));
    if (!info || info->kind != ports::FileInfo::Kind::file || !other_info || info->size != other_info->size)
      return false;
    const auto left = TRY(files_.open(path));
    const auto right = TRY(files_.open(other));
    std::string a(256 * 1024, '\0');
    std::string b(256 * 1024, '\0');
    while (true) {
      const auto got = TRY(fill(*left, a));
      if (got != TRY(fill(*right, b)) ||
          std::string_view(a).substr(0, got) != std::string_view(b).substr(0, got))
        return false;
      if (got == 0) return true;
    }
  }

  static Result<std::size_t> fill(ports::FileReader& reader, std::string& buffer) {
    std::size_t have = 0;
    while (have < buffer.size()) {
      const auto got = TRY(reader.read(buffer.data() + have, buffer.size() - have));
      if (got == 0) break;
      have += got;
    }
    return have;
  }

  // A file that is there already keeps its modification time, so HTTP caches stay valid.
  Result<> write_file(const File& file) {
    const auto path = path_of(file.name);
    const std::string source = file.copy_of.empty() ? file.copy_from : path_of(file.copy_of);
    if (source.empty()) return write_bytes(file, path);
    if (file.sha256.empty()) {
      if (TRY(same_content(path, source))) return {};
      return files_.copy(source, path);
    }
    if (TRY(has_digest(path, lower(file.sha256)))) return {};
    SideHash hash;
    return files_.copy(source, path, [&](std::string_view piece) -> Result<> {
      if (!piece.empty()) {
        hash.update(piece);
        return {};
      }
      const std::string sha256 = hash.finish();
      return sha256 == lower(file.sha256) ? Result<>() : fail(other_bytes(file, sha256));
    });
  }

  Result<> write_bytes(const File& file, const std::string& path) {
    if (!file.sha256.empty())
      if (const auto sha256 = crypto::to_hex(crypto::sha256(file.bytes)); sha256 != lower(file.sha256))
        return fail(other_bytes(file, sha256));
    if (TRY(holds(path, file.bytes))) return {};
    return files_.write(path, file.bytes);
  }

  // Symbolic links are not ours and are not followed; names that no store can have are not shown.
  Result<> walk(const std::string& prefix, int depth, std::vector<std::string>& names) {
    const std::string directory = prefix.empty() ? directory_ : path_of(prefix.substr(0, prefix.size() - 1));
    const auto info = TRY(files_.info(directory));
    if (!info) return {};
    const bool is_root = prefix.empty();  // may be a symbolic link that the user made
    if (!is_root && info->kind != ports::FileInfo::Kind::directory) return {};
    if (depth > max_depth)
      return fail_hint(ErrorKind::invalid, "use a directory of its own for the store", "{} is too deep",
                       describe());
    for (const auto& entry : TRY(files_.list(directory))) {
      if (!check_name(prefix + entry)) continue;
      const auto entry_info = TRY(files_.info(path_of(prefix + entry)));
      if (!entry_info) continue;
      if (entry_info->kind == ports::FileInfo::Kind::directory) {
        TRY(walk(prefix + entry + "/", depth + 1, names));
      } else if (entry_info->kind == ports::FileInfo::Kind::file) {
        if (names.size() >= max_entries)
          return fail_hint(ErrorKind::invalid, "use a directory of its own for the store",
                           "{} holds more than {} files", describe(), max_entries);
        names.push_back(prefix + entry);
      }
    }
    return {};
  }

  ports::Files& files_;
  std::string directory_;
  bool locked_;
};

}  // namespace

std::string directory_name(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return directory.empty() ? "." : directory;
}

std::unique_ptr<Store> open_directory(ports::Files& files, std::string directory) {
  return std::make_unique<DirectoryStore>(files, directory_name(std::move(directory)), false);
}

std::unique_ptr<Store> open_locked_directory(ports::Files& files, std::string directory) {
  return std::make_unique<DirectoryStore>(files, directory_name(std::move(directory)), true);
}

}  // namespace tranche::store
