#include "vuln/gate.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"
#include "sbom/read.hpp"

namespace tranche::vuln {
namespace {

constexpr std::size_t max_matches = 1000;

bool has_glob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

// Paths below `directory` that the segments of a pattern match, sorted.
Result<> expand(ports::Files& files, const std::string& directory, std::vector<std::string_view> segments,
                std::vector<std::string>& out) {
  if (segments.empty()) {
    if (out.size() == max_matches)
      return fail_hint(ErrorKind::invalid, "name fewer files", "a pattern matches more than {} files",
                       max_matches);
    out.push_back(normal_path(directory));
    return {};
  }
  const std::string first(segments.front());
  segments.erase(segments.begin());
  if (!has_glob(first)) {
    const std::string path = join_path(directory, first);
    return TRY(files.info(path)) ? expand(files, path, std::move(segments), out) : Result<>{};
  }
  const auto info = TRY(files.info(directory.empty() ? "." : directory));
  if (!info || info->kind != ports::FileInfo::Kind::directory) return {};
  for (const std::string& name : TRY(files.list(directory.empty() ? "." : directory)))
    if (glob_match(first, name)) TRY(expand(files, join_path(directory, name), segments, out));
  return {};
}

Result<std::vector<std::string>> find_files(ports::Files& files, const std::string& repository,
                                            const std::string& pattern) {
  std::vector<std::string> out;
  std::vector<std::string_view> segments;
  for (const std::string_view segment : split(pattern, '/'))
    if (!segment.empty() && segment != ".") segments.push_back(segment);
  TRY(expand(files, repository, std::move(segments), out));
  if (out.empty())
    return fail_hint(ErrorKind::invalid, "correct the path, or leave it out", "there is no VEX document '{}'",
                     printable(pattern));
  return out;
}

// Symlinks do not lead out of the repository.
Result<> stay_inside(ports::Files& files, const std::string& repository, const std::string& path) {
  const std::string root = repository.empty() ? "." : repository;
  if (is_within(TRY(files.real_path(root)), TRY(files.real_path(path)))) return {};
  return fail_hint(ErrorKind::invalid, "copy it into the repository", "'{}' leaves the repository",
                   printable(path));
}

Result<> read_vex_file(ports::Files& files, const std::string& path, std::vector<VexStatement>& into) {
  const auto text = TRY(files.read(path, max_vex_bytes));
  if (!text)
    return fail_hint(ErrorKind::invalid, "correct the path, or leave it out", "there is no VEX document '{}'",
                     printable(path));
  auto statements = TRY_WHILE("reading the VEX document " + printable(path), read_vex(*text, path));
  std::ranges::move(statements, std::back_inserter(into));
  return {};
}

Result<std::vector<VexStatement>> read_all_vex(ports::Files& files, const GateRequest& request) {
  std::vector<VexStatement> out = request.subject.statements;
  for (const std::string& pattern : request.policy.vex)
    for (const std::string& path : TRY(find_files(files, request.repository, pattern))) {
      TRY(stay_inside(files, request.repository, path));
      TRY(read_vex_file(files, path, out));
    }
  for (const std::string& path : request.vex) TRY(read_vex_file(files, path, out));
  return out;
}

Result<std::string> find_advisories(ports::Files& files, const GateRequest& request) {
  if (!request.advisories.empty()) return request.advisories;
  if (request.policy.advisories.empty())
    return fail_hint(
        ErrorKind::invalid,
        "name a directory or a .zip of OSV records: --advisories, or `vulnerabilities: advisories:`",
        "there are no advisories to hold the components against");
  std::string path = join_path(request.repository, request.policy.advisories);
  if (TRY(files.info(path))) TRY(stay_inside(files, request.repository, path));
  return path;
}

// What was found since the newest record was written is not in the database.
Result<> judge_age(const GateRequest& request, const Database& database, std::vector<std::string>& warnings) {
  if (!database.newest) {
    if (request.max_age)
      return fail_hint(ErrorKind::invalid, "get the advisories again, or leave --max-age out",
                       "no advisory says when it was modified");
    warnings.emplace_back("no advisory says when it was modified: how old they are is not known");
    return {};
  }
  const Duration age = std::max(request.now - *database.newest, Duration::zero());
  const std::string day = tranche::to_text(*database.newest).substr(0, 10);
  if (request.max_age && age > *request.max_age)
    return fail_hint(ErrorKind::invalid, "get them again, or allow more with --max-age",
                     "the newest advisory is of {}, which is longer ago than {}", day,
                     tranche::to_text(*request.max_age));
  if (age > old_after)
    warnings.push_back(
        fmt::format("the newest advisory is of {}: get them again, what was found since is missing", day));
  return {};
}

// "4 of 9 components were not checked: advisories have no names for package URLs of type generic (3); 1 has
// no package URL"
std::string say_unchecked(const Audit& audit) {
  std::map<std::string, std::size_t> types;
  std::size_t nameless = 0;
  for (const std::string& each : audit.unchecked) {
    if (each.starts_with("pkg:"))
      ++types[each.substr(4, each.find('/') - 4)];
    else
      ++nameless;
  }
  std::vector<std::string> words;
  for (const auto& [type, count] : types) words.push_back(fmt::format("{} ({})", printable(type, 30), count));
  std::string out =
      fmt::format("{} of {} components were not checked", audit.unchecked.size(), audit.components);
  if (!words.empty()) out += ": advisories have no names for package URLs of type " + join(words, ", ");
  if (nameless > 0) out += fmt::format("{} {} without a package URL", words.empty() ? ":" : ";", nameless);
  return out;
}

Result<> demand_something_checked(const Audit& audit, const std::string& advisories) {
  if (audit.components == 0 || audit.checked > 0) return {};
  return fail_hint(
      ErrorKind::invalid,
      "name advisories of the components' ecosystems, or make a bill of materials with package URLs",
      "none of the {} components can be looked up in '{}'", audit.components, printable(advisories));
}

// A document that names nothing here is a wrong file, or names it wrongly.
void warn_of_idle_vex(const Subject& subject, const std::vector<VexStatement>& statements,
                      std::vector<std::string>& warnings) {
  const VexScope scope(subject.catalog, subject.serial);
  std::map<std::string, bool> names_something;
  for (const VexStatement& statement : statements) {
    bool& found = names_something[statement.file];
    found = found || scope.has(statement);
  }
  for (const auto& [file, found] : names_something)
    if (!found && file != subject.file)
      warnings.push_back(
          fmt::format("the VEX document '{}' names none of these components", printable(file)));
}

}  // namespace

Result<Subject> read_subject(std::string_view text, const std::string& file) {
  Subject out;
  out.file = file;
  sbom::Bom bom = TRY(sbom::read_bom(text, file));
  out.catalog = std::move(bom.catalog);
  if (!bom.format.starts_with("cyclonedx")) return out;
  out.statements = TRY(read_vex(text, file));
  const doc::Value document = TRY(doc::parse_json(
      text, file, {.max_bytes = sbom::max_bom_bytes, .max_depth = 64, .max_nodes = 5'000'000}));
  out.serial = TRY(document.text_or("serialNumber", ""));
  return out;
}

Result<Gate> run_gate(ports::Files& files, const GateRequest& request) {
  Gate out;
  const std::string path = TRY(find_advisories(files, request));
  out.database = TRY(read_advisories(files, path, packages_of(request.subject.catalog), request.lenient));
  const std::vector<VexStatement> statements = TRY(read_all_vex(files, request));
  out.statements = statements.size();
  TRY(judge_age(request, out.database, out.warnings));
  out.audit = audit({.catalog = request.subject.catalog,
                     .serial = request.subject.serial,
                     .database = out.database,
                     .statements = statements,
                     .policy = request.policy,
                     .now = request.now});
  TRY(demand_something_checked(out.audit, path));
  if (out.audit.components == 0) out.warnings.emplace_back("there are no components to check");
  if (!out.audit.unchecked.empty()) out.warnings.push_back(say_unchecked(out.audit));
  for (const std::string& family : out.audit.uncovered)
    out.warnings.push_back(fmt::format(
        "no advisory is about any package of {}: its components were not checked", printable(family, 60)));
  warn_of_idle_vex(request.subject, statements, out.warnings);
  if (out.database.unreadable_count > 0)
    out.warnings.push_back(fmt::format("advisories that cannot be read: {}; the first: {}",
                                       out.database.unreadable_count,
                                       out.database.unreadable.front().message));
  return out;
}

}  // namespace tranche::vuln
