#include "artifact/update_info.hpp"

#include <doctest/doctest.h>

using namespace tranche;
using namespace tranche::artifact;

namespace {

UpdateInfo parsed(const std::string& yaml) {
  const auto info = parse_update_info(yaml, "latest.yml");
  if (!info) FAIL(info.error().message);
  return *info;
}

const std::string hex(128, '0');

}  // namespace

TEST_CASE("what electron-builder writes is read, the legacy members too") {
  const UpdateInfo info = parsed(R"(version: 1.2.0
files:
  - url: Notes Setup 1.2.0.exe
    sha512: abc==
    size: 93151
    isAdminRightsRequired: true
  - url: notes.AppImage
    sha512: def==
    blockMapSize: 77
path: Notes Setup 1.2.0.exe
sha512: abc==
releaseDate: '2026-01-01T00:00:00.000Z'
releaseName: Spring
releaseNotes:
  - version: 1.2.0
    note: better
minimumSystemVersion: 10.0.0
packages:
  x64: {path: notes.7z, sha512: ghi==, size: 5}
somethingElse: {a: [1]}
)");
  CHECK(info.version == "1.2.0");
  REQUIRE(info.files.size() == 2);
  CHECK(info.files[0].url == "Notes Setup 1.2.0.exe");
  CHECK(info.files[0].size == 93151U);
  CHECK(info.files[0].admin_rights);
  CHECK_FALSE(info.files[0].block_map_size);
  CHECK(info.files[1].block_map_size == 77U);
  CHECK(info.path == "Notes Setup 1.2.0.exe");
  CHECK(info.release_date == "2026-01-01T00:00:00.000Z");
  CHECK(info.release_name == "Spring");
  CHECK(info.release_notes.is_array());
  CHECK(info.minimum_system_version == "10.0.0");
  REQUIRE(info.packages.size() == 1);
  CHECK(info.packages[0].architecture == "x64");
  CHECK_FALSE(info.staging_text);
  const UpdateInfo old = parsed("version: 1.2.0\npath: a.exe\nsha512: abc==\nsha2: ff\n");
  REQUIRE(old.files.size() == 1);
  CHECK(old.files[0].url == "a.exe");
  CHECK(old.files[0].sha512 == "abc==");
  CHECK(old.files[0].sha2 == "ff");
}

// The right column is String(load(yaml).stagingPercentage) of js-yaml 4.3.2
// (tests/clients/electron_client.mjs asks the client itself).
TEST_CASE("a share is read as JavaScript has it after its YAML reader") {
  struct Row {
    const char* written;
    std::optional<std::string> text;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"10", "10"},
           {"0.5", "0.5"},
           {"'10'", "10"},
           {"\"10\"", "10"},
           {"010", "10"},
           {"+10", "10"},
           {"-5", "-5"},
           {"0x64", "100"},
           {"'0x64'", "0x64"},
           {"-0x10", "-16"},
           {"0o17", "15"},
           {"0b1010", "10"},
           {"'0b1010'", "0b1010"},
           {"1e2", "100"},
           {"'1e2'", "1e2"},
           {"1e21", "1e+21"},
           {"0.0000005", "5e-7"},
           {"00.5", "0.5"},
           {".5", "0.5"},
           {"+.5", "+.5"},
           {"-.5 # odd", "-.5"},
           {"1.", "1"},
           {"-0", "0"},
           {"0b", "0b"},
           {"0o9", "0o9"},
           {"0001-1-1", "0001-1-1"},
           {"1_0", "1_0"},
           {"12abc", "12abc"},
           {"abc", "abc"},
           {"50%", "50%"},
           {".inf", "Infinity"},
           {"-.inf", "-Infinity"},
           {".nan", "NaN"},
           {"'.inf'", ".inf"},
           {"true", "true"},
           {"False", "false"},
           {"yes", "yes"},
           {"null", {}},
           {"~", {}},
           {"", {}},
           {"''", ""},
           {"[50]", "50"},
           {"[1, null, 2]", "1,,2"},
           {"[]", ""},
           {"{a: 1}", "[object Object]"},
           {"99 # of them", "99"},
       }) {
    CAPTURE(row.written);
    const auto info =
        parse_update_info(fmt::format("version: 1.2.0\nstagingPercentage: {}\npath: a\n", row.written), "y");
    REQUIRE(info);
    CHECK(info->staging_text == row.text);
  }
  CHECK(parsed("version: 1.0.0\nstagingPercentage: 0001-01-01\n").staging_text != "1");
  CHECK(parsed(R"({"version": "1.2.0", "stagingPercentage": "7"})").staging_text == "7");
}

TEST_CASE("what electron-updater would not accept is refused with a hint") {
  for (const char* yaml :
       {"", "x", "[]", "version: 1.2\n", "version: 1.10\n", "version: 1.2.0.4\n", "version: [1]\n",
        "version: 99999999999999999999.0.0\n", "files: []\n", "version: 1.2.0\nfiles: {a: 1}\n",
        "version: 1.2.0\nfiles: [a]\n", "version: 1.2.0\nfiles: [{sha512: a}]\n",
        "version: 1.2.0\nfiles: [{url: 5}]\n", "version: 1.2.0\nversion: 1.3.0\n",
        "version: 1.2.0\npackages: [1]\n", "a: &a [*a]\n", "\x01\x02"}) {
    CAPTURE(yaml);
    const auto info = parse_update_info(yaml, "latest.yml");
    REQUIRE_FALSE(info);
    CHECK(info.error().kind == ErrorKind::verification);
    CHECK_FALSE(info.error().hint.empty());
  }
  std::string many = "version: 1.2.0\nfiles:\n";
  for (int i = 0; i < 300; ++i) many += "  - {url: a, sha512: b}\n";
  CHECK_FALSE(parse_update_info(many, "latest.yml"));
  CHECK_FALSE(parse_update_info(std::string(max_update_info_bytes + 1, '#'), "latest.yml"));
}

TEST_CASE("a version is what node-semver takes: three numbers, perhaps behind a v") {
  CHECK(strict_semver("1.2.0") == "1.2.0");
  CHECK(strict_semver("v1.2.0") == "1.2.0");
  CHECK(strict_semver(" 1.2.0-rc.1+b ") == "1.2.0-rc.1+b");
  for (const char* bad :
       {"1.2", "1.2.3.4", "01.2.0", "1.2.0-", "1.2.0-01", "9007199254740992.0.0", "", "vv1.2.0"})
    CHECK_MESSAGE(!strict_semver(bad), bad);
}

TEST_CASE("a digest is 64 bytes of base64 or 128 lower-case hex digits") {
  CHECK(sha512_hex(hex) == hex);
  CHECK(sha512_hex(std::string(85, 'A') + "A==") == hex);
  for (const std::string& bad :
       {std::string(), std::string(86, 'A'), std::string(128, 'A'), std::string("AA==")})
    CHECK_FALSE(sha512_hex(bad));
}

TEST_CASE("a yml's name says its channel and whom it is for") {
  struct Row {
    const char *name, *channel, *suffix;
  };
  for (const Row& row : std::initializer_list<Row>{{"latest.yml", "latest", ""},
                                                   {"latest-mac.yml", "latest", "-mac"},
                                                   {"beta-linux.yml", "beta", "-linux"},
                                                   {"latest-linux-arm64.yml", "latest", "-linux-arm64"},
                                                   {"a-linux-ia32.yml", "a", "-linux-ia32"},
                                                   {"my-channel.yml", "my-channel", ""}}) {
    const auto name = parse_update_info_name(row.name);
    REQUIRE(name);
    CHECK(name->channel == row.channel);
    CHECK(name->suffix == row.suffix);
  }
  for (const char* bad : {"latest.yaml", "-mac.yml", ".yml", ""}) CHECK_FALSE(parse_update_info_name(bad));
}

TEST_CASE("a suffix and a file name say a platform, and a platform its suffix") {
  CHECK(update_platform("", "Notes.exe") == "windows/amd64");
  CHECK(update_platform("", "Notes-arm64.exe") == "windows/arm64");
  CHECK(update_platform("", "Notes-ia32.exe") == "windows/386");
  CHECK(update_platform("-mac", "Notes-mac.zip") == "darwin/amd64");
  CHECK(update_platform("-mac", "Notes-arm64.dmg") == "darwin/arm64");
  CHECK(update_platform("-mac", "Notes-universal.dmg") == "darwin/any");
  CHECK(update_platform("-linux-arm64", "x") == "linux/arm64");
  for (const char* platform : {"windows/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "linux/386"})
    CHECK(update_suffix(platform).has_value());
  CHECK_FALSE(update_suffix("any"));
  CHECK_FALSE(update_suffix("freebsd/amd64"));
}
