// The signatures of artifacts, asked for when a rollout starts: each way in which they are missing or wrong
// is a refusal with a reason of its own, and what the conformance suite refuses no rollout starts with.
#include <doctest/doctest.h>

#include "actions/attestations.hpp"
#include "actions/evidence.hpp"
#include "actions/signatures.hpp"
#include "crypto/digest.hpp"
#include "engine/engine_fixture.hpp"
#include "sigstore/bundle.hpp"
#include "sigstore/corpus_testing.hpp"
#include "sigstore/sign.hpp"

using namespace tranche;
using namespace tranche::engine::testing;

namespace {

std::string yaml_with(const std::string& trust, const std::string& signing) {
  std::string yaml = replace_all(std::string(usual_yaml), "    channel: stable\n",
                                 "    channel: stable\n    release: { require: signature }\n");
  yaml = replace_all(yaml, "journal: [keys/journal.pub] }", "journal: [keys/journal.pub]" + trust + " }");
  return replace_all(yaml, "journal: env:TRANCHE_JOURNAL_KEY }",
                     "journal: env:TRANCHE_JOURNAL_KEY" + signing + " }");
}
const std::string keyless = ", keyless: {}";

// As `tranche sign` with a key of tranche's own makes it.
std::string bundle_by(char fill, const std::string& bytes) {
  const crypto::SecretKey key = must(crypto::SecretKey::from_seed(Secret(std::string(32, fill))));
  const auto signer = must(crypto::signer_from_pem(key.to_pem(), Secret()));
  const sigstore::FileDigest file{.name = "notes.deb",
                                  .sha256 = std::string(crypto::as_bytes(crypto::sha256(bytes)))};
  return sigstore::to_json(must(sigstore::sign_file({*signer, std::nullopt}, file)));
}

struct Given {
  std::optional<std::string> bundle;
  std::string yaml = yaml_with("", "");
  std::string artifact = "the code";
  std::string root{};
  std::string named{};  // the artifact that the signature is named after; empty: the one there is
  std::function<void(AppWorld&)> meddle{};
};
// Records 1.1.0 with this signature and asks to start; the reason of the refusal, or "started".
std::string start_with(const Given& given) {
  AppWorld world(given.yaml);
  if (!given.root.empty()) world.fake.files.bytes["/repo/root.json"] = given.root;
  world.build("1.1.0", given.artifact);
  auto deck = world.open();
  artifact::Manifest manifest = must(world.manifest_of("1.1.0"));
  std::vector<actions::DocumentBytes> documents;
  if (given.bundle) {
    const std::string name =
        actions::signature_name(given.named.empty() ? manifest.artifacts[0].name : given.named);
    manifest.signatures = {{name, std::string(artifact::signature_format), given.bundle->size(),
                            crypto::to_hex(crypto::sha256(*given.bundle))}};
    documents.emplace_back(name, *given.bundle);
  }
  must(actions::create_release(*deck, manifest, documents, "a build"));
  if (given.meddle) given.meddle(world);
  const auto started = world.start("1.1.0");
  if (started) return "started";
  CHECK(started.error().kind == ErrorKind::denied);
  CHECK(!started.error().hint.empty());
  const auto evidence = must(
      actions::check_evidence(*world.open(), must(actions::load_release(*deck, "1.1.0")), {"signature"}));
  CHECK_FALSE(evidence.holds());
  CHECK(started.error().message.ends_with("(" + evidence.checks.front().reason + ")"));
  return evidence.checks.front().reason;
}
void edit(AppWorld& world, const std::string& bytes) {
  for (auto& [path, held] : world.fake.files.bytes)
    if (path.starts_with("/repo/state/") && path.ends_with(actions::bundle_suffix)) held = bytes;
}

}  // namespace

TEST_CASE("a signature that is bound must hold, and keyless signing asks for one of each artifact") {
  const std::string good = bundle_by('r', "the code");
  const std::string identities =
      ", identities: [{ identity: \"https://a.example/w@refs/heads/main\", issuer: \"https://idp.example\" "
      "}]";
  const struct {
    const char* name;
    Given given;
    const char* reason;
  } table[] = {
      {"none, and none is asked for", {.bundle = {}}, "started"},
      {"by a release key", {.bundle = good}, "started"},
      {"none", {.bundle = {}, .yaml = yaml_with("", keyless)}, "no-signature"},
      {"by a feed key", {.bundle = bundle_by('f', "the code")}, "wrong-key"},
      {"by a stranger",
       {.bundle = bundle_by('x', "the code"), .yaml = yaml_with(identities, keyless)},
       "wrong-key"},
      {"over other bytes", {.bundle = bundle_by('r', "other code")}, "wrong-artifact"},
      {"no JSON", {.bundle = "{"}, "bad-json"},
      {"no bundle", {.bundle = "{}"}, "bad-bundle"},
      {"a larger one than is read", {.bundle = std::string(20 << 20, ' ')}, "document-too-large"},
      {"named after something else", {.bundle = good, .named = "other.deb"}, "bad-bundle"},
      {"changed in the store",
       {.bundle = good, .meddle = [&](AppWorld& world) { edit(world, good + " "); }},
       "changed-document"},
      {"swapped in the store for another that is good",
       {.bundle = good, .meddle = [&](AppWorld& world) { edit(world, bundle_by('r', "other code")); }},
       "changed-document"},
      {"gone from the store",
       {.bundle = good,
        .meddle =
            [](AppWorld& world) {
              std::erase_if(world.fake.files.bytes, [](const auto& file) {
                return file.first.starts_with("/repo/state/") && file.first.ends_with(actions::bundle_suffix);
              });
            }},
       "missing-document"},
  };
  for (const auto& row : table) {
    CAPTURE(row.name);
    CHECK(start_with(row.given) == row.reason);
  }
}

TEST_CASE(
    "what the conformance suite refuses refuses the start for the same reason, and what it takes starts") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  const auto trust = [](const sigstore::SignerIdentity& who) {
    return fmt::format(", identities: [{{ identity: \"{}\", issuer: \"{}\" }}], trusted-root: root.json",
                       who.identity, who.issuer);
  };
  std::size_t started = 0, refused = 0;
  for (const sigstore::testing::Case& one : sigstore::testing::all_cases(*corpus)) {
    if (one.key) continue;  // release keys are Ed25519
    CAPTURE(one.name);
    const sigstore::SignerIdentity& beacon = sigstore::testing::beacon;
    const sigstore::Verdict wanted =
        sigstore::testing::run_case(one, sigstore::testing::by_digest(one.artifact), beacon);
    Given given{.bundle = one.bundle,
                .yaml = yaml_with(trust(beacon), keyless),
                .artifact = one.artifact,
                .root = one.root};
    // A root that cannot be read is tranche.yaml's mistake.
    if (!sigstore::parse_trusted_root(one.root)) continue;
    const std::string reason = start_with(given);
    // There are keys here, the release keys, and it is none of them.
    const sigstore::Reason why =
        wanted.reason() == sigstore::Reason::no_key ? sigstore::Reason::wrong_key : wanted.reason();
    CHECK(reason == (wanted.verified() ? "started" : std::string(sigstore::code_of(why))));
    ++(wanted.verified() ? started : refused);
    if (!wanted.verified()) continue;
    given.yaml = yaml_with(trust({beacon.identity + "x", beacon.issuer}), keyless);
    CHECK(start_with(given) == "wrong-identity");
    given.yaml = yaml_with(trust({beacon.identity, "https://other.example"}), keyless);
    CHECK(start_with(given) == "wrong-issuer");
    given.artifact += "x";
    const std::string other = start_with(given);
    CHECK((other == "message-digest-mismatch" || other == "wrong-artifact"));
  }
  MESSAGE("conformance cases as evidence: " << started << " started, " << refused << " refused");
  CHECK(started > 3);
  CHECK(refused > 10);
}
