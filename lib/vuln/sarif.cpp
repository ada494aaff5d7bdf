#include "vuln/sarif.hpp"

#include <map>

#include "doc/value.hpp"

namespace tranche::vuln {
namespace {

using doc::Value;

Value message(std::string text) { return Value::object({{"text", std::move(text)}}); }

// "security-severity" of GitHub's rules: a score as text; of a rating without one the lower end of its band.
std::string score_of(const Finding& finding) {
  if (finding.score >= 0) return fmt::format("{}.{}", finding.score / 10, finding.score % 10);
  switch (finding.severity) {
    case Severity::none:
      return "0.0";
    case Severity::low:
      return "0.1";
    case Severity::medium:
      return "4.0";
    case Severity::high:
      return "7.0";
    case Severity::critical:
    case Severity::unknown:
      return "9.0";
  }
  return "9.0";
}

std::string_view level_of(Finding::Status status) {
  switch (status) {
    case Finding::Status::refused:
      return "error";
    case Finding::Status::ignored:
      return "warning";
    case Finding::Status::below:
    case Finding::Status::suppressed:
      return "note";
  }
  return "error";
}

std::string title_of(const Finding& finding) {
  return finding.summary.empty() ? finding.id : fmt::format("{}: {}", finding.id, finding.summary);
}

Value rule_of(const Finding& finding) {
  Value rule = Value::object({{"id", finding.id}, {"name", finding.id}});
  rule.set("shortDescription", message(title_of(finding)));
  rule.set("fullDescription", message(title_of(finding)));
  std::string help = fmt::format("Severity: {}.", to_text(finding.severity));
  for (const std::string& alias : finding.aliases) help += fmt::format(" Also known as {}.", alias);
  rule.set("help", message(std::move(help)));
  if (!finding.url.empty()) rule.set("helpUri", finding.url);
  rule.set("defaultConfiguration", Value::object({{"level", "error"}}));
  rule.set("properties", Value::object({{"security-severity", score_of(finding)},
                                        {"tags", doc::Array{Value("security"), Value("vulnerability")}}}));
  return rule;
}

std::string text_of(const Finding& finding) {
  std::string text = fmt::format("{} {} is affected by {} ({}): {}", finding.component, finding.version,
                                 finding.id, to_text(finding.severity), finding.why);
  if (!finding.fixed.empty()) text += fmt::format("; fixed in {}", fmt::join(finding.fixed, ", "));
  return text + ".";
}

Value result_of(const Finding& finding, int rule, const std::string& file) {
  Value result = Value::object({{"ruleId", finding.id}, {"ruleIndex", rule}});
  result.set("level", level_of(finding.status));
  result.set("message", message(text_of(finding)));
  Value place = Value::object(
      {{"artifactLocation", Value::object({{"uri", file}})}, {"region", Value::object({{"startLine", 1}})}});
  Value location = Value::object({{"physicalLocation", std::move(place)}});
  location.set("logicalLocations",
               doc::Array{Value::object({{"fullyQualifiedName", finding.purl}, {"kind", "package"}})});
  result.set("locations", doc::Array{std::move(location)});
  // The same finding in the next run, whatever else changed.
  result.set("partialFingerprints",
             Value::object({{"tranchePackageAdvisory/v1", fmt::format("{}|{}", finding.purl, finding.id)}}));
  if (finding.status == Finding::Status::ignored || finding.status == Finding::Status::suppressed)
    result.set("suppressions",
               doc::Array{Value::object(
                   {{"kind", "external"}, {"status", "accepted"}, {"justification", finding.reason}})});
  return result;
}

}  // namespace

std::string to_sarif(const Audit& audit, const std::string& file, std::string_view tool_version) {
  Value rules = Value::array(), results = Value::array();
  std::map<std::string, int> rule_of_id;
  for (const Finding& finding : audit.findings) {
    const auto [rule, added] = rule_of_id.emplace(finding.id, static_cast<int>(rule_of_id.size()));
    if (added) rules.push(vuln::rule_of(finding));
    results.push(result_of(finding, rule->second, file));
  }
  Value driver = Value::object({{"name", "tranche"}});
  if (!tool_version.empty()) driver.set("version", tool_version);
  driver.set("rules", std::move(rules));
  Value run = Value::object({{"tool", Value::object({{"driver", std::move(driver)}})}});
  run.set("columnKind", "utf16CodeUnits");
  run.set("results", std::move(results));
  Value log =
      Value::object({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}});
  log.set("runs", doc::Array{std::move(run)});
  return doc::to_json_pretty(log);
}

}  // namespace tranche::vuln
