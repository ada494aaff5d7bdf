#include <doctest/doctest.h>

#include <chrono>
#include <random>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "channel/appcast.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/sparkle_facts.hpp"
#include "channel/updater_testing.hpp"
#include "crypto/ed25519.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::testing;

namespace {

const crypto::SecretKey signing_key = *crypto::SecretKey::from_seed(Secret(std::string(32, 's')));
constexpr auto year = std::chrono::hours(24 * 365);

UpdaterBench bench_with_key() {
  UpdaterBench bench(sparkle());
  bench.client.key = "env:TRANCHE_SPARKLE_KEY";
  bench.fake.environ.values["TRANCHE_SPARKLE_KEY"] = to_base64(std::string(32, 's'));
  return bench;
}

UpdaterBench shipped_bench() {
  UpdaterBench bench = bench_with_key();
  REQUIRE(bench.ship("1.0.0", {{"Notes-1.0.0.zip", "one"}}, "darwin/universal"));
  REQUIRE(bench.ship("1.1.0", {{"Notes-1.1.0.zip", "two"}}, "darwin/universal"));
  REQUIRE(bench.ship("1.2.0", {{"Notes-1.2.0.zip", "three"}, {"Notes1.2.0-1.1.0.delta", "d"}},
                     "darwin/universal"));
  return bench;
}

cohort::Track sevenths(const std::string& release, unsigned k, const std::string& previous) {
  cohort::Track out = track(release, 100, previous);
  if (k < 7) out.share = Percent{(Percent::whole * k + 3) / 7};
  return out;
}

Appcast appcast_of(const UpdaterBench& bench, const std::string& name = "appcast.xml") {
  auto out = parse_appcast(bench.published.at(name), name);
  REQUIRE(out);
  return std::move(*out);
}

std::string versions(const Appcast& appcast) {
  std::string out;
  for (const AppcastItem& item : appcast.items)
    out += (out.empty() ? "" : " ") + item.version + (item.channel.empty() ? "" : "@" + item.channel);
  return out;
}

}  // namespace

TEST_CASE("sparkle: a release's archive and deltas are signed with the client's key, over their very bytes") {
  UpdaterBench bench = shipped_bench();
  const auto facts = parse_sparkle_facts(bench.releases.front().facts);
  REQUIRE(facts);
  CHECK(facts->item.version == "1.2.0");
  CHECK(facts->archive.name == "Notes-1.2.0.zip");
  CHECK(facts->archive.enclosure.length == 5);
  CHECK(
      crypto::verify(signing_key.public_key(), "three", *from_base64(facts->archive.enclosure.ed_signature)));
  REQUIRE(facts->deltas.size() == 1);
  CHECK(facts->deltas[0].enclosure.delta_from == "1.1.0");
  CHECK(crypto::verify(signing_key.public_key(), "d", *from_base64(facts->deltas[0].enclosure.ed_signature)));
  CHECK(to_text(*facts) == bench.releases.front().facts);
}

TEST_CASE("sparkle: PEM, seeds and Sparkle's older keys sign the same") {
  std::string first;
  for (const std::string& key :
       {to_base64(std::string(32, 's')), std::string(signing_key.to_pem().expose())}) {
    UpdaterBench bench = bench_with_key();
    bench.fake.environ.values["TRANCHE_SPARKLE_KEY"] = key;
    REQUIRE(bench.ship("1.0.0", {{"Notes-mac.zip", "one"}}));
    if (first.empty()) first = bench.releases.front().facts;
    CHECK(bench.releases.front().facts == first);
  }
}

TEST_CASE("sparkle: one archive is chosen, and what would be a guess is refused") {
  struct Case {
    std::map<std::string, std::string> files;
    const char* platform;
    const char* chosen;  // nullptr: refused; "": nothing for Macs
  };
  const Case cases[] = {
      {{{"Notes.dmg", "d"}, {"Notes-mac.zip", "z"}}, "any", "Notes-mac.zip"},
      {{{"Notes.dmg", "d"}}, "any", "Notes.dmg"},
      {{{"notes-linux.zip", "z"}, {"notes.deb", "d"}}, "any", ""},
      {{{"Notes.tar.xz", "t"}, {"notes.txt", "x"}}, "darwin/arm64", "Notes.tar.xz"},
  };
  for (const Case& one : cases) {
    UpdaterBench bench = bench_with_key();
    REQUIRE(bench.ship("1.0.0", one.files, one.platform));
    const std::string& facts = bench.releases.front().facts;
    CHECK((facts.empty() ? std::string() : parse_sparkle_facts(facts)->archive.name) == one.chosen);
  }
  // Two processors and nothing for both.
  UpdaterBench bench = bench_with_key();
  auto world = bench.fake.world();
  bench.fake.files.bytes["a.zip"] = bench.fake.files.bytes["b.zip"] = "x";
  const std::vector<artifact::Artifact> two = {{"a.zip", "darwin/arm64", 1, "", "a.zip"},
                                               {"b.zip", "darwin/amd64", 1, "", "b.zip"}};
  const auto described =
      bench.ecosystem.describe({world, bench.repository, "notes", "1.0.0", {}, two, bench.client});
  REQUIRE_FALSE(described);
  CHECK(described.error().hint.find("universal") != std::string::npos);
  // No key.
  bench.client.key.clear();
  const auto unsigned_one = bench.ship("1.0.0", {{"Notes.dmg", "d"}});
  REQUIRE_FALSE(unsigned_one);
  CHECK(unsigned_one.error().kind == ErrorKind::invalid);
  bench.client.key = "env:TRANCHE_SPARKLE_KEY";
  bench.fake.environ.values["TRANCHE_SPARKLE_KEY"] = "nonsense";
  CHECK_FALSE(bench.ship("1.0.0", {{"Notes.dmg", "d"}}));
}

TEST_CASE("sparkle: k of seven groups are in, and stay in, for years before and after") {
  for (unsigned k = 0; k <= 7; ++k) {
    CAPTURE(k);
    UpdaterBench bench = shipped_bench();
    const auto notes = bench.publish({sevenths("1.2.0", k, k < 7 ? "1.1.0" : "")});
    REQUIRE(notes);
    CHECK(notes->empty());
    for (const auto offset : {-1 * year, 0 * year, year / 2, year, 3 * year, 7 * year}) {
      CAPTURE(offset.count());
      const auto view = *bench.read(bench.issued + offset);
      unsigned in = 0;
      for (unsigned group = 0; group < 7; ++group) {
        const std::string id = fmt::format("{}", 7'000 + group);
        const Answer fresh = view->ask({id, ""}), old = view->ask({id, "1.1.0"});
        CHECK(fresh.offered == (group < k ? "1.2.0" : "1.1.0"));
        CHECK(old.offered == (group < k ? "1.2.0" : ""));
        if (group >= k && k > 0) CHECK(old.reason == "waits");
        if (group < k) CHECK(old.reason == (k == 7 ? "everyone" : "admitted"));
        in += fresh.offered == "1.2.0" ? 1 : 0;
      }
      CHECK(in == k);
      CHECK(view->share() == doctest::Approx(k == 0 ? 1 : k / 7.0));
      CHECK(view->offers() == (k == 0 ? "1.1.0" : "1.2.0"));
    }
  }
}

TEST_CASE("sparkle: any identifiers get what their group gets, and widening drops nobody") {
  const unsigned seed = std::random_device()();
  MESSAGE("seed ", seed);
  std::mt19937 random(seed);
  std::vector<std::string> ids;
  for (int i = 0; i < 2'000; ++i) ids.push_back(fmt::format("{}", random()));
  std::vector<bool> in(ids.size());
  for (unsigned k = 0; k <= 7; ++k) {
    UpdaterBench bench = shipped_bench();
    REQUIRE(bench.publish({sevenths("1.2.0", k, k < 7 ? "1.1.0" : "")}));
    const auto view = bench.view();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool now = view->ask({ids[i], "1.1.0"}).offered == "1.2.0";
      CHECK(now == (cohort::sparkle_group(*parse_u64(ids[i])) < k));
      CHECK((now || !in[i]));
      in[i] = now;
    }
  }
}

TEST_CASE("sparkle: a share that is no seventh is rounded down, and one below a seventh reaches nobody") {
  UpdaterBench bench = shipped_bench();
  const auto notes = bench.publish({track("1.2.0", 10, "1.1.0")});
  REQUIRE(notes->size() == 1);
  CHECK(notes->front() == "sparkle: nobody is reached at 10%: the client knows seven groups");
  CHECK(versions(appcast_of(bench)) == "1.1.0 1.0.0");
  REQUIRE(bench.publish({track("1.2.0", 50, "1.1.0")}));
  CHECK(bench.view()->share() == doctest::Approx(3 / 7.0));
}

TEST_CASE("sparkle: everyone has no interval, and the date is the release's own") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.publish({track("1.2.0", 100)}));
  const Appcast appcast = appcast_of(bench);
  CHECK(versions(appcast) == "1.2.0 1.1.0 1.0.0");
  CHECK_FALSE(appcast.items[0].phased_interval);
  CHECK(appcast.items[0].pub_date == "Sun, 01 Feb 2026 08:30:00 +0000");
  CHECK(appcast.items[0].enclosure->url ==
        "https://updates.example/stable/tranche/v1/releases/1.2.0/Notes-1.2.0.zip");
  CHECK(appcast.items[0].deltas.at(0).delta_from == "1.1.0");
  CHECK_FALSE(appcast.items[0].critical);
}

TEST_CASE("sparkle: signing a feed again changes no byte of it") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.publish({sevenths("1.2.0", 3, "1.1.0")}));
  const std::string first = bench.published.at("appcast.xml");
  bench.issued += std::chrono::hours(24 * 30);
  REQUIRE(bench.publish({sevenths("1.2.0", 3, "1.1.0")}));
  CHECK(bench.published.at("appcast.xml") == first);
}

TEST_CASE("sparkle: a fallback is critical, so no group waits for it") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.ship("1.2.1", {{"Notes-1.2.1.zip", "back"}}, "darwin/universal"));
  bench.releases.front().manifest.fallback_for = "1.2.0";
  bench.withdraw("1.2.0");
  auto one = track("1.2.1", 100);
  one.rescue = true;
  REQUIRE(bench.publish({one}));
  const auto view = bench.view();
  CHECK(view->ask({"6", "1.2.0"}).offered == "1.2.1");
  CHECK(view->ask({"6", "1.2.0"}).reason == "critical");
  CHECK(bench.published.at("appcast.xml").find("1.2.0.zip") == std::string::npos);
  // Back to what everybody had is no emergency for those who have it.
  auto lower = track("1.1.0", 100);
  lower.rescue = true;
  REQUIRE(bench.publish({lower}));
  CHECK_FALSE(appcast_of(bench).items[0].critical);
}

TEST_CASE("sparkle: a feed channel is ahead of the others in the same file, and cannot be behind") {
  UpdaterBench bench = shipped_bench();
  auto pilots = track("1.2.0", 100);
  pilots.feed_channel = "pilot";
  auto bank = track("1.0.0", 100);
  bank.feed_channel = "bank";
  auto notes = bench.publish({sevenths("1.2.0", 1, "1.1.0"), bank, pilots});
  REQUIRE(notes);
  CHECK(bench.published.size() == 1);
  CHECK(versions(appcast_of(bench)) == "1.2.0 1.2.0@pilot 1.1.0 1.0.0");
  CHECK(bench.view("pilot")->ask({"6", "1.1.0"}).offered == "1.2.0");
  CHECK(bench.view()->ask({"6", "1.1.0"}).offered.empty());
  REQUIRE(notes->size() == 1);
  CHECK(notes->front() ==
        "sparkle: hosts of channel bank read the default items as well: they get 1.2.0 as the others do, not "
        "only "
        "1.0.0");
  // Once everyone has it, the channel needs no item of its own.
  notes = bench.publish({track("1.2.0", 100), pilots});
  CHECK(versions(appcast_of(bench)) == "1.2.0 1.1.0 1.0.0");
  pilots.feed_channel = "pi lot";
  const auto refused = bench.write({track("1.1.0", 100), pilots});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::invalid);
}

TEST_CASE("sparkle: nothing to say writes nothing, no url is an error with what to do") {
  UpdaterBench bench = shipped_bench();
  CHECK(bench.write({track("", 100)})->pointers.empty());
  bench.channel.url.clear();
  CHECK(bench.write({track("", 100)}));
  const auto refused = bench.write({track("1.2.0", 100)});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().hint.find("channels.stable.url") != std::string::npos);
}

TEST_CASE("sparkle: a release without an archive for Macs leaves the older ones, and says so") {
  UpdaterBench bench = shipped_bench();
  bench.client.channel = "stable";
  bench.releases.front().facts.clear();
  const auto notes = bench.publish({track("1.2.0", 100)});
  CHECK(notes->front() == "sparkle: release 1.2.0 has no archive for Macs");
  CHECK(versions(appcast_of(bench, "stable.xml")) == "1.1.0 1.0.0");
}

TEST_CASE("sparkle: an identifier that is none waits for every group, and still gets what is for all") {
  UpdaterBench bench = shipped_bench();
  REQUIRE(bench.publish({sevenths("1.2.0", 6, "1.1.0")}));
  for (const char* id : {"", "x", "-1", "99999999999999999999999"}) {
    CHECK(bench.view()->ask({id, "1.0.0"}).offered == "1.1.0");
    CHECK(bench.view()->ask({id, "1.1.0"}).reason == "no-id");
  }
  REQUIRE(bench.publish({track("1.2.0", 100)}));
  CHECK(bench.view()->ask({"", "1.1.0"}).offered == "1.2.0");
  CHECK(bench.view()->ask({"3", "1.2.0"}).reason == "running");
  CHECK(bench.view()->ask({"3", "2.0"}).reason == "newer");
  CHECK_FALSE(bench.view()->explain({"3", "1.1.0"}).empty());
}

TEST_CASE("sparkle: an adopted item keeps what it said, and its archive where it lies") {
  const std::string theirs =
      "<rss xmlns:sparkle=\"http://www.andymatuschak.org/xml-namespaces/sparkle\"><channel><item>"
      "<title>Old</title><pubDate>Sat, 26 Jul 2014 15:20:11 "
      "+0000</pubDate><sparkle:version>400</sparkle:version>"
      "<sparkle:shortVersionString>1.4</sparkle:shortVersionString>"
      "<sparkle:minimumSystemVersion>12.0</sparkle:minimumSystemVersion>"
      "<sparkle:releaseNotesLink>https://x.example/n.html</sparkle:releaseNotesLink>"
      "<enclosure url=\"archives/Old%201.4.zip\" length=\"9\" type=\"application/zip\" "
      "sparkle:edSignature=\"c2ln\"/>"
      "<sparkle:deltas><enclosure url=\"https://cdn.example/4-3.delta\" sparkle:deltaFrom=\"300\" "
      "length=\"2\"/>"
      "</sparkle:deltas></item></channel></rss>";
  UpdaterBench bench = shipped_bench();
  const auto view = bench.view_of("appcast.xml", theirs);
  REQUIRE(view != nullptr);
  REQUIRE(view->releases().size() == 1);
  CHECK(view->releases()[0].files[0].name == "archives/Old 1.4.zip");
  CHECK(view->releases()[0].files[1].name.empty());
  const auto facts = view->facts("400");
  REQUIRE(facts);
  Shipped adopted;
  adopted.manifest.app = "notes";
  adopted.manifest.version = "400";
  adopted.facts = *facts;
  bench.releases = {adopted};
  REQUIRE(bench.publish({track("400", 100)}));
  const AppcastItem item = appcast_of(bench).items.at(0);
  CHECK(item.title == "Old");
  CHECK(item.short_version == "1.4");
  CHECK(item.pub_date == "Sat, 26 Jul 2014 15:20:11 +0000");
  CHECK(item.minimum_system == "12.0");
  CHECK(item.notes_link == "https://x.example/n.html");
  CHECK(item.enclosure->url == "https://updates.example/stable/archives/Old%201.4.zip");
  CHECK(item.enclosure->type == "application/zip");
  CHECK(item.enclosure->ed_signature == "c2ln");
  CHECK(item.deltas.at(0).url == "https://cdn.example/4-3.delta");
  // With its own address known, a whole address below it is a name in the store.
  bench.base_url = "https://cdn.example";
  CHECK(bench.view_of("appcast.xml", theirs)->releases()[0].files[1].name == "4-3.delta");
  CHECK_FALSE(view->facts("1"));
}

TEST_CASE("sparkle: the audit names every trap with this feed's numbers") {
  struct Case {
    const char* item;
    const char* code;
  };
  constexpr Case cases[] = {
      {"<sparkle:phasedRolloutInterval>86400</sparkle:phasedRolloutInterval>", "no-date"},
      {"<pubDate>2014-07-26</pubDate><sparkle:phasedRolloutInterval>86400</sparkle:phasedRolloutInterval>",
       "unreadable-date"},
      {"<pubDate>Sun, 01 Mar 2026 00:00:00 +0000</pubDate><sparkle:phasedRolloutInterval>86400"
       "</sparkle:phasedRolloutInterval>",
       "phased"},
      {"<pubDate>Sun, 01 Mar 2099 00:00:00 +0000</pubDate><sparkle:phasedRolloutInterval>86400"
       "</sparkle:phasedRolloutInterval>",
       "future"},
      {"<pubDate>Sun, 01 Mar 2026 00:00:00 +0000</pubDate><sparkle:phasedRolloutInterval>86400"
       "</sparkle:phasedRolloutInterval><sparkle:criticalUpdate sparkle:version='1.5'/>",
       "critical-bypass"},
      {"<sparkle:channel>my beta</sparkle:channel>", "bad-channel"},
      {"", "unsigned-archive"},
      {"", "plain-http"},
      {"", "unsigned"},
      {"", "unrecoverable"},
      {"", "manual-checks"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.code);
    UpdaterBench bench(sparkle());
    const auto view = bench.view_of(
        "appcast.xml",
        std::string(
            "<rss xmlns:sparkle=\"http://www.andymatuschak.org/xml-namespaces/sparkle\"><channel><item>"
            "<sparkle:version>2.0</sparkle:version>") +
            one.item + "<enclosure url=\"http://x.example/a.zip\"/></item></channel></rss>");
    REQUIRE(view != nullptr);
    CHECK(has_code(view->audit(bench.issued), one.code));
  }
  UpdaterBench bench(sparkle());
  const auto view = bench.view_of("appcast.xml",
                                  "<rss><channel></channel></rss>\n<!-- sparkle-signatures:\nedSignature: "
                                  "AAAA\nlength: 30\n-->\n");
  REQUIRE(view != nullptr);
  CHECK(has_code(view->audit(bench.issued), "signed-feed"));
  CHECK(view->ask({"1", "1.0"}).reason == "nothing");
  CHECK(bench.read(bench.issued, {}, "other.xml")->get() == nullptr);
}

TEST_CASE("sparkle: answers do not depend on what was asked before, by however many versions") {
  UpdaterBench bench = shipped_bench(), other = shipped_bench();
  REQUIRE(bench.publish({sevenths("1.2.0", 3, "1.1.0")}));
  REQUIRE(other.publish({track("1.1.0", 100)}));
  const auto view = bench.view(), second = other.view();
  for (int round = 0; round < 3; ++round)
    for (int minor = 0; minor < 100; ++minor) {
      const std::string version = fmt::format("0.{}", minor);
      CHECK(view->ask({"2", version}).offered == "1.2.0");
      CHECK(view->ask({"3", version}).offered == "1.1.0");
      CHECK(second->ask({"2", version}).offered == "1.1.0");
    }
}
