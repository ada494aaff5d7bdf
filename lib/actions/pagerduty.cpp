// pagerduty.trigger and pagerduty.resolve: one incident a rollout (Events API v2, POST /v2/enqueue).
//
// Events are deduplicated by PagerDuty itself: the key is the rollout's, so that a second trigger is noted in
// the incident that is open, and a second resolve changes nothing. Both may be repeated.
#include "actions/story.hpp"
#include "actions/web.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::actions {
namespace {

constexpr std::size_t longest_dedup_key = 255;
constexpr std::size_t longest_summary = 1'024;

std::string dedup_key(const Call& call) {
  std::string key = "tranche/" + call.plan.app + "/" + call.rollout_id;
  return key.size() <= longest_dedup_key ? key : "tranche/" + crypto::to_hex(crypto::sha256(key));
}

Result<std::string> pagerduty_api(const Call& call) {
  return web::address_or(call, "api", "https://events.pagerduty.com");
}

Result<std::vector<Need>> pagerduty_needs(Deck&, const Call& call) {
  const std::string key = TRY(call.step.with.text("routing-key"));
  const std::string api = TRY(pagerduty_api(call));
  return std::vector<Need>{{Need::Kind::secret, key}, {Need::Kind::url, api}};
}

Result<Outcome> send_event(Deck& deck, const Call& call, doc::Value event, std::string_view doing) {
  const std::string api = TRY(pagerduty_api(call));
  const std::string reference = TRY(call.step.with.text("routing-key"));
  web::Service pagerduty(deck, call, "PagerDuty", api);
  const Secret key = TRY(pagerduty.read_secret(reference));
  event.set("routing_key", key.expose());
  event.set("dedup_key", dedup_key(call));
  const web::Answer answer = TRY(pagerduty.send("POST", "/v2/enqueue", event));
  if (answer.status == 400)
    return fail(
        pagerduty.refusal(answer, doing, "see that the routing key is that of an Events API v2 integration"));
  if (!answer.ok()) return pagerduty.ended(fail(pagerduty.refusal(answer, doing)));
  return Outcome{fmt::format("PagerDuty has {} ({})", doing, dedup_key(call)),
                 doc::Value::object({{"dedup-key", dedup_key(call)}})};
}

Result<Outcome> send_resolve(Deck& deck, const Call& call) {
  return send_event(deck, call, doc::Value::object({{"event_action", "resolve"}}), "the end of the incident");
}

Result<std::string> trigger_changes(Deck&, const Call& call) {
  return fmt::format("opens the PagerDuty incident {}", dedup_key(call));
}

Result<doc::Value> trigger_event(Deck& deck, const Call& call) {
  const Story story = tell_story(deck, call);
  std::string summary = TRY(web::argument_or(call, "summary", ""));
  if (summary.empty()) summary = to_line(story);
  summary = printable(summary, longest_summary - 8);
  const std::string component = TRY(web::argument_or(call, "component", "$app"));
  const std::string severity = TRY(call.step.with.text_or("severity", "critical"));
  doc::Value details = doc::Value::object();
  if (const doc::Value* given = call.step.with.find("details"); given != nullptr && given->is_object())
    details = fill_variables(*given, call);
  doc::Value gates = doc::Value::array();
  for (const std::string& gate : story.gates) gates.push(gate);
  doc::Value next = doc::Value::array();
  for (const std::string& command : story.next) next.push(command);
  doc::Value ours = doc::Value::object({{"rollout", call.rollout_id},
                                        {"release", call.plan.release},
                                        {"baseline", call.plan.baseline},
                                        {"why", story.why},
                                        {"gates", gates},
                                        {"next", next}});
  if (story.entry) ours.set("journal-entry", *story.entry);
  details.set("tranche", ours);
  doc::Value payload = doc::Value::object({{"summary", summary},
                                           {"source", "tranche/" + call.plan.app},
                                           {"severity", severity},
                                           {"timestamp", to_text(deck.world().clock.now())},
                                           {"component", component},
                                           {"class", "rollout"},
                                           {"custom_details", details}});
  if (!call.plan.channel.empty()) payload.set("group", call.plan.channel);
  return doc::Value::object({{"event_action", "trigger"}, {"client", "tranche"}, {"payload", payload}});
}

Result<Outcome> trigger_perform(Deck& deck, const Call& call) {
  doc::Value event = TRY(trigger_event(deck, call));
  return send_event(deck, call, std::move(event), "the incident");
}

Result<std::string> resolve_changes(Deck&, const Call& call) {
  return fmt::format("closes the PagerDuty incident {}", dedup_key(call));
}

Result<Outcome> resolve_undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "trigger it again: pagerduty.trigger",
                   "an incident that was closed stays closed");
}

Result<Asked> pagerduty_ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action pagerduty_trigger() {
  return {"pagerduty.trigger", pagerduty_needs, trigger_changes,
          trigger_perform,     send_resolve,    pagerduty_ask};
}

Action pagerduty_resolve() {
  return {"pagerduty.resolve", pagerduty_needs, resolve_changes, send_resolve, resolve_undo, pagerduty_ask};
}

}  // namespace tranche::actions
