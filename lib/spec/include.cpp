#include "spec/include.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "spec/grammar.hpp"

namespace tranche::spec {
namespace {

constexpr std::size_t max_file_bytes = 1 << 20;
constexpr std::size_t max_matches_seen = 4096;  // names in directories that a glob looks at

bool is_glob(std::string_view part) { return part.find_first_of("*?[") != std::string_view::npos; }

// Paths below `repository` that match, sorted; a path without wildcards as it is. `**` is refused: it would
// walk the whole tree.
Result<std::vector<std::string>> expand(ports::Files& files, const std::string& repository,
                                        const std::string& pattern) {
  if (pattern.find("**") != std::string::npos)
    return fail_hint(ErrorKind::invalid, "name the directories: ops/*.yaml",
                     "'**' is not possible in include");
  std::vector<std::string> found{""};
  std::size_t seen = 0;
  const std::string normal = normal_path(pattern);
  for (const std::string_view part : split(normal, '/')) {
    std::vector<std::string> next;
    for (const std::string& base : found) {
      const auto below = [&](std::string_view name) {
        return base.empty() ? std::string(name) : base + "/" + std::string(name);
      };
      if (!is_glob(part)) {
        next.push_back(below(part));
        continue;
      }
      const std::string directory = TRY(path_inside(files, repository, base.empty() ? "." : base));
      const auto info = TRY(files.info(directory));
      if (!info || info->kind != ports::FileInfo::Kind::directory) continue;
      for (const std::string& name : TRY(files.list(directory))) {
        if (++seen > max_matches_seen)
          return fail_hint(ErrorKind::invalid, "keep included files in a directory of their own",
                           "'{}' looks at more than {} files", printable(pattern, 64), max_matches_seen);
        if (!name.starts_with('.') && glob_match(part, name)) next.push_back(below(name));
      }
    }
    found = std::move(next);
  }
  std::sort(found.begin(), found.end());
  if (found.empty())
    return fail_hint(ErrorKind::invalid, "correct the pattern or remove it", "no file matches '{}'",
                     printable(pattern, 64));
  return found;
}

void merge_member(Value& document, const doc::Member& member, Problems& problems) {
  Value* mine = document.find(member.key);
  if (mine == nullptr) {
    document.as_object().push_back(member);
    return;
  }
  // A map of names is open for more of them; sbom, trust, signing and state are one thing each.
  static const std::vector<std::string> open{"apps",  "people",   "channels",  "cohorts", "sources",
                                             "gates", "rollouts", "playbooks", "flags"};
  const bool named = std::find(open.begin(), open.end(), member.key) != open.end();
  if (member.key == "artifacts" && mine->is_array() && member.value.is_array()) {
    for (const Value& item : member.value.as_array()) mine->push(item);
  } else if (named && mine->is_object() && member.value.is_object()) {
    for (const doc::Member& inner : member.value.as_object()) {
      const Value* other = mine->find(inner.key);
      if (other == nullptr) {
        mine->as_object().push_back(inner);
        continue;
      }
      problems.add(
          inner.key_place, fmt::format("'{}' is defined twice in {}", printable(inner.key, 64), member.key),
          fmt::format("the other is at {}:{}; rename or remove one",
                      other->place.source ? printable(other->place.source->file) : "?", other->place.line));
    }
  } else {
    problems.add(member.key_place, fmt::format("key '{}' is given twice", printable(member.key, 64)),
                 "keep it in one of the files");
  }
}

void merge_file(ports::Files& files, const std::string& repository, const std::string& path,
                const Place& asked_at, Value& document, Problems& problems) {
  const auto refuse = [&](const std::string& message, const std::string& hint) {
    problems.add(asked_at, message, hint);
  };
  const auto whole = path_inside(files, repository, path);
  if (!whole) return refuse(whole.error().message, whole.error().hint);
  const auto text = files.read(*whole, max_file_bytes);
  if (!text) return refuse(text.error().message, "included files have at most 1 MiB");
  if (!*text)
    return refuse(fmt::format("no file '{}'", printable(path, 64)), "correct the path or remove it");
  const std::string shown = repository == "." ? path : repository + "/" + path;
  const auto part = doc::parse_yaml(**text, shown);
  if (!part) {
    problems.add_error(part.error());
    return;
  }
  if (part->is_null()) return;
  if (!part->is_object())
    return problems.add(part->place, fmt::format("an included file must be a map, not {}", part->kind_name()),
                        "write the same keys as in the main file");
  for (const doc::Member& member : part->as_object()) {
    if (member.key == "include" || member.key == "app")
      problems.add(member.key_place, fmt::format("'{}' is not possible in an included file", member.key),
                   "write it in the main file");
    else if (member.key == "version") {
      if (!(member.value == Value(1)))
        problems.add(member.value.place, "the version of an included file is not 1", "write version: 1");
    } else {
      merge_member(document, member, problems);
    }
  }
}

}  // namespace

Result<std::string> path_inside(ports::Files& files, const std::string& repository, const std::string& path) {
  TRY(check_repository_path(path));
  const std::string whole = path == "." ? repository : repository + "/" + normal_path(path);
  const auto info = TRY(files.info(whole));
  if (!info) return whole;
  const std::string root = TRY(files.real_path(repository));
  const std::string real = TRY(files.real_path(whole));
  const std::string below = root.ends_with('/') ? root : root + "/";
  if (real != root && !real.starts_with(below))
    return fail_hint(ErrorKind::invalid, "keep the file itself in the repository",
                     "'{}' is a link that leaves the repository", printable(path, 64));
  return real;
}

void merge_includes(ports::Files& files, const std::string& repository, Value& document, Problems& problems) {
  const Value* include = document.find("include");
  if (include == nullptr) return;
  // Copied: merging adds members to `document`.
  doc::Array patterns;
  if (include->is_string())
    patterns.push_back(*include);
  else if (include->is_array())
    patterns = include->as_array();
  std::size_t count = 0;
  for (const Value& pattern : patterns) {
    if (!pattern.is_string() || !check_repository_path(pattern.as_string())) continue;  // the table says so
    const auto paths = expand(files, repository, pattern.as_string());
    if (!paths) {
      problems.add(pattern.place, paths.error().message, paths.error().hint);
      continue;
    }
    for (const std::string& path : *paths) {
      if (++count > max_includes) {
        problems.add(pattern.place, fmt::format("more than {} included files", max_includes),
                     "join some of them");
        return;
      }
      merge_file(files, repository, path, pattern.place, document, problems);
    }
  }
}

}  // namespace tranche::spec
