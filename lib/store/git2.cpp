#include "store/git2.hpp"

#include <mutex>

#include "base/text.hpp"
#include "ports/first_use.hpp"
#include "store/git_stream.hpp"

namespace tranche::store {
namespace {

Git2 table;
bool opened = false;

Result<> open_git2() {
  static ports::Library library("libgit2.so.1.5", "libgit2-1.5");
  Git2 found;
#define X(name) TRY(library.load(found.name, "git_" #name));
  TRANCHE_GIT2_FUNCTIONS(X)
#undef X
  table = found;
  if (table.libgit2_init() < 0) return fail(ErrorKind::failed, "libgit2 cannot start");
  // Objects and refs of a repository that holds state must survive a power cut.
  table.libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
  return register_git_stream();
}

}  // namespace

Result<const Git2*> load_git2() {
  static std::mutex mutex;
  const std::lock_guard guard(mutex);
  if (!opened) {
    TRY(open_git2());
    opened = true;
  }
  return &table;
}

const Git2& git2() { return table; }

std::string last_git_words() {
  const git_error* error = table.error_last();
  if (error == nullptr || error->message == nullptr) return "libgit2 gives no reason";
  return printable(error->message);
}

bool is_about_objects() {
  const git_error* error = table.error_last();
  return error != nullptr && (error->klass == GIT_ERROR_ODB || error->klass == GIT_ERROR_ZLIB ||
                              error->klass == GIT_ERROR_SHA || error->klass == GIT_ERROR_OBJECT);
}

Error git_error_of(std::string_view what) {
  const git_error* error = table.error_last();
  std::string hint = "run again; if it stays, check the disk and the repository: git fsck";
  if (error != nullptr && error->klass == GIT_ERROR_OS)
    hint = "check the disk, and the owner and mode of the repository";
  if (error != nullptr && error->klass == GIT_ERROR_CONFIG)
    hint = "mend the git configuration; git config --list shows it";
  ErrorKind kind = ErrorKind::failed;
  if (is_about_objects()) {
    kind = ErrorKind::verification;
    hint =
        "an object is missing or broken: git fsck tells which, and a clone may have it; where it is "
        "tranche's "
        "own cache, remove that directory and run again";
  }
  return {kind, fmt::format("cannot {}: {}", what, last_git_words()), std::move(hint)};
}

}  // namespace tranche::store
