// A state branch in a repository of this machine. Objects are written into it, and its ref moves by
// compare-and-swap under git's own ref lock, so that a `git push` from elsewhere loses or wins like we do.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "store/git_branch.hpp"
#include "store/git_loose.hpp"
#include "store/git_stale_lock.hpp"

namespace tranche::store {
namespace {

// Far longer than a git holds the lock of a ref, and short enough for a person who stops a rollout.
constexpr auto lock_patience = std::chrono::milliseconds(500);
constexpr std::string_view peeled = "^{}";  // as servers list the commit behind a tag

class LocalBranch final : public GitBranch {
 public:
  LocalBranch(ports::Files& files, Owned<git_repository> repository, const GitOptions& options)
      : files_(files),
        repository_(std::move(repository)),
        ref_("refs/heads/" + options.branch),
        lock_path_(git2().repository_commondir(repository_.get()) + std::string("tranche.lock")),
        timeout_(options.timeout) {}

  Result<std::unique_ptr<ports::FileLock>> lock() override { return files_.lock(lock_path_, timeout_); }

  Result<std::optional<git_oid>> read_tip() override { return read_ref(ref_); }

  Result<std::optional<git_oid>> read_ref(const std::string& ref) override {
    if (ref.ends_with(peeled)) return read_peeled(ref.substr(0, ref.size() - peeled.size()));
    git_oid tip{};
    const int code = git2().reference_name_to_id(&tip, repository_.get(), ref.c_str());
    if (code == GIT_ENOTFOUND) return std::optional<git_oid>();
    if (code < 0) return fail(damaged_ref(ref));
    return std::optional(tip);
  }

  Result<Advance> advance(const std::optional<git_oid>& expected, const git_oid& next) override {
    return move(ref_, expected, next);
  }

  Result<Advance> make_ref(const std::string& ref, const git_oid& next) override {
    return move(ref, std::nullopt, next);
  }

  [[nodiscard]] bool is_remote() const override { return false; }
  git_repository* repository() override { return repository_.get(); }

 private:
  Result<std::optional<git_oid>> read_peeled(const std::string& ref) {
    git_reference* raw = nullptr;
    if (git2().reference_lookup(&raw, repository_.get(), ref.c_str()) < 0) return std::optional<git_oid>();
    const Owned<git_reference> found(raw);
    const auto object = TRY(owned<git_object>("read " + ref, [&](git_object** out) {
      return git2().reference_peel(out, found.get(), GIT_OBJECT_COMMIT);
    }));
    return std::optional(*git2().object_id(object.get()));
  }

  // What the branch held, a clone or the reflog may know; an older state than one seen is noticed.
  static Error damaged_ref(const std::string& ref) {
    Error error = git_error_of("read " + ref);
    if (const git_error* said = git2().error_last(); said == nullptr || said->klass != GIT_ERROR_REFERENCE)
      return error;
    error.kind = ErrorKind::verification;
    return std::move(error).with_hint(
        "the ref is damaged: git fsck and git reflog tell which commit it held, and git update-ref puts it "
        "back");
  }

  // libgit2 flushes an object and the directory it lies in, but not the name of that directory when it is
  // new.
  Result<> flush_objects() {
    const std::string path = git2().repository_commondir(repository_.get()) + std::string("objects");
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool flushed = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    const std::string why = std::generic_category().message(errno);
    if (fd >= 0) close(fd);
    if (flushed) return {};
    return fail_hint(ErrorKind::failed, "check the disk, and the owner and mode of the repository",
                     "cannot flush '{}': {}", printable(path), why);
  }

  Result<Advance> move(const std::string& ref, const std::optional<git_oid>& expected, const git_oid& next) {
    TRY(flush_objects());
    remove_leftover_objects(files_, repository_.get());
    int code = swap(ref, expected, next);
    if (code == GIT_ELOCKED) {
      TRY(clear_stale_lock(files_, repository_.get(), ref, lock_patience));
      code = swap(ref, expected, next);
    }
    // ELOCKED: another git is writing this ref right now.
    if (code == GIT_EMODIFIED || code == GIT_EEXISTS || code == GIT_ELOCKED || code == GIT_ENOTFOUND)
      return Advance::moved;
    if (code < 0) return fail(git_error_of("update " + ref));
    return Advance::done;
  }

  int swap(const std::string& ref, const std::optional<git_oid>& expected, const git_oid& next) {
    const git_oid absent{};
    git_reference* made = nullptr;
    const int code = git2().reference_create_matching(&made, repository_.get(), ref.c_str(), &next, 1,
                                                      expected ? &*expected : &absent, "tranche");
    const Owned<git_reference> owner(made);
    return code;
  }

  ports::Files& files_;
  Owned<git_repository> repository_;
  std::string ref_;
  std::string lock_path_;
  Duration timeout_;
};

// libgit2 runs no hooks. A remote whose hooks guard pushes must not be written around them.
Result<> refuse_guarded(ports::Files& files, git_repository* repository, const std::string& path) {
  const std::string hooks = git2().repository_commondir(repository) + std::string("hooks/");
  for (const char* hook : {"pre-receive", "update", "proc-receive", "reference-transaction"}) {
    const auto info = TRY(files.info(hooks + hook));
    if (info && (info->kind != ports::FileInfo::Kind::file || (info->mode & 0111) != 0))
      return fail_hint(ErrorKind::invalid, "reach it by https, where its hooks are run",
                       "the remote '{}' has the hook '{}', which a push by path would go around",
                       printable(path), hook);
  }
  return {};
}

Result<> refuse_checked_out(git_repository* repository, const GitOptions& options) {
  if (git2().repository_is_bare(repository) == 1) return {};
  const auto head = TRY(owned<git_reference>(
      "read HEAD", [&](git_reference** out) { return git2().reference_lookup(out, repository, "HEAD"); }));
  const char* target = git2().reference_symbolic_target(head.get());
  if (target != nullptr && target == "refs/heads/" + options.branch)
    return fail_hint(ErrorKind::invalid, "use a branch that nobody works on, like tranche-state",
                     "the branch '{}' is checked out and cannot hold state", options.branch);
  return {};
}

}  // namespace

void remove_leftover_objects(ports::Files& files, git_repository* repository) {
  const std::string directory = git2().repository_commondir(repository) + std::string("objects/");
  const auto names = files.list(directory);
  if (!names) return;
  std::vector<std::pair<std::string, Instant>> left;
  Instant newest{};
  for (const std::string& name : *names) {
    const auto info = files.info(directory + name);
    if (!info || !*info) continue;
    newest = std::max(newest, (*info)->modified);
    if (name.starts_with("tmp_object") && (*info)->kind == ports::FileInfo::Kind::file)
      left.emplace_back(directory + name, (*info)->modified);
  }
  for (const auto& [path, modified] : left)
    if (modified < newest - std::chrono::days(1)) static_cast<void>(files.remove(path));
}

Result<std::unique_ptr<GitBranch>> open_local_branch(ports::World& world, const std::string& repository,
                                                     const GitOptions& options, bool as_remote) {
  git_repository* raw = nullptr;
  // A checkout is found from any folder in it; a remote is exactly where its address says.
  const unsigned flags = as_remote ? unsigned{GIT_REPOSITORY_OPEN_NO_SEARCH} : 0U;
  const int code = git2().repository_open_ext(&raw, repository.c_str(), flags, nullptr);
  Owned<git_repository> opened(raw);
  if (code == GIT_ENOTFOUND)
    return fail_hint(ErrorKind::failed, as_remote ? "check the remote's address" : "run it in a git checkout",
                     "there is no git repository at '{}'", printable(repository));
  if (code == GIT_EOWNER)
    return fail_hint(ErrorKind::denied, "git config --global --add safe.directory PATH, if you trust it",
                     "the git repository at '{}' belongs to another user", printable(repository));
  if (code < 0) return fail(git_error_of("open the git repository '" + printable(repository) + "'"));
  if (as_remote) TRY(refuse_guarded(world.files, opened.get(), repository));
  TRY(refuse_checked_out(opened.get(), options));
  TRY(read_loose_safely(opened.get()));
  return std::unique_ptr<GitBranch>(std::make_unique<LocalBranch>(world.files, std::move(opened), options));
}

}  // namespace tranche::store
