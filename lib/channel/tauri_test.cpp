#include "channel/tauri.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "channel/channel_testing.hpp"
#include "channel/tauri_view.hpp"
#include "doc/value.hpp"
#include "signing/minisign.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::channel;

namespace {

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
std::string message_of(const auto& result) { return result.has_value() ? "" : result.error().message; }

artifact::Artifact artifact_of(const std::string& name, const std::string& platform = "any") {
  return {name, platform, 3, std::string(64, 'a'), "dist/" + name};
}

const signing::MinisignSecretKey& key() {
  static const auto made = *signing::MinisignSecretKey::make(Secret(std::string(32, 'k')), "12345678");
  return made;
}

// A repository with artifacts, and the minisign key in TRANCHE_TAURI_KEY.
struct Scene {
  support::FakeWorld fake;
  std::vector<artifact::Artifact> artifacts;
  spec::Client client;
  Scene() {
    client.name = "tauri";
    client.key = "env:TRANCHE_TAURI_KEY";
    static const std::string text(key().to_text(Secret(), std::string(32, 's'))->expose());
    fake.environ.values["TRANCHE_TAURI_KEY"] = text;
  }
  void add(const std::string& name, const std::string& platform = "any") {
    artifacts.push_back(artifact_of(name, platform));
    fake.files.bytes["dist/" + name] = "bytes of " + name;
  }
  Result<std::string> describe(const std::string& version = "1.2.0") {
    auto world = fake.world();
    const std::string repository;
    return find_ecosystem("tauri")->describe({world, repository, "notes-agent", version,
                                              *parse_instant("2026-01-01T00:00:00Z"), artifacts, client});
  }
};

TauriFacts some_facts(const std::string& version) {
  TauriFacts facts;
  facts.version = version;
  facts.files.push_back({.name = "notes.AppImage",
                         .path = {},
                         .url = {},
                         .signature = "c2ln",
                         .targets = {"linux-x86_64", "linux-x86_64-appimage"}});
  facts.files.push_back({.name = "notes.app.tar.gz",
                         .path = {},
                         .url = {},
                         .signature = "c2ln",
                         .targets = {"darwin-aarch64"}});
  return facts;
}

Shipped shipped(const std::string& version) {
  Shipped out;
  out.manifest = testing::usual_manifest(version, "x");
  out.facts = to_json(some_facts(version));
  return out;
}

// Writing over a directory store in memory.
struct Writing {
  support::FakeWorld fake;
  ports::World world = fake.world();
  std::unique_ptr<store::Store> store = store::open_directory(fake.files, "public");
  spec::Channel channel;
  spec::Client client;
  std::vector<Shipped> releases{shipped("1.2.0"), shipped("1.1.0")};
  Writing() {
    channel.name = "stable";
    channel.url = "https://updates.example/stable/";
  }
  Result<Written> write(std::vector<cohort::Track> tracks) {
    static const std::string repository;
    return find_ecosystem("tauri")->write({world, repository, "notes-agent", channel, client,
                                           std::move(tracks), releases, 7, Instant{}, Instant{}, *store});
  }
};

cohort::Track track(const std::string& release, std::uint32_t ppm = Percent::whole,
                    const std::string& previous = {}, const std::string& feed_channel = {}) {
  cohort::Track out;
  out.feed_channel = feed_channel;
  out.release = release;
  out.share = Percent{ppm};
  out.previous = previous;
  return out;
}

ReadInput reading(const std::map<std::string, std::string>& files) {
  ReadInput input;
  input.fetch = [files](const std::string& name, std::size_t max) -> Result<std::optional<std::string>> {
    const auto found = files.find(name);
    if (found == files.end()) return std::nullopt;
    if (found->second.size() > max) return fail(ErrorKind::failed, "larger");
    return std::optional(found->second);
  };
  input.channel = "stable";
  return input;
}

}  // namespace

TEST_CASE("Tauri's updater installs bundles by their endings, for platforms by its own names") {
  struct Case {
    std::string name, platform;
    std::string_view type;
    std::vector<std::string> platforms;
  };
  for (const Case& one :
       std::vector<Case>{{"notes_1.0_amd64.AppImage", "linux/amd64", "appimage", {"linux-x86_64"}},
                         {"notes_1.0_amd64.AppImage.tar.gz", "any", "appimage", {"linux-x86_64"}},
                         {"notes_1.0_arm64.deb", "linux/arm64", "deb", {"linux-aarch64"}},
                         {"notes-1.0.x86_64.rpm", "any", "rpm", {"linux-x86_64"}},
                         {"notes_armhf.deb", "linux/arm", "deb", {"linux-armv7"}},
                         {"notes_aarch64.app.tar.gz", "any", "app", {"darwin-aarch64"}},
                         {"notes.app.tar.gz", "darwin/amd64", "app", {"darwin-x86_64"}},
                         {"notes.app.tar.gz", "macos/universal", "app", {"darwin-x86_64", "darwin-aarch64"}},
                         {"notes_universal.app.tar.gz", "any", "app", {"darwin-x86_64", "darwin-aarch64"}},
                         {"notes_1.0_x64-setup.exe", "windows/amd64", "nsis", {"windows-x86_64"}},
                         {"notes_1.0_x64-setup.nsis.zip", "any", "nsis", {"windows-x86_64"}},
                         {"notes_1.0_x64_en-US.msi", "any", "msi", {"windows-x86_64"}},
                         {"notes_1.0_x86.msi.zip", "any", "msi", {"windows-i686"}}}) {
    CAPTURE(one.name);
    const auto bundle = tauri_bundle(artifact_of(one.name, one.platform));
    REQUIRE(bundle.has_value());
    REQUIRE(bundle->has_value());
    CHECK((*bundle)->type == one.type);
    CHECK((*bundle)->platforms == one.platforms);
  }
  for (const char* other :
       {"notes.exe", "notes.tar.gz", "notes.dmg", "notes.AppImage.sig", "latest.json", "notes.zip"}) {
    const auto bundle = tauri_bundle(artifact_of(other, "linux/amd64"));
    CHECK((bundle.has_value() && !bundle->has_value()));
  }
  const auto unknown = tauri_bundle(artifact_of("notes.app.tar.gz"));
  CHECK(message_of(unknown) ==
        "'notes.app.tar.gz' is for Tauri's updater, but its architecture is not known (platform 'any')");
  CHECK(holds(message_of(tauri_bundle(artifact_of("notes.deb", "windows/amd64"))), "is a linux file"));
}

TEST_CASE("versions are read and ordered as the client's semver does, build metadata included") {
  CHECK(tauri_version("vv1.2.3-rc.1+b") == "1.2.3-rc.1+b");
  for (const char* none :
       {"", "1.2", "1.2.3.4", "1.2.x", "01.2.3", "V1.2.3", " 1.2.3", "1.2.18446744073709551616"})
    CHECK(tauri_version(none).empty());
  const std::vector<std::string> rising{"1.0.0-rc.1", "1.0.0",     "1.0.0+0",  "1.0.0+1",   "1.0.0+01",
                                        "1.0.0+2",    "1.0.0+2.0", "1.0.0+10", "1.0.0+abc", "1.0.1"};
  for (std::size_t i = 0; i < rising.size(); ++i)
    for (std::size_t j = 0; j < rising.size(); ++j) {
      CAPTURE(rising[i]);
      CAPTURE(rising[j]);
      const int order = compare_tauri_versions(rising[i], rising[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order > 0) == (i > j));
    }
}

TEST_CASE("facts hold a signature for each file, made with the client's key and this version") {
  Scene scene;
  scene.add("notes_amd64.AppImage", "linux/amd64");
  scene.add("notes_amd64.deb", "linux/amd64");
  scene.add("notes_universal.app.tar.gz");
  scene.add("notes_x64-setup.exe", "windows/amd64");
  scene.add("notes_x64.msi", "windows/amd64");
  scene.add("README.txt");
  const auto text = scene.describe();
  CAPTURE(message_of(text));
  REQUIRE(text.has_value());
  const auto facts = parse_tauri_facts(*text);
  REQUIRE(facts.has_value());
  REQUIRE(facts->files.size() == 5);
  CHECK(facts->files[0].targets == std::vector<std::string>{"linux-x86_64", "linux-x86_64-appimage"});
  CHECK(facts->files[1].targets == std::vector<std::string>{"linux-x86_64-deb"});
  CHECK(facts->files[2].targets == std::vector<std::string>{"darwin-aarch64", "darwin-aarch64-app",
                                                            "darwin-x86_64", "darwin-x86_64-app"});
  CHECK(facts->files[3].targets == std::vector<std::string>{"windows-x86_64", "windows-x86_64-nsis"});
  CHECK(facts->files[4].targets == std::vector<std::string>{"windows-x86_64-msi"});
  for (const TauriFile& file : facts->files) {
    const auto signature = signing::parse_minisign_signature(file.signature);
    REQUIRE(signature.has_value());
    CHECK(signature->trusted_comment ==
          fmt::format("timestamp:1767225600\tfile:{}\tversion:1.2.0", file.name));
    CHECK(signing::verify_minisign(scene.fake.files, "dist/" + file.name, *signature, key().public_key())
              .has_value());
  }
  CHECK(*scene.describe() == *text);  // the same input, the same bytes
  CHECK(to_json(*facts) == *text);
}

TEST_CASE("a release without a file for Tauri has no facts, and one without a signature is refused") {
  Scene scene;
  scene.add("notes.tar.gz", "linux/amd64");
  CHECK(*scene.describe() == "");
  scene.add("notes.AppImage", "linux/amd64");
  CHECK(message_of(scene.describe("1.2")) == "Tauri's updater cannot read version '1.2'");
  scene.client.key.clear();
  CHECK(message_of(scene.describe()) == "nothing signs 'notes.AppImage' for Tauri's updater");
  scene.client.key = "env:TRANCHE_ABSENT";
  CHECK_FALSE(scene.describe().has_value());
  scene.client.key = "env:TRANCHE_TAURI_KEY";
  scene.client.key_password = "env:TRANCHE_PASSWORD";
  scene.fake.environ.values["TRANCHE_PASSWORD"] = "wrong";
  CHECK(message_of(scene.describe()) == "the password does not open the secret key");
}

TEST_CASE(
    "a signature that lies beside the artifact is taken, unless it is for other bytes, another key or "
    "version") {
  Scene scene;
  scene.add("notes.AppImage", "linux/amd64");
  const auto sign = [&](const std::string& comment) {
    scene.fake.files.bytes["dist/notes.AppImage.sig"] =
        to_base64(*signing::sign_minisign(scene.fake.files, "dist/notes.AppImage", key(), comment));
  };
  sign("timestamp:1\tfile:notes.AppImage\tversion:v1.2.0");
  REQUIRE(scene.describe().has_value());
  scene.client.key.clear();  // nothing to sign with: the one beside it is taken as it is
  const auto facts = parse_tauri_facts(*scene.describe());
  REQUIRE(facts.has_value());
  CHECK(signing::parse_minisign_signature(facts->files[0].signature)->trusted_comment ==
        "timestamp:1\tfile:notes.AppImage\tversion:v1.2.0");
  // The public half in the repository is what such signatures are held against.
  scene.fake.files.bytes["keys/minisign.pub"] = to_text(key().public_key());
  CHECK(scene.describe().has_value());
  const auto other = *signing::MinisignSecretKey::make(Secret(std::string(32, 'o')), "87654321");
  scene.fake.files.bytes["keys/minisign.pub"] = to_text(other.public_key());
  CHECK(message_of(scene.describe()).starts_with("signed with key "));
  scene.fake.files.bytes.erase("keys/minisign.pub");
  scene.add("notes.deb", "linux/amd64");
  scene.fake.files.bytes["dist/notes.deb.sig"] =
      to_base64(*signing::sign_minisign(scene.fake.files, "dist/notes.deb", other, "timestamp:1"));
  CHECK(message_of(scene.describe()) ==
        "signed with key 3132333435363738, and the file before with key 3837363534333231");
  scene.artifacts.pop_back();
  sign("timestamp:1\tversion:1.3.0");
  CHECK(message_of(scene.describe()) ==
        "notes.AppImage.sig is for version '1.3.0', and the release is 1.2.0");
  scene.fake.files.bytes["dist/notes.AppImage.sig"] = "rubbish";
  CHECK(holds(message_of(scene.describe()), "does not begin with"));
  scene.client.key = "env:TRANCHE_TAURI_KEY";
  sign("timestamp:1");
  CHECK(scene.describe().has_value());
  scene.fake.files.bytes["dist/notes.AppImage"] += "!";
  CHECK(message_of(scene.describe()) == "the file is not the one that was signed");
}

TEST_CASE("two files for one target are refused, an archive goes before the same bundle bare") {
  Scene scene;
  scene.add("notes.AppImage", "linux/amd64");
  scene.add("notes.AppImage.tar.gz", "linux/amd64");
  const auto facts = parse_tauri_facts(*scene.describe());
  REQUIRE(facts->files.size() == 1);
  CHECK(facts->files[0].name == "notes.AppImage.tar.gz");
  scene.add("other.AppImage.tar.gz", "linux/amd64");
  CHECK(
      message_of(scene.describe()) ==
      "'notes.AppImage.tar.gz' and 'other.AppImage.tar.gz' are both the appimage of linux-x86_64 for Tauri's "
      "updater");
}

TEST_CASE("the static file names whole addresses in the store, the same bytes every time") {
  Writing writing;
  const auto written = writing.write({track("1.2.0")});
  CAPTURE(message_of(written));
  REQUIRE(written.has_value());
  REQUIRE(written->pointers.size() == 1);
  CHECK(written->files.empty());
  CHECK(written->notes.empty());
  CHECK(written->pointers[0].name == "latest.json");
  CHECK(written->pointers[0].bytes == R"({
  "version": "1.2.0",
  "pub_date": "2026-01-01T00:00:00Z",
  "platforms": {
    "darwin-aarch64": {
      "signature": "c2ln",
      "url": "https://updates.example/stable/tranche/v1/releases/1.2.0/notes.app.tar.gz"
    },
    "linux-x86_64": {
      "signature": "c2ln",
      "url": "https://updates.example/stable/tranche/v1/releases/1.2.0/notes.AppImage"
    },
    "linux-x86_64-appimage": {
      "signature": "c2ln",
      "url": "https://updates.example/stable/tranche/v1/releases/1.2.0/notes.AppImage"
    }
  }
}
)");
  CHECK(writing.write({track("1.2.0")})->pointers[0].bytes == written->pointers[0].bytes);
  writing.channel.url.clear();
  CHECK(message_of(writing.write({track("1.2.0")})) ==
        "Tauri's updater needs whole addresses, and the channel has none");
}

TEST_CASE("each feed channel has a file; a share below everybody leaves the previous release in it") {
  Writing writing;
  const auto written =
      writing.write({track("1.2.0", 100'000, "1.1.0"), track("1.2.0", Percent::whole, "", "pilot"),
                     track("", Percent::whole, "", "beta")});
  REQUIRE(written.has_value());
  REQUIRE(written->pointers.size() == 2);
  CHECK(written->pointers[0].name == "latest.json");
  CHECK(holds(written->pointers[0].bytes, R"("version": "1.1.0")"));
  CHECK(written->pointers[1].name == "pilot.json");
  CHECK(holds(written->pointers[1].bytes, R"("version": "1.2.0")"));
  REQUIRE(written->notes.size() == 1);
  CHECK(written->notes[0] ==
        "tauri: nobody gets 1.2.0 at 10%: its file reaches everybody or nobody, and goes on naming 1.1.0");
  writing.client.channel = "app-updates";
  CHECK(writing.write({track("1.1.0")})->pointers[0].name == "app-updates.json");
  CHECK(holds(message_of(writing.write({track("9.9.9")})), "is to name 9.9.9"));
}

TEST_CASE("a file that offers a withdrawn release of ours offers nothing when nothing may stand there") {
  Writing writing;
  CHECK(writing.write({track("")})->pointers.empty());  // nothing there, nothing to say
  const std::string at_1_2 = writing.write({track("1.2.0")})->pointers[0].bytes;
  writing.fake.files.bytes["public/latest.json"] = at_1_2;
  CHECK(writing.write({track("")})->pointers.empty());  // 1.2.0 may still be named
  writing.releases.erase(writing.releases.begin());
  const auto written = writing.write({track("")});
  REQUIRE(written->pointers.size() == 1);
  CHECK(written->pointers[0].bytes == tauri_empty_file());
  writing.fake.files.bytes["public/latest.json"] = tauri_empty_file();
  CHECK(writing.write({track("")})->pointers.empty());
  // Another tool's file is its own business.
  writing.fake.files.bytes["public/latest.json"] =
      R"({"version": "3.0.0", "platforms": {"linux-x86_64": {"url": "https://elsewhere.example/a", "signature": "x"}}})";
  CHECK(writing.write({track("")})->pointers.empty());
}

TEST_CASE("the dynamic answers are the entries of the static file, one a target, and the client reads them") {
  Writing writing;
  const auto answers = tauri_answers(writing.write({track("1.2.0")})->pointers[0].bytes);
  REQUIRE(answers.has_value());
  REQUIRE(answers->size() == 3);
  CHECK((*answers)[0].name == "darwin-aarch64");
  CHECK(
      (*answers)[0].bytes ==
      R"({"version":"1.2.0","url":"https://updates.example/stable/tranche/v1/releases/1.2.0/notes.app.tar.gz","signature":"c2ln","pub_date":"2026-01-01T00:00:00Z"})"
      "\n");
  CHECK((*answers)[2].name == "linux-x86_64-appimage");
  for (const Named& answer : *answers) {
    const auto read = parse_tauri_release(answer.bytes);
    REQUIRE(read.has_value());
    CHECK(read->dynamic);
    CHECK(read->version == "1.2.0");
  }
  CHECK(tauri_answers(tauri_empty_file())->empty());
  CHECK_FALSE(tauri_answers("{}").has_value());
}

TEST_CASE("a feed file is read as serde reads it: one flaw in a known member refuses all of it") {
  const std::string entry = R"({"url": "https://u.example/a", "signature": "c2ln"})";
  const auto with = [&](const std::string& members) {
    return parse_tauri_release(R"({"version": "1.2.0", "platforms": {"linux-x86_64": )" + entry + "}, " +
                               members + "}");
  };
  CHECK(with(R"("notes": null, "pub_date": null, "unknown": [1])").has_value());
  CHECK(with(R"("pub_date": "2026-01-01T00:00:00.5+01:00", "notes": "n")").has_value());
  CHECK(
      parse_tauri_release(R"({"name": "v1.2.0", "url": "https://u.example/a", "signature": ""})")->version ==
      "1.2.0");
  CHECK(parse_tauri_release(R"({"version": "1.2.0", "platforms": {}})")->entries.empty());
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::string_view>>{
           {"", "it is no JSON"},
           {"[]", "it is a list, not a map"},
           {R"({"platforms": {}})", "'version' is missing"},
           {R"({"version": 1, "platforms": {}})", "'version' is a number, not a text"},
           {R"({"version": "1.2", "platforms": {}})", "'1.2' is no semantic version"},
           {R"({"version": "1.2.0", "name": "1.2.0", "platforms": {}})", "both 'version' and 'name'"},
           {R"({"version": "1.2.0"})", "'url' is missing"},
           {R"({"version": "1.2.0", "url": "https://u.example/a"})", "'signature' is missing"},
           {R"({"version": "1.2.0", "platforms": []})", "'platforms' is a list, not a map"},
           {R"({"version": "1.2.0", "platforms": {"a": )" + entry +
                R"(, "b": {"url": "https://u.example/a"}}})",
            "platforms.b: 'signature' is missing"},
           {R"({"version": "1.2.0", "platforms": {"a": {"url": "/a", "signature": ""}}})",
            "'/a' is no whole address"},
           {R"({"version": "1.2.0", "platforms": {"a": {"url": "https://", "signature": ""}}})",
            "no whole address"},
           {R"({"version": "1.2.0", "platforms": {"a": null}})", "platforms.a: it is null, not a map"},
           {R"({"version": "1.2.0", "platforms": {}, "notes": 5})", "'notes' is a number"},
           {R"({"version": "1.2.0", "platforms": {}, "url": "x"})", "no whole address"},
           {R"({"version": "1.2.0", "platforms": {}, "pub_date": "1 May 2026"})",
            "no RFC 3339 time: '1 May 2026'"},
           {R"({"version": "1.2.0", "platforms": {}, "pub_date": ""})", "no RFC 3339 time"}}) {
    const auto refused = parse_tauri_release(text);
    CAPTURE(text);
    REQUIRE_FALSE(refused.has_value());
    CAPTURE(refused.error().message);
    CHECK(refused.error().kind == ErrorKind::verification);
    CHECK(holds(refused.error().message, words));
    CHECK_FALSE(refused.error().hint.empty());
  }
}

TEST_CASE("a device goes up only, whoever it is, unless its app compares versions itself") {
  Writing writing;
  ReadInput input = reading({{"latest.json", writing.write({track("1.2.0")})->pointers[0].bytes}});
  const auto view = read_tauri(input);
  REQUIRE(view.has_value());
  REQUIRE(*view != nullptr);
  struct Case {
    std::string_view running, offered, reason;
  };
  for (const Case& one :
       {Case{"", "1.2.0", "everyone"}, Case{"1.1.9", "1.2.0", "everyone"},
        Case{"v1.2.0-rc.1", "1.2.0", "everyone"}, Case{"1.2.0", "", "running"}, Case{"1.2.0+1", "", "newer"},
        Case{"2.0.0", "", "newer"}, Case{"odd", "1.2.0", "everyone"}}) {
    CAPTURE(one.running);
    const Answer answer = (*view)->ask({"any id", one.running});
    CHECK(answer.offered == one.offered);
    CHECK(answer.reason == one.reason);
    CHECK((*view)->explain({"any id", one.running}).size() == 2);
  }
  CHECK((*view)->share() == 1);
  CHECK((*view)->offers() == "1.2.0");
  input.client.allow_downgrade = true;
  CHECK((*read_tauri(input))->ask({"", "2.0.0"}).reason == "downgrade");
  input.platform = "linux/arm64";
  CHECK((*read_tauri(input))->ask({"", "1.0.0"}).reason == "no-target");
  CHECK((*read_tauri(input))->offers().empty());
  input.platform = "darwin/arm64";
  CHECK((*read_tauri(input))->ask({"", "1.0.0"}).offered == "1.2.0");
  input.feed_channel = "pilot";
  CHECK(*read_tauri(input) == nullptr);
}

TEST_CASE("the audit says whom the file reaches and what nobody signed") {
  const auto audit = [](const std::string& signature, const std::string& url, const std::string& version) {
    const auto view = read_tauri(reading(
        {{"latest.json",
          doc::to_json(doc::Value::object(
              {{"version", version},
               {"platforms",
                doc::Value::object(
                    {{"linux-x86_64", doc::Value::object({{"url", url}, {"signature", signature}})}})}}))}}));
    std::string codes;
    for (const Remark& remark : (*view)->audit(Instant{})) codes += remark.code + " ";
    return codes;
  };
  const auto sign = [](std::string_view comment) {
    return to_base64(*signing::sign_minisign_digest(key(), std::string(64, 'd'), comment));
  };
  CHECK(audit(sign("version:1.2.0"), "https://u.example/a", "1.2.0") ==
        "no-percentage unsigned no-date unrecoverable ");
  CHECK(holds(audit(sign("timestamp:1"), "https://u.example/a", "1.2.0"), "replay"));
  CHECK(holds(audit(sign("version:1.2.0"), "https://u.example/a", "1.3.0"), "wrong-version"));
  CHECK(holds(audit(sign("version:1.2.0"), "http://u.example/a", "1.2.0"), "http "));
  CHECK(holds(audit("AAAA", "https://u.example/a", "1.2.0"), "bad-signature"));
}

TEST_CASE(
    "what another tool published is adopted: its files where they lie, its date and notes as they were") {
  const std::string theirs =
      R"({"version": "v1.2.0", "notes": "new", "pub_date": "2026-01-01T00:00:00Z", "platforms": {
      "darwin-x86_64": {"url": "https://u.example/app/files/notes.app.tar.gz", "signature": "c2ln"},
      "darwin-aarch64": {"url": "https://u.example/app/files/notes.app.tar.gz", "signature": "c2ln"},
      "windows-x86_64": {"url": "https://elsewhere.example/notes-setup.exe?x=1", "signature": "c2ln"}}})";
  ReadInput input = reading({{"latest.json", theirs}});
  input.base_url = "https://u.example/app/";
  const auto view = read_tauri(input);
  REQUIRE(view.has_value());
  const auto text = (*view)->facts("1.2.0");
  CAPTURE(message_of(text));
  REQUIRE(text.has_value());
  const auto facts = parse_tauri_facts(*text);
  REQUIRE(facts.has_value());
  REQUIRE(facts->files.size() == 2);
  CHECK(facts->files[0].path == "files/notes.app.tar.gz");
  CHECK(facts->files[0].targets == std::vector<std::string>{"darwin-aarch64", "darwin-x86_64"});
  CHECK(facts->files[1].url == "https://elsewhere.example/notes-setup.exe?x=1");
  const auto& releases = (*view)->releases();
  REQUIRE(releases.size() == 3);
  CHECK(releases[0].platform == "darwin/amd64");
  CHECK(releases[0].files[0].name == "files/notes.app.tar.gz");
  CHECK(releases[2].files[0].name.empty());
  CHECK_FALSE((*view)->facts("1.1.0").has_value());
  // Written again from these facts, the client sees what it saw.
  const auto again = parse_tauri_release(*tauri_static_file(*facts, Instant{}, "https://u.example/app"));
  const auto before = parse_tauri_release(theirs);
  REQUIRE(again.has_value());
  CHECK(again->pub_date == before->pub_date);
  CHECK(again->notes == before->notes);
  REQUIRE(again->entries.size() == before->entries.size());
  for (std::size_t i = 0; i < again->entries.size(); ++i)
    CHECK(again->entries[i].url == before->entries[i].url);
}

TEST_CASE("a whole address is a name below the place it lies in, and below no other") {
  CHECK(name_below("https://u.example/app", "https://u.example/app/a/b%2B1.gz?x=1") == "a/b+1.gz");
  CHECK(name_below("", "https://u.example/app/tranche/v1/releases/1.2.0/a.gz") ==
        "tranche/v1/releases/1.2.0/a.gz");
  for (const auto& [base, url] : std::vector<std::pair<std::string, std::string>>{
           {"https://u.example/app", "https://u.example/apple/a.gz"},
           {"https://u.example/app", "https://elsewhere.example/app/a.gz"},
           {"https://u.example/app", "https://u.example/app/../a.gz"},
           {"https://u.example/app", "https://u.example/app/%2e%2e/a.gz"},
           {"https://u.example/app", "https://u.example/app/"},
           {"https://u.example/app", "https://elsewhere.example/tranche/v1/releases/1.2.0/a.gz"},
           {"", "https://u.example/app/a.gz"},
           {"", ""}})
    CHECK(name_below(base, url).empty());
}

TEST_CASE("facts that are not ours are refused") {
  const std::string good = to_json(some_facts("1.2.0"));
  CHECK(parse_tauri_facts(good).has_value());
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"tauri-facts/v1", "tauri-facts/v9"},
           {"1.2.0", "v1.2.0"},
           {"notes.AppImage", "notes\\nAppImage"},
           {"\"darwin-aarch64\"", "\"linux-x86_64\""},
           {"\"darwin-aarch64\"", "5"},
           {"\"files\"", "\"other\""},
           {"\"name\": \"notes.AppImage\"", "\"path\": \"../x\""}}) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    CAPTURE(bad);
    CHECK_FALSE(parse_tauri_facts(bad).has_value());
  }
}
