#include <doctest/doctest.h>

#include "base/version.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/nupkg.hpp"
#include "channel/updater_testing.hpp"
#include "doc/value.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::testing;

namespace {

UpdaterBench shipped_bench() {
  UpdaterBench bench(velopack());
  bench.client.channel = "win";
  REQUIRE(bench.ship("1.0.0", {{"Notes-1.0.0-full.nupkg", "one"}}));
  REQUIRE(bench.ship("1.1.0", {{"Notes-1.1.0-full.nupkg", "two"}, {"Notes-1.1.0-delta.nupkg", "d2"}}));
  REQUIRE(bench.ship("1.2.0", {{"Notes-1.2.0-full.nupkg", "three"}, {"Notes-1.2.0-delta.nupkg", "d3"}}));
  return bench;
}

std::vector<std::string> listed(const std::string& json) {
  std::vector<std::string> out;
  const auto document = doc::parse_json(json);
  REQUIRE(document);
  for (const doc::Value& asset : document->find("Assets")->as_array()) out.push_back(*asset.text("FileName"));
  return out;
}

}  // namespace

TEST_CASE("velopack: a package is known by id, kind and three digests") {
  UpdaterBench bench = shipped_bench();
  const auto packages = *parse_packages(bench.releases.front().facts);
  REQUIRE(packages.size() == 2);
  CHECK(packages[0].name == "Notes-1.2.0-delta.nupkg");
  CHECK(packages[0].delta);
  CHECK(packages[1].id == "Notes");
  CHECK(packages[1].version == "1.2.0");
  CHECK(packages[1].sha1 == "b802f384302cb24fbab0a44997e820bf2e8507bb");
  CHECK(packages[1].sha256 == crypto::to_hex(crypto::sha256("three")));
  CHECK(packages[1].size == 5);
  CHECK(parse_packages(write_packages(packages)) == packages);
}

TEST_CASE("velopack: packages lie beside the feed under their own names") {
  UpdaterBench bench = shipped_bench();
  const auto aliases = bench.ecosystem.aliases(bench.releases.front().manifest, bench.client);
  REQUIRE(aliases.size() == 2);
  CHECK(aliases[1].artifact == "Notes-1.2.0-full.nupkg");
  CHECK(aliases[1].name == "Notes-1.2.0-full.nupkg");
}

TEST_CASE("velopack: what no client could read is refused when the release is made") {
  struct Case {
    const char* version;
    const char* file;
  };
  for (const Case& one : {Case{"1.2", "Notes-1.2-full.nupkg"}, Case{"1.2.0", "Notes-1.1.0-full.nupkg"},
                          Case{"1.2.0", "Notes-1.2.0-delta.nupkg"}, Case{"1.2.0", "-1.2.0-full.nupkg"}}) {
    UpdaterBench bench(velopack());
    CAPTURE(one.file);
    const auto shipped = bench.ship(one.version, {{one.file, "x"}});
    REQUIRE_FALSE(shipped);
    CHECK(shipped.error().kind == ErrorKind::invalid);
    CHECK_FALSE(shipped.error().hint.empty());
  }
  UpdaterBench bench(velopack());
  REQUIRE(bench.ship("1.2.0", {{"notes.deb", "x"}}));
  CHECK(bench.releases.front().facts.empty());
}

TEST_CASE("velopack: a share below everyone names the previous release, and says that nobody is reached") {
  UpdaterBench bench = shipped_bench();
  const auto notes = bench.publish({track("1.2.0", 10, "1.1.0")});
  REQUIRE(notes);
  REQUIRE(notes->size() == 1);
  CHECK(notes->front() ==
        "velopack: nobody is reached at 10%: the client decides nothing, the file names 1.1.0");
  CHECK(listed(bench.published.at("releases.win.json")) ==
        std::vector<std::string>{"Notes-1.1.0-delta.nupkg", "Notes-1.1.0-full.nupkg",
                                 "Notes-1.0.0-full.nupkg"});
  CHECK(bench.view()->ask({"", "1.0.0"}).offered == "1.1.0");
}

TEST_CASE("velopack: everyone gets the release, and the deltas on the way to it stay listed") {
  UpdaterBench bench = shipped_bench();
  CHECK(bench.publish({track("1.2.0", 100)})->empty());
  CHECK(listed(bench.published.at("releases.win.json")).size() == 5);
  const auto view = bench.view();
  CHECK(view->offers() == "1.2.0");
  CHECK(view->share() == 1);
  CHECK(view->releases().front().version == "1.2.0");
}

TEST_CASE("velopack: with nothing to offer the assets are empty, and a withdrawn release is gone") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.publish({track("1.0.0", 0)}));
  CHECK(bench.published.at("releases.win.json") == "{\n  \"Assets\": []\n}\n");
  CHECK(bench.view()->ask({"", "0.9.0"}).reason == "nothing");
  bench.withdraw("1.2.0");
  REQUIRE(bench.publish({track("1.1.0", 100)}));
  CHECK(bench.published.at("releases.win.json").find("1.2.0") == std::string::npos);
}

TEST_CASE("velopack: a feed channel has its own file, and a track without a release leaves its file alone") {
  UpdaterBench bench = shipped_bench();
  auto pilots = track("1.2.0", 100);
  pilots.feed_channel = "pilot";
  auto nothing = track("", 100);
  nothing.feed_channel = "later";
  REQUIRE(bench.publish({track("1.1.0", 100), pilots, nothing}));
  CHECK(bench.published.size() == 2);
  CHECK(bench.view()->offers() == "1.1.0");
  CHECK(bench.view("pilot")->offers() == "1.2.0");
}

TEST_CASE("velopack: without a configured channel every platform has the file that its packer names") {
  UpdaterBench bench(velopack());
  REQUIRE(bench.ship("1.0.0", {{"Notes-1.0.0-linux-full.nupkg", "x"}}, "linux/amd64"));
  REQUIRE(bench.publish({track("1.0.0", 100)}));
  CHECK(bench.published.count("releases.linux.json") == 1);
  CHECK(bench.published.size() == 1);
  // The release goes, the file is emptied.
  bench.releases.front().facts.clear();
  const auto notes = bench.publish({track("1.0.0", 100)});
  CHECK(notes->front() == "velopack: release 1.0.0 has no package");
  CHECK(listed(bench.published.at("releases.linux.json")).empty());
}

TEST_CASE("velopack: publishing twice says the same bytes") {
  UpdaterBench bench = shipped_bench();
  const auto one = bench.write({track("1.2.0", 100)}), two = bench.write({track("1.2.0", 100)});
  REQUIRE(one->pointers.size() == 1);
  CHECK(one->pointers.front().bytes == two->pointers.front().bytes);
}

TEST_CASE("velopack: an adopted package is named where it lies") {
  UpdaterBench bench = shipped_bench();
  auto packages = *parse_packages(bench.releases.front().facts);
  packages[1].path = "old/Notes-1.2.0-full.nupkg";
  bench.releases.front().facts = write_packages(packages);
  REQUIRE(bench.publish({track("1.2.0", 100)}));
  CHECK(listed(bench.published.at("releases.win.json"))[1] == "old/Notes-1.2.0-full.nupkg");
  const auto again = *parse_packages(*bench.view()->facts("1.2.0"));
  CHECK(again[1].path == "old/Notes-1.2.0-full.nupkg");
  CHECK(again[1].name == "Notes-1.2.0-full.nupkg");
}

TEST_CASE("velopack: answers by what runs and by what the app was built with") {
  struct Case {
    const char* running;
    bool allow_downgrade;
    const char* offered;
    const char* reason;
  };
  constexpr Case cases[] = {
      {"", false, "1.2.0", "everyone"},
      {"1.1.0", false, "1.2.0", "everyone"},
      {"1.2.0", false, "", "running"},
      {"1.2.0", true, "", "running"},
      {"1.3.0", false, "", "newer"},
      {"1.3.0", true, "1.2.0", "downgrade"},
      {"1.2.0-rc.1", false, "1.2.0", "everyone"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.running);
    UpdaterBench bench = shipped_bench();
    bench.client.allow_downgrade = one.allow_downgrade;
    REQUIRE(bench.publish({track("1.2.0", 100)}));
    const auto view = bench.view();
    const Answer answer = view->ask({"", one.running});
    CHECK(answer.offered == one.offered);
    CHECK(answer.reason == one.reason);
    CHECK(view->explain({"", one.running}).size() >= 2);
  }
}

TEST_CASE("velopack: a file of another tool is read as its clients read it") {
  UpdaterBench bench(velopack());
  const auto view = bench.view_of(
      "releases.win.json",
      "\xef\xbb\xbf{\"assets\":[{\"version\":\"2.0\",\"type\":\"Full\",\"filename\":\"A-2.0-full.nupkg\"},"
      "{\"Version\":\"1.0.0\",\"Type\":\"full\",\"FileName\":\"A-1.0.0-full.nupkg\",\"SHA1\":\"AB\",\"Size\":"
      "3},"
      "{\"Version\":\"1.0.0\",\"Type\":\"Full\",\"FileName\":\"B-1.0.0-full.nupkg\"},"
      "{\"Version\":\"9.0.0\",\"Type\":\"Installer\",\"FileName\":\"Setup.exe\"}]}");
  REQUIRE(view != nullptr);
  CHECK(view->offers() == "1.0.0");  // 2.0 is no semver
  const auto remarks = view->audit(bench.issued);
  for (const char* code :
       {"no-percentage", "unsigned", "unrecoverable", "unreadable-version", "ambiguous", "weak-digest"}) {
    CAPTURE(code);
    CHECK(has_code(remarks, code));
  }
  CHECK(view->files().front().name == "releases.win.json");
  CHECK_FALSE(view->facts("7.0.0"));
}

TEST_CASE("velopack: what no client reads is refused, and no file is no view") {
  for (const char* text : {"", "[]", "{}", "{\"Assets\":7}", "{\"Assets\":[7]}", "{\"Assets\":[",
                           "{\"Assets\":[{\"Type\":\"Full\",\"Size\":\"7\"}]}"}) {
    UpdaterBench bench(velopack());
    bench.published["releases.win.json"] = text;
    CAPTURE(text);
    const auto view = bench.read(bench.issued);
    REQUIRE_FALSE(view);
    CHECK(view.error().kind == ErrorKind::verification);
  }
  UpdaterBench bench(velopack());
  CHECK(bench.view() == nullptr);
}
