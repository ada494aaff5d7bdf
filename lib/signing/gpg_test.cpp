#include "signing/gpg.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "os/world.hpp"
#include "signing/clearsign.hpp"
#include "signing/gpg_testing.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

constexpr const char* text = "Origin: notes\n-dash at the front\n\nDate: now\n";

}  // namespace

TEST_CASE("gpg signs with an RSA and an Ed25519 key, and what it signed reads back and verifies") {
  os::RealWorld real;
  ports::World& world = real.world();
  if (!testing::have_gpg(world)) return;
  testing::GpgHome home(world);
  std::vector<std::string> homes;
  for (const char* algorithm : {"rsa2048", "ed25519"}) {
    CAPTURE(algorithm);
    const std::string user = std::string(algorithm) + "@example.org";
    home.generate(user, algorithm);
    auto gpg = Gpg::open(world, Secret(home.secret(user)), {});
    REQUIRE_MESSAGE(gpg.has_value(), gpg.error().message);
    CHECK((*gpg)->fingerprint().size() == 40);
    homes.push_back((*gpg)->home());
    CHECK((std::filesystem::status(homes.back()).permissions() & std::filesystem::perms::mask) ==
          std::filesystem::perms::owner_all);
    const auto signed_text = (*gpg)->clearsign(text);
    REQUIRE_MESSAGE(signed_text.has_value(), signed_text.error().message);
    const auto read = parse_clearsigned(*signed_text);
    REQUIRE_MESSAGE(read.has_value(), read.error().message);
    CHECK(read->text == text);
    REQUIRE(read->signatures.size() == 1);
    CHECK(read->signatures[0].hash == "SHA512");
    CHECK(read->signatures[0].key_id == (*gpg)->fingerprint());
    CHECK(world.clock.now() - read->signatures[0].made < std::chrono::minutes(10));
    CHECK((*gpg)->verify(*signed_text).has_value());

    auto reader = Gpg::open_public(world, home.exported(user));
    REQUIRE(reader.has_value());
    CHECK((*reader)->verify(*signed_text).has_value());
    std::string changed = *signed_text;
    changed.replace(changed.find("Date: now"), 9, "Date: old");
    CHECK_FALSE((*reader)->verify(changed).has_value());
    CHECK_FALSE((*gpg)->verify(changed).has_value());
    CHECK_FALSE((*gpg)->verify("words before\n" + *signed_text).has_value());
    CHECK((*gpg)->public_key()->starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
  }
  for (const std::string& path : homes) CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a key with a password signs with it, and with no other") {
  os::RealWorld real;
  if (!testing::have_gpg(real.world())) return;
  testing::GpgHome home(real.world());
  home.generate("ana@example.org", "ed25519", "correct horse");
  const Secret key(home.secret("ana@example.org", "correct horse"));
  auto gpg = Gpg::open(real.world(), key, Secret("correct horse"));
  REQUIRE(gpg.has_value());
  CHECK((*gpg)->clearsign(text).has_value());
  auto wrong = Gpg::open(real.world(), key, Secret("wrong horse"));
  REQUIRE(wrong.has_value());
  const auto refused = (*wrong)->clearsign(text);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::verification);
  CHECK(refused.error().hint.find("key-password") != std::string::npos);
}

TEST_CASE("a signature of another key is not taken") {
  os::RealWorld real;
  if (!testing::have_gpg(real.world())) return;
  testing::GpgHome home(real.world());
  home.generate("ana@example.org", "ed25519");
  home.generate("bo@example.org", "ed25519");
  auto ana = Gpg::open(real.world(), Secret(home.secret("ana@example.org")), {});
  auto bo = Gpg::open(real.world(), Secret(home.secret("bo@example.org")), {});
  REQUIRE(ana.has_value());
  REQUIRE(bo.has_value());
  const auto signed_text = (*bo)->clearsign(text);
  REQUIRE(signed_text.has_value());
  CHECK_FALSE((*ana)->verify(*signed_text).has_value());
}

TEST_CASE("what is no secret key, or several, is refused with what to give instead") {
  os::RealWorld real;
  if (!testing::have_gpg(real.world())) return;
  testing::GpgHome home(real.world());
  home.generate("ana@example.org", "ed25519");
  home.generate("bo@example.org", "ed25519");
  for (const std::string& key : {std::string("no key"), home.exported("ana@example.org"),
                                 home.secret("ana@example.org") + home.secret("bo@example.org")}) {
    const auto gpg = Gpg::open(real.world(), Secret(key), {});
    REQUIRE_FALSE(gpg.has_value());
    CHECK(gpg.error().kind == ErrorKind::verification);
    CHECK(gpg.error().hint.find("--export-secret-keys") != std::string::npos);
  }
}

TEST_CASE("a file's detached signature holds for its bytes and its key, and gpg itself agrees") {
  os::RealWorld real;
  ports::World& world = real.world();
  if (!testing::have_gpg(world)) return;
  testing::GpgHome home(world);
  home.generate("ana@example.org", "ed25519", "correct horse");
  home.generate("bo@example.org", "ed25519");
  support::TempDirectory directory;
  const std::string path = directory / "file";
  REQUIRE(world.files.write(path, std::string(300000, 'x')).has_value());
  auto gpg =
      Gpg::open(world, Secret(home.secret("ana@example.org", "correct horse")), Secret("correct horse"));
  REQUIRE(gpg.has_value());
  const auto signature = (*gpg)->sign_file(path);
  REQUIRE_MESSAGE(signature.has_value(), signature.error().message);
  REQUIRE(world.files.write(directory / "file.asc", *signature).has_value());
  home.gpg({"--verify", directory / "file.asc", path});  // the peer's own word

  const auto check = [&](const std::string& user, std::string_view bytes) {
    auto reader = Gpg::open_public(world, home.exported(user));
    REQUIRE(reader.has_value());
    const auto verdict = (*reader)->check_file(path, bytes);
    REQUIRE(verdict.has_value());
    return verdict->code;
  };
  CHECK(check("ana@example.org", *signature).empty());
  const auto theirs = home.gpg(
      {"--passphrase", "", "--local-user", "bo@example.org", "--output", "-", "--detach-sign", path});
  CHECK(check("bo@example.org", theirs).empty());
  CHECK(check("bo@example.org", *signature) == "unknown-key");
  CHECK(check("ana@example.org", "no signature") == "malformed");
  CHECK(check("ana@example.org", "") == "malformed");
  const auto clear = (*gpg)->clearsign(text);
  REQUIRE(clear.has_value());
  CHECK_FALSE(check("ana@example.org", *clear).empty());  // signs its own text, not the file
  REQUIRE(world.files.write(path, std::string(299999, 'x') + "y").has_value());
  CHECK(check("ana@example.org", *signature) == "changed-bytes");
}
