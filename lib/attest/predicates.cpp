#include "attest/predicates.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace tranche::attest {
namespace {

constexpr std::size_t max_uri_bytes = 2048;

// "scheme:rest" without blanks or control characters (RFC 3986, loosely: what follows is the scheme's own).
bool is_uri(std::string_view text) {
  if (text.size() > max_uri_bytes || printable(text, max_uri_bytes) != text) return false;
  if (text.find(' ') != std::string_view::npos) return false;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  return std::ranges::all_of(text.substr(0, colon), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '.' || c == '-';
  });
}

Result<> need_uri(const doc::Value& value, std::string_view key, ErrorKind kind, std::string_view what) {
  const std::string text = TRY_WHILE(std::string("reading ") + std::string(what), value.text(key, kind));
  if (!is_uri(text))
    return fail_hint(kind, "write it as https://example.org/what", "'{}' of {} is no uri: '{}'", key, what,
                     printable(text, 80));
  return {};
}

Result<> need_object_uri(const doc::Value& value, std::string_view member, std::string_view key,
                         ErrorKind kind, std::string_view what) {
  const doc::Value* const inner =
      TRY_WHILE(std::string("reading ") + std::string(what), value.object_at(member, kind));
  return need_uri(*inner, key, kind, fmt::format("'{}' of {}", member, what));
}

Result<> check_texts(const doc::Value& value, std::string_view key, ErrorKind kind, std::string_view what) {
  const doc::Value* const list = value.find(key);
  if (list == nullptr || list->is_null()) return {};
  if (!list->is_array()) return fail(kind, "'{}' of {} is {}, not a list", key, what, list->kind_name());
  for (const doc::Value& item : list->as_array())
    if (!item.is_string()) return fail(kind, "'{}' of {} holds {}", key, what, item.kind_name());
  return {};
}

Result<> check_provenance(const doc::Value& predicate, ErrorKind kind) {
  constexpr std::string_view what = "the provenance";
  const doc::Value* const definition = TRY(predicate.object_at("buildDefinition", kind));
  TRY(need_uri(*definition, "buildType", kind, "buildDefinition"));
  TRY(definition->object_at("externalParameters", kind));
  const doc::Value* const details = TRY(predicate.object_at("runDetails", kind));
  return need_object_uri(*details, "builder", "id", kind, what);
}

bool valid_level(std::string_view level) {
  static constexpr auto slsa =
      std::to_array<std::string_view>({"SLSA_BUILD_LEVEL_UNEVALUATED", "SLSA_BUILD_LEVEL_0",
                                       "SLSA_BUILD_LEVEL_1", "SLSA_BUILD_LEVEL_2", "SLSA_BUILD_LEVEL_3"});
  if (level.empty() || level.size() > 256 || printable(level, 256) != level) return false;
  return !level.starts_with("SLSA_") || std::ranges::find(slsa, level) != slsa.end();
}

Result<> check_summary(const doc::Value& predicate, ErrorKind kind) {
  constexpr std::string_view what = "the verification summary";
  TRY(need_object_uri(predicate, "verifier", "id", kind, what));
  TRY(need_uri(predicate, "resourceUri", kind, what));
  TRY(need_object_uri(predicate, "policy", "uri", kind, what));
  if (!parse_instant(TRY(predicate.text("timeVerified", kind))))
    return fail_hint(kind, "write 2026-11-21T10:45:00Z", "'timeVerified' of {} is no time", what);
  const std::string result = TRY(predicate.text("verificationResult", kind));
  if (result != "PASSED" && result != "FAILED")
    return fail_hint(kind, "PASSED or FAILED", "'verificationResult' of {} is '{}'", what,
                     printable(result, 40));
  TRY(predicate.array_at("verifiedLevels", kind));
  TRY(check_texts(predicate, "verifiedLevels", kind, what));
  for (const doc::Value& level : predicate.find("verifiedLevels")->as_array())
    if (!valid_level(level.as_string()))
      return fail_hint(kind, "SLSA_BUILD_LEVEL_0 to _3, or a word of your own that does not begin with SLSA_",
                       "'{}' is no level that SLSA knows", printable(level.as_string(), 80));
  return {};
}

Result<> check_test_result(const doc::Value& predicate, ErrorKind kind) {
  constexpr std::string_view what = "the test result";
  const std::string result = TRY(predicate.text("result", kind));
  if (result != "PASSED" && result != "WARNED" && result != "FAILED")
    return fail_hint(kind, "PASSED, WARNED or FAILED", "'result' of {} is '{}'", what, printable(result, 40));
  for (const doc::Value& item : TRY(predicate.array_at("configuration", kind))->as_array())
    if (!item.is_object()) return fail(kind, "'configuration' of {} holds {}", what, item.kind_name());
  for (const std::string_view key : {"passedTests", "warnedTests", "failedTests"})
    TRY(check_texts(predicate, key, kind, what));
  const doc::Value* const failed = predicate.find("failedTests");
  if (result != "FAILED" && failed != nullptr && failed->is_array() && !failed->as_array().empty())
    return fail_hint(kind, "its result is FAILED", "{} says {} and names tests that failed", what, result);
  return {};
}

Result<> check_release(const doc::Value& predicate, ErrorKind kind) {
  const std::string purl = TRY(predicate.text("purl", kind));
  const std::size_t at = purl.rfind('@');
  const std::size_t slash = purl.rfind('/');
  if (!purl.starts_with("pkg:") || !is_uri(purl) || slash == std::string::npos || at == std::string::npos ||
      at < slash || at + 1 == purl.size())
    return fail_hint(kind, "pkg:generic/notes-agent@1.2.0", "'{}' is no package url with a version",
                     printable(purl, 80));
  return {};
}

Result<> check_sbom(std::string_view type, const doc::Value& predicate, ErrorKind kind) {
  const auto found = sbom_type(predicate);
  if (!found || *found != type)
    return fail(kind, "the predicate is no document of {}", type == spdx_type ? "SPDX" : "CycloneDX");
  return {};
}

doc::Value texts(const std::vector<std::string>& list) {
  doc::Value out = doc::Value::array();
  for (const std::string& item : list) out.push(item);
  return out;
}

}  // namespace

doc::Value to_value(const Resource& resource) {
  doc::Value out = doc::Value::object();
  if (!resource.uri.empty()) out.set("uri", resource.uri);
  if (!resource.name.empty()) out.set("name", resource.name);
  if (!resource.sha256.empty()) out.set("digest", doc::Value::object({{"sha256", resource.sha256}}));
  return out;
}

Result<doc::Value> to_predicate(const VerificationSummary& summary) {
  doc::Value out = doc::Value::object({{"verifier", doc::Value::object({{"id", summary.verifier}})},
                                       {"timeVerified", to_text(summary.verified)},
                                       {"resourceUri", summary.resource},
                                       {"policy", to_value(summary.policy)},
                                       {"verificationResult", summary.passed ? "PASSED" : "FAILED"},
                                       {"verifiedLevels", texts(summary.levels)}});
  if (!summary.inputs.empty()) {
    doc::Value inputs = doc::Value::array();
    for (const Resource& input : summary.inputs) inputs.push(to_value(input));
    out.set("inputAttestations", std::move(inputs));
  }
  if (!summary.slsa_version.empty()) out.set("slsaVersion", summary.slsa_version);
  TRY(check_summary(out, ErrorKind::invalid));
  return out;
}

Result<doc::Value> to_predicate(const TestResult& result) {
  if (result.passed.empty() && result.warned.empty() && result.failed.empty())
    return fail_hint(ErrorKind::invalid, "name the tests: --passed NAME, --failed NAME",
                     "a run in which no test ran proves nothing");
  doc::Value configuration = doc::Value::array();
  for (const Resource& item : result.configuration) configuration.push(to_value(item));
  doc::Value out = doc::Value::object({{"result", !result.failed.empty()   ? "FAILED"
                                                  : !result.warned.empty() ? "WARNED"
                                                                           : "PASSED"},
                                       {"configuration", std::move(configuration)},
                                       {"passedTests", texts(result.passed)},
                                       {"warnedTests", texts(result.warned)},
                                       {"failedTests", texts(result.failed)}});
  if (!result.url.empty()) {
    if (!is_uri(result.url))
      return fail_hint(ErrorKind::invalid, "write it as https://example.org/run/1", "'{}' is no url",
                       printable(result.url, 80));
    out.set("url", result.url);
  }
  return out;
}

Result<doc::Value> release_predicate(const std::string& purl) {
  doc::Value out = doc::Value::object({{"purl", purl}});
  TRY(check_release(out, ErrorKind::invalid));
  return out;
}

std::optional<std::string_view> sbom_type(const doc::Value& document) {
  const doc::Value* const format = document.find("bomFormat");
  if (format != nullptr && format->is_string() && format->as_string() == "CycloneDX") return cyclonedx_type;
  const doc::Value* const version = document.find("spdxVersion");
  if (version != nullptr && version->is_string() && version->as_string().starts_with("SPDX-"))
    return spdx_type;
  return std::nullopt;
}

Result<> check_predicate(std::string_view type, const doc::Value& predicate, ErrorKind kind) {
  if (!predicate.is_object()) return fail(kind, "the predicate is {}, not a map", predicate.kind_name());
  if (type == provenance_type) return check_provenance(predicate, kind);
  if (type == vsa_type) return check_summary(predicate, kind);
  if (type == test_result_type) return check_test_result(predicate, kind);
  if (type == release_type) return check_release(predicate, kind);
  if (type == cyclonedx_type || type == spdx_type) return check_sbom(type, predicate, kind);
  return {};
}

}  // namespace tranche::attest
