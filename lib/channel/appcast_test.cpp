// Sparkle's sample feeds with what its own tests (Tests/SUAppcastTest.swift) expect of each, as tables; then
// our reader and writer on hostile and odd files.
#include "channel/appcast.hpp"

#include <doctest/doctest.h>

#include "channel/appcast_rules.hpp"
#include "channel/xml.hpp"
#include "support/corpora.hpp"

using namespace tranche;
using namespace tranche::channel;

namespace {

std::optional<Appcast> sample(const std::string& name) {
  const auto folder = support::find_corpus("sparkle");
  if (!folder) return std::nullopt;
  auto appcast = parse_appcast(support::read_corpus_file(*folder + "/" + name), name);
  REQUIRE(appcast);
  return std::move(*appcast);
}

SparkleHost host(const std::string& version) {
  SparkleHost out;
  out.version = version;
  return out;
}

std::string versions(const std::vector<const AppcastItem*>& items) {
  std::string out;
  for (const AppcastItem* item : items) out += (out.empty() ? "" : " ") + item->version;
  return out;
}

std::vector<const AppcastItem*> all_of(const Appcast& appcast) {
  std::vector<const AppcastItem*> out;
  for (const AppcastItem& item : appcast.items) out.push_back(&item);
  return out;
}

Instant at(const char* text) { return *parse_instant(text); }
const Instant today = at("2026-11-21T00:00:00Z");

std::string feed_of(const std::string& items, const std::string& prefix = "sparkle") {
  return "<rss version=\"2.0\" xmlns:" + prefix +
         "=\"http://www.andymatuschak.org/xml-namespaces/sparkle\"><channel>" + items + "</channel></rss>";
}

}  // namespace

TEST_CASE("appcast: testParseAppcast") {
  const auto appcast = sample("testappcast.xml");
  if (!appcast) return;
  const auto& items = appcast->items;
  REQUIRE(items.size() == 4);
  CHECK(items[0].title == "Version 2.0");
  CHECK(items[0].description == "desc");
  CHECK(items[0].description_format == "plain-text");
  CHECK(items[0].pub_date == "Sat, 26 Jul 2014 15:20:11 +0000");
  CHECK(items[0].version == "2.0");
  CHECK(items[1].title == "Version 3.0");
  CHECK(items[1].description == "desc3");
  CHECK_FALSE(items[1].pub_date);
  CHECK(items[1].phased_interval == 86'400);
  CHECK(items[2].pub_date == "Sat, 26 Jul 2014 15:20:13 +0000");
  const SparkleHost old = host("1.0");
  const bool critical[] = {true, true, false, false};
  for (std::size_t i = 0; i < 4; ++i) CHECK(is_critical(items[i], old) == critical[i]);
  // The best that fits the system of the time: 4.0 wants 17.0.0, 5.0 at most 2.0.0.
  SparkleHost mac = host("1.0");
  mac.system = "14.5";
  const AppcastItem* best = best_item(supported_items(all_of(*appcast), mac, today, false));
  REQUIRE(best != nullptr);
  CHECK(best == &items[1]);
  REQUIRE(best->deltas.size() == 2);
  CHECK(best->deltas[0].delta_from == "2.0");
  CHECK(best->deltas[1].url.ends_with("3.0_from_1.0.patch"));
}

TEST_CASE("appcast: testCriticalUpdateVersion") {
  const auto appcast = sample("testappcast.xml");
  if (!appcast) return;
  CHECK(is_critical(appcast->items[0], host("1.0")));
  CHECK_FALSE(is_critical(appcast->items[0], host("1.5")));
  CHECK_FALSE(is_critical(appcast->items[0], host("1.6")));
}

TEST_CASE("appcast: testChannelsAndMacOSReleases") {
  const auto appcast = sample("testappcast_channels.xml");
  if (!appcast) return;
  CHECK(appcast->items.size() == 6);
  struct Case {
    std::set<std::string> channels;
    const char* visible;
  };
  const Case cases[] = {{{"beta", "nightly"}, "2.0 3.0 4.0 5.0"},
                        {{}, "2.0 3.0"},
                        {{"beta"}, "2.0 3.0 4.0"},
                        {{"nightly"}, "2.0 3.0 5.0"},
                        {{"madeup"}, "2.0 3.0"}};
  for (const Case& one : cases) {
    SparkleHost mac = host("1.0");
    mac.channels = one.channels;
    CHECK(versions(visible_items(*appcast, mac)) == one.visible);
  }
}

TEST_CASE("appcast: testInformationalUpdateVersions") {
  const auto appcast = sample("testappcast_info_updates.xml");
  if (!appcast) return;
  const auto& items = appcast->items;
  CHECK_FALSE(is_informational(items[0], host("1.0")));
  CHECK_FALSE(is_informational(items[1], host("1.0")));
  CHECK(is_informational(items[2], host("1.0")));
  CHECK(is_informational(items[3], host("1.0")));
  struct Case {
    const char* running;
    bool informational;
  };
  for (const Case& one : {Case{"2.3", false}, Case{"2.4", true}, Case{"2.5", true}, Case{"2.6", false},
                          Case{"0.5", false}, Case{"0.4", true}, Case{"0.0", true}}) {
    CAPTURE(one.running);
    CHECK(is_informational(items[1], host(one.running)) == one.informational);
  }
}

TEST_CASE("appcast: testMinimumAutoupdateVersion and its skipped updates") {
  struct Case {
    const char* file;
    const char* running;
    const char* skipped;
    const char* skipped_major;
    const char* skipped_major_sub;
    bool without_major;
    const char* supported;
    const char* best;
  };
  constexpr const char* plain = "testappcast_minimumAutoupdateVersion.xml";
  constexpr const char* skipping = "testappcast_minimumAutoupdateVersionSkipping.xml";
  constexpr const char* ignoring = "testappcast_minimumAutoupdateVersionSkipping2.xml";
  constexpr Case cases[] = {
      {plain, "1.0", "", "", "", true, "2.0", "2.0"},
      {plain, "2.0", "", "", "", true, "3.0 2.0", "3.0"},
      {plain, "2.5", "", "", "", true, "3.0 2.0", "3.0"},
      {plain, "1.0", "2.0", "", "", true, "", ""},
      {plain, "1.0", "2.0", "", "", false, "3.0", "3.0"},
      {plain, "1.0", "", "3.0", "", false, "2.0", "2.0"},
      {plain, "1.0", "2.0", "3.0", "", false, "", ""},
      {plain, "1.0", "2.5", "", "", false, "3.0", "3.0"},
      {plain, "1.0", "1.5", "", "", true, "2.0", "2.0"},
      {plain, "1.0", "1.5", "", "", false, "3.0 2.0", "3.0"},
      {plain, "1.0", "1.5", "1.0", "", true, "2.0", "2.0"},
      {plain, "1.0", "1.5", "1.0", "", false, "3.0 2.0", "3.0"},
      {skipping, "1.0", "", "", "", true, "2.0", "2.0"},
      {skipping, "1.0", "", "3.0", "", false, "4.1 4.0 2.0", "4.1"},
      {skipping, "1.0", "", "3.0", "", true, "2.0", "2.0"},
      {skipping, "1.0", "", "4.0", "", false, "2.0", "2.0"},
      {ignoring, "1.0", "", "3.0", "", false, "4.1 4.0 3.9 2.0", "4.1"},
      {ignoring, "1.0", "", "3.4", "", false, "4.1 4.0 3.9 2.0", "4.1"},
      {ignoring, "1.0", "", "3.0", "3.5", false, "4.1 4.0 2.0", "4.1"},
      {ignoring, "1.0", "", "3.0", "3.5.1", false, "4.1 4.0 2.0", "4.1"},
      {ignoring, "1.0", "", "4.0", "4.0", false, "2.0", "2.0"},
      {ignoring, "1.0", "2.1", "4.0", "4.0", false, "", ""},
  };
  for (const Case& one : cases) {
    CAPTURE(one.file);
    CAPTURE(one.running);
    CAPTURE(one.skipped);
    CAPTURE(one.skipped_major);
    const auto appcast = sample(one.file);
    if (!appcast) return;
    SparkleHost mac = host(one.running);
    mac.skipped = one.skipped;
    mac.skipped_major = one.skipped_major;
    mac.skipped_major_sub = one.skipped_major_sub;
    const auto supported = supported_items(all_of(*appcast), mac, today, one.without_major);
    CHECK(versions(supported) == one.supported);
    const AppcastItem* best = best_item(supported);
    CHECK((best == nullptr ? std::string() : best->version) == one.best);
  }
}

TEST_CASE("appcast: testPhasedGroupRollouts") {
  const auto appcast = sample("testappcast_phasedRollout.xml");
  if (!appcast) return;
  struct Case {
    const char* running;
    int group;  // -1: a manual check
    const char* now;
    const char* supported;
  };
  constexpr const char* before = "2014-07-23T15:20:11Z";
  constexpr const char* after = "2014-07-28T15:20:11Z";  // two days: groups 0, 1 and 2
  constexpr const char* later = "2026-01-01T00:00:00Z";
  constexpr Case cases[] = {
      {"1.0", -1, later, "2.0"},     {"1.0", 6, later, "2.0"},  {"1.0", 0, before, ""},
      {"1.0", 6, before, ""},        {"1.0", 0, after, "2.0"},  {"1.0", 1, after, "2.0"},
      {"1.0", 2, after, "2.0"},      {"1.0", 3, after, ""},     {"1.0", 6, after, ""},
      {"2.0", -1, later, "3.0 2.0"}, {"2.0", 0, before, "3.0"}, {"2.0", 6, after, "3.0"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.running);
    CAPTURE(one.group);
    CAPTURE(one.now);
    SparkleHost mac = host(one.running);
    if (one.group >= 0) mac.group = static_cast<unsigned>(one.group);
    CHECK(versions(supported_items(all_of(*appcast), mac, at(one.now), true)) == one.supported);
  }
}

TEST_CASE("appcast: dates are read as the client's formatter reads them") {
  struct Case {
    const char* text;
    const char* instant;  // nullptr: no date
  };
  constexpr Case cases[] = {
      {"Sat, 26 Jul 2014 15:20:11 +0000", "2014-07-26T15:20:11Z"},
      {"Sat, 6 Jul 2014 15:20:11 GMT", "2014-07-06T15:20:11Z"},
      {" Sat, 26 Jul 2014 15:20:11 -0830\n", "2014-07-26T23:50:11Z"},
      {"Sat, 26 Jul 2014 15:20:11 +02:00", "2014-07-26T13:20:11Z"},
      {"Tue, 01 Jan 1974 00:00:00 +0000", "1974-01-01T00:00:00Z"},
      {"26 Jul 2014 15:20:11 +0000", nullptr},
      {"Sat, 26 Jul 2014", nullptr},
      {"Sat, 31 Feb 2014 15:20:11 +0000", nullptr},
      {"Sat, 26 Jul 14 15:20:11 +0000", nullptr},
      {"Sat, 26 Jul 2014 15:20:11", nullptr},
      {"Sat, 26 Jul 2014 25:20:11 +0000", nullptr},
      {"2014-07-26T15:20:11Z", nullptr},
      {"Sam., 26 juil. 2014 15:20:11 +0000", nullptr},
      {"", nullptr},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const auto read = parse_rss_date(one.text);
    REQUIRE(read.has_value() == (one.instant != nullptr));
    if (read) {
      CHECK(to_text(*read) == one.instant);
      CHECK(parse_rss_date(to_rss_date(*read)) == read);
    }
  }
  CHECK(to_rss_date(at("2014-07-26T15:20:11.250Z")) == "Sat, 26 Jul 2014 15:20:11 +0000");
}

TEST_CASE(
    "appcast: an item is found by namespace whatever the prefix, and by prefix where none is declared") {
  const std::string item =
      "<item><X:version>1.0</X:version><X:minimumSystemVersion> 12 </X:minimumSystemVersion>"
      "<enclosure url=\"a.zip\" length=\"7\" X:edSignature=\"c2ln\"/></item>";
  const auto with = [&](const std::string& prefix) {
    std::string out = item;
    for (std::size_t at = out.find("X:"); at != std::string::npos; at = out.find("X:"))
      out.replace(at, 2, prefix + ":");
    return out;
  };
  const auto undeclared = "<rss><channel>" + with("sparkle") + "</channel></rss>";
  for (const std::string& text : {feed_of(with("sparkle")), feed_of(with("sp"), "sp"), undeclared}) {
    CAPTURE(text);
    const auto appcast = parse_appcast(text, "appcast.xml");
    REQUIRE(appcast);
    REQUIRE(appcast->items.size() == 1);
    CHECK(appcast->items[0].version == "1.0");
    CHECK(appcast->items[0].minimum_system == "12");
    CHECK(appcast->items[0].enclosure->ed_signature == "c2ln");
    CHECK(appcast->items[0].enclosure->length == 7);
  }
}

TEST_CASE("appcast: versions come from the enclosure, the item or the file's name, in this order") {
  struct Case {
    const char* item;
    const char* version;
  };
  constexpr Case cases[] = {
      {"<sparkle:version>1</sparkle:version><enclosure url='A_3.zip' sparkle:version='2'/>", "2"},
      {"<sparkle:version>1</sparkle:version><enclosure url='A_3.zip'/>", "1"},
      {"<enclosure url='http://x.example/My_App_0.5.zip'/>", "0.5"},
      {"<sparkle:version>7</sparkle:version><link>https://x.example/</link>", "7"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.item);
    const auto appcast = parse_appcast(feed_of("<item>" + std::string(one.item) + "</item>"), "a.xml");
    REQUIRE(appcast);
    CHECK(appcast->items.at(0).version == one.version);
  }
}

TEST_CASE("appcast: what makes a client refuse the feed makes us refuse it") {
  for (const char* item :
       {"<item><title>no version</title><enclosure url='a.zip'/></item>",
        "<item><sparkle:version>1</sparkle:version></item>",
        "<item><sparkle:version>1</sparkle:version><enclosure length='3'/></item>",
        "<item><sparkle:version>1</sparkle:version><enclosure url='file:///etc/passwd'/></item>",
        "<item><sparkle:version>1</sparkle:version><enclosure url='javascript:alert(1)'/></item>",
        "<item><sparkle:version>1</sparkle:version><enclosure url='a.zip' "
        "sparkle:installationType='x'/></item>",
        "<item>"}) {
    CAPTURE(item);
    const auto appcast = parse_appcast(feed_of(item), "appcast.xml");
    REQUIRE_FALSE(appcast);
    CHECK(appcast.error().kind == ErrorKind::verification);
    CHECK(appcast.error().message.find("appcast.xml:") == 0);
  }
  CHECK_FALSE(parse_appcast("<html/>", "a"));
  CHECK_FALSE(parse_appcast("", "a"));
}

TEST_CASE("appcast: entities, document types and depth are refused before they cost anything") {
  const std::string bomb =
      "<!DOCTYPE rss [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b "
      "'&a;&a;&a;&a;&a;&a;'>]><rss><channel>&b;</channel></rss>";
  const auto doctype = parse_xml(bomb, "bomb.xml");
  REQUIRE_FALSE(doctype);
  CHECK(doctype.error().message.find("document type") != std::string::npos);
  CHECK_FALSE(parse_xml("<rss>&undefined;</rss>", "a"));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "<a>";
  const auto nested = parse_xml(deep, "deep.xml");
  REQUIRE_FALSE(nested);
  CHECK(nested.error().message.find("nested too deeply") != std::string::npos);
  XmlLimits few;
  few.max_elements = 3;
  CHECK_FALSE(parse_xml("<a><b/><b/><b/></a>", "many.xml", few));
  few.max_bytes = 4;
  CHECK_FALSE(parse_xml("<a></a>", "large.xml", few));
}

TEST_CASE("appcast: what is written reads back as it was, hostile texts included") {
  AppcastItem item;
  item.title = "a <b> & \"c\" 'd'";
  item.version = item.short_version = "1.2.0";
  item.pub_date = "Sat, 26 Jul 2014 15:20:11 +0000";
  item.released = parse_rss_date(*item.pub_date);
  item.channel = "beta";
  item.link = "https://x.example/?a=1&b=2";
  item.notes_link = "https://x.example/notes";
  item.description = "<p>]]></p>";
  item.description_format = "markdown";
  item.minimum_system = "12.0";
  item.maximum_system = "15.0";
  item.hardware = "arm64";
  item.minimum_autoupdate = "1.0";
  item.minimum_update = "0.9";
  item.ignore_skipped_below = "1.1";
  item.phased_interval = 86'400;
  item.critical = "1.1";
  item.informational = {"1.0", "<0.5"};
  item.enclosure = Enclosure{};
  item.enclosure->url = "https://x.example/a b.zip?x=\"\n\t";
  item.enclosure->length = 42;
  item.enclosure->ed_signature = "c2ln";
  item.enclosure->installation_type = "application";
  Enclosure delta = *item.enclosure;
  delta.delta_from = "1.1.0";
  item.deltas.push_back(delta);
  Appcast appcast;
  appcast.title = "notes & more";
  appcast.items = {item};
  const std::string text = write_appcast(appcast);
  auto read = parse_appcast(text, "appcast.xml");
  REQUIRE(read);
  REQUIRE(read->items.size() == 1);
  read->items[0].line = 0;
  CHECK(read->items[0] == item);
  CHECK(read->title == appcast.title);
  CHECK(write_appcast(*read) == text);
}
