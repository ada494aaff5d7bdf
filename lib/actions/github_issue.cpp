// github.issue { repo, title, body, labels, assignees }: an issue, once a rollout, that a person or a coding
// agent picks up.
//
// The issue carries an unseen marker with the rollout's id. It is looked for before one is opened, in the
// list of issues, newest first (the search index lags behind by minutes): a try whose answer was lost finds
// what it left. Anybody may write a marker into an issue of a public repository, and must not silence us by
// that: it counts where the author may write there, is an app that is installed there, or is we.
//
// Labels and assignees are wishes. GitHub drops those that the token may not set, or refuses the whole issue
// for them (403, 422): then it is opened without, they are tried one by one, and what is missing is said.
#include <algorithm>

#include "actions/github.hpp"
#include "actions/story.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

using github::Place;

constexpr std::size_t longest_github_title = 250;
constexpr std::size_t longest_github_body = 60'000;

struct GithubIssue {
  std::int64_t number = 0;
  std::string url;
  std::vector<std::string> labels, assignees;
  [[nodiscard]] doc::Value facts() const { return doc::Value::object({{"number", number}, {"url", url}}); }
};

std::vector<std::string> names_in(const doc::Value& object, std::string_view list, std::string_view key) {
  std::vector<std::string> names;
  const doc::Value* all = object.find(list);
  if (all == nullptr || !all->is_array()) return names;
  for (const doc::Value& one : all->as_array())
    names.push_back(lower(one.is_string() ? one.as_string() : web::text_in(one, key)));
  return names;
}

Result<GithubIssue> github_issue_from(web::Service& github, const doc::Value& value) {
  const doc::Value* number = value.find("number");
  if (number == nullptr || !number->is_int() || number->as_int() <= 0)
    return fail(github.unreadable("the issue has no number"));
  return GithubIssue{number->as_int(),
                     printable(github.without_secrets(web::text_in(value, "html_url")), 200),
                     names_in(value, "labels", "name"), names_in(value, "assignees", "login")};
}

// Whose marker counts.
class Authors {
 public:
  explicit Authors(web::Service& github) : github_(github) {}
  Result<bool> believes(const doc::Value& issue) {
    const std::string association = web::text_in(issue, "author_association");
    if (association == "OWNER" || association == "MEMBER" || association == "COLLABORATOR") return true;
    const doc::Value* user = issue.find("user");
    if (user == nullptr) return false;
    if (web::text_in(*user, "type") == "Bot") return true;
    if (!we_) {
      const web::Answer answer = TRY(github_.ask("/user"));
      we_ = answer.ok() ? web::text_in(answer.json, "login") : std::string();
    }
    return !we_->empty() && web::text_in(*user, "login") == *we_;
  }

 private:
  web::Service& github_;
  std::optional<std::string> we_;
};

struct Search {
  std::optional<GithubIssue> found;
  bool complete = false;  // nothing newer than the rollout was left unseen
};

Result<Search> find_github_issue(Deck& deck, const Call& call, web::Service& github, const Place& place) {
  const std::string marker = issue_marker(call);
  const std::string since = to_text(std::chrono::floor<std::chrono::seconds>(begin_of_rollout(deck, call)));
  Authors authors(github);
  for (int page = 1; page <= github::most_pages; ++page) {
    const web::Answer answer = TRY(github.ask(
        place.path(fmt::format("/issues?state=all&sort=created&direction=desc&since={}&per_page={}&page={}",
                               percent_encode(since), github::page_size, page)),
        web::list_answer));
    if (!answer.ok()) return fail(github.refusal(answer, "to list the issues of " + place.repository));
    if (!answer.json.is_array()) return fail(github.unreadable("the issues are no list"));
    for (const doc::Value& issue : answer.json.as_array()) {
      // RFC 3339 in UTC, as both sides write it: their order is that of their letters.
      const std::string created = web::text_in(issue, "created_at");
      if (!created.empty() && created < since) return Search{std::nullopt, true};
      if (issue.find("pull_request") != nullptr || !has_marker(web::text_in(issue, "body"), marker)) continue;
      if (TRY(authors.believes(issue))) return Search{TRY(github_issue_from(github, issue)), true};
    }
    if (answer.json.as_array().size() < github::page_size) return Search{std::nullopt, true};
  }
  return Search{};
}

Result<doc::Value> github_issue_text(Deck& deck, const Call& call) {
  IssueText text = TRY(issue_text(deck, call, longest_github_title, longest_github_body));
  return doc::Value::object({{"title", std::move(text.title)}, {"body", std::move(text.body)}});
}

doc::Value list_of(const std::vector<std::string>& names) {
  doc::Value list = doc::Value::array();
  for (const std::string& name : names) list.push(name);
  return list;
}

std::vector<std::string> missing_from(const std::vector<std::string>& there,
                                      const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  for (const std::string& name : wanted)
    if (std::ranges::find(there, lower(name)) == there.end()) missing.push_back(printable(name, 64));
  return missing;
}

// The issue is there: from here on nothing fails any more, but what could not be had is said.
void add_one_by_one(web::Service& github, const Place& place, const std::vector<std::string>& labels,
                    const std::vector<std::string>& assignees, GithubIssue& issue) {
  const auto add = [&](std::string_view what, const std::string& name, std::string_view key) {
    const auto answer = github.send("POST", place.path(fmt::format("/issues/{}/{}", issue.number, what)),
                                    doc::Value::object({{std::string(what), list_of({name})}}));
    if (!answer || !answer->ok()) return;
    // Labels answers with the labels, assignees with the issue.
    const doc::Value whole =
        answer->json.is_array() ? doc::Value::object({{std::string(what), answer->json}}) : answer->json;
    for (const std::string& there : names_in(whole, what, key)) {
      auto& known = what == "labels" ? issue.labels : issue.assignees;
      if (std::ranges::find(known, there) == known.end()) known.push_back(there);
    }
  };
  for (const std::string& label : labels) add("labels", label, "name");
  for (const std::string& assignee : assignees) add("assignees", assignee, "login");
}

Result<GithubIssue> open_github_issue(Deck& deck, const Call& call, web::Service& github, const Place& place,
                                      const std::vector<std::string>& labels,
                                      const std::vector<std::string>& assignees) {
  doc::Value issue = TRY(github_issue_text(deck, call));
  const doc::Value bare = issue;
  if (!labels.empty()) issue.set("labels", list_of(labels));
  if (!assignees.empty()) issue.set("assignees", list_of(assignees));
  const bool has_wishes = !labels.empty() || !assignees.empty();
  const std::string doing = "to open an issue in " + place.repository;
  web::Answer answer = TRY(github.send("POST", place.path("/issues"), issue));
  const bool for_wishes = has_wishes && !answer.wait && (answer.status == 422 || answer.status == 403);
  if (for_wishes) answer = TRY(github.send("POST", place.path("/issues"), bare));
  if (answer.status == 410)
    return fail(
        github.refusal(answer, doing, "issues are switched off there: switch them on, or name another repo"));
  if (!answer.ok()) return fail(github.refusal(answer, doing));
  GithubIssue opened = TRY(github_issue_from(github, answer.json));
  if (for_wishes) add_one_by_one(github, place, labels, assignees, opened);
  return opened;
}

Result<Outcome> github_issue_perform(Deck& deck, const Call& call) {
  const Place place = TRY(github::place_of(call));
  const std::vector<std::string> labels = TRY(web::arguments(call, "labels"));
  const std::vector<std::string> assignees = TRY(web::arguments(call, "assignees"));
  web::Service github = TRY(github::connect(deck, call, place));
  const auto once = [&]() -> Result<Outcome> {
    const Search search = TRY(find_github_issue(deck, call, github, place));
    if (search.found)
      return Outcome{fmt::format("issue #{} of {} speaks of it already: {}", search.found->number,
                                 place.repository, search.found->url),
                     search.found->facts()};
    const GithubIssue issue = TRY(open_github_issue(deck, call, github, place, labels, assignees));
    std::string text = fmt::format("issue #{} of {} is open: {}", issue.number, place.repository, issue.url);
    if (const auto lost = missing_from(issue.labels, labels); !lost.empty())
      text += fmt::format("; GitHub did not take the labels {}", join(lost, ", "));
    if (const auto lost = missing_from(issue.assignees, assignees); !lost.empty())
      text += fmt::format("; GitHub did not assign it to {}", join(lost, ", "));
    return Outcome{std::move(text), issue.facts()};
  };
  return github.ended(once());
}

Result<Outcome> github_issue_undo(Deck& deck, const Call& call) {
  const Place place = TRY(github::place_of(call));
  web::Service github = TRY(github::connect(deck, call, place));
  const doc::Value* known = call.facts.find("number");
  std::int64_t number = known != nullptr && known->is_int() ? known->as_int() : 0;
  if (number == 0) {
    const Search search = TRY(find_github_issue(deck, call, github, place));
    if (!search.found) return Outcome{"there is no issue to close"};
    number = search.found->number;
  }
  const web::Answer answer =
      TRY(github.send("PATCH", place.path(fmt::format("/issues/{}", number)),
                      doc::Value::object({{"state", "closed"}, {"state_reason", "not_planned"}})));
  if (!answer.ok()) return fail(github.refusal(answer, fmt::format("to close issue #{}", number)));
  return Outcome{fmt::format("issue #{} of {} is closed", number, place.repository)};
}

Result<Asked> github_issue_ask(Deck& deck, const Call& call) {
  const Place place = TRY(github::place_of(call));
  web::Service github = TRY(github::connect(deck, call, place));
  const Search search = TRY(find_github_issue(deck, call, github, place));
  if (search.found) return Asked::done;
  return search.complete ? Asked::not_done : Asked::unknown;
}

Result<std::vector<Need>> github_issue_needs(Deck&, const Call& call) {
  return github::needs_of(TRY(github::place_of(call)));
}

Result<std::string> github_issue_changes(Deck&, const Call& call) {
  return fmt::format("opens an issue in {}, unless this rollout has one",
                     TRY(github::place_of(call)).repository);
}

}  // namespace

Action github_issue() {
  return {"github.issue",       github_issue_needs, github_issue_changes,
          github_issue_perform, github_issue_undo,  github_issue_ask};
}

}  // namespace tranche::actions
