// Pull requests on GitHub through which a gitops target changes a branch that nobody pushes to.
//
// What one was made for stands in its text (the trailers of git_actions.hpp), and its branch is named after
// the effect's key: after a crash it is found again, and none is opened twice. Only one whose branch lies in
// the repository itself counts, for anybody may write such a text into one of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/github.hpp"
#include "actions/target.hpp"

namespace tranche::actions {

struct PullRequest {
  std::int64_t number = 0;
  std::string url;
  std::string branch;
  std::string key, rollout;  // that it was made for; or empty
  bool open = false, merged = false;
  std::string merge_commit;  // merged: 40 hex digits
};

class PullRequests {
 public:
  // `target` says repository, api, token, branch. Reads the token.
  static Result<std::unique_ptr<PullRequests>> open(Deck& deck, const spec::Target& target, const Move& move);
  PullRequests(const PullRequests&) = delete;
  PullRequests& operator=(const PullRequests&) = delete;
  // The branch of a key: "tranche/notes-1f0c6a7e9b3d5a20".
  static std::string branch_of(const Move& move);

  // The newest from a branch.
  Result<std::optional<PullRequest>> find(const std::string& branch);
  // Opens one unless there is one.
  Result<PullRequest> make(const std::string& branch, const std::string& title, const std::string& text);
  // Those of a rollout, newest first.
  Result<std::vector<PullRequest>> of_rollout(const std::string& rollout_id);
  Result<> close(const PullRequest& pull);
  [[nodiscard]] const std::string& repository() const { return place_.repository; }

 private:
  PullRequests(Deck& deck, const Move& move)
      : deck_(deck), call_{move.plan, step_, move.rollout_id, move.key, move.cause} {}
  Result<web::Service> connect();
  Result<std::vector<PullRequest>> list(const std::string& filter, int most_pages);
  [[nodiscard]] std::optional<PullRequest> read(const doc::Value& value) const;

  Deck& deck_;
  spec::Step step_;
  Call call_;  // services are of a call
  github::Place place_;
  std::string base_;
};

}  // namespace tranche::actions
