// Suites of other tools, and what is said of them.
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "channel/apt_testing.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::testing;
using artifact::testing::control_of;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string stanza(const std::string& name, const std::string& version, const std::string& more = "") {
  return control_of(name, version) + fmt::format("Filename: pool/{}_{}.deb\nSize: 10\nSHA256: {}\n{}\n", name,
                                                 version, std::string(64, 'a'), more);
}

// A repository in memory, unsigned, whose Release names one index.
struct Site {
  std::map<std::string, std::string> files;
  Instant now = *parse_instant("2026-03-01T12:00:00Z");
  spec::Client client;

  void release(const std::string& packages, const std::string& more = "",
               const std::string& digests = "SHA256", const std::string& place = "dists/stable/",
               const std::string& name = "main/binary-amd64/Packages") {
    files[place + name] = packages;
    files[place + "Release"] =
        fmt::format("Suite: stable\nDate: Sun, 01 Mar 2026 11:00:00 UTC\n{}{}:\n {} {} {}\n", more, digests,
                    crypto::to_hex(crypto::sha256(packages)), packages.size(), name);
  }
  Result<std::unique_ptr<View>> read(const std::string& file = {}) const {
    ReadInput input;
    input.fetch = [this](const std::string& name, std::size_t) -> Result<std::optional<std::string>> {
      const auto found = files.find(name);
      if (found == files.end()) return std::optional<std::string>();
      return std::optional(found->second);
    };
    input.channel = "stable";
    input.file = file;
    input.client = client;
    input.client.name = "apt";
    input.now = now;
    return apt().read(input);
  }
  std::vector<Remark> audit(const std::string& file = {}) const {
    const auto view = read(file);
    REQUIRE_MESSAGE(view.has_value(), view.error().message);
    REQUIRE(*view != nullptr);
    return (*view)->audit(now);
  }
};

std::string text_of(const std::vector<Remark>& remarks, std::string_view code) {
  for (const Remark& one : remarks)
    if (one.code == code) return one.text;
  return "no such remark";
}
Level level_of(const std::vector<Remark>& remarks, std::string_view code) {
  for (const Remark& one : remarks)
    if (one.code == code) return one.level;
  return Level::good;
}

}  // namespace

TEST_CASE("apt: a percentage is told with what it really reaches, and the traps with this suite's numbers") {
  Site site;
  site.release(stanza("notes", "1.2-1", "Phased-Update-Percentage: 10\n") + stanza("notes", "1.1-1") +
               stanza("notes", "1.0-1", "Phased-Update-Percentage: 30\n"));
  const auto remarks = site.audit();
  CHECK(has(text_of(remarks, "phased"), "10%: (P + 1) of 101 draws pass, so 10.89% of the machines upgrade"));
  CHECK(has(text_of(remarks, "kept-back"), "even though 2 lower versions are listed"));
  CHECK(has(text_of(remarks, "bypasses"), "SOURCE_DATE_EPOCH"));
  CHECK(has(text_of(remarks, "reshuffled"), "(notes 1.2-1)"));
  CHECK(has(text_of(remarks, "stray-percentage"), "1 lower version of notes has"));
  CHECK(has(text_of(remarks, "unrecoverable"), "a machine that has 1.2-1 keeps it"));
  CHECK(level_of(remarks, "unsigned") == Level::problem);
  CHECK(level_of(remarks, "no-expiry") == Level::warning);
  CHECK(level_of(remarks, "no-by-hash") == Level::warning);
  CHECK_FALSE(has_code(remarks, "weak-digest"));
}

TEST_CASE("apt: a percentage of 0 is a problem: one machine in 101 still upgrades") {
  Site site;
  site.release(stanza("notes", "1.2-1", "Phased-Update-Percentage: 0\n"));
  const auto remarks = site.audit();
  CHECK(level_of(remarks, "pause-leaks") == Level::problem);
  CHECK(has(text_of(remarks, "pause-leaks"), "(0.99%) still upgrade"));
  CHECK(has_code(remarks, "no-previous"));
  CHECK((*site.read())->share() == doctest::Approx(1 / 101.0));
}

TEST_CASE("apt: what has expired, is not valid yet, or is named by weak digests is a problem") {
  Site site;
  site.release(stanza("notes", "1.2"), "Valid-Until: Sun, 01 Mar 2026 11:59:00 UTC\nAcquire-By-Hash: yes\n");
  CHECK(level_of(site.audit(), "stale") == Level::problem);
  CHECK_FALSE(has_code(site.audit(), "no-by-hash"));
  site.now = *parse_instant("2026-03-01T11:30:00Z");
  CHECK(level_of(site.audit(), "expires") == Level::good);
  site.now = *parse_instant("2026-03-01T10:00:00Z");
  CHECK(level_of(site.audit(), "not-yet-valid") == Level::problem);
  site.release(stanza("notes", "1.2"), "", "MD5Sum");
  CHECK(level_of(site.audit(), "weak-digest") == Level::problem);
}

TEST_CASE("apt: packages of one release that draw apart are told") {
  Site site;
  site.release(stanza("notes", "1.2", "Phased-Update-Percentage: 10\n") +
               stanza("notes-data", "1.2", "Phased-Update-Percentage: 10\n"));
  CHECK(has(text_of(site.audit(), "draws-apart"), "packages of 2 sources"));
  site.release(stanza("notes", "1.2", "Phased-Update-Percentage: 10\n") +
               stanza("notes-data", "1.2", "Source: notes\nPhased-Update-Percentage: 10\n"));
  CHECK_FALSE(has_code(site.audit(), "draws-apart"));
}

TEST_CASE("apt: a flat repository and a bare Packages are read as well") {
  Site site;
  site.release(stanza("notes", "1.2"), "", "SHA256", "", "Packages");
  const auto flat = site.read();
  REQUIRE(flat.has_value());
  REQUIRE(*flat != nullptr);
  CHECK((*flat)->offers() == "1.2");
  CHECK((*flat)->releases()[0].files[0].name == "pool/notes_1.2.deb");
  Site bare;
  bare.files["repo/dists/x/main/binary-amd64/Packages"] = stanza("notes", "1.2");
  const auto view = bare.read("repo/dists/x/main/binary-amd64/Packages");
  REQUIRE(view.has_value());
  REQUIRE(*view != nullptr);
  CHECK((*view)->releases()[0].files[0].name == "repo/pool/notes_1.2.deb");
  CHECK(has_code((*view)->audit(bare.now), "bare"));
}

TEST_CASE("apt: the app's own package decides where a suite has many, else the one that is being phased") {
  Site site;
  site.release(stanza("aaa", "3") + stanza("notes", "1.2", "Phased-Update-Percentage: 20\n") +
               stanza("zzz", "4"));
  CHECK((*site.read())->offers() == "1.2");
  site.client.package = "zzz";
  CHECK((*site.read())->offers() == "4");
  site.client.package.clear();
  site.release(stanza("aaa", "3") + stanza("zzz", "4"));
  CHECK((*site.read())->offers() == "3");
}

TEST_CASE("apt: two versions of one upstream keep their whole names") {
  Site site;
  site.release(stanza("notes", "1.2-2") + stanza("notes", "1.2-1") + stanza("notes", "1.1-1"));
  const auto view = *site.read();
  REQUIRE(view->releases().size() == 3);
  CHECK(view->offers() == "1.2-2");
  CHECK(view->facts("1.1").has_value());
  CHECK(view->facts("1.2-1").has_value());
}

TEST_CASE("apt: a Release that cannot be trusted to mean what it says is refused") {
  Site site;
  site.release(stanza("notes", "1.2"));
  site.files["dists/stable/main/binary-amd64/Packages"] += "x";
  CHECK(site.read().error().kind == ErrorKind::verification);
  site.release(stanza("notes", "1.2"));
  site.files.erase("dists/stable/main/binary-amd64/Packages");
  CHECK(site.read().error().kind == ErrorKind::verification);
  site.release(stanza("notes", "1.2"), "Valid-Until: some day\n");
  CHECK(site.read().error().kind == ErrorKind::verification);
  site.release("Package: notes\nVersion: 1\nArchitecture: amd64\nPackage: again\n");
  CHECK(site.read().error().kind == ErrorKind::verification);
  site.files["dists/stable/Release"] = "no release";
  CHECK(site.read().error().kind == ErrorKind::verification);
}
