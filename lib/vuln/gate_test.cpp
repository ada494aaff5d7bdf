#include "vuln/gate.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "os/world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::vuln;

namespace {

std::string openvex(const std::string& product) {
  return R"({"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z",)"
         R"("version":1,"statements":[{"vulnerability":{"name":"CVE-1"},"products":[{"@id":")" +
         product + R"("}],"status":"fixed"}]})";
}

// A repository with advisories about npm's left-pad, last modified on the first of January 2026.
struct Case {
  support::TempDirectory directory;
  std::unique_ptr<ports::Files> files = os::make_files();
  Subject subject;
  spec::Vulnerabilities policy;
  GateRequest request;

  explicit Case(const std::vector<std::string>& purls)
      : request{.repository = directory.path(),
                .policy = policy,
                .subject = subject,
                .now = *parse_instant("2026-01-11T00:00:00Z")} {
    write(
        "osv/A.json",
        R"({"id":"A","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"left-pad"},)"
        R"("ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.1.0"}]}]}]})");
    policy.advisories = "osv";
    subject.file = "bom.json";
    for (const std::string& purl : purls) {
      sbom::Component component;
      component.name = purl.substr(purl.rfind('/') + 1);
      if (purl.starts_with("pkg:")) component.purl = component.bom_ref = purl;
      subject.catalog.components.push_back(component);
    }
  }
  void write(const std::string& name, const std::string& text) const {
    REQUIRE(files->write(directory / name, text).has_value());
  }
  [[nodiscard]] Result<Gate> run() const { return run_gate(*files, request); }
  [[nodiscard]] std::string warnings() const {
    const auto gate = run();
    if (!gate) FAIL(gate.error().message);
    return join(gate->warnings, "\n");
  }
  void check_refused(const std::string& message) const {
    const auto gate = run();
    REQUIRE_FALSE(gate.has_value());
    CHECK(gate.error().kind == ErrorKind::invalid);
    CHECK_FALSE(gate.error().hint.empty());
    CHECK_MESSAGE(gate.error().message.find(message) != std::string::npos, gate.error().message);
  }
};

}  // namespace

TEST_CASE("what is affected fails the gate, what is fixed passes, without a warning") {
  const Case good({"pkg:npm/left-pad@1.1.0"}), bad({"pkg:npm/left-pad@1.0.0"});
  CHECK(good.run()->passed());
  CHECK(good.warnings().empty());
  CHECK_FALSE(bad.run()->passed());
}

TEST_CASE("without advisories, or with none that speak of any component, nothing passes") {
  Case unnamed({"pkg:npm/left-pad@1.1.0"});
  unnamed.policy.advisories = "";
  unnamed.check_refused("there are no advisories");
  Case empty({"pkg:npm/left-pad@1.1.0"});
  REQUIRE(empty.files->make_directories(empty.directory / "none").has_value());
  empty.policy.advisories = "none";
  empty.check_refused("there are no advisories in");
  Case outside({"pkg:npm/left-pad@1.1.0"});
  outside.policy.advisories = "../elsewhere";
  outside.check_refused("there are no advisories at");
  Case(std::vector<std::string>{"pkg:pypi/requests@2.0", "pkg:generic/x@1", "loose"})
      .check_refused("none of the 3 components");
  CHECK(Case({}).warnings() == "there are no components to check");
}

TEST_CASE("components that were not checked are counted by what they are") {
  const Case some({"pkg:npm/left-pad@1.1.0", "pkg:generic/a@1", "pkg:generic/b@1", "pkg:oci/c@sha256:1",
                   "pkg:pypi/d@1", "loose"});
  CHECK(some.warnings() ==
        "4 of 6 components were not checked: advisories have no names for package URLs of type generic (2), "
        "oci (1); 1 without a package URL\n"
        "no advisory is about any package of pypi: its components were not checked");
  CHECK(some.run()->audit.checked == 1);
}

TEST_CASE("old advisories are said, and refused where a bound is set") {
  Case one({"pkg:npm/left-pad@1.1.0"});
  one.request.now = *parse_instant("2026-01-31T00:00:00Z");
  CHECK(one.warnings().empty());
  one.request.now = *parse_instant("2026-01-31T00:00:01Z");
  CHECK(one.warnings().find("the newest advisory is of 2026-01-01") != std::string::npos);
  one.request.max_age = std::chrono::days(31);
  CHECK(one.run().has_value());
  one.request.max_age = std::chrono::days(30);
  one.check_refused("longer ago than");
  // From the future: it is not old. Without a time: nobody knows.
  one.request.now = *parse_instant("2025-01-01T00:00:00Z");
  CHECK(one.warnings().empty());
  one.write("osv/A.json",
            R"({"id":"A","modified":"yesterday","affected":[{"package":{"ecosystem":"npm","name":"x"}}]})");
  one.check_refused("no advisory says when");
  one.request.max_age.reset();
  CHECK(one.warnings().find("how old they are is not known") != std::string::npos);
}

TEST_CASE("a VEX document that names nothing here is said, the others are not") {
  Case one({"pkg:npm/left-pad@1.1.0"});
  one.write("vex/good.json", openvex("pkg:npm/left-pad"));
  one.write("vex/idle.json", openvex("pkg:npm/right-pad"));
  one.policy.vex = {"vex/*.json"};
  const std::string warnings = one.warnings();
  CHECK(warnings.find("idle.json' names none of these components") != std::string::npos);
  CHECK(warnings.find("good.json") == std::string::npos);
  one.policy.vex = {"vex/absent*.json"};
  one.check_refused("there is no VEX document");
}
