#include "journal/skim.hpp"

#include <random>

#include "journal/entry.hpp"
#include "journal/journal_fixture.hpp"

namespace tranche::journal {
namespace {

// What the slow way says: canonical, and an entry.
std::optional<Entry> read_slowly(std::string_view bytes) {
  const auto value = parse_entry_json(bytes);
  if (!value) return std::nullopt;
  const auto canonical = doc::canonical_json(*value);
  if (!canonical || *canonical != bytes) return std::nullopt;
  auto entry = entry_from_value(*value);
  if (!entry) return std::nullopt;
  return std::move(*entry);
}

// True when it was skimmed; then all it says must be what the slow way says.
bool skims(std::string_view bytes) {
  const auto skimmed = skim_entry(bytes);
  if (!skimmed) return false;
  // The audit compares these two itself.
  if (!parse_instant(skimmed->at) || skimmed->heads != R"({"flag/4":0,"rollout/desktop":0})") return false;
  const auto entry = read_slowly(bytes);
  CAPTURE(bytes);
  REQUIRE(entry.has_value());
  CHECK(skimmed->index == entry->index);
  CHECK(*parse_instant(skimmed->at) == entry->at);
  CHECK(skimmed->subject == entry->subject);
  CHECK(skimmed->has_state == !entry->state.is_null());
  return true;
}

Entry sample(std::size_t i) {
  Entry entry;
  static_cast<Draft&>(entry) = Fixture::draft(i);
  entry.index = i;
  entry.at = *parse_instant("2026-11-21T10:45:00.123Z");
  entry.heads = {{"flag/4", 0}, {"rollout/desktop", 0}};
  entry.reason = "größer \"als\" 1\n\x01";
  entry.data.set("odds", 0.25);
  entry.data.set("tiny", 1e-300);
  entry.data.set("list", doc::Value(doc::Array{doc::Value(-7), doc::Value(true), doc::Value()}));
  return entry;
}

TEST_CASE("entries as tranche writes them are skimmed, not parsed") {
  for (std::size_t i = 0; i < 12; ++i) CHECK(skims(*to_bytes(sample(i))));
}

TEST_CASE("what is not canonical is not skimmed") {
  const std::string good = *to_bytes(sample(4));
  const auto swapped = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       {good + " ", " " + good, good.substr(0, good.size() - 1), swapped("\"index\":4", "\"index\":04"),
        swapped("\"index\":4", "\"index\":4.0"), swapped("\"index\":4", "\"index\":-4"),
        swapped("\"index\":4", "\"index\":4e0"), swapped("0.25", "0.250"), swapped("0.25", "25e-2"),
        swapped("\\n", "\\u000a"), swapped("\\u0001", "\\u0041"), swapped("gr", "g\\/r"),
        swapped("\"by\"", "\"at\""), swapped("\"by\"", "\"zz\""), swapped("null", "nul"),
        swapped("\"kind\":\"gate.asked\"", "\"kind\":\"Gate\""),
        swapped("tranche/entry/v1", "tranche/entry/v2"),
        swapped("größer",
                "gr\xff"
                "er"),
        swapped("\"index\":4,", "")}) {
    CAPTURE(bad);
    CHECK_FALSE(skim_entry(bad).has_value());
  }
}

TEST_CASE("property: skim never accepts what the slow way refuses") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  const std::string_view spice = "\"\\{}[],:0123456789eE+-.tfnul \x01\xc3\xb6/";
  int skimmed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = *to_bytes(sample(random() % 12));
    for (int changes = static_cast<int>(random() % 3); changes >= 0; --changes) {
      const std::size_t at = random() % bytes.size();
      const char c = spice[random() % spice.size()];
      if (random() % 2 == 0)
        bytes[at] = c;
      else if (random() % 2 == 0)
        bytes.insert(at, 1, c);
      else
        bytes.erase(at, 1 + random() % 3);
    }
    if (skims(bytes)) ++skimmed;
  }
  CHECK(skimmed > 100);
}

}  // namespace
}  // namespace tranche::journal
