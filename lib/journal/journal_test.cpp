#include "journal/journal.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "journal/bundle.hpp"
#include "journal/checkpoint.hpp"
#include "journal/entry.hpp"
#include "journal/journal_fixture.hpp"
#include "journal/tree.hpp"
#include "signing/note.hpp"

namespace tranche::journal {
namespace {

TEST_CASE("an entry reads back equal from its value") {
  Entry entry;
  static_cast<Draft&>(entry) = Fixture::draft(4);
  entry.index = 12;
  entry.at = *parse_instant("2026-11-21T10:45:00.123Z");
  entry.heads = {{"flag/4", 12}, {"rollout/desktop", 3}};
  const auto again = entry_from_value(to_value(entry));
  REQUIRE(again.has_value());
  CHECK(to_value(*again) == to_value(entry));
  CHECK(again->state == entry.state);
  CHECK(again->heads == entry.heads);
  CHECK(again->at == entry.at);
}

TEST_CASE("an entry with a member of a wrong type is refused") {
  Entry entry;
  static_cast<Draft&>(entry) = Fixture::draft(4);
  const doc::Value good = to_value(entry);
  for (const char* member : {"schema", "index", "at", "kind", "heads", "subject", "by", "reason", "data"}) {
    CAPTURE(member);
    doc::Value bad = good;
    bad.set(member, doc::Value(true));
    check_refused(entry_from_value(bad), "");
  }
  for (const char* member : {"schema", "index", "at", "kind", "heads"}) {
    doc::Value bad = good;
    bad.erase(member);
    check_refused(entry_from_value(bad), "");
  }
  doc::Value ahead = good;
  ahead.set("heads", doc::Value::object({{"flag/1", 5}}));
  check_refused(entry_from_value(ahead), "head");
}

TEST_CASE("an empty store is an empty journal") {
  Fixture f;
  auto journal = f.open();
  CHECK(journal->size() == 0);
  CHECK(journal->read(0, 0)->empty());
  CHECK(journal->subjects()->empty());
  CHECK_FALSE(journal->latest("rollout/desktop")->has_value());
  CHECK(journal->verify()->entries == 0);
  CHECK(f.fake.files.bytes.empty());
}

TEST_CASE("a journal of every interesting size reads back whole and verifies") {
  for (const std::size_t size : {1, 5, 255, 256, 257, 300, 1'000}) {
    CAPTURE(size);
    Fixture f;
    f.fill(size);
    auto journal = f.open();
    CHECK(journal->size() == size);
    const auto entries = journal->read(0, size);
    REQUIRE(entries.has_value());
    REQUIRE(entries->size() == size);
    CHECK((*entries)[size - 1].index == size - 1);
    CHECK((*entries)[size / 2].data == Fixture::draft(size / 2).data);
    const auto verified = journal->verify();
    if (!verified) FAIL(verified.error().message);
    CHECK(verified->entries == size);
    for (const Tile& tile : tiles_of(size))
      CHECK(
          f.fake.files.bytes.contains("/state/" + with_width(tile_path(tile.level, tile.index), tile.width)));
  }
}

TEST_CASE(
    "one entry at a time gives the same tree as all at once, and leaves no partial tile beside a full one") {
  Fixture one;
  auto journal = one.open();
  for (std::size_t i = 0; i < 600; ++i) REQUIRE(journal->append({Fixture::draft(i)}, one.key).has_value());
  Fixture all;
  all.fill(600);
  CHECK(journal->verify()->root == all.open()->verify()->root);
  for (const auto& [path, bytes] : all.fake.files.bytes) {
    CAPTURE(path);
    if (path.starts_with("/state/tile")) CHECK(one.fake.files.bytes[path] == bytes);
  }
  for (const auto& [path, bytes] : one.fake.files.bytes) {
    CAPTURE(path);
    CHECK_FALSE(path.starts_with("/state/tile/0/000.p/"));
    CHECK_FALSE(path.starts_with("/state/tile/entries/001.p/"));
  }
  CHECK(one.fake.files.bytes.contains("/state/tile/0/002.p/3"));  // stays until 002 is full
}

TEST_CASE("property: batches of random sizes, opened anew each time, give the root of the naive recursion") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  Fixture f;
  std::size_t size = 0;
  std::vector<Hash> leaves;
  for (int round = 0; round < 12; ++round) {
    auto journal = f.open();
    for (int batches = 0; batches < 2; ++batches) {
      std::vector<Draft> drafts(std::uniform_int_distribution<std::size_t>(1, 200)(random));
      for (auto& draft : drafts) draft = Fixture::draft(size++);
      f.fake.clock.advance(std::chrono::seconds(1));
      const auto entries = journal->append(drafts, f.key);
      REQUIRE(entries.has_value());
      for (const auto& entry : *entries) leaves.push_back(hash_leaf(*to_bytes(entry)));
    }
    const auto verified = journal->verify();
    REQUIRE(verified.has_value());
    const auto naive = [](auto& self, std::span<const Hash> part) -> Hash {
      if (part.size() == 1) return part[0];
      std::size_t split = 1;
      while (split * 2 < part.size()) split *= 2;
      return hash_node(self(self, part.first(split)), self(self, part.subspan(split)));
    };
    const auto checkpoint =
        parse_checkpoint(*signing::open_note(verified->checkpoint, origin, f.options().trusted));
    REQUIRE(checkpoint.has_value());
    CHECK(checkpoint->size == size);
    CHECK(checkpoint->root == naive(naive, leaves));
  }
}

TEST_CASE("the last entry leads to the state of every subject") {
  Fixture f;
  f.fill(300);
  auto journal = f.open();
  CHECK(journal->subjects()->size() == 8);
  const auto latest = journal->latest("rollout/desktop");
  REQUIRE(latest->has_value());
  CHECK((*latest)->index == 294);  // even and a multiple of three
  CHECK((*latest)->state.find("n")->as_int() == 294);
  CHECK_FALSE(journal->latest("rollout/other")->has_value());
  f.fake.clock.set(*parse_instant("2020-01-01T00:00:00Z"));
  const auto added =
      journal->append({{"rollout.started", "rollout/other", "bo", "", {}, doc::Value("x")}}, f.key);
  REQUIRE(added.has_value());
  CHECK((*added)[0].at == (*latest)->at);  // the clock went back, the journal does not
  CHECK((*journal->latest("rollout/other"))->index == 300);
  CHECK((*journal->latest("rollout/desktop"))->index == 294);
  CHECK(journal->verify().has_value());
}

TEST_CASE("two writers on one head: one wins, the other gets a conflict and has changed nothing") {
  Fixture f;
  f.fill(5);
  auto first = f.open();
  auto second = f.open();
  REQUIRE(first->append({Fixture::draft(5)}, f.key).has_value());
  const auto before = f.fake.files.bytes;
  const auto lost = second->append({Fixture::draft(6), Fixture::draft(7)}, f.key);
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().kind == ErrorKind::conflict);
  CHECK_FALSE(lost.error().hint.empty());
  CHECK(f.fake.files.bytes == before);
  CHECK(f.open()->size() == 6);
  CHECK(first->append({Fixture::draft(6)}, f.key).has_value());
  CHECK(f.open()->verify().has_value());
}

TEST_CASE("one changed byte in any file of the journal is found") {
  for (const std::size_t size : {3, 300}) {
    Fixture f;
    f.fill(size);
    const auto good = f.fake.files.bytes;
    for (const auto& [path, bytes] : good) {
      if (!path.starts_with("/state/") || bytes.empty()) continue;
      for (const std::size_t at : {std::size_t{0}, bytes.size() / 3, bytes.size() / 2, bytes.size() - 1}) {
        CAPTURE(path);
        CAPTURE(at);
        f.fake.files.bytes = good;
        f.fake.files.bytes[path][at] = static_cast<char>(bytes[at] ^ 1);
        auto journal = f.try_open();
        const auto verified = journal ? (*journal)->verify() : Result<Verification>(fail(journal.error()));
        check_refused(verified, "");
        CHECK_FALSE(verified.error().message.empty());
      }
      f.fake.files.bytes = good;
      f.fake.files.bytes[path] += '\0';
      auto journal = f.try_open();
      check_refused(journal ? (*journal)->verify() : Result<Verification>(fail(journal.error())), "");
      f.fake.files.bytes = good;
      f.fake.files.bytes.erase(path);
      auto without = f.try_open();
      check_refused(without ? (*without)->verify() : Result<Verification>(fail(without.error())), "");
    }
  }
}

TEST_CASE("reading one entry finds a change of it without reading the whole log") {
  Fixture f;
  f.fill(1'000);
  auto& bundle = f.fake.files.bytes["/state/tile/entries/001"];
  const auto at = bundle.find("because");
  bundle[at] = 'B';
  auto journal = f.open();
  CHECK(journal->read(0, 256).has_value());
  check_refused(journal->read(256, 257), "entry 256 of the journal was changed");
  f.fake.files.bytes["/state/tile/0/000"][40] ^= 1;
  check_refused(f.open()->read(0, 1), "tile/0/000");
}

TEST_CASE("an entry taken out of the log is found, even where all hashes were made anew") {
  Fixture f;
  f.fill(20);
  Fixture other;
  auto entries = *f.open()->read(0, 20);
  entries.erase(entries.begin() + 7);
  std::string bundle;
  Edge edge;
  std::vector<Edge::Full> completed;
  for (const auto& entry : entries) {
    add_to_bundle(bundle, *to_bytes(entry));
    edge.add(hash_leaf(*to_bytes(entry)), completed);
  }
  auto& files = f.fake.files.bytes;
  files["/state/tile/entries/000.p/19"] = bundle;
  files["/state/tile/0/000.p/19"] = to_bytes(edge.levels()[0]);
  files["/state/checkpoint"] =
      *signing::sign_note(to_text(Checkpoint{origin, 19, edge.root()}), origin, f.key);
  check_refused(f.try_open(), "older");
  files.erase("/cache/seen");  // somebody who sees it for the first time
  check_refused(f.try_open(), "entry 18 of the journal calls itself 19");
}

TEST_CASE("an older checkpoint in place of the newest is refused by who has seen the newest") {
  Fixture f;
  f.fill(5);
  const auto old = f.fake.files.bytes["/state/checkpoint"];
  f.fill(3);
  f.fake.files.bytes["/state/checkpoint"] = old;
  check_refused(f.try_open(), "the journal is older than one seen");
  f.fake.files.bytes.erase("/state/checkpoint");
  check_refused(f.try_open(), "the journal is older than one seen");
}

TEST_CASE("a forked journal is refused by who has seen the other branch") {
  Fixture f;
  f.fill(5);
  const auto base = f.fake.files.bytes;
  f.fill(300);
  const auto seen = f.fake.files.bytes["/cache/seen"];
  for (const std::size_t count : {300, 301, 600}) {
    f.fake.files.bytes = base;
    f.fake.clock.advance(std::chrono::hours(1));
    f.fill(count);
    f.fake.files.bytes["/cache/seen"] = seen;
    check_refused(f.try_open(), "not the one seen before");
  }
}

TEST_CASE("a journal object that is open notices in verify that the log was replaced") {
  Fixture f;
  f.fill(5);
  const auto base = f.fake.files.bytes;
  f.fill(3);
  auto journal = f.open();
  f.fake.files.bytes = base;
  f.fake.clock.advance(std::chrono::hours(1));
  check_refused(journal->verify(), "older");
  f.fill(4);
  check_refused(journal->verify(), "not the one seen before");
}

TEST_CASE("the memory never goes back, and a broken one is an error") {
  Fixture f;
  f.fill(5);
  auto slow = f.open();
  f.fill(5);
  const auto ten = f.fake.files.bytes["/cache/seen"];
  REQUIRE_FALSE(slow->append({Fixture::draft(5)}, f.key).has_value());
  CHECK(f.fake.files.bytes["/cache/seen"] == ten);
  f.fake.files.bytes["/cache/seen"] = "garbage";
  check_refused(f.try_open(), "/cache/seen is broken");
  f.fake.files.bytes["/cache/seen"] = to_text(Checkpoint{"tranche/other", 5, empty_root()});
  check_refused(f.try_open(), "remembers the journal of 'tranche/other'");
}

TEST_CASE("an append that cannot be remembered is an append all the same") {
  Fixture f;
  f.fill(5);
  auto journal = f.open();
  f.fake.files.fault = [](std::string_view operation, std::string_view path) -> Result<> {
    if (operation == "write" && path.starts_with("/cache"))
      return fail(ErrorKind::failed, "the disk is full");
    return {};
  };
  CHECK(journal->append({Fixture::draft(5)}, f.key).has_value());
  CHECK(f.try_open().error().message == "the disk is full");
  f.fake.files.fault = nullptr;
  CHECK(f.open()->size() == 6);
}

TEST_CASE("a checkpoint signed by a key of another role is refused, and such a key appends nothing") {
  Fixture f;
  f.fill(5);
  const auto feed_key = key_of('f');
  const auto checkpoint = parse_checkpoint(
      *signing::open_note(f.fake.files.bytes["/state/checkpoint"], origin, f.options().trusted));
  f.fake.files.bytes["/state/checkpoint"] = *signing::sign_note(to_text(*checkpoint), origin, feed_key);
  check_refused(f.try_open(), "");
  Fixture g;
  g.fill(5);
  const auto before = g.fake.files.bytes;
  check_refused(g.open()->append({Fixture::draft(0)}, feed_key), "no trusted journal key");
  CHECK(g.fake.files.bytes == before);
}

TEST_CASE("a journal of another application is refused") {
  Fixture f;
  f.fill(5);
  f.fake.files.bytes.erase("/cache/seen");
  Options options = f.options();
  options.origin = "tranche/other";
  check_refused(Journal::open(f.world, *f.store, options), "");
  options.origin = "a b";
  const auto bad = Journal::open(f.world, *f.store, options);
  CHECK(bad.error().kind == ErrorKind::invalid);
}

TEST_CASE("an entry over 65,535 bytes is refused with a hint and nothing is written") {
  Fixture f;
  auto journal = f.open();
  Draft draft = Fixture::draft(0);
  draft.data.set("long", std::string(65'535, 'x'));
  const auto result = journal->append({Fixture::draft(0), draft}, f.key);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::invalid);
  CHECK_FALSE(result.error().hint.empty());
  CHECK(f.fake.files.bytes.empty());
  CHECK(journal->size() == 0);
  draft.data.set("long", std::string(64'000, 'x'));
  CHECK(journal->append({draft}, f.key).has_value());
  CHECK(journal->verify().has_value());
}

TEST_CASE("drafts that cannot become entries are refused") {
  Fixture f;
  auto journal = f.open();
  const auto refused = [&](const Draft& draft) {
    const auto result = journal->append({draft}, f.key);
    return !result.has_value() && journal->size() == 0;
  };
  CHECK(refused({"", "", "", "", {}, {}}));
  CHECK(refused({"Bad Kind", "", "", "", {}, {}}));
  CHECK(refused({"a.b", "with blank", "", "", {}, {}}));
  CHECK(refused({"a.b", std::string(201, 's'), "", "", {}, {}}));
  CHECK(refused({"a.b", "", "", "\xff", {}, {}}));
  CHECK(refused({"a.b", "", "", "", doc::Value(1), {}}));
  CHECK(refused({"a.b", "", "", "", {}, doc::Value(1)}));
}

TEST_CASE("more than 512 subjects are refused") {
  Fixture f;
  auto journal = f.open();
  std::vector<Draft> drafts;
  for (int i = 0; i < 512; ++i)
    drafts.push_back({"flag.set", "flag/" + std::to_string(i), "", "", {}, doc::Value(i)});
  REQUIRE(journal->append(drafts, f.key).has_value());
  CHECK(journal->append({drafts[3]}, f.key).has_value());
  const auto result = journal->append({{"flag.set", "flag/one-more", "", "", {}, doc::Value(1)}}, f.key);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::invalid);
}

TEST_CASE(
    "an append that dies at any write leaves the old journal or the new one, and a second run completes") {
  for (const std::size_t size : {5, 254, 255}) {
    Fixture f;
    f.fill(size);
    const auto before = f.fake.files.bytes;
    bool completed = false;
    for (int step = 0; !completed; ++step) {
      CAPTURE(size);
      CAPTURE(step);
      f.fake.files.bytes = before;
      auto journal = f.open();
      int writes = 0;
      bool dead = false;
      f.fake.files.fault = [&](std::string_view operation, std::string_view path) -> Result<> {
        const bool changes = operation == "write" || operation == "remove";
        if (dead || (changes && path.starts_with("/state") && writes++ == step)) {
          dead = true;
          return fail(ErrorKind::failed, "the disk is gone");
        }
        return {};
      };
      const auto appended = journal->append({Fixture::draft(size), Fixture::draft(size + 1)}, f.key);
      f.fake.files.fault = nullptr;
      completed = !dead;
      auto reader = f.open();
      CHECK((reader->size() == size || reader->size() == size + 2));
      CHECK(reader->verify().has_value());
      if (reader->size() == size) {
        f.fake.clock.advance(std::chrono::seconds(1));
        CHECK(reader->append({Fixture::draft(size), Fixture::draft(size + 1)}, f.key).has_value());
      }
      CHECK(f.open()->verify()->entries == size + 2);
    }
  }
}

TEST_CASE("a reader that is open goes on reading while the log grows past its partial tiles") {
  Fixture f;
  f.fill(250);
  auto reader = f.open();
  auto writer = f.open();
  for (std::size_t i = 250; i < 260; ++i) REQUIRE(writer->append({Fixture::draft(i)}, f.key).has_value());
  REQUIRE_FALSE(f.fake.files.bytes.contains("/state/tile/entries/000.p/250"));
  const auto entries = reader->read(0, 250);
  REQUIRE(entries.has_value());
  CHECK(entries->back().index == 249);
  CHECK(reader->size() == 250);
  CHECK(reader->verify()->entries == 260);
}

TEST_CASE("what was read once is not read again, and an append reads no old tile") {
  Fixture f;
  f.fill(2'000);
  auto journal = f.open();
  std::vector<std::string> reads;
  f.fake.files.fault = [&](std::string_view operation, std::string_view path) -> Result<> {
    if (operation == "read" && path.starts_with("/state/tile")) reads.emplace_back(path);
    return {};
  };
  REQUIRE(journal->append({Fixture::draft(1)}, f.key).has_value());
  for (const auto& path : reads) {
    CAPTURE(path);
    CHECK(path.find("/007") != std::string::npos);
  }
  REQUIRE(journal->read(0, 256).has_value());
  reads.clear();
  REQUIRE(journal->read(10, 250).has_value());
  CHECK(reads.empty());
}

}  // namespace
}  // namespace tranche::journal
