// What git.commit, git.tag and git.revert share: the branch they work on, and messages that say what a commit
// was made for, so that the branch can be asked after a crash.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actions/action.hpp"
#include "store/git_work.hpp"

namespace tranche::actions {

inline constexpr int most_commits_searched = 1000;  // newest first; a playbook's try is among them, or old
inline constexpr const char* rollout_trailer = "Tranche-Rollout";
inline constexpr const char* key_trailer = "Tranche-Key";
inline constexpr const char* reverts_trailer = "Tranche-Reverts";

struct GitPlace {
  std::string remote, branch, token;  // token: secret reference, or empty
};
// A directory of our own in the cache holds the objects. `timeout`: of each conversation.
Result<std::unique_ptr<store::GitWork>> open_git_place(Deck& deck, const GitPlace& place, Duration timeout);

// Subject, reason, trailers. `reverts`: the commit that is taken back, or empty.
std::string git_message(const std::string& subject, const std::string& reason, const std::string& rollout_id,
                        const std::string& key, const std::string& reverts = {});
// The commit that was made under a key; nullopt: none among those searched.
Result<std::optional<store::WorkCommit>> find_by_key(store::GitWork& work, const std::string& key);

// Takes back what was committed under `key`, once. Empty: nothing was committed under it.
Result<std::string> revert_by_key(store::GitWork& work, const std::string& key, const std::string& undo_key,
                                  const std::string& rollout_id, const std::string& reason);

// Of a step's `with`.
Result<GitPlace> git_place_of(const Call& call);
Result<std::vector<Need>> git_needs(Deck& deck, const Call& call);

}  // namespace tranche::actions
