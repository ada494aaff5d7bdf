#include "store/git_stale_lock.hpp"

#include <chrono>
#include <thread>

#include "base/text.hpp"

namespace tranche::store {
namespace {

constexpr auto pause = std::chrono::milliseconds(20);

bool same(const std::optional<ports::FileInfo>& a, const std::optional<ports::FileInfo>& b) {
  return a && b && a->kind == b->kind && a->size == b->size && a->modified == b->modified;
}

}  // namespace

Result<> clear_stale_lock(ports::Files& files, git_repository* repository, const std::string& ref,
                          Duration patience) {
  const std::string path = git2().repository_commondir(repository) + ref + ".lock";
  const auto first = TRY(files.info(path));
  if (!first) return {};
  if (first->kind != ports::FileInfo::Kind::file)
    return fail_hint(ErrorKind::failed, "move it away: git has locks that are files", "'{}' is no file",
                     printable(path));
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(pause);
    if (!same(first, TRY(files.info(path)))) return {};
  }
  if (same(first, TRY(files.info(path)))) TRY(files.remove(path));
  return {};
}

}  // namespace tranche::store
