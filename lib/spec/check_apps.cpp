// What the rollouts of one app say of those of another: whom they wait for, what they need there, in which
// order they are taken back.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "spec/meaning.hpp"

namespace tranche::spec {
namespace {

struct AppsCheck {
  const std::vector<App>& apps;
  Problems& problems;

  [[nodiscard]] const Rollout* find(std::string_view name) const {
    for (const App& app : apps)
      if (const Rollout* rollout = app.rollout(name)) return rollout;
    return nullptr;
  }
  [[nodiscard]] std::vector<std::string> all_rollouts() const {
    std::vector<std::string> names;
    for (const App& app : apps)
      for (const Rollout& rollout : app.rollouts) names.push_back(rollout.name);
    return names;
  }

  // Whom a rollout waits for must be one of the file, and say one thing by its name.
  void check_after(const Rollout& rollout) const {
    if (rollout.after_rollout.empty()) return;
    const std::vector<std::string> names = all_rollouts();
    const auto count = std::ranges::count(names, rollout.after_rollout);
    if (count == 0)
      problems.add(rollout.place,
                   fmt::format("rollout '{}' waits for rollout '{}', which no app defines", rollout.name,
                               printable(rollout.after_rollout, 64)),
                   name_hint(rollout.after_rollout, names, "rollout"));
    if (count > 1)
      problems.add(rollout.place,
                   fmt::format("rollout '{}' waits for rollout '{}', and {} apps have one", rollout.name,
                               rollout.after_rollout, count),
                   "give each a name of its own");
  }

  void check_cycle(const Rollout& rollout) const {
    std::set<std::string> seen{rollout.name};
    for (const Rollout* next = find(rollout.after_rollout); next != nullptr;
         next = find(next->after_rollout)) {
      if (next->name == rollout.name)
        problems.add(rollout.place,
                     fmt::format("rollout '{}' waits for itself, by way of others", rollout.name),
                     "let one of them wait for nobody");
      if (!seen.insert(next->name).second) return;
    }
  }

  void check_needs(const App& app, const Rollout& rollout) const {
    for (const auto& [name, range] : rollout.needs) {
      if (name == app.name)
        problems.add(rollout.place,
                     fmt::format("rollout '{}' requires a version of its own app", rollout.name),
                     "name another app");
      else if (std::ranges::find(apps, name, &App::name) == apps.end())
        problems.add(rollout.place,
                     fmt::format("rollout '{}' requires app '{}', which the file does not have", rollout.name,
                                 printable(name, 64)),
                     name_hint(name, names_of(apps), "app"));
    }
  }

  void check_undo_order(const App& app) const {
    const std::vector<std::string> names = all_rollouts();
    std::set<std::string> seen;
    for (const std::string& name : app.undo_order) {
      if (std::ranges::find(names, name) == names.end())
        problems.add(app.place,
                     fmt::format("undo-order names rollout '{}', which no app defines", printable(name, 64)),
                     name_hint(name, names, "rollout"));
      if (!seen.insert(name).second)
        problems.add(app.place, fmt::format("undo-order names rollout '{}' twice", printable(name, 64)),
                     "name it once");
    }
  }
};

}  // namespace

void check_apps(const std::vector<App>& apps, Problems& problems) {
  const AppsCheck check{apps, problems};
  for (const App& app : apps) {
    for (const Rollout& rollout : app.rollouts) {
      check.check_after(rollout);
      check.check_cycle(rollout);
      check.check_needs(app, rollout);
    }
    check.check_undo_order(app);
  }
}

void check_named_rollouts(const std::vector<App>& apps, Problems& problems) {
  for (const App& app : apps)
    for (const Playbook& playbook : app.playbooks)
      for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
        const Step& step = playbook.steps[i];
        const auto look = [&](const std::string& uses, const doc::Value& with) {
          const doc::Value* name = with.is_object() ? with.find("rollout") : nullptr;
          if (!uses.starts_with("rollout.") || name == nullptr || !name->is_string() ||
              name->as_string().find('$') != std::string::npos || app.rollout(name->as_string()) != nullptr)
            return;
          problems.add(name->place,
                       fmt::format("unknown rollout '{}' in step {} of playbook '{}'",
                                   printable(name->as_string(), 64), i + 1, playbook.name),
                       name_hint(name->as_string(), names_of(app.rollouts), "rollout"));
        };
        look(step.uses, step.with);
        look(step.verify.uses, step.verify.with);
        look(step.compensate.uses, step.compensate.with);
      }
}

}  // namespace tranche::spec
