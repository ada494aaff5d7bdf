#include "channel/electron.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "channel/channel_testing.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/statement.hpp"
#include "channel/updater_testing.hpp"
#include "crypto/hash.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::testing;

namespace {

std::string sha512(std::string_view bytes) {
  return to_base64(crypto::hash(crypto::HashKind::sha512, bytes));
}

std::string id_with_draw(std::uint32_t draw) {
  return fmt::format("0b2c3d4e-5f60-5a7b-8c9d-0e1f{:08x}", draw);
}

const std::map<std::string, std::string> windows_only{{"Notes-1.2.0.exe", "installer"}};

UpdaterBench shipped_bench() {
  UpdaterBench bench(electron());
  REQUIRE(bench.ship("1.1.0", {{"Notes-1.1.0.exe", "old installer"},
                               {"Notes-1.1.0-mac.zip", "old zip"},
                               {"Notes-1.1.0.AppImage", "old image"}}));
  REQUIRE(bench.ship("1.2.0", {{"Notes-1.2.0.exe", "installer"},
                               {"Notes-1.2.0.exe.blockmap", "map"},
                               {"Notes-1.2.0-arm64.exe", "arm installer"},
                               {"Notes-1.2.0-mac.zip", "zip"},
                               {"Notes-1.2.0.dmg", "dmg"},
                               {"Notes-1.2.0.AppImage", "image"},
                               {"notes_1.2.0_amd64.deb", "deb"},
                               {"Notes-1.2.0-arm64.AppImage", "arm image"},
                               {"notes-1.2.0.tar.gz", "source"}}));
  return bench;
}

const Named* find(const Written& written, std::string_view name) {
  const auto found = std::ranges::find(written.pointers, name, &Named::name);
  return found == written.pointers.end() ? nullptr : &*found;
}

// A view of one file whose text is given.
std::unique_ptr<View> view_of(const std::string& yml, bool allow_downgrade = false,
                              const std::string& name = "latest.yml") {
  UpdaterBench bench(electron());
  bench.client.allow_downgrade = allow_downgrade;
  return bench.view_of(name, yml);
}
const std::string named_file = "files:\n  - {url: a.exe, size: 1, sha512: " + sha512("a") + "}\n";
const std::string dated = "releaseDate: '2026-02-20T00:00:00.000Z'\n";

}  // namespace

TEST_CASE("electron: each platform's clients are told their files, with the SHA-512 of each") {
  const UpdaterBench bench = shipped_bench();
  const auto facts = parse_electron_facts(bench.releases.front().facts);
  REQUIRE(facts);
  std::vector<std::string> suffixes;
  for (const ElectronPlatform& platform : facts->platforms) suffixes.push_back(platform.suffix);
  CHECK(suffixes == std::vector<std::string>{"", "-linux", "-linux-arm64", "-mac"});
  const ElectronPlatform& windows = *facts->platform("");
  REQUIRE(windows.files.size() == 2);
  CHECK(windows.files[0].name == "Notes-1.2.0.exe");  // a client that no name speaks to takes the first
  CHECK(windows.files[0].sha512 == sha512("installer"));
  CHECK(windows.files[0].size == 9U);
  CHECK(windows.files[0].blockmap == 3U);
  CHECK_FALSE(windows.files[1].blockmap);
  CHECK(facts->platform("-mac")->files[0].name == "Notes-1.2.0-mac.zip");
  CHECK(facts->platform("-mac")->files[1].name == "Notes-1.2.0.dmg");
  CHECK(facts->platform("-linux")->files[0].name == "Notes-1.2.0.AppImage");
  CHECK(facts->platform("-linux")->files[1].name == "notes_1.2.0_amd64.deb");
  CHECK(to_json(*facts) == bench.releases.front().facts);
}

TEST_CASE("electron: a release without a file for its clients has no facts") {
  UpdaterBench bench(electron());
  REQUIRE(bench.ship("1.2.0", {{"notes-1.2.0.tar.gz", "source"}}));
  CHECK(bench.releases.front().facts.empty());
}

TEST_CASE("electron: a version that node-semver does not take is refused when the release is made") {
  for (const char* version : {"1.2", "1.2.0.4"}) {
    UpdaterBench bench(electron());
    const auto shipped = bench.ship(version, windows_only);
    REQUIRE_FALSE(shipped);
    CHECK(shipped.error().kind == ErrorKind::invalid);
    CHECK_FALSE(shipped.error().hint.empty());
  }
}

TEST_CASE("electron: what electron-builder's document says is taken over, and compared") {
  support::FakeWorld fake;
  auto world = fake.world();
  fake.files.bytes["dist/Notes.exe"] = "stub";
  fake.files.bytes["dist/latest.yml"] =
      "version: 1.2.0\nfiles:\n  - url: Notes.exe\n    sha512: " + sha512("stub") +
      "\n    size: 4\n    isAdminRightsRequired: true\npackages:\n  x64: {path: n.7z, size: 7, blockMapSize: "
      "3, "
      "sha512: " +
      sha512("package") +
      "}\nreleaseName: Spring\nreleaseNotes: better\nminimumSystemVersion: 10.0.0\nreleaseDate: "
      "'2026-01-05T10:00:00.000Z'\n";
  fake.files.bytes["dist/n.7z"] = "package";
  std::vector<artifact::Artifact> artifacts{
      {"Notes.exe", "windows/amd64", 4, digest_of("stub"), "dist/Notes.exe", "dist/latest.yml", {}},
      {"n.7z", "windows/amd64", 7, digest_of("package"), "dist/n.7z", "dist/latest.yml", {}}};
  const std::string repository = ".";
  const auto describe = [&] {
    return describe_electron({world, repository, "notes", "1.2.0", {}, artifacts, {}});
  };
  const auto json = describe();
  REQUIRE(json);
  const auto facts = parse_electron_facts(*json);
  REQUIRE(facts);
  REQUIRE(facts->platforms.size() == 1);
  const ElectronPlatform& platform = facts->platforms.front();
  CHECK(platform.files.front().admin_rights);
  CHECK(platform.release_date == "2026-01-05T10:00:00.000Z");
  CHECK(platform.release_name == "Spring");
  CHECK(platform.release_notes == doc::Value("better"));
  CHECK(platform.minimum_system_version == "10.0.0");
  REQUIRE(platform.packages.size() == 1);
  CHECK(platform.packages.front().architecture == "x64");
  CHECK(platform.packages.front().file.block_map_size == 3U);

  fake.files.bytes["dist/Notes.exe"] = "STUB";
  const auto other = describe();
  REQUIRE_FALSE(other);
  CHECK(other.error().kind == ErrorKind::verification);
  artifacts.pop_back();
  fake.files.bytes["dist/Notes.exe"] = "stub";
  CHECK(describe().error().kind == ErrorKind::invalid);
}

TEST_CASE("electron: a share is a whole percentage, at 100% the field is left out") {
  UpdaterBench bench = shipped_bench();
  const auto written = bench.write({track("1.2.0", 10, "1.1.0")});
  REQUIRE(written);
  const Named* windows = find(*written, "latest.yml");
  REQUIRE(windows != nullptr);
  CHECK(windows->bytes ==
        "version: 1.2.0\n"
        "files:\n"
        "  - url: tranche/v1/releases/1.2.0/Notes-1.2.0.exe\n"
        "    sha512: \"" +
            sha512("installer") +
            "\"\n"
            "    size: 9\n"
            "  - url: tranche/v1/releases/1.2.0/Notes-1.2.0-arm64.exe\n"
            "    sha512: \"" +
            sha512("arm installer") +
            "\"\n"
            "    size: 13\n"
            "path: tranche/v1/releases/1.2.0/Notes-1.2.0.exe\n"
            "sha512: \"" +
            sha512("installer") +
            "\"\n"
            "releaseDate: \"2026-02-01T08:30:00.000Z\"\n"
            "stagingPercentage: 10\n");
  CHECK(written->files.empty());
  std::vector<std::string> names;
  for (const Named& pointer : written->pointers) names.push_back(pointer.name);
  CHECK(names == std::vector<std::string>{"latest.yml", "latest-linux.yml", "latest-linux-arm64.yml",
                                          "latest-mac.yml"});
  const auto again = bench.write({track("1.2.0", 10, "1.1.0")});
  REQUIRE(again);
  CHECK(find(*again, "latest.yml")->bytes == windows->bytes);

  const auto whole = bench.write({track("1.2.0", 100)});
  REQUIRE(whole);
  for (const Named& pointer : whole->pointers)
    CHECK(pointer.bytes.find("stagingPercentage") == std::string::npos);
}

TEST_CASE("electron: a share below one percent reaches nobody and says so") {
  UpdaterBench bench = shipped_bench();
  cohort::Track half = track("1.2.0", 0, "1.1.0");
  half.share = Percent{5'000};
  const auto notes = bench.publish({half});
  REQUIRE(notes);
  REQUIRE_FALSE(notes->empty());
  CHECK(notes->front().find("reaches nobody with 0.5%") != std::string::npos);
  CHECK(bench.published["latest.yml"].find("stagingPercentage: 0\n") != std::string::npos);
  CHECK(bench.view()->offers().empty());
  CHECK(bench.view()->share() == 0);
}

TEST_CASE("electron: a channel's file has the name that the app was built with, a cohort's its own") {
  struct Row {
    const char *channel, *built_with, *file;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"stable", "", "latest.yml"}, {"beta", "", "beta.yml"}, {"stable", "main", "main.yml"}}) {
    UpdaterBench bench = shipped_bench();
    bench.channel.name = row.channel;
    bench.client.channel = row.built_with;
    cohort::Track pilots = track("1.2.0", 100);
    pilots.feed_channel = "pilot";
    const auto written = bench.write({track("1.1.0", 100), pilots});
    REQUIRE(written);
    REQUIRE(find(*written, row.file) != nullptr);
    CHECK(find(*written, row.file)->bytes.starts_with("version: 1.1.0\n"));
    REQUIRE(find(*written, "pilot-mac.yml") != nullptr);
    CHECK(find(*written, "pilot-mac.yml")->bytes.starts_with("version: 1.2.0\n"));
  }
}

TEST_CASE("electron: two tracks for one file, and a channel that reads like a platform's file, are refused") {
  UpdaterBench bench = shipped_bench();
  cohort::Track same = track("1.2.0", 100), mac = same;
  same.feed_channel = "latest";
  mac.feed_channel = "pilot-mac";
  for (const cohort::Track& wrong : {same, mac}) {
    const auto written = bench.write({track("1.1.0", 100), wrong});
    REQUIRE_FALSE(written);
    CHECK(written.error().kind == ErrorKind::invalid);
    CHECK_FALSE(written.error().hint.empty());
  }
}

TEST_CASE("electron: a track without a release leaves its files alone") {
  UpdaterBench bench = shipped_bench();
  const auto written = bench.write({track("", 100)});
  REQUIRE(written);
  CHECK(written->pointers.empty());
}

TEST_CASE("electron: platforms that the release is not for stay at what they may have") {
  UpdaterBench bench(electron());
  REQUIRE(bench.ship("1.0.0", {{"Notes-1.0.0.exe", "a"}, {"Notes-1.0.0.AppImage", "b"}}));
  REQUIRE(bench.ship("1.1.0", {{"Notes-1.1.0.AppImage", "c"}}));
  REQUIRE(bench.publish({track("1.0.0", 100)}));
  const std::string windows = bench.published["latest.yml"];

  const auto staged = bench.publish({track("1.1.0", 10, "1.0.0")});
  REQUIRE(staged);
  CHECK(bench.published["latest.yml"] == windows);
  CHECK(bench.published["latest-linux.yml"].find("version: 1.1.0") == 0);
  REQUIRE(staged->size() == 1);
  CHECK(staged->front().find("latest.yml stays at 1.0.0") != std::string::npos);

  REQUIRE(bench.publish({track("1.1.0", 100)}));
  CHECK(bench.published["latest.yml"] == windows);
}

TEST_CASE("electron: a withdrawn release leaves a platform that has no other with nothing to take") {
  UpdaterBench bench(electron());
  REQUIRE(bench.ship("1.0.0", {{"Notes-1.0.0.AppImage", "a"}}));
  REQUIRE(bench.ship("1.1.0", {{"Notes-1.1.0.AppImage", "b"}, {"Notes-1.1.0.exe", "c"}}));
  REQUIRE(bench.publish({track("1.1.0", 50, "1.0.0")}));
  bench.withdraw("1.1.0");
  bench.fake.files.bytes["store/" + statement_name("latest.yml")] = "{}";
  REQUIRE(bench.publish({track("1.0.0", 100)}));
  CHECK(bench.published["latest.yml"] == "version: 1.0.0\nfiles: []\nstagingPercentage: 0\n");
  const auto view = bench.view();
  REQUIRE(view != nullptr);
  CHECK(view->offers().empty());
  CHECK(view->ask({id_with_draw(0), "0.9.0"}).offered.empty());
  CHECK(view->ask({id_with_draw(0), "1.1.0"}).offered.empty());
}

TEST_CASE("electron: another tool's file for a platform that no release of ours is for is left alone") {
  UpdaterBench bench(electron());
  REQUIRE(bench.ship("1.1.0", {{"Notes-1.1.0.AppImage", "b"}}));
  bench.fake.files.bytes["store/latest.yml"] = "version: 7.0.0\n" + named_file;
  const auto written = bench.write({track("1.1.0", 100)});
  REQUIRE(written);
  CHECK(find(*written, "latest.yml") == nullptr);
  CHECK(find(*written, "latest-linux.yml") != nullptr);
}

TEST_CASE("electron: facts that are not of the manifest are refused") {
  UpdaterBench bench = shipped_bench();
  bench.releases.front().facts = bench.releases.back().facts;
  CHECK(bench.write({track("1.2.0", 10)}).error().kind == ErrorKind::verification);
  UpdaterBench sizes = shipped_bench();
  for (artifact::Artifact& one : sizes.releases.front().manifest.artifacts) one.size += 1;
  CHECK(sizes.write({track("1.2.0", 10)}).error().kind == ErrorKind::verification);
  sizes.releases.front().facts = "{}";
  CHECK(sizes.write({track("1.2.0", 10)}).error().kind == ErrorKind::verification);
}

TEST_CASE("electron: texts of any kind come back as they were from the yml") {
  for (const std::string& notes : {std::string("plain"), std::string("two\nlines: 'x' \"y\" # z"),
                                   std::string("\x7f\xc2\x85\xef\xbf\xbf"), std::string("\u2028é漢🎉"),
                                   std::string("- a\n- b"), std::string("{{x}}"), std::string("null")}) {
    CAPTURE(notes);
    ElectronPlatform platform;
    platform.files.push_back({"a b.exe", sha512("a"), 1, {}, {}, false, "odd: [name] #1.exe"});
    platform.release_notes = notes;
    platform.release_name = notes;
    const std::string yml = electron_yml({"1.2.0", platform, 7U, {}});
    const auto info = artifact::parse_update_info(yml, "latest.yml");
    REQUIRE(info);
    CHECK(info->release_notes == doc::Value(notes));
    CHECK(info->release_name == notes);
    CHECK(info->files.front().url == "odd: [name] #1.exe");
    CHECK(info->staging_text == "7");
  }
}

TEST_CASE("electron: a device is offered what its client would install") {
  struct Row {
    const char *staging, *running;
    std::uint32_t draw;
    bool downgrade;
    const char *offered, *reason;
  };
  for (const Row& row : std::initializer_list<Row>{{"10", "1.1.0", 0x19999999, false, "1.2.0", "admitted"},
                                                   {"10", "1.1.0", 0x1999999a, false, "", "not-admitted"},
                                                   {"10", "1.2.0", 0, false, "", "running"},
                                                   {"10", "1.2.0+other", 0, false, "", "running"},
                                                   {"10", "1.3.0", 0, false, "", "newer"},
                                                   {"10", "1.3.0", 0, true, "1.2.0", "admitted"},
                                                   {"10", "1.3.0", 0x80000000, true, "", "not-admitted"},
                                                   {"10", "", 0, false, "1.2.0", "admitted"},
                                                   {"0", "", 0, false, "", "not-admitted"},
                                                   {"100", "", 0xffffffff, false, "", "not-admitted"},
                                                   {"abc", "", 0xffffffff, false, "1.2.0", "everyone"},
                                                   {"~", "1.1.0", 0xffffffff, false, "1.2.0", "everyone"},
                                                   {"~", "2.0.0", 0, false, "", "newer"}}) {
    CAPTURE(row.staging);
    CAPTURE(row.running);
    const auto view = view_of(
        fmt::format("version: 1.2.0\n{}stagingPercentage: {}\n", named_file, row.staging), row.downgrade);
    REQUIRE(view != nullptr);
    const std::string id = id_with_draw(row.draw);
    const Answer answer = view->ask({id, row.running});
    CHECK(answer.offered == row.offered);
    CHECK(answer.reason == row.reason);
    CHECK_FALSE(view->explain({id, row.running}).empty());
  }
  const auto view = view_of("version: 1.2.0\n" + named_file + "stagingPercentage: 50\n");
  CHECK(view->ask({"no uuid", ""}).reason == "no-id");
  CHECK(view->explain({"no uuid", ""}).size() >= 2);
}

TEST_CASE("electron: an audit tells each trap with the feed's own numbers") {
  struct Row {
    const char* code;
    std::string yml;
    const char* says;
  };
  const std::string base = "version: 1.2.0\n" + named_file + dated;
  for (const Row& row : std::initializer_list<Row>{
           {"truncated-share", base + "stagingPercentage: 0.5\n", "read as 0: it reaches 0%"},
           {"truncated-share", base + "stagingPercentage: 12abc\n", "read as 12: it reaches 12%"},
           {"truncated-share", base + "stagingPercentage: 0.0000005\n", "5e-7 is read as 5"},
           {"not-a-number", base + "stagingPercentage: abc\n", "lets everybody in"},
           {"not-a-number", base + "stagingPercentage: ten\n", "lets everybody in"},
           {"never-everyone", base + "stagingPercentage: 100\n", "ffffffff"},
           {"out-of-range", base + "stagingPercentage: 250\n", "everybody"},
           {"out-of-range", base + "stagingPercentage: -3\n", "nobody"},
           {"paused", base + "stagingPercentage: 0\n", "paused"},
           {"share", base + "stagingPercentage: 10\n", "reaches 10% of the devices with 1.2.0"},
           {"everyone", base, "offers 1.2.0 to everyone"},
           {"unsigned", base, "not signed"},
           {"unrecoverable", base, "devices that took 1.2.0"},
           {"same-devices", base, "the same devices"},
           {"no-blockmap", base, "a.exe.blockmap is not there"},
           {"missing-sha512", "version: 1.2.0\nfiles: [{url: a.exe}]\n", "ERR_UPDATER_NO_CHECKSUM"},
           {"missing-sha512", "version: 1.2.0\nfiles: [{url: a.exe, sha2: aa}]\n", "SHA-256 only"},
           {"bad-sha512", "version: 1.2.0\nfiles: [{url: a.exe, sha512: aa}]\n", "ERR_CHECKSUM_MISMATCH"},
           {"no-files", "version: 1.2.0\n", "ERR_UPDATER_NO_FILES_PROVIDED"},
           {"no-installer", "version: 1.2.0\nfiles: [{url: a.msi, sha512: aa}]\n", "no .exe file"},
           {"plain-http", "version: 1.2.0\nfiles: [{url: 'http://cdn.example/a.exe', sha512: aa}]\n",
            "http://"},
           {"elsewhere", "version: 1.2.0\nfiles: [{url: 'https://cdn.example/a.exe', sha512: aa}]\n",
            "outside"},
           {"elsewhere", "version: 1.2.0\nfiles: [{url: ../a.exe, sha512: aa}]\n", "outside"},
           {"ignored-minimum", base + "minimumSystemVersion: '10.13'\n", "let every system in"},
           {"minimum-system-version", base + "minimumSystemVersion: 21.0.0\n", "os.release()"},
           {"stale",
            "version: 1.2.0\n" + named_file + "releaseDate: '2025-12-01T00:00:00Z'\nstagingPercentage: 5\n",
            "90 days old and still reaches 5%"},
           {"stale", "version: 1.2.0\n" + named_file + "releaseDate: '2027-12-01T00:00:00Z'\n",
            "in the future"},
           {"stale", "version: 1.2.0\n" + named_file + "releaseDate: '2020-12-01T00:00:00Z'\n", "days old"},
           {"no-release-date", "version: 1.2.0\n" + named_file, "no releaseDate"}}) {
    CAPTURE(row.code);
    CAPTURE(row.yml);
    const auto view = view_of(row.yml);
    REQUIRE(view != nullptr);
    const auto remarks = view->audit(*parse_instant("2026-03-01T00:00:00Z"));
    const bool found = std::ranges::any_of(remarks, [&](const Remark& one) {
      return one.code == row.code && one.text.find(row.says) != std::string::npos;
    });
    CHECK(found);
    for (const Remark& one : remarks)
      if (one.level == Level::problem) CHECK_FALSE(one.hint.empty());
  }
  CHECK(has_code(view_of(base, true)->audit({}), "recoverable"));
  CHECK_FALSE(has_code(view_of(base, true)->audit({}), "unrecoverable"));
  CHECK(has_code(
      view_of("version: 1.2.0\nfiles: [{url: a.dmg, sha512: aa}]\n", false, "latest-mac.yml")->audit({}),
      "no-installer"));
  CHECK(
      has_code(view_of("version: 1.2.0\nfiles: [{url: a.AppImage, sha512: aa}]\n", false, "latest-linux.yml")
                   ->audit({}),
               "no-blockmap"));
}

TEST_CASE("electron: platforms that differ, and a statement beside the file, are noticed") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.publish({track("1.2.0", 10, "1.1.0")}));
  CHECK_FALSE(has_code(bench.view()->audit(bench.issued), "differs"));
  CHECK(has_code(bench.view()->audit(bench.issued), "unsigned"));
  CHECK_FALSE(has_code(bench.view()->audit(bench.issued), "elsewhere"));
  for (const char* name : {"latest.yml", "latest-mac.yml", "latest-linux.yml", "latest-linux-arm64.yml"})
    bench.published[statement_name(name)] = "{}";
  bench.published["latest-mac.yml"] = "version: 1.1.0\n" + named_file;
  const auto remarks = bench.view()->audit(bench.issued);
  CHECK(has_code(remarks, "differs"));
  CHECK(has_code(remarks, "statement"));
  CHECK_FALSE(has_code(remarks, "unsigned"));
}

TEST_CASE("electron: the file of one platform can be asked about alone") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.publish({track("1.2.0", 10, "1.1.0")}));
  bench.published["latest-mac.yml"] = "version: 1.1.0\n" + named_file;
  const auto mac = bench.read(bench.issued, {}, {}, "darwin/arm64");
  REQUIRE(mac);
  CHECK((*mac)->offers() == "1.1.0");
  CHECK((*mac)->files().size() == 1);
  CHECK(bench.view()->files().size() == 4);
  bench.published.clear();
  CHECK(bench.view() == nullptr);
}

TEST_CASE("electron: what the files of a feed name is listed with its place, platform and digests") {
  const auto view =
      view_of("version: 1.2.0\nfiles:\n  - {url: Notes%20Setup.exe, size: 5, sha512: " + sha512("a") +
              "}\n  - {url: 'https://cdn.example/x-arm64.exe', sha512: " + sha512("b") +
              "}\npath: Notes%20Setup.exe\n");
  REQUIRE(view != nullptr);
  REQUIRE(view->releases().size() == 2);
  const NamedRelease& amd64 = view->releases().front();
  CHECK(amd64.version == "1.2.0");
  CHECK(amd64.platform == "windows/amd64");
  REQUIRE(amd64.files.size() == 1);
  CHECK(amd64.files.front().name == "Notes Setup.exe");
  CHECK(amd64.files.front().size == 5);
  CHECK(amd64.files.front().digests.at("sha512").size() == 128);
  CHECK(view->releases().back().platform == "windows/arm64");
  CHECK(view->releases().back().files.front().name.empty());
}

TEST_CASE("electron: a whole address below the feed's own is a file of the same place") {
  UpdaterBench bench(electron());
  const std::string yml =
      "version: 1.2.0\nfiles:\n  - {url: 'https://updates.example/stable/a.exe', size: 1, "
      "sha512: " +
      sha512("a") + "}\n";
  CHECK(bench.view_of("latest.yml", yml)->releases().front().files.front().name.empty());
  ReadInput input;
  input.fetch = [&](const std::string&, std::size_t) -> Result<std::optional<std::string>> {
    return std::optional(yml);
  };
  input.file = "latest.yml";
  input.base_url = "https://updates.example/stable";
  const auto view = read_electron(input);
  REQUIRE(view);
  CHECK((*view)->releases().front().files.front().name == "a.exe");
  CHECK_FALSE(has_code((*view)->audit({}), "elsewhere"));
}

TEST_CASE("electron: a feed that another tool published is taken over with its files where they are") {
  UpdaterBench bench(electron());
  const std::string yml =
      "version: 1.2.0\nfiles:\n  - url: Notes Setup.exe\n    sha512: " + sha512("installer") +
      "\n    size: 9\npath: Notes Setup.exe\nsha512: " + sha512("installer") +
      "\nreleaseDate: '2026-01-05T10:00:00.000Z'\nstagingPercentage: 20\n";
  const auto view = bench.view_of("latest.yml", yml);
  REQUIRE(view != nullptr);
  const auto facts = view->facts("1.2.0");
  REQUIRE(facts);
  CHECK(view->facts("1.1.0").error().kind == ErrorKind::invalid);
  Shipped adopted;
  adopted.manifest = usual_manifest("1.2.0", "installer");
  adopted.manifest.artifacts = {{"Notes-Setup.exe", "windows/amd64", 9, digest_of("installer"), {}, {}, {}}};
  adopted.facts = *facts;
  bench.releases = {adopted};
  const auto written = bench.write({track("1.2.0", 20)});
  REQUIRE(written);
  REQUIRE(written->pointers.size() == 1);
  const auto again = bench.view_of("latest.yml", written->pointers.front().bytes);
  REQUIRE(again != nullptr);
  CHECK(again->releases().front().files.front().url == "Notes Setup.exe");
  CHECK(again->share() == view->share());
  CHECK(again->facts("1.2.0") == *facts);
  const auto bad = bench.view_of("latest.yml", "version: 1.2.0\nfiles: [{url: a.exe, sha512: aa}]\n");
  CHECK(bad->facts("1.2.0").error().kind == ErrorKind::verification);
}

TEST_CASE("electron: a file that no client would accept cannot be read") {
  UpdaterBench bench(electron());
  bench.published["latest.yml"] = "version: 1.2\n";
  const auto view = bench.read(bench.issued);
  REQUIRE_FALSE(view);
  CHECK(view.error().kind == ErrorKind::verification);
}
