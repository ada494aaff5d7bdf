#include "sigstore/session.hpp"

#include <doctest/doctest.h>

#include "attest/statement.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/openssl_testing.hpp"
#include "sigstore/log_testing.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::sigstore;

namespace {

const std::string pending = "dist/notes.deb.sigstore.pending";

FileDigest file_of(const std::string& content) {
  FileDigest file;
  file.name = "notes.deb";
  file.sha256 = std::string(crypto::as_bytes(crypto::sha256(content)));
  file.sha384 = *crypto::message_digest(crypto::Scheme::ecdsa_sha384, content);
  file.sha512 = *crypto::message_digest(crypto::Scheme::ecdsa_sha512, content);
  return file;
}
Artifact artifact_of(const FileDigest& file) {
  Artifact artifact;
  artifact.sha256 = file.sha256;
  artifact.sha384 = file.sha384;
  artifact.sha512 = file.sha512;
  return artifact;
}

// The PEM of a key that a run after a crash reads again.
std::string key_of(const std::vector<std::string>& how) {
  const crypto::Peer peer;
  std::vector<std::string> words{"genpkey", "-out", "@key"};
  words.insert(words.end(), how.begin(), how.end());
  REQUIRE(peer.openssl(words) == 0);
  return peer.read("key");
}
const std::vector<std::string> p256{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"};

struct Scene {
  support::FakeWorld fake;
  ports::World world = fake.world();
  TestLog log;
  std::string pem;
  int version = 1;
  bool trusted = true;

  explicit Scene(const std::vector<std::string>& how = p256) : pem(key_of(how)) {
    fake.http.handler = [this](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      return log.answer(request);
    };
  }
  Session session() {
    SessionOptions options;
    options.signer = std::move(*crypto::signer_from_pem(Secret(pem), Secret()));
    options.services.logs = {{"https://log.example", version}};
    if (trusted) {
      options.root.emplace();
      options.root->logs.push_back(log.trusted());
    }
    return std::move(*Session::open(world, std::move(options)));
  }
};

}  // namespace

TEST_CASE("a key's bundle without services needs no trusted root, whatever the kind of key") {
  const std::vector<std::vector<std::string>> kinds{
      p256,
      {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
      {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"},
      {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
      {"-algorithm", "ED25519"}};
  for (const auto& how : kinds) {
    support::FakeWorld fake;
    auto world = fake.world();
    SessionOptions options;
    options.signer = std::move(*crypto::signer_from_pem(Secret(key_of(how)), Secret()));
    const crypto::AnyPublicKey key = options.signer->public_key();
    Session session = std::move(*Session::open(world, std::move(options)));
    const FileDigest file = file_of("some bytes");
    const auto made = session.sign_file(file, pending);
    REQUIRE(made);
    CHECK(made->signer == key.id());
    CHECK(made->bundle.envelope.has_value() == (key.kind() == crypto::AnyPublicKey::Kind::ed25519));
    CHECK(fake.files.bytes.empty());
    CHECK(fake.http.requests.empty());
    Policy policy;
    policy.keys.push_back(key);
    CHECK(verify(to_json(made->bundle), nullptr, policy, artifact_of(file)).verified());
    CHECK_FALSE(verify(to_json(made->bundle), nullptr, policy, artifact_of(file_of("other"))).verified());
  }
}

TEST_CASE("a file and a statement are written into logs of both versions, and hold against the root") {
  for (const int version : {1, 2}) {
    Scene scene;
    scene.version = version;
    Session session = scene.session();
    for (const std::string content : {"one", "two", "three"}) {
      const FileDigest file = file_of(content);
      const auto made = session.sign_file(file, pending);
      REQUIRE(made);
      CHECK(made->bundle.entries.size() == 1);
      CHECK_FALSE(made->resumed);
      CHECK(scene.fake.files.bytes.contains(pending));
      CHECK(session.finish(pending));
      CHECK_FALSE(scene.fake.files.bytes.contains(pending));
    }
    attest::Statement statement;
    const FileDigest file = file_of("one");
    statement.subjects = {{"notes.deb", {{"sha256", tranche::to_hex(file.sha256)}}}};
    statement.predicate_type = "https://example.org/test";
    statement.predicate = doc::Value::object();
    const auto made =
        session.sign_payload(attest::in_toto_type, *attest::to_payload(statement), file.sha256, pending);
    REQUIRE(made);
    CHECK(made->bundle.entries.front().kind == (version == 1 ? "dsse" : "hashedrekord"));
    CHECK(scene.log.bodies.size() == 4);
  }
}

TEST_CASE("a run that ends after the log has the entry is carried on, and the log has it once") {
  for (const int version : {1, 2}) {
    Scene scene;
    scene.version = version;
    const FileDigest file = file_of("some bytes");
    // The log writes the entry, and the answer never comes.
    scene.fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      scene.log.answer(request);
      return fail(ErrorKind::failed, "the connection was reset");
    };
    CHECK_FALSE(scene.session().sign_file(file, pending));
    CHECK(scene.log.bodies.size() == 1);
    REQUIRE(scene.fake.files.bytes.contains(pending));

    scene.fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      return scene.log.answer(request);
    };
    const auto made = scene.session().sign_file(file, pending);
    REQUIRE(made);
    CHECK(made->resumed);
    CHECK(scene.log.bodies.size() == 1);

    // It ended again before the bundle was on disk: the same bundle, still one entry.
    const auto again = scene.session().sign_file(file, pending);
    REQUIRE(again);
    CHECK(again->resumed);
    CHECK(again->bundle.message->signature == made->bundle.message->signature);
    CHECK(scene.log.bodies.size() == 1);
  }
}

TEST_CASE("what an earlier run began for other bytes, by another key, or for another log is not taken") {
  Scene scene;
  REQUIRE(scene.session().sign_file(file_of("some bytes"), pending));
  const auto other = scene.session().sign_file(file_of("other bytes"), pending);
  REQUIRE(other);
  CHECK_FALSE(other->resumed);
  scene.version = 2;
  CHECK_FALSE(scene.session().sign_file(file_of("other bytes"), pending)->resumed);
  scene.pem = key_of(p256);
  CHECK_FALSE(scene.session().sign_file(file_of("other bytes"), pending)->resumed);
  scene.fake.files.bytes[pending] = "{";
  CHECK_FALSE(scene.session().sign_file(file_of("other bytes"), pending)->resumed);
  scene.fake.files.bytes[pending] = std::string(100, '[');
  CHECK_FALSE(scene.session().sign_file(file_of("other bytes"), pending)->resumed);
  CHECK(scene.session().sign_file(file_of("other bytes"), pending)->resumed);
}

TEST_CASE("a log that lies gets no bundle written") {
  const struct {
    const char* name;
    std::string from, to;
  } table[] = {
      {"another tree", "\"treeSize\":1", "\"treeSize\":2"},
      {"another index", "\"logIndex\":0", "\"logIndex\":1"},
      {"another time", "\"integratedTime\":1780000000", "\"integratedTime\":1780000001"},
      {"no proof", "\"inclusionProof\":", "\"other\":"},
      {"no body", "\"body\":", "\"other\":"},
      {"a negative index", "\"logIndex\":0", "\"logIndex\":-1"},
  };
  for (const auto& row : table) {
    CAPTURE(row.name);
    Scene scene;
    scene.fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      auto answer = scene.log.answer(request);
      for (std::size_t at = 0; (at = answer.body.find(row.from, at)) != std::string::npos;
           at += row.to.size())
        answer.body.replace(at, row.from.size(), row.to);
      return answer;
    };
    const auto made = scene.session().sign_file(file_of("some bytes"), pending);
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == ErrorKind::verification);
  }
  // An honest answer to somebody else's request.
  Scene scene;
  scene.fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    auto answer = scene.log.answer(request);
    scene.log.bodies.push_back("{\"apiVersion\":\"0.0.1\",\"kind\":\"hashedrekord\",\"spec\":{}}");
    if (answer.status == 201) answer.body = doc::to_json(scene.log.v1_entry(scene.log.bodies.size() - 1));
    return answer;
  };
  for (const bool trusted : {true, false}) {
    scene.trusted = trusted;
    scene.fake.files.bytes.clear();  // else the entry that is really ours would be found
    CHECK(scene.session().sign_file(file_of("x"), pending).error().kind == ErrorKind::verification);
  }
}

TEST_CASE("without a trusted root the entry must still belong to the signature and be in the tree") {
  Scene scene;
  scene.trusted = false;
  CHECK(scene.session().sign_file(file_of("some bytes"), pending));
  scene.fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    auto answer = scene.log.answer(request);
    const auto at = answer.body.find("\"rootHash\":\"") + 12;
    answer.body[at] = answer.body[at] == 'a' ? 'b' : 'a';
    return answer;
  };
  CHECK(scene.session().sign_file(file_of("other bytes"), pending).error().kind == ErrorKind::verification);
}

TEST_CASE("a root that does not know the log refuses, and so does a service that is asked in the clear") {
  Scene scene;
  Scene other;
  SessionOptions options;
  options.signer = std::move(*crypto::make_ephemeral_signer());
  options.services.logs = {{"https://log.example", 1}};
  options.root.emplace();
  options.root->logs.push_back(other.log.trusted());
  Session session = std::move(*Session::open(scene.world, std::move(options)));
  const auto made = session.sign_file(file_of("x"), pending);
  CHECK(made.error().message.find("unknown-log") != std::string::npos);

  SessionOptions clear;
  clear.signer = std::move(*crypto::make_ephemeral_signer());
  clear.services.logs = {{"http://log.example", 1}};
  Session unsafe = std::move(*Session::open(scene.world, std::move(clear)));
  CHECK(unsafe.sign_file(file_of("x"), pending).error().kind == ErrorKind::denied);
  for (const std::string_view good :
       {"http://127.0.0.1:80/x", "http://localhost", "http://[::1]:7", "https://x"})
    CHECK(check_service_url(good, "x"));
  for (const std::string_view bad : {"http://127.0.0.1.evil.example", "http://localhost@evil", "ftp://x", "",
                                     "http://127.0.0.1:80@evil.example/", "http://localhost:@evil/",
                                     "http://localhost:80?@evil/", "http://[::1]#@evil"})
    CHECK_FALSE(check_service_url(bad, "x"));
}

TEST_CASE("services that are away for a moment are asked again, those that refuse are not") {
  Scene scene;
  int asked = 0;
  scene.fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    if (++asked < 3) return TestLog::respond(503, "later");
    return scene.log.answer(request);
  };
  CHECK(scene.session().sign_file(file_of("x"), pending));
  CHECK(asked == 3);
  asked = 0;
  scene.fake.http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    ++asked;
    return TestLog::respond(400, "no");
  };
  CHECK(scene.session().sign_file(file_of("y"), pending).error().message == "Rekor answered 400: no");
  CHECK(asked == 1);
}

TEST_CASE(
    "keyless signing names what it needs; a key that signs no digests is refused by logs of version 2") {
  support::FakeWorld fake;
  auto world = fake.world();
  CHECK(Session::open(world, {}).error().kind == ErrorKind::invalid);
  Scene scene({"-algorithm", "ED25519"});
  scene.version = 2;
  CHECK(scene.session().sign_file(file_of("x"), pending).error().kind == ErrorKind::invalid);
  scene.version = 1;
  CHECK(scene.session().sign_file(file_of("x"), pending));
}

TEST_CASE("what is signed already by this key over these bytes, and logged where it should be, is kept") {
  const std::string path = "dist/notes.deb.sigstore.json";
  const std::vector<std::vector<std::string>> kinds{
      p256, {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}, {"-algorithm", "ED25519"}};
  for (const auto& how : kinds) {
    for (const bool trusted : {true, false}) {
      Scene scene(how);
      scene.trusted = trusted;
      const FileDigest file = file_of("some bytes");
      const auto found = [&](const FileDigest& of) {
        const auto kept = scene.session().find_file_signature(of, path, pending);
        REQUIRE(kept);
        return kept->has_value();
      };
      CHECK_FALSE(found(file));
      const auto made = scene.session().sign_file(file, pending);
      REQUIRE(made);
      scene.fake.files.bytes[path] = to_json(made->bundle);
      CHECK_FALSE(found(file));  // the unfinished one is carried on first
      REQUIRE(scene.session().finish(pending));
      CHECK(found(file));
      const auto kept = scene.session().find_file_signature(file, path, pending);
      CHECK((*kept)->signer == made->signer);
      CHECK((*kept)->text == to_json(made->bundle));
      CHECK(scene.log.bodies.size() == 1);
      CHECK_FALSE(found(file_of("other bytes")));
      // Not logged; altered; of another log; by another key.
      Bundle changed = made->bundle;
      changed.entries.clear();
      scene.fake.files.bytes[path] = to_json(changed);
      CHECK_FALSE(found(file));
      changed = made->bundle;
      changed.entries[0].proof->root_hash[0] = static_cast<char>(changed.entries[0].proof->root_hash[0] ^ 1);
      scene.fake.files.bytes[path] = to_json(changed);
      CHECK_FALSE(found(file));
      scene.fake.files.bytes[path] = "{}";
      CHECK_FALSE(found(file));
      scene.fake.files.bytes[path] = to_json(made->bundle);
      if (trusted) {
        TestLog other;
        std::swap(scene.log, other);
        CHECK_FALSE(found(file));
        std::swap(scene.log, other);
      }
      CHECK(found(file));
      scene.pem = key_of(how);
      CHECK_FALSE(found(file));
    }
  }
}

TEST_CASE("a statement is kept where it says the same to the byte, and is none of a file's signature") {
  const std::string path = "dist/notes.deb.sigstore.json";
  Scene scene({"-algorithm", "ED25519"});
  const FileDigest file = file_of("some bytes");
  attest::Statement statement;
  statement.subjects = {{"notes.deb", {{"sha256", tranche::to_hex(file.sha256)}}}};
  statement.predicate_type = "https://example.org/test";
  statement.predicate = doc::Value::object();
  const std::string payload = *attest::to_payload(statement);
  const auto found = [&](std::string_view says) {
    const auto kept =
        scene.session().find_payload_signature(attest::in_toto_type, says, file.sha256, path, pending);
    REQUIRE(kept);
    return kept->has_value();
  };
  const auto made = scene.session().sign_payload(attest::in_toto_type, payload, file.sha256, pending);
  REQUIRE(made);
  REQUIRE(scene.session().finish(pending));
  scene.fake.files.bytes[path] = to_json(made->bundle);
  CHECK(found(payload));
  CHECK_FALSE(found(payload + " "));
  CHECK_FALSE(scene.session().find_file_signature(file, path, pending)->has_value());
}
