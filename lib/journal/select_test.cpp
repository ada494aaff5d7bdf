#include "journal/select.hpp"

#include "journal/journal_fixture.hpp"

namespace tranche::journal {
namespace {

struct Scene : Fixture {
  // Entry i is written at i seconds.
  void write(std::size_t count) {
    auto journal = open();
    for (std::size_t i = 0; i < count; ++i) {
      Draft draft;
      draft.kind = i % 2 == 0 ? "gate.asked" : "rollout.exposed";
      draft.by = i % 5 == 0 ? "Ana \"the boss\" <ana@x>" : "bo";
      draft.subject = i % 3 == 0 ? "rollout/app/desktop" : "";
      draft.data = doc::Value::object({{"id", fmt::format("desktop/1.{}.0/{}", i % 4, i)}});
      REQUIRE(journal->append({draft}, key).has_value());
      fake.clock.advance(std::chrono::seconds(1));
    }
  }
  std::vector<std::uint64_t> find(const Selection& selection) {
    std::vector<std::uint64_t> found;
    auto journal = open();
    const auto done = select(*journal, selection, [&](const Entry& entry, std::string_view) -> Result<bool> {
      found.push_back(entry.index);
      return true;
    });
    if (!done) FAIL(done.error().message);
    return found;
  }
};

TEST_CASE("entries are found by time, author, kind, subject and release, alone and together") {
  Scene s;
  const Instant start = s.fake.clock.now();
  s.write(300);
  CHECK(s.find({}).size() == 300);
  CHECK(s.find({.from = 10, .to = 12}) == std::vector<std::uint64_t>{10, 11});
  CHECK(s.find({.since = start + std::chrono::seconds(298)}) == std::vector<std::uint64_t>{298, 299});
  CHECK(s.find({.until = start + std::chrono::seconds(2)}) == std::vector<std::uint64_t>{0, 1});
  CHECK(s.find({.since = start + std::chrono::hours(1)}).empty());
  CHECK(s.find({.by = "Ana"}).size() == 60);
  CHECK(s.find({.by = "\"the boss\""}).size() == 60);
  CHECK(s.find({.kind = "gate"}).size() == 150);
  CHECK(s.find({.kind = "gate.asked"}).size() == 150);
  CHECK(s.find({.kind = "gat"}).empty());
  CHECK(s.find({.subject = "rollout/app/desktop"}).size() == 100);
  CHECK(s.find({.release = "1.2.0"}).size() == 75);
  CHECK(s.find({.release = "1.2"}).empty());  // a part of a version is another version
  CHECK(s.find({.since = start + std::chrono::seconds(290), .by = "Ana", .kind = "gate"}) ==
        std::vector<std::uint64_t>{290});
}

TEST_CASE("the newest entries come oldest first, and no more than asked for") {
  Scene s;
  s.write(300);
  auto journal = s.open();
  const auto newest = select_newest(*journal, {.by = "Ana"}, 3);
  REQUIRE(newest.has_value());
  REQUIRE(newest->size() == 3);
  CHECK((*newest)[0].index == 285);
  CHECK((*newest)[2].index == 295);
  CHECK(select_newest(*journal, {.by = "nobody"}, 3)->empty());
  CHECK(select_newest(*journal, {}, 1'000)->size() == 300);
  CHECK(select_newest(*journal, {}, 0)->empty());
}

TEST_CASE("a walk ends where it is told to, and places beyond the log are refused") {
  Scene s;
  s.write(5);
  auto journal = s.open();
  int seen = 0;
  CHECK(select(*journal, {}, [&](const Entry&, std::string_view) -> Result<bool> {
          return ++seen < 2;
        }).has_value());
  CHECK(seen == 2);
  const auto beyond =
      select(*journal, {.to = 6}, [](const Entry&, std::string_view) -> Result<bool> { return true; });
  CHECK(beyond.error().kind == ErrorKind::invalid);
  CHECK_FALSE(beyond.error().hint.empty());
}

}  // namespace
}  // namespace tranche::journal
