// What the tests of the APT feed share: a store in a directory that apt reads as a repository, releases of
// small packages, and a gpg key.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "artifact/deb_sample.hpp"
#include "channel/apt_repository.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/feed.hpp"
#include "channel/updater_testing.hpp"
#include "crypto/digest.hpp"
#include "signing/gpg_testing.hpp"

namespace tranche::channel::testing {

struct AptBench {
  explicit AptBench(ports::World& real) : world(real) {
    channel.name = "stable";
    client.name = "apt";
    repository = directory / "checkout";
    REQUIRE(world.files.make_directories(repository).has_value());
    // Second resolution, and just now: apt looks at its own clock.
    issued = std::chrono::floor<std::chrono::seconds>(world.clock.now()) - std::chrono::seconds(60);
    expires = issued + std::chrono::hours(24);
  }
  // Makes a key and lets the channel sign with it.
  void use_key(const std::string& user) {
    if (!keys) keys.emplace(world);
    keys->generate(user, "ed25519");
    const std::string file = directory / (user + ".key");
    REQUIRE(world.files.write(file, keys->secret(user), 0600).has_value());
    REQUIRE(world.files.write(directory / (user + ".asc"), keys->exported(user)).has_value());
    client.key = "file:" + file;
  }

  // A release of packages by their control files; artifact names are <package>_<architecture>.deb.
  Result<> ship(const std::string& version, const std::vector<std::string>& controls) {
    Shipped shipped;
    shipped.manifest.app = "notes";
    shipped.manifest.version = version;
    shipped.manifest.created = issued;
    for (const std::string& control : controls) {
      const std::string bytes = artifact::testing::make_deb(control);
      const auto parsed = TRY(artifact::parse_control(control));
      const std::string name = parsed.name + "_" + parsed.architecture + ".deb";
      const std::string path = directory / ("store/" + artifact_name(version, name));
      TRY(world.files.write(path, bytes));
      shipped.manifest.artifacts.push_back(
          {name, "any", bytes.size(), crypto::to_hex(crypto::sha256(bytes)), path});
    }
    shipped.facts = TRY(ecosystem.describe(
        {world, repository, "notes", version, shipped.manifest.created, shipped.manifest.artifacts, client}));
    releases.insert(releases.begin(), std::move(shipped));
    return {};
  }
  Result<> ship(const std::string& version) {
    return ship(version, {artifact::testing::control_of("notes-agent", version + "-1")});
  }
  void withdraw(const std::string& version) {
    std::erase_if(releases, [&](const Shipped& one) { return one.manifest.version == version; });
  }

  Result<Written> write(std::vector<cohort::Track> tracks) {
    return ecosystem.write({world, repository, "notes", channel, client, std::move(tracks), releases,
                            sequence, issued, expires, *store});
  }
  // Publishes into the store's directory, and gives the notes.
  std::vector<std::string> publish(std::vector<cohort::Track> tracks) {
    auto written = write(std::move(tracks));
    REQUIRE_MESSAGE(written.has_value(), written.error().message);
    for (const auto* list : {&written->files, &written->pointers})
      for (const Named& one : *list) put(one.name, one.bytes);
    return std::move(written->notes);
  }
  void put(const std::string& name, const std::string& bytes) {
    REQUIRE(world.files.write(directory / ("store/" + name), bytes).has_value());
  }
  std::string bytes_of(const std::string& name) {
    const auto bytes = world.files.read(directory / ("store/" + name), 64 << 20);
    REQUIRE(bytes.has_value());
    return bytes->value_or("");
  }
  ReadInput read_input(const std::string& feed_channel = {}, const std::string& file = {}) {
    ReadInput input;
    input.fetch = [this](const std::string& name, std::size_t max) {
      return world.files.read(directory / ("store/" + name), max);
    };
    input.channel = "stable";
    input.feed_channel = feed_channel;
    input.file = file;
    input.client = client;
    input.now = issued + std::chrono::seconds(2);
    return input;
  }
  std::unique_ptr<View> view(const std::string& feed_channel = {}) {
    auto read = ecosystem.read(read_input(feed_channel));
    REQUIRE_MESSAGE(read.has_value(), read.error().message);
    return std::move(*read);
  }

  support::TempDirectory directory;
  ports::World& world;  // the real one: apt and gpg are
  std::string repository;
  Ecosystem ecosystem = apt();
  spec::Channel channel;
  spec::Client client;
  std::optional<signing::testing::GpgHome> keys;
  std::uint64_t sequence = 7;
  Instant issued{}, expires{};
  std::vector<Shipped> releases;
  std::unique_ptr<store::Store> store = store::open_directory(world.files, directory / "store");
};

}  // namespace tranche::channel::testing
