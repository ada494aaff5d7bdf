#include "vuln/sarif.hpp"

#include <algorithm>
#include <map>
#include <span>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::vuln {
namespace {

using doc::Value;

// Longer texts are refused by code scanning, and nobody reads them there.
constexpr std::size_t max_text = 1000, max_tags_and_names = 250;

Value message(const std::string& text) { return Value::object({{"text", printable(text, max_text)}}); }

// A path as a reference: "a b/ä" → "a%20b/%C3%A4".
std::string uri_of(const std::string& file) {
  std::vector<std::string> out;
  for (const std::string_view segment : split(file, '/')) out.push_back(percent_encode(segment));
  return join(out, "/");
}

// Advisories come from elsewhere: what is no URI is left out.
bool is_uri(std::string_view text) {
  return text.size() <= 2000 && std::ranges::all_of(text, [](char c) {
           return c > ' ' && c < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
         });
}

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
  Value rule = Value::object({{"id", printable(finding.id, max_tags_and_names)},
                              {"name", printable(finding.id, max_tags_and_names)}});
  rule.set("shortDescription", message(title_of(finding)));
  rule.set("fullDescription", message(title_of(finding)));
  std::string help = fmt::format("Severity: {}.", to_text(finding.severity));
  for (const std::string& alias : finding.aliases) help += fmt::format(" Also known as {}.", alias);
  rule.set("help", message(help));
  if (!finding.url.empty() && is_uri(finding.url)) rule.set("helpUri", finding.url);
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
  Value result = Value::object({{"ruleId", printable(finding.id, max_tags_and_names)}, {"ruleIndex", rule}});
  result.set("level", level_of(finding.status));
  result.set("message", message(text_of(finding)));
  Value place = Value::object({{"artifactLocation", Value::object({{"uri", uri_of(file)}})},
                               {"region", Value::object({{"startLine", 1}})}});
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
  for (const Finding& finding :
       std::span(audit.findings).first(std::min(audit.findings.size(), max_sarif_results))) {
    const auto [rule, added] = rule_of_id.emplace(finding.id, static_cast<int>(rule_of_id.size()));
    if (added) rules.push(vuln::rule_of(finding));
    results.push(result_of(finding, rule->second, file));
  }
  Value driver = Value::object({{"name", "tranche"}});
  if (!tool_version.empty()) driver.set("version", tool_version);
  driver.set("rules", std::move(rules));
  Value run = Value::object({{"tool", Value::object({{"driver", std::move(driver)}})}});
  run.set("columnKind", "utf16CodeUnits");
  if (audit.findings.size() > max_sarif_results)
    run.set(
        "properties",
        Value::object({{"leftOut", static_cast<std::int64_t>(audit.findings.size() - max_sarif_results)}}));
  run.set("results", std::move(results));
  Value log =
      Value::object({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}});
  log.set("runs", doc::Array{std::move(run)});
  return doc::to_json_pretty(log);
}

}  // namespace tranche::vuln
