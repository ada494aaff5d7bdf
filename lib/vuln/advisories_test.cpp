#include "vuln/advisories.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "os/world.hpp"
#include "support/temp_directory.hpp"
#include "vuln/zip.hpp"

using namespace tranche;
using namespace tranche::vuln;

namespace {

std::string record(int i, const std::string& more = "") {
  return fmt::format(
      R"({{"id":"A-{}","modified":"2026-01-01T00:00:00Z"{},"details":"{}","affected":[{{"package":)"
      R"({{"ecosystem":"{}","name":"package-{}"}},"ranges":[{{"type":"SEMVER","events":)"
      R"([{{"introduced":"0"}}]}}]}}]}})",
      i, more, std::string(static_cast<std::size_t>(i % 50), 'x'), i % 2 == 0 ? "npm" : "PyPI", i);
}

std::vector<Package> packages(const std::vector<std::string>& purls) {
  std::vector<Package> out;
  for (const std::string& purl : purls) out.push_back(*package_of(purl));
  return out;
}

struct Fixture {
  support::TempDirectory directory;
  std::unique_ptr<ports::Files> files = os::make_files();

  void write(const std::string& name, const std::string& text) const {
    REQUIRE(files->write(directory / name, text).has_value());
  }
  // Packs the directory "db"; `method`: "DEFLATED" or "STORED".
  std::string zip(const std::string& method) const {
    ports::ProcessRequest request;
    request.argv = {"python3", "-c",
                    "import os, sys, zipfile\n"
                    "z = zipfile.ZipFile('all.zip', 'w', getattr(zipfile, 'ZIP_' + sys.argv[1]))\n"
                    "for d, _, names in os.walk('db'):\n"
                    "  for n in sorted(names): z.write(os.path.join(d, n))\n",
                    method};
    request.directory = directory.path();
    const auto done = os::make_process()->run(request);
    REQUIRE(done.has_value());
    REQUIRE(done->exit_code == 0);
    return directory / "all.zip";
  }
  [[nodiscard]] std::string bytes(const std::string& path) const { return **files->read(path, 1 << 26); }
};

std::vector<std::string> ids(const Result<Database>& database) {
  REQUIRE(database.has_value());
  std::vector<std::string> out;
  for (const Advisory& advisory : database->advisories) out.push_back(advisory.id);
  return out;
}

}  // namespace

TEST_CASE("a directory, a packed and a stored zip of records say the same") {
  const Fixture fixture;
  for (int i = 0; i < 2000; ++i) fixture.write(fmt::format("db/{}/A-{}.json", i % 3, i), record(i));
  fixture.write("db/0/W.json", record(700, R"(,"withdrawn":"2026-01-01T00:00:00Z")"));
  fixture.write("db/README.md", "not a record");
  const auto wanted =
      packages({"pkg:npm/package-700@1.0.0", "pkg:pypi/Package_701@1.0", "pkg:npm/package-703@1"});
  const std::vector<std::string> expected{"A-700", "A-701"};
  const auto check = [&](const Result<Database>& database) {
    CHECK(ids(database) == expected);
    CHECK(database->records == 2001);
    CHECK(database->withdrawn == 1);
    CHECK(database->families == std::set<std::string, std::less<>>{"npm", "pypi"});
  };
  check(read_advisories(*fixture.files, fixture.directory / "db", wanted, false));
  for (const std::string method : {"DEFLATED", "STORED"}) {
    CAPTURE(method);
    const std::string path = fixture.zip(method);
    CHECK(can_inflate());
    check(read_advisories(*fixture.files, path, wanted, false));
    check(read_zip_in_order(fixture.bytes(path), path, wanted, false));
  }
}

TEST_CASE("the newest record says how old a database is, withdrawn ones and other packages' too") {
  const Fixture fixture;
  fixture.write("db/A.json", record(1));
  fixture.write("db/B.json",
                R"({"id":"B","modified":"2026-03-01T12:00:00.5Z","withdrawn":"2026-03-01T12:00:00Z"})");
  fixture.write("db/C.json", R"({"id":"C","modified":"2025-12-31T00:00:00Z"})");
  fixture.write("db/D.json", R"({"id":"D","modified":"tomorrow"})");
  const auto database = read_advisories(*fixture.files, fixture.directory / "db", {}, false);
  REQUIRE(database.has_value());
  CHECK(database->newest == *parse_instant("2026-03-01T12:00:00.5Z"));
}

TEST_CASE("a zip that was streamed, with zip64 numbers and sizes behind the data, reads as any other") {
  const Fixture fixture;
  for (int i = 0; i < 20; ++i) fixture.write(fmt::format("db/A-{}.json", i), record(i));
  ports::ProcessRequest request;
  request.argv = {
      "python3", "-c",
      "import os, sys, zipfile\n"
      "class Pipe:\n"
      "  def __init__(self, f): self.f = f\n"
      "  def write(self, b): return self.f.write(b)\n"
      "  def flush(self): self.f.flush()\n"
      "zipfile.ZIP64_LIMIT = 20; zipfile.ZIP_FILECOUNT_LIMIT = 3\n"
      "with open('all.zip', 'wb') as f:\n"
      "  with zipfile.ZipFile(Pipe(f), 'w', zipfile.ZIP_DEFLATED) as z:\n"
      "    for n in sorted(os.listdir('db')):\n"
      "      with z.open(n, 'w', force_zip64=True) as e: e.write(open('db/' + n, 'rb').read())\n"};
  request.directory = fixture.directory.path();
  const auto done = os::make_process()->run(request);
  REQUIRE(done.has_value());
  REQUIRE_MESSAGE(done->exit_code == 0, done->err);
  const auto entries = list_zip(fixture.bytes(fixture.directory / "all.zip"), 100);
  REQUIRE(entries.has_value());
  CHECK(entries->size() == 20);
  const auto database = read_advisories(*fixture.files, fixture.directory / "all.zip",
                                        packages({"pkg:npm/package-4@1.0.0"}), false);
  CHECK(ids(database) == std::vector<std::string>{"A-4"});
}

TEST_CASE("a small zip whose entries lie over one another is refused before it is unpacked") {
  const Fixture fixture;
  fixture.write("db/A.json", record(1));
  const std::string good = fixture.bytes(fixture.zip("DEFLATED"));
  const std::size_t directory = good.find("PK\x01\x02"), end = good.find("PK\x05\x06");
  REQUIRE(end != std::string::npos);
  std::string entry = good.substr(directory, end - directory);
  entry.replace(24, 4, "\xff\xff\xff\x7f");  // 2 GiB of the same bytes, five times
  std::string bad = good.substr(0, directory), tail = good.substr(end);
  for (int i = 0; i < 5; ++i) bad += entry;
  const std::size_t size = entry.size() * 5;
  tail[8] = tail[10] = 5;
  for (std::size_t i = 0; i < 4; ++i) tail[12 + i] = static_cast<char>(size >> (8 * i) & 0xff);
  const auto entries = list_zip(bad + tail, 100);
  REQUIRE_FALSE(entries.has_value());
  CHECK(entries.error().message.find("unpacks to more") != std::string::npos);
}

TEST_CASE("a database that names its packages by package URL alone is about their ecosystems") {
  const Fixture fixture;
  fixture.write(
      "db/A.json",
      R"({"id":"A","modified":"x","affected":[{"package":{"purl":"pkg:npm/a"}},{"package":{"purl":"pkg:deb/debian/b"}}]})");
  const auto database = read_advisories(*fixture.files, fixture.directory / "db", {}, false);
  REQUIRE(database.has_value());
  CHECK(database->families == std::set<std::string, std::less<>>{"debian", "npm"});
}

TEST_CASE("a record that cannot be read is an error with its file, and passed over when that is asked for") {
  const Fixture fixture;
  for (int i = 0; i < 10; ++i) fixture.write(fmt::format("db/A-{}.json", i), record(i));
  fixture.write("db/B.json", record(4).substr(0, 60));
  const auto wanted = packages({"pkg:npm/package-4@1.0.0"});
  for (const std::string& path : {fixture.directory / "db", fixture.zip("DEFLATED")}) {
    CAPTURE(path);
    const auto strict = read_advisories(*fixture.files, path, wanted, false);
    REQUIRE_FALSE(strict.has_value());
    CHECK(strict.error().kind == ErrorKind::invalid);
    CHECK(strict.error().message.find("B.json") != std::string::npos);
    const auto lenient = read_advisories(*fixture.files, path, wanted, true);
    CHECK(ids(lenient) == std::vector<std::string>{"A-4"});
    CHECK(lenient->unreadable_count == 1);
  }
}

TEST_CASE("a package that only its package URL names is found by that") {
  const Fixture fixture;
  fixture.write("db/A.json",
                R"({"id":"A","modified":"x","affected":[{"package":{"purl":"pkg:npm/left-pad"}}]})");
  fixture.write(
      "db/B.json",
      R"({"id":"B","modified":"x","affected":[{"package":{"ecosystem":":npm","name":"x","purl":"pkg:npm/left-pad"}}]})");
  const auto database =
      read_advisories(*fixture.files, fixture.directory / "db", packages({"pkg:npm/left-pad@1.0.0"}), false);
  CHECK(ids(database) == std::vector<std::string>{"A", "B"});
}

TEST_CASE("no advisories at all are an error, never a pass") {
  const Fixture fixture;
  REQUIRE(fixture.files->make_directories(fixture.directory / "empty").has_value());
  fixture.write("plain.zip", "this is no archive");
  for (const std::string name : {"absent", "empty", "plain.zip"}) {
    CAPTURE(name);
    const auto database = read_advisories(*fixture.files, fixture.directory / name, {}, true);
    REQUIRE_FALSE(database.has_value());
    CHECK(database.error().kind == ErrorKind::invalid);
    CHECK_FALSE(database.error().hint.empty());
  }
}

TEST_CASE("a zip with any byte of its structure changed is read the same or refused, never worse") {
  const Fixture fixture;
  for (int i = 0; i < 4; ++i) fixture.write(fmt::format("db/A-{}.json", i), record(i));
  const std::string good = fixture.bytes(fixture.zip("DEFLATED"));
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const int flip : {1, 0x80}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      const auto entries = list_zip(bad, 100);
      if (!entries) continue;
      Unpacker unpacker;
      for (const ZipEntry& entry : *entries) {
        const auto text = unpacker.unpack(entry, 1 << 20);
        if (text) CHECK(text->starts_with("{\"id\":\"A-"));
      }
    }
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    CHECK_FALSE(list_zip(std::string_view(good).substr(0, cut), 100).has_value());
  CHECK_FALSE(list_zip(good, 3).has_value());
}
