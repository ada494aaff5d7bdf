// The feed before apt itself, with directories of its own: `apt-get update` over what was written, and what
// libapt's dist-upgrade does for a thousand machine ids. One Python process asks libapt for all of them,
// since a process an id would take minutes; a few ids are asked with apt-get too, which must say the same.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <sstream>

#include "base/release_date.hpp"
#include "channel/apt_read.hpp"
#include "channel/apt_testing.hpp"
#include "os/world.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::testing;
using artifact::testing::control_of;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr const char* ask_libapt = R"(
import apt_pkg, sys
apt_pkg.init_config()
for word in sys.argv[1:]:
    key, value = word.split("=", 1)
    apt_pkg.config.set(key, value)
apt_pkg.init_system()
cache = apt_pkg.Cache(None)
dep = apt_pkg.DepCache(cache)
packages = sorted((p for p in cache.packages if p.current_ver), key=lambda p: p.name)
for line in sys.stdin:
    apt_pkg.config.set("APT::Machine-ID", line.strip())
    dep.init()
    dep.upgrade(True)
    print(line.strip(), *(p.name + "=" + dep.get_candidate_ver(p).ver_str for p in packages
                          if dep.marked_upgrade(p) or dep.marked_downgrade(p)))
)";

struct Machine {
  os::RealWorld real;
};

// A machine that has packages installed and reads the bench's store.
struct Apt : Machine, AptBench {
  Apt() : AptBench(real.world()) {
    for (const char* name : {"etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial",
                             "var/cache/apt/archives/partial", "var/lib/dpkg"})
      REQUIRE(world.files.make_directories(root + "/" + name).has_value());
    install({});
  }
  bool there() {
    ports::ProcessRequest request;
    request.argv = {"/usr/bin/python3", "-c", "import apt_pkg"};
    const auto answer = world.process.run(request);
    const bool both = answer && answer->exit_code == 0 && support::have_program(world.process, "apt-get");
    if (!both) {
      MESSAGE("skipped: apt is missing (apt-get install apt python3-apt)");
      CHECK(std::getenv("TRANCHE_REQUIRE_PEERS") == nullptr);
    }
    return both && signing::testing::have_gpg(world);
  }
  // dpkg's own list: name → version.
  void install(const std::map<std::string, std::string>& packages) {
    std::string status;
    for (const auto& [name, version] : packages)
      status += control_of(name, version, "amd64", "Status: install ok installed\n") + "\n";
    REQUIRE(world.files.write(root + "/var/lib/dpkg/status", status).has_value());
  }
  // `option`: "trusted=yes" or "signed-by=PATH".
  void read_from(const std::string& option, const std::string& suite = "stable") {
    REQUIRE(world.files
                .write(root + "/etc/apt/sources.list", fmt::format("deb [arch=amd64 {}] file:{} {} main\n",
                                                                   option, directory / "store", suite))
                .has_value());
  }
  [[nodiscard]] std::vector<std::string> options() const {
    return {"Dir=" + root, "Dir::State::status=" + root + "/var/lib/dpkg/status", "APT::Architecture=amd64",
            "APT::Architectures=amd64", "APT::Sandbox::User=root", "Acquire::Languages=none",
            // A machine's own configuration may have turned these off.
            "Acquire::Check-Valid-Until=true", "Acquire::Check-Date=true"};
  }
  ports::ProcessResult run(const std::string& program, std::vector<std::string> words) {
    ports::ProcessRequest request;
    request.argv = {program};
    for (const std::string& option : options()) {
      request.argv.emplace_back("-o");
      request.argv.push_back(option);
    }
    request.argv.insert(request.argv.end(), words.begin(), words.end());
    request.directory = directory.path();
    auto result = world.process.run(request);
    REQUIRE(result.has_value());
    return *result;
  }
  // "" when apt-get update takes the repository, else what it says.
  std::string update() {
    const auto result = run("apt-get", {"-o", "APT::Update::Error-Mode=any", "update"});
    return result.exit_code == 0 && !has(result.err, "W:") && !has(result.err, "E:")
               ? ""
               : result.err + result.out;
  }
  // id → what dist-upgrade would install, "name=version" each.
  std::map<std::string, std::set<std::string>> upgrades(const std::vector<std::string>& ids) {
    ports::ProcessRequest request;
    request.argv = {"/usr/bin/python3", "-c", ask_libapt};
    for (const std::string& option : options()) request.argv.push_back(option);
    for (const std::string& id : ids) request.input += id + "\n";
    request.timeout = std::chrono::minutes(3);
    request.max_output_bytes = 16 << 20;
    const auto result = world.process.run(request);
    REQUIRE(result.has_value());
    REQUIRE_MESSAGE(result->exit_code == 0, result->err);
    std::map<std::string, std::set<std::string>> out;
    std::istringstream lines(result->out);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string id, word;
      words >> id;
      auto& upgraded = out[id];
      while (words >> word) upgraded.insert(word);
    }
    REQUIRE(out.size() == ids.size());
    return out;
  }
  std::set<std::string> upgrade(const std::string& id) { return upgrades({id}).at(id); }

  // An unsigned suite of these packages, for what write() would never write.
  void put_suite(const std::vector<std::pair<std::string, std::string>>& controls) {
    std::string packages;
    for (const auto& [control, more] : controls) {
      const auto parsed = *artifact::parse_control(control);
      packages +=
          parsed.control + fmt::format("\nFilename: pool/{}_{}.deb\nSize: 10\nSHA256: {}\n{}\n", parsed.name,
                                       parsed.version, digest(parsed.name + parsed.version), more);
    }
    put("dists/stable/main/binary-amd64/Packages", packages);
    put("dists/stable/Release",
        fmt::format("Suite: stable\nCodename: stable\nDate: {}\nArchitectures: amd64\nComponents: "
                    "main\nSHA256:\n {} {} "
                    "main/binary-amd64/Packages\n",
                    to_release_date(issued), digest(packages), packages.size()));
  }
  static std::string digest(const std::string& text) { return crypto::to_hex(crypto::sha256(text)); }

  std::string root = directory / "machine";
};

std::vector<std::string> machine_ids(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> ids;
  while (ids.size() < count) ids.push_back(fmt::format("{:016x}{:016x}", random(), random()));
  return ids;
}

}  // namespace

TEST_CASE("apt itself: at 0, 1, 10, 50, 99 and 100% every one of 1,000 machine ids does what is predicted") {
  Apt apt;
  if (!apt.there()) return;
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  const std::vector<int> percents{0, 1, 10, 50, 99, 100};
  std::vector<std::pair<std::string, std::string>> controls;
  std::map<std::string, std::string> installed;
  for (const int percent : percents) {
    const std::string name = fmt::format("notes-{}", percent);
    installed[name] = "1.1.0-1";
    // A source of its own and of all: the dice are thrown for the source.
    const std::string source = percent % 2 == 0 ? "" : "Source: notes (1:1.2.0-7)\n";
    controls.emplace_back(control_of(name, "1.2.0-1", "amd64", source),
                          fmt::format("Phased-Update-Percentage: {}\n", percent));
    controls.emplace_back(control_of(name, "1.1.5-1", "amd64", source), "");  // in between: offered to nobody
  }
  apt.put_suite(controls);
  apt.install(installed);
  apt.read_from("trusted=yes");
  REQUIRE(apt.update() == "");
  auto ids = machine_ids(1000, seed);
  ids.emplace_back("not-a-machine-id");
  const auto answers = apt.upgrades(ids);
  std::map<int, int> upgraded;
  for (const int percent : percents) {
    apt.client.package = fmt::format("notes-{}", percent);
    const auto view = apt.view();
    int different = 0;
    for (const std::string& id : ids) {
      const bool predicted = !view->ask({id, "1.1.0-1"}).offered.empty();
      const bool real = answers.at(id).contains(apt.client.package + "=1.2.0-1");
      const bool between = answers.at(id).contains(apt.client.package + "=1.1.5-1");
      if (predicted != real || between) ++different;
      if (real) ++upgraded[percent];
    }
    CAPTURE(percent);
    CHECK(different == 0);
  }
  MESSAGE("of " << ids.size() << " upgraded: " << upgraded[0] << " at 0%, " << upgraded[1] << " at 1%, "
                << upgraded[10] << " at 10%, " << upgraded[50] << " at 50%, " << upgraded[99] << " at 99%");
  CHECK(upgraded[100] == static_cast<int>(ids.size()));

  for (std::size_t i = 0; i < 5; ++i) {  // libapt in Python and apt-get are one
    const auto done = apt.run("apt-get", {"-o", "APT::Machine-ID=" + ids[i], "-s", "dist-upgrade"});
    for (const int percent : percents)
      CHECK(has(done.out, fmt::format("Inst notes-{} [1.1.0-1] (1.2.0-1", percent)) ==
            answers.at(ids[i]).contains(fmt::format("notes-{}=1.2.0-1", percent)));
  }
}

TEST_CASE("apt itself: reads percentages as we do, also those that are none") {
  Apt apt;
  if (!apt.there()) return;
  const std::vector<std::string> values{"0",   "50",         "100", "101",  "-1",         "abc",
                                        "5.9", "1e2",        "7",   "0x10", "",           "50%",
                                        "099", "4294967297", "256", "+5",   "-4294967246"};
  std::vector<std::pair<std::string, std::string>> controls;
  for (std::size_t i = 0; i < values.size(); ++i)
    controls.emplace_back(control_of(fmt::format("value{:02}", i), "2.0"),
                          "Phased-Update-Percentage: " + values[i] + "\n");
  apt.put_suite(controls);
  apt.read_from("trusted=yes");
  (void)apt.update();  // it warns of those that are none
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(values[i]);
    const auto policy = apt.run("apt-cache", {"policy", fmt::format("value{:02}", i)});
    const int ours = debian::read_percentage(values[i]);
    REQUIRE(has(policy.out, "2.0 500"));
    CHECK(has(policy.out, "phased") == (ours < 100));
    if (ours < 100) CHECK(has(policy.out, fmt::format("(phased {}%)", ours)));
  }
}

TEST_CASE(
    "apt itself: takes the repository that is written, and refuses another key, other bytes and an old one") {
  Apt apt;
  if (!apt.there()) return;
  apt.use_key("notes@example.org");
  for (const char* version : {"1.0.0", "1.1.0", "1.2.0"}) REQUIRE(apt.ship(version).has_value());
  apt.publish({track("1.2.0", 50, "1.1.0")});
  apt.install({{"notes-agent", "1.1.0-1"}});
  apt.read_from("signed-by=" + (apt.directory / "notes@example.org.asc"));
  CHECK(apt.update() == "");
  const auto policy = apt.run("apt-cache", {"policy", "notes-agent"});
  CHECK(has(policy.out, "1.2.0-1 500 (phased 50%)"));
  CHECK(has(policy.out, "1.0.0-1 500"));
  const auto view = apt.view();
  for (const std::string& id : machine_ids(20, 1))
    CHECK(apt.upgrade(id).empty() == view->ask({id, "1.1.0"}).offered.empty());

  // The package comes down whole, or not at all.
  CHECK(apt.run("apt-get", {"download", "notes-agent=1.2.0-1"}).exit_code == 0);
  const std::string place = "tranche/v1/releases/1.2.0/notes-agent_amd64.deb";
  std::string bytes = apt.bytes_of(place);
  bytes[bytes.size() - 1] ^= 1;
  apt.put(place, bytes);
  REQUIRE(apt.world.files.remove(apt.directory / "notes-agent_1.2.0-1_amd64.deb").has_value());
  const auto corrupted = apt.run("apt-get", {"download", "notes-agent=1.2.0-1"});
  CHECK(corrupted.exit_code != 0);
  CHECK(has(corrupted.err, "Hash Sum mismatch"));

  apt.use_key("other@example.org");
  apt.issued += std::chrono::seconds(1);
  apt.publish({track("1.2.0", 50, "1.1.0")});
  CHECK(has(apt.update(), "NO_PUBKEY"));

  apt.client.key = "file:" + (apt.directory / "notes@example.org.key");
  apt.publish({track("1.2.0", 60, "1.1.0")});
  const auto written = apt.write({track("1.2.0", 60, "1.1.0")});
  for (const auto* list : {&written->files, &written->pointers})
    for (const Named& file : *list)
      if (has(file.name, "binary-amd64"))
        apt.put(file.name, has(file.name, ".gz") ? "" : std::string(file.bytes.size(), 'x'));
  CHECK(apt.update() != "");

  apt.publish({track("1.2.0", 60, "1.1.0")});
  CHECK(apt.update() == "");
  apt.issued += std::chrono::seconds(1);
  apt.expires = apt.issued + std::chrono::seconds(1);
  apt.publish({track("1.2.0", 60, "1.1.0")});
  const std::string said = apt.update();
  CAPTURE(said);
  CHECK(has(said, "is expired"));
}

TEST_CASE(
    "apt itself: a withdrawn version is taken by nobody, and given back only where a pin above 1000 says "
    "so") {
  Apt apt;
  if (!apt.there()) return;
  apt.use_key("notes@example.org");
  for (const char* version : {"1.0.0", "1.1.0", "1.2.0", "1.2.1"}) REQUIRE(apt.ship(version).has_value());
  apt.read_from("signed-by=" + (apt.directory / "notes@example.org.asc"));
  const std::string id = "0123456789abcdef0123456789abcdef";
  apt.publish({track("1.2.0", 100)});
  apt.install({{"notes-agent", "1.1.0-1"}});
  REQUIRE(apt.update() == "");
  CHECK(apt.upgrade(id) == std::set<std::string>{"notes-agent=1.2.0-1"});

  apt.issued += std::chrono::seconds(1);
  apt.publish({track("1.1.0", 100)});
  REQUIRE(apt.update() == "");
  CHECK(apt.upgrade(id).empty());
  apt.install({{"notes-agent", "1.2.0-1"}});
  CHECK(apt.upgrade(id).empty());
  CHECK(apt.view()->ask({id, "1.2.0"}).reason == "newer");
  REQUIRE(apt.world.files
              .write(apt.root + "/etc/apt/preferences.d/notes",
                     "Package: *\nPin: release o=notes\nPin-Priority: 1001\n")
              .has_value());
  CHECK(apt.upgrade(id) == std::set<std::string>{"notes-agent=1.1.0-1"});
  apt.client.allow_downgrade = true;
  CHECK(apt.view()->ask({id, "1.2.0"}).offered == "1.1.0");
  REQUIRE(apt.world.files.remove(apt.root + "/etc/apt/preferences.d/notes").has_value());

  // A fallback under a higher version reaches those that cannot go back.
  apt.client.allow_downgrade = false;
  apt.issued += std::chrono::seconds(1);
  apt.publish({track("1.2.1", 100)});
  REQUIRE(apt.update() == "");
  CHECK(apt.upgrade(id) == std::set<std::string>{"notes-agent=1.2.1-1"});
  CHECK(apt.view()->ask({id, "1.2.0"}).offered == "1.2.1");
}

TEST_CASE("apt itself: packages for all architectures alone make a repository that machines take") {
  Apt apt;
  if (!apt.there()) return;
  apt.use_key("notes@example.org");
  REQUIRE(apt.ship("1.2.0", {control_of("notes-data", "1.2.0-1", "all")}).has_value());
  apt.publish({track("1.2.0", 100)});
  apt.read_from("signed-by=" + (apt.directory / "notes@example.org.asc"));
  apt.install({{"notes-data", "1.1.0-1"}});
  (void)apt.update();
  CHECK(has(apt.run("apt-cache", {"policy", "notes-data"}).out, "1.2.0-1 500"));
}
