// The notary service is Apple's, and there is one of it: a loopback server of ours stands for it here. It
// checks each token as the service's documents say, with our own verifier; the bucket is
// tests/support/s3_server.py, which has every signature recomputed by botocore.
#include "platform/notary.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/ecdsa_form.hpp"
#include "doc/value.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/loopback_server.hpp"
#include "support/s3_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::platform;

namespace {

std::string from_base64url(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  while (plain.size() % 4 != 0) plain += '=';
  return from_base64(plain).value_or("");
}

// What is wrong with the token; empty: nothing.
std::string token_flaw(std::string_view token, const crypto::AnyPublicKey& key, Instant now) {
  const auto parts = split(token, '.');
  if (parts.size() != 3) return "not three parts";
  const auto header = doc::parse_json(from_base64url(parts[0]));
  const auto payload = doc::parse_json(from_base64url(parts[1]));
  if (!header || !payload) return "no JSON";
  if (header->text("alg").value_or("") != "ES256" || header->text("typ").value_or("") != "JWT" ||
      header->text("kid").value_or("") != "2X9R4HXF34")
    return "wrong header";
  if (payload->text("aud").value_or("") != "appstoreconnect-v1" ||
      payload->text("iss").value_or("") != "57246542-96fe-1a63-e053-0824d011072a")
    return "wrong audience or issuer";
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::int64_t issued = payload->integer("iat").value_or(0), ends = payload->integer("exp").value_or(0);
  if (issued > seconds || ends <= seconds || ends - issued > 1200) return "wrong time";
  const std::string pair = from_base64url(parts[2]);
  const auto der = crypto::ecdsa_der(pair);
  const std::string_view message = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (pair.size() != 64 || !der || !key.verify(crypto::Scheme::ecdsa_sha256, message, *der))
    return "bad signature";
  return {};
}

struct Scene {
  os::RealWorld real;
  support::FakeClock clock;
  ports::World& doors = real.world();
  ports::World world{clock,        doors.http,    doors.files,  doors.process,
                     doors.random, doors.environ, doors.console};
  support::TempDirectory directory;
  support::ScriptServer bucket{"s3_server.py", {"ASIATEST", "temporary/secret", "us-west-2"}};
  std::unique_ptr<crypto::Signer> signer = *crypto::make_ephemeral_signer();
  std::atomic<int> submissions = 0, looks = 0, looks_until_done = 3, failing = 0;
  std::string outcome = "Accepted";
  std::string log = R"({"status":"x","issues":[]})";
  std::string flaw;  // of the first token that was not right
  support::LoopbackServer service{[this](const std::string& request) { return answer(request); }};
  NotaryOptions options{.account = {"2X9R4HXF34", "57246542-96fe-1a63-e053-0824d011072a"},
                        .service = service.url(""),
                        .s3_endpoint = "http://127.0.0.1:" + bucket.port()};

  Scene() {
    clock.set(doors.clock.now());  // the bucket compares clocks
    REQUIRE(bucket.command("bucket notary-submissions") == "ok");
  }
  std::optional<std::string> answer(const std::string& request) {
    const std::string path(split(request, ' ')[1]);
    if (path == "/log") {
      if (request.find("uthorization") != std::string::npos) flaw = "the token went to the log's host";
      return support::LoopbackServer::answer(200, log);
    }
    const std::size_t at = request.find("Bearer ");
    const std::string_view rest =
        at == std::string::npos ? std::string_view() : std::string_view(request).substr(at + 7);
    if (const auto wrong = token_flaw(rest.substr(0, rest.find('\r')), signer->public_key(), clock.now());
        !wrong.empty()) {
      flaw = wrong;
      return support::LoopbackServer::answer(401, "{}");
    }
    if (failing > 0) {
      --failing;
      return support::LoopbackServer::answer(503, "busy");
    }
    if (request.starts_with("POST /notary/v2/submissions ")) {
      ++submissions;
      return support::LoopbackServer::answer(
          200,
          R"({"data":{"type":"newSubmissions","id":"2efe2717-52ef-43a5-96dc-0797e4ca1041","attributes":{)"
          R"("awsAccessKeyId":"ASIATEST","awsSecretAccessKey":"temporary/secret","awsSessionToken":"session",)"
          R"("bucket":"notary-submissions","object":"prod/AROA:2efe2717"}},"meta":{}})");
    }
    if (path.ends_with("/logs"))
      return support::LoopbackServer::answer(
          200, fmt::format(R"({{"data":{{"attributes":{{"developerLogUrl":"{}"}}}}}})", service.url("/log")));
    const bool done = ++looks >= looks_until_done;
    return support::LoopbackServer::answer(
        200, fmt::format(R"({{"data":{{"attributes":{{"status":"{}"}}}}}})", done ? outcome : "In Progress"));
  }
  std::string file(std::size_t size) {
    REQUIRE(world.files.write(directory / "notes.zip", std::string(size, 'z')).has_value());
    return directory / "notes.zip";
  }
  Result<Notarization> run(const std::string& path) {
    return notarize(world, *signer, options, path, path + ".notary.json");
  }
};

}  // namespace

TEST_CASE("a file is submitted, uploaded as it is, waited for, and its log fetched without the token") {
  if (!support::S3Server::available()) return;
  for (const std::size_t size : {1000UL, 9UL << 20}) {
    CAPTURE(size);
    Scene scene;
    const auto made = scene.run(scene.file(size));
    REQUIRE_MESSAGE(made.has_value(), made.error().message);
    CHECK(scene.flaw.empty());
    CHECK(made->status == NotaryStatus::accepted);
    CHECK(made->id == "2efe2717-52ef-43a5-96dc-0797e4ca1041");
    CHECK(made->log.find("issues") != std::string::npos);
    CHECK_FALSE(made->resumed);
    CHECK(std::stoull(scene.bucket.command("received")) >= size);
    CHECK(scene.bucket.command("uploads") == "0");
    const auto state = scene.world.files.read(scene.directory / "notes.zip.notary.json", 1 << 16);
    CHECK(state->value().find("secret") == std::string::npos);
  }
}

TEST_CASE("a run after a crash or an early end goes on with the submission, and sends nothing twice") {
  if (!support::S3Server::available()) return;
  Scene scene;
  const std::string path = scene.file(1000);
  scene.looks_until_done = 1'000'000;
  scene.options.patience = std::chrono::minutes(5);  // the bucket allows clocks a quarter of an hour
  const auto early = scene.run(path);
  REQUIRE(early.has_value());
  CHECK(early->status == NotaryStatus::in_progress);
  CHECK(early->log.empty());
  scene.looks_until_done = 1;
  const auto later = scene.run(path);
  REQUIRE(later.has_value());
  CHECK(later->status == NotaryStatus::accepted);
  CHECK(later->resumed);
  CHECK(scene.submissions == 1);
  // Other bytes are another submission; so is a state that cannot be read.
  REQUIRE(scene.run(scene.file(1001)).has_value());
  CHECK(scene.submissions == 2);
  REQUIRE(scene.world.files.write(path + ".notary.json", "{\"sha256\":").has_value());
  REQUIRE(scene.run(path).has_value());
  CHECK(scene.submissions == 3);
}

TEST_CASE("a service that takes longer than a token lives gets a fresh one with every request") {
  if (!support::S3Server::available()) return;
  Scene scene;
  scene.looks_until_done = 60;
  scene.options.patience = std::chrono::hours(2);
  const Instant before = scene.clock.now();
  const auto made = scene.run(scene.file(10));
  REQUIRE_MESSAGE(made.has_value(), made.error().message);
  CHECK(scene.flaw.empty());
  CHECK(made->status == NotaryStatus::accepted);
  CHECK(scene.clock.now() - before > std::chrono::minutes(40));
  CHECK(scene.submissions == 1);
}

TEST_CASE("a log's issues are read as far as they are what Apple writes; no JSON is no log") {
  if (!support::S3Server::available()) return;
  std::string many = R"({"issues":[)";
  for (int i = 0; i < 300; ++i) many += R"({"severity":"error","path":"a","message":"b"},)";
  many.back() = ']';
  const struct {
    std::string log;
    std::size_t issues;
    bool kept;
  } cases[] = {
      {R"({"issues":[{"severity":"error","path":"x","message":"y"}]})", 1, true},
      {R"({"issues":[1,null,{"severity":2},{"message":"y"}]})", 2, true},
      {R"({"issues":null})", 0, true},
      {R"({"issues":{"severity":"error"}})", 0, true},
      {"[]", 0, true},
      {many + "}", 100, true},
      {"{\"issues\":", 0, false},
      {"", 0, false},
  };
  for (const auto& item : cases) {
    CAPTURE(item.log.substr(0, 60));
    Scene scene;
    scene.looks_until_done = 1;
    scene.outcome = "Invalid";
    scene.log = item.log;
    const auto made = scene.run(scene.file(10));
    REQUIRE_MESSAGE(made.has_value(), made.error().message);
    CHECK(made->status == NotaryStatus::invalid);
    CHECK(made->issues.size() == item.issues);
    CHECK(made->log.empty() != item.kept);
    CHECK(made->log_flaw.empty() == item.kept);
  }
}

TEST_CASE("Invalid and Rejected are the service's answers; a word that is not known is no answer") {
  if (!support::S3Server::available()) return;
  for (const auto& [word, status] :
       {std::pair{"Invalid", NotaryStatus::invalid}, std::pair{"Rejected", NotaryStatus::rejected}}) {
    Scene scene;
    scene.outcome = word;
    const auto made = scene.run(scene.file(10));
    REQUIRE(made.has_value());
    CHECK(made->status == status);
    CHECK_FALSE(made->log.empty());
  }
  Scene scene;
  scene.outcome = "Splendid";
  CHECK_FALSE(scene.run(scene.file(10)).has_value());
}

TEST_CASE("the service's hiccups while it works are waited out; a refused key is said at once") {
  if (!support::S3Server::available()) return;
  Scene scene;
  scene.looks_until_done = 1;
  const std::string path = scene.file(10);
  scene.clock.on_sleep = [](Instant) {};
  REQUIRE(scene.run(path).has_value());
  scene.failing = 3;
  const auto made = scene.run(path);
  REQUIRE_MESSAGE(made.has_value(), made.error().message);
  CHECK(made->status == NotaryStatus::accepted);
  scene.options.account.issuer = "somebody-else";
  const auto refused = scene.run(path);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::denied);
}

TEST_CASE("a bucket that refuses leaves no submission to carry on with") {
  if (!support::S3Server::available()) return;
  Scene scene;
  REQUIRE(scene.bucket.command("fail 403 AccessDenied 9 PUT") == "ok");
  const std::string path = scene.file(10);
  CHECK_FALSE(scene.run(path).has_value());
  CHECK_FALSE(scene.world.files.info(path + ".notary.json")->has_value());
}

TEST_CASE("a token wants a key on P-256, a key id and an issuer") {
  const auto signer = *crypto::make_ephemeral_signer();
  const Instant now{};
  CHECK(make_notary_token(*signer, {"2X9R4HXF34", "57246542-96fe"}, now).has_value());
  CHECK_FALSE(make_notary_token(*signer, {"", "57246542-96fe"}, now).has_value());
  CHECK_FALSE(make_notary_token(*signer, {"2X9R4HXF34", "a b"}, now).has_value());
  std::string pair(64, '\0');
  CHECK_FALSE(crypto::ecdsa_pair("no DER", 32).has_value());
  CHECK_FALSE(crypto::ecdsa_der("").has_value());
  pair[31] = pair[63] = 1;
  CHECK(*crypto::ecdsa_pair(*crypto::ecdsa_der(pair), 32) == pair);
}
