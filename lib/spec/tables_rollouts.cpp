// Rollouts with their stages, playbooks with their steps.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;

TextKind name_kind() { return {"a name", check_name, std::string(name_pattern)}; }

Result<> check_title(std::string_view title) {
  if (title.size() <= 64 && title.find_first_of("\n\t/") == std::string_view::npos) return {};
  return fail_hint(ErrorKind::invalid, "one line of at most 64 bytes, without /", "'{}' is not a title",
                   printable(title, 64));
}
TextKind title_kind() { return {"a title", check_title, "^[^/\\n\\t]{1,64}$"}; }

const Table<Stage>& stage_table() {
  static const Table<Stage> table{
      "stage",
      "One step: who is exposed, for how long, behind which gates.",
      {field("name", &Stage::name, text(title_kind()), "by default made from cohort and percent: \"eu 20%\""),
       field("cohort", &Stage::cohort, text(name_kind()), "these devices only; without it: everyone"),
       field("percent", &Stage::percent, percent(),
             "share of the cohort, or of everyone; a cohort alone: all of it"),
       field("bake", &Stage::bake, duration_range(),
             "shortest and longest time here, 6h..24h; 100% of everyone is watched for 48h"),
       field("gates", &Stage::gates, list(text(name_kind()), ListRule{.most = 100, .one_or_many = true}),
             "all must pass; by default every gate that can be asked here, [] for none")
           .written_always(),
       field("approval", &Stage::approval, text(name_kind()), "people who must approve before it begins")},
      [](const Value& value, Stage& stage, Reader& reader) {
        if (!value.is_object() || value.find("cohort") || value.find("percent")) return;
        reader.problems.add(stage.place, "nobody is reached" + reader.in(), "give percent, cohort or both");
      }};
  return table;
}

ListRule stage_rule() {
  return ListRule{.noun = "stage", .least = 1, .most = 100, .one_or_many = false, .of = "stages"};
}

const Table<Rollout>& rollout_table() {
  using Salt = Rollout::Salt;
  using On = Rollout::OnInconclusive;
  static const Table<Rollout> table{
      "rollout",
      "The ordered stages that take one release through one channel.",
      {field("channel", &Rollout::channel, text(name_kind()), "by default the only channel"),
       field("salt", &Rollout::salt,
             choice<Salt>(
                 {{"automatic", Salt::automatic}, {"release", Salt::release}, {"channel", Salt::channel}}),
             "release: other guinea pigs each time; channel: the same; automatic: other ones, where clients "
             "can"),
       group<Rollout>(
           "release", "What a release must bring.",
           {field("require", &Rollout::require,
                  list(word({"signature", "sbom", "provenance", "vulnerabilities"}), {.one_or_many = true}),
                  "evidence that `rollout start` demands")}),
       field("window", &Rollout::window, text({"a window", check_window, ""}),
             "when exposure may grow: \"Mon-Thu 09:00-16:00 Europe/Berlin\"; stopping needs none"),
       field("stages", &Rollout::stages, list(record<Stage>(stage_table), stage_rule()),
             "by default pilot (if that cohort is defined), 5%, 20%, 50%, 100%"),
       field("on-inconclusive", &Rollout::on_inconclusive,
             choice<On>({{"hold", On::hold}, {"extend", On::extend}, {"promote", On::promote}}),
             "at bake's maximum without a pass of every gate"),
       field("on-failure", &Rollout::on_failure, text(name_kind()), "playbook"),
       group<Rollout>(
           "after", "Begins only when another rollout has come so far.",
           {field("rollout", &Rollout::after_rollout, text(name_kind()), "name of the other rollout").must(),
            field("stage", &Rollout::after_stage, text(title_kind()), "its stage; by default its end")}),
       field("accept-no-way-back", &Rollout::accept_no_way_back, boolean(),
             "start although some clients cannot be brought back")},
      {}};
  return table;
}

const Table<Retry>& retry_table() {
  static const Table<Retry> table{
      "retry",
      "How often a step is tried.",
      {field("attempts", &Retry::attempts, integer(1, 20), "in all"),
       field("backoff", &Retry::backoff, duration(0s, 1h), "before the second attempt; doubles")},
      {}};
  return table;
}

const Table<Step>& step_table() {
  using On = Step::OnFailure;
  static const Table<Step> table{
      "step",
      "One action of a playbook.",
      {field("id", &Step::id, text(title_kind()), "by default position and action: \"1-flag.set\""),
       field("uses", &Step::uses, word(known_actions()), "the action").must(),
       field("with", &Step::with, any_map(), "its arguments"),
       field("retry", &Step::retry, record<Retry>(retry_table), "how often it is tried"),
       field("timeout", &Step::timeout, duration(1ms, 24h), "for one attempt"),
       field("on-failure", &Step::on_failure, choice<On>({{"continue", On::go_on}, {"abort", On::abort}}),
             "continue with the next step, or abort the playbook")},
      {}};
  return table;
}

const Table<Playbook>& playbook_table() {
  static const Table<Playbook> table{
      "playbook",
      "Ordered steps taken when something is wrong.",
      {field("steps", &Playbook::steps,
             list(record<Step>(step_table),
                  ListRule{.noun = "step", .least = 1, .most = 100, .one_or_many = false, .of = "steps"}),
             "in order; a failed step does not stop the next unless it says abort")
           .must()},
      {}};
  return table;
}

}  // namespace

const std::vector<std::string>& known_actions() {
  static const std::vector<std::string> names{"flag.set",
                                              "channel.withdraw",
                                              "channel.fallback",
                                              "channel.hold",
                                              "rollout.pause",
                                              "rollout.stop",
                                              "http.request",
                                              "run",
                                              "wait",
                                              "approval",
                                              "github.issue",
                                              "git.revert",
                                              "git.commit",
                                              "git.tag",
                                              "github.deployment-status",
                                              "gitlab.issue",
                                              "slack.post",
                                              "pagerduty.trigger",
                                              "pagerduty.resolve",
                                              "launchdarkly.set",
                                              "token.revoke",
                                              "argo.abort",
                                              "argo.promote",
                                              "argo.undo",
                                              "argo.pause",
                                              "argo.set-image"};
  return names;
}

Codec<Rollout> rollout_codec() { return record<Rollout>(rollout_table); }
Codec<Playbook> playbook_codec() { return record<Playbook>(playbook_table); }

}  // namespace tranche::spec
