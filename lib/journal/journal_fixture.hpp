// A journal of an app in memory, for tests of this room.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "journal/journal.hpp"
#include "support/fake_world.hpp"

namespace tranche::journal {

inline crypto::SecretKey key_of(char seed) {
  return *crypto::SecretKey::from_seed(Secret(std::string(32, seed)));
}

inline constexpr auto origin = "tranche/notes-agent";

struct Fixture {
  support::FakeWorld fake;
  ports::World world = fake.world();
  std::unique_ptr<store::Store> store = store::open_directory(fake.files, "/state");
  crypto::SecretKey key = key_of('j');

  Options options() { return {origin, {key.public_key()}, "/cache/seen"}; }
  Result<std::unique_ptr<Journal>> try_open() { return Journal::open(world, *store, options()); }
  std::unique_ptr<Journal> open() {
    auto journal = try_open();
    if (!journal) FAIL(journal.error().message);
    return std::move(*journal);
  }
  void fill(std::size_t count) {
    auto journal = open();
    std::vector<Draft> drafts;
    for (std::size_t i = 0; i < count; ++i) drafts.push_back(draft(i));
    REQUIRE(journal->append(drafts, key).has_value());
  }
  static Draft draft(std::size_t i) {
    return {"gate.asked",
            i % 3 == 0 ? "rollout/desktop" : "flag/" + std::to_string(i % 7),
            "ana",
            "because",
            doc::Value::object({{"i", static_cast<std::int64_t>(i)}}),
            i % 2 == 0 ? doc::Value::object({{"n", static_cast<std::int64_t>(i)}}) : doc::Value()};
  }
};

template <class T>
void check_refused(const Result<T>& result, std::string_view words) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::verification);
  CAPTURE(result.error().message);
  CAPTURE(words);
  CHECK(result.error().message.find(words) != std::string::npos);
}

}  // namespace tranche::journal
