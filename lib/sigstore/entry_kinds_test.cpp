// Every kind of log entry that is read, over messages and envelopes, made here: a key signs, a log of tests
// holds the entry.
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "sigstore/bundle_testing.hpp"

using namespace tranche;
using namespace tranche::sigstore;
using namespace tranche::sigstore::testing;

TEST_CASE("entries of Rekor v1 and v2 over a message or an envelope hold, by a key without any time") {
  World world;
  bool fresh = false;
  world.log.add("something else", fresh);
  const Bundle message = world.sign_message();
  const Bundle envelope = world.sign_payload(statement());
  const std::string pae =
      signing::pre_authentication_encoding(attest::in_toto_type, envelope.envelope->payload);
  const std::string& of_message = message.message->signature;
  const std::string& of_envelope = envelope.envelope->signature;
  const std::string& payload = envelope.envelope->payload;
  struct Row {
    const Bundle& bundle;
    std::string kind, version, spec, reason = "verified";
  };
  const std::vector<Row> rows{
      {message, "hashedrekord", "0.0.1", hashedrekord_v1(world, artifact, of_message)},
      {message, "hashedrekord", "0.0.2", hashedrekord_v2(world, artifact, of_message)},
      {envelope, "hashedrekord", "0.0.1", hashedrekord_v1(world, pae, of_envelope)},
      {envelope, "hashedrekord", "0.0.2", hashedrekord_v2(world, pae, of_envelope)},
      {envelope, "dsse", "0.0.1", dsse_v1(world, payload, of_envelope)},
      {envelope, "dsse", "0.0.2", dsse_v2(world, payload, of_envelope)},
      {envelope, "intoto", "0.0.2", intoto_v2(world, payload, to_base64(of_envelope))},
      {envelope, "intoto", "0.0.2", intoto_v2(world, payload, to_base64(to_base64(of_envelope)))},
      // A hash of the payload is none of what was signed, and the other way round.
      {envelope, "hashedrekord", "0.0.2", hashedrekord_v2(world, payload, of_envelope), "entry-wrong-digest"},
      {envelope, "dsse", "0.0.1", dsse_v1(world, pae, of_envelope), "entry-wrong-digest"},
      {message, "dsse", "0.0.1", dsse_v1(world, artifact, of_message), "entry-wrong-digest"},
      {message, "hashedrekord", "0.0.1", hashedrekord_v1(world, artifact, of_envelope),
       "entry-wrong-signature"},
      {message, "hashedrekord", "0.0.1", hashedrekord_v1(World(), artifact, of_message), "entry-wrong-key"},
      {message, "hashedrekord", "0.0.2", hashedrekord_v2(World(), artifact, of_message), "entry-wrong-key"},
      {message, "hashedrekord", "0.0.1", hashedrekord_v1(World(), "x", of_envelope), "other-log-entry"},
      {message, "hashedrekord", "0.0.1", "{}", "bad-log-entry"},
      {message, "hashedrekord", "0.0.2", hashedrekord_v1(world, artifact, of_message), "bad-log-entry"},
      {message, "rekord", "0.0.1", "{}", "unknown-entry-kind"},
      {envelope, "intoto", "0.0.1", "{}", "unknown-entry-kind"},
      {envelope, "intoto", "0.0.2", intoto_v2(world, payload, to_base64(of_message)),
       "entry-wrong-signature"},
  };
  for (const Row& row : rows) {
    INFO(row.kind << " " << row.version << " " << row.spec);
    Bundle bundle = row.bundle;
    world.log_entry(bundle, row.kind, row.version, row.spec);
    CHECK(world.judge(bundle) == row.reason);
  }
}

TEST_CASE("an envelope must hold an in-toto statement of a known type whose subject the artifact is") {
  const World world;
  const auto reason = [&](const std::string& payload, std::string type = std::string(attest::in_toto_type)) {
    return world.judge(world.sign_payload(payload, std::move(type)));
  };
  CHECK(reason(statement()) == "verified");
  CHECK(reason(statement("https://in-toto.io/Statement/v2")) == "bad-statement");
  std::string untyped = statement();
  untyped.erase(1, untyped.find("\"subject\"") - 1);
  CHECK(untyped.starts_with(R"({"subject":[{"name":"a")"));
  CHECK(reason(untyped) == "bad-statement");
  CHECK(reason(R"({"subject":[],"predicateType":"x","predicate":{}})") == "bad-statement");
  CHECK(reason("no JSON") == "bad-statement");
  CHECK(reason(statement(), "application/json") == "wrong-payload-type");
  CHECK(reason(statement(attest::statement_type, hex_of("other"))) == "wrong-artifact");
}

TEST_CASE("what a key signed needs no log, and whatever log entry is there must hold") {
  World world;
  Bundle bundle = world.sign_message();
  CHECK(verify(bundle, nullptr, world.policy(), by_digest(artifact)).verified());
  world.log_entry(bundle, "hashedrekord", "0.0.1",
                  hashedrekord_v1(world, artifact, bundle.message->signature));
  CHECK(code_of(verify(bundle, nullptr, world.policy(), by_digest(artifact)).reason()) == "no-trusted-root");
  CHECK(world.judge(bundle) == "verified");
  // Two entries, of which the second is of something else.
  world.log_entry(bundle, "hashedrekord", "0.0.1", hashedrekord_v1(world, "x", bundle.message->signature));
  CHECK(world.judge(bundle) == "entry-wrong-digest");
}

TEST_CASE("the hint of a key and the key id of its envelope are one, where both are there") {
  const World world;
  Bundle bundle = world.sign_payload(statement());
  bundle.public_key_hint = "somebody";
  CHECK(world.judge(bundle) == "bad-bundle");
  bundle.envelope->key_id = "somebody";  // a name, not a digest: the signature decides
  CHECK(world.judge(bundle) == "verified");
  bundle.public_key_hint = "";
  CHECK(world.judge(bundle) == "verified");
  bundle.public_key_hint = "somebody";
  bundle.envelope->key_id = "";
  CHECK(world.judge(bundle) == "verified");
}

TEST_CASE(
    "a signature that fails is somebody else's where the hint or the log entry says so, else nobody's") {
  World world;
  const World other;
  Bundle bundle = other.sign_message();
  CHECK(world.judge(bundle) == "wrong-key");  // hex, as here
  bundle.public_key_hint = to_base64(*from_hex(*bundle.public_key_hint));
  CHECK(world.judge(bundle) == "wrong-key");  // base64, as cosign writes it
  bundle.public_key_hint = "release key";
  CHECK(world.judge(bundle) == "bad-signature");
  world.log_entry(bundle, "hashedrekord", "0.0.1",
                  hashedrekord_v1(other, artifact, bundle.message->signature));
  CHECK(world.judge(bundle) == "wrong-key");
}

TEST_CASE("a pure Ed25519 signature over a file needs the file; one over its SHA-512 needs that digest") {
  const auto secret = crypto::SecretKey::from_seed(Secret(std::string(32, 's')));
  const auto key = *crypto::AnyPublicKey::from_pem(crypto::to_pem(secret->public_key()));
  const Policy policy{.keys = {key}};
  const Bundle bundle{.public_key_hint = "",
                      .message = MessageSignature{"SHA2_256", sha256_of(artifact), secret->sign(artifact)}};
  CHECK(verify(bundle, nullptr, policy, by_file(artifact)).verified());
  CHECK(code_of(verify(bundle, nullptr, policy, by_digest(artifact)).reason()) == "artifact-needed");
  CHECK(code_of(verify(bundle, nullptr, policy, by_file("other")).reason()) == "wrong-artifact");
  Bundle without_hint = bundle;
  without_hint.message->digest_algorithm.clear();
  without_hint.message->digest.clear();
  CHECK(verify(without_hint, nullptr, policy, by_file(artifact)).verified());
  CHECK(code_of(verify(without_hint, nullptr, policy, by_file("other")).reason()) == "bad-signature");
}

TEST_CASE("a log may call itself by its host, with its port or its whole address") {
  World world;
  Bundle bundle = world.sign_message();
  world.log_entry(bundle, "hashedrekord", "0.0.1",
                  hashedrekord_v1(world, artifact, bundle.message->signature));
  for (const auto& [url, reason] : std::vector<std::pair<std::string, std::string_view>>{
           {"https://log.example", "verified"},
           {"https://log.example/", "verified"},
           {"http://log.example:3000/x", "verified"},
           {"", "verified"},
           {"https://log.example.org", "checkpoint-wrong-origin"},
           {"https://other.example/log.example", "checkpoint-wrong-origin"}}) {
    CAPTURE(url);
    world.root.logs[0].base_url = url;
    CHECK(world.judge(bundle) == reason);
  }
  world.root.logs[0].base_url = "https://log.example";
  world.root.logs[0].checkpoint_id = "abcd";
  CHECK(world.judge(bundle) == "checkpoint-wrong-key");
}
