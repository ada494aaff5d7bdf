// github.deployment-status { repo, ref, environment, state, description }: says on GitHub how the release
// stands in an environment.
//
// A deployment belongs to a ref and an environment, and many tools may make one: ours is the one whose
// payload names the rollout. It is made when there is none (auto_merge off, no required contexts: it records
// what is so, and must not be refused for a check that is red). Its newest status says whether it is done.
#include "actions/github.hpp"
#include "actions/story.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

using github::Place;

constexpr std::size_t longest_description = 140;

struct DeploymentCall {
  Place place;
  std::string ref, environment, state, description;
};

Result<DeploymentCall> deployment_call(const Call& call) {
  DeploymentCall what;
  what.place = TRY(github::place_of(call));
  what.ref = TRY(web::argument_or(call, "ref", "v$release"));
  what.environment =
      TRY(web::argument_or(call, "environment", call.plan.channel.empty() ? "$rollout" : "$channel"));
  what.state = TRY(call.step.with.text_or("state", "failure"));
  what.description = TRY(web::argument_or(call, "description", ""));
  if (what.description.empty()) what.description = call.cause.reason;
  // printable() ends what it cuts with three bytes.
  what.description = printable(what.description, longest_description - 12);
  return what;
}

std::string deployment_id(const Call& call) { return call.plan.app + "/" + call.rollout_id; }

// GitHub gives the payload back as it came, or as a text.
bool is_deployment_of(const doc::Value& deployment, const Call& call) {
  const doc::Value* payload = deployment.find("payload");
  if (payload == nullptr) return false;
  if (!payload->is_string()) return web::text_in(*payload, "tranche") == deployment_id(call);
  const auto read = doc::parse_json(payload->as_string(), "payload");
  return read && web::text_in(*read, "tranche") == deployment_id(call);
}

Result<std::int64_t> id_in(web::Service& github, const doc::Value& value) {
  const doc::Value* id = value.find("id");
  if (id == nullptr || !id->is_int()) return fail(github.unreadable("the deployment has no id"));
  return id->as_int();
}

Result<std::optional<std::int64_t>> find_deployment(const Call& call, web::Service& github,
                                                    const DeploymentCall& what) {
  for (int page = 1; page <= github::most_pages; ++page) {
    const std::string query =
        fmt::format("/deployments?ref={}&environment={}&per_page={}&page={}", percent_encode(what.ref),
                    percent_encode(what.environment), github::page_size, page);
    const web::Answer answer = TRY(github.ask(what.place.path(query), web::list_answer));
    if (!answer.ok())
      return fail(github.refusal(answer, "to list the deployments of " + what.place.repository));
    if (!answer.json.is_array()) return fail(github.unreadable("the deployments are no list"));
    for (const doc::Value& one : answer.json.as_array())
      if (is_deployment_of(one, call)) return std::optional(TRY(id_in(github, one)));
    if (answer.json.as_array().size() < github::page_size) break;
  }
  return std::optional<std::int64_t>();
}

Result<std::int64_t> make_deployment(const Call& call, web::Service& github, const DeploymentCall& what) {
  const doc::Value deployment = doc::Value::object(
      {{"ref", what.ref},
       {"environment", what.environment},
       {"auto_merge", false},
       {"required_contexts", doc::Value::array()},
       {"description",
        cut_text(fmt::format("release {} of {}", call.plan.release, call.plan.app), longest_description)},
       {"payload", doc::Value::object({{"tranche", deployment_id(call)}, {"release", call.plan.release}})}});
  const web::Answer answer = TRY(github.send("POST", what.place.path("/deployments"), deployment));
  const std::string doing =
      fmt::format("to make a deployment of '{}' in {}", printable(what.ref, 64), what.place.repository);
  if (answer.status == 422)
    return fail(github.refusal(answer, doing,
                               "ref: names a branch, tag or commit that is there; by default v$release"));
  if (answer.status != 201) return fail(github.refusal(answer, doing));
  return id_in(github, answer.json);
}

// The state of its newest status; empty: it has none yet.
Result<std::string> newest_state(web::Service& github, const DeploymentCall& what, std::int64_t id) {
  const web::Answer answer =
      TRY(github.ask(what.place.path(fmt::format("/deployments/{}/statuses?per_page=1", id))));
  if (!answer.ok()) return fail(github.refusal(answer, fmt::format("to show deployment {}", id)));
  if (!answer.json.is_array()) return fail(github.unreadable("the statuses are no list"));
  if (answer.json.as_array().empty()) return std::string();
  return web::text_in(answer.json.as_array().front(), "state");
}

Result<Outcome> post_status(const Call& call, web::Service& github, const DeploymentCall& what) {
  std::optional<std::int64_t> id = TRY(find_deployment(call, github, what));
  if (!id) id = TRY(make_deployment(call, github, what));
  const std::string was = TRY(newest_state(github, what, *id));
  const Outcome done{fmt::format("deployment {} of {} is {}", *id, what.place.repository, what.state),
                     doc::Value::object({{"deployment", *id}})};
  if (was == what.state) return done;
  const web::Answer answer = TRY(github.send(
      "POST", what.place.path(fmt::format("/deployments/{}/statuses", *id)),
      doc::Value::object(
          {{"state", what.state}, {"description", what.description}, {"environment", what.environment}})));
  if (answer.status != 201)
    return fail(github.refusal(answer, fmt::format("a status of deployment {}", *id)));
  return done;
}

Result<Outcome> deployment_perform(Deck& deck, const Call& call) {
  const DeploymentCall what = TRY(deployment_call(call));
  web::Service github = TRY(github::connect(deck, call, what.place));
  return github.ended(post_status(call, github, what));
}

Result<Outcome> deployment_undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "post another status: github.deployment-status with state:",
                   "a status that was posted stays in the history");
}

Result<Asked> deployment_ask(Deck& deck, const Call& call) {
  const DeploymentCall what = TRY(deployment_call(call));
  web::Service github = TRY(github::connect(deck, call, what.place));
  const auto id = TRY(find_deployment(call, github, what));
  if (!id) return Asked::not_done;
  return TRY(newest_state(github, what, *id)) == what.state ? Asked::done : Asked::not_done;
}

Result<std::vector<Need>> deployment_needs(Deck&, const Call& call) {
  return github::needs_of(TRY(deployment_call(call)).place);
}

Result<std::string> deployment_changes(Deck&, const Call& call) {
  const DeploymentCall what = TRY(deployment_call(call));
  return fmt::format("says in {} that the deployment of '{}' to '{}' is {}", what.place.repository,
                     printable(what.ref, 64), printable(what.environment, 64), what.state);
}

}  // namespace

Action github_deployment_status() {
  return {"github.deployment-status", deployment_needs, deployment_changes,
          deployment_perform,         deployment_undo,  deployment_ask};
}

}  // namespace tranche::actions
