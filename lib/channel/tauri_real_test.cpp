// What Tauri's own signer and minisign make of a whole feed: keys by `tauri signer`, facts at release create,
// the static file in a directory store, and each file that it names checked as the updater checks it. The
// updater itself is a Rust crate and runs in no test: its verifier reads what minisign reads.
#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "channel/feed.hpp"
#include "channel/tauri.hpp"
#include "os/world.hpp"
#include "signing/minisign.hpp"
#include "support/npm_peer.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::channel;

namespace {

constexpr std::string_view base_url = "https://updates.example/stable";

struct Scene {
  os::RealWorld real;
  support::TempDirectory directory;
  ports::Files& files = real.world().files;
  const std::string repository;
  std::vector<artifact::Artifact> artifacts;
  spec::Channel channel;
  spec::Client client;

  int run(std::vector<std::string> argv) {
    ports::ProcessRequest request;
    request.argv = std::move(argv);
    request.directory = directory.path();
    const auto result = real.world().process.run(request);
    return result ? result->exit_code : 127;
  }
  void write(const std::string& name, std::string_view bytes, std::uint32_t mode = 0644) {
    REQUIRE(files.write(directory / name, bytes, mode).has_value());
  }
  void add(const std::string& name, const std::string& platform, const std::string& bytes) {
    write("dist/" + name, bytes);
    artifacts.push_back({name, platform, bytes.size(), std::string(64, 'a'), directory / ("dist/" + name)});
  }
  Result<std::string> describe() {
    return find_ecosystem("tauri")->describe({real.world(), repository, "notes-agent", "1.2.0",
                                              *parse_instant("2026-01-01T00:00:00Z"), artifacts, client});
  }
  // The signature of each file that the published feed names, checked by minisign over the file in the store.
  bool clients_accept(const std::string& feed) {
    const auto release = parse_tauri_release(feed);
    if (!release || release->entries.empty()) return false;
    bool good = true;
    for (const TauriEntry& entry : release->entries) {
      REQUIRE(entry.url.starts_with(base_url));
      write("sig", *from_base64(entry.signature));
      const std::string path = directory / ("public" + entry.url.substr(base_url.size()));
      good = good && run({"minisign", "-V", "-q", "-p", "app.pub", "-m", path, "-x", "sig"}) == 0;
    }
    return good;
  }
};

}  // namespace

TEST_CASE(
    "a feed made with Tauri's own key holds signatures that clients accept, and no corrupted file passes") {
  Scene scene;
  const auto tauri = support::find_npm_program("tauri");
  if (!tauri) return support::skip_peer("@tauri-apps/cli", "npm ci in tests/clients");
  if (scene.run({"minisign", "-v"}) != 0) return support::skip_peer("minisign", "apt-get install minisign");
  const std::string key_path = scene.directory / "key";
  REQUIRE(scene.run({*tauri, "signer", "generate", "--ci", "-w", key_path, "-p", "correct horse"}) == 0);
  const auto app_key =
      signing::parse_minisign_public_key(*scene.files.read(scene.directory / "key.pub", 4096).value());
  REQUIRE(app_key.has_value());
  scene.write("app.pub", signing::to_text(*app_key));
  scene.write("key", *scene.files.read(key_path, 4096).value(), 0600);
  scene.write("password", "correct horse\n", 0600);
  scene.client.key = "file:" + key_path;
  scene.client.key_password = "file:" + (scene.directory / "password");
  scene.add("notes_1.2.0_amd64.AppImage", "linux/amd64", "an AppImage");
  scene.add("notes.app.tar.gz", "darwin/universal", "an app bundle");
  scene.add("notes_1.2.0_x64-setup.exe", "windows/amd64", std::string(3 << 20, 'w'));

  // `tauri build` signed one of them already; ours is made anew, with the version.
  REQUIRE(scene.run({*tauri, "signer", "sign", "-f", key_path, "-p", "correct horse",
                     scene.directory / "dist/notes.app.tar.gz"}) == 0);
  const auto facts = scene.describe();
  CAPTURE((facts ? std::string() : facts.error().message));
  REQUIRE(facts.has_value());

  const auto store = store::open_directory(scene.files, scene.directory / "public");
  scene.channel.url = base_url;
  Shipped release;
  release.manifest.version = "1.2.0";
  release.facts = *facts;
  for (const artifact::Artifact& artifact : scene.artifacts)
    REQUIRE(
        scene.files.copy(artifact.path, scene.directory / ("public/" + artifact_name("1.2.0", artifact.name)))
            .has_value());
  cohort::Track everybody;
  everybody.release = "1.2.0";
  everybody.share = Percent{Percent::whole};
  const auto written = find_ecosystem("tauri")->write({scene.real.world(),
                                                       scene.repository,
                                                       "notes-agent",
                                                       scene.channel,
                                                       scene.client,
                                                       {everybody},
                                                       {release},
                                                       1,
                                                       {},
                                                       {},
                                                       *store});
  REQUIRE(written.has_value());
  REQUIRE(written->pointers.size() == 1);
  const std::string feed = written->pointers[0].bytes;
  CHECK(parse_tauri_release(feed)->entries.size() == 8);
  CHECK(scene.clients_accept(feed));

  scene.write("public/" + artifact_name("1.2.0", "notes.app.tar.gz"), "an App bundle");
  CHECK_FALSE(scene.clients_accept(feed));

  // A signature by another key beside the artifact stops the release.
  REQUIRE(scene.run({*tauri, "signer", "generate", "--ci", "-w", scene.directory / "other", "-p", ""}) == 0);
  REQUIRE(scene.run({*tauri, "signer", "sign", "-f", scene.directory / "other", "-p", "",
                     scene.directory / "dist/notes.app.tar.gz"}) == 0);
  const auto refused = scene.describe();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::verification);
  CHECK(refused.error().message.starts_with("signed with key "));
}
