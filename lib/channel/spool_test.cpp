#include "channel/spool.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "channel/channel_testing.hpp"
#include "signing/dsse.hpp"
#include "support/fake_world.hpp"

namespace tranche::channel {
namespace {

using namespace testing;

SpooledStop usual_stop() {
  SpooledStop stop;
  stop.app = "notes-agent";
  stop.channel = "stable";
  stop.rollout = "desktop";
  stop.release = "1.2.0";
  stop.fallback = "1.1.0";
  stop.by = "Ana <ana@example.org>";
  stop.reason = "crashes on start";
  stop.at = *parse_instant("2026-01-01T03:00:00Z");
  stop.seen_sequence = 41;
  stop.seen_sha256 = digest_of("feed");
  return stop;
}

struct Fixture {
  Keys keys;
  support::FakeWorld fake;
  std::unique_ptr<store::Store> store = store::open_directory(fake.files, "/public");
  void put(const std::string& name, const std::string& bytes) { fake.files.bytes["/public/" + name] = bytes; }
  std::string put(const SpooledStop& stop) {
    const std::string envelope = *seal(stop, keys.feed);
    put(spool_name(envelope), envelope);
    return spool_name(envelope);
  }
  Result<Spool> read(const std::set<std::string>& known = {}) {
    return read_spool(*store, keys.trust, "notes-agent", "stable", known);
  }
};

TEST_CASE("a spooled stop reads back as it was written, and only from a feed key") {
  const Keys keys;
  const SpooledStop stop = usual_stop();
  CHECK(*open_spooled(*seal(stop, keys.feed), keys.trust) == stop);
  CHECK(open_spooled(*seal(stop, keys.journal), keys.trust).error().kind == ErrorKind::verification);
  CHECK(open_spooled(*seal(stop, keys.release), keys.trust).error().kind == ErrorKind::verification);
}

TEST_CASE("a spooled stop that no reader would take is not written, nor read when it was signed") {
  const Keys keys;
  const auto wrong = [&](auto change) {
    SpooledStop stop = usual_stop();
    change(stop);
    CHECK(seal(stop, keys.feed).error().kind == ErrorKind::invalid);
  };
  wrong([](SpooledStop& stop) { stop.release = "../etc"; });
  wrong([](SpooledStop& stop) { stop.release.clear(); });
  wrong([](SpooledStop& stop) { stop.fallback = stop.release; });
  wrong([](SpooledStop& stop) { stop.fallback = "\x1b[31m"; });
  wrong([](SpooledStop& stop) { stop.app.clear(); });
  wrong([](SpooledStop& stop) { stop.channel = "a b"; });
  wrong([](SpooledStop& stop) { stop.rollout = std::string(200, 'x'); });
  wrong([](SpooledStop& stop) { stop.reason = std::string(5'000, 'x'); });
  wrong([](SpooledStop& stop) { stop.reason = "\xff"; });
  wrong([](SpooledStop& stop) { stop.seen_sha256 = "abc"; });
  for (
      const std::string payload :
      {R"({"schema":"tranche/spool/v2"})", R"({"schema":"tranche/spool/v1"})", "[]", "{", "null",
       R"({"schema":"tranche/spool/v1","app":"a","channel":"c","release":"1.0.0","at":"never","seen":{"sequence":1}})",
       R"({"schema":"tranche/spool/v1","app":"a","channel":"c","release":"1.0.0","at":"2026-01-01T00:00:00Z","seen":{"sequence":-1}})",
       R"({"schema":"tranche/spool/v1","app":"a","channel":"c","release":"","at":"2026-01-01T00:00:00Z","seen":{"sequence":1}})"}) {
    CAPTURE(payload);
    const auto envelope = *signing::sign_envelope(signing::spool_type, payload, keys.feed);
    CHECK(open_spooled(envelope, keys.trust).error().kind == ErrorKind::verification);
  }
}

TEST_CASE("the spool lists stops by their time and shows what nobody trusted signed") {
  Fixture f;
  CHECK(f.read()->stops.empty());
  SpooledStop later = usual_stop();
  later.at += std::chrono::hours(1);
  later.release = "1.3.0";
  const std::string second = f.put(later);
  const std::string first = f.put(usual_stop());
  SpooledStop other = usual_stop();
  other.channel = "beta";
  const std::string stranger = f.put(other);
  f.put("tranche/v1/spool/junk.json", "{}");
  f.put("tranche/v1/spool/large.json", std::string(max_spool_bytes + 1, 'x'));
  f.put("tranche/v1/spool/renamed.json", *seal(usual_stop(), f.keys.feed));
  const Spool spool = *f.read();
  REQUIRE(spool.stops.size() == 2);
  CHECK(spool.stops[0].name == first);
  CHECK(spool.stops[1].name == second);
  CHECK(spool.stops[1].stop == later);
  CHECK(spool.unproved.size() == 4);
  CHECK(std::ranges::count(spool.unproved, stranger) == 1);
  const Spool rest = *f.read({first, second});
  CHECK(rest.stops.empty());
}

TEST_CASE("a spool with more files than anybody would leave there is refused") {
  Fixture f;
  for (std::size_t i = 0; i <= max_spooled; ++i) f.put(fmt::format("{}{}.json", spool_prefix, i), "x");
  CHECK(f.read().error().kind == ErrorKind::verification);
  CHECK_FALSE(f.read().error().hint.empty());
}

}  // namespace
}  // namespace tranche::channel
