#include "attest/model_files.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "crypto/blake2b.hpp"
#include "crypto/digest.hpp"

namespace tranche::attest::detail {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;
constexpr unsigned max_threads = 32;

using Kind = ports::FileInfo::Kind;

class Walk {
 public:
  Walk(ports::Files& files, const Serialization& serialization, std::string root, std::string real_root)
      : files_(files),
        serialization_(serialization),
        root_(std::move(root)),
        real_root_(std::move(real_root)) {}

  Result<> descend(const std::string& directory, std::size_t depth, FoundFiles& found) {
    if (depth > max_model_depth)
      return fail_hint(ErrorKind::invalid, "name the directory of the model itself",
                       "'{}' is deeper than {} directories", printable(directory), max_model_depth);
    for (const std::string& entry :
         TRY(files_.list(directory.empty() ? root_ : join_path(root_, directory)))) {
      const std::string name = directory.empty() ? entry : directory + "/" + entry;
      if (is_ignored(name, serialization_.ignore_paths)) continue;
      if (++entries_ > max_model_files)
        return fail_hint(ErrorKind::invalid, "name the directory of the model itself",
                         "more than {} files and directories lie in '{}'", max_model_files, printable(root_));
      if (!is_valid_utf8(name))
        return fail_hint(ErrorKind::invalid, "rename the file", "the name '{}' is not UTF-8",
                         printable(name));
      TRY(visit(name, depth, found));
    }
    return {};
  }

 private:
  Result<> visit(const std::string& name, std::size_t depth, FoundFiles& found) {
    const std::string path = join_path(root_, name);
    const auto info = TRY(files_.info(path));
    if (!info) return {};
    switch (info->kind) {
      case Kind::directory:
        return descend(name, depth + 1, found);
      case Kind::file:
        found.files.push_back({name, path});
        return {};
      case Kind::symlink:
        return follow(name, path, found);
      case Kind::other:
        break;
    }
    found.problems.push_back({"special-file", name, "neither a file nor a directory"});
    return {};
  }

  Result<> follow(const std::string& name, const std::string& path, FoundFiles& found) {
    const auto real = files_.real_path(path);
    if (real && !is_within(real_root_, *real)) {
      found.problems.push_back({"link-leaves-model", name, "a symbolic link that leaves the model"});
      return {};
    }
    if (!serialization_.allow_symlinks || !real) {
      found.problems.push_back({"symlink", name, real ? "a symbolic link" : "a symbolic link to nothing"});
      return {};
    }
    const auto target = TRY(files_.info(*real));
    if (target && target->kind == Kind::file)
      found.files.push_back({name, *real});
    else
      found.problems.push_back({"symlink", name, "a symbolic link to something that is no file"});
    return {};
  }

  ports::Files& files_;
  const Serialization& serialization_;
  std::string root_, real_root_;
  std::size_t entries_ = 0;
};

class Hasher {
 public:
  explicit Hasher(ModelHash hash) {
    if (hash == ModelHash::blake2b) blake2b_.emplace();
  }
  void update(std::string_view bytes) {
    if (blake2b_)
      blake2b_->update(bytes);
    else
      sha256_.update(bytes);
  }
  // Hex; begins anew.
  std::string finish() {
    if (!blake2b_) return crypto::to_hex(sha256_.finish());
    std::string digest = to_hex(blake2b_->finish());
    blake2b_.emplace();
    return digest;
  }

 private:
  crypto::Sha256 sha256_;
  std::optional<crypto::Blake2b> blake2b_;
};

Result<DigestedFiles> digest_one(ports::Files& files, const ModelFile& file,
                                 const Serialization& serialization, std::string& buffer) {
  const auto reader = TRY(files.open(file.path));
  const std::uint64_t shard = serialization.shard_size;
  Hasher hasher(serialization.hash);
  DigestedFiles digested;
  std::vector<ModelResource>& made = digested.resources;
  std::uint64_t start = 0, at = 0;
  const auto close_shard = [&] {
    made.push_back({shard == 0 ? file.name : fmt::format("{}:{}:{}", file.name, start, at), hasher.finish()});
    start = at;
  };
  while (true) {
    const std::size_t got = TRY(reader->read(buffer.data(), buffer.size()));
    if (got == 0) break;
    std::string_view piece = std::string_view(buffer).substr(0, got);
    while (!piece.empty()) {
      const std::uint64_t room = shard == 0 ? piece.size() : shard - (at - start);
      const std::string_view part =
          piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(room, piece.size())));
      hasher.update(part);
      at += part.size();
      piece.remove_prefix(part.size());
      if (shard != 0 && at - start == shard) close_shard();
    }
    if (shard != 0 && made.size() > max_model_files)
      return fail_hint(ErrorKind::invalid, "sign with larger shards", "'{}' has more than {} shards",
                       printable(file.name), max_model_files);
  }
  // An empty file is one resource; a file that ends with a shard has none of nothing.
  if (at > start || at == 0) close_shard();
  digested.size = at;
  return digested;
}

}  // namespace

bool path_before(std::string_view a, std::string_view b) {
  // A part ends before any byte that could continue it: '/' sorts first.
  return std::ranges::lexicographical_compare(
      a, b, {}, [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; },
      [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; });
}

bool is_ignored(std::string_view name, const std::vector<std::string>& ignored) {
  return std::ranges::any_of(ignored, [&](const std::string& path) {
    return name.starts_with(path) && (name.size() == path.size() || name[path.size()] == '/');
  });
}

bool is_model_path(std::string_view name) {
  if (name.empty() || name.size() > 4096 || name.find('\0') != std::string_view::npos) return false;
  return std::ranges::all_of(
      split(name, '/'), [](std::string_view part) { return !part.empty() && part != "." && part != ".."; });
}

Result<FoundFiles> find_model_files(ports::Files& files, const std::string& path,
                                    const Serialization& serialization) {
  const auto given = TRY(files.info(path));
  if (!given)
    return fail_hint(ErrorKind::failed, "check the path", "there is no model at '{}'", printable(path));
  const std::string real = TRY(files.real_path(path));
  const auto info = TRY(files.info(real));
  FoundFiles found;
  found.model_name = base_name(real);
  if (info && info->kind == Kind::file) {
    if (given->kind == Kind::symlink && !serialization.allow_symlinks)
      return fail_hint(ErrorKind::invalid, "name what it points to", "'{}' is a symbolic link",
                       printable(path));
    found.files.push_back({".", real});
    return found;
  }
  if (!info || info->kind != Kind::directory)
    return fail_hint(ErrorKind::invalid, "name a directory or a file", "'{}' is neither", printable(path));
  TRY(Walk(files, serialization, path, real).descend("", 0, found));
  std::ranges::sort(found.files, path_before, &ModelFile::name);
  if (found.files.empty() && found.problems.empty())
    return fail_hint(ErrorKind::invalid, "name the directory that holds the model",
                     "there is no file in '{}'", printable(path));
  return found;
}

Result<DigestedFiles> digest_model_files(ports::Files& files, const std::vector<ModelFile>& found,
                                         const Serialization& serialization) {
  std::vector<DigestedFiles> parts(found.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::optional<Error> error;
  std::size_t error_at = found.size();
  const auto work = [&] {
    std::string buffer(piece_bytes, '\0');
    for (std::size_t i = next++; i < found.size() && !failed; i = next++) {
      auto made = digest_one(files, found[i], serialization, buffer);
      if (made) {
        parts[i] = std::move(*made);
        continue;
      }
      failed = true;
      const std::lock_guard guard(mutex);
      if (i >= error_at) continue;
      error_at = i;
      error = std::move(made.error()).during("hashing " + printable(found[i].name));
    }
  };
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> pool;
    for (std::size_t i = 1; i < std::min<std::size_t>({cores, found.size(), max_threads}); ++i)
      pool.emplace_back(work);
    work();
  }
  if (error) return fail(std::move(*error));
  DigestedFiles all;
  for (auto& [resources, size] : parts) {
    all.size += size;
    all.resources.insert(all.resources.end(), std::make_move_iterator(resources.begin()),
                         std::make_move_iterator(resources.end()));
  }
  return all;
}

}  // namespace tranche::attest::detail
