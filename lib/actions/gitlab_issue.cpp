// gitlab.issue { project, title, body, labels, assignees }: an issue, once a rollout (GitLab's REST API v4).
//
// Found again by the unseen marker among the issues that our token opened since the rollout began
// (scope=created_by_me: what others write into issues cannot silence us). Assignees are names of users; those
// that GitLab does not know or does not take do not lose the issue, and are said.
#include <algorithm>

#include "actions/story.hpp"
#include "actions/web.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

constexpr int most_gitlab_pages = 20;
constexpr std::size_t gitlab_page = 50;
constexpr std::size_t longest_gitlab_title = 250;
constexpr std::size_t longest_gitlab_body = 200'000;

struct GitlabPlace {
  std::string project, api, token;
  [[nodiscard]] std::string path(std::string_view below) const {
    return "/projects/" + percent_encode(project) + std::string(below);
  }
};

Result<GitlabPlace> gitlab_place(const Call& call) {
  GitlabPlace place;
  place.project = TRY(web::argument(call, "project"));
  place.api = TRY(web::address_or(call, "api", "https://gitlab.com/api/v4"));
  place.token = TRY(call.step.with.text_or("token", "env:TRANCHE_GITLAB_TOKEN"));
  if (place.project.empty() || place.project.size() > 500)
    return fail_hint(ErrorKind::invalid, "project: group/name, or its number",
                     "gitlab.issue names no project");
  for (const std::string& label : TRY(web::arguments(call, "labels")))
    if (label.find(',') != std::string::npos)
      return fail_hint(ErrorKind::invalid, "labels: [one, two]",
                       "GitLab knows no label '{}': commas part labels", printable(label, 64));
  return place;
}

Result<web::Service> gitlab_service(Deck& deck, const Call& call, const GitlabPlace& place) {
  web::Service service(deck, call, "GitLab", place.api);
  const Secret token = TRY(service.read_secret(place.token));
  service.add_secret_header("PRIVATE-TOKEN", token);
  return service;
}

struct GitlabIssue {
  std::int64_t number = 0;  // within its project: iid
  std::string url;
  std::size_t assignees = 0;
  [[nodiscard]] doc::Value facts() const { return doc::Value::object({{"number", number}, {"url", url}}); }
};

Result<GitlabIssue> gitlab_issue_from(web::Service& gitlab, const doc::Value& value) {
  const doc::Value* number = value.find("iid");
  if (number == nullptr || !number->is_int() || number->as_int() <= 0)
    return fail(gitlab.unreadable("the issue has no number"));
  const doc::Value* assignees = value.find("assignees");
  return GitlabIssue{number->as_int(), printable(gitlab.without_secrets(web::text_in(value, "web_url")), 200),
                     assignees != nullptr && assignees->is_array() ? assignees->as_array().size() : 0};
}

struct GitlabSearch {
  std::optional<GitlabIssue> found;
  bool complete = false;
};

Result<GitlabSearch> find_gitlab_issue(Deck& deck, const Call& call, web::Service& gitlab,
                                       const GitlabPlace& place) {
  const std::string marker = issue_marker(call);
  const std::string since = to_text(std::chrono::floor<std::chrono::seconds>(begin_of_rollout(deck, call)));
  for (int page = 1; page <= most_gitlab_pages; ++page) {
    const std::string query = fmt::format(
        "/issues?scope=created_by_me&state=all&order_by=created_at&sort=desc&created_after={}&per_page={}&"
        "page={}",
        percent_encode(since), gitlab_page, page);
    const web::Answer answer = TRY(gitlab.ask(place.path(query), web::list_answer));
    if (!answer.ok())
      return fail(
          gitlab.refusal(answer, fmt::format("to list the issues of {}", printable(place.project, 120))));
    if (!answer.json.is_array()) return fail(gitlab.unreadable("the issues are no list"));
    for (const doc::Value& issue : answer.json.as_array())
      if (has_marker(web::text_in(issue, "description"), marker))
        return GitlabSearch{TRY(gitlab_issue_from(gitlab, issue)), true};
    if (answer.json.as_array().size() < gitlab_page) return GitlabSearch{std::nullopt, true};
  }
  return GitlabSearch{};
}

struct GitlabUsers {
  doc::Value ids = doc::Value::array();
  std::vector<std::string> unknown;
};

Result<GitlabUsers> find_gitlab_users(web::Service& gitlab, const std::vector<std::string>& names) {
  GitlabUsers users;
  for (const std::string& name : names) {
    const web::Answer answer = TRY(gitlab.ask("/users?username=" + percent_encode(name)));
    const doc::Value* id = answer.ok() && answer.json.is_array() && answer.json.as_array().size() == 1
                               ? answer.json.as_array().front().find("id")
                               : nullptr;
    if (id != nullptr && id->is_int())
      users.ids.push(*id);
    else
      users.unknown.push_back(printable(name, 64));
  }
  return users;
}

Result<doc::Value> gitlab_issue_text(Deck& deck, const Call& call) {
  IssueText text = TRY(issue_text(deck, call, longest_gitlab_title, longest_gitlab_body));
  return doc::Value::object({{"title", std::move(text.title)}, {"description", std::move(text.body)}});
}

Result<Outcome> open_gitlab_issue(Deck& deck, const Call& call, web::Service& gitlab,
                                  const GitlabPlace& place) {
  const GitlabSearch search = TRY(find_gitlab_issue(deck, call, gitlab, place));
  const std::string project = printable(place.project, 120);
  if (search.found)
    return Outcome{fmt::format("issue #{} of {} speaks of it already: {}", search.found->number, project,
                               search.found->url),
                   search.found->facts()};
  doc::Value issue = TRY(gitlab_issue_text(deck, call));
  if (const auto labels = TRY(web::arguments(call, "labels")); !labels.empty())
    issue.set("labels", join(labels, ","));
  const std::vector<std::string> assignees = TRY(web::arguments(call, "assignees"));
  const GitlabUsers users = TRY(find_gitlab_users(gitlab, assignees));
  const std::size_t wanted = users.ids.as_array().size();
  const doc::Value bare = issue;
  if (wanted > 0) issue.set("assignee_ids", users.ids);
  web::Answer answer = TRY(gitlab.send("POST", place.path("/issues"), issue));
  if (wanted > 0 && (answer.status == 400 || answer.status == 422))
    answer = TRY(gitlab.send("POST", place.path("/issues"), bare));
  if (!answer.ok()) return fail(gitlab.refusal(answer, "to open an issue in " + project));
  const GitlabIssue opened = TRY(gitlab_issue_from(gitlab, answer.json));
  std::string text = fmt::format("issue #{} of {} is open: {}", opened.number, project, opened.url);
  if (!users.unknown.empty()) text += fmt::format("; GitLab does not know {}", join(users.unknown, ", "));
  if (opened.assignees < wanted)
    text += fmt::format("; GitLab assigned it to {} of {} users", opened.assignees, wanted);
  return Outcome{std::move(text), opened.facts()};
}

Result<Outcome> gitlab_perform(Deck& deck, const Call& call) {
  const GitlabPlace place = TRY(gitlab_place(call));
  web::Service gitlab = TRY(gitlab_service(deck, call, place));
  return gitlab.ended(open_gitlab_issue(deck, call, gitlab, place));
}

Result<Outcome> gitlab_undo(Deck& deck, const Call& call) {
  const GitlabPlace place = TRY(gitlab_place(call));
  web::Service gitlab = TRY(gitlab_service(deck, call, place));
  const doc::Value* known = call.facts.find("number");
  std::int64_t number = known != nullptr && known->is_int() ? known->as_int() : 0;
  if (number == 0) {
    const GitlabSearch search = TRY(find_gitlab_issue(deck, call, gitlab, place));
    if (!search.found) return Outcome{"there is no issue to close"};
    number = search.found->number;
  }
  const web::Answer answer = TRY(gitlab.send("PUT", place.path(fmt::format("/issues/{}", number)),
                                             doc::Value::object({{"state_event", "close"}})));
  if (!answer.ok()) return fail(gitlab.refusal(answer, fmt::format("to close issue #{}", number)));
  return Outcome{fmt::format("issue #{} of {} is closed", number, printable(place.project, 120))};
}

Result<Asked> gitlab_ask(Deck& deck, const Call& call) {
  const GitlabPlace place = TRY(gitlab_place(call));
  web::Service gitlab = TRY(gitlab_service(deck, call, place));
  const GitlabSearch search = TRY(find_gitlab_issue(deck, call, gitlab, place));
  if (search.found) return Asked::done;
  return search.complete ? Asked::not_done : Asked::unknown;
}

Result<std::vector<Need>> gitlab_needs(Deck&, const Call& call) {
  const GitlabPlace place = TRY(gitlab_place(call));
  return std::vector<Need>{{Need::Kind::secret, place.token}, {Need::Kind::url, place.api}};
}

Result<std::string> gitlab_changes(Deck&, const Call& call) {
  return fmt::format("opens an issue in {}, unless this rollout has one",
                     printable(TRY(gitlab_place(call)).project, 120));
}

}  // namespace

Action gitlab_issue() {
  return {"gitlab.issue", gitlab_needs, gitlab_changes, gitlab_perform, gitlab_undo, gitlab_ask};
}

}  // namespace tranche::actions
