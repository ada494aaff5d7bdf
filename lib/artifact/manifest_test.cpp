#include "artifact/manifest.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <random>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"
#include "os/world.hpp"
#include "signing/dsse.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::artifact;

namespace {

crypto::SecretKey key_of(char fill) { return *crypto::SecretKey::from_seed(Secret(std::string(32, fill))); }
const crypto::SecretKey release_key = key_of('r');
const crypto::SecretKey feed_key = key_of('f');

signing::Trust some_trust() {
  signing::Trust trust;
  trust.release = {release_key.public_key()};
  trust.feed = {feed_key.public_key()};
  return trust;
}

Manifest some_manifest() {
  Manifest manifest;
  manifest.app = "notes-agent";
  manifest.version = "1.1.0";
  manifest.created = *parse_instant("2026-11-21T10:45:00Z");
  manifest.artifacts = {{"notes_1.1.0_amd64.deb", "linux/amd64", 12, crypto::to_hex(crypto::sha256("a")), ""},
                        {"notes-1.1.0.tar.gz", "any", 0, crypto::to_hex(crypto::sha256("")), ""}};
  manifest.sboms = {{"sbom.cdx.json", "cyclonedx-1.6", 99, crypto::to_hex(crypto::sha256("s"))}};
  manifest.fallback_for = "1.0.0";
  return manifest;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a manifest reads back from its canonical payload") {
  Manifest manifest = some_manifest();
  const auto payload = to_payload(manifest);
  REQUIRE(payload);
  CHECK(payload->starts_with(R"({"app":"notes-agent","artifacts":[{"name":"notes-1.1.0.tar.gz",)"));
  CHECK_FALSE(has(*payload, "attestations"));
  std::swap(manifest.artifacts[0], manifest.artifacts[1]);  // the payload has them sorted
  CHECK(*parse_payload(*payload) == manifest);
}

TEST_CASE("what an agent does is part of the manifest, sorted by kind and name") {
  Manifest manifest = some_manifest();
  const std::string digest = crypto::to_hex(crypto::sha256("p"));
  manifest.behaviour = {{"prompts/summary é.md", "prompt", 7, digest},
                        {"models/notes", "model", 1 << 30, digest},
                        {"models/notes", "prompt", 3, digest}};
  const auto payload = to_payload(manifest);
  REQUIRE(payload);
  const auto read = parse_payload(*payload);
  REQUIRE(read);
  REQUIRE(read->behaviour.size() == 3);
  CHECK(read->behaviour[0] == manifest.behaviour[1]);
  CHECK(read->behaviour[1] == manifest.behaviour[2]);
  CHECK(read->behaviour[2] == manifest.behaviour[0]);
  CHECK(*to_payload(*read) == *payload);
  for (const Behaviour& bad :
       {Behaviour{"", "prompt", 1, digest}, Behaviour{"a\nb", "prompt", 1, digest},
        Behaviour{"a", "a b", 1, digest}, Behaviour{"a", "", 1, digest}, Behaviour{"a", "prompt", 1, "abc"},
        Behaviour{"models/notes", "model", 1, digest}}) {
    Manifest wrong = manifest;
    wrong.behaviour.push_back(bad);
    CHECK_FALSE(to_payload(wrong));
  }
}

TEST_CASE("members of a later version of the format are passed over") {
  doc::Value value = *doc::parse_json(*to_payload(some_manifest()));
  value.set("colour", "blue");
  value.find("artifacts")->as_array()[0].set("signatures", doc::Value::object());
  CHECK(parse_payload(doc::to_json(value))->version == "1.1.0");
}

TEST_CASE("what may not stand in a manifest is refused when it is made, and when it is read") {
  const struct {
    const char* name;
    void (*change)(Manifest&);
    const char* message;
  } table[] = {
      {"slash", [](Manifest& m) { m.artifacts[0].name = "../x"; }, "'../x' is no name for artifact"},
      {"dots", [](Manifest& m) { m.artifacts[0].name = ".."; }, "no name"},
      {"empty name", [](Manifest& m) { m.artifacts[0].name = ""; }, "no name"},
      {"blank", [](Manifest& m) { m.artifacts[0].name = "a b"; }, "no name"},
      {"twice", [](Manifest& m) { m.artifacts[1].name = m.artifacts[0].name; }, "stands twice"},
      {"sbom twice", [](Manifest& m) { m.sboms[0].name = m.artifacts[0].name; }, "stands twice"},
      {"digest", [](Manifest& m) { m.artifacts[0].sha256 = "abc"; }, "no SHA-256"},
      {"upper-case digest", [](Manifest& m) { m.artifacts[0].sha256 = std::string(64, 'A'); }, "no SHA-256"},
      {"platform", [](Manifest& m) { m.artifacts[0].platform = "a b"; }, "no platform"},
      {"version", [](Manifest& m) { m.version = "latest"; }, "'latest' is no version"},
      {"same-as", [](Manifest& m) { m.same_as = "x"; }, "no version for same-as"},
      {"app", [](Manifest& m) { m.app = "a/b"; }, "no name for an app"},
      {"no artifact", [](Manifest& m) { m.artifacts.clear(); }, "no artifact"},
      {"size", [](Manifest& m) { m.artifacts[0].size = 1ULL << 53; }, "2^53"},
  };
  for (const auto& row : table) {
    CAPTURE(row.name);
    Manifest manifest = some_manifest();
    row.change(manifest);
    const auto payload = to_payload(manifest);
    REQUIRE_FALSE(payload);
    CHECK(payload.error().kind == ErrorKind::invalid);
    CHECK_MESSAGE(has(payload.error().message, row.message), payload.error().message);
  }
  std::string forged = replace_all(*to_payload(some_manifest()), "notes-1.1.0.tar.gz", "../../etc/passwd");
  const auto read = parse_payload(forged);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::verification);
}

TEST_CASE("wrong types, another schema and missing members are refused when read") {
  const std::string good = *to_payload(some_manifest());
  const std::pair<const char*, const char*> table[] = {
      {"\"size\":12", "\"size\":\"12\""},
      {"\"size\":12", "\"size\":-1"},
      {"\"size\":12", "\"size\":1.5"},
      {"manifest/v1", "manifest/v2"},
      {"\"app\":\"notes-agent\",", ""},
      {"2026-11-21T10:45:00Z", "yesterday"},
      {"\"sboms\":[", "\"sboms\":[1,"},
      {"\"artifacts\":[", "\"artifacts\":[null,"},
      {"\"fallback-for\":\"1.0.0\"", "\"fallback-for\":1"},
  };
  for (const auto& [from, to] : table) {
    CAPTURE(to);
    const std::string bad = replace_all(good, from, to);
    REQUIRE(bad != good);
    const auto read = parse_payload(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::verification);
  }
  CHECK_FALSE(parse_payload(""));
  CHECK_FALSE(parse_payload("[]"));
  CHECK_FALSE(parse_payload(std::string(max_manifest_bytes + 1, ' ')));
}

TEST_CASE("a sealed manifest opens for its app and version, and for no other") {
  const auto envelope = seal(some_manifest(), release_key);
  REQUIRE(envelope);
  CHECK(open_manifest(*envelope, some_trust(), "notes-agent")->version == "1.1.0");
  CHECK(open_manifest(*envelope, some_trust(), "notes-agent", "1.1.0"));
  const auto other_app = open_manifest(*envelope, some_trust(), "mail-agent");
  REQUIRE_FALSE(other_app);
  CHECK(other_app.error().kind == ErrorKind::verification);
  CHECK(has(other_app.error().message, "for app 'notes-agent', wanted 'mail-agent'"));
  CHECK(has(open_manifest(*envelope, some_trust(), "notes-agent", "1.2.0").error().message, "version 1.1.0"));
  CHECK(manifest_digest(*envelope) == crypto::to_hex(crypto::sha256(*envelope)));
}

TEST_CASE("another key or role cannot introduce a release") {
  CHECK(has(open_manifest(*seal(some_manifest(), feed_key), some_trust(), "notes-agent").error().message,
            "a feed key; only a release key"));
  CHECK(has(open_manifest(*seal(some_manifest(), key_of('x')), some_trust(), "notes-agent").error().message,
            "unknown key"));
}

TEST_CASE("verify reports every artifact that is not what was signed, each in its own words") {
  const support::TempDirectory directory;
  os::RealWorld real;
  auto& files = real.world().files;
  Manifest manifest = some_manifest();
  manifest.artifacts.clear();
  for (const std::string name : {"good.deb", "changed.deb", "short.deb", "missing.deb"}) {
    manifest.artifacts.push_back({name, "any", 5, crypto::to_hex(crypto::sha256("bytes")), ""});
    std::ofstream(directory / name) << "bytes";
  }
  CHECK(verify_directory(manifest, files, directory.path()));
  std::ofstream(directory / "changed.deb") << "Bytes";
  std::ofstream(directory / "short.deb") << "byte";
  REQUIRE(files.remove(directory / "missing.deb"));
  const auto verified = verify_directory(manifest, files, directory.path());
  REQUIRE_FALSE(verified);
  std::vector<Error> errors = verified.error().others;
  errors.insert(errors.begin(), verified.error());
  REQUIRE(errors.size() == 3);
  for (const Error& error : errors) CHECK(error.kind == ErrorKind::verification);
  CHECK(errors[0].message == "artifact 'short.deb' has 4 bytes, the manifest says 5");
  CHECK(errors[1].message == "artifact 'missing.deb' is missing");
  CHECK(has(errors[2].message, "artifact 'changed.deb' was changed"));
}

TEST_CASE("no changed byte of an envelope opens as another manifest") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string good = *seal(some_manifest(), release_key);
  const Manifest expected = *open_manifest(good, some_trust(), "notes-agent");
  for (int round = 0; round < 300; ++round) {
    std::string text = good;
    text[random() % text.size()] = static_cast<char>(random());
    const auto opened = open_manifest(text, some_trust(), "notes-agent");
    if (opened) REQUIRE(*opened == expected);
  }
}
