// Stages: the rules of a rollout are cumulative (FEED.md), so a stage must reach somebody that the ones
// before it do not; and a comparison needs a control arm that chance has made.
#include <algorithm>
#include <map>

#include "spec/meaning.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

constexpr std::uint32_t all_of_it = Percent::whole;

std::uint32_t reach(const Stage& stage) { return stage.percent ? stage.percent->ppm : all_of_it; }

struct RolloutCheck {
  const App& app;
  const Value& document;
  Problems& problems;
  const Rollout& rollout;

  [[nodiscard]] Place at(std::string_view key) const {
    return find_at(document, {"rollouts", rollout.name, key})
               ? place_at(document, {"rollouts", rollout.name, key})
               : rollout.place;
  }
  [[nodiscard]] Place at_stage(std::size_t i, std::string_view key) const {
    return place_at(document, {"rollouts", rollout.name, "stages", i, key});
  }
  [[nodiscard]] std::string where(std::size_t i) const {
    return fmt::format("stage '{}' of rollout '{}'", printable(rollout.stages[i].name, 64), rollout.name);
  }

  void check_reach(std::size_t i, std::map<std::string, std::uint32_t>& reached) const {
    const Stage& stage = rollout.stages[i];
    const std::uint32_t now = reach(stage);
    const auto everyone = reached.find("");
    const auto same = reached.find(stage.cohort);
    const char* key = stage.percent ? "percent" : "cohort";
    if (same != reached.end() && now == same->second) {
      problems.add(at_stage(i, key),
                   fmt::format("{} is a duplicate: it reaches whom an earlier stage reaches", where(i)),
                   "remove it, or lengthen the bake of the earlier one");
    } else if (same != reached.end() && now < same->second) {
      problems.add(at_stage(i, key),
                   fmt::format("{} shrinks: {} after {}", where(i), to_text(Percent{now}),
                               to_text(Percent{same->second})),
                   "exposure only grows: order the stages by percent");
    } else if (everyone != reached.end() && now <= everyone->second) {
      problems.add(at_stage(i, key),
                   fmt::format("{} reaches nobody new: everyone is at {} already", where(i),
                               to_text(Percent{everyone->second})),
                   "move it before that stage, or raise its percent");
    }
    if (same == reached.end() || now > same->second) reached[stage.cohort] = now;
  }

  void check_stage_gates(std::size_t i) const {
    const Stage& stage = rollout.stages[i];
    for (std::size_t g = 0; g < stage.gates.size(); ++g) {
      const std::string& name = stage.gates[g];
      const Place place = place_at(document, {"rollouts", rollout.name, "stages", i, "gates", g});
      const Gate* gate = app.gate(name);
      if (gate == nullptr) {
        problems.add(place, fmt::format("unknown gate '{}' in {}", printable(name, 64), where(i)),
                     name_hint(name, names_of(app.gates), "gate"));
      } else if (gate->kind == Gate::Kind::compare && stage.whole()) {
        problems.add(
            place,
            fmt::format("gate '{}' compares arms, and {} has no control: all of {} is exposed", name,
                        where(i),
                        stage.cohort.empty() ? "the fleet" : fmt::format("cohort '{}'", stage.cohort)),
            "a compare gate needs a randomised control: ask it at a stage with a percent below 100, "
            "or a threshold gate here");
      }
      if (std::find(stage.gates.begin(), stage.gates.begin() + static_cast<std::ptrdiff_t>(g), name) !=
          stage.gates.begin() + static_cast<std::ptrdiff_t>(g))
        problems.add(place, fmt::format("gate '{}' twice in {}", printable(name, 64), where(i)),
                     "name it once");
    }
  }

  void check_stages() const {
    std::map<std::string, std::uint32_t> reached;  // by cohort; "" is everyone
    std::map<std::string, std::size_t> names;
    for (std::size_t i = 0; i < rollout.stages.size(); ++i) {
      const Stage& stage = rollout.stages[i];
      const Value* written = find_at(document, {"rollouts", rollout.name, "stages", i});
      if (written != nullptr && problems.touches(*written)) continue;
      const std::size_t before = problems.count();
      check_reach(i, reached);
      if (!names.emplace(stage.name, i).second && problems.count() == before)
        problems.add(at_stage(i, "name"), fmt::format("{} has the name of an earlier one", where(i)),
                     "give it a `name:` of its own");
      if (!stage.cohort.empty() && app.cohort(stage.cohort) == nullptr)
        problems.add(at_stage(i, "cohort"),
                     fmt::format("unknown cohort '{}' in {}", printable(stage.cohort, 64), where(i)),
                     name_hint(stage.cohort, names_of(app.cohorts), "cohort"));
      check_stage_gates(i);
      const bool known = std::any_of(app.people.begin(), app.people.end(),
                                     [&](const People& people) { return people.name == stage.approval; });
      if (!stage.approval.empty() && !known)
        problems.add(at_stage(i, "approval"),
                     fmt::format("unknown people '{}' in {}", printable(stage.approval, 64), where(i)),
                     app.people.empty() ? "add them under `people:`"
                                        : name_hint(stage.approval, names_of(app.people), "people"));
    }
  }

  // It takes a channel, or a target; targets know no cohorts.
  void check_carrier() const {
    if (rollout.target.kind != Target::Kind::none) {
      if (!rollout.channel.empty())
        problems.add(at("target"), fmt::format("rollout '{}' has a channel and a target", rollout.name),
                     "make two rollouts of it, and let one wait: after: { rollout: NAME }");
      for (std::size_t i = 0; i < rollout.stages.size(); ++i)
        if (!rollout.stages[i].cohort.empty())
          problems.add(at_stage(i, "cohort"),
                       fmt::format("{} names a cohort, and a target knows none", where(i)),
                       "services are exposed by percent");
      if (rollout.target.kind == Target::Kind::flag) check_target_flag();
      check_target_digest();
      check_target_gates();
      check_target_playbook();
      return;
    }
    if (rollout.channel.empty() && !app.channels.empty()) {
      if (app.channels.size() > 1)
        problems.add(rollout.place,
                     fmt::format("rollout '{}' names no channel, and there are several", rollout.name),
                     "add `channel:`, one of: " + join(names_of(app.channels), ", "));
    } else if (!rollout.channel.empty() && app.channel(rollout.channel) == nullptr) {
      problems.add(
          at("channel"),
          fmt::format("unknown channel '{}' in rollout '{}'", printable(rollout.channel, 64), rollout.name),
          name_hint(rollout.channel, names_of(app.channels), "channel"));
    } else if (rollout.channel.empty()) {
      problems.add(rollout.place, fmt::format("rollout '{}' has no channel", rollout.name),
                   "add one: channels: { stable: { store: \"dir:public/stable\" } }");
    }
  }

  // What takes channels back does nothing for a service, and would let a bad one stay.
  void check_target_playbook() const {
    const Playbook* playbook = app.playbook(rollout.on_failure);
    if (playbook == nullptr) return;
    for (const Step& step : playbook->steps) {
      if (!step.uses.starts_with("channel.")) continue;
      problems.add(at("on-failure"),
                   fmt::format("playbook '{}' uses {}, and rollout '{}' has no channel", playbook->name,
                               step.uses, rollout.name),
                   "write a playbook with `uses: target.undo`, and name it: on-failure: NAME");
      return;
    }
  }

  // Releases hold files; no digest of an image stands in them.
  void check_target_digest() const {
    const auto names = [](const std::string& text) { return text.find("{digest}") != std::string::npos; };
    const Target& target = rollout.target;
    if (!names(target.image) && std::none_of(target.edits.begin(), target.edits.end(),
                                             [&](const Target::Edit& edit) { return names(edit.value); }))
      return;
    problems.add(at("target"),
                 fmt::format("the target of rollout '{}' asks for {{digest}}, and a release knows no digest "
                             "of an image",
                             rollout.name),
                 "write {version}, and push images under it that nobody moves");
  }

  // `serve` counts the devices of a channel.
  void check_target_gates() const {
    for (std::size_t i = 0; i < rollout.stages.size(); ++i)
      for (const std::string& name : rollout.stages[i].gates) {
        const Gate* gate = app.gate(name);
        const Source* source = gate == nullptr ? nullptr : app.source(gate->source);
        if (source == nullptr || source->kind != Source::Kind::serve) continue;
        problems.add(at_stage(i, "gates"),
                     fmt::format("gate '{}' in {} reads source '{}', which counts devices of a channel", name,
                                 where(i), source->name),
                     "ask a source that knows the service, or write gates: []");
        return;
      }
  }

  void check_target_flag() const {
    const Flag* flag = app.flag(rollout.target.flag);
    if (flag == nullptr)
      problems.add(
          at("target"),
          fmt::format("unknown flag '{}' in rollout '{}'", printable(rollout.target.flag, 64), rollout.name),
          name_hint(rollout.target.flag, names_of(app.flags), "flag"));
    else if (flag->type != Flag::Type::number)
      problems.add(at("target"), fmt::format("flag '{}' is no number: it cannot hold a percent", flag->name),
                   "give it type: number");
  }

  void check_after() const {
    if (rollout.after_rollout == rollout.name)
      problems.add(place_at(document, {"rollouts", rollout.name, "after", "rollout"}),
                   fmt::format("rollout '{}' waits for itself", rollout.name), "name another rollout");
    if (!rollout.after_stage.empty() && !rollout.after_cohort.empty())
      problems.add(place_at(document, {"rollouts", rollout.name, "after", "cohort"}),
                   fmt::format("rollout '{}' waits for a stage and for a cohort", rollout.name),
                   "name one of them");
    const Rollout* other = app.rollout(rollout.after_rollout);
    if (other == nullptr) return;
    const auto check = [&](std::string_view key, const std::string& wanted, std::vector<std::string> names) {
      if (wanted.empty() || std::find(names.begin(), names.end(), wanted) != names.end()) return;
      problems.add(place_at(document, {"rollouts", rollout.name, "after", key}),
                   fmt::format("unknown {} '{}' of rollout '{}'", key, printable(wanted, 64), other->name),
                   name_hint(wanted, names, key));
    };
    std::vector<std::string> cohorts;
    for (const Stage& stage : other->stages)
      if (!stage.cohort.empty()) cohorts.push_back(stage.cohort);
    std::vector<std::string> stages = names_of(other->stages);
    stages.insert(stages.end(), cohorts.begin(), cohorts.end());  // a cohort stands for its stage
    check("stage", rollout.after_stage, std::move(stages));
    check("cohort", rollout.after_cohort, std::move(cohorts));
  }

  void check_playbook_name(std::string_view key, const std::string& name) const {
    if (app.playbook(name) == nullptr)
      problems.add(at(key),
                   fmt::format("unknown playbook '{}' in rollout '{}'", printable(name, 64), rollout.name),
                   name_hint(name, names_of(app.playbooks), "playbook"));
  }

  void run() const {
    check_carrier();
    check_playbook_name("on-failure", rollout.on_failure);
    if (!rollout.on_hold.empty()) check_playbook_name("on-hold", rollout.on_hold);
    check_after();
    check_stages();
  }
};

}  // namespace

void check_rollouts(const App& app, const Value& document, Problems& problems) {
  for (const Rollout& rollout : app.rollouts) RolloutCheck{app, document, problems, rollout}.run();
}

}  // namespace tranche::spec
