#include "actions/behaviour.hpp"

#include <algorithm>
#include <map>

#include "artifact/collect.hpp"
#include "attest/model.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

using Entries = std::map<std::pair<std::string, std::string>, artifact::Behaviour>;  // by kind and name

Result<artifact::Behaviour> digest_model(ports::Files& files, const artifact::RepositoryPath& model) {
  attest::Serialization how;
  how.ignore_paths = attest::usual_ignored_paths();
  how.ignore_paths.emplace_back("model.sig");
  const attest::MeasuredModel measured = TRY(attest::measure_model(files, model.real, how));
  if (!measured.problems.empty())
    return fail_hint(ErrorKind::invalid, "put a copy of the file there", "'{}' of model '{}' is {}",
                     printable(measured.problems[0].path), printable(model.path),
                     measured.problems[0].detail);
  const attest::Statement statement = TRY(attest::to_statement(measured.model));
  return artifact::Behaviour{.name = model.path,
                             .kind = "model",
                             .size = measured.size,
                             .sha256 = *statement.subjects[0].digest("sha256")};
}

Result<> add(ports::Files& files, const std::string& repository, const std::string& kind,
             const std::string& pattern, Entries& entries) {
  std::vector<std::string> paths;
  std::vector<artifact::Behaviour> found;
  for (const artifact::RepositoryPath& one : TRY(artifact::find_paths(files, repository, pattern))) {
    if (!one.is_directory) {
      paths.push_back(one.real);
      found.push_back({.name = one.path, .kind = kind});
    } else if (kind == "model") {
      entries[{kind, one.path}] = TRY(digest_model(files, one));
    } else {
      return fail_hint(ErrorKind::invalid, fmt::format("name its files: '{}/*'", printable(one.path)),
                       "'{}' is a directory", printable(one.path));
    }
  }
  const auto digests = TRY(artifact::digest_files(files, paths));
  for (std::size_t i = 0; i < found.size(); ++i) {
    found[i].size = digests[i].size;
    found[i].sha256 = digests[i].sha256;
    entries[{kind, found[i].name}] = std::move(found[i]);
  }
  return {};
}

}  // namespace

Result<std::vector<artifact::Behaviour>> collect_behaviour(ports::Files& files, const std::string& repository,
                                                           const spec::Behaviour& wanted) {
  const std::pair<const char*, const std::vector<std::string>*> kinds[] = {{"prompt", &wanted.prompts},
                                                                           {"parameter", &wanted.parameters},
                                                                           {"tool", &wanted.tools},
                                                                           {"model", &wanted.models}};
  Entries entries;
  std::vector<Error> errors;
  for (const auto& [kind, patterns] : kinds)
    for (const std::string& pattern : *patterns) {
      auto added = add(files, repository, kind, pattern, entries);
      if (added) continue;
      Error error = std::move(added.error()).during("reading behaviour:");
      if (!error.mark && wanted.place.line > 0) error.mark = doc::to_mark(wanted.place);
      errors.push_back(std::move(error));
    }
  if (!errors.empty()) {
    Error first = std::move(errors.front());
    first.others.assign(std::make_move_iterator(errors.begin() + 1), std::make_move_iterator(errors.end()));
    return fail(std::move(first));
  }
  std::vector<artifact::Behaviour> list;
  for (auto& [key, entry] : entries) list.push_back(std::move(entry));
  return list;
}

std::vector<std::string> describe_behaviour_change(const std::vector<artifact::Behaviour>& before,
                                                   const std::vector<artifact::Behaviour>& after) {
  Entries was, is;
  for (const auto& one : before) was[{one.kind, one.name}] = one;
  for (const auto& one : after) is[{one.kind, one.name}] = one;
  std::vector<std::string> lines;
  for (const auto& [key, one] : is) {
    const auto old = was.find(key);
    if (old == was.end())
      lines.push_back(fmt::format("{} '{}' is new", one.kind, printable(one.name)));
    else if (old->second.sha256 != one.sha256)
      lines.push_back(fmt::format("{} '{}' changed", one.kind, printable(one.name)));
  }
  for (const auto& [key, one] : was)
    if (!is.contains(key)) lines.push_back(fmt::format("{} '{}' is gone", one.kind, printable(one.name)));
  return lines;
}

}  // namespace tranche::actions
