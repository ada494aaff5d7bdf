#include "actions/pull_requests.hpp"

#include <algorithm>

#include "actions/git_actions.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::actions {
namespace {

constexpr std::string_view branch_prefix = "tranche/";
constexpr int most_listed_pages = 10;  // newest first; a rollout's are among them

bool is_commit_id(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string PullRequests::branch_of(const Move& move) {
  return fmt::format("{}{}-{}", branch_prefix, move.plan.app,
                     crypto::to_hex(crypto::sha256(move.key)).substr(0, 16));
}

Result<std::unique_ptr<PullRequests>> PullRequests::open(Deck& deck, const spec::Target& target,
                                                         const Move& move) {
  std::unique_ptr<PullRequests> out(new PullRequests(deck, move));
  out->place_ = TRY(github::place_in(target.repository, target.api,
                                     target.token.empty() ? "env:TRANCHE_GITHUB_TOKEN" : target.token));
  out->base_ = target.branch;
  out->step_.uses = "gitops";
  out->step_.timeout = move.timeout;
  return out;
}

Result<web::Service> PullRequests::connect() { return github::connect(deck_, call_, place_); }

std::optional<PullRequest> PullRequests::read(const doc::Value& value) const {
  const doc::Value* number = value.find("number");
  const doc::Value* head = value.find("head");
  if (number == nullptr || !number->is_int() || head == nullptr) return std::nullopt;
  const doc::Value* repository = head->find("repo");
  if (repository == nullptr || lower(web::text_in(*repository, "full_name")) != lower(place_.repository))
    return std::nullopt;
  PullRequest out;
  out.number = number->as_int();
  out.url = printable(web::text_in(value, "html_url"), 200);
  out.branch = web::text_in(*head, "ref");
  out.open = web::text_in(value, "state") == "open";
  out.merged = !web::text_in(value, "merged_at").empty();
  out.merge_commit = web::text_in(value, "merge_commit_sha");
  // GitHub keeps texts with the line ends of whoever wrote them.
  const store::WorkCommit text{"", replace_all(web::text_in(value, "body"), "\r\n", "\n")};
  out.key = text.trailer(key_trailer);
  out.rollout = text.trailer(rollout_trailer);
  if (out.number <= 0 || (out.merged && !is_commit_id(out.merge_commit))) return std::nullopt;
  return out;
}

Result<std::vector<PullRequest>> PullRequests::list(const std::string& filter, int most_pages) {
  web::Service github = TRY(connect());
  std::vector<PullRequest> out;
  for (int page = 1; page <= most_pages; ++page) {
    const web::Answer answer = TRY(github.ask(
        place_.path(fmt::format("/pulls?state=all&sort=created&direction=desc&base={}{}&per_page={}&page={}",
                                percent_encode(base_), filter, github::page_size, page)),
        web::list_answer));
    if (!answer.ok()) return fail(github.refusal(answer, "to list the pull requests of " + repository()));
    if (!answer.json.is_array()) return fail(github.unreadable("the pull requests are no list"));
    for (const doc::Value& one : answer.json.as_array())
      if (auto pull = read(one)) out.push_back(std::move(*pull));
    if (answer.json.as_array().size() < github::page_size) break;
  }
  return out;
}

Result<std::optional<PullRequest>> PullRequests::find(const std::string& branch) {
  const std::string owner = place_.repository.substr(0, place_.repository.find('/'));
  for (PullRequest& one : TRY(list("&head=" + percent_encode(owner + ":" + branch), 1)))
    if (one.branch == branch) return std::optional(std::move(one));
  return std::optional<PullRequest>();
}

Result<PullRequest> PullRequests::make(const std::string& branch, const std::string& title,
                                       const std::string& text) {
  if (auto there = TRY(find(branch))) return std::move(*there);
  web::Service github = TRY(connect());
  const web::Answer answer = TRY(
      github.send("POST", place_.path("/pulls"),
                  doc::Value::object({{"title", title}, {"head", branch}, {"base", base_}, {"body", text}})));
  if (answer.ok())
    if (auto made = read(answer.json)) return std::move(*made);
  // Somebody, or an earlier try whose answer was lost, was faster.
  if (auto there = TRY(find(branch))) return std::move(*there);
  if (answer.ok()) return fail(github.unreadable("the pull request has no number"));
  return fail(github.refusal(answer, "to open a pull request in " + repository()));
}

Result<std::vector<PullRequest>> PullRequests::of_rollout(const std::string& rollout_id) {
  std::vector<PullRequest> all = TRY(list("", most_listed_pages));
  std::erase_if(all, [&](const PullRequest& one) {
    return one.rollout != rollout_id || !one.branch.starts_with(branch_prefix);
  });
  return all;
}

Result<> PullRequests::close(const PullRequest& pull) {
  web::Service github = TRY(connect());
  const web::Answer answer = TRY(github.send("PATCH", place_.path(fmt::format("/pulls/{}", pull.number)),
                                             doc::Value::object({{"state", "closed"}})));
  if (!answer.ok())
    return fail(github.refusal(answer, fmt::format("to close pull request #{}", pull.number)));
  return {};
}

}  // namespace tranche::actions
