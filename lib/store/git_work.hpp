// Commits on a branch that people own: changes of files, a revert, a tag, a branch for a pull request.
//
// Nothing is checked out and nothing is forced. A commit is built on the tip that was read and pushed on the
// condition that the tip is still that one; when somebody was faster it is built again on the newest. What a
// commit was made for stands in its message (trailers), so that after a crash the branch itself says whether
// it is done.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "store/store.hpp"

namespace tranche::store {

struct WorkFile {
  std::string path;  // segments joined by '/', none of them "..", ".git"
  std::string bytes;
};
struct WorkCommit {
  std::string id;       // 40 hex digits
  std::string message;  // whole
  // "Tranche-Key: x" of the message's last paragraph gives "x"; empty when there is none.
  [[nodiscard]] std::string trailer(std::string_view name) const;
};

class GitWork {
 public:
  virtual ~GitWork() = default;
  // The content of a file at the tip that a commit is built on; nullopt: no such file. At most 8 MiB.
  using Read = std::function<Result<std::optional<std::string>>(const std::string& path)>;
  // What the files become. May be called several times; leaves nothing behind itself.
  using Edit = std::function<Result<std::vector<WorkFile>>(const Read& read)>;

  // Commits and pushes. The commit's id; empty when the files are like that already. kind invalid: the branch
  // is not there. kind failed: others pushed five times in a row.
  virtual Result<std::string> commit(const std::string& message, const Edit& edit) = 0;
  // The same on a new branch that begins at the tip. Where that branch is already: its tip, nothing is made.
  virtual Result<std::string> commit_to_new_branch(const std::string& branch, const std::string& message,
                                                   const Edit& edit) = 0;
  // One commit that takes others back, newest first (of a merge: against its first parent). kind denied, with
  // the files in the hint: they changed since in the same places.
  virtual Result<std::string> revert(const std::vector<std::string>& ids, const std::string& message) = 0;
  // The same on a new branch, as commit_to_new_branch.
  virtual Result<std::string> revert_to_new_branch(const std::string& branch,
                                                   const std::vector<std::string>& ids,
                                                   const std::string& message) = 0;
  // An annotated tag at the tip. The commit that it marks; where this very tag (name and message) is there
  // already, the commit that it marked then. kind denied: the name is taken by another tag.
  virtual Result<std::string> tag(const std::string& name, const std::string& message) = 0;
  // As above, without making it; nullopt: there is no tag of that name.
  virtual Result<std::optional<std::string>> tagged(const std::string& name, const std::string& message) = 0;

  // Newest first, over all parents, at most `most` commits. `whole`: there are no more.
  struct Found {
    std::optional<WorkCommit> commit;
    bool whole = false;
  };
  virtual Result<Found> find(const std::function<bool(const WorkCommit&)>& wanted, int most) = 0;
  virtual Result<std::optional<std::string>> tip() = 0;  // commit id
  virtual Result<std::optional<std::string>> read(const std::string& path) = 0;
  [[nodiscard]] virtual std::string describe() const = 0;  // "git:origin#main"
};

// As open_git. Hooks of a remote that is reached by a path would not be run: such a one is refused.
Result<std::unique_ptr<GitWork>> open_git_work(ports::World& world, GitOptions options);

}  // namespace tranche::store
