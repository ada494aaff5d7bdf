// The red button from anywhere: an empty directory, a machine without the state, a store that fails.
#include "engine/red_button.hpp"

#include "channel/spool.hpp"
#include "engine/engine_fixture.hpp"
#include "signing/note.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using rollout::Phase;

namespace {

const std::vector<cohort::Withdrawn> taken_back{{"1.1.0", "1.0.0"}};

struct Anywhere : AppWorld {
  Anywhere() {
    ship("1.0.0");
    build_and_create("1.1.0");
    must(start("1.1.0"));
    fake.http.requests.clear();
  }
  // From an empty directory of another machine: nothing of the checkout, nothing remembered.
  static RedButton button() {
    RedButton asked;
    asked.rollout = "desktop";
    asked.reason = "crashes on start";
    asked.by = "bo@example.org";
    return asked;
  }
  RedButton from_state() const {
    RedButton asked = button();
    asked.state = "dir:/repo/state";
    asked.stores = {"dir:/repo/public"};
    return asked;
  }
  RedButton from_checkout() const {
    RedButton asked = button();
    asked.app = app;
    asked.repository = "/repo";
    return asked;
  }
  void forget() {
    std::erase_if(fake.files.bytes, [](const auto& file) { return file.first.starts_with("/home/"); });
  }
  Result<Pressed> press(const RedButton& asked) { return engine::press(world, asked, {}); }
  Pressed pressed(const RedButton& asked) { return must(press(asked)); }
  std::map<std::string, std::string> take_state_away() {
    std::map<std::string, std::string> taken;
    for (const auto& [path, bytes] : fake.files.bytes)
      if (path.starts_with("/repo/state/")) taken[path] = bytes;
    for (const auto& [path, bytes] : taken) fake.files.bytes.erase(path);
    return taken;
  }
  void check_withdrawn() {
    const auto feed = published_feed();
    REQUIRE(feed.has_value());
    CHECK(feed->directions.withdrawn == taken_back);
    CHECK_FALSE(feed->directions.offer.has_value());
    CHECK(feed->directions.baseline == "1.0.0");
  }
};

}  // namespace

TEST_CASE("stop needs no checkout: the state alone leads to the plan, the keys and the channel") {
  Anywhere w;
  const std::string vkey = signing::verifier_key("tranche/notes-agent", w.open()->trust().journal[0]);
  w.forget();
  RedButton asked = w.from_state();
  SUBCASE("by a key that the person names") { asked.trust = {vkey}; }
  SUBCASE("by a key file") { asked.trust = {"/repo/keys/journal.pub"}; }
  SUBCASE("by a checkout of the same app") {
    asked.app = w.app;
    asked.repository = "/repo";
  }
  const Pressed done = w.pressed(asked);
  REQUIRE(done.report.has_value());
  CHECK(done.report->state.phase == Phase::rolled_back);
  CHECK(done.failures.empty());
  CHECK(done.beside.empty());
  CHECK(w.fake.http.requests.size() == 1);  // the playbook's hook
  w.check_withdrawn();
}

TEST_CASE("of several apps that share a state, the log of the one that has the rollout is found") {
  Anywhere w;
  w.forget();
  const auto root = w.take_state_away();
  const auto put = [&](const std::string& app) {
    for (const auto& [path, bytes] : root)
      w.fake.files.bytes["/repo/state/" + app + path.substr(std::string("/repo/state").size())] = bytes;
  };
  put("notes-agent");
  RedButton asked = w.from_state();
  const auto refused = [&](ErrorKind kind, std::string_view words, std::string_view hint) {
    const auto done = w.press(asked);
    REQUIRE_FALSE(done.has_value());
    CAPTURE(done.error().message);
    CAPTURE(done.error().hint);
    CHECK(done.error().kind == kind);
    CHECK(done.error().message.find(words) != std::string::npos);
    CHECK(done.error().hint.find(hint) != std::string::npos);
  };
  SUBCASE("one has it; the log of another that cannot be read is no obstacle") {
    w.fake.files.bytes["/repo/state/backend/checkpoint"] = "torn";
    const Pressed done = w.pressed(asked);
    REQUIRE(done.report.has_value());
    CHECK(done.report->plan.app == "notes-agent");
    CHECK_FALSE(w.published_feed()->directions.offer.has_value());
  }
  SUBCASE("several have it: whose is asked") {
    put("backend");
    refused(ErrorKind::usage, "stands in the logs of 2 apps", "--app backend or --app notes-agent");
    asked.app_name = "notes-agent";
    CHECK(w.pressed(asked).report.has_value());
  }
  SUBCASE("several have it, and the checkout is of one") {
    put("backend");
    asked.app = w.app;
    asked.repository = "/repo";
    CHECK(w.pressed(asked).report.has_value());
  }
  SUBCASE("none has it") {
    asked.rollout = "desktpo";
    refused(ErrorKind::invalid, "has started a rollout 'desktpo'", "there are logs of: notes-agent");
  }
  SUBCASE("the app that is named has no log") {
    asked.app_name = "backend";
    refused(ErrorKind::invalid, "no app 'backend' in dir:", "there are logs of: notes-agent");
  }
}

TEST_CASE("a journal that nobody vouches for withdraws, and runs no step of its playbook") {
  Anywhere w;
  w.forget();
  RedButton here = w.from_state();
  here.stores.clear();
  const auto files = w.visible();
  const auto refused = w.press(here);  // a directory of its choosing
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::verification);
  CHECK(w.visible() == files);
  const Pressed done = w.pressed(w.from_state());
  REQUIRE(done.report.has_value());
  CHECK(done.report->state.phase == Phase::rolling_back);
  REQUIRE_FALSE(done.notes.empty());
  CHECK(done.notes[0].find("nobody vouches") != std::string::npos);
  CHECK(w.fake.http.requests.empty());
  w.check_withdrawn();
  w.forget();  // the run with the checkout finishes it
  CHECK(w.tick().state.phase == Phase::rolled_back);
  CHECK(w.fake.http.requests.size() == 1);
}

TEST_CASE(
    "a journal signed by another key than the one that was named is not believed, and the store is stopped") {
  Anywhere w;
  w.forget();
  RedButton asked = w.from_state();
  asked.trust = {"/repo/keys/feed.pub"};
  const Pressed done = w.pressed(asked);
  CHECK_FALSE(done.report.has_value());
  REQUIRE(done.beside.size() == 1);
  CHECK(done.beside[0].done.release == "1.1.0");
  w.check_withdrawn();
}

TEST_CASE("with the state gone the store is stopped alone, and the state takes it in when it is back") {
  for (const char* from : {"checkout", "store"}) {
    CAPTURE(from);
    Anywhere w;
    const auto state = w.take_state_away();
    RedButton asked = w.from_checkout();
    if (from == std::string("store")) {
      w.forget();
      asked = Anywhere::button();
      asked.stores = {"dir:/repo/public"};
    }
    const std::uint64_t before =
        must(channel::read_published(
                 *store::open_directory(w.fake.files, "/repo/public"),
                 must(signing::load_trust(w.fake.files, "/repo", {{}, {}, {"keys/feed.pub"}, {}})),
                 "notes-agent", "stable"))
            ->feed.sequence;
    const Pressed done = w.pressed(asked);
    CHECK_FALSE(done.report.has_value());
    CHECK(done.failures.empty());
    REQUIRE(done.beside.size() == 1);
    const channel::StoppedBeside& beside = done.beside[0].done;
    CHECK(beside.release == "1.1.0");
    CHECK(beside.fallback == "1.0.0");
    CHECK(beside.sequence == before + 1);
    CHECK(w.fake.files.bytes.contains("/repo/public/" + beside.spool));
    CHECK_FALSE(done.stranded());
    // Again: the same file waits, nothing is written.
    const auto files = w.fake.files.bytes;
    const Pressed again = w.pressed(asked);
    REQUIRE(again.beside.size() == 1);
    CHECK(again.beside[0].done.spool == beside.spool);
    CHECK(w.fake.files.bytes == files);

    for (const auto& [path, bytes] : state) w.fake.files.bytes[path] = bytes;
    w.check_withdrawn();
    CHECK(w.tick().state.phase == Phase::rolled_back);
    w.check_withdrawn();
    CHECK_FALSE(w.fake.files.bytes.contains("/repo/public/" + beside.spool));
    CHECK(w.published_feed()->sequence > beside.sequence);
    int stops = 0;
    for (const journal::Entry& entry : w.entries())
      if (entry.kind == "rollout.stopped") {
        ++stops;
        CHECK(entry.by == "bo@example.org");
        CHECK(entry.reason == "crashes on start");
      }
    CHECK(stops == 1);
  }
}

TEST_CASE("a missing journal key does not keep the feed key from stopping") {
  Anywhere w;
  const std::string key = w.fake.environ.values["TRANCHE_JOURNAL_KEY"];
  w.fake.environ.values.erase("TRANCHE_JOURNAL_KEY");
  const Pressed done = w.pressed(w.from_checkout());
  CHECK_FALSE(done.report.has_value());
  CHECK(done.beside.size() == 1);
  w.check_withdrawn();
  w.fake.environ.values["TRANCHE_JOURNAL_KEY"] = key;
  CHECK(w.tick().state.phase == Phase::rolled_back);
}

TEST_CASE("a damaged journal does not keep anybody from stopping") {
  Anywhere w;
  for (auto& [path, bytes] : w.fake.files.bytes)
    if (path == "/repo/state/checkpoint") bytes[bytes.size() / 2] ^= 1;
  const Pressed done = w.pressed(w.from_checkout());
  CHECK_FALSE(done.report.has_value());
  CHECK(done.beside.size() == 1);
}

TEST_CASE(
    "without a feed key nothing can be published: the journal says it, the failure is named, and again "
    "finishes") {
  Anywhere w;
  const std::string key = w.fake.environ.values["TRANCHE_FEED_KEY"];
  w.fake.environ.values.erase("TRANCHE_FEED_KEY");
  Pressed done = w.pressed(w.from_checkout());
  REQUIRE(done.report.has_value());
  CHECK(done.report->state.phase == Phase::rolling_back);
  CHECK(done.failures.size() == 1);
  w.fake.environ.values["TRANCHE_FEED_KEY"] = key;
  done = w.pressed(w.from_checkout());
  CHECK(done.failures.empty());
  CHECK(done.report->state.phase == Phase::rolled_back);
  w.check_withdrawn();
}

TEST_CASE("one store that fails keeps no other from being stopped") {
  Anywhere w;
  w.take_state_away();
  RedButton asked = w.from_checkout();
  asked.stores = {"dir:/nothing/here", "dir:/repo/public", "dir:/nothing/there"};
  const Pressed done = w.pressed(asked);
  CHECK(done.failures.size() == 2);
  CHECK(done.beside.size() == 1);
}

TEST_CASE("killed anywhere while it stops at the store alone, pressing again ends in the same place") {
  int points = 0;
  for (int kill = 0;; ++kill) {
    CAPTURE(kill);
    Anywhere w;
    const auto state = w.take_state_away();
    int writes = 0;
    bool dead = false;
    w.fake.files.fault = [&](std::string_view op, std::string_view) -> Result<> {
      if (dead) return fail(ErrorKind::failed, "killed");
      if (op == "write" && writes++ == kill) {
        dead = true;
        return fail(ErrorKind::failed, "killed");
      }
      return {};
    };
    static_cast<void>(w.press(w.from_checkout()).has_value());
    w.fake.files.fault = nullptr;
    if (!dead) break;
    ++points;
    CHECK(w.pressed(w.from_checkout()).failures.empty());
    for (const auto& [path, bytes] : state) w.fake.files.bytes[path] = bytes;
    w.check_withdrawn();
    CHECK(w.tick().state.phase == Phase::rolled_back);
    int stops = 0;
    for (const journal::Entry& entry : w.entries()) stops += entry.kind == "rollout.stopped" ? 1 : 0;
    CHECK(stops == 1);
  }
  MESSAGE("killed at ", points, " points");
  CHECK(points >= 2);
}

TEST_CASE("what is asked wrongly is refused before anything is done") {
  Anywhere w;
  const auto files = w.fake.files.bytes;
  const auto refused = [&](const RedButton& asked, ErrorKind kind, std::string_view words) {
    const auto done = w.press(asked);
    REQUIRE_FALSE(done.has_value());
    CAPTURE(done.error().message);
    CHECK(done.error().kind == kind);
    CHECK(done.error().message.find(words) != std::string::npos);
    CHECK_FALSE(done.error().hint.empty());
    CHECK(w.fake.files.bytes == files);
  };
  RedButton asked = Anywhere::button();
  refused(asked, ErrorKind::usage, "there is no tranche.yaml here");
  asked.state = "ftp://x";
  refused(asked, ErrorKind::usage, "is no place");
  asked = w.from_checkout();
  asked.rollout = "desktpo";
  refused(asked, ErrorKind::invalid, "has no rollout");
  asked = w.from_state();
  asked.rollout = "desktpo";
  refused(asked, ErrorKind::invalid, "was never started");
  asked = w.from_state();
  asked.trust = {"/repo/keys/none.pub"};
  refused(asked, ErrorKind::usage, "is no file and no verifier key");
  asked = Anywhere::button();
  asked.stores = {"dir:/repo/public"};
  asked.feed_key = "env:TRANCHE_RELEASE_KEY";
  const auto wrong_key = w.press(asked);
  REQUIRE(wrong_key.has_value());
  CHECK(wrong_key->failures.size() == 1);
  CHECK(w.fake.files.bytes == files);
}

TEST_CASE("a dry run of the button says what would be, and writes nothing") {
  Anywhere w;
  w.tick();
  const auto files = w.visible();
  RedButton asked = w.from_checkout();
  asked.dry_run = true;
  const Pressed with = w.pressed(asked);
  REQUIRE(with.report.has_value());
  CHECK_FALSE(with.report->decisions.empty());
  asked = Anywhere::button();
  asked.stores = {"dir:/repo/public"};
  asked.dry_run = true;
  const Pressed beside = w.pressed(asked);
  REQUIRE(beside.beside.size() == 1);
  CHECK(beside.beside[0].done.release == "1.1.0");
  CHECK(w.visible() == files);
}
