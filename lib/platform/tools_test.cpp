// Packages signed and checked by the platforms' own tools, both ways.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "os/world.hpp"
#include "platform/authenticode.hpp"
#include "platform/deb.hpp"
#include "platform/rpm.hpp"
#include "platform/tool.hpp"
#include "support/fake_world.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::platform;

namespace {

struct Scene {
  os::RealWorld real;
  ports::World& world = real.world();
  support::TempDirectory directory;

  ports::ProcessResult attempt(std::vector<std::string> argv,
                               std::map<std::string, std::string> environment = {}) {
    ports::ProcessRequest request;
    request.argv = std::move(argv);
    request.directory = directory.path();
    request.environment = std::move(environment);
    request.environment["HOME"] = directory.path();
    const auto result = world.process.run(request);
    REQUIRE(result.has_value());
    return *result;
  }
  std::string run(std::vector<std::string> argv) {
    const auto result = attempt(std::move(argv));
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    return result.out;
  }
  std::string read(const std::string& name) {
    return world.files.read(directory / name, 1 << 20).value().value_or("");
  }
  void write(const std::string& name, std::string_view bytes) {
    REQUIRE(world.files.write(directory / name, bytes).has_value());
  }
  std::string path(const std::string& name) { return directory / name; }

  bool have(const std::string& program, const std::string& package) {
    if (support::have_program(world.process, program)) return true;
    MESSAGE("skipped: " << program << " is missing (apt-get install " << package << ")");
    CHECK(std::getenv("TRANCHE_REQUIRE_PEERS") == nullptr);
    return false;
  }

  // An OpenPGP key of the test's own, in a session of ours, and its public half.
  std::unique_ptr<signing::Gpg> make_key(const std::string& user, const std::string& password) {
    const std::string home = path("gpg-" + user);
    std::filesystem::create_directory(home);
    std::filesystem::permissions(home, std::filesystem::perms::owner_all);
    const auto gpg = [&](std::vector<std::string> words) {
      std::vector<std::string> argv{
          "gpg",         "--homedir", home,           "--batch", "--no-tty",        "--quiet",
          "--s2k-count", "65536",     "--passphrase", password,  "--pinentry-mode", "loopback"};
      argv.insert(argv.end(), words.begin(), words.end());
      return run(std::move(argv));
    };
    gpg({"--quick-generate-key", user + "@example.org", "rsa2048", "sign", "never"});
    const Secret secret(gpg({"--armor", "--export-secret-keys"}));
    write(user + ".asc", gpg({"--armor", "--export"}));
    write(user + ".gpg", gpg({"--export"}));
    attempt({"gpgconf", "--homedir", home, "--kill", "gpg-agent"});
    auto made = signing::Gpg::open(world, secret, Secret(password));
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  std::unique_ptr<signing::Gpg> reader(const std::string& user) {
    auto made = signing::Gpg::open_public(world, read(user + ".asc"));
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  void make_deb(const std::string& name, const std::string& compression) {
    write("tree/DEBIAN/control",
          "Package: notes\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n");
    write("tree/usr/share/notes", "hello\n");
    run({"dpkg-deb", "-Z" + compression, "--root-owner-group", "-b", "tree", name});
  }
  void make_rpm(const std::string& name) {
    write(
        "notes.spec",
        "Name: notes\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n"
        "%files\n");
    run({"rpmbuild", "--quiet", "--define", "_topdir " + path("rpm"), "-bb", "notes.spec"});
    std::filesystem::copy_file(path("rpm/RPMS/noarch/notes-1-1.noarch.rpm"), path(name),
                               std::filesystem::copy_options::overwrite_existing);
  }
  // The peer's own word, with a policy that wants ana's origin signature.
  int debsig_verify(const std::string& name, const std::string& fingerprint) {
    const std::string id = fingerprint.substr(fingerprint.size() - 16);
    write("keyrings/" + id + "/ana.gpg", read("ana.gpg"));
    write(
        "policies/" + id + "/ana.pol",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE Policy SYSTEM \"https://www.debian.org/debsig/1.0/policy.dtd\">\n"
        "<Policy xmlns=\"https://www.debian.org/debsig/1.0/\"><Origin Name=\"ana\" id=\"" +
            id + "\" Description=\"ana\"/><Selection><Required Type=\"origin\" File=\"ana.gpg\" id=\"" + id +
            "\"/></Selection><Verification MinOptional=\"0\"><Required Type=\"origin\" File=\"ana.gpg\" "
            "id=\"" +
            id + "\"/></Verification></Policy>\n");
    return attempt({"debsig-verify", "--policies-dir", path("policies"), "--keyrings-dir", path("keyrings"),
                    name})
        .exit_code;
  }
};

std::string flipped(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  return bytes;
}

// A 64-bit program of one instruction, as the PE format has it (Microsoft, "PE Format").
std::string tiny_program() {
  std::string pe(1024, '\0');
  const auto put = [&](std::size_t at, std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) pe[at + i] = static_cast<char>((value >> (8 * i)) & 0xff);
  };
  pe.replace(0, 2, "MZ");
  put(0x3c, 0x80, 4);
  pe.replace(0x80, 2, "PE");
  put(0x84, 0x8664, 2);  // x86-64
  put(0x86, 1, 2);       // one section
  put(0x94, 0xf0, 2);    // size of the optional header
  put(0x96, 0x22, 2);    // executable
  const std::size_t optional = 0x98;
  put(optional, 0x20b, 2);             // PE32+
  put(optional + 4, 0x200, 4);         // size of code
  put(optional + 16, 0x1000, 4);       // entry
  put(optional + 24, 0x140000000, 8);  // image base
  put(optional + 32, 0x1000, 4);       // section alignment
  put(optional + 36, 0x200, 4);        // file alignment
  put(optional + 40, 6, 2);
  put(optional + 48, 6, 2);
  put(optional + 56, 0x2000, 4);  // size of image
  put(optional + 60, 0x200, 4);   // size of headers
  put(optional + 68, 3, 2);       // console
  put(optional + 108, 16, 4);     // data directories
  const std::size_t section = optional + 0xf0;
  pe.replace(section, 5, ".text");
  put(section + 8, 1, 4);
  put(section + 12, 0x1000, 4);
  put(section + 16, 0x200, 4);
  put(section + 20, 0x200, 4);
  put(section + 36, 0x60000020, 4);
  pe[0x200] = '\xc3';  // ret
  return pe;
}

}  // namespace

TEST_CASE("a .deb signed here is accepted by debsig-verify, and one that debsigs signed by us") {
  Scene scene;
  if (!scene.have("dpkg-deb", "dpkg-dev") || !scene.have("debsigs", "debsigs") ||
      !scene.have("debsig-verify", "debsig-verify"))
    return;
  scene.make_deb("notes.deb", "xz");
  const auto ana = scene.make_key("ana", "correct horse");
  const auto reader = scene.reader("ana");
  CHECK(check_deb(scene.world, scene.path("notes.deb"), *reader)->code == "unsigned");
  const auto made = sign_deb(scene.world, scene.path("notes.deb"), *ana);
  REQUIRE_MESSAGE(made.has_value(), made.error().message);
  CHECK(scene.debsig_verify("notes.deb", ana->fingerprint()) == 0);
  const auto verdict = check_deb(scene.world, scene.path("notes.deb"), *reader);
  REQUIRE(verdict.has_value());
  CHECK_MESSAGE(verdict->holds(), verdict->detail);
  scene.run({"dpkg-deb", "--info", "notes.deb"});

  // A second time: one signature, still good.
  REQUIRE(sign_deb(scene.world, scene.path("notes.deb"), *ana).has_value());
  CHECK(scene.debsig_verify("notes.deb", ana->fingerprint()) == 0);
  CHECK(check_deb(scene.world, scene.path("notes.deb"), *reader)->holds());

  const std::string good = scene.read("notes.deb");
  scene.write("changed.deb", flipped(good, good.find("data.tar") + 100));
  CHECK(check_deb(scene.world, scene.path("changed.deb"), *reader)->code == "changed-bytes");
  CHECK(scene.debsig_verify("changed.deb", ana->fingerprint()) != 0);
  const auto bo = scene.make_key("bo", "");
  CHECK(check_deb(scene.world, scene.path("notes.deb"), *scene.reader("bo"))->code == "unknown-key");

  // What dpkg would unpack instead of what was signed.
  const std::string head = good.substr(8, good.find("control.tar") - 8);
  for (const std::string& bytes :
       {good + good.substr(8), "!<arch>\n" + head + good.substr(8), good.substr(0, good.size() / 2),
        std::string("not a package"), std::string()}) {
    scene.write("odd.deb", bytes);
    CHECK(check_deb(scene.world, scene.path("odd.deb"), *reader)->code == "malformed");
  }
}

TEST_CASE("a .deb that debsigs does not understand stays as it was") {
  Scene scene;
  if (!scene.have("dpkg-deb", "dpkg-dev") || !scene.have("debsigs", "debsigs")) return;
  scene.make_deb("notes.deb", "zstd");
  const std::string before = scene.read("notes.deb");
  const auto ana = scene.make_key("ana", "");
  const auto made = sign_deb(scene.world, scene.path("notes.deb"), *ana);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().kind == ErrorKind::verification);
  CHECK(scene.read("notes.deb") == before);
}

TEST_CASE("an .rpm signed here is accepted by rpmkeys; unsigned, changed and strange ones are refused") {
  Scene scene;
  if (!scene.have("rpmsign", "rpm") || !scene.have("rpmbuild", "rpm")) return;
  scene.make_rpm("notes.rpm");
  const auto ana = scene.make_key("ana", "correct horse");
  CHECK(check_rpm(scene.world, scene.path("notes.rpm"), scene.read("ana.asc"))->code == "unsigned");
  const auto made = sign_rpm(scene.world, scene.path("notes.rpm"), *ana);
  REQUIRE_MESSAGE(made.has_value(), made.error().message);
  const auto verdict = check_rpm(scene.world, scene.path("notes.rpm"), scene.read("ana.asc"));
  REQUIRE(verdict.has_value());
  CHECK_MESSAGE(verdict->holds(), verdict->detail);

  std::filesystem::create_directory(scene.path("db"));
  scene.run({"rpmkeys", "--dbpath", scene.path("db"), "--import", "ana.asc"});
  scene.run({"rpmkeys", "--dbpath", scene.path("db"), "--define", "_pkgverify_level all", "-K", "notes.rpm"});

  scene.make_key("bo", "");
  CHECK(check_rpm(scene.world, scene.path("notes.rpm"), scene.read("bo.asc"))->code == "unknown-key");
  const std::string good = scene.read("notes.rpm");
  scene.write("changed.rpm", flipped(good, good.size() - 20));
  CHECK(check_rpm(scene.world, scene.path("changed.rpm"), scene.read("ana.asc"))->code == "changed-bytes");
  for (const std::string& bytes : {good.substr(0, 200), std::string("no package"), std::string()}) {
    scene.write("odd.rpm", bytes);
    CHECK_FALSE(check_rpm(scene.world, scene.path("odd.rpm"), scene.read("ana.asc"))->holds());
  }
  const auto locked = signing::Gpg::open(
      scene.world,
      Secret(scene.run({"gpg", "--homedir", scene.path("gpg-ana"), "--batch", "--pinentry-mode", "loopback",
                        "--passphrase", "correct horse", "--armor", "--export-secret-keys"})),
      Secret("wrong horse"));
  scene.attempt({"gpgconf", "--homedir", scene.path("gpg-ana"), "--kill", "gpg-agent"});
  REQUIRE(locked.has_value());
  const auto refused = sign_rpm(scene.world, scene.path("notes.rpm"), **locked);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().hint.find("key-password") != std::string::npos);
  CHECK(scene.read("notes.rpm") == good);
}

TEST_CASE("rpmkeys is only believed when it names a good signature and nothing bad") {
  const struct {
    std::string_view said;
    int exit_code;
    std::string_view code;
  } cases[] = {
      {"    Header V4 EdDSA/SHA256 Signature, key ID 12ab: OK\n    Header SHA256 digest: OK\n", 0, ""},
      {"    Header SHA256 digest: OK\n    Payload SHA256 digest: OK\n", 0, "unsigned"},
      {"    Header V4 RSA/SHA512 Signature, key ID 12ab: NOKEY\n", 1, "unknown-key"},
      {"    Header V4 RSA/SHA512 Signature, key ID 12ab: BAD\n", 1, "bad-signature"},
      {"    Header V4 RSA/SHA512 Signature, key ID 12ab: OK\n    Payload SHA256 digest: BAD (Expected a != "
       "b)\n",
       1, "changed-bytes"},
      {"    Header V4 RSA/SHA512 Signature, key ID 12ab: OK\n    V4 RSA/SHA512 Signature, key ID 9: "
       "NOTTRUSTED\n",
       1, "bad-signature"},
      {"    Header V4 RSA/SHA512 Signature, key ID 12ab: OK\n", 1, "malformed"},
      {"    Header V4 RSA/SHA1 Signature, key ID 12ab: OK\n    Header SHA256 digest: OK\n", 0, "weak-digest"},
      {"", 0, "unsigned"},
      {"", 1, "malformed"},
  };
  for (const auto& item : cases) {
    CAPTURE(item.said);
    CHECK(read_rpmkeys(item.said, item.exit_code).code == item.code);
  }
}

TEST_CASE("a tool that is not here is named with its package; one that does not end is not to be installed") {
  os::RealWorld real;
  const ToolRun run{
      .argv = {"tranche-no-such-tool"}, .package = "some-package", .environment = {}, .input = {}};
  const auto missing = run_tool(real.world(), run);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().hint == "install it: apt-get install some-package");
  support::FakeWorld fake;
  ports::World world = fake.world();
  fake.process.handler = [](const ports::ProcessRequest&) -> Result<ports::ProcessResult> {
    return fail_hint(ErrorKind::failed, "find out why", "'{}' did not end", "x");
  };
  const auto slow = run_tool(world, run);
  REQUIRE_FALSE(slow.has_value());
  CHECK(slow.error().hint == "find out why");
}

TEST_CASE("osslsigncode is only believed when each signature and each timestamp holds") {
  const std::string good =
      "Signer's certificate:\n\tSigner #0:\n\t\tSubject: /CN=ana\n"
      "Timestamp Server Signature verification: ok\nSignature verification: ok\n"
      "Number of verified signatures: 1\n";
  const std::string bad = "Signature verification: failed\nNumber of verified signatures: 2\n";
  const struct {
    std::string out, err;
    int exit_code;
    std::string_view code;
  } cases[] = {
      {good, "", 0, ""},
      {good, "", 1, "bad-signature"},
      {"", "", 0, "bad-signature"},
      // A description that is signed is printed as it is.
      {"Text description: x\n" + good, "", 1, "bad-signature"},
      {"Number of verified signatures: 1\n", "", 0, "bad-signature"},
      {good + bad, "certificate verify error", 0, "untrusted-certificate"},
      {good + bad, "Verify error: certificate has expired", 0, "certificate-outside-validity"},
      {good + "Timestamp Server Signature verification: failed\n", "", 0, "untrusted-timestamp"},
      {good, "Unsupported Signer's certificate purpose XKU_CODE_SIGN\n", 0, "wrong-purpose"},
      {good + "Calculated message digest : 00    MISMATCH!!!\n", "", 0, "changed-bytes"},
      {"", "No signature found\n", 1, "unsigned"},
      {"", "Corrupt PE file - too short\n", 1, "malformed"},
      {"", "Unrecognized file type - file is too short: x\n", 1, "malformed"},
  };
  for (const auto& item : cases) {
    CAPTURE(item.out);
    CAPTURE(item.err);
    CHECK(read_osslsigncode(item.out, item.err, item.exit_code).code == item.code);
  }
}

TEST_CASE("a Windows program signed here is accepted by osslsigncode; other roots and bytes are refused") {
  Scene scene;
  if (!scene.have("osslsigncode", "osslsigncode") || !scene.have("gpg", "gnupg")) return;
  const auto authority = [&](const std::string& name) {
    scene.run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out",
               name + ".pem", "-subj", "/CN=" + name, "-days", "30"});
  };
  authority("root");
  authority("other");
  scene.run({"openssl", "req", "-newkey", "rsa:2048", "-passout", "pass:correct horse", "-keyout",
             "signer.key", "-out", "signer.csr", "-subj", "/CN=notes signer"});
  scene.write("extensions", "extendedKeyUsage=codeSigning\nkeyUsage=digitalSignature\n");
  scene.run({"openssl", "x509", "-req", "-in", "signer.csr", "-CA", "root.pem", "-CAkey", "root.key",
             "-CAcreateserial", "-out", "signer.pem", "-days", "20", "-extfile", "extensions"});
  scene.write("notes.exe", tiny_program());
  const auto check = [&](const std::string& name, const std::string& root) {
    const auto verdict = check_authenticode(scene.world, scene.path(name), scene.path(root));
    REQUIRE(verdict.has_value());
    return verdict->code;
  };
  CHECK(check("notes.exe", "root.pem") == "unsigned");
  AuthenticodeSigner signer{.key = Secret(scene.read("signer.key")),
                            .token = {},
                            .module = {},
                            .password = Secret("wrong horse"),
                            .certificates = scene.read("signer.pem"),
                            .timestamp_url = {}};
  const auto locked = sign_authenticode(scene.world, scene.path("notes.exe"), signer);
  REQUIRE_FALSE(locked.has_value());
  CHECK(scene.read("notes.exe") == tiny_program());
  signer.password = Secret("correct horse");
  for (int round = 0; round < 2; ++round) {  // the second replaces the first one's signature
    const auto made = sign_authenticode(scene.world, scene.path("notes.exe"), signer);
    REQUIRE_MESSAGE(made.has_value(), made.error().message);
    CHECK(check("notes.exe", "root.pem").empty());
    scene.run({"osslsigncode", "verify", "-CAfile", "root.pem", "notes.exe"});
  }
  CHECK(check("notes.exe", "other.pem") == "untrusted-certificate");
  scene.write("changed.exe", flipped(scene.read("notes.exe"), 0x201));
  CHECK(check("changed.exe", "root.pem") == "changed-bytes");
  scene.write("text.exe", "no program");
  CHECK_FALSE(check("text.exe", "root.pem").empty());
  CHECK_FALSE(sign_authenticode(scene.world, scene.path("text.exe"), signer).has_value());
  CHECK(scene.read("text.exe") == "no program");
}
