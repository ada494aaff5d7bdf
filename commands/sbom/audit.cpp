#include "vuln/audit.hpp"

#include <algorithm>
#include <array>

#include "artifact/collect.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "commands/commands.hpp"
#include "commands/release/make.hpp"
#include "commands/support.hpp"
#include "sbom/read.hpp"
#include "vuln/gate.hpp"
#include "vuln/sarif.hpp"

namespace tranche {
extern const char* const version_text;  // made by cli/version.cmake
}

namespace tranche::commands {
namespace {

using vuln::Finding;
using Level = spec::Vulnerabilities::Severity;

constexpr std::array<std::string_view, 4> severities{"low", "medium", "high", "critical"};

// tranche.yaml, where there is one. It is demanded when nothing else says what to check.
Result<std::optional<Loaded>> load_defaults(const Options& options, Context& context) {
  if (options.given("path") && !context.file_given && !find_file(context)) return std::nullopt;
  return std::optional(TRY(load_app(context, options)));
}

Result<vuln::Subject> subject_of_catalog(Context& context, const sbom::Request& request, std::string file) {
  vuln::Subject out;
  out.catalog = TRY_WHILE("listing the components", sbom::make_catalog(context.world, request));
  out.file = std::move(file);
  return out;
}

// A bill of materials, or a lockfile, a directory, an artifact to list.
Result<vuln::Subject> subject_of_path(Context& context, const std::string& path) {
  const auto info = TRY(context.world.files.info(path));
  if (!info && path != "-")
    return fail_hint(ErrorKind::failed, "name a bill of materials, a lockfile or a directory",
                     "there is no file or directory '{}'", printable(path));
  const bool small_file =
      path == "-" || (info->kind != ports::FileInfo::Kind::directory && info->size <= sbom::max_bom_bytes);
  if (small_file) {
    const std::string text = TRY(read_input(context, path, sbom::max_bom_bytes));
    const bool bom = text.find("\"bomFormat\"") != text.npos || text.find("\"spdxVersion\"") != text.npos;
    if (bom || path == "-") return vuln::read_subject(text, path == "-" ? "stdin" : path);
  }
  sbom::Request request;
  request.scan.clear();
  request.paths = {path};
  request.app = base_name(TRY(context.world.files.real_path(path)));
  return subject_of_catalog(context, request, path);
}

Result<vuln::Subject> subject_of_file(Context& context, const Options& options, const Loaded& loaded) {
  const spec::Sbom& sbom = loaded.app().sbom;
  if (!sbom.file.empty()) return subject_of_path(context, join_path(loaded.repository(), sbom.file));
  const std::string version = options.text("release");
  const bool templated = std::ranges::any_of(
      loaded.app().artifacts, [](const spec::Artifact& item) { return item.path.contains("{version}"); });
  if (version.empty() && templated)
    return fail_hint(ErrorKind::usage, "give it: tranche sbom audit --release 1.2.0",
                     "the artifacts of '{}' have {{version}} in their paths", printable(loaded.app().name));
  if (!version.empty() && !valid_version(version))
    return fail_hint(ErrorKind::usage, "write it as 1.2.0, without a v", "'{}' is not a version",
                     printable(version, 64));
  const auto artifacts = TRY(
      artifact::collect(context.world.files, loaded.repository(), artifact_patterns(loaded.app()), version));
  return subject_of_catalog(context, sbom_request(loaded, version, artifacts), "tranche.yaml");
}

Result<spec::Vulnerabilities> policy_of(const Options& options, const std::optional<Loaded>& loaded) {
  spec::Vulnerabilities policy = loaded ? loaded->app().vulnerabilities : spec::Vulnerabilities{};
  if (options.given("severity")) {
    const auto found = std::ranges::find(severities, options.text("severity"));
    policy.severity = static_cast<Level>(found - severities.begin());
  }
  if (options.given("ignore-until")) {
    const std::string text = options.text("ignore-until");
    const auto when = parse_instant(text.size() == 10 ? text + "T00:00:00Z" : text);
    if (!when)
      return fail_hint(ErrorKind::usage, "write 2027-01-31", "--ignore-until cannot be '{}'",
                       printable(text, 60));
    policy.ignore_until = *when;
  }
  return policy;
}

Result<std::optional<Duration>> max_age_of(const Options& options) {
  if (!options.given("max-age")) return std::nullopt;
  const auto age = parse_duration(options.text("max-age"));
  if (!age)
    return fail_hint(ErrorKind::usage, "write 7d or 12h", "--max-age cannot be '{}'",
                     printable(options.text("max-age"), 60));
  return *age;
}

doc::Value texts(const std::vector<std::string>& from) {
  doc::Value out = doc::Value::array();
  for (const std::string& text : from) out.push(text);
  return out;
}

doc::Value to_value(const Finding& finding) {
  doc::Value out = doc::Value::object({{"status", vuln::to_text(finding.status)},
                                       {"id", finding.id},
                                       {"aliases", texts(finding.aliases)},
                                       {"severity", vuln::to_text(finding.severity)},
                                       {"component", finding.component},
                                       {"version", finding.version},
                                       {"purl", finding.purl},
                                       {"why", finding.why},
                                       {"undecided", finding.undecided},
                                       {"fixed", texts(finding.fixed)}});
  if (finding.score >= 0) out.set("score", finding.score / 10.0);
  if (!finding.reason.empty()) out.set("reason", finding.reason);
  if (!finding.summary.empty()) out.set("summary", finding.summary);
  if (!finding.url.empty()) out.set("url", finding.url);
  return out;
}

doc::Value counts_of(const vuln::Audit& audit) {
  doc::Value out = doc::Value::object();
  for (const auto status : {Finding::Status::refused, Finding::Status::ignored, Finding::Status::below,
                            Finding::Status::suppressed})
    out.set(std::string(vuln::to_text(status)), static_cast<std::int64_t>(audit.count(status)));
  return out;
}

doc::Value to_value(const vuln::Gate& gate, const std::string& source, const spec::Vulnerabilities& policy) {
  doc::Value findings = doc::Value::array();
  for (const Finding& finding : gate.audit.findings) findings.push(to_value(finding));
  doc::Value rules =
      doc::Value::object({{"severity", severities[static_cast<std::size_t>(policy.severity)]}});
  if (policy.ignore_until) rules.set("ignore-until", to_text(*policy.ignore_until));
  const vuln::Database& database = gate.database;
  doc::Value advisories =
      doc::Value::object({{"records", static_cast<std::int64_t>(database.records)},
                          {"withdrawn", static_cast<std::int64_t>(database.withdrawn)},
                          {"unreadable", static_cast<std::int64_t>(database.unreadable_count)}});
  if (database.newest) advisories.set("newest", to_text(*database.newest));
  return doc::Value::object({{"schema", "tranche/sbom-audit/v1"},
                             {"passed", gate.passed()},
                             {"source", source},
                             {"policy", std::move(rules)},
                             {"advisories", std::move(advisories)},
                             {"statements", static_cast<std::int64_t>(gate.statements)},
                             {"components", static_cast<std::int64_t>(gate.audit.components)},
                             {"checked", static_cast<std::int64_t>(gate.audit.checked)},
                             {"unchecked", texts(gate.audit.unchecked)},
                             {"uncovered", texts(gate.audit.uncovered)},
                             {"counts", counts_of(gate.audit)},
                             {"findings", std::move(findings)},
                             {"warnings", texts(gate.warnings)}});
}

std::string render(const vuln::Gate& gate, const spec::Vulnerabilities& policy, bool color) {
  const vuln::Audit& audit = gate.audit;
  Table table({"", "severity", "component", "version", "advisory", "fixed in", "why"});
  for (const Finding& finding : audit.findings) {
    const bool refused = finding.status == Finding::Status::refused;
    const std::string status(vuln::to_text(finding.status));
    std::string why = finding.undecided ? "cannot be decided: " + finding.why : finding.why;
    if (!finding.reason.empty()) why = refused ? why + "; " + finding.reason : finding.reason;
    table.row({styled(status, refused ? Style::red : Style::dim, color),
               std::string(vuln::to_text(finding.severity)), printable(finding.component, 60),
               printable(finding.version, 40), printable(finding.id, 60),
               printable(finding.fixed.empty() ? "-" : finding.fixed.front(), 40), printable(why, 120)});
  }
  std::string out = audit.findings.empty() ? "" : table.text() + "\n";
  std::vector<std::string> rest;
  for (const auto status : {Finding::Status::ignored, Finding::Status::below, Finding::Status::suppressed})
    if (const std::size_t count = audit.count(status); count > 0)
      rest.push_back(fmt::format("{} {}", count, vuln::to_text(status)));
  const std::size_t refused = audit.count(Finding::Status::refused);
  out += fmt::format("{}: {} of severity {} and above in {}{}{}\n", refused == 0 ? "passed" : "refused",
                     refused == 0 ? "nothing" : count_of(refused, "finding"),
                     severities[static_cast<std::size_t>(policy.severity)],
                     count_of(audit.components, "component"), rest.empty() ? "" : "; ", join(rest, ", "));
  return out;
}

Result<Outcome> run(const Options& options, Context& context) {
  const std::string path = options.text("path");
  if (!path.empty() && options.given("release"))
    return fail_hint(ErrorKind::usage, "leave one of them out",
                     "--release is for the artifacts of tranche.yaml");
  const std::optional<Loaded> loaded = TRY(load_defaults(options, context));
  const spec::Vulnerabilities policy = TRY(policy_of(options, loaded));
  const vuln::Subject subject =
      path.empty() ? TRY(subject_of_file(context, options, *loaded)) : TRY(subject_of_path(context, path));
  const std::optional<Duration> max_age = TRY(max_age_of(options));
  for (const std::string& warning : subject.catalog.warnings) context.say("warning: {}", printable(warning));
  context.say("holding {} against the advisories", count_of(subject.catalog.components.size(), "component"));
  const vuln::Gate gate =
      TRY(vuln::run_gate(context.world.files, {.repository = loaded ? loaded->repository() : std::string(),
                                               .policy = policy,
                                               .advisories = options.text("advisories"),
                                               .vex = options.list("vex"),
                                               .subject = subject,
                                               .now = context.world.clock.now(),
                                               .lenient = options.given("lenient"),
                                               .max_age = max_age}));
  for (const std::string& warning : gate.warnings) context.say("warning: {}", printable(warning, 400));
  context.say("{} read, {} withdrawn", count_of(gate.database.records, "advisory record"),
              gate.database.withdrawn);
  doc::Value json = to_value(gate, subject.file, policy);
  if (const std::string sarif = options.text("sarif"); !sarif.empty()) {
    const std::string log = vuln::to_sarif(gate.audit, subject.file, version_text);
    if (!context.dry_run) TRY(context.world.files.write(sarif, log));
    if (gate.audit.findings.size() > vuln::max_sarif_results)
      context.say("warning: '{}' holds the first {} of {} findings, which is what code scanning takes",
                  printable(sarif), vuln::max_sarif_results, gate.audit.findings.size());
    json.set("sarif", sarif);
  }
  if (!gate.passed())
    context.say(
        "update what is refused, or say why it does not apply in a VEX document (--vex), or until when it is "
        "ignored (`vulnerabilities: policy: ignore:`)");
  return Outcome{.exit_code = gate.passed() ? 0 : static_cast<int>(ErrorKind::gate_failed),
                 .json = std::move(json),
                 .text = render(gate, policy, context.color)};
}

}  // namespace

Command sbom_audit() {
  return {
      .name = "sbom audit",
      .summary = "hold the components against advisories",
      .help_path = "commands/sbom/audit.md",
      .changes = true,
      .arguments = {{.name = "path",
                     .help = "a bill of materials, a lockfile or a directory; - is a BOM on stdin",
                     .required = false}},
      .flags = {{.name = "release",
                 .value = "VERSION",
                 .help = "without a path: what {version} in tranche.yaml's artifact paths stands for"},
                {.name = "advisories", .value = "PATH", .help = "directory or .zip of OSV records"},
                {.name = "vex",
                 .value = "FILE",
                 .help = "OpenVEX or CycloneDX document that says what does not apply",
                 .repeated = true},
                {.name = "severity",
                 .value = "WORD",
                 .help =
                     "findings of this severity and above are refused; without it tranche.yaml's, or high",
                 .choices = {"low", "medium", "high", "critical"}},
                {.name = "ignore-until", .value = "DATE", .help = "before this day nothing is refused"},
                {.name = "sarif", .value = "FILE", .help = "write the findings as SARIF 2.1.0"},
                {.name = "max-age",
                 .value = "DURATION",
                 .help = "refuse advisories of which the newest is older: 7d"},
                {.name = "lenient", .help = "pass over advisories that cannot be read"},
                app_flag()},
      .run = run};
}

}  // namespace tranche::commands
