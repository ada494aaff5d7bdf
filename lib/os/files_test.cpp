#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "os/world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using Kind = ports::FileInfo::Kind;

namespace {
struct Desk {
  support::TempDirectory directory;
  std::unique_ptr<ports::Files> files = os::make_files();
  std::string at(const std::string& name) { return directory / name; }
};
}  // namespace

TEST_CASE("a file is read back as it was written, its parents made, its mode kept") {
  Desk desk;
  const std::string bytes("a\0b\xff\n", 5);
  REQUIRE(desk.files->write(desk.at("x/y/z"), bytes, 0600));
  CHECK(**desk.files->read(desk.at("x/y/z"), 5) == bytes);
  const auto info = **desk.files->info(desk.at("x/y/z"));
  CHECK(info.kind == Kind::file);
  CHECK(info.size == 5);
  CHECK(info.mode == 0600);
  CHECK((*desk.files->info(desk.at("x/y")))->kind == Kind::directory);
  CHECK_FALSE(desk.files->info(desk.at("none"))->has_value());
  CHECK_FALSE(desk.files->read(desk.at("x/y/z/below"), 5)->has_value());
}

TEST_CASE("read has a limit at an exact place, and only regular files are read") {
  Desk desk;
  REQUIRE(desk.files->write(desk.at("ten"), "0123456789"));
  CHECK(desk.files->read(desk.at("ten"), 10)->value() == "0123456789");
  CHECK(desk.files->read(desk.at("ten"), 9).error().kind == ErrorKind::invalid);
  REQUIRE(desk.files->write(desk.at("empty"), ""));
  CHECK(desk.files->read(desk.at("empty"), 0)->value().empty());
  CHECK(desk.files->read("/proc/self/status", 1 << 20)->value().size() > 100);  // says size 0
  CHECK_FALSE(desk.files->read("/proc/self/status", 10).has_value());
  REQUIRE(mkfifo(desk.at("fifo").c_str(), 0600) == 0);
  CHECK_FALSE(desk.files->read(desk.at("fifo"), 10).has_value());  // and does not block
  CHECK_FALSE(desk.files->read("/dev/zero", 10).has_value());
  CHECK_FALSE(desk.files->read(desk.directory.path(), 10).has_value());
  CHECK_FALSE(desk.files->read(std::string("/etc/passwd\0x", 13), 10).has_value());
}

TEST_CASE("a reader sees the old bytes or the new ones, never a mixture") {
  Desk desk;
  const std::string old_bytes(300'000, 'a');
  const std::string new_bytes(200'000, 'b');
  REQUIRE(desk.files->write(desk.at("f"), old_bytes));
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    for (int i = 0; i < 50; ++i) {
      const auto written = desk.files->write(desk.at("f"), i % 2 == 0 ? new_bytes : old_bytes);
      if (!written) break;
    }
    done = true;
  });
  int mixtures = 0;
  while (!done) {
    const auto bytes = desk.files->read(desk.at("f"), 1 << 20);
    if (!bytes || !*bytes || (**bytes != old_bytes && **bytes != new_bytes)) ++mixtures;
  }
  CHECK(mixtures == 0);
}

TEST_CASE("a failed write leaves the old file and no litter") {
  Desk desk;
  REQUIRE(desk.files->make_directories(desk.at("d/full")));
  REQUIRE(desk.files->write(desk.at("d/full/x"), "old"));
  const auto onto_directory = desk.files->write(desk.at("d/full"), "new");
  REQUIRE_FALSE(onto_directory.has_value());
  CHECK(onto_directory.error().message.find("d/full") != std::string::npos);
  CHECK_FALSE(onto_directory.error().hint.empty());
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(desk.at("d"))) ++entries;
  CHECK(entries == 1);
  CHECK(desk.files->read(desk.at("d/full/x"), 10)->value() == "old");
  const auto on_full_disk = desk.files->write("/dev/full/x", "new");  // a part of the path is no directory
  REQUIRE_FALSE(on_full_disk.has_value());
  CHECK_FALSE(on_full_disk.error().hint.empty());
}

TEST_CASE("create never overwrites, and of many creators one wins") {
  Desk desk;
  std::atomic<int> won = 0;
  std::atomic<int> conflicts = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&, i] {
        const auto made = desk.files->create(desk.at("key"), std::to_string(i), 0600);
        if (made) ++won;
        if (!made && made.error().kind == ErrorKind::conflict) ++conflicts;
      });
  }
  CHECK(won == 1);
  CHECK(conflicts == 7);
  CHECK(*desk.files->list(desk.directory.path()) == std::vector<std::string>{"key"});
  std::filesystem::create_symlink(desk.at("nowhere"), desk.at("link"));
  CHECK(desk.files->create(desk.at("link"), "x").error().kind == ErrorKind::conflict);
}

TEST_CASE("a write replaces a symbolic link and does not follow it") {
  Desk desk;
  REQUIRE(desk.files->write(desk.at("target"), "old"));
  std::filesystem::create_symlink(desk.at("target"), desk.at("link"));
  CHECK((*desk.files->info(desk.at("link")))->kind == Kind::symlink);
  CHECK(*desk.files->real_path(desk.at("link")) == *desk.files->real_path(desk.at("target")));
  REQUIRE(desk.files->write(desk.at("link"), "new"));
  CHECK(desk.files->read(desk.at("target"), 10)->value() == "old");
  CHECK((*desk.files->info(desk.at("link")))->kind == Kind::file);
}

TEST_CASE("a copy is whole, and a missing source is an error") {
  Desk desk;
  std::string bytes;
  for (int i = 0; i < 700'000; ++i) bytes.push_back(static_cast<char>(i * 7));
  REQUIRE(desk.files->write(desk.at("from"), bytes, 0755));
  REQUIRE(desk.files->copy(desk.at("from"), desk.at("a/to")));
  CHECK(desk.files->read(desk.at("a/to"), 1 << 20)->value() == bytes);
  CHECK((*desk.files->info(desk.at("a/to")))->mode == 0755);
  CHECK_FALSE(desk.files->copy(desk.at("none"), desk.at("b")).has_value());
  CHECK_FALSE(desk.files->info(desk.at("b"))->has_value());
}

TEST_CASE("a reader gives a file in pieces") {
  Desk desk;
  REQUIRE(desk.files->write(desk.at("f"), "hello"));
  const auto reader = *desk.files->open(desk.at("f"));
  char buffer[3];
  CHECK(*reader->read(buffer, 3) == 3);
  CHECK(std::string(buffer, 3) == "hel");
  CHECK(*reader->read(buffer, 3) == 2);
  CHECK(*reader->read(buffer, 3) == 0);
  CHECK_FALSE(desk.files->open(desk.at("none")).has_value());
}

TEST_CASE("listing is sorted and hides what a crash left behind; removing twice is fine") {
  Desk desk;
  for (const char* name : {"b", "a", ".hidden", ".tranche-tmp-1-2-3"})
    REQUIRE(desk.files->write(desk.at(name), "x"));
  CHECK(*desk.files->list(desk.directory.path()) == std::vector<std::string>{".hidden", "a", "b"});
  CHECK(desk.files->remove(desk.at("a")));
  CHECK(desk.files->remove(desk.at("a")));
  CHECK(*desk.files->list(desk.directory.path()) == std::vector<std::string>{".hidden", "b"});
  CHECK_FALSE(desk.files->list(desk.at("none")).has_value());
}

TEST_CASE("a lock excludes others until it goes") {
  Desk desk;
  auto held = desk.files->lock(desk.at("d/lock"), Duration(0));
  REQUIRE(held.has_value());
  const auto refused = desk.files->lock(desk.at("d/lock"), std::chrono::milliseconds(20));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::conflict);
  CHECK_FALSE(refused.error().hint.empty());
  held->reset();
  CHECK(desk.files->lock(desk.at("d/lock"), Duration(0)).has_value());
}

TEST_CASE("a lock that is released is given to the one who waits") {
  Desk desk;
  int inside = 0;
  int most = 0;
  std::atomic<int> got = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&] {
        const auto lock = desk.files->lock(desk.at("lock"), std::chrono::seconds(30));
        if (!lock) return;
        most = std::max(most, ++inside);  // only safe if the lock is one
        std::this_thread::yield();
        --inside;
        ++got;
      });
  }
  CHECK(got == 6);
  CHECK(most == 1);
}

TEST_CASE("an unwritable place says which path, why, and what to do") {
  const auto files = os::make_files();
  const auto refused = files->write("/proc/tranche/none", "x");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("/proc/tranche") != std::string::npos);
  CHECK(refused.error().kind == ErrorKind::failed);
  CHECK_FALSE(refused.error().hint.empty());
}
