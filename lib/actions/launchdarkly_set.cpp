// launchdarkly.set { project, environment, flag, value }: turns a flag of LaunchDarkly on or off in one
// environment, by a semantic patch (instructions turnFlagOn, turnFlagOff). The flag itself says whether it is
// done: GET, environments.KEY.on.
#include "actions/web.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

constexpr std::string_view semantic_patch = "application/json; domain-model=launchdarkly.semanticpatch";

struct RemoteFlag {
  std::string project, environment, flag, api, token;
  bool value = false;
  [[nodiscard]] std::string path() const {
    return fmt::format("/api/v2/flags/{}/{}", percent_encode(project), percent_encode(flag));
  }
  [[nodiscard]] std::string shown() const {
    return fmt::format("flag '{}' of project '{}' in '{}'", printable(flag, 64), printable(project, 64),
                       printable(environment, 64));
  }
};

Result<RemoteFlag> remote_flag(const Call& call) {
  RemoteFlag remote;
  remote.project = TRY(web::argument(call, "project"));
  remote.environment = TRY(web::argument(call, "environment"));
  remote.flag = TRY(web::argument(call, "flag"));
  remote.value = TRY(call.step.with.boolean("value"));
  remote.api = TRY(web::address_or(call, "api", "https://app.launchdarkly.com"));
  remote.token = TRY(call.step.with.text_or("token", "env:TRANCHE_LAUNCHDARKLY_TOKEN"));
  return remote;
}

Result<web::Service> launchdarkly(Deck& deck, const Call& call, const RemoteFlag& remote) {
  web::Service service(deck, call, "LaunchDarkly", remote.api);
  const Secret token = TRY(service.read_secret(remote.token));
  service.add_secret_header("Authorization", token);
  return service;
}

// environments.KEY.on of a flag's document.
Result<bool> is_on(web::Service& service, const RemoteFlag& remote, const web::Answer& answer) {
  const doc::Value* all = answer.json.find("environments");
  const doc::Value* one = all == nullptr ? nullptr : all->find(remote.environment);
  const doc::Value* on = one == nullptr ? nullptr : one->find("on");
  if (on == nullptr || !on->is_bool())
    return fail(service.unreadable(fmt::format("it does not say whether {} is on", remote.shown())));
  return on->as_bool();
}

Result<bool> read_flag(web::Service& service, const RemoteFlag& remote) {
  const web::Answer answer =
      TRY(service.ask(remote.path() + "?env=" + percent_encode(remote.environment), web::list_answer));
  if (answer.status != 200) return fail(service.refusal(answer, "to show " + remote.shown()));
  return is_on(service, remote, answer);
}

Result<Outcome> turn_flag(Deck& deck, const Call& call, bool on) {
  const RemoteFlag remote = TRY(remote_flag(call));
  web::Service service = TRY(launchdarkly(deck, call, remote));
  const auto turn = [&]() -> Result<Outcome> {
    const bool was = TRY(read_flag(service, remote));
    // A repeat must not take its own first try for the state before.
    const doc::Value* known = call.facts.find("was");
    const bool before = known != nullptr && known->is_bool() ? known->as_bool() : was;
    const Outcome done{fmt::format("{} is {}", remote.shown(), on ? "on" : "off"),
                       doc::Value::object({{"was", before}})};
    if (was == on) return done;
    doc::Value instructions = doc::Value::array();
    instructions.push(doc::Value::object({{"kind", on ? "turnFlagOn" : "turnFlagOff"}}));
    const doc::Value patch =
        doc::Value::object({{"environmentKey", remote.environment},
                            {"comment", fmt::format("tranche, rollout {}: {}", call.rollout_id,
                                                    printable(call.cause.reason, 300))},
                            {"instructions", instructions}});
    const web::Answer answer = TRY(service.send("PATCH", remote.path(), patch, semantic_patch));
    // 409: somebody else changes the flag at this moment.
    if (answer.status == 409)
      return fail_hint(ErrorKind::failed, "retry: tries again", "{} is being changed by somebody else",
                       remote.shown());
    if (answer.status == 405)
      return fail(service.refusal(answer, "to change " + remote.shown(),
                                  "the environment wants an approval for changes: let the token bypass it"));
    if (!answer.ok()) return fail(service.refusal(answer, "to change " + remote.shown()));
    if (TRY(read_flag(service, remote)) != on)
      return fail_hint(ErrorKind::failed, "look at it in LaunchDarkly: something else sets it",
                       "{} was set, and is {} again", remote.shown(), on ? "off" : "on");
    return done;
  };
  return service.ended(turn());
}

Result<std::vector<Need>> launchdarkly_needs(Deck&, const Call& call) {
  const RemoteFlag remote = TRY(remote_flag(call));
  return std::vector<Need>{{Need::Kind::secret, remote.token}, {Need::Kind::url, remote.api}};
}

Result<std::string> launchdarkly_changes(Deck&, const Call& call) {
  const RemoteFlag remote = TRY(remote_flag(call));
  return fmt::format("turns LaunchDarkly's {} {}", remote.shown(), remote.value ? "on" : "off");
}

Result<Outcome> launchdarkly_perform(Deck& deck, const Call& call) {
  const bool on = TRY(call.step.with.boolean("value"));
  return turn_flag(deck, call, on);
}

Result<Outcome> launchdarkly_undo(Deck& deck, const Call& call) {
  const doc::Value* was = call.facts.find("was");
  if (was == nullptr || !was->is_bool())
    return fail_hint(ErrorKind::denied, "set it in LaunchDarkly by hand",
                     "nobody knows how the flag stood before");
  Call back = call;
  back.facts = doc::Value();
  return turn_flag(deck, back, was->as_bool());
}

Result<Asked> launchdarkly_ask(Deck& deck, const Call& call) {
  const RemoteFlag remote = TRY(remote_flag(call));
  web::Service service = TRY(launchdarkly(deck, call, remote));
  return TRY(read_flag(service, remote)) == remote.value ? Asked::done : Asked::not_done;
}

}  // namespace

Action launchdarkly_set() {
  return {"launchdarkly.set",   launchdarkly_needs, launchdarkly_changes,
          launchdarkly_perform, launchdarkly_undo,  launchdarkly_ask};
}

}  // namespace tranche::actions
