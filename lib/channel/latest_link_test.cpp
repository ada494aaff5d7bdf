#include "channel/latest_link.hpp"

#include <doctest/doctest.h>

#include "channel/channel_testing.hpp"
#include "support/fake_world.hpp"

namespace tranche::channel {
namespace {

using namespace testing;

artifact::Manifest release(support::MemoryFiles& files, const std::string& version,
                           const std::vector<std::string>& names) {
  artifact::Manifest manifest;
  manifest.app = "notes";
  manifest.version = version;
  for (const std::string& name : names) {
    const std::string bytes = version + " " + name;
    files.bytes["/public/" + artifact_name(version, name)] = bytes;
    manifest.artifacts.push_back({name, "any", bytes.size(), digest_of(bytes), {}});
  }
  return manifest;
}

TEST_CASE("latest names stay while the releases behind them change, and old ones go") {
  support::MemoryFiles files;
  const auto store = store::open_directory(files, "/public");
  const auto one = release(files, "1.0.0", {"notes-1.0.0.exe", "notes.deb", "old-1.0.0.zip"});
  CHECK(*move_latest_link(*store, one));
  CHECK(files.bytes["/public/latest/notes-latest.exe"] == "1.0.0 notes-1.0.0.exe");
  CHECK(files.bytes["/public/latest/notes.deb"] == "1.0.0 notes.deb");
  const auto changes = files.changes.size();
  CHECK_FALSE(*move_latest_link(*store, one));
  CHECK(files.changes.size() == changes);
  CHECK(*move_latest_link(*store, release(files, "1.1.0", {"notes-1.1.0.exe", "notes.deb"})));
  CHECK(files.bytes["/public/latest/notes-latest.exe"] == "1.1.0 notes-1.1.0.exe");
  CHECK_FALSE(files.bytes.contains("/public/latest/old-latest.zip"));
  CHECK(files.bytes["/public/latest/latest.json"].find("\"1.1.0\"") != std::string::npos);
  CHECK(*move_latest_link(*store, one));  // taken back
  CHECK(files.bytes["/public/latest/notes.deb"] == "1.0.0 notes.deb");
}

TEST_CASE("latest/ stops anywhere and is completed by the next call") {
  for (int broken_at = 0;; ++broken_at) {
    support::MemoryFiles files;
    const auto store = store::open_directory(files, "/public");
    const auto one = release(files, "1.0.0", {"a-1.0.0", "b"});
    const auto two = release(files, "2.0.0", {"a-2.0.0", "c"});
    REQUIRE(move_latest_link(*store, one).has_value());
    int operations = 0;
    files.fault = [&](std::string_view, std::string_view) -> Result<> {
      return operations++ == broken_at ? fail(ErrorKind::failed, "no space") : Result<>();
    };
    const bool done = move_latest_link(*store, two).has_value();
    files.fault = nullptr;
    REQUIRE(move_latest_link(*store, two).has_value());
    CHECK(files.bytes["/public/latest/a-latest"] == "2.0.0 a-2.0.0");
    CHECK(files.bytes["/public/latest/c"] == "2.0.0 c");
    if (done) break;
  }
}

TEST_CASE("an index that cannot be believed removes nothing, and artifacts whose names meet are refused") {
  support::MemoryFiles files;
  const auto store = store::open_directory(files, "/public");
  files.bytes["/public/keep"] = "x";
  files.bytes["/public/latest/latest.json"] = R"({"files":[{"name":"keep"},{"name":"latest/../keep"},{}]})";
  CHECK(*move_latest_link(*store, release(files, "1.0.0", {"a"})));
  CHECK(files.bytes["/public/keep"] == "x");
  const auto refused = move_latest_link(*store, release(files, "1.0.0", {"a-1.0.0", "a-latest"}));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::invalid);
  auto lying = release(files, "2.0.0", {"a"});
  files.bytes["/public/" + artifact_name("2.0.0", "a")] = "other";
  CHECK(move_latest_link(*store, lying).error().kind == ErrorKind::verification);
  CHECK(files.bytes["/public/latest/a"] == "1.0.0 a");
}

}  // namespace
}  // namespace tranche::channel
