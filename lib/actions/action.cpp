#include "actions/action.hpp"

#include <array>

#include "base/text.hpp"

namespace tranche::actions {
namespace {

// "$app" stands at the front as a whole word: "$apple" is no variable of ours.
bool names_variable(std::string_view text, std::string_view name) {
  if (!text.starts_with(name)) return false;
  if (text.size() == name.size()) return true;
  const char next = text[name.size()];
  return !((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9') ||
           next == '_');
}

}  // namespace

const std::vector<Action>& actions() {
  static const std::vector<Action> all{
      flag_set(),          // throw a switch
      channel_withdraw(),  // nobody is offered the release any more
      channel_fallback(),  // devices that have it go back
      channel_hold(),      // devices are offered nothing above a version
      rollout_pause(),     // another rollout of the app stops growing
      rollout_stop(),      // ... is taken back
      http_request(),      // tell somebody
      run_command(),       // a program, by argv
      launchdarkly_set(),  // throw a switch that is kept there
      github_issue(),      // somebody has to look at it
      github_deployment_status(),
      gitlab_issue(),
      pagerduty_trigger(),  // wake somebody
      pagerduty_resolve(),
      slack_post(),
      token_revoke(),    // make a credential worthless
      argo_abort(),      // a service in Kubernetes goes back to its stable version
      argo_promote(),    // ... goes on
      argo_undo(),       // ... gets its earlier template
      argo_pause(),      // ... stays where it is
      argo_set_image(),  // ... gets an image
      git_commit(),      // values in files of a repository
      git_tag(),         // a mark there
      git_revert(),      // a commit taken back
      target_undo(),     // a service's target brings the baseline back
      token_revoke(),    // make a credential worthless
      wait(),            // nothing for a while
      approval(),        // until people approve
  };
  return all;
}

const Action* find_action(std::string_view name) {
  for (const Action& action : actions())
    if (action.name == name) return &action;
  return nullptr;
}

Result<std::vector<Need>> needs_nothing(Deck&, const Call&) { return std::vector<Need>{}; }

std::string fill_variables(std::string text, const Call& call) {
  const std::array<std::pair<std::string_view, std::string_view>, 6> variables{
      {{"$app", call.plan.app},
       {"$channel", call.plan.channel},
       {"$release", call.plan.release},
       {"$baseline", call.plan.baseline},
       {"$rollout", call.plan.rollout},
       {"$reason", call.cause.reason}}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    bool replaced = false;
    for (const auto& [name, value] : variables) {
      if (names_variable(std::string_view(text).substr(i), name)) {  // values are never scanned again
        out += value;
        i += name.size();
        replaced = true;
        break;
      }
    }
    if (!replaced) out += text[i++];
  }
  return out;
}

doc::Value fill_variables(const doc::Value& value, const Call& call) {
  if (value.is_string()) return fill_variables(value.as_string(), call);
  if (value.is_array()) {
    doc::Value out = doc::Value::array();
    for (const doc::Value& item : value.as_array()) out.push(fill_variables(item, call));
    return out;
  }
  if (value.is_object()) {
    doc::Value out = doc::Value::object();
    for (const doc::Member& member : value.as_object())
      out.set(member.key, fill_variables(member.value, call));
    return out;
  }
  return value;
}

}  // namespace tranche::actions
