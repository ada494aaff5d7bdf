#include <doctest/doctest.h>

#include <random>

#include "channel/ecosystem_list.hpp"
#include "channel/nupkg.hpp"
#include "channel/squirrel_version.hpp"
#include "channel/updater_testing.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::testing;

namespace {

const std::string zero(40, '0');

UpdaterBench shipped_bench() {
  UpdaterBench bench(squirrel());
  REQUIRE(bench.ship("1.0.0", {{"Notes-1.0.0-full.nupkg", "one"}}));
  REQUIRE(bench.ship("1.1.0", {{"Notes-1.1.0-full.nupkg", "two"}, {"Notes-1.1.0-delta.nupkg", "d2"}}));
  REQUIRE(bench.ship("1.2.0", {{"Notes-1.2.0-full.nupkg", "three"}, {"Notes-1.2.0-delta.nupkg", "d3"}}));
  return bench;
}

// A GUID that is in from `percent` + 1 on.
std::string id_at(double percent) {
  const auto value = static_cast<std::uint32_t>(percent / 100 * 4294967295.0);
  return fmt::format("01020304-0506-0708-090a-0b0c{:02x}{:02x}{:02x}{:02x}", value & 0xFF, value >> 8 & 0xFF,
                     value >> 16 & 0xFF, value >> 24);
}

}  // namespace

TEST_CASE("squirrel: versions in file names, as Squirrel's own tests have them") {
  struct Case {
    const char* file;
    const char* version;
  };
  constexpr Case cases[] = {
      {"MyCoolApp-1.2.nupkg", "1.2"},
      {"MyCoolApp-1.2-full.nupkg", "1.2"},
      {"MyCoolApp-1.2-delta.nupkg", "1.2"},
      {"MyCoolApp-1.2-beta1.nupkg", "1.2-beta1"},
      {"MyCoolApp-1.2-beta1-full.nupkg", "1.2-beta1"},
      {"MyCoolApp-1.2.3-beta1-delta.nupkg", "1.2.3-beta1"},
      {"MyCoolApp-1.2.3.4.nupkg", "1.2.3.4"},
      {"MyCoolApp-1.2.3.4-beta1-full.nupkg", "1.2.3.4-beta1"},
      {"MyCool-App-1.2.3.nupkg", "1.2.3"},
      {"App2-1.2.3-full.nupkg", "1.2.3"},
      {"App-1.2.3-rc.1-full.nupkg", nullptr},
      {"App.nupkg", nullptr},
  };
  for (const Case& one : cases) {
    CAPTURE(one.file);
    const auto version = squirrel_version_of(one.file);
    REQUIRE(version.has_value() == (one.version != nullptr));
    if (version) CHECK(version->text == one.version);
  }
}

TEST_CASE("squirrel: versions are ordered with their numeric suffix") {
  const char* rising[] = {"1.0",         "1.1.9-beta105", "1.1.9",         "1.2.0-alpha2",
                          "1.2.0-BETA9", "1.2.0-beta10",  "1.2.0-beta100", "1.2.0-rc",
                          "1.2.0",       "1.2.0.1",       "1.10.0"};
  for (std::size_t i = 0; i < std::size(rising); ++i)
    for (std::size_t k = 0; k < std::size(rising); ++k) {
      CAPTURE(rising[i]);
      CAPTURE(rising[k]);
      const int order =
          compare_squirrel_versions(*parse_squirrel_version(rising[i]), *parse_squirrel_version(rising[k]));
      CHECK(order == (i < k ? -1 : i > k ? 1 : 0));
    }
  CHECK(compare_squirrel_versions(*parse_squirrel_version("1.2"), *parse_squirrel_version("1.2.0.0")) == 0);
  for (const char* none : {"", "1", "1.2.3.4.5", "1.2-", "1.2-1", "1.2-rc.1", "x", "1.99999999999"})
    CHECK_FALSE(parse_squirrel_version(none));
}

TEST_CASE("squirrel: a staged release is marked without a blank before '#', the previous ones are not") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.publish({track("1.2.0", 10, "1.1.0")})->empty());
  CHECK(bench.published.at("RELEASES") ==
        "FE05BCDCDC4928012781A5F1A2A77CBB5398E106 Notes-1.0.0-full.nupkg 3\n"
        "CE9ED66D82DF7CE028A8623498350E2FB4412132 Notes-1.1.0-delta.nupkg 2\n"
        "AD782ECDAC770FC6EB9A62E44F90873FB97FB26B Notes-1.1.0-full.nupkg 3\n"
        "7CFD024B513673D9B90B6432F97D06812FEC5F2B Notes-1.2.0-delta.nupkg 2# 10%\n"
        "B802F384302CB24FBAB0A44997E820BF2E8507BB Notes-1.2.0-full.nupkg 5# 10%\n");
}

TEST_CASE("squirrel: every id gets the release or the previous one, by the client's own arithmetic") {
  const unsigned seed = std::random_device()();
  MESSAGE("seed ", seed);
  std::mt19937 random(seed);
  UpdaterBench bench = shipped_bench();
  for (const std::uint32_t percent : {0U, 1U, 10U, 50U, 99U, 100U}) {
    auto one = track("1.2.0", percent, "1.1.0");
    if (percent == 100) one.previous.clear();
    REQUIRE(bench.publish({one}));
    const auto view = bench.view();
    CHECK(view->share() == doctest::Approx(percent == 0 ? 1 : percent / 100.0));
    CHECK(view->offers() == (percent == 0 ? "1.1.0" : "1.2.0"));
    for (int i = 0; i < 1'000; ++i) {
      const std::string id = id_at(static_cast<double>(random()) / 4294967296.0 * 100);
      const bool in = percent == 100 || cohort::squirrel_admits(id, static_cast<int>(percent));
      const Answer fresh = view->ask({id, ""});
      CHECK(fresh.offered == (in ? "1.2.0" : "1.1.0"));
      CHECK(fresh.reason == (percent == 100 ? "everyone" : in ? "admitted" : "not-admitted"));
      CHECK(view->ask({id, "1.1.0"}).offered == (in ? "1.2.0" : ""));
    }
    CHECK(view->ask({"", "1.0.0"}).offered == (percent == 100 ? "1.2.0" : "1.1.0"));
    CHECK(view->ask({id_at(50), "1.2.0"}).offered.empty());
    CHECK(view->ask({id_at(50), "2.0.0"}).reason == (percent < 50 ? "newer" : "newer"));
    CHECK_FALSE(view->explain({id_at(50), "1.0.0"}).empty());
  }
}

TEST_CASE("squirrel: withdrawn releases are gone, cohorts are not reached apart") {
  UpdaterBench bench = shipped_bench();
  bench.withdraw("1.2.0");
  auto pilots = track("1.1.0", 100);
  pilots.feed_channel = "pilot";
  const auto notes = bench.publish({track("1.1.0", 100), pilots});
  CHECK(notes->front() == "squirrel: cohorts are not reached apart, there is no file for pilot");
  CHECK(bench.published.size() == 1);
  CHECK(bench.published.at("RELEASES").find("1.2.0") == std::string::npos);
}

TEST_CASE("squirrel: a first release below everyone leaves the others with an error, and says so") {
  UpdaterBench bench(squirrel());
  REQUIRE(bench.ship("1.0.0", {{"Notes-1.0.0-full.nupkg", "one"}}));
  CHECK(bench.publish({track("1.0.0", 10)})->size() == 1);
  CHECK(has_code(bench.view()->audit(bench.issued), "no-fallback"));
}

TEST_CASE("squirrel: what no client could read is refused when the release is made") {
  UpdaterBench bench(squirrel());
  for (const char* version : {"1.2.0-rc.1", "1.2.0+5", "7"}) {
    CAPTURE(version);
    const auto shipped = bench.ship(version, {{fmt::format("Notes-{}-full.nupkg", version), "x"}});
    REQUIRE_FALSE(shipped);
    CHECK(shipped.error().kind == ErrorKind::invalid);
  }
  CHECK(bench.ship("1.2.0-rc1", {{"Notes-1.2.0-rc1-full.nupkg", "x"}}));
}

TEST_CASE("squirrel: lines are read as Squirrel's own tests have them") {
  struct Case {
    const char* rest;
    const char* file;
    std::uint64_t size;
  };
  constexpr Case cases[] = {
      {" MyCoolApp-1.0.nupkg 1004502", "MyCoolApp-1.0.nupkg", 1004502},
      {"   MyCoolApp-1.1.nupkg   1040561\r", "MyCoolApp-1.1.nupkg", 1040561},
      {"  http://test.org/Folder/MyCoolApp-1.2.nupkg?query=param  2569",
       "http://test.org/Folder/MyCoolApp-1.2.nupkg?query=param", 2569},
      {"\tMyCoolApp-1.2-full.nupkg 123 # 90%", "MyCoolApp-1.2-full.nupkg", 123},
      {" MyCoolApp-1.2-full.nupkg 123# 90%", "MyCoolApp-1.2-full.nupkg", 123},
  };
  for (const Case& one : cases) {
    CAPTURE(one.rest);
    UpdaterBench bench(squirrel());
    const auto view = bench.view_of("RELEASES", "\xef\xbb\xbf\n" + zero + one.rest + "\n# a remark\n");
    REQUIRE(view != nullptr);
    REQUIRE(view->releases().size() == 1);
    CHECK(view->releases()[0].files[0].url == one.file);
    CHECK(view->releases()[0].files[0].size == one.size);
  }
}

TEST_CASE("squirrel: one line that is no entry spoils the file, as it does for clients") {
  for (const char* rest :
       {"  file:/C/Folder/MyCoolApp-0.0.nupkg  0", "  C:\\Folder\\MyCoolApp-0.0.nupkg  0",
        "  ../OtherFolder/MyCoolApp-0.0.nupkg  0", "  \\\\Somewhere\\Share\\MyCoolApp-0.0.nupkg  0",
        " MyCoolApp-1.0.nupkg", " MyCoolApp-1.0.nupkg -1", " MyCoolApp-1.0.nupkg 5 ", "MyCoolApp-1.0.nupkg 5",
        " MyCoolApp.nupkg 5", " App-1.0.nupkg 99999999999999999999"}) {
    CAPTURE(rest);
    UpdaterBench bench(squirrel());
    bench.published["RELEASES"] = zero + " Good-1.0.nupkg 1\n" + zero + rest + "\n";
    const auto view = bench.read(bench.issued);
    REQUIRE_FALSE(view);
    CHECK(view.error().kind == ErrorKind::verification);
    CHECK(view.error().message.find("RELEASES:2: ") == 0);
  }
}

TEST_CASE("squirrel: marks that clients do not read let everybody in, and the audit says so") {
  struct Case {
    const char* mark;
    bool everybody;
    const char* code;
  };
  constexpr Case cases[] = {
      {"# 0%", false, "no-fallback"},    {" # 10%", false, "blank-before-mark"},
      {"# 10%\r", true, "unread-share"}, {"#10%", true, "unread-share"},
      {"# 5.5%", true, "unread-share"},  {"# 1000%", true, "unread-share"},
      {"# 10% ", true, "unread-share"},  {"# 150%", true, "over-100"},
      {"# 100%", false, "not-everyone"}, {"# staged # 10%", false, "no-fallback"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.mark);
    UpdaterBench bench(squirrel());
    const auto view = bench.view_of("RELEASES", zero + " App-1.0-full.nupkg 5" + one.mark + "\n");
    REQUIRE(view != nullptr);
    CHECK((view->ask({"00000000-0000-0000-0000-0000ffffffff", ""}).offered == "1.0") == one.everybody);
    CHECK(has_code(view->audit(bench.issued), one.code));
  }
}

TEST_CASE("squirrel: facts of what another tool published come out as they went in") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.publish({track("1.2.0", 10, "1.1.0")}));
  const auto view = bench.view();
  auto mine = *parse_packages(bench.releases.front().facts);
  const auto theirs = *parse_packages(*view->facts("1.2.0"));
  REQUIRE(theirs.size() == mine.size());
  for (std::size_t i = 0; i < mine.size(); ++i) {
    mine[i].sha256.clear();  // the file does not name it
    CHECK(theirs[i] == mine[i]);
  }
  CHECK_FALSE(view->facts("9.0.0"));
}

TEST_CASE("squirrel: a whole address is a name where it lies below the channel, and elsewhere otherwise") {
  UpdaterBench bench(squirrel());
  bench.base_url = "https://updates.example/win/";
  const auto view =
      bench.view_of("RELEASES", zero + " https://updates.example/win/old/App-1.0.0-full.nupkg 5\n" + zero +
                                    " https://updates.example/win/App-1.1.0-full.nupkg 5\n" + zero +
                                    " https://cdn.example/App-1.2.0-full.nupkg 5\n");
  REQUIRE(view != nullptr);
  REQUIRE(view->releases().size() == 3);
  CHECK(view->releases()[0].files[0].name.empty());
  CHECK(view->releases()[1].files[0].name == "App-1.1.0-full.nupkg");
  CHECK(view->releases()[2].files[0].name == "old/App-1.0.0-full.nupkg");
  CHECK_FALSE(view->facts("1.2.0"));
  CHECK(parse_packages(*view->facts("1.0.0"))->at(0).place() == "old/App-1.0.0-full.nupkg");
  CHECK(parse_packages(*view->facts("1.1.0"))->at(0).path.empty());
}
