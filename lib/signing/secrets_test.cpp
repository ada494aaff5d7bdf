// Secrets against the real disk and the real git: what the rules are about is modes, links and indexes.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "os/world.hpp"
#include "signing/keys.hpp"
#include "signing/signers.hpp"

using namespace tranche;
using namespace tranche::signing;
namespace fs = std::filesystem;

namespace {

struct Variables : ports::Environ {
  std::map<std::string, std::string> values;
  std::optional<std::string> get(const std::string& name) override {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
};

// A git repository and a directory outside it.
struct Scene {
  os::RealWorld real;
  Variables variables;
  fs::path root;
  ports::World world;
  Scene()
      : world{real.world().clock,  real.world().http, real.world().files,  real.world().process,
              real.world().random, variables,         real.world().console} {
    std::string pattern = fs::temp_directory_path() / "tranche-signing-XXXXXX";
    root = fs::canonical(mkdtemp(pattern.data()));
    fs::create_directories(repository());
    fs::create_directories(root / "outside");
    git({"init", "-q"});
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  ~Scene() { fs::remove_all(root); }
  [[nodiscard]] std::string repository() const { return root / "repo"; }
  [[nodiscard]] std::string outside(const char* name) const { return root / "outside" / name; }
  void git(std::vector<std::string> words) {
    ports::ProcessRequest request;
    request.argv = {"git", "-c", "user.name=t", "-c", "user.email=t@localhost"};
    request.argv.insert(request.argv.end(), words.begin(), words.end());
    request.directory = repository();
    const auto done = world.process.run(request);
    REQUIRE(done);
    REQUIRE(done->exit_code == 0);
  }
  void write(const std::string& path, std::string_view bytes, std::uint32_t mode = 0600) {
    REQUIRE(world.files.write(path, bytes, mode));
    REQUIRE(chmod(path.c_str(), mode) == 0);
  }
  Error refused(const std::string& reference) {
    const auto secret = read_secret(world, repository(), reference);
    REQUIRE_FALSE(secret);
    CHECK_FALSE(secret.error().hint.empty());
    return secret.error();
  }
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
std::string some_pem() {
  return std::string(crypto::SecretKey::from_seed(Secret(std::string(32, 'x')))->to_pem().expose());
}

}  // namespace

TEST_CASE("env: reads TRANCHE_ variables and nothing else") {
  Scene scene;
  scene.variables.values = {
      {"HOME", "/root"}, {"TRANCHE_TOKEN", "abc"}, {"TRANCHE_EMPTY", ""}, {"TRANCHE_", "x"}};
  CHECK(read_secret(scene.world, "", "env:TRANCHE_TOKEN")->expose() == "abc");
  for (const char* name : {"env:HOME", "env:TRANCHE_", "env:", "env:XTRANCHE_TOKEN", "env:tranche_token",
                           "env:TRANCHE_TOKEN\n", "env: TRANCHE_TOKEN"}) {
    CAPTURE(name);
    const Error error = scene.refused(name);
    CHECK(error.kind == ErrorKind::denied);
    CHECK(has(error.message, "names no TRANCHE_ variable"));
  }
  CHECK(has(scene.refused("env:TRANCHE_MISSING").message, "TRANCHE_MISSING is not set"));
  CHECK(has(scene.refused("env:TRANCHE_EMPTY").message, "is not set"));
}

TEST_CASE("a secret written where a reference belongs is not repeated in the message") {
  Scene scene;
  const Error error = scene.refused("hunter2-hunter2");
  CHECK(error.kind == ErrorKind::invalid);
  CHECK_FALSE(has(error.message + error.hint, "hunter2"));
}

TEST_CASE("file: reads a file outside that only its owner can read, without its last newline") {
  Scene scene;
  scene.write(scene.outside("token"), "abc\n");
  CHECK(read_secret(scene.world, scene.repository(), "file:" + scene.outside("token"))->expose() == "abc");
  CHECK(read_secret(scene.world, scene.repository(), "file:../outside/token")->expose() == "abc");
  scene.variables.values["HOME"] = scene.root;
  CHECK(read_secret(scene.world, scene.repository(), "file:~/outside/token")->expose() == "abc");
}

TEST_CASE("a key readable by others is denied") {
  Scene scene;
  for (const std::uint32_t mode : {0644U, 0640U, 0604U, 0620U}) {
    scene.write(scene.outside("key"), "x", mode);
    const Error error = scene.refused("file:" + scene.outside("key"));
    CHECK(error.kind == ErrorKind::denied);
    CHECK(has(error.message, "can be read by others"));
    CHECK(has(error.hint, "chmod 600"));
  }
}

TEST_CASE("a key tracked by git is denied, in this repository or another one") {
  Scene scene;
  scene.write(scene.repository() + "/key", "x");
  scene.git({"add", "key"});
  for (const std::string& repository :
       {scene.repository(), std::string(scene.root / "outside"), std::string()}) {
    const auto secret = read_secret(scene.world, repository, "file:" + scene.repository() + "/key");
    REQUIRE_FALSE(secret);
    CHECK(secret.error().kind == ErrorKind::denied);
    CHECK(has(secret.error().message, "is tracked by git"));
  }
}

TEST_CASE("a file inside the repository is denied, through a link from outside too") {
  Scene scene;
  scene.write(scene.repository() + "/key", "x");
  fs::create_symlink(scene.repository() + "/key", scene.outside("link"));
  for (const std::string reference : {"file:key", "file:../outside/link"}) {
    const Error error = scene.refused(reference);
    CHECK(error.kind == ErrorKind::denied);
    CHECK(has(error.message, "is inside the repository"));
  }
}

TEST_CASE("a missing file, an empty one and a directory each say so") {
  Scene scene;
  scene.write(scene.outside("empty"), "\n");
  CHECK(has(scene.refused("file:../outside/none").message, "there is no file"));
  CHECK(
      has(read_secret(scene.world, scene.repository(), "file:../outside/empty").error().message, "is empty"));
  CHECK(has(scene.refused("file:../outside").message, "not a regular file"));
}

TEST_CASE("a secret that is no key is a verification error that names its reference") {
  Scene scene;
  scene.variables.values = {{"TRANCHE_KEY", "abc"}, {"TRANCHE_GOOD", some_pem()}};
  const auto key = load_role_key(scene.world, "", "env:TRANCHE_KEY", "");
  REQUIRE_FALSE(key);
  CHECK(key.error().kind == ErrorKind::verification);
  CHECK(has(key.error().message, "env:TRANCHE_KEY: there is no PEM key in it"));
  CHECK(load_role_key(scene.world, "", "env:TRANCHE_GOOD", ""));
}

TEST_CASE("a generated pair is private, matches, and loads by reference") {
  Scene scene;
  const std::string secret = scene.outside("keys/release.key");
  const auto made =
      generate_key(scene.world, scene.repository(), secret, scene.repository() + "/keys/release.pub");
  REQUIRE(made);
  CHECK((scene.world.files.info(secret).value()->mode & 0777) == 0600);
  const auto loaded = load_role_key(scene.world, scene.repository(), "file:" + secret, "");
  REQUIRE(loaded);
  CHECK((*loaded)->public_key() == *made);
  const auto trust = load_trust(scene.world.files, scene.repository(), {.release = {"keys/release.pub"}});
  REQUIRE(trust);
  CHECK(trust->release == std::vector{*made});
  CHECK(trust->role_of(crypto::key_id(*made)) == Role::release);
}

TEST_CASE("a key is never generated where git could commit it, nor over a file") {
  Scene scene;
  const std::string repository = scene.repository();
  const std::string free = scene.outside("free");
  scene.write(repository + "/.gitignore", "*.key\n", 0644);
  scene.write(scene.outside("there"), "x");
  const auto make = [&](const std::string& secret, const std::string& half) {
    return generate_key(scene.world, repository, secret, half);
  };
  const auto open = make(repository + "/keys/release.pem", free);
  REQUIRE_FALSE(open);
  CHECK(open.error().kind == ErrorKind::denied);
  CHECK(has(open.error().message, "in a git work tree"));
  CHECK(make(scene.outside("there"), free).error().kind == ErrorKind::denied);
  CHECK(make(free, scene.outside("there")).error().kind == ErrorKind::denied);
  CHECK_FALSE(fs::exists(free));
  scene.write(repository + "/old.key", "x");
  scene.git({"add", "-f", "old.key"});
  fs::remove(repository + "/old.key");
  CHECK(has(make(repository + "/old.key", free).error().message, "is tracked by git"));
  CHECK(make(repository + "/new.key", free));
}

TEST_CASE("trust refuses paths that leave the repository, missing keys and keys of two roles") {
  Scene scene;
  const std::string repository = scene.repository();
  REQUIRE(generate_key(scene.world, repository, scene.outside("a.key"), scene.outside("a.pub")));
  scene.write(repository + "/a.pub", *scene.world.files.read(scene.outside("a.pub"), 1000).value(), 0644);
  scene.write(repository + "/bad.pub", "x", 0644);
  fs::create_symlink(scene.outside("a.pub"), repository + "/link.pub");
  const struct {
    TrustPaths paths;
    const char* message;
  } table[] = {{{.release = {"../outside/a.pub"}}, "leaves the repository"},
               {{.release = {scene.outside("a.pub")}}, "leaves the repository"},
               {{.release = {"link.pub"}}, "leaves the repository"},
               {{.release = {"none.pub"}}, "there is no public key 'none.pub'"},
               {{.release = {"bad.pub"}}, "bad.pub: there is no PEM key in it"},
               {{.release = {"a.pub"}, .feed = {"a.pub"}}, "stands under release and under feed"}};
  for (const auto& row : table) {
    const auto trust = load_trust(scene.world.files, repository, row.paths);
    REQUIRE_FALSE(trust);
    CHECK(trust.error().kind == ErrorKind::invalid);
    CHECK_MESSAGE(has(trust.error().message, row.message), trust.error().message);
  }
}

namespace {

// openssl genpkey -algorithm ED25519 -aes-256-cbc -pass pass:word
constexpr const char* locked_pem = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiEya6NjODFDwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJCPOmxP9LmwSVscll0LtIwEQM5/
RPUz/P0cmv02Hm+aoZp9DRTAhgx0XfGmJepF0uZW793YkYLVgmPCoaZztBOXxacJ
cR9XiNyTX3Uc1+0Mlt0=
-----END ENCRYPTED PRIVATE KEY-----
)";
constexpr const char* p256_pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgnbOn4tZAFvL4JCWz
EsPt6JD8xziBQHYunxh73RDdiIihRANCAARoMNceSdYAa3GbrOMtLET46VHOvL3Z
eDKZOPfw1WOUOPb7G6bSmkmjpYr2Egy5MrkMEwlPTA/fLjJ9MGBiP2Mp
-----END PRIVATE KEY-----
)";

}  // namespace

TEST_CASE("a locked key opens with the passphrase that is named, and only a locked one asks for it") {
  Scene scene;
  scene.variables.values = {{"TRANCHE_LOCKED", locked_pem},
                            {"TRANCHE_OPEN", some_pem()},
                            {"TRANCHE_WORD", "word"},
                            {"TRANCHE_WRONG", "wrong"}};
  const auto load = [&](std::string_view key, std::string_view word) {
    return load_role_key(scene.world, "", key, word);
  };
  const auto key = load("env:TRANCHE_LOCKED", "env:TRANCHE_WORD");
  REQUIRE(key);
  const auto signature = (*key)->sign_message("a manifest");
  REQUIRE(signature);
  CHECK(crypto::verify((*key)->public_key(), "a manifest", *signature));
  const auto wrong = load("env:TRANCHE_LOCKED", "env:TRANCHE_WRONG");
  CHECK(wrong.error().kind == ErrorKind::verification);
  CHECK(has(wrong.error().message, "env:TRANCHE_LOCKED: the private key does not open"));
  CHECK(load("env:TRANCHE_LOCKED", "").error().kind == ErrorKind::invalid);
  CHECK(load("env:TRANCHE_LOCKED", "env:TRANCHE_NONE").error().kind == ErrorKind::failed);
  CHECK(load("env:TRANCHE_OPEN", "env:TRANCHE_NONE"));
  CHECK(load_signer(scene.world, "", "env:TRANCHE_OPEN", "env:TRANCHE_NONE"));
}

TEST_CASE("a key of another kind signs no manifest, and is said to be none") {
  Scene scene;
  scene.variables.values = {{"TRANCHE_P256", p256_pem}};
  const auto key = load_role_key(scene.world, "", "env:TRANCHE_P256", "");
  REQUIRE_FALSE(key);
  CHECK(key.error().kind == ErrorKind::verification);
  CHECK(has(key.error().message, "env:TRANCHE_P256: the private key is no Ed25519 key"));
  CHECK_FALSE(key.error().hint.empty());
}
