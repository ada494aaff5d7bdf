// From text to Spec: parse, merge includes, bind by the tables, fill defaults, check meaning. Every stage
// adds to one list of problems, so that a user sees all errors of the file at once.
#include <algorithm>

#include "spec/argo_files.hpp"
#include "spec/grammar.hpp"
#include "spec/include.hpp"
#include "spec/meaning.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

constexpr std::size_t max_file_bytes = 1 << 20;
constexpr std::size_t max_list_bytes = 16 << 20;  // 100,000 ids of 128 bytes

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The app's own keys and those at the top that it lacks.
Value merged(const Value& own, const Value& top) {
  Value out = Value::object();
  out.place = own.place;
  for (const Value* part : {&own, &top}) {
    if (!part->is_object()) continue;
    for (const Member& member : part->as_object())
      if (app_table().find(member.key) != nullptr && out.find(member.key) == nullptr)
        out.as_object().push_back(member);
  }
  return out;
}

// Apps that share the state at the top keep a log each, below their names.
void part_state(App& app) {
  if (app.state.kind == State::Kind::git)
    app.state.directory = app.name;
  else
    app.state.path += "/" + app.name;
}

// Binds one document that holds the keys of Root, of App, and `apps`.
std::vector<App> bind_apps(const Value& document, const std::string& repository, const ReadList& read_list,
                           Problems& problems) {
  Reader reader{problems, read_list, {}, {}};
  if (!document.is_object()) {
    problems.add(document.place, fmt::format("the file must be a map, not {}", document.kind_name()),
                 "begin with `version: 1` and `app: NAME`");
    return {};
  }
  Root root;
  App shared;
  shared.place = document.place;
  std::vector<std::string> beside = app_table().keys();
  beside.emplace_back("apps");
  root_table().read(document, root, reader, document.place, beside);
  const Value at_top = merged(document, Value());
  app_table().read(at_top, shared, reader, document.place);

  const Value* apps = document.find("apps");
  if (apps == nullptr) {
    if (document.find("app") == nullptr)
      report_missing_key(document.place, "app", "name of the app; or give `apps`", reader);
    shared.name = root.app;
    std::vector<App> out{std::move(shared)};
    fill_defaults(out.front(), at_top);
    check_meaning(out.front(), at_top, repository, problems);
    return out;
  }
  if (const Value* app = document.find("app"); app != nullptr)
    problems.add(app->place, "app and apps together", "keep `apps` and name the app there");
  reader.key = "apps";
  if (!check_names(*apps, "app", reader)) return {};
  if (apps->as_object().empty()) reader.bad_value(*apps, "the map is empty", "name at least one app");
  std::vector<App> out;
  for (const Member& member : apps->as_object()) {
    App app = shared;
    app.name = member.key;
    app.place = member.key_place;
    reader.where = {fmt::format("app '{}'", printable(member.key, 64))};
    reader.key = member.key;
    app_table().read(member.value, app, reader, member.key_place);
    reader.where.clear();
    if (apps->as_object().size() > 1 && member.value.find("state") == nullptr) part_state(app);
    const Value own = merged(member.value, at_top);
    fill_defaults(app, own);
    check_meaning(app, own, repository, problems);
    out.push_back(std::move(app));
  }
  check_apps(out, problems);
  return out;
}

Result<std::vector<std::string>> read_ids(ports::Files& files, const std::string& repository,
                                          const std::string& path) {
  const std::string whole = TRY(path_inside(files, repository, path));
  const auto text = TRY(files.read(whole, max_list_bytes));
  if (!text)
    return fail_hint(ErrorKind::invalid, "one device id a line", "no file '{}'", printable(path, 64));
  std::vector<std::string> ids;
  int number = 0;
  for (const std::string_view raw : split(*text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.starts_with('#')) continue;
    if (auto checked = check_device_id(line); !checked)
      return fail_hint(ErrorKind::invalid, checked.error().hint, "line {} of '{}': {}", number,
                       printable(path, 64), checked.error().message);
    ids.emplace_back(line);
    if (ids.size() > 100'000)
      return fail_hint(ErrorKind::invalid, "select so many by a label", "more than 100,000 ids in '{}'",
                       printable(path, 64));
  }
  return ids;
}

}  // namespace

Result<Spec> load(ports::Files& files, const std::string& path) {
  const auto text = TRY_WHILE("reading " + printable(path), files.read(path, max_file_bytes));
  if (!text)
    return fail_hint(ErrorKind::invalid, "run `tranche init`, or name the file with --file", "no file '{}'",
                     printable(path));
  Value document = TRY(doc::parse_yaml(*text, path));
  Spec spec;
  spec.file = path;
  spec.repository = directory_of(path);
  Problems problems;
  merge_includes(files, spec.repository, document, problems);
  const std::string repository = TRY(files.real_path(spec.repository));
  spec.apps = bind_apps(
      document, repository,
      [&](const std::string& list_path) { return read_ids(files, spec.repository, list_path); }, problems);
  check_named_rollouts(spec.apps, problems);
  for (App& app : spec.apps) read_argo_files(files, spec.repository, app, problems);
  if (!problems.empty()) return fail(problems.take());
  return spec;
}

Result<Spec> parse(std::string_view yaml, const std::string& file) {
  const Value document = TRY(doc::parse_yaml(yaml, file));
  Spec spec;
  spec.file = file;
  spec.repository = directory_of(file);
  Problems problems;
  if (const Value* include = document.find("include"); include != nullptr)
    problems.add(include->place, "include is not possible here", "put everything into one text");
  spec.apps = bind_apps(document, {}, nullptr, problems);
  check_named_rollouts(spec.apps, problems);
  if (!problems.empty()) return fail(problems.take());
  return spec;
}

Result<std::vector<Gate>> parse_gates(std::string_view yaml, const std::string& file) {
  const Value document = TRY(doc::parse_yaml(yaml, file));
  Problems problems;
  Reader reader{problems, nullptr, {}, {}};
  GatesFile gates;
  if (!document.is_object())
    problems.add(document.place, fmt::format("the file must be a map, not {}", document.kind_name()),
                 "begin with `version: 1` and `gates:`");
  else
    gates_file_table().read(document, gates, reader, document.place);
  App app;
  app.gates = std::move(gates.gates);
  check_gates(app, document, problems);
  if (!problems.empty()) return fail(problems.take());
  return std::move(app.gates);
}

doc::Value to_value(const App& app) {
  Object out;
  out.push_back({"version", Value(1), {}});
  out.push_back({"app", Value(app.name), {}});
  Value keys = app_table().write(app);
  for (Member& member : keys.as_object()) out.push_back(std::move(member));
  return Value(std::move(out));
}

Result<App> from_value(const doc::Value& value) {
  Problems problems;
  if (value.find("apps") != nullptr || value.find("include") != nullptr)
    return fail_hint(ErrorKind::invalid, "give the document of one app",
                     "apps and include are not possible here");
  std::vector<App> apps = bind_apps(value, {}, nullptr, problems);
  if (!problems.empty()) return fail(problems.take());
  return std::move(apps.front());
}

}  // namespace tranche::spec
