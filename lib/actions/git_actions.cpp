#include "actions/git_actions.hpp"

#include "actions/stores.hpp"
#include "base/text.hpp"
#include "signing/keys.hpp"

namespace tranche::actions {
namespace {

std::string one_line(std::string_view text) { return printable(trim(text), 500); }

}  // namespace

Result<std::unique_ptr<store::GitWork>> open_git_place(Deck& deck, const GitPlace& place, Duration timeout) {
  ports::World& world = deck.world();
  store::GitOptions options;
  options.repository = deck.repository();
  options.remote = place.remote;
  options.branch = place.branch;
  if (place.remote.empty())
    return fail_hint(ErrorKind::invalid, "write remote: URL, or the name of a remote of this checkout",
                     "no repository is named");
  if (!place.token.empty()) options.token = TRY(signing::read_secret(world, deck.repository(), place.token));
  options.cache_directory = TRY(cache_directory(world)) + "/git";
  options.timeout = timeout;
  return store::open_git_work(world, std::move(options));
}

std::string git_message(const std::string& subject, const std::string& reason, const std::string& rollout_id,
                        const std::string& key, const std::string& reverts) {
  std::string out = one_line(subject) + "\n\n";
  if (!trim(reason).empty()) out += one_line(reason) + "\n\n";
  out += fmt::format("{}: {}\n{}: {}\n", rollout_trailer, one_line(rollout_id), key_trailer, one_line(key));
  if (!reverts.empty()) out += fmt::format("{}: {}\n", reverts_trailer, reverts);
  return out;
}

Result<std::optional<store::WorkCommit>> find_by_key(store::GitWork& work, const std::string& key) {
  const std::string wanted = one_line(key);
  auto found = TRY(work.find([&](const store::WorkCommit& one) { return one.trailer(key_trailer) == wanted; },
                             most_commits_searched));
  return std::move(found.commit);
}

Result<std::string> revert_by_key(store::GitWork& work, const std::string& key, const std::string& undo_key,
                                  const std::string& rollout_id, const std::string& reason) {
  if (const auto done = TRY(find_by_key(work, undo_key))) return done->id;
  const auto made = TRY(find_by_key(work, key));
  if (!made) return std::string();
  const std::string subject = "revert " + made->id.substr(0, 12);
  const std::string id =
      TRY(work.revert({made->id}, git_message(subject, reason, rollout_id, undo_key, made->id)));
  return id.empty() ? made->id : id;
}

Result<GitPlace> git_place_of(const Call& call) {
  GitPlace place;
  place.remote = fill_variables(TRY(call.step.with.text("remote")), call);
  place.branch = fill_variables(TRY(call.step.with.text_or("branch", "main")), call);
  place.token = TRY(call.step.with.text_or("token", ""));
  return place;
}

Result<std::vector<Need>> git_needs(Deck&, const Call& call) {
  const GitPlace place = TRY(git_place_of(call));
  std::vector<Need> out;
  if (!place.token.empty()) out.push_back({Need::Kind::secret, place.token});
  if (place.remote.starts_with("http")) out.push_back({Need::Kind::url, place.remote});
  return out;
}

}  // namespace tranche::actions
