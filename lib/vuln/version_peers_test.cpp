// Our orders against the programs that made them: generated versions, one process a peer.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "support/line_peer.hpp"
#include "support/temp_directory.hpp"
#include "vuln/version_order.hpp"

using namespace tranche;
using namespace tranche::vuln;

namespace {

constexpr int pairs = 3000;
constexpr std::size_t longest = 128;  // base/version.hpp orders no longer ones

// A version is a few pieces in a row, of the kinds that the ecosystem's rules turn on; its pair is mostly a
// small change of it.
class Generator {
 public:
  Generator(std::vector<std::string> pieces, std::uint64_t seed, bool three_numbers)
      : pieces_(std::move(pieces)), random_(seed), three_numbers_(three_numbers) {}

  std::pair<std::string, std::string> pair() {
    std::vector<std::string> parts{first()};
    for (std::size_t i = below(6); i > 0; --i) parts.push_back(piece());
    std::vector<std::string> other = parts;
    if (below(8) == 0) {
      other = {first()};
      for (std::size_t i = below(5); i > 0; --i) other.push_back(piece());
    } else if (const std::size_t at = 1 + below(parts.size()); at < parts.size() && below(2) == 0) {
      other[at] = piece();
    } else {
      other.insert(other.begin() + static_cast<std::ptrdiff_t>(std::min(at, other.size())), piece());
    }
    return {join(parts, ""), join(other, "")};
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }
  std::string number() { return below(6) == 0 ? "10" : std::to_string(below(3)); }
  std::string first() {
    return three_numbers_ ? fmt::format("{}.{}.{}", number(), number(), number()) : number();
  }
  std::string piece() { return replace_all(pieces_[below(pieces_.size())], "#", number()); }

  std::vector<std::string> pieces_;
  std::mt19937_64 random_;
  bool three_numbers_;
};

using Peer = support::LinePeer;  // reads "a b" lines, says -1, 0, 1 or ? for each

// `lenient`: we order some texts that the peer refuses ("1.2" of npm).
void compare_with(const Peer& peer, Ecosystem ecosystem, const std::vector<std::string>& pieces,
                  bool lenient = false) {
  const std::uint64_t seed = support::seed_of_run();
  Generator generator(
      pieces, seed,
      ecosystem == Ecosystem::npm || ecosystem == Ecosystem::go || ecosystem == Ecosystem::maven);
  std::vector<std::pair<std::string, std::string>> asked;
  std::string input;
  for (int i = 0; i < pairs; ++i) {
    auto pair = generator.pair();
    while (std::max(pair.first.size(), pair.second.size()) > longest) pair = generator.pair();
    asked.push_back(std::move(pair));
    input += asked.back().first + " " + asked.back().second + "\n";
  }
  const auto answers = support::ask_lines(peer, input);
  if (!answers) return;
  REQUIRE(answers->size() == asked.size());
  int ordered = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& [a, b] = asked[i];
    const auto order = compare_versions(ecosystem, a, b);
    const std::string ours = !order ? "?" : *order < 0 ? "-1" : *order > 0 ? "1" : "0";
    if (lenient && (*answers)[i] == "?") continue;
    if (order) ++ordered;
    CAPTURE(seed);
    CHECK_MESSAGE(ours == (*answers)[i], a << " against " << b);
  }
  CHECK(ordered > pairs / 4);
}

}  // namespace

TEST_CASE("PEP 440 as python3-packaging has it") {
  compare_with({"python3-packaging", "apt-get install python3-packaging", {"/usr/bin/python3", "-c", R"PY(
import sys
from packaging.version import Version, InvalidVersion
for line in sys.stdin:
    a, b = line.split()
    try: a, b = Version(a), Version(b)
    except InvalidVersion: print("?"); continue
    print((a > b) - (a < b))
)PY"}},
               Ecosystem::pypi,
               {".#", ".0", "a#", "b#", "rc#", "c", ".post#", "-#", ".dev#", "-dev", "+#", "+ab", ".ab",
                "_alpha_#", "-r#", "!#", "rev", "pre#"});
}

TEST_CASE("Gem::Version as ruby has it") {
  compare_with({"ruby", "apt-get install ruby", {"ruby", "-e", R"PY(
STDIN.each_line do |line|
  a, b = line.split
  if Gem::Version.correct?(a) && Gem::Version.correct?(b)
    puts Gem::Version.new(a) <=> Gem::Version.new(b)
  else
    puts "?"
  end
end
)PY"}},
               Ecosystem::rubygems,
               {".#", ".0", ".a", ".b#", ".rc#", "-#", "-a", ".a.#", ".beta.#", "b", "..", ".pre"});
}

TEST_CASE("dpkg's order as apt has it") {
  compare_with({"python3-apt", "apt-get install python3-apt", {"/usr/bin/python3", "-c", R"PY(
import sys, apt_pkg
apt_pkg.init_system()
for line in sys.stdin:
    a, b = line.split()
    c = apt_pkg.version_compare(a, b)
    print((c > 0) - (c < 0))
)PY"}},
               Ecosystem::debian, {".#", "~#", "~rc#", "-#", "+deb#u#", "a", "Z", ".0", "+b#", "~~", "0#"});
}

TEST_CASE("rpmvercmp as rpm has it") {
  compare_with({"rpm", "apt-get install rpm", {"/usr/bin/python3", "-c", R"PY(
import subprocess, sys
pairs = [line.split() for line in sys.stdin]
for start in range(0, len(pairs), 500):
    table = ",".join('{"%s","%s"}' % (a, b) for a, b in pairs[start:start + 500])
    lua = "local r = '' for _, p in ipairs({" + table + "}) do r = r .. rpm.vercmp(p[1], p[2]) .. ' ' end print(r)"
    for word in subprocess.run(["rpm", "--eval", "%{lua:" + lua + "}"], capture_output=True, check=True, text=True).stdout.split():
        print(word)
)PY"}},
               Ecosystem::rpm,
               {".#", "~#", "^#", "a", "bc", ".el#", "_", "..", "^git#", "~rc#", "Z", "0#", "+"});
}

TEST_CASE("SemVer as npm has it") {
  // tests/clients has it, or the system, or npm itself.
  const std::string ours = support::find_client_file("node_modules/semver").value_or("semver");
  compare_with({"node",
                "apt-get install nodejs",
                {"node", "-e", R"PY(
const beside = require("path").dirname(require("fs").realpathSync(process.execPath));
const find = (places) => { try { return require(places[0]); } catch (e) { if (places.length === 1) throw e; return find(places.slice(1)); } };
const semver = find([process.argv[1], "semver", beside + "/../lib/node_modules/npm/node_modules/semver"]);
const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
for (const line of lines) {
  const [a, b] = line.split(" ");
  console.log(semver.valid(a) && semver.valid(b) ? String(semver.compare(a, b)) : "?");
}
)PY",
                 ours}},
               Ecosystem::npm, {"-#", "-a", "-rc.#", ".#", ".a", "+x", ".x-#"}, true);
}

TEST_CASE("Maven's ComparableVersion as Maven has it") {
  // It compares each argument with the one before it: every second answer is a pair's.
  compare_with({"Maven's ComparableVersion",
                "apt-get install openjdk-17-jre-headless libmaven3-core-java",
                {"/usr/bin/python3", "-c", R"PY(
import subprocess, sys
words = sys.stdin.read().split()
jars = "/usr/share/java/maven-artifact-3.x.jar:/usr/share/java/commons-lang3.jar"
out = subprocess.run(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", jars,
                      "org.apache.maven.artifact.versioning.ComparableVersion", *words], capture_output=True, check=True, text=True).stdout
answers = [line.split()[1] for line in out.splitlines() if line.startswith("   ")]
for answer in answers[::2]: print({"<": "-1", "==": "0", ">": "1"}[answer])
)PY"}},
               Ecosystem::maven,
               // Without zeros behind a word: there the program and its specification part, and no release
               // has them.
               {".1", ".2", ".10", "-1", "-10", "-alpha-1", "-alpha-2", "-beta2", "-rc1", "-rc10",
                "-SNAPSHOT", "-foo", "-sp", "-milestone-1", "-jre", "-cr2", "a1", "b2", "-M3"});
}

TEST_CASE("Go's order as golang.org/x/mod has it") {
  const support::TempDirectory directory;
  const std::string source = directory / "compare.go";
  REQUIRE(os::make_files()
              ->write(source, R"GO(package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/semver"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		pair := strings.Fields(lines.Text())
		a, b := "v"+pair[0], "v"+pair[1]
		if semver.IsValid(a) && semver.IsValid(b) {
			fmt.Println(semver.Compare(a, b))
		} else {
			fmt.Println("?")
		}
	}
}
)GO")
              .has_value());
  compare_with({"golang.org/x/mod",
                "apt-get install golang-go golang-golang-x-mod-dev",
                {"env", "GO111MODULE=off", "GOFLAGS=", "GOPATH=/usr/share/gocode",
                 "GOCACHE=" + (directory / "cache"), "go", "run", source}},
               Ecosystem::go,
               {"-#", "-a", "-rc.#", ".#", ".a", "+incompatible", "-0.20191109021931-daa7c04131f5",
                "-pre.0.20191109021931-daa7c04131f5", "-20170915032832-14c0d48ead0c"},
               true);
}
