#include <doctest/doctest.h>

#include "attest/predicates.hpp"
#include "crypto/digest.hpp"

using namespace tranche;
using namespace tranche::attest;

namespace {

VerificationSummary summary() {
  return {.verifier = "https://example.org/verifier",
          .verified = *parse_instant("2026-01-02T03:04:05Z"),
          .resource = "pkg:generic/notes@1.2.0",
          .policy = {.uri = "https://example.org/policy", .sha256 = crypto::to_hex(crypto::sha256("p"))},
          .inputs = {{.uri = "file:provenance", .sha256 = crypto::to_hex(crypto::sha256("i"))}},
          .passed = true,
          .levels = {"SLSA_BUILD_LEVEL_2", "NOTES_GATE"},
          .slsa_version = "1.0"};
}

}  // namespace

TEST_CASE("a verification summary holds what SLSA requires") {
  const auto predicate = to_predicate(summary());
  REQUIRE(predicate.has_value());
  CHECK(
      doc::to_json(*predicate) ==
      R"({"verifier":{"id":"https://example.org/verifier"},"timeVerified":"2026-01-02T03:04:05Z",)"
      R"("resourceUri":"pkg:generic/notes@1.2.0","policy":{"uri":"https://example.org/policy","digest":)"
      R"({"sha256":"148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"}},)"
      R"("verificationResult":"PASSED","verifiedLevels":["SLSA_BUILD_LEVEL_2","NOTES_GATE"],)"
      R"("inputAttestations":[{"uri":"file:provenance","digest":)"
      R"({"sha256":"de7d1b721a1e0632b7cf04edf5032c8ecffa9f9a08492152b926f1a5a7e765d7"}}],"slsaVersion":"1.0"})");
  CHECK(check_predicate(vsa_type, *predicate, ErrorKind::verification).has_value());
}

TEST_CASE("a verification summary without what SLSA requires is refused") {
  VerificationSummary no_verifier = summary();
  no_verifier.verifier.clear();
  VerificationSummary no_policy = summary();
  no_policy.policy = {};
  VerificationSummary blank = summary();
  blank.resource = "not a uri";
  VerificationSummary level = summary();
  level.levels = {"SLSA_BUILD_LEVEL_9"};
  for (const VerificationSummary& one : {no_verifier, no_policy, blank, level}) {
    const auto predicate = to_predicate(one);
    REQUIRE(!predicate.has_value());
    CHECK(predicate.error().kind == ErrorKind::invalid);
  }
  doc::Value predicate = *to_predicate(summary());
  predicate.set("verificationResult", "MAYBE");
  CHECK(!check_predicate(vsa_type, predicate, ErrorKind::verification).has_value());
  predicate.set("verificationResult", "FAILED");
  predicate.set("timeVerified", "yesterday");
  CHECK(!check_predicate(vsa_type, predicate, ErrorKind::verification).has_value());
}

TEST_CASE("the result of a test run follows from its tests") {
  struct Case {
    TestResult result;
    const char* word;
  };
  for (const Case& one :
       {Case{{.passed = {"a"}}, "PASSED"}, Case{{.passed = {"a"}, .warned = {"b"}}, "WARNED"},
        Case{{.passed = {"a"}, .warned = {"b"}, .failed = {"c"}}, "FAILED"}}) {
    const auto predicate = to_predicate(one.result);
    REQUIRE(predicate.has_value());
    CHECK(*predicate->text("result") == one.word);
    CHECK(check_predicate(test_result_type, *predicate, ErrorKind::verification).has_value());
  }
  CHECK(!to_predicate(TestResult{}).has_value());
  CHECK(!to_predicate(TestResult{.passed = {"a"}, .url = "x y"}).has_value());
  const doc::Value lie = doc::Value::object({{"result", "PASSED"},
                                             {"configuration", doc::Value::array()},
                                             {"failedTests", doc::Array{doc::Value("a")}}});
  CHECK(!check_predicate(test_result_type, lie, ErrorKind::verification).has_value());
}

TEST_CASE("a release names a package with its version") {
  CHECK(release_predicate("pkg:generic/notes@1.2.0").has_value());
  CHECK(release_predicate("pkg:npm/%40acme/notes@1.2.0").has_value());
  for (const char* purl : {"", "notes@1.2.0", "pkg:generic/notes", "pkg:generic/notes@",
                           "pkg:npm/@acme/notes", "pkg:generic/no tes@1"}) {
    CAPTURE(purl);
    CHECK(!release_predicate(purl).has_value());
  }
}

TEST_CASE("a bill of materials is known by what it says of itself") {
  CHECK(sbom_type(doc::Value::object({{"bomFormat", "CycloneDX"}})) == cyclonedx_type);
  CHECK(sbom_type(doc::Value::object({{"spdxVersion", "SPDX-2.3"}})) == spdx_type);
  CHECK(!sbom_type(doc::Value::object({{"bomFormat", 1}})));
  CHECK(!sbom_type(doc::Value::array()));
  CHECK(!check_predicate(spdx_type, doc::Value::object({{"bomFormat", "CycloneDX"}}), ErrorKind::invalid)
             .has_value());
}

TEST_CASE("provenance without its required members is refused") {
  const auto parse = [](const char* text) { return *doc::parse_json(text); };
  CHECK(check_predicate(provenance_type,
                        parse(R"({"buildDefinition":{"buildType":"a:b","externalParameters":{}},
      "runDetails":{"builder":{"id":"a:b"}}})"),
                        ErrorKind::verification)
            .has_value());
  for (
      const char* text :
      {"{}", R"({"buildDefinition":{"buildType":"a:b"},"runDetails":{"builder":{"id":"a:b"}}})",
       R"({"buildDefinition":{"buildType":"a:b","externalParameters":{}},"runDetails":{"builder":{}}})",
       R"({"buildDefinition":{"buildType":"ab","externalParameters":{}},"runDetails":{"builder":{"id":"a:b"}}})",
       R"({"buildDefinition":{"buildType":"a:b","externalParameters":{}},"runDetails":[]})"}) {
    CAPTURE(text);
    const auto checked = check_predicate(provenance_type, parse(text), ErrorKind::verification);
    REQUIRE(!checked.has_value());
    CHECK(checked.error().kind == ErrorKind::verification);
  }
}
