// What a rollout requires of a release, asked when it starts: each way in which it may be missing or wrong is
// a refusal with a reason of its own.
#include <doctest/doctest.h>

#include "actions/attestations.hpp"
#include "actions/evidence.hpp"
#include "attest/statement.hpp"
#include "crypto/digest.hpp"
#include "engine/engine_fixture.hpp"
#include "signing/dsse.hpp"
#include "sigstore/bundle.hpp"
#include "sigstore/verify.hpp"

using namespace tranche;
using namespace tranche::engine::testing;

namespace {

const std::string requiring =
    replace_all(std::string(usual_yaml), "    channel: stable\n",
                "    channel: stable\n    release: { require: [signature, sbom, provenance] }\n");
constexpr const char* bom = R"({"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]})";
constexpr const char* provenance = R"({"buildDefinition":{"buildType":"urn:x:1","externalParameters":{}},
    "runDetails":{"builder":{"id":"urn:x:2"}}})";

crypto::SecretKey key_of(char fill) { return *crypto::SecretKey::from_seed(Secret(std::string(32, fill))); }

std::string statement_of(const std::string& bytes, std::string_view type = attest::provenance_type,
                         const std::string& predicate = provenance) {
  return must(
      attest::to_payload({.subjects = {{"notes.deb", {{"sha256", crypto::to_hex(crypto::sha256(bytes))}}}},
                          .predicate_type = std::string(type),
                          .predicate = must(doc::parse_json(predicate))}));
}
std::string bundle_of(const std::string& payload, char key) {
  const crypto::SecretKey secret = key_of(key);
  const std::string id = crypto::key_id(secret.public_key());
  sigstore::Bundle bundle;
  bundle.public_key_hint = id;
  bundle.envelope = {payload, std::string(attest::in_toto_type),
                     secret.sign(signing::pre_authentication_encoding(attest::in_toto_type, payload)), id};
  return sigstore::to_json(bundle);
}

struct Attested {
  std::string bytes;
  std::string type = std::string(attest::provenance_type);
};

// Releases 1.1.0 with these documents and asks to start; the reason of the first refusal, or "started".
std::string start_with(const std::vector<Attested>& attestations, const char* sbom = bom,
                       const std::function<void(AppWorld&)>& meddle = {}) {
  AppWorld world(requiring);
  world.build("1.1.0", "the code");
  auto deck = world.open();
  artifact::Manifest manifest = must(world.manifest_of("1.1.0"));
  std::vector<actions::DocumentBytes> documents;
  if (sbom != nullptr) {
    const std::string text = sbom;
    manifest.sboms = {{"sbom.cdx.json", "cyclonedx-1.6", text.size(), crypto::to_hex(crypto::sha256(text))}};
    documents.emplace_back("sbom.cdx.json", text);
  }
  for (std::size_t i = 0; i < attestations.size(); ++i) {
    const std::string name = fmt::format("proof-{}.sigstore.json", i);
    const Attested& one = attestations[i];
    manifest.attestations.push_back(
        {name, one.type, one.bytes.size(), crypto::to_hex(crypto::sha256(one.bytes))});
    documents.emplace_back(name, one.bytes);
  }
  must(actions::create_release(*deck, manifest, documents, "a build"));
  if (meddle) meddle(world);
  const auto started = world.start("1.1.0");
  if (started) return "started";
  CHECK(started.error().kind == ErrorKind::denied);
  CHECK(!started.error().hint.empty());
  const std::string& message = started.error().message;
  const std::size_t open = message.rfind('(');
  return open == std::string::npos ? message : message.substr(open + 1, message.size() - open - 2);
}

std::string good_payload() { return statement_of("the code"); }

}  // namespace

TEST_CASE("a rollout starts with a release that brings what it requires") {
  CHECK(start_with({{bundle_of(good_payload(), 'r')}}) == "started");
  CHECK(start_with({{*signing::sign_envelope(attest::in_toto_type, good_payload(), key_of('r'))}}) ==
        "started");
  // What else is bound does not matter.
  CHECK(start_with({{bundle_of(good_payload(), 'r')}, {"{}", "https://example.org/other"}}) == "started");
}

TEST_CASE("an SBOM that is missing, unreadable or changed stops the start") {
  CHECK(start_with({{bundle_of(good_payload(), 'r')}}, nullptr) == "no-sbom");
  CHECK(start_with({{bundle_of(good_payload(), 'r')}}, "{}") == "bad-sbom");
  CHECK(start_with({{bundle_of(good_payload(), 'r')}}, "no json") == "bad-sbom");
  CHECK(start_with({{bundle_of(good_payload(), 'r')}}, bom, [](AppWorld& world) {
          for (auto& [path, bytes] : world.fake.files.bytes)
            if (path.ends_with("sbom.cdx.json")) bytes += " ";
        }) == "changed-document");
}

TEST_CASE("a release with a component that advisories name starts only where the policy lets it") {
  const std::string yaml = replace_all(std::string(usual_yaml), "    channel: stable\n",
                                       "    channel: stable\n    release: { require: vulnerabilities }\n") +
                           "vulnerabilities: { advisories: advisories, policy: { severity: high } }\n";
  const auto start = [&](const std::string& severity, const std::string& component) {
    AppWorld world(yaml);
    if (!severity.empty())
      world.fake.files.bytes["/repo/advisories/X-1.json"] =
          R"({"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"left-pad"},)"
          R"("versions":["1.0.0"]}],"database_specific":{"severity":")" +
          severity + R"("}})";
    world.build("1.1.0", "the code");
    auto deck = world.open();
    artifact::Manifest manifest = must(world.manifest_of("1.1.0"));
    const std::string text = R"({"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[)"
                             R"({"type":"library","name":"left-pad","version":")" +
                             component + R"(","purl":"pkg:npm/left-pad@)" + component + R"("}]})";
    manifest.sboms = {{"sbom.cdx.json", "cyclonedx-1.6", text.size(), crypto::to_hex(crypto::sha256(text))}};
    must(actions::create_release(*deck, manifest, {{"sbom.cdx.json", text}}, "a build"));
    const auto started = world.start("1.1.0");
    if (started) return std::string("started");
    CHECK(started.error().kind == ErrorKind::denied);
    return started.error().message;
  };
  CHECK(start("HIGH", "1.0.1") == "started");
  CHECK(start("LOW", "1.0.0") == "started");
  CHECK(start("HIGH", "1.0.0").find("X-1 in left-pad 1.0.0 (vulnerable)") != std::string::npos);
  CHECK(start("", "1.0.0").ends_with("(not-checked)"));
}

TEST_CASE("provenance that is missing, of others, or says less stops the start") {
  CHECK(start_with({}) == "no-provenance");
  CHECK(start_with({{bundle_of(good_payload(), 'r'), "https://example.org/other"}}) == "no-provenance");
  CHECK(start_with({{bundle_of(good_payload(), 'f')}}) == "wrong-key");
  CHECK(start_with({{*signing::sign_envelope(attest::in_toto_type, good_payload(), key_of('f'))}}) ==
        "wrong-key");
  CHECK(start_with({{bundle_of(statement_of("other code"), 'r')}}) == "artifact-not-covered");
  CHECK(start_with({{bundle_of(statement_of("the code", attest::provenance_type, "{}"), 'r')}}) ==
        "bad-provenance");
  CHECK(start_with({{bundle_of(statement_of("the code", "https://example.org/other"), 'r')}}) ==
        "bad-provenance");
  CHECK(start_with({{"{}"}}) == "bad-statement");
  // One that is good does not make up for one that is not.
  CHECK(start_with({{bundle_of(good_payload(), 'r')}, {bundle_of(good_payload(), 'f')}}) == "wrong-key");
}

TEST_CASE("a signature over other bytes proves nothing") {
  std::string forged = bundle_of(good_payload(), 'r');
  const std::string other = bundle_of(statement_of("other code"), 'r');
  const auto payload_of = [](const std::string& text) {
    const std::size_t from = text.find("\"payload\":\"") + 11;
    return std::pair(from, text.find('"', from) - from);
  };
  const auto [from, length] = payload_of(other);
  const auto [at, size] = payload_of(forged);
  forged.replace(at, size, other.substr(from, length));
  CHECK(start_with({{forged}}) == "bad-signature");
}

TEST_CASE("an attestation that was changed or is gone in the store stops the start") {
  CHECK(start_with({{bundle_of(good_payload(), 'r')}}, bom, [](AppWorld& world) {
          for (auto& [path, bytes] : world.fake.files.bytes)
            if (path.ends_with("proof-0.sigstore.json")) bytes += " ";
        }) == "changed-document");
  CHECK(start_with({{bundle_of(good_payload(), 'r')}}, bom, [](AppWorld& world) {
          std::erase_if(world.fake.files.bytes,
                        [](const auto& file) { return file.first.ends_with("proof-0.sigstore.json"); });
        }) == "missing-document");
}

TEST_CASE("every gate that passed leaves a signed summary, whose digest the journal holds") {
  AppWorld world;
  world.ship("1.1.0");
  std::map<std::string, std::string> told;  // name -> digest
  for (const journal::Entry& entry : world.entries()) {
    const doc::Value* list = entry.data.find("gates-passed");
    if (list == nullptr) continue;
    for (const doc::Value& one : list->as_array()) told[must(one.text("name"))] = must(one.text("sha256"));
  }
  CHECK(told.size() == 2);  // stages 1 and 2 have the gate, the last has none
  const crypto::AnyPublicKey journal =
      must(crypto::AnyPublicKey::from_pem(crypto::to_pem(key_of('j').public_key())));
  for (const auto& [name, digest] : told) {
    CHECK(name.starts_with("summaries/notes-agent/desktop/1.1.0/"));
    const std::string bytes = world.fake.files.bytes["/repo/state/" + name];
    CHECK(crypto::to_hex(crypto::sha256(bytes)) == digest);
    const crypto::Sha256Digest code = crypto::sha256("the code of 1.1.0");
    const sigstore::Verdict verdict = sigstore::verify(bytes, nullptr, {.keys = {journal}},
                                                       {.sha256 = std::string(crypto::as_bytes(code))});
    CHECK(verdict.verified());
    const auto statement = actions::statement_inside(bytes);
    REQUIRE(statement.has_value());
    CHECK(statement->predicate_type == attest::vsa_type);
    CHECK(must(statement->predicate.text("verificationResult")) == "PASSED");
  }
}

TEST_CASE("a gate that did not pass leaves no summary") {
  AppWorld world;
  world.ship("1.0.0");
  world.crashes_of_20["1.1.0"] = 200;
  world.build_and_create("1.1.0");
  must(world.start("1.1.0"));
  world.tick_until_final();
  for (const auto& [path, bytes] : world.fake.files.bytes)
    CHECK(path.find("/repo/state/summaries/notes-agent/desktop/1.1.0/") == std::string::npos);
}

TEST_CASE("advisories that are absent, empty, unreadable or of nothing that is shipped let no release pass") {
  const auto start = [](const std::string& path, const std::string& bytes) {
    AppWorld world(replace_all(std::string(usual_yaml), "    channel: stable\n",
                               "    channel: stable\n    release: { require: vulnerabilities }\n") +
                   "vulnerabilities: { advisories: advisories }\n");
    if (!path.empty()) world.fake.files.bytes["/repo/advisories/" + path] = bytes;
    world.build("1.1.0", "the code");
    auto deck = world.open();
    artifact::Manifest manifest = must(world.manifest_of("1.1.0"));
    const std::string text =
        R"({"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[)"
        R"({"type":"library","name":"left-pad","version":"1.0.0","purl":"pkg:npm/left-pad@1.0.0"}]})";
    manifest.sboms = {{"sbom.cdx.json", "cyclonedx-1.6", text.size(), crypto::to_hex(crypto::sha256(text))}};
    must(actions::create_release(*deck, manifest, {{"sbom.cdx.json", text}}, "a build"));
    const auto started = world.start("1.1.0");
    if (started) return std::string("started");
    CHECK(started.error().kind == ErrorKind::denied);
    CHECK_FALSE(started.error().hint.empty());
    const auto evidence = must(actions::check_evidence(
        *world.open(), must(actions::load_release(*deck, "1.1.0")), {"vulnerabilities"}));
    return evidence.checks.front().reason;
  };
  CHECK(start("", "") == "not-checked");
  CHECK(start("README", "no record") == "not-checked");
  CHECK(start("X-1.json", "{") == "not-checked");
  CHECK(start("X-1.json", R"({"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[]})") ==
        "not-checked");
  CHECK(start("X-1.json",
              R"({"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[)"
              R"({"package":{"ecosystem":"npm","name":"left-pad"},"versions":["0.9.0"]}]})") == "started");
}
