// Where the tip of a state branch lives, and how it moves: in a repository of this machine, or on a server.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ports/ports.hpp"
#include "store/git2.hpp"
#include "store/store.hpp"

namespace tranche::store {

enum class Advance { done, moved };  // moved: the tip was not the expected one; nothing changed

class GitBranch {
 public:
  virtual ~GitBranch() = default;
  // Holds other tranche processes of this machine off the repository.
  virtual Result<std::unique_ptr<ports::FileLock>> lock() = 0;
  // nullopt: there is no such branch yet. The objects of the tip are in repository() afterwards.
  virtual Result<std::optional<git_oid>> read_tip() = 0;
  // Makes `next` (in repository()) the tip if the tip still is `expected`.
  virtual Result<Advance> advance(const std::optional<git_oid>& expected, const git_oid& next) = 0;
  // Another ref of the same repository ("refs/tags/v1", with "^{}" behind it the commit behind the tag):
  // what it points to, which need not be in repository(); and making it, never over one that is there
  // (moved).
  virtual Result<std::optional<git_oid>> read_ref(const std::string& ref) = 0;
  virtual Result<Advance> make_ref(const std::string& ref, const git_oid& next) = 0;
  // Reading the tip costs a round trip, so it is read once and kept.
  [[nodiscard]] virtual bool is_remote() const = 0;
  virtual git_repository* repository() = 0;
  // What was read turned out to be broken: throws the copy of a remote away, so that it is fetched anew.
  // False: repository() is no copy. Under the lock, and with nothing of repository() held.
  virtual Result<bool> discard_copy() { return false; }
};

// Objects that a killed process began to write into the repository. No write takes a day, by the file
// system's own times.
void remove_leftover_objects(ports::Files& files, git_repository* repository);

struct OpenedBranch {
  std::unique_ptr<GitBranch> branch;
  std::string name;  // "git:origin#main", for messages
};
// By GitOptions::remote. kind invalid: no name for a branch, an address that is not supported.
Result<OpenedBranch> open_branch(ports::World& world, const GitOptions& options);
// `ref` is the whole name, `shown` the part that a person wrote, `what` it is: "branch", "tag".
Result<> check_ref_name(const std::string& ref, const std::string& shown, std::string_view what);

// `repository` itself; with `as_remote` it is somebody's remote that happens to be on this disk.
Result<std::unique_ptr<GitBranch>> open_local_branch(ports::World& world, const std::string& repository,
                                                     const GitOptions& options, bool as_remote);
// `url` is http or https and holds no credentials.
Result<std::unique_ptr<GitBranch>> open_remote_branch(ports::World& world, const std::string& url,
                                                      const GitOptions& options);

}  // namespace tranche::store
