// Packages made by dpkg-deb itself, and the ways in which one can be broken.
#include "artifact/debian_package.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "artifact/unpack.hpp"
#include "os/world.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::artifact;
namespace fs = std::filesystem;

namespace {

constexpr const char* usual_control =
    "Package: notes-agent\nVersion: 1:1.2.0-1\nArchitecture: amd64\nMaintainer: Ana <ana@example.org>\n"
    "Description: notes\n that stay\n";

void skip_without_dpkg() {
  MESSAGE("skipped: dpkg-deb is missing (apt-get install dpkg)");
  CHECK(std::getenv("TRANCHE_REQUIRE_PEERS") == nullptr);
}

struct Scene {
  support::TempDirectory directory;
  os::RealWorld real;
  ports::World& world = real.world();

  bool ready() { return support::have_program(world.process, "dpkg-deb"); }
  std::string build(const std::string& control, const std::string& packing, std::size_t payload = 100) {
    fs::create_directories(directory / "root/DEBIAN");
    fs::create_directories(directory / "root/usr/bin");
    write(directory / "root/DEBIAN/control", control);
    write(directory / "root/usr/bin/notes", std::string(payload, 'n'));
    ports::ProcessRequest request;
    request.argv = {"dpkg-deb", "-Z" + packing,     "--root-owner-group",
                    "--build",  directory / "root", directory / "out.deb"};
    const auto done = world.process.run(request);
    REQUIRE(done.has_value());
    REQUIRE_MESSAGE(done->exit_code == 0, done->err);
    return directory / "out.deb";
  }
  static void write(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::string bytes_of(const std::string& path) { return **world.files.read(path, 64 << 20); }
};

std::string member(std::string name, std::string_view bytes) {
  name.resize(16, ' ');
  std::string out = name + "0           0     0     100644  " + fmt::format("{:<10}`\n", bytes.size());
  out += bytes;
  if (bytes.size() % 2 == 1) out += '\n';
  return out;
}

std::string message_of(const std::string& bytes) {
  const auto package = parse_debian_package(bytes);
  if (package) return "it was taken: " + package->name;
  CHECK(package.error().kind == ErrorKind::invalid);
  CHECK_FALSE(package.error().hint.empty());
  return package.error().message;
}

}  // namespace

TEST_CASE("the control stanza of a package is read however it is packed") {
  Scene scene;
  if (!scene.ready()) return skip_without_dpkg();
  for (const char* packing : {"gzip", "xz", "zstd", "none"}) {
    CAPTURE(packing);
    const auto package = read_debian_package(scene.world.files, scene.build(usual_control, packing));
    REQUIRE_MESSAGE(package.has_value(), package.error().message);
    CHECK(package->control + "\n" == usual_control);
    CHECK(package->name == "notes-agent");
    CHECK(package->version == "1:1.2.0-1");
    CHECK(package->architecture == "amd64");
    CHECK(package->source == "notes-agent");
    CHECK(package->source_version == "1:1.2.0-1");
    const auto parsed = parse_debian_package(scene.bytes_of(scene.directory / "out.deb"));
    REQUIRE(parsed.has_value());
    CHECK(parsed->control == package->control);
  }
}

TEST_CASE("a package of any size is read to the end of its control file only") {
  Scene scene;
  if (!scene.ready()) return skip_without_dpkg();
  const std::string path = scene.build(usual_control, "none", 4 << 20);
  const std::string whole = scene.bytes_of(path);
  REQUIRE(whole.size() > (4U << 20));
  CHECK(parse_debian_package(std::string_view(whole).substr(0, 64 * 1024)).has_value());
  CHECK(message_of(whole.substr(0, 200)) == "it ends in the middle of 'control.tar'");
  CHECK(message_of(whole.substr(0, 100)) == "it ends before its control file");
}

TEST_CASE("a source package of another name or version is the one that the machines draw for") {
  struct Row {
    const char *field, *name, *version;
  };
  for (const Row& row :
       {Row{"Source: notes", "notes", "1.2"}, Row{"Source: notes (1.1-2)", "notes", "1.1-2"},
        Row{"Source: notes-agent (1:2)", "notes-agent", "1:2"}, Row{"X: y", "notes-agent", "1.2"}}) {
    CAPTURE(row.field);
    const auto package = parse_control("Package: notes-agent\n" + std::string(row.field) +
                                       "\nVersion: 1.2\nArchitecture: all\n");
    REQUIRE(package.has_value());
    CHECK(package->source == row.name);
    CHECK(package->source_version == row.version);
  }
}

TEST_CASE("what is no package is refused, each with its reason") {
  const std::string start = "!<arch>\n" + member("debian-binary", "2.0\n");
  CHECK(message_of("") == "it is no Debian package");
  CHECK(message_of("PK\x03\x04") == "it is no Debian package");
  CHECK(message_of("!<arch>\n" + member("other", "x")) == "it is no Debian package");
  CHECK(message_of("!<arch>\n" + member("debian-binary", "3.0\n")) ==
        "its format is '3.0', only 2.x is known");
  CHECK(message_of(start) == "it ends before its control file");
  CHECK(message_of(start + member("control.tar.gz", "no gzip")).starts_with("broken archive"));
  CHECK(message_of(start + member("control.tar", std::string(1024, '\0'))) == "it has no control file");
  std::string broken = start + member("control.tar", "x");
  broken[start.size() + 58] = '?';
  CHECK(message_of(broken) == "its members cannot be read");
  std::string large = start + member("control.tar", "x");
  large.replace(start.size() + 48, 10, "9999999999");
  CHECK(message_of(large) == "its member 'control.tar' has more than 16777216 bytes");
  std::string endless = start;
  for (int i = 0; i < 20; ++i) endless += member("_gpgorigin", "x");
  CHECK(message_of(endless) == "it has no control file");
}

TEST_CASE("a control file without a usable name, version or architecture is refused") {
  const auto refused = [](const std::string& control) {
    const auto package = parse_control(control);
    return package ? "it was taken" : package.error().message;
  };
  CHECK(refused("") == "its control file is empty");
  CHECK(refused("Version: 1\nArchitecture: all") == "'' is no name of a package");
  CHECK(refused("Package: Notes\nVersion: 1\nArchitecture: all") == "'Notes' is no name of a package");
  CHECK(refused("Package: ../x\nVersion: 1\nArchitecture: all") == "'../x' is no name of a package");
  CHECK(refused("Package: notes\nVersion: one\nArchitecture: all") == "'one' is no version of a package");
  CHECK(refused("Package: notes\nVersion: 1\nArchitecture: a/b") == "'a/b' is no architecture");
  CHECK(refused("Package: notes\nVersion: 1\nArchitecture: all\nSource: X") == "'X' names no source package");
  CHECK(refused("Package: notes\nVersion: 1\nArchitecture: all\nSource: x (") ==
        "'x (' names no source package");
  CHECK(refused("Package: notes\nPackage: notes") == "line 2: the field 'Package' stands twice");
  CHECK(refused("Package: notes\n\nPackage: other\n") == "line 3: there are more than 1 stanzas");
  CHECK(refused("Package: notes\nVersion: 1\nArchitecture: all\nDescription: \xff") ==
        "its control file is not UTF-8");
}

TEST_CASE("packed bytes are unpacked to a limit, others come back as they are") {
  CHECK(*unpack("plain text", 100) == "plain text");
  CHECK_FALSE(unpack("plain text", 5).has_value());
  CHECK(*unpack("", 5) == "");
  // gzip of 1000 zero bytes, and of nothing
  const std::string zeros(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x63\x60\x18\x05\xa3\x60\x14\x0c\x77\x00\x00\x80\x17\x0b\x06"
      "\xe8\x03\x00\x00",
      29);
  const std::string nothing(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  CHECK(unpack(zeros, 1000).value_or("") == std::string(1000, '\0'));
  CHECK(unpack(nothing, 1000).value_or("?") == "");
  CHECK_FALSE(unpack(zeros, 999).has_value());
  CHECK_FALSE(unpack("\x1f\x8b broken", 999).has_value());
}
