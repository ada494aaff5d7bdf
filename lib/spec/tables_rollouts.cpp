// Rollouts with their stages. What carries a service is in tables_targets.cpp, playbooks in
// tables_playbooks.cpp.
#include "base/version_range.hpp"
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

Result<> check_range(std::string_view text) {
  if (auto range = parse_version_range(text); !range) return fail(range.error());
  return {};
}

// { backend: ">=2.3" }
Codec<std::map<std::string, std::string>> ranges() {
  const Codec<std::string> one = text({"a range of versions", check_range, ""});
  return {[one](const Value& value, std::map<std::string, std::string>& out, Reader& reader) {
            if (!check_names(value, "app", reader)) return;
            out.clear();
            for (const Member& member : value.as_object()) {
              reader.key = member.key;
              one.read(member.value, out[member.key], reader);
            }
          },
          [](const std::map<std::string, std::string>& from) {
            Object out;
            for (const auto& [app, range] : from) out.push_back({app, Value(range), {}});
            return Value(std::move(out));
          },
          [one](SchemaBook& book) { return named_schema(one.schema(book), "app"); }};
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
      {field("channel", &Rollout::channel, text(name_kind()), "by default the only channel"), target_field(),
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
       field(
           "freeze", &Rollout::freeze, list(text({"days", check_days, ""}), ListRule{.one_or_many = true}),
           "days on which exposure does not grow: 2026-12-24, 2026-12-24..2027-01-02; in the window's zone, "
           "else UTC"),
       field("max-tick-gap", &Rollout::max_tick_gap, limit(24h * 7),
             "longer without a tick, and it is held and people are told; without it: no limit"),
       field("heartbeat", &Rollout::heartbeat,
             text({"a url or a secret reference", check_heartbeat, "", true}),
             "called by every tick, so that somebody notices when there are none"),
       field("stages", &Rollout::stages, list(record<Stage>(stage_table), stage_rule()),
             "by default pilot (if that cohort is defined), 5%, 20%, 50%, 100%"),
       field("on-inconclusive", &Rollout::on_inconclusive,
             choice<On>({{"hold", On::hold}, {"extend", On::extend}, {"promote", On::promote}}),
             "at bake's maximum without a pass of every gate"),
       field("on-failure", &Rollout::on_failure, text(name_kind()), "playbook"),
       field("on-hold", &Rollout::on_hold, text(name_kind()),
             "playbook that tells people: it is held, suspect, or waits for approval"),
       group<Rollout>(
           "after", "Begins only when another rollout has come so far.",
           {field("rollout", &Rollout::after_rollout, text(name_kind()), "name of the other rollout").must(),
            field("stage", &Rollout::after_stage, text(title_kind()), "its stage; by default its end"),
            field("cohort", &Rollout::after_cohort, text(name_kind()),
                  "its stage that reaches this cohort")}),
       field("requires", &Rollout::needs, ranges(),
             "what other apps must be at: { backend: \">=2.3\" }, compared with what everyone has there"),
       field("accept-no-way-back", &Rollout::accept_no_way_back, boolean(),
             "start although some clients cannot be brought back")},
      {}};
  return table;
}

}  // namespace

Codec<Rollout> rollout_codec() { return record<Rollout>(rollout_table); }

}  // namespace tranche::spec
