#include <doctest/doctest.h>

#include "actions/attestations.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"
#include "signing/dsse.hpp"
#include "sigstore/bundle.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::actions;

namespace {

const std::string deb_digest = crypto::to_hex(crypto::sha256("deb"));

std::string payload_of(const std::string& digest, std::string_view type = attest::release_type) {
  return *attest::to_payload({.subjects = {{"notes.deb", {{"sha256", digest}}}},
                              .predicate_type = std::string(type),
                              .predicate = doc::Value::object({{"purl", "pkg:generic/notes@1.2.0"}})});
}
std::string bundle_of(const std::string& payload, std::string_view type = attest::in_toto_type) {
  sigstore::Bundle bundle;
  bundle.public_key_hint = "k";
  bundle.envelope = {payload, std::string(type), "sig", "k"};
  return sigstore::to_json(bundle);
}

struct Scene {
  support::MemoryFiles files;
  std::vector<artifact::Artifact> artifacts{
      {"notes.deb", "linux/amd64", 3, deb_digest, "/repo/dist/notes.deb"}};
  Scene() { files.bytes["/repo/dist/notes.deb"] = "deb"; }
  Result<BoundAttestations> collect(const std::vector<std::string>& paths = {}) {
    return collect_attestations(files, artifacts, paths);
  }
};

}  // namespace

TEST_CASE("attestations beside the artifacts are found and bound with their predicate types") {
  Scene scene;
  scene.files.bytes["/repo/dist/notes.deb.release.sigstore.json"] = bundle_of(payload_of(deb_digest));
  scene.files.bytes["/repo/dist/notes.deb.sigstore.json"] = "a signature, no attestation";
  scene.files.bytes["/repo/dist/other.deb.release.sigstore.json"] = "of another file";
  const auto bound = scene.collect();
  REQUIRE(bound.has_value());
  REQUIRE(bound->documents.size() == 1);
  CHECK(bound->documents[0].name == "notes.deb.release.sigstore.json");
  CHECK(bound->documents[0].type == attest::release_type);
  CHECK(bound->bytes[0].second == scene.files.bytes["/repo/dist/notes.deb.release.sigstore.json"]);
}

TEST_CASE("attestations that are named are bound too, a DSSE envelope as well, and once when named twice") {
  Scene scene;
  const auto key = crypto::SecretKey::from_seed(Secret(std::string(32, 'k')));
  scene.files.bytes["/elsewhere/proof.dsse.json"] =
      *signing::sign_envelope(attest::in_toto_type, payload_of(deb_digest), *key);
  const auto bound = scene.collect({"/elsewhere/proof.dsse.json", "/elsewhere/proof.dsse.json"});
  REQUIRE(bound.has_value());
  CHECK(bound->documents.size() == 1);
}

TEST_CASE("what is no attestation of these artifacts is not bound") {
  const std::string other = crypto::to_hex(crypto::sha256("another build"));
  const std::string cases[] = {"{}",
                               "not json",
                               bundle_of(payload_of(other)),
                               bundle_of("{}"),
                               bundle_of(payload_of(deb_digest), "application/json"),
                               R"({"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"})"};
  for (const std::string& bytes : cases) {
    Scene scene;
    scene.files.bytes["/repo/dist/notes.deb.release.sigstore.json"] = bytes;
    const auto bound = scene.collect();
    CAPTURE(bytes);
    REQUIRE(!bound.has_value());
    CHECK(bound.error().kind == ErrorKind::invalid);
    CHECK(!bound.error().hint.empty());
  }
  Scene scene;
  CHECK(!scene.collect({"/missing.json"}).has_value());
}

TEST_CASE("two attestations of one name are refused") {
  Scene scene;
  scene.files.bytes["/a/x.json"] = bundle_of(payload_of(deb_digest));
  scene.files.bytes["/b/x.json"] = bundle_of(payload_of(deb_digest, "https://example.org/other"));
  CHECK(!scene.collect({"/a/x.json", "/b/x.json"}).has_value());
}
