// Resolving a rollout into a plan: cohorts become rules, the salt is fixed, what cannot be honoured is
// refused.
#include "rollout/plan.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "gate/threshold.hpp"
#include "rollout/argo.hpp"
#include "rollout/feeds.hpp"

namespace tranche::rollout {
namespace {

cohort::Rule rule_of(const spec::App& app, const spec::Stage& stage, const std::string& salt) {
  cohort::Rule rule;
  if (const spec::Cohort* members = app.cohort(stage.cohort)) {
    rule.labels = members->match;
    for (const std::string& id : members->devices) rule.devices.push_back(cohort::listed_hash(salt, id));
    std::sort(rule.devices.begin(), rule.devices.end());
    rule.feed_channel = members->feed_channel;
    // Members that are known by the file they read only: no label may make them everyone.
    if (rule.labels.empty() && rule.devices.empty()) rule.labels["feed-channel"] = {members->feed_channel};
  }
  if (stage.whole()) {
    rule.all = true;
  } else {
    rule.below = cohort::threshold(*stage.percent);
  }
  return rule;
}

// `later` reaches every device that `earlier` does.
bool supersedes(const cohort::Rule& later, const cohort::Rule& earlier) {
  const bool everyone = later.labels.empty() && later.devices.empty();
  const bool same_members = later.labels == earlier.labels && later.devices == earlier.devices;
  if (later.all) return everyone || same_members;
  return same_members && !earlier.all && *earlier.below <= *later.below;
}

// Only what this rollout needs, so that an edit elsewhere in the file does not change the plan.
spec::App reduce(const spec::App& app, const spec::Rollout& rollout) {
  spec::App kept = app;
  const auto keep = [](auto& list, const std::set<std::string>& names) {
    std::erase_if(list, [&](const auto& item) { return !names.contains(item.name); });
  };
  std::set<std::string> gates;
  std::set<std::string> cohorts;
  for (const spec::Stage& stage : rollout.stages) {
    gates.insert(stage.gates.begin(), stage.gates.end());
    cohorts.insert(stage.cohort);
  }
  for (const spec::Cohort& c : app.cohorts)
    if (!c.hold.empty()) cohorts.insert(c.name);
  std::set<std::string> sources;
  for (const spec::Gate& gate : app.gates)
    if (gates.contains(gate.name)) sources.insert(gate.source);
  keep(kept.rollouts, {rollout.name});
  keep(kept.channels, {rollout.channel});
  keep(kept.playbooks, {rollout.on_failure, rollout.on_hold});
  keep(kept.gates, gates);
  const auto keep_named = [&](const doc::Value& with) {  // channel.hold
    const doc::Value* cohort = with.is_object() ? with.find("cohort") : nullptr;
    if (cohort != nullptr && cohort->is_string()) cohorts.insert(cohort->as_string());
  };
  for (const std::string& name : {rollout.on_failure, rollout.on_hold})
    if (const spec::Playbook* playbook = app.playbook(name))
      for (const spec::Step& step : playbook->steps)
        for (const doc::Value* with : {&step.with, &step.verify.with, &step.compensate.with})
          keep_named(*with);
  keep(kept.cohorts, cohorts);
  keep(kept.sources, sources);
  return kept;
}

// What messages say that a release is of.
std::string stream_text(const spec::Rollout& rollout) {
  if (rollout.channel.empty()) return "service '" + rollout.name + "'";
  return "channel '" + rollout.channel + "'";
}

// These targets go back to what they found, whatever the journal knows of it.
bool knows_its_past(const spec::Rollout& rollout) {
  using Kind = spec::Target::Kind;
  return rollout.target.kind == Kind::argo_rollouts || rollout.target.kind == Kind::gitops ||
         rollout.target.kind == Kind::flag;
}

std::string list_unsupported(const std::vector<spec::Unsupported>& items) {
  std::vector<std::string> parts;
  for (const spec::Unsupported& item : items) parts.push_back(item.what);
  return join(parts, ", ");
}

doc::Value to_value(const cohort::Rule& rule) {
  doc::Value out = doc::Value::object();
  doc::Value labels = doc::Value::object();
  for (const auto& [name, values] : rule.labels) {
    doc::Value list = doc::Value::array();
    for (const std::string& value : values) list.push(value);
    labels.set(name, list);
  }
  if (!rule.labels.empty()) out.set("labels", labels);
  if (!rule.devices.empty()) {
    doc::Value list = doc::Value::array();
    for (const std::string& hash : rule.devices) list.push(hash);
    out.set("devices", list);
  }
  if (rule.below) out.set("below", std::to_string(*rule.below));
  if (rule.all) out.set("all", true);
  if (!rule.feed_channel.empty()) out.set("feed-channel", rule.feed_channel);
  return out;
}

doc::Value stages_value(const Plan& plan) {
  doc::Value stages = doc::Value::array();
  for (const PlannedStage& stage : plan.stages) {
    doc::Value gates = doc::Value::array();
    for (const std::string& gate : stage.gates) gates.push(gate);
    stages.push(doc::Value::object({{"name", stage.name},
                                    {"rule", to_value(stage.rule)},
                                    {"randomised", stage.randomised},
                                    {"bake", tranche::to_text(stage.bake)},
                                    {"gates", gates}}));
  }
  return stages;
}

}  // namespace

// A condition that cannot be read would be an error at every poll: it is refused before anything starts.
Result<> check_conditions(const spec::App& app, const spec::Gate& gate) {
  if (gate.kind == spec::Gate::Kind::argo) TRY(read_analysis(app, gate));
  if (gate.kind != spec::Gate::Kind::threshold) return {};
  for (const std::string& condition : {gate.success_condition, gate.failure_condition}) {
    if (condition.empty()) continue;
    if (auto compiled = gate::Condition::compile(condition); !compiled) {
      Error error = std::move(compiled.error()).during("reading the conditions of gate '" + gate.name + "'");
      if (gate.place.line > 0 && !error.mark) error.mark = doc::to_mark(gate.place);
      return fail(std::move(error));
    }
  }
  return {};
}

const spec::Rollout& Plan::spec() const { return *config.rollout(rollout); }

Result<Plan> make_plan(const spec::App& app, const PlanInput& input) {
  const spec::Rollout* rollout = app.rollout(input.rollout);
  if (rollout == nullptr) {
    std::vector<std::string> names;
    for (const spec::Rollout& r : app.rollouts) names.push_back(r.name);
    const std::string near = nearest(input.rollout, names);
    return fail_hint(ErrorKind::invalid,
                     near.empty() ? "there are: " + join(names, ", ") : "did you mean '" + near + "'?",
                     "app '{}' has no rollout '{}'", app.name, printable(input.rollout));
  }
  if (const auto missing = spec::unsupported(app, *rollout); !missing.empty()) {
    Error error(ErrorKind::invalid, fmt::format("not supported yet: {}", list_unsupported(missing)),
                "take it out of tranche.yaml; nothing that is written there is ever ignored");
    if (missing.front().place.line > 0) error.mark = doc::to_mark(missing.front().place);
    return fail(std::move(error));
  }
  for (const cohort::Withdrawn& w : input.current.withdrawn)
    if (w.version == input.release)
      return fail_hint(ErrorKind::invalid, "build the fix under a higher version",
                       "release {} was withdrawn from {}", input.release, stream_text(*rollout));
  if (input.current.baseline == input.release)
    return fail_hint(ErrorKind::invalid, "every device is offered it already",
                     "release {} is the baseline of {}", input.release, stream_text(*rollout));
  if (input.current.offer && input.current.offer->release != input.release &&
      input.current.offer->release != input.supersedes)
    return fail_hint(ErrorKind::conflict, "wait for it, or stop it: tranche stop ROLLOUT --reason TEXT",
                     "channel '{}' is offering release {} already", rollout->channel,
                     input.current.offer->release);

  Plan plan;
  plan.app = app.name;
  plan.channel = rollout->channel;
  plan.rollout = rollout->name;
  plan.release = input.release;
  plan.manifest_sha256 = input.manifest_sha256;
  plan.baseline = input.current.baseline;
  plan.fallback = input.fallback;
  plan.fallback_sha256 = input.fallback_sha256;
  const bool service = rollout->target.kind != spec::Target::Kind::none;
  plan.salt = app.name + "/" + (service ? rollout->name : rollout->channel);
  if (rollout->salt != spec::Rollout::Salt::channel) plan.salt += "/" + input.release;
  if (!input.salt.empty()) plan.salt = input.salt;
  for (const spec::Stage& stage : rollout->stages)
    plan.stages.push_back(
        {stage.name, rule_of(app, stage, plan.salt), !stage.whole(), stage.bake, stage.gates});
  if (plan.stages.empty())
    return fail_hint(ErrorKind::invalid, "write stages, or leave the key out for the default ones",
                     "rollout '{}' has no stages", rollout->name);
  if (!knows_its_past(*rollout) && plan.baseline.empty() && !input.accept_no_way_back &&
      !rollout->accept_no_way_back)
    return fail_hint(
        ErrorKind::invalid,
        "a first release has nothing to fall back to; accept that with --accept-no-way-back, once",
        "{} has no earlier release: a bad {} could {}", stream_text(*rollout), input.release,
        service ? "not be taken back" : "be withdrawn, but not taken back");
  if (!knows_its_past(*rollout) && plan.baseline.empty())
    plan.warnings.push_back(service ? "no way back: there is no release before " + input.release
                                    : "no way back: devices that take " + input.release +
                                          " keep it if it is withdrawn");
  for (const PlannedStage& stage : plan.stages)
    for (const std::string& name : stage.gates)
      if (const spec::Gate* gate = app.gate(name); gate != nullptr) TRY(check_conditions(app, *gate));
  for (const std::string& gate : spec::unbounded_gates(app, *rollout))
    plan.warnings.push_back("gate '" + gate + "' is a threshold: it promises nothing about false alarms");
  plan.config = reduce(app, *rollout);
  const bool accepted = input.accept_no_way_back || rollout->accept_no_way_back;
  TRY(check_feeds(plan, accepted));
  for (const FeedProblem& problem : feed_problems(plan, accepted)) plan.warnings.push_back(problem.what);
  return plan;
}

doc::Value to_value(const Plan& plan) {
  doc::Value warnings = doc::Value::array();
  for (const std::string& warning : plan.warnings) warnings.push(warning);
  doc::Value out = doc::Value::object({{"schema", "tranche/plan/v1"},
                                       {"app", plan.app},
                                       {"channel", plan.channel},
                                       {"rollout", plan.rollout},
                                       {"release", plan.release},
                                       {"manifest-sha256", plan.manifest_sha256},
                                       {"baseline", plan.baseline},
                                       {"salt", plan.salt},
                                       {"stages", stages_value(plan)},
                                       {"warnings", warnings},
                                       {"config", spec::to_value(plan.config)}});
  if (!plan.trust_keys.empty()) {
    doc::Value keys = doc::Value::object();
    for (const auto& [role, list] : plan.trust_keys) keys.set(role, doc::Array(list.begin(), list.end()));
    out.set("trust-keys", std::move(keys));
  }
  if (!plan.fallback.empty())
    out.set("fallback",
            doc::Value::object({{"version", plan.fallback}, {"manifest-sha256", plan.fallback_sha256}}));
  return out;
}

Result<Plan> plan_from_value(const doc::Value& value) {
  if (TRY(value.text("schema")) != "tranche/plan/v1")
    return fail_hint(ErrorKind::invalid, "a newer tranche wrote it: update this one",
                     "the plan has an unknown schema");
  Plan plan;
  plan.app = TRY(value.text("app"));
  plan.channel = TRY(value.text("channel"));
  plan.rollout = TRY(value.text("rollout"));
  plan.release = TRY(value.text("release"));
  plan.manifest_sha256 = TRY(value.text("manifest-sha256"));
  plan.baseline = TRY(value.text("baseline"));
  plan.salt = TRY(value.text("salt"));
  if (value.find("fallback") != nullptr) {
    const doc::Value* fallback = TRY(value.object_at("fallback"));
    plan.fallback = TRY(fallback->text("version"));
    plan.fallback_sha256 = TRY(fallback->text("manifest-sha256"));
  }
  if (value.find("trust-keys") != nullptr)
    for (const doc::Member& role : TRY(value.object_at("trust-keys"))->as_object()) {
      if (!role.value.is_array()) return fail(ErrorKind::verification, "the plan's keys are no lists");
      for (const doc::Value& key : role.value.as_array()) {
        if (!key.is_string()) return fail(ErrorKind::verification, "the plan holds a key that is no text");
        plan.trust_keys[role.key].push_back(key.as_string());
      }
    }
  const doc::Value* config = TRY(value.object_at("config"));
  plan.config = TRY(spec::from_value(*config));
  // Reading fills in what is always there (the playbook `rollback`), needed here or not.
  if (const spec::Rollout* named = plan.config.rollout(plan.rollout); named != nullptr)
    plan.config = reduce(plan.config, *named);
  const spec::Rollout* rollout = plan.config.rollout(plan.rollout);
  const doc::Value* stages = TRY(value.array_at("stages"));
  if (rollout == nullptr || rollout->stages.size() != stages->as_array().size() || rollout->stages.empty())
    return fail(ErrorKind::verification, "the plan's stages and its configuration differ");
  for (const spec::Stage& stage : rollout->stages)
    plan.stages.push_back(
        {stage.name, rule_of(plan.config, stage, plan.salt), !stage.whole(), stage.bake, stage.gates});
  const doc::Value* warnings = TRY(value.array_at("warnings"));
  for (const doc::Value& warning : warnings->as_array())
    if (warning.is_string()) plan.warnings.push_back(warning.as_string());
  // The rules are derived anew; were the arithmetic ever to change, a running rollout must notice rather than
  // shift. Keys that a newer tranche gives the configuration have their defaults.
  if (TRY(doc::canonical_json(stages_value(plan))) != TRY(doc::canonical_json(*stages)))
    return fail(ErrorKind::verification, "the plan does not read back as it was written");
  return plan;
}

Result<std::string> plan_digest(const doc::Value& document) {
  return crypto::to_hex(crypto::sha256(TRY(doc::canonical_json(document))));
}
Result<std::string> plan_digest(const Plan& plan) { return plan_digest(to_value(plan)); }

std::vector<cohort::Rule> rules_at(const Plan& plan, std::size_t stage) {
  std::vector<cohort::Rule> rules;
  for (std::size_t i = 0; i <= stage && i < plan.stages.size(); ++i) {
    std::erase_if(rules,
                  [&](const cohort::Rule& earlier) { return supersedes(plan.stages[i].rule, earlier); });
    rules.push_back(plan.stages[i].rule);
  }
  return rules;
}

Percent share_at(const Plan& plan, std::size_t stage) {
  Percent share;
  for (std::size_t i = 0; i <= stage && i < plan.stages.size(); ++i) {
    const spec::Stage& s = plan.spec().stages[i];
    if (s.cohort.empty()) share = std::max(share, s.percent.value_or(Percent{Percent::whole}));
  }
  return share;
}

std::string carrier_text(const spec::Rollout& rollout) {
  switch (rollout.target.kind) {
    case spec::Target::Kind::argo_rollouts:
      return "by target 'argo-rollouts'";
    case spec::Target::Kind::gitops:
      return "by target 'gitops'";
    case spec::Target::Kind::command:
      return "by target 'command'";
    case spec::Target::Kind::flag:
      return "by target 'flag'";
    case spec::Target::Kind::none:
      break;
  }
  return "on channel '" + rollout.channel + "'";
}

std::string reach_text(const Plan& plan, std::size_t stage) {
  const spec::Stage& s = plan.spec().stages[stage];
  const std::string share = s.whole() ? "100%" : tranche::to_text(*s.percent);
  if (s.cohort.empty()) return share;
  return (s.whole() ? "all" : share) + " of " + s.cohort;
}

}  // namespace tranche::rollout
