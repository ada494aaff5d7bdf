#include "actions/adopt.hpp"

#include <doctest/doctest.h>

#include "actions/releases.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "channel/statement.hpp"
#include "crypto/digest.hpp"
#include "crypto/hash.hpp"
#include "support/fake_world.hpp"

namespace tranche::actions {
namespace {

constexpr const char* usual_yaml = R"(
version: 1
app: notes-agent
artifacts: ["dist/*-{version}.exe"]
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: env:TRANCHE_RELEASE_KEY, feed: env:TRANCHE_FEED_KEY, journal: env:TRANCHE_JOURNAL_KEY }
state: dir:state
channels: { stable: { store: "dir:public", feeds: [tranche, electron] } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
)";

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// What electron-builder leaves in a directory: the files and, for each system, what clients read.
class OtherTool {
 public:
  explicit OtherTool(std::string yaml = usual_yaml) : world(fake.world()) {
    fake.files.bytes["/repo/tranche.yaml"] = yaml;
    app = must(spec::parse(yaml)).apps[0];
    for (const auto& [role, variable] :
         {std::pair{"release", "TRANCHE_RELEASE_KEY"}, std::pair{"feed", "TRANCHE_FEED_KEY"},
          std::pair{"journal", "TRANCHE_JOURNAL_KEY"}}) {
      const auto key = *crypto::SecretKey::from_seed(Secret(std::string(32, role[0])));
      fake.files.bytes[fmt::format("/repo/keys/{}.pub", role)] = crypto::to_pem(key.public_key());
      fake.environ.values[variable] = std::string(key.to_pem().expose());
    }
    fake.environ.values["HOME"] = "/home/ana";
  }
  OtherTool(const OtherTool&) = delete;
  OtherTool& operator=(const OtherTool&) = delete;

  void publish(const std::string& version, const std::string& file = "latest.yml",
               const std::string& staging = {}) {
    const std::string name = "notes-" + version + (file == "latest.yml" ? ".exe" : ".AppImage");
    const std::string bytes = "the code of " + name;
    fake.files.bytes["/repo/public/" + name] = bytes;
    const std::string sha512 = to_base64(crypto::hash(crypto::HashKind::sha512, bytes));
    std::string yml = fmt::format(
        "version: {0}\nfiles:\n  - url: {1}\n    sha512: {2}\n    size: {3}\npath: {1}\nsha512: {2}\n"
        "releaseDate: '2026-01-01T00:00:00.000Z'\n",
        version, name, sha512, bytes.size());
    if (!staging.empty()) yml += "stagingPercentage: " + staging + "\n";
    fake.files.bytes["/repo/public/" + file] = yml;
  }

  std::unique_ptr<Deck> open() { return must(Deck::open(world, "/repo", app, "ana@example.org")); }
  Result<Adopted> adopt(channel::Choice choice = {}, bool dry_run = false) {
    const auto deck = TRY(Deck::open(world, "/repo", app, "ana@example.org"));
    store::Store* store = TRY(deck->channel_store(app.channels[0]));
    const auto site = channel::open_store_site(fake.files, *store);
    return adopt_channel(*deck, {.channel = app.channels[0],
                                 .site = *site,
                                 .in_place = true,
                                 .choice = std::move(choice),
                                 .dry_run = dry_run,
                                 .reason = "move"});
  }
  const std::string& file(const std::string& name) { return fake.files.bytes["/repo/public/" + name]; }
  bool has(const std::string& name) { return fake.files.bytes.contains("/repo/public/" + name); }

  support::FakeWorld fake;
  ports::World world;
  spec::App app;
};

std::size_t entries_of_kind(Deck& deck, std::string_view kind) {
  std::size_t count = 0;
  for (const journal::Entry& entry : must(deck.journal().read(0, deck.journal().size())))
    count += entry.kind == kind;
  return count;
}

}  // namespace

TEST_CASE("adopting signs the release in force and seals its files, and clients read what they read before") {
  OtherTool other;
  other.publish("1.2.0");
  other.publish("1.2.0", "latest-linux.yml");
  const std::string before = other.file("latest.yml");
  const Adopted adopted = must(other.adopt());
  CHECK(adopted.changed);
  CHECK(adopted.baseline == "1.2.0");
  CHECK(adopted.files.size() == 2);
  CHECK(other.file("latest.yml") == before);
  CHECK_FALSE(other.has(std::string(channel::feed_name)));  // the first publish is another step

  const auto deck = other.open();
  const auto state = must(deck->channel_state("stable"));
  REQUIRE(state);
  CHECK(state->directions.baseline == "1.2.0");
  const StoredRelease release = must(load_release(*deck, "1.2.0"));
  REQUIRE(release.manifest.artifacts.size() == 2);
  CHECK(release.manifest.find("notes-1.2.0.exe")->platform.starts_with("windows/"));
  CHECK(other.has(channel::artifact_name("1.2.0", "notes-1.2.0.exe")));
  CHECK(other.has(channel::manifest_name("1.2.0")));
  CHECK(entries_of_kind(*deck, "channel.adopted") == 1);
  const auto statement =
      must(channel::open_statement(other.file(channel::statement_name("latest.yml")), deck->trust()));
  CHECK(channel::check_file(statement, "latest.yml", before));
}

TEST_CASE("what the next publish changes is known, and it changes it") {
  OtherTool other;
  other.publish("1.2.0");
  must(other.adopt());
  const auto deck = other.open();
  const channel::ChannelReport report = must(deck->compare(other.app.channels[0]));
  CHECK(report.foreign().empty());
  must(deck->publish(other.app.channels[0]));
  for (const channel::Change& change : report.changes) CHECK(other.file(change.name) == change.after);
  CHECK(other.has(std::string(channel::feed_name)));
  CHECK(must(deck->compare(other.app.channels[0])).changes.empty());
}

TEST_CASE("adopting again changes nothing, before the first publish and after it") {
  OtherTool other;
  other.publish("1.2.0");
  must(other.adopt());
  const auto size = other.open()->journal().size();
  CHECK_FALSE(must(other.adopt()).changed);
  must(other.open()->publish(other.app.channels[0]));
  CHECK_FALSE(must(other.adopt()).changed);
  CHECK(other.open()->journal().size() == size);
}

TEST_CASE("killed at any write, adopting is run again and ends in the same place") {
  OtherTool whole;
  whole.publish("1.2.0");
  must(whole.adopt());
  const std::size_t writes = whole.fake.files.changes.size();
  REQUIRE(writes > 5);
  for (std::size_t at = 0; at < writes; ++at) {
    CAPTURE(at);
    OtherTool other;
    other.publish("1.2.0");
    std::size_t seen = 0;
    other.fake.files.fault = [&](std::string_view operation, std::string_view) -> Result<> {
      const bool writes_something = operation == "write" || operation == "copy" || operation == "create" ||
                                    operation == "remove" || operation == "make_directories";
      if (writes_something && seen++ >= at) return fail(ErrorKind::failed, "the power is gone");
      return {};
    };
    static_cast<void>(other.adopt().has_value());
    other.fake.files.fault = nullptr;
    const Adopted again = must(other.adopt());
    CHECK(again.baseline == "1.2.0");
    const auto deck = other.open();
    CHECK(entries_of_kind(*deck, "channel.adopted") == 1);
    CHECK(must(deck->compare(other.app.channels[0])).foreign().empty());
    CHECK_FALSE(must(other.adopt()).changed);
  }
}

TEST_CASE("a dry run writes nothing") {
  OtherTool other;
  other.publish("1.2.0");
  const auto before = other.fake.files.bytes;
  const Adopted adopted = must(other.adopt({}, true));
  CHECK(adopted.changed);
  CHECK(adopted.baseline == "1.2.0");
  CHECK_FALSE(other.has(channel::manifest_name("1.2.0")));
  CHECK_FALSE(must(other.open()->channel_state("stable")));
}

TEST_CASE("a file that is not what its feed says is never signed") {
  OtherTool other;
  other.publish("1.2.0");
  other.fake.files.bytes["/repo/public/notes-1.2.0.exe"] = "the code of notes-1.2.0.exf";  // same size
  const auto adopted = other.adopt();
  REQUIRE_FALSE(adopted);
  CHECK(adopted.error().kind == ErrorKind::verification);
  CHECK(must(list_releases(*other.open())).empty());
}

TEST_CASE("a release that only a share gets is not taken for everyone's without a word") {
  OtherTool other;
  other.publish("1.2.0", "latest.yml", "20");
  const auto adopted = other.adopt();
  REQUIRE_FALSE(adopted);
  CHECK(adopted.error().kind == ErrorKind::invalid);
  CHECK(adopted.error().message == "latest.yml gives 1.2.0 to 20.0% only: it is being rolled out");
  const Adopted finished = must(other.adopt({.finish = true}));
  CHECK(finished.notes.size() == 1);
}

TEST_CASE("feeds that give different releases are not taken for one") {
  OtherTool other;
  other.publish("1.2.0");
  other.publish("1.1.0", "latest-linux.yml");
  const auto adopted = other.adopt();
  REQUIRE_FALSE(adopted);
  CHECK(adopted.error().message ==
        "the feeds give different releases: 1.1.0 by latest-linux.yml; 1.2.0 by latest.yml");
  const Adopted chosen = must(other.adopt({.release = "1.2.0"}));
  CHECK(chosen.releases == std::vector<std::string>{"1.2.0", "1.1.0"});
  must(other.open()->publish(other.app.channels[0]));
  CHECK(other.file("latest-linux.yml").find("version: 1.1.0") != std::string::npos);
}

TEST_CASE("another tool's write between rollouts is left alone, or adopted where the file says so") {
  for (const bool adopts : {false, true}) {
    CAPTURE(adopts);
    OtherTool other(adopts ? replace_all(usual_yaml, "feeds: [tranche, electron]",
                                         "on-foreign-write: adopt, feeds: [tranche, electron]")
                           : std::string(usual_yaml));
    other.publish("1.2.0");
    must(other.adopt());
    must(other.open()->publish(other.app.channels[0]));
    other.publish("1.3.0");
    const std::string theirs = other.file("latest.yml");
    must(other.open()->publish(other.app.channels[0]));
    const auto state = must(other.open()->channel_state("stable"));
    CHECK(state->directions.baseline == (adopts ? "1.3.0" : "1.2.0"));
    if (!adopts) CHECK(other.file("latest.yml") == theirs);
    CHECK(must(other.open()->compare(other.app.channels[0])).foreign().empty() == adopts);
  }
}

TEST_CASE("without the release key another tool's write is not adopted, whatever the file says") {
  OtherTool other(replace_all(usual_yaml, "feeds: [tranche, electron]",
                              "on-foreign-write: adopt, feeds: [tranche, electron]"));
  other.publish("1.2.0");
  must(other.adopt());
  other.publish("1.3.0");
  other.fake.environ.values.erase("TRANCHE_RELEASE_KEY");
  must(other.open()->publish(other.app.channels[0]));
  CHECK(must(other.open()->channel_state("stable"))->directions.baseline == "1.2.0");
}

TEST_CASE("other bytes under a version on record are refused") {
  OtherTool other;
  other.publish("1.2.0");
  must(other.adopt());
  other.publish("1.2.0");
  const std::string bytes = "another build";
  other.fake.files.bytes["/repo/public/notes-1.2.0.exe"] = bytes;
  other.fake.files.bytes["/repo/public/latest.yml"] =
      fmt::format("version: 1.2.0\nfiles:\n  - url: notes-1.2.0.exe\n    sha512: {}\n    size: {}\n",
                  to_base64(crypto::hash(crypto::HashKind::sha512, bytes)), bytes.size());
  const auto adopted = other.adopt();
  REQUIRE_FALSE(adopted);
  CHECK(adopted.error().kind == ErrorKind::verification);
}

TEST_CASE("from another place the files come along under their names, and the first publish names them") {
  OtherTool other;
  other.publish("1.2.0");
  for (const std::string name : {"latest.yml", "notes-1.2.0.exe"}) {
    other.fake.files.bytes["/old/" + name] = other.file(name);
    other.fake.files.bytes.erase("/repo/public/" + name);
  }
  other.fake.files.bytes["/old/notes-1.2.0.exe.blockmap"] = "map";
  other.fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    const auto found = other.fake.files.bytes.find("/old/" + request.url.substr(19));
    if (found == other.fake.files.bytes.end()) return ports::HttpResponse{404, {}, {}};
    if (found->second.size() > request.max_response_bytes) return fail(ErrorKind::invalid, "it is larger");
    return ports::HttpResponse{200, {}, found->second};
  };
  const std::string theirs = other.fake.files.bytes["/old/latest.yml"];
  const auto deck = other.open();
  const auto place = must(channel::open_site(other.world, "http://old.example/"));
  const Adopted adopted = must(adopt_channel(
      *deck,
      {.channel = other.app.channels[0], .site = *place.site, .choice = {}, .earlier = false, .reason = ""}));
  CHECK(adopted.baseline == "1.2.0");
  CHECK_FALSE(other.has("latest.yml"));  // the feed is written by the first publish
  CHECK(other.file("notes-1.2.0.exe") == "the code of notes-1.2.0.exe");
  CHECK(other.has("notes-1.2.0.exe.blockmap"));
  CHECK(other.has(channel::artifact_name("1.2.0", "notes-1.2.0.exe")));
  must(other.open()->publish(other.app.channels[0]));
  CHECK(other.file("latest.yml").find("url: notes-1.2.0.exe") != std::string::npos);
  CHECK(other.fake.files.bytes["/old/latest.yml"] == theirs);
  for (const auto& [path, bytes] : other.fake.files.bytes)
    CHECK_FALSE(path.starts_with("/home/ana/.cache/tranche/adopt/"));  // what was brought here is gone again
}

TEST_CASE("whole addresses below the channel's url are files of the channel, others are not taken") {
  for (const bool own : {true, false}) {
    CAPTURE(own);
    OtherTool other(replace_all(usual_yaml, "feeds: [tranche, electron]",
                                "url: \"https://updates.example/desktop\", feeds: [tranche, electron]"));
    other.publish("1.2.0");
    other.fake.files.bytes["/repo/public/latest.yml"] = replace_all(
        other.file("latest.yml"), "url: notes",
        own ? "url: https://updates.example/desktop/notes" : "url: https://elsewhere.example/notes");
    const auto adopted = other.adopt();
    CHECK(adopted.has_value() == own);
    if (!adopted) CHECK(adopted.error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("a Velopack file for Linux goes on being the file for Linux") {
  OtherTool other(replace_all(usual_yaml, "feeds: [tranche, electron]", "feeds: [tranche, velopack]"));
  doc::Value assets = doc::Value::array();
  for (const std::string version : {"1.2.0", "1.1.0"}) {
    const std::string name = "notes-" + version + "-linux-full.nupkg", bytes = "the code of " + name;
    other.fake.files.bytes["/repo/public/" + name] = bytes;
    assets.push(doc::Value::object({{"PackageId", "notes"},
                                    {"Version", version},
                                    {"Type", "Full"},
                                    {"FileName", name},
                                    {"SHA1", to_hex(crypto::hash(crypto::HashKind::sha1, bytes))},
                                    {"SHA256", crypto::to_hex(crypto::sha256(bytes))},
                                    {"Size", static_cast<std::int64_t>(bytes.size())}}));
  }
  other.fake.files.bytes["/repo/public/releases.linux.json"] =
      doc::to_json(doc::Value::object({{"Assets", std::move(assets)}}));
  const Adopted adopted = must(other.adopt());
  CHECK(adopted.baseline == "1.2.0");
  CHECK(adopted.releases == std::vector<std::string>{"1.2.0", "1.1.0"});
  must(other.open()->publish(other.app.channels[0]));
  CHECK_FALSE(other.has("releases.win.json"));
  const std::string& published = other.file("releases.linux.json");
  CHECK(published.find("\"FileName\": \"notes-1.2.0-linux-full.nupkg\"") != std::string::npos);
  CHECK(published.find("\"Version\": \"1.1.0\"") != std::string::npos);
}

TEST_CASE("a channel that is only observed is put on record, and its store is left alone") {
  OtherTool other(
      replace_all(usual_yaml, "feeds: [tranche, electron]", "mode: observe, feeds: [tranche, electron]"));
  other.publish("1.2.0");
  must(other.adopt());
  must(other.open()->publish(other.app.channels[0]));
  for (const auto& [path, bytes] : other.fake.files.bytes)
    CHECK_FALSE(path.starts_with("/repo/public/tranche"));
  CHECK_FALSE(other.has(channel::statement_name("latest.yml")));
  CHECK(must(other.open()->channel_state("stable"))->directions.baseline == "1.2.0");
}

}  // namespace tranche::actions
