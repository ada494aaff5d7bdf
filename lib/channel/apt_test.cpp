#include <doctest/doctest.h>

#include <random>

#include "base/text.hpp"
#include "channel/apt_read.hpp"
#include "channel/apt_testing.hpp"
#include "os/world.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::testing;
using artifact::testing::control_of;

namespace {

using List = std::vector<std::string>;
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string packages_name = "dists/stable/main/binary-amd64/Packages";

// "1.2.0-1 10" for each stanza of an index: version, and percentage where there is one.
List versions_of(const std::string& packages) {
  List out;
  const auto stanzas = parse_deb822(packages);
  REQUIRE(stanzas.has_value());
  for (const Deb822Stanza& stanza : *stanzas) {
    out.emplace_back(*stanza.find("Version"));
    if (const auto phased = stanza.find("Phased-Update-Percentage")) out.back() += " " + std::string(*phased);
  }
  return out;
}

struct Machine {
  os::RealWorld real;
};
struct PlainBench : Machine, AptBench {
  PlainBench() : AptBench(real.world()) {}
};
// A bench with three releases and a key; false when there is no gpg.
struct Bench : PlainBench {
  Bench() {
    if (!signing::testing::have_gpg(world)) return;
    use_key("notes@example.org");
    for (const char* version : {"1.0.0", "1.1.0", "1.2.0"}) REQUIRE(ship(version).has_value());
    ready = true;
  }
  List listed(const std::string& name = packages_name) { return versions_of(bytes_of(name)); }
  bool ready = false;
};

}  // namespace

TEST_CASE("apt: a release is known by the control stanzas of its packages") {
  PlainBench bench;
  REQUIRE(bench.ship("1.0.0", {control_of("notes-agent", "1.0.0-1", "amd64", "Source: notes\nSize: 7\n"),
                               control_of("notes-agent", "1.0.0-1", "arm64")}));
  const auto packages = *debian::parse_facts(bench.releases.front().facts);
  REQUIRE(packages.size() == 2);
  CHECK(packages[0].file == "notes-agent_amd64.deb");
  CHECK(packages[0].control.source == "notes");
  CHECK(packages[0].size == bench.releases.front().manifest.artifacts[0].size);
  CHECK_FALSE(has(packages[0].control.control, "Size"));
  CHECK(packages[1].control.architecture == "arm64");
  REQUIRE(bench.ship("1.1.0", {}));
  CHECK(bench.releases.front().facts.empty());
}

TEST_CASE(
    "apt: two packages of one name, and a file that is no package, are refused when the release is made") {
  PlainBench bench;
  std::vector<artifact::Artifact> artifacts;
  for (const char* name : {"a.deb", "b.deb"}) {
    const std::string path = bench.directory / name;
    REQUIRE(
        bench.world.files.write(path, artifact::testing::make_deb(control_of("notes", "1.0"))).has_value());
    artifacts.push_back({name, "any", 1, std::string(64, 'a'), path});
  }
  const auto twice = bench.ecosystem.describe(
      {bench.world, bench.repository, "notes", "1.0", bench.issued, artifacts, bench.client});
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error().message == "a.deb and b.deb are both notes for amd64");
  REQUIRE(bench.world.files.write(bench.directory / "b.deb", "no package").has_value());
  const auto broken = bench.ecosystem.describe(
      {bench.world, bench.repository, "notes", "1.0", bench.issued, artifacts, bench.client});
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().kind == ErrorKind::invalid);
  CHECK(broken.error().while_doing == List{"reading the package b.deb"});
}

TEST_CASE("apt: a share is the percentage of the offered version, and versions before stay listed") {
  Bench bench;
  if (!bench.ready) return;
  CHECK(bench.publish({track("1.2.0", 10, "1.1.0")}).empty());
  CHECK(bench.listed() == List{"1.2.0-1 10", "1.1.0-1", "1.0.0-1"});
  bench.publish({track("1.2.0", 99, "1.1.0")});
  CHECK(bench.listed() == List{"1.2.0-1 99", "1.1.0-1", "1.0.0-1"});
  bench.publish({track("1.2.0", 100)});
  CHECK(bench.listed() == List{"1.2.0-1", "1.1.0-1", "1.0.0-1"});
  bench.publish({track("1.1.0", 100)});
  CHECK(bench.listed() == List{"1.1.0-1", "1.0.0-1"});
}

TEST_CASE("apt: a pause and a withdrawal take the version out: 0 would still reach 1 machine in 101") {
  Bench bench;
  if (!bench.ready) return;
  const auto notes = bench.publish({track("1.2.0", 0, "1.1.0")});
  REQUIRE(notes.size() == 1);
  CHECK(has(notes[0], "1.2.0 is left out"));
  CHECK(bench.listed() == List{"1.1.0-1", "1.0.0-1"});
  bench.withdraw("1.1.0");
  bench.publish({track("1.2.0", 50, "1.0.0")});
  CHECK(bench.listed() == List{"1.2.0-1 50", "1.0.0-1"});
}

TEST_CASE("apt: the first release ever has nothing beside it, and withdrawn it leaves an empty suite") {
  Bench bench;
  if (!bench.ready) return;
  bench.releases.resize(1);
  bench.publish({track("1.2.0", 5)});
  CHECK(bench.listed() == List{"1.2.0-1 5"});
  bench.withdraw("1.2.0");
  const auto notes = bench.publish({track("", 100)});
  CHECK(notes == List{"apt: suite stable: it lists no package"});
  CHECK(bench.listed().empty());
  CHECK(has(bench.bytes_of("dists/stable/Release"), "Architectures: amd64\n"));
  CHECK(bench.view()->ask({"id", "1.0"}).reason == "nothing");
}

TEST_CASE("apt: with nothing to offer, a suite that is none of ours stays as it is") {
  Bench bench;
  if (!bench.ready) return;
  const auto nothing = bench.write({track("", 100)});
  REQUIRE(nothing.has_value());
  CHECK(nothing->pointers.empty());
  bench.put("dists/stable/InRelease", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSuite: stable\n");
  CHECK(bench.write({track("", 100)})->pointers.empty());
}

TEST_CASE("apt: each feed channel is a suite of its own, and no two may be the same") {
  Bench bench;
  if (!bench.ready) return;
  cohort::Track pilot = track("1.2.0", 100);
  pilot.feed_channel = "pilot";
  bench.client.channel = "focal";
  bench.publish({track("1.1.0", 100), pilot});
  CHECK(bench.listed("dists/focal/main/binary-amd64/Packages") == List{"1.1.0-1", "1.0.0-1"});
  CHECK(bench.listed("dists/pilot/main/binary-amd64/Packages") == List{"1.2.0-1", "1.1.0-1", "1.0.0-1"});
  CHECK(bench.view("pilot")->offers() == "1.2.0");
  bench.client.channel = "pilot";
  const auto clash = bench.write({track("1.1.0", 100), pilot});
  REQUIRE_FALSE(clash.has_value());
  CHECK(clash.error().kind == ErrorKind::invalid);
}

TEST_CASE("apt: publishing twice says the same bytes, although gpg signs others each time") {
  Bench bench;
  if (!bench.ready) return;
  bench.publish({track("1.2.0", 10, "1.1.0")});
  const std::string first = bench.bytes_of("dists/stable/InRelease");
  bench.publish({track("1.2.0", 10, "1.1.0")});
  CHECK(bench.bytes_of("dists/stable/InRelease") == first);
  // The same text under another key is signed again, and so is another text.
  bench.use_key("other@example.org");
  bench.publish({track("1.2.0", 10, "1.1.0")});
  const std::string other = bench.bytes_of("dists/stable/InRelease");
  CHECK(other != first);
  bench.issued += std::chrono::seconds(1);
  bench.publish({track("1.2.0", 10, "1.1.0")});
  CHECK(bench.bytes_of("dists/stable/InRelease") != other);
}

TEST_CASE("apt: what clients read first is written last, and names files that were there before") {
  Bench bench;
  if (!bench.ready) return;
  const auto written = bench.write({track("1.2.0", 10, "1.1.0")});
  REQUIRE(written.has_value());
  List names;
  for (const Named& pointer : written->pointers) names.push_back(pointer.name);
  CHECK(names ==
        List{packages_name, packages_name + ".gz", "dists/stable/Release", "dists/stable/InRelease"});
  REQUIRE(written->files.size() == 2);
  for (const Named& file : written->files)
    CHECK(file.name ==
          "dists/stable/main/binary-amd64/by-hash/SHA256/" + crypto::to_hex(crypto::sha256(file.bytes)));
}

TEST_CASE("apt: a version that would not be the highest, or stands twice, is left out with a word") {
  Bench bench;
  if (!bench.ready) return;
  // Debian's order is another than the releases': an epoch of long ago.
  bench.releases.clear();
  REQUIRE(bench.ship("1.0.0", {control_of("notes-agent", "1:0.9-1")}));
  REQUIRE(bench.ship("1.1.0", {control_of("notes-agent", "1.1.0-1")}));
  REQUIRE(bench.ship("1.1.1", {control_of("notes-agent", "1.1.0-1")}));
  const auto notes = bench.publish({track("1.1.1", 100)});
  CHECK(bench.listed() == List{"1.1.0-1"});
  REQUIRE(notes.size() == 2);
  CHECK(has(notes[0], "1.1.0-1 of release 1.1.0 is left out: it is the version 1.1.0-1 of release 1.1.1"));
  CHECK(has(notes[1], "1:0.9-1 of release 1.0.0 is left out: it is above 1.1.0-1 of release 1.1.1"));
}

TEST_CASE("apt: a release without a package leaves its machines with the one before") {
  Bench bench;
  if (!bench.ready) return;
  REQUIRE(bench.ship("1.3.0", {}));
  const auto notes = bench.publish({track("1.3.0", 100)});
  CHECK(bench.listed() == List{"1.2.0-1", "1.1.0-1", "1.0.0-1"});
  REQUIRE(notes.size() == 1);
  CHECK(has(notes[0], "release 1.3.0 has no .deb"));
}

TEST_CASE("apt: no key is an error with what to give, before anything is written") {
  Bench bench;
  if (!bench.ready) return;
  bench.client.key.clear();
  const auto written = bench.write({track("1.2.0", 100)});
  REQUIRE_FALSE(written.has_value());
  CHECK(has(written.error().hint, "clients.apt.key"));
}

TEST_CASE("apt: facts that the manifest does not bear out are refused") {
  Bench bench;
  if (!bench.ready) return;
  bench.releases.front().manifest.artifacts[0].sha256 = std::string(64, 'b');
  const auto written = bench.write({track("1.2.0", 100)});
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().kind == ErrorKind::verification);
}

TEST_CASE("apt: a machine's answer is what its id, its version and the percentage say") {
  Bench bench;
  if (!bench.ready) return;
  // Draws of notes-agent 1.2.0-1: looked for here, so that one is in and one is out at 50%.
  std::string in, out;
  for (int i = 0; in.empty() || out.empty(); ++i) {
    const std::string id = fmt::format("{:032x}", i);
    (cohort::apt_draw("notes-agent", "1.2.0-1", id) <= 50 ? in : out) = id;
  }
  bench.publish({track("1.2.0", 50, "1.1.0")});
  struct Row {
    std::string id, running, offered, reason;
  };
  const auto check = [&](const View& view, const Row& row) {
    CAPTURE(row.id);
    CAPTURE(row.running);
    const Answer answer = view.ask({row.id, row.running});
    CHECK(answer.offered == row.offered);
    CHECK(answer.reason == row.reason);
    CHECK_FALSE(view.explain({row.id, row.running}).empty());
  };
  auto view = bench.view();
  CHECK(view->share() == doctest::Approx(51 / 101.0));
  CHECK(view->offers() == "1.2.0");
  for (const Row& row : {Row{in, "", "1.2.0", "admitted"}, Row{out, "", "", "not-admitted"},
                         Row{in, "1.1.0", "1.2.0", "admitted"}, Row{out, "1.1.0-1", "", "not-admitted"},
                         Row{in, "1.2.0", "", "running"}, Row{in, "1.2.0-1", "", "running"},
                         Row{in, "1.3.0", "", "newer"}, Row{"", "1.1.0", "1.2.0", "no-id"}})
    check(*view, row);
  bench.publish({track("1.1.0", 100)});
  view = bench.view();
  CHECK(view->share() == 1);
  check(*view, {out, "1.0.0", "1.1.0", "everyone"});
  check(*view, {in, "1.2.0", "", "newer"});
  bench.client.allow_downgrade = true;
  check(*bench.view(), {in, "1.2.0-1", "1.1.0", "downgrade"});
}

TEST_CASE("apt: a suite called -security lets machines that lag pass the percentage") {
  Bench bench;
  if (!bench.ready) return;
  bench.client.channel = "app-security";
  const auto notes = bench.publish({track("1.2.0", 1, "1.1.0")});
  REQUIRE(notes.size() == 1);
  CHECK(has(notes[0], "another name"));
  const auto view = bench.view();
  std::string out;
  for (int i = 0; out.empty(); ++i)
    if (const std::string id = std::to_string(i); cohort::apt_draw("notes-agent", "1.2.0-1", id) > 1)
      out = id;
  CHECK(view->ask({out, "1.0.0"}).reason == "security");
  CHECK(view->ask({out, "1.1.0"}).reason == "not-admitted");
  CHECK(has_code(view->audit(bench.issued), "security-suite"));
}

TEST_CASE("apt: what was written reads back with its files, digests and facts") {
  Bench bench;
  if (!bench.ready) return;
  REQUIRE(bench.ship("2.0.0-rc.1", {control_of("notes-agent", "2.0.0~rc.1-1")}));
  REQUIRE(bench.ship("2.0.0", {control_of("notes-agent", "2.0.0+odd.number-1")}));
  bench.publish({track("2.0.0", 100)});
  const auto view = bench.view();
  REQUIRE(view->releases().size() == 5);
  CHECK(view->releases()[0].version == "2.0.0");
  CHECK(view->releases()[1].version == "2.0.0-rc.1");
  const NamedRelease& last = view->releases()[4];
  CHECK(last.version == "1.0.0");
  REQUIRE(last.files.size() == 1);
  CHECK(last.files[0].name == "tranche/v1/releases/1.0.0/notes-agent_amd64.deb");
  CHECK(last.files[0].digests.at("sha256") == bench.releases.back().manifest.artifacts[0].sha256);
  const auto facts = view->facts("1.0.0");
  REQUIRE(facts.has_value());
  const auto packages = *debian::parse_facts(*facts);
  REQUIRE(packages.size() == 1);
  CHECK(packages[0].path == last.files[0].name);
  CHECK(packages[0].control.control ==
        debian::parse_facts(bench.releases.back().facts)->front().control.control);
  // Facts that were read write the same stanza.
  const std::string before = bench.bytes_of(packages_name);
  bench.releases.back().facts = *facts;
  bench.publish({track("2.0.0", 100)});
  CHECK(bench.bytes_of(packages_name) == before);
  CHECK_FALSE(view->facts("9.9").has_value());
}

TEST_CASE("apt: an index that Release does not name by its digest is refused") {
  Bench bench;
  if (!bench.ready) return;
  bench.publish({track("1.2.0", 10, "1.1.0")});
  const auto view = bench.view();
  REQUIRE(view->files().size() == 2);
  const std::string by_hash = view->files()[1].name;
  CHECK(has(by_hash, "by-hash/SHA256/"));
  bench.put(by_hash, "Package: evil\n");
  auto read = bench.ecosystem.read(bench.read_input());
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().kind == ErrorKind::verification);
  // As apt: without the file by its digest, the one at the plain name.
  REQUIRE(bench.world.files.remove(bench.directory / ("store/" + by_hash)).has_value());
  CHECK(bench.view()->offers() == "1.2.0");
  bench.put(packages_name + ".gz", "");
  CHECK_FALSE(bench.ecosystem.read(bench.read_input()).has_value());
}

TEST_CASE("apt: the signature is checked where the key is, and noted where it is not") {
  Bench bench;
  if (!bench.ready) return;
  bench.publish({track("1.2.0", 10, "1.1.0")});
  CHECK(has_code(bench.view()->audit(bench.issued), "signature-unchecked"));
  ReadInput input = bench.read_input();
  input.world = &bench.world;
  input.repository = bench.repository;
  const auto view = bench.ecosystem.read(input);
  REQUIRE(view.has_value());
  CHECK(has_code((*view)->audit(bench.issued), "signed"));
  bench.use_key("other@example.org");
  input.client = bench.client;
  const auto other = bench.ecosystem.read(input);
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().kind == ErrorKind::verification);
}

TEST_CASE("apt: a feed that is not there is no view, a broken one is refused") {
  PlainBench bench;
  CHECK(*bench.ecosystem.read(bench.read_input()) == nullptr);
  bench.put("dists/stable/InRelease", "Suite: stable\n");
  CHECK(bench.ecosystem.read(bench.read_input()).error().kind == ErrorKind::verification);
}
