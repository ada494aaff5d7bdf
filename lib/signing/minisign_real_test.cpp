// minisign as Debian packages it, and Tauri's own signer: what they sign we accept, what we sign they accept.
// Tauri's CLI signs only; what it accepts is shown through its keys and through minisign, which its updater's
// verifier (rust minisign-verify) follows byte for byte.
#include <doctest/doctest.h>

#include <cstring>
#include <random>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "os/world.hpp"
#include "signing/minisign.hpp"
#include "support/npm_peer.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

struct Scene {
  os::RealWorld real;
  support::TempDirectory directory;
  ports::Files& files = real.world().files;

  ports::ProcessResult run(std::vector<std::string> argv, std::string input = {}) {
    ports::ProcessRequest request;
    request.argv = std::move(argv);
    request.directory = directory.path();
    request.input = std::move(input);
    const auto result = real.world().process.run(request);
    return result ? *result : ports::ProcessResult{127, "", result.error().message, false};
  }
  bool have_minisign() { return run({"minisign", "-v"}).exit_code == 0; }
  std::string path(const std::string& name) { return directory / name; }
  std::string read(const std::string& name) { return files.read(path(name), 1 << 20).value().value_or(""); }
  void write(const std::string& name, std::string_view bytes) {
    REQUIRE(files.write(path(name), bytes).has_value());
  }
  MinisignSecretKey new_key() {
    return *MinisignSecretKey::make(Secret(*real.world().random.bytes(32)), *real.world().random.bytes(8));
  }
  Secret locked(const MinisignSecretKey& key, std::string_view password) {
    return *key.to_text(Secret(std::string(password)), *real.world().random.bytes(32));
  }
  bool minisign_accepts(const std::string& name, const std::string& signature, const std::string& key) {
    const auto result = run({"minisign", "-V", "-q", "-p", key, "-m", name, "-x", signature});
    return result.exit_code == 0;
  }
};

std::string some_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, 8);
  }
  return bytes;
}

constexpr std::string_view apt = "apt-get install minisign";
constexpr std::string_view npm = "npm ci in tests/clients";

}  // namespace

TEST_CASE("what minisign signs we accept, legacy and prehashed, and no damaged copy of it") {
  Scene scene;
  if (!scene.have_minisign()) return support::skip_peer("minisign", apt);
  REQUIRE(scene.run({"minisign", "-G", "-W", "-p", "key.pub", "-s", "key"}).exit_code == 0);
  const auto key = parse_minisign_public_key(scene.read("key.pub"));
  REQUIRE(key.has_value());
  scene.write("app.zip", "the bytes of an app\n");
  scene.write("other.zip", "the bytes of an apq\n");
  for (const bool legacy : {false, true}) {
    std::vector<std::string> argv{"minisign", "-S", "-W",      "-s", "key",          "-x",
                                  "sig",      "-m", "app.zip", "-t", "version:1.2.0"};
    if (legacy) argv.insert(argv.begin() + 2, "-l");
    const auto signed_now = scene.run(argv);
    CAPTURE(signed_now.err);
    REQUIRE(signed_now.exit_code == 0);
    const auto signature = parse_minisign_signature(scene.read("sig"));
    REQUIRE(signature.has_value());
    CHECK(signature->prehashed != legacy);
    CHECK(signature->trusted_comment == "version:1.2.0");
    CHECK(verify_minisign(scene.files, scene.path("app.zip"), *signature, *key).has_value());
    CHECK_FALSE(verify_minisign(scene.files, scene.path("other.zip"), *signature, *key).has_value());
  }
}

TEST_CASE("minisign opens our key files, and accepts what we sign but no damaged copy of it") {
  Scene scene;
  if (!scene.have_minisign()) return support::skip_peer("minisign", apt);
  const auto key = scene.new_key();
  scene.write("key", scene.locked(key, "").expose());
  scene.write("key.pub", to_text(key.public_key()));
  scene.write("app.zip", "the bytes of an app\n");
  scene.write("sig",
              *sign_minisign(scene.files, scene.path("app.zip"), key, usual_comment({}, "app.zip", "1.2.0")));
  CHECK(scene.minisign_accepts("app.zip", "sig", "key.pub"));

  // minisign derives the public half from our secret file: the password is the empty line.
  const auto derived = scene.run({"minisign", "-R", "-s", "key", "-p", "derived.pub"}, "\n");
  CAPTURE(derived.err);
  REQUIRE(derived.exit_code == 0);
  CHECK(parse_minisign_public_key(scene.read("derived.pub")) == key.public_key());

  const std::string text = scene.read("sig");
  const auto refuse_both = [&](const std::string& name, const std::string& signature, const std::string& pub,
                               std::string_view words) {
    CAPTURE(words);
    CHECK_FALSE(scene.minisign_accepts(name, signature, pub));
    const auto read = parse_minisign_signature(scene.read(signature));
    const auto verdict = read ? verify_minisign(scene.files, scene.path(name), *read,
                                                *parse_minisign_public_key(scene.read(pub)))
                              : Result<>(std::unexpected(read.error()));
    REQUIRE_FALSE(verdict.has_value());
    CAPTURE(verdict.error().message);
    CHECK(verdict.error().message.find(words) != std::string::npos);
  };
  scene.write("tampered.zip", "the bytes of an apq\n");
  refuse_both("tampered.zip", "sig", "key.pub", "the file is not the one that was signed");
  scene.write("comment", replace_all(text, "1.2.0", "1.3.0"));
  refuse_both("app.zip", "comment", "key.pub", "the trusted comment is not the one that was signed");
  scene.write("wrong.pub", to_text(scene.new_key().public_key()));
  refuse_both("app.zip", "sig", "wrong.pub", "signed with key");
  scene.write("cut", text.substr(0, text.size() - 9));
  refuse_both("app.zip", "cut", "key.pub", "the signature of the trusted comment has");
  scene.write("half", text.substr(0, text.find("trusted comment: t")));
  refuse_both("app.zip", "half", "key.pub", "lines");
}

TEST_CASE("minisign's own locked keys open with their password only") {
  Scene scene;
  if (!scene.have_minisign()) return support::skip_peer("minisign", apt);
  // minisign locks with 1 GiB of memory; it takes less where so much is not there, and says so in the file.
  const auto made =
      scene.run({"minisign", "-G", "-p", "key.pub", "-s", "key"}, "correct horse\ncorrect horse\n");
  CAPTURE(made.err);
  REQUIRE(made.exit_code == 0);
  const auto key = MinisignSecretKey::parse(Secret(scene.read("key")), Secret("correct horse"));
  if (!key && key.error().kind == ErrorKind::failed) return;  // a machine without 1 GiB to spare
  REQUIRE(key.has_value());
  CHECK(key->public_key() == *parse_minisign_public_key(scene.read("key.pub")));
}

TEST_CASE("Tauri's keys and signatures are ours and minisign's, over random sizes, both ways") {
  Scene scene;
  if (!scene.have_minisign()) return support::skip_peer("minisign", apt);
  const auto tauri = support::find_npm_program("tauri");
  if (!tauri) return support::skip_peer("@tauri-apps/cli", npm);
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed ", seed);
  std::mt19937_64 random(seed);

  const std::string password = "correct horse";
  REQUIRE(scene.run({*tauri, "signer", "generate", "--ci", "-w", "theirs", "-p", password}).exit_code == 0);
  const auto theirs = MinisignSecretKey::parse(Secret(scene.read("theirs")), Secret(password));
  REQUIRE(theirs.has_value());
  CHECK(theirs->public_key() == *parse_minisign_public_key(scene.read("theirs.pub")));
  CHECK_FALSE(MinisignSecretKey::parse(Secret(scene.read("theirs")), Secret("wrong")).has_value());
  scene.write("theirs.minisign.pub", to_text(theirs->public_key()));

  // Our key file, in Tauri's wrapping, for Tauri's signer.
  const auto ours = scene.new_key();
  scene.write("ours", to_base64(scene.locked(ours, password).expose()));

  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, static_cast<std::size_t>(random() % 4096),
                                 static_cast<std::size_t>(random() % (3 << 20)), std::size_t{3} << 20}) {
    CAPTURE(size);
    const std::string bytes = some_bytes(random, size);
    scene.write("app.bin", bytes);
    for (const bool with_ours : {false, true}) {
      const auto signed_now =
          scene.run({*tauri, "signer", "sign", "-f", scene.path(with_ours ? "ours" : "theirs"), "-p",
                     password, "--app-version", "1.2.0", "app.bin"});
      CAPTURE(signed_now.err);
      REQUIRE(signed_now.exit_code == 0);
      const auto signature = parse_minisign_signature(scene.read("app.bin.sig"));
      REQUIRE(signature.has_value());
      CHECK(signature->prehashed);
      CHECK(comment_field(signature->trusted_comment, "version") == "1.2.0");
      CHECK(comment_field(signature->trusted_comment, "file") == "app.bin");
      const MinisignPublicKey& key = with_ours ? ours.public_key() : theirs->public_key();
      CHECK(verify_minisign(scene.files, scene.path("app.bin"), *signature, key).has_value());
      if (!bytes.empty()) {
        std::string other = bytes;
        other[random() % other.size()] ^= 1;
        CHECK_FALSE(verify_minisign_bytes(other, *signature, key).has_value());
      }
    }
    // And ours, by Tauri's key: what its updater's verifier reads is what minisign reads.
    scene.write("sig", *sign_minisign(scene.files, scene.path("app.bin"), *theirs,
                                      usual_comment({}, "app.bin", "1.2.0")));
    CHECK(scene.minisign_accepts("app.bin", "sig", "theirs.minisign.pub"));
  }
}
