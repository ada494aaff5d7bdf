// gitops: values in files that a controller watches, one commit a stage. Taking back is one commit that
// reverts all of this rollout's, and is refused where somebody changed the same places since.
//
// With pull-request: each commit goes to a branch of its own, and counts when somebody has merged it; a
// rollout that is taken back closes what is open of its own, and proposes the revert in the same way.
#include <algorithm>

#include "actions/edit_file.hpp"
#include "actions/git_actions.hpp"
#include "actions/pull_requests.hpp"
#include "actions/target.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

constexpr Duration until_next_look = std::chrono::seconds(30);

class GitopsTarget final : public Target {
 public:
  GitopsTarget(Deck& deck, const spec::Target& target) : deck_(deck), target_(target) {}

  Result<std::vector<Need>> needs() override {
    std::vector<Need> out;
    if (!target_.token.empty()) out.push_back({Need::Kind::secret, target_.token});
    if (by_pulls()) out.push_back({Need::Kind::url, target_.api});
    if (target_.remote.starts_with("http")) out.push_back({Need::Kind::url, target_.remote});
    return out;
  }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("branch '{}' of {}", printable(target_.branch, 64), printable(target_.remote));
  }

  // Every file and key is there: a release that could be exposed and not be taken back would be the worse.
  Result<> check(const Move& move) override {
    const auto work = TRY(open(move));
    TRY(edit_files(edits_of(move, "0"), [&](const std::string& path) { return work->read(path); }));
    if (by_pulls()) TRY(TRY(PullRequests::open(deck_, target_, move))->find(PullRequests::branch_of(move)));
    return {};
  }

  Result<Outcome> expose(const Move& move) override {
    const std::string percent = percent_text(move.plan, move.stage);
    return commit(move, percent, fmt::format("{} {} at {}%", move.plan.app, move.plan.release, percent));
  }

  Result<Outcome> finish(const Move& move) override {
    Move last = move;
    last.stage = move.plan.stages.size() - 1;
    return commit(last, "100", fmt::format("{} {} for everyone", move.plan.app, move.plan.release));
  }

  Result<Outcome> undo(const Move& move) override {
    const auto work = TRY(open(move));
    if (const auto made = TRY(find_by_key(*work, move.key)))
      return Outcome{fmt::format("{} has commit {} already", work->describe(), made->id.substr(0, 12))};
    const std::vector<std::string> ids = TRY(made_by(move, *work));
    if (ids.empty()) return Outcome{fmt::format("this rollout made no commit on {}", work->describe())};
    const std::string subject =
        fmt::format("{}: back to {} from {}", move.plan.app,
                    move.plan.baseline.empty() ? "before" : move.plan.baseline, move.plan.release);
    const std::string message =
        git_message(subject, move.cause.reason, move.rollout_id, move.key, ids.front());
    if (by_pulls())
      return propose(move, *work, subject, message, [&](const std::string& branch) {
        return work->revert_to_new_branch(branch, ids, message);
      });
    const std::string id = TRY(work->revert(ids, message));
    if (id.empty())
      return Outcome{fmt::format("the files of {} say what they said before already", work->describe())};
    return Outcome{
        fmt::format("commit {} on {} takes {} back", id.substr(0, 12), work->describe(), move.plan.release),
        doc::Value::object({{"commit", id}})};
  }

 private:
  [[nodiscard]] bool by_pulls() const { return !target_.repository.empty(); }

  // Commits of the branch that this rollout made and that were not reverted, newest first. What of it was not
  // merged yet is closed.
  Result<std::vector<std::string>> made_by(const Move& move, store::GitWork& work) {
    std::vector<std::string> ids, keys, reverted;
    const auto walked = TRY(work.find(
        [&](const store::WorkCommit& one) {
          if (one.trailer(rollout_trailer) != move.rollout_id) return false;
          const std::string reverts = one.trailer(reverts_trailer);
          if (!reverts.empty()) {
            reverted.push_back(reverts);
          } else if (std::ranges::find(reverted, one.id) == reverted.end()) {
            ids.push_back(one.id);
            keys.push_back(one.trailer(key_trailer));
          }
          return false;
        },
        most_commits_searched));
    if (by_pulls()) {
      const auto pulls = TRY(PullRequests::open(deck_, target_, move));
      std::vector<std::string> renamed;  // merged under a message of its own, without our trailers
      for (const PullRequest& pull : TRY(pulls->of_rollout(move.rollout_id))) {
        if (pull.key == move.key) continue;
        if (pull.open) TRY(pulls->close(pull));
        if (pull.merged && std::ranges::find(keys, pull.key) == keys.end())
          renamed.push_back(pull.merge_commit);
      }
      ids.insert(ids.begin(), renamed.begin(), renamed.end());
    }
    if (ids.empty() && !walked.whole)
      return fail_hint(ErrorKind::denied, "set the old values by hand",
                       "none of the last {} commits of {} was made by this rollout", most_commits_searched,
                       work.describe());
    return ids;
  }

  // `make` puts the commit on the branch; empty: nothing changes by it.
  template <class Make>
  Result<Outcome> propose(const Move& move, store::GitWork& work, const std::string& subject,
                          const std::string& message, Make make) {
    const auto pulls = TRY(PullRequests::open(deck_, target_, move));
    const std::string branch = PullRequests::branch_of(move);
    auto pull = TRY(pulls->find(branch));
    if (!pull) {
      const std::string id = TRY(make(branch));
      if (id.empty()) return Outcome{fmt::format("the files of {} say so already", work.describe())};
      pull = TRY(pulls->make(branch, subject, message));
    }
    const std::string name = fmt::format("pull request #{} of {}", pull->number, pulls->repository());
    const doc::Value facts = doc::Value::object({{"pull-request", pull->number}, {"url", pull->url}});
    if (pull->merged) return Outcome{name + " is merged", facts};
    if (!pull->open)
      return fail_hint(ErrorKind::gate_failed, "reopen and merge it, or take the release back",
                       "{} was closed without being merged: {}", name, pull->url);
    Outcome out{fmt::format("waits for {} to be merged: {}", name, pull->url), facts};
    out.not_before = deck_.world().clock.now() + until_next_look;
    return out;
  }

  Result<std::unique_ptr<store::GitWork>> open(const Move& move) {
    return open_git_place(deck_, {target_.remote, target_.branch, target_.token}, move.timeout);
  }

  [[nodiscard]] std::vector<FileEdit> edits_of(const Move& move, const std::string& percent) const {
    std::vector<FileEdit> edits;
    for (const spec::Target::Edit& edit : target_.edits)
      edits.push_back({edit.file, edit.key, fill_move(edit.value, move, percent)});
    return edits;
  }

  Result<Outcome> commit(const Move& move, const std::string& percent, const std::string& subject) {
    const auto work = TRY(open(move));
    if (const auto made = TRY(find_by_key(*work, move.key)))
      return Outcome{fmt::format("{} has commit {} already", work->describe(), made->id.substr(0, 12)),
                     doc::Value::object({{"commit", made->id}})};
    const std::vector<FileEdit> edits = edits_of(move, percent);
    const std::string message = git_message(subject, move.cause.reason, move.rollout_id, move.key);
    const auto edit = [&](const store::GitWork::Read& read) { return edit_files(edits, read); };
    if (by_pulls())
      return propose(move, *work, subject, message, [&](const std::string& branch) {
        return work->commit_to_new_branch(branch, message, edit);
      });
    const std::string id = TRY(work->commit(message, edit));
    if (id.empty()) return Outcome{fmt::format("the files of {} say so already", work->describe())};
    return Outcome{fmt::format("commit {} on {}", id.substr(0, 12), work->describe()),
                   doc::Value::object({{"commit", id}})};
  }

  Deck& deck_;
  spec::Target target_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_gitops_target(Deck& deck, const spec::Target& target) {
  for (const spec::Target::Edit& edit : target.edits)
    if (edit.value.find("{digest}") != std::string::npos)
      return fail_hint(ErrorKind::invalid, "write {version}",
                       "releases know no image digest that {{digest}} could be");
  return std::unique_ptr<Target>(std::make_unique<GitopsTarget>(deck, target));
}

}  // namespace tranche::actions
