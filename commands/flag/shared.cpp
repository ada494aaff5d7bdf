#include "commands/flag/shared.hpp"

#include "base/text.hpp"

namespace tranche::commands {

Result<const spec::Flag*> find_flag(const spec::App& app, std::string_view name) {
  if (const spec::Flag* flag = app.flag(name)) return flag;
  std::vector<std::string> names;
  for (const spec::Flag& flag : app.flags) names.push_back(flag.name);
  const std::string near = nearest(name, names);
  return fail_hint(ErrorKind::invalid,
                   near.empty() ? "declare it under flags:" : "did you mean '" + near + "'?",
                   "app '{}' has no flag '{}'", app.name, printable(name, 64));
}

}  // namespace tranche::commands
