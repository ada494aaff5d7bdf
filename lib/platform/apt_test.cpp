// Suites as other tools leave them, and as nobody should: signed for real, since only what is signed is read.
#include "platform/apt.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/release_date.hpp"
#include "crypto/digest.hpp"
#include "os/world.hpp"
#include "signing/gpg_testing.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::platform;

namespace {

struct Suite {
  os::RealWorld real;
  ports::World& world = real.world();
  signing::testing::GpgHome home{world};
  support::TempDirectory directory;
  std::unique_ptr<signing::Gpg> signer, reader;

  Suite() {
    home.generate("ana@example.org", "ed25519");
    signer = std::move(*signing::Gpg::open(world, Secret(home.secret("ana@example.org")), {}));
    reader = std::move(*signing::Gpg::open_public(world, home.exported("ana@example.org")));
  }
  void write(const std::string& name, std::string_view bytes) {
    REQUIRE(world.files.write(directory / name, bytes).has_value());
  }
  void sign(const std::string& release) { write("InRelease", signer->clearsign(release).value()); }
  Result<signing::Verdict> check(const std::string& name = ".") {
    return check_apt(world, directory / name, *reader);
  }
  std::string code() {
    const auto verdict = check();
    REQUIRE_MESSAGE(verdict.has_value(), verdict.error().message);
    return verdict->code;
  }
};

std::string line_of(std::string_view content, std::string_view name) {
  return fmt::format(" {} {} {}\n", crypto::to_hex(crypto::sha256(content)), content.size(), name);
}

}  // namespace

TEST_CASE("an index that lies here must be what the signed Release lists; one that does not is counted") {
  os::RealWorld real;
  if (!signing::testing::have_gpg(real.world())) return;
  Suite suite;
  suite.write("main/Packages", "Package: notes\n");
  const std::string until = to_release_date(suite.world.clock.now() + std::chrono::hours(1));
  suite.sign("Suite: stable\nValid-Until: " + until + "\nMD5Sum:\n 00 1 main/Packages\nSHA256:\n" +
             line_of("Package: notes\n", "main/Packages") + line_of("x", "main/Packages.gz"));
  const auto verdict = suite.check();
  REQUIRE(verdict.has_value());
  CHECK_MESSAGE(verdict->holds(), verdict->detail);
  CHECK(verdict->detail.find("1 of 2 listed files") != std::string::npos);
  CHECK(verdict->detail.find("valid until " + until) != std::string::npos);
  CHECK(suite.check("InRelease")->holds());
  CHECK_FALSE(suite.check("main/Packages").has_value());
  suite.write("main/Packages", "Package: votes\n");
  CHECK(suite.code() == "changed-bytes");
  suite.write("main/Packages", "Package: notes\n and more\n");
  CHECK(suite.code() == "changed-bytes");
  // With blanks at line ends, which a signature in clear does not cover, both say the same.
  suite.sign("Suite: stable\nSHA256:\n");
  suite.write("Release", "Suite: stable  \nSHA256:\n\n");
  CHECK(suite.code().empty());
  suite.write("Release", "Suite: stables\nSHA256:\n");
  CHECK(suite.code() == "different-release");
}

TEST_CASE(
    "a signed Release that lists strange things reaches nothing outside its directory, and hangs nowhere") {
  os::RealWorld real;
  if (!signing::testing::have_gpg(real.world())) return;
  Suite suite;
  const std::string digest = crypto::to_hex(crypto::sha256(""));
  for (const std::string& line :
       {" " + digest + " 0 ../outside", " " + digest + " 0 main/../../outside",
        " " + digest + " 0 /etc/passwd", " " + digest + " -1 main/Packages",
        " " + digest + " 99999999999999999999 main/Packages", " " + digest.substr(1) + " 0 main/Packages",
        " " + digest + " 0", std::string(" x"), std::string(" ")}) {
    CAPTURE(line);
    suite.sign("Suite: stable\nSHA256:\n" + line + "\nSHA512:\n");
    CHECK(suite.code() == "malformed");
  }
  suite.sign("Suite: stable\nMD5Sum:\n");
  CHECK(suite.code() == "weak-digest");
  suite.sign("Suite: stable\nSHA256:\n" + line_of("", "pipe"));
  REQUIRE(mkfifo((suite.directory / "pipe").c_str(), 0600) == 0);
  CHECK_FALSE(suite.check().has_value());
}

TEST_CASE("a suite whose time is over is refused, and so is a time that cannot be read") {
  os::RealWorld real;
  if (!signing::testing::have_gpg(real.world())) return;
  Suite suite;
  for (const auto& [until, code] : {std::pair{"Sat, 21 Nov 2020 10:00:00 UTC", "expired"},
                                    {"Sat, 21 Nov 2099 10:00:00 UTC", ""},
                                    {"Sat, 21 Nov 2099 10:00:00 +0200", "malformed"},
                                    {"tomorrow", "malformed"}}) {
    CAPTURE(until);
    suite.sign(fmt::format("Suite: stable\nValid-Until: {}\nSHA256:\n", until));
    CHECK(suite.code() == code);
  }
}

TEST_CASE("what is missing, unsigned, cut or by another key has a code of its own") {
  os::RealWorld real;
  if (!signing::testing::have_gpg(real.world())) return;
  Suite suite;
  CHECK(suite.code() == "missing-artifact");
  suite.write("Release", "Suite: stable\nSHA256:\n");
  CHECK(suite.code() == "unsigned");
  suite.write("Release.gpg", suite.signer->sign_file(suite.directory / "Release").value());
  CHECK(suite.code().empty());
  suite.write("Release.gpg", "binary");
  CHECK(suite.code() == "malformed");
  suite.write("Release.gpg", suite.signer->sign_file(suite.directory / "Release").value());
  suite.write("Release", "Suite: stabler\nSHA256:\n");
  CHECK(suite.code() == "changed-bytes");
  REQUIRE(suite.world.files.remove(suite.directory / "Release").has_value());
  CHECK(suite.code() == "missing-artifact");
  REQUIRE(suite.world.files.remove(suite.directory / "Release.gpg").has_value());
  suite.sign("Suite: stable\nSHA256:\n");
  CHECK(suite.code().empty());
  suite.home.generate("bo@example.org", "ed25519");
  suite.reader = std::move(*signing::Gpg::open_public(suite.world, suite.home.exported("bo@example.org")));
  CHECK(suite.code() == "unknown-key");
  suite.write("InRelease", "words before\n" + suite.signer->clearsign("Suite: stable\nSHA256:\n").value());
  CHECK(suite.code() == "malformed");
}
