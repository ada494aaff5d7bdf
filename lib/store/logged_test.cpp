// A directory whose pointer is logged: what a kill or a cut of the power leaves at any place of the log.
#include "store/logged.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <random>

#include "os/world.hpp"
#include "ports/slab.hpp"
#include "store/append_log.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using store::Pointer;
using store::Publication;
using store::Version;

namespace {

struct Desk {
  support::TempDirectory directory;
  os::RealWorld real;
  ports::Files& files = real.world().files;

  std::string at(const std::string& name) { return directory / name; }
  std::unique_ptr<store::Store> open(const std::string& place = "state") {
    return store::open_logged_directory(files, at(place), "head");
  }
  // What the directory is at this instant, without any end to the run that writes it.
  void image(const std::string& to, const std::string& from = "state") {
    std::filesystem::remove_all(at(to));
    std::filesystem::copy(at(from), at(to), std::filesystem::copy_options::recursive);
  }
  std::optional<std::string> plain(const std::string& name, const std::string& place = "state") {
    return files.read(at(place + "/" + name), 1 << 20).value();
  }
  std::string log(const std::string& place = "state") { return plain(".tranche-log", place).value(); }
};

// The n-th of a row of publications: a file that grows under changing names, and one of its own.
std::string grown(int n) {
  std::string bytes;
  for (int i = 1; i <= n; ++i) bytes += "entry " + std::to_string(i) + " of the growing file\n";
  return bytes;
}
Publication nth(int n, const Version& expected) {
  Publication publication;
  publication.files.push_back({.name = "grows/" + std::to_string(n), .bytes = grown(n), .copy_from = {}});
  publication.files.push_back(
      {.name = "own/" + std::to_string(n), .bytes = "own " + std::to_string(n), .copy_from = {}});
  publication.pointer = Pointer{"head", "head " + std::to_string(n), expected};
  return publication;
}
Version put(store::Store& store, int n, const Version& expected) {
  const auto done = store.publish(nth(n, expected));
  REQUIRE_MESSAGE(done.has_value(), (done ? std::string() : done.error().message));
  return *done;
}
std::string head(store::Store& store) {
  const auto blob = store.get("head", 100);
  REQUIRE_MESSAGE(blob.has_value(), (blob ? std::string() : blob.error().message));
  return *blob ? (*blob)->bytes : "";
}
// All that publication n promises.
void check_whole(store::Store& store, int n) {
  CHECK(head(store) == "head " + std::to_string(n));
  CHECK(store.get("grows/" + std::to_string(n), 1 << 20).value().value().bytes == grown(n));
  for (int i = 1; i <= n; ++i)
    CHECK(store.get("own/" + std::to_string(i), 100).value().value().bytes == "own " + std::to_string(i));
}

}  // namespace

TEST_CASE("a logged publication is read at once, and is files when the store is closed") {
  Desk desk;
  {
    const auto store = desk.open();
    Version version;
    for (int n = 1; n <= 3; ++n) version = put(*store, n, version);
    check_whole(*store, 3);
    check_whole(*desk.open(), 3);
    CHECK(store->stat("head", 100).value()->size == 6);
    CHECK(store->list("own/").value() == std::vector<std::string>{"own/1", "own/2", "own/3"});
  }
  CHECK(desk.plain("head") == "head 3");
  CHECK(desk.plain("own/1") == "own 1");
  CHECK(desk.plain("grows/3") == grown(3));
  CHECK_FALSE(desk.plain("grows/2").has_value());
  const auto plain = store::open_directory(desk.files, desk.at("state"));
  check_whole(*plain, 3);
  CHECK(plain->list("").value() == std::vector<std::string>{"grows/3", "head", "own/1", "own/2", "own/3"});
}

TEST_CASE("what a killed run left is read, continued and made files of by the next") {
  Desk desk;
  const auto store = desk.open();
  Version version;
  for (int n = 1; n <= 12; ++n) {
    version = put(*store, n, version);
    CAPTURE(n);
    desk.image("left");
    check_whole(*desk.open("left"), n);
    CHECK(desk.plain("head", "left") == "head " + std::to_string(n));  // who looked has closed it well
    desk.image("left");
    {
      const auto next = desk.open("left");
      put(*next, n + 1, version);
      check_whole(*next, n + 1);
      desk.image("twice", "left");
    }
    check_whole(*store::open_directory(desk.files, desk.at("left")), n + 1);
    check_whole(*desk.open("twice"), n + 1);
  }
}

TEST_CASE("a log that is torn anywhere holds whole publications, never an error") {
  Desk desk;
  const auto store = desk.open();
  Version version;
  for (int n = 1; n <= 5; ++n) version = put(*store, n, version);
  desk.image("left");
  const std::string whole = desk.log("left");
  std::size_t end = whole.find_last_not_of('\0') + 1;
  int last = 0;
  for (std::size_t cut = 0; cut <= end; cut += 5) {
    CAPTURE(cut);
    desk.image("torn", "left");
    std::string torn = whole.substr(0, cut);
    torn.resize(whole.size());
    REQUIRE(desk.files.write(desk.at("torn/.tranche-log"), torn));
    const auto after = desk.open("torn");
    const std::string seen = head(*after);
    const int n = seen.empty() ? 0 : seen.back() - '0';
    CHECK(n >= last);
    last = n;
    if (n > 0) check_whole(*after, n);
  }
  CHECK(last >= 4);
  // Another size, or no log at all.
  for (const std::string& other : {std::string(), std::string("x"), whole.substr(0, 4096), whole + "x"}) {
    desk.image("torn", "left");
    REQUIRE(desk.files.write(desk.at("torn/.tranche-log"), other));
    const auto after = desk.open("torn");
    CHECK(head(*after).empty());
    put(*after, 1, {});
    check_whole(*after, 1);
  }
}

TEST_CASE("changed bytes in a log end it") {
  Desk desk;
  const auto store = desk.open();
  Version version;
  for (int n = 1; n <= 5; ++n) version = put(*store, n, version);
  desk.image("left");
  const std::string whole = desk.log("left");
  const std::size_t end = whole.find_last_not_of('\0') + 1;
  const auto seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string changed = whole;
    const std::size_t where = random() % end;
    changed[where] = static_cast<char>(changed[where] ^ (1 + random() % 255));
    desk.image("torn", "left");
    REQUIRE(desk.files.write(desk.at("torn/.tranche-log"), changed));
    const auto after = desk.open("torn");
    CAPTURE(where);
    const std::string seen = head(*after);
    if (!seen.empty()) check_whole(*after, seen.back() - '0');
    CHECK(seen != "head 5");
  }
}

TEST_CASE("records that are none are refused, whatever they say of their lengths") {
  store::LogRecord record{Version{"before"}, "after", {{"a/b", "a", 7, "rest"}, {"c", "", 0, ""}}};
  const std::string body = store::to_bytes(record);
  const auto back = store::log_record_from(body);
  REQUIRE(back.has_value());
  CHECK(back->expected.tag == "before");
  CHECK(back->pointer == "after");
  REQUIRE(back->files.size() == 2);
  CHECK(back->files[0].base_bytes == 7);
  CHECK(back->files[0].rest == "rest");
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    CAPTURE(cut);
    CHECK_FALSE(store::log_record_from(body.substr(0, cut)).has_value());
  }
  CHECK_FALSE(store::log_record_from(body + "x").has_value());
  for (const char* name : {"../x", "/x", "", ".tranche-log", "a//b"}) {
    CAPTURE(name);
    record.files[0].name = name;
    CHECK_FALSE(store::log_record_from(store::to_bytes(record)).has_value());
  }
}

TEST_CASE("a full log becomes files and is begun anew; what is too large for it goes the long way") {
  Desk desk;
  {
    const auto store = desk.open();
    Version version;
    std::string bytes;
    for (int n = 0; n < 60; ++n) {
      // Nothing that the one before begins with: each takes some 20 KB of the log.
      bytes = std::to_string(n) + std::string(n == 30 ? 300'000 : 20'000, 'x');
      Publication publication;
      publication.files.push_back({.name = "f/" + std::to_string(n), .bytes = bytes, .copy_from = {}});
      publication.pointer = Pointer{"head", "head " + std::to_string(n), version};
      const auto done = store->publish(publication);
      REQUIRE(done.has_value());
      version = *done;
      CHECK(store->get("f/" + std::to_string(n), 1 << 20).value().value().bytes == bytes);
    }
    CHECK(desk.plain("f/30").has_value());
    CHECK(desk.plain("f/40").has_value());
    CHECK_FALSE(desk.plain("f/59").has_value());
    CHECK(desk.log().size() == store::log_bytes);
  }
  CHECK(desk.plain("f/59").has_value());
  CHECK(desk.open()->list("f/").value().size() == 60);
}

TEST_CASE("of two stores on one directory one wins each step, and what was accepted stays") {
  Desk desk;
  const auto a = desk.open();
  const auto b = desk.open();
  Version version;
  for (int n = 1; n <= 20; n += 2) {
    const Version before = version;
    version = put(*a, n, before);
    CHECK(b->publish(nth(n + 50, before)).error().kind == ErrorKind::conflict);
    CHECK(head(*b) == "head " + std::to_string(n));
    version = put(*b, n + 1, version);
    CHECK(a->publish(nth(n + 50, before)).error().kind == ErrorKind::conflict);
    check_whole(*a, n + 1);
  }
  desk.image("left");
  check_whole(*desk.open("left"), 20);
}

TEST_CASE("a pointer that was put back after the run stays so: a closed log says nothing") {
  Desk desk;
  Version version;
  {
    const auto store = desk.open();
    for (int n = 1; n <= 3; ++n) version = put(*store, n, version);
  }
  REQUIRE(desk.files.write(desk.at("state/head"), "head 2"));
  CHECK(head(*desk.open()) == "head 2");
  const auto plain = store::open_directory(desk.files, desk.at("state"));
  CHECK(head(*plain) == "head 2");
}

TEST_CASE("a publication beside the log, and a removal, see what waits in it") {
  Desk desk;
  const auto store = desk.open();
  Version version = put(*store, 1, {});
  Publication other;
  other.files.push_back({.name = "other/1", .bytes = "x", .copy_from = {}});
  other.pointer = Pointer{"other/head", "y", {}};
  REQUIRE(store->publish(other).has_value());
  CHECK(desk.plain("other/head") == "y");
  CHECK_FALSE(desk.plain("head").has_value());
  other.pointer = Pointer{"own/1", "changed", store->get("own/1", 100).value()->version};
  REQUIRE(store->publish(other).has_value());
  CHECK(store->get("own/1", 100).value()->bytes == "changed");
  version = put(*store, 2, version);
  const std::vector<std::string> names = {"own/2", "grows/1"};
  REQUIRE(store->remove(names).has_value());
  CHECK_FALSE(store->get("own/2", 100).value().has_value());
  CHECK(head(*store) == "head 2");
  CHECK(desk.plain("head") == "head 2");
}

TEST_CASE("a loop that pauses leaves files for those who read without the log") {
  Desk desk;
  const auto store = desk.open();
  const Version version = put(*store, 1, {});
  CHECK_FALSE(desk.plain("head").has_value());
  store->refresh();
  CHECK(desk.plain("head") == "head 1");
  put(*store, 2, version);
  check_whole(*store, 2);
}
