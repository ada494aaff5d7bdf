// slack.post { webhook, text }: a message through an incoming webhook. The webhook's address is the secret.
//
// An incoming webhook takes no key of idempotency and can be asked for nothing (docs.slack.dev, "Sending
// messages using incoming webhooks"; slackapi/slack-api-specs issue 10 asks for one). A try that was cut
// short is `unknown` and is not repeated; `retry` repeats what failed, and then a message whose answer was
// lost may be there twice.
#include "actions/story.hpp"
#include "actions/web.hpp"
#include "base/text.hpp"
#include "signing/keys.hpp"

namespace tranche::actions {
namespace {

// Slack cuts messages at 40,000 characters (docs.slack.dev, "Truncating really long messages").
constexpr std::size_t longest_message = 12'000;

Result<std::string> slack_text(Deck& deck, const Call& call) {
  const std::string text = TRY(call.step.with.text_or("text", ""));
  if (!text.empty()) return cut_text(fill_slack(text, call), longest_message);
  const Story story = tell_story(deck, call);
  std::string out = to_line(story);
  for (const std::string& gate : story.gates) out += "\n" + gate;
  for (const std::string_view pair : {"&&amp;", "<&lt;", ">&gt;"})
    out = replace_all(std::move(out), pair.substr(0, 1), pair.substr(1));
  return cut_text(out, longest_message);
}

Result<std::vector<Need>> slack_needs(Deck&, const Call& call) {
  const std::string webhook = TRY(call.step.with.text("webhook"));
  return std::vector<Need>{{Need::Kind::secret, webhook}};
}

Result<std::string> slack_changes(Deck&, const Call& call) {
  return fmt::format("posts to the Slack webhook in {}", printable(TRY(call.step.with.text("webhook")), 120));
}

Result<Outcome> slack_perform(Deck& deck, const Call& call) {
  const std::string reference = TRY(call.step.with.text("webhook"));
  const Secret webhook = TRY(signing::read_secret(deck.world(), deck.repository(), reference));
  if (!webhook.expose().starts_with("https://") && !webhook.expose().starts_with("http://"))
    return fail_hint(ErrorKind::invalid, "put the whole address there: https://hooks.slack.com/services/...",
                     "{} holds no web address", printable(reference, 120));
  web::Service slack = web::Service::behind_secret(deck, call, "Slack", webhook);
  const std::string text = TRY(slack_text(deck, call));
  const web::Answer answer = TRY(slack.send("POST", "", doc::Value::object({{"text", text}})));
  if (!answer.ok()) return fail(slack.refusal(answer, "the message"));
  return Outcome{"Slack has the message"};
}

Result<Outcome> slack_undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "delete it in Slack by hand",
                   "a message that a webhook posted cannot be taken back");
}

Result<Asked> slack_ask(Deck&, const Call&) { return Asked::unknown; }

}  // namespace

Action slack_post() {
  return {"slack.post", slack_needs, slack_changes, slack_perform, slack_undo, slack_ask};
}

}  // namespace tranche::actions
