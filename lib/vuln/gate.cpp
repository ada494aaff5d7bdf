#include "vuln/gate.hpp"

#include <algorithm>
#include <iterator>

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
  out.audit = audit({.catalog = request.subject.catalog,
                     .serial = request.subject.serial,
                     .database = out.database,
                     .statements = statements,
                     .policy = request.policy,
                     .now = request.now});
  if (!out.audit.unchecked.empty())
    out.warnings.push_back(
        fmt::format("{} of {} components have no name that advisories use, and were not checked",
                    out.audit.unchecked.size(), out.audit.components));
  for (const std::string& family : out.audit.uncovered)
    out.warnings.push_back(fmt::format(
        "no advisory is about any package of {}: its components were not checked", printable(family, 60)));
  if (out.database.unreadable_count > 0)
    out.warnings.push_back(fmt::format("advisories that cannot be read: {}; the first: {}",
                                       out.database.unreadable_count,
                                       out.database.unreadable.front().message));
  return out;
}

}  // namespace tranche::vuln
