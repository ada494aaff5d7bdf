#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "os/world.hpp"
#include "ports/slab.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using Kind = ports::FileInfo::Kind;

namespace {
struct Desk {
  support::TempDirectory directory;
  std::unique_ptr<ports::Files> files = os::make_files();
  std::string at(const std::string& name) { return directory / name; }
  // What is there, with what list() would not show.
  std::size_t entries(const std::string& name) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(at(name))) ++count;
    return count;
  }
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
  CHECK(desk.entries("d") == 1);
  CHECK(desk.files->read(desk.at("d/full/x"), 10)->value() == "old");
  const auto on_full_disk = desk.files->write("/dev/full/x", "new");  // a part of the path is no directory
  REQUIRE_FALSE(on_full_disk.has_value());
  CHECK_FALSE(on_full_disk.error().hint.empty());
}

TEST_CASE("many files are written in one call, more than may be open at once, the last of a name wins") {
  Desk desk;
  REQUIRE(desk.files->write(desk.at("d0/7"), "old"));
  std::vector<std::string> contents;
  for (int i = 0; i < 1500; ++i) contents.push_back(fmt::format("{}\n", i * 7919));
  std::vector<ports::FileWrite> writes;
  for (std::size_t i = 0; i < contents.size(); ++i)
    writes.push_back({desk.at(fmt::format("d{}/{}", i % 3, i)), contents[i], i % 2 == 0 ? 0600U : 0644U});
  writes.push_back({desk.at("d1/7"), "last", 0640});
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{.rlim_cur = 256, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto written = desk.files->write_all(writes);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(written.has_value());
  int wrong = 0;
  for (std::size_t i = 0; i + 1 < writes.size(); ++i)
    if (i != 7 && (**desk.files->read(writes[i].path, 100) != contents[i] ||
                   (**desk.files->info(writes[i].path)).mode != writes[i].mode))
      ++wrong;
  CHECK(wrong == 0);
  CHECK(**desk.files->read(desk.at("d1/7"), 10) == "last");
  CHECK((**desk.files->info(desk.at("d1/7"))).mode == 0640);
  CHECK(**desk.files->read(desk.at("d0/7"), 10) == "old");
  CHECK(desk.entries("d0") == 501);
  CHECK(desk.entries("d1") == 500);
  CHECK(desk.files->write_all({}).has_value());
}

TEST_CASE("of many files, one that cannot be written leaves the old ones and no litter") {
  Desk desk;
  REQUIRE(desk.files->write(desk.at("d/a"), "old"));
  const auto refused = desk.files->write_all(std::vector<ports::FileWrite>{{desk.at("d/a"), "new"},
                                                                           {desk.at("d/b"), "new"},
                                                                           {"/proc/tranche/none", "new"},
                                                                           {desk.at("d/c"), "new"}});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("/proc/tranche") != std::string::npos);
  CHECK_FALSE(refused.error().hint.empty());
  CHECK(desk.files->read(desk.at("d/a"), 10)->value() == "old");
  CHECK(desk.entries("d") == 1);

  // What only the renaming finds out comes after others took their names: each is whole, old or new.
  REQUIRE(desk.files->make_directories(desk.at("d/full")));
  REQUIRE(desk.files->write(desk.at("d/full/x"), "x"));
  const auto onto_directory = desk.files->write_all(std::vector<ports::FileWrite>{
      {desk.at("d/a"), "new"}, {desk.at("d/full"), "new"}, {desk.at("d/c"), "new"}});
  REQUIRE_FALSE(onto_directory.has_value());
  CHECK(desk.files->read(desk.at("d/a"), 10)->value() == "new");
  CHECK(desk.entries("d") == 2);

  CHECK_FALSE(
      desk.files->write_all(std::vector<ports::FileWrite>{{desk.at("e"), "x"}, {"", "x"}}).has_value());
  CHECK_FALSE(desk.files->info(desk.at("e"))->has_value());
}

TEST_CASE("a reader of files that are written together sees each whole") {
  Desk desk;
  const std::string old_bytes(60'000, 'a');
  const std::string new_bytes(50'000, 'b');
  const auto batch = [&](const std::string& bytes) {
    return std::vector<ports::FileWrite>{{desk.at("f"), bytes}, {desk.at("g"), bytes}};
  };
  REQUIRE(desk.files->write_all(batch(old_bytes)));
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    for (int i = 0; i < 50; ++i)
      if (!desk.files->write_all(batch(i % 2 == 0 ? new_bytes : old_bytes))) break;
    done = true;
  });
  int mixtures = 0;
  while (!done)
    for (const char* name : {"f", "g"}) {
      const auto bytes = desk.files->read(desk.at(name), 1 << 20);
      if (!bytes || !*bytes || (**bytes != old_bytes && **bytes != new_bytes)) ++mixtures;
    }
  CHECK(mixtures == 0);
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

TEST_CASE("a copy is watched in order to its end, and what stops it leaves nothing behind") {
  Desk desk;
  std::string bytes;
  for (int i = 0; i < 5'000'000; ++i) bytes.push_back(static_cast<char>(i * 31 + i / 1000));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{262'144}, std::size_t{262'145}, bytes.size()}) {
    REQUIRE(desk.files->write(desk.at("from"), std::string_view(bytes).substr(0, size)));
    std::string seen;
    int ends = 0;
    REQUIRE(desk.files->copy(desk.at("from"), desk.at("d/to"), [&](std::string_view piece) -> Result<> {
      seen += piece;
      if (piece.empty()) ++ends;
      return {};
    }));
    CHECK(ends == 1);
    CHECK(seen == bytes.substr(0, size));
    CHECK(desk.files->read(desk.at("d/to"), bytes.size())->value() == seen);
  }
  CHECK(desk.files->remove(desk.at("d/to")));
  std::size_t let = 0;
  const auto refused =
      desk.files->copy(desk.at("from"), desk.at("d/to"), [&](std::string_view piece) -> Result<> {
        let += piece.size();
        if (let > 1'000'000) return fail(ErrorKind::verification, "enough");
        return {};
      });
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::verification);
  CHECK(desk.entries("d") == 0);

  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit full{.rlim_cur = 1'000'000, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
  const auto too_large = desk.files->copy(desk.at("from"), desk.at("d/to"));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  signal(SIGXFSZ, handler);
  REQUIRE_FALSE(too_large.has_value());
  CHECK(too_large.error().message.find("d/to") != std::string::npos);
  CHECK(desk.entries("d") == 0);
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

TEST_CASE("what a killed write left behind a day ago goes with the next write there; what is newer stays") {
  Desk desk;
  const std::string old_one = desk.at("d/.tranche-tmp-1-2-3"), new_one = desk.at("d/.tranche-tmp-4-5-6");
  REQUIRE(desk.files->make_directories(desk.at("d")));
  for (const std::string& path : {old_one, new_one}) std::ofstream(path) << "half";
  const auto now = std::filesystem::last_write_time(new_one);
  std::filesystem::last_write_time(old_one, now - std::chrono::hours(25));
  std::filesystem::last_write_time(new_one, now - std::chrono::hours(23));
  REQUIRE(desk.files->write(desk.at("d/f"), "whole"));
  CHECK_FALSE(std::filesystem::exists(old_one));
  CHECK(std::filesystem::exists(new_one));
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

TEST_CASE("a slab is read and written in place, and never grows") {
  Desk desk;
  auto* slabs = dynamic_cast<ports::Slabs*>(desk.files.get());
  REQUIRE(slabs != nullptr);
  CHECK(slabs->open_slab(desk.at("none")).value() == nullptr);
  REQUIRE(desk.files->write(desk.at("slab"), std::string(100, 'a')));
  const auto slab = slabs->open_slab(desk.at("slab")).value();
  REQUIRE(slab != nullptr);
  CHECK(slab->size() == 100);
  CHECK(slab->write(98, "bc", true));
  CHECK(slab->write(0, "d", false));
  CHECK(slab->read(97, 10).value() == "abc");
  CHECK(slab->read(0, 2).value() == "da");
  CHECK(slab->read(100, 5).value().empty());
  CHECK(slab->write(99, "xy", false).error().kind == ErrorKind::bug);
  CHECK(slab->write(~std::uint64_t{0}, "x", false).error().kind == ErrorKind::bug);
  CHECK((*desk.files->info(desk.at("slab")))->size == 100);
  std::filesystem::create_symlink(desk.at("slab"), desk.at("link"));
  CHECK_FALSE(slabs->open_slab(desk.at("link")).has_value());
  std::filesystem::create_directory(desk.at("directory"));
  CHECK_FALSE(slabs->open_slab(desk.at("directory")).has_value());
}

TEST_CASE("files are removed together, and those that are not there are no error") {
  Desk desk;
  for (const char* name : {"a/1", "a/2", "b/1", "b/2"}) REQUIRE(desk.files->write(desk.at(name), "x"));
  auto* slabs = dynamic_cast<ports::Slabs*>(desk.files.get());
  const std::vector<std::string> paths = {desk.at("a/1"), desk.at("b/1"), desk.at("none/1"), desk.at("b/9")};
  CHECK(slabs->remove_all(paths));
  CHECK(*desk.files->list(desk.at("a")) == std::vector<std::string>{"2"});
  CHECK(*desk.files->list(desk.at("b")) == std::vector<std::string>{"2"});
}
