// signify as Debian packages it: what it signs we accept, what we sign it accepts.
#include "signing/signify.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/encoding.hpp"
#include "os/world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

struct Scene {
  os::RealWorld real;
  support::TempDirectory directory;
  ports::Files& files = real.world().files;

  int signify(std::vector<std::string> words) {
    words.insert(words.begin(), "signify-openbsd");
    ports::ProcessRequest request;
    request.argv = std::move(words);
    request.directory = directory.path();
    const auto result = real.world().process.run(request);
    return result ? result->exit_code : 127;
  }
  // Makes NAME.sec and NAME.pub; false after having said so, when signify is missing.
  bool make_key(const std::string& name) {
    if (signify({"-G", "-n", "-p", name + ".pub", "-s", name + ".sec"}) == 0) return true;
    MESSAGE("skipped: signify-openbsd is missing (apt-get install signify-openbsd)");
    CHECK(std::getenv("TRANCHE_REQUIRE_PEERS") == nullptr);
    return false;
  }
  std::string read(const std::string& name) {
    return files.read(directory / name, 1 << 20).value().value_or("");
  }
  void write(const std::string& name, std::string_view bytes) {
    REQUIRE(files.write(directory / name, bytes).has_value());
  }
};

constexpr const char* comment = "untrusted comment: signify public key\n";

}  // namespace

TEST_CASE("signify accepts what we sign, and we accept what signify signs") {
  Scene scene;
  if (!scene.make_key("key")) return;
  const auto key = SignifySecretKey::parse(Secret(scene.read("key.sec")));
  REQUIRE_MESSAGE(key.has_value(), key.error().message);
  const auto pub = parse_signify_public_key(scene.read("key.pub"));
  REQUIRE(pub.has_value());
  CHECK(*pub == key->public_key());
  for (const std::size_t size : {0U, 1U, 4096U, 700000U}) {
    CAPTURE(size);
    scene.write("file", std::string(size, 'x'));
    const auto ours = key->sign(scene.files, scene.directory / "file", "verify with key.pub");
    REQUIRE(ours.has_value());
    scene.write("ours.sig", *ours);
    CHECK(scene.signify({"-V", "-q", "-p", "key.pub", "-m", "file", "-x", "ours.sig"}) == 0);
    REQUIRE(scene.signify({"-S", "-s", "key.sec", "-m", "file", "-x", "theirs.sig"}) == 0);
    CHECK(scene.read("theirs.sig") == *ours);  // Ed25519 is deterministic: byte for byte
    const auto theirs = parse_signify_signature(scene.read("theirs.sig"));
    REQUIRE(theirs.has_value());
    CHECK(verify_signify(scene.files, scene.directory / "file", *theirs, *pub).has_value());
  }
}

TEST_CASE("a changed byte, another key and another signature are refused, by us and by signify") {
  Scene scene;
  if (!scene.make_key("key") || !scene.make_key("other")) return;
  scene.write("file", "hello\n");
  REQUIRE(scene.signify({"-S", "-s", "key.sec", "-m", "file", "-x", "file.sig"}) == 0);
  const auto signature = *parse_signify_signature(scene.read("file.sig"));
  const auto pub = *parse_signify_public_key(scene.read("key.pub"));
  const auto other = *parse_signify_public_key(scene.read("other.pub"));
  const std::string path = scene.directory / "file";
  CHECK_FALSE(verify_signify(scene.files, path, signature, other).has_value());
  SignifySignature renamed = signature;
  renamed.number = other.number;
  CHECK_FALSE(verify_signify(scene.files, path, renamed, other).has_value());
  for (std::size_t bit = 0; bit < 64 * 8; bit += 7) {
    SignifySignature flipped = signature;
    flipped.signature[bit / 8] = static_cast<char>(flipped.signature[bit / 8] ^ (1 << (bit % 8)));
    CAPTURE(bit);
    CHECK_FALSE(verify_signify(scene.files, path, flipped, pub).has_value());
  }
  scene.write("file", "hellp\n");
  const auto changed = verify_signify(scene.files, path, signature, pub);
  REQUIRE_FALSE(changed.has_value());
  CHECK(changed.error().kind == ErrorKind::verification);
  CHECK(scene.signify({"-V", "-q", "-p", "key.pub", "-m", "file", "-x", "file.sig"}) != 0);
}

TEST_CASE("signify's texts are read whole or not at all, each flaw with its own words") {
  const std::string good = to_base64("Ed" + std::string(40, 'k'));
  CHECK(parse_signify_public_key(comment + good + "\n").has_value());
  const struct {
    std::string text;
    std::string_view says;
  } cases[] = {
      {"", "does not begin"},
      {good + "\n", "does not begin"},
      {comment, "has 1 lines"},
      {comment + good + "\nmore\n", "has 3 lines"},
      {comment + std::string("!!!!\n"), "no base64"},
      {comment + to_base64("Ed" + std::string(39, 'k')) + "\n", "has 41 bytes"},
      {comment + to_base64("ED" + std::string(40, 'k')) + "\n", "unknown algorithm"},
      {comment + std::string(8192, 'A'), "larger than"},
  };
  for (const auto& item : cases) {
    CAPTURE(item.text);
    const auto read = parse_signify_public_key(item.text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message.find(item.says) != std::string::npos);
    CHECK_FALSE(read.error().hint.empty());
  }
}

TEST_CASE("a locked or damaged secret key is refused, saying what to do") {
  std::string bytes = "EdBK" + std::string(4, '\0') + std::string(96, 's');
  const auto damaged = SignifySecretKey::parse(Secret(comment + to_base64(bytes) + "\n"));
  REQUIRE_FALSE(damaged.has_value());
  CHECK(damaged.error().message.find("damaged") != std::string::npos);
  bytes[7] = 42;
  const auto locked = SignifySecretKey::parse(Secret(comment + to_base64(bytes) + "\n"));
  REQUIRE_FALSE(locked.has_value());
  CHECK(locked.error().kind == ErrorKind::invalid);
  CHECK(locked.error().hint.find("-G -n") != std::string::npos);
}
