#include "channel/audit.hpp"

#include <doctest/doctest.h>

#include "support/fake_world.hpp"

namespace tranche::channel {
namespace {

// A feed of one line, "VERSION PERCENT": enough to see who is asked what.
class LineView final : public View {
 public:
  explicit LineView(Named file) : files_{std::move(file)} {
    const std::string& line = files_.front().bytes;
    version_ = line.substr(0, line.find(' '));
    share_ = std::stod(line.substr(line.find(' ') + 1)) / 100;
    releases_.push_back({version_, "any", {}});
  }
  [[nodiscard]] Answer ask(const Asker& /*asker*/) const override { return {version_, "everyone"}; }
  [[nodiscard]] std::vector<std::string> explain(const Asker& /*asker*/) const override { return {}; }
  [[nodiscard]] const std::vector<Named>& files() const override { return files_; }
  [[nodiscard]] const std::vector<NamedRelease>& releases() const override { return releases_; }
  [[nodiscard]] double share() const override { return share_; }
  [[nodiscard]] std::string offers() const override { return version_; }
  [[nodiscard]] std::vector<Remark> audit(Instant /*now*/) const override {
    return {{Level::good, "whole", "all is there", ""},
            {Level::problem, "unsigned", "nobody signed it", "sign it"},
            {Level::note, "sticky", "always the same", ""},
            {Level::warning, "stale", "it is old", "renew it"}};
  }
  [[nodiscard]] Result<std::string> facts(const std::string& /*version*/) const override {
    return std::string();
  }

 private:
  std::vector<Named> files_;
  std::string version_;
  double share_ = 0;
  std::vector<NamedRelease> releases_;
};

Result<std::unique_ptr<View>> read_line(const ReadInput& input) {
  const std::string name = input.file.empty() ? "latest.yml" : input.file;
  auto bytes = TRY(input.fetch(name, max_ecosystem_file));
  if (!bytes) return std::unique_ptr<View>();
  return std::unique_ptr<View>(std::make_unique<LineView>(Named{name, *bytes}));
}
Result<std::unique_ptr<View>> read_nothing(const ReadInput& /*input*/) { return std::unique_ptr<View>(); }

const std::vector<Ecosystem> fakes{{"electron", nullptr, nullptr, nullptr, read_line},
                                   {"apt", nullptr, nullptr, nullptr, read_nothing}};

AuditInput usual_input() {
  AuditInput input;
  input.wanted = {Percent{5'000}, Percent{100'000}, Percent{Percent::whole}};
  return input;
}

}  // namespace

TEST_CASE("the client of a feed is told from its name and its beginning") {
  struct Row {
    std::string_view name, bytes, feed;
  };
  const Row rows[] = {
      {"latest.yml", "version: 1.0.0\nfiles:\n", "electron"},
      {"beta-mac.yml", "", "electron"},
      {"x", "version: 1.0.0\nfiles:\n  - url: a\n", "electron"},
      {"dists/stable/InRelease", "-----BEGIN PGP", "apt"},
      {"Packages.gz", "\x1f\x8b", "apt"},
      {"list", "Package: a\nVersion: 1\n", "apt"},
      {"latest.json", R"({"version":"1.0.0","platforms":{}})", "tauri"},
      {"update", R"({"version":"1.0.0","url":"https://x/","signature":"s"})", "tauri"},
      {"releases.win.json", R"({"Assets":[]})", "velopack"},
      {"releases.win.json", R"({"assets":[]})", "velopack"},
      {"appcast.xml", "<?xml version=\"1.0\"?>\n<rss xmlns:sparkle=\"x\">", "sparkle"},
      {"RELEASES", "", "squirrel"},
      {"x",
       "\xEF\xBB\xBF"
       "94689fede03fed7ab59c24337673a27837f0c3ec MyApp-1.0.nupkg 1004502",
       "squirrel"},
      {"feed.json", R"({"payloadType":"application/vnd.tranche.feed.v1+json"})", "tranche"},
      {"index.html", "<html></html>", ""},
      {"a.json", "{}", ""},
      {"a.json", "{", ""},
      {"notes.txt", "hello", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(detect_feed(row.name, row.bytes) == row.feed);
  }
}

TEST_CASE("a file is read by its own client, and the shares become what that client makes of them") {
  support::FakeWorld fake;
  fake.files.bytes["/feeds/latest.yml"] = "1.2.0 20";
  auto world = fake.world();
  const auto opened = open_site(world, "/feeds/latest.yml");
  REQUIRE(opened);
  CHECK(opened->file == "latest.yml");
  const auto audits = audit_site(*opened, usual_input(), fakes);
  REQUIRE(audits);
  REQUIRE(audits->size() == 1);
  const FeedAudit& audit = audits->front();
  CHECK(audit.feed == "electron");
  CHECK(audit.view->offers() == "1.2.0");
  REQUIRE(audit.asked.size() == 3);
  CHECK(audit.asked[0].reach.share == 0);
  CHECK_FALSE(audit.asked[0].reach.honoured);
  CHECK(audit.asked[1].reach.share == doctest::Approx(0.1));
  CHECK(audit.asked[2].reach.share == 1);
}

TEST_CASE("remarks come with the worst first, and the worst of all is known") {
  support::FakeWorld fake;
  fake.files.bytes["/feeds/latest.yml"] = "1.2.0 20";
  auto world = fake.world();
  const auto opened = open_site(world, "/feeds");
  REQUIRE(opened);
  const auto audits = audit_site(*opened, usual_input(), fakes);
  REQUIRE(audits);
  REQUIRE(audits->size() == 1);  // APT found nothing of its own there
  const auto& remarks = audits->front().remarks;
  REQUIRE(remarks.size() == 4);
  CHECK(remarks.front().code == "unsigned");
  CHECK(remarks.back().code == "whole");
  CHECK(worst_level(*audits) == Level::problem);
}

TEST_CASE("what is no feed, and what is our own feed, is said with what to do") {
  support::FakeWorld fake;
  fake.files.bytes["/feeds/readme"] = "hello";
  fake.files.bytes["/feeds/feed.json"] = R"({"payloadType":"x"})";
  fake.files.bytes["/empty/x"] = "";
  auto world = fake.world();
  const auto audit = [&](const std::string& place, const std::string& feed = {}) {
    const auto opened = open_site(world, place);
    REQUIRE(opened);
    AuditInput input = usual_input();
    input.feed = feed;
    const auto audits = audit_site(*opened, input, fakes);
    REQUIRE_FALSE(audits);
    return audits.error();
  };
  CHECK(audit("/feeds/readme").kind == ErrorKind::invalid);
  CHECK(audit("/feeds/readme").hint.find("--feed") != std::string::npos);
  CHECK(audit("/feeds/feed.json").hint.find("feed check") != std::string::npos);
  CHECK(audit("/empty").kind == ErrorKind::invalid);
  CHECK(audit("/empty", "tauri").message == "this build does not read the feed 'tauri'");
  CHECK_FALSE(open_site(world, "/nowhere"));
  CHECK_FALSE(open_site(world, "ftp://host/x"));
}

}  // namespace tranche::channel
