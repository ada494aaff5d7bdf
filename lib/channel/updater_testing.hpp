// What the tests of the updaters' feeds share: a release as `release create` describes it, the files a feed
// says for given tracks, and those files read again.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "artifact/manifest.hpp"
#include "channel/ecosystem.hpp"
#include "crypto/digest.hpp"
#include "support/fake_world.hpp"

namespace tranche::channel::testing {

struct UpdaterBench {
  explicit UpdaterBench(const Ecosystem& which) : ecosystem(which) {
    channel.name = "stable";
    channel.url = "https://updates.example/stable";
    client.name = std::string(which.feed);
    issued = *parse_instant("2026-03-01T12:00:00Z");
  }

  // Describes a release of these files (name → bytes) and keeps it.
  Result<> ship(const std::string& version, const std::map<std::string, std::string>& files,
                const std::string& platform = "any") {
    auto world = fake.world();
    Shipped shipped;
    shipped.manifest.app = "notes";
    shipped.manifest.version = version;
    shipped.manifest.created = *parse_instant("2026-02-01T08:30:00Z");
    for (const auto& [name, bytes] : files) {
      fake.files.bytes["dist/" + name] = bytes;
      shipped.manifest.artifacts.push_back(
          {name, platform, bytes.size(), crypto::to_hex(crypto::sha256(bytes)), "dist/" + name});
    }
    shipped.facts = TRY(ecosystem.describe(
        {world, repository, "notes", version, shipped.manifest.created, shipped.manifest.artifacts, client}));
    releases.insert(releases.begin(), std::move(shipped));
    return {};
  }
  void withdraw(const std::string& version) {
    std::erase_if(releases, [&](const Shipped& one) { return one.manifest.version == version; });
  }

  Result<Written> write(std::vector<cohort::Track> tracks) {
    auto world = fake.world();
    return ecosystem.write({world, repository, "notes", channel, client, std::move(tracks), releases, 7,
                            issued, issued + std::chrono::hours(24), *store});
  }
  // Publishes what write() says into `published`, and gives the notes.
  Result<std::vector<std::string>> publish(std::vector<cohort::Track> tracks) {
    Written written = TRY(write(std::move(tracks)));
    for (const auto* list : {&written.files, &written.pointers})
      for (const Named& one : *list) {
        published[one.name] = one.bytes;
        fake.files.bytes["store/" + one.name] = one.bytes;
      }
    return std::move(written.notes);
  }
  Result<std::unique_ptr<View>> read(Instant now, const std::string& feed_channel = {},
                                     const std::string& file = {}, const std::string& platform = {}) {
    ReadInput input;
    input.fetch = [this](const std::string& name, std::size_t) -> Result<std::optional<std::string>> {
      const auto found = published.find(name);
      if (found == published.end()) return std::optional<std::string>();
      return std::optional(found->second);
    };
    input.channel = "stable";
    input.feed_channel = feed_channel;
    input.file = file;
    input.platform = platform;
    input.client = client;
    input.now = now;
    input.base_url = base_url;
    return ecosystem.read(input);
  }
  std::unique_ptr<View> view(const std::string& feed_channel = {}) {
    auto out = read(issued, feed_channel);
    return out ? std::move(*out) : nullptr;
  }
  // A file of the store as another tool left it.
  std::unique_ptr<View> view_of(const std::string& name, const std::string& bytes) {
    published[name] = bytes;
    auto out = read(issued, {}, name);
    return out ? std::move(*out) : nullptr;
  }

  std::unique_ptr<support::FakeWorld> owned = std::make_unique<support::FakeWorld>();
  support::FakeWorld& fake = *owned;
  Ecosystem ecosystem;
  std::string repository = "/repo";
  spec::Channel channel;
  spec::Client client;
  Instant issued{};
  std::vector<Shipped> releases;
  std::unique_ptr<store::Store> store = store::open_directory(fake.files, "store");
  std::map<std::string, std::string> published;
  std::string base_url;  // of what is read
};

inline cohort::Track track(const std::string& release, std::uint32_t percent,
                           const std::string& previous = {}) {
  cohort::Track out;
  out.release = release;
  out.share = Percent{percent * (Percent::whole / 100)};
  out.previous = previous;
  return out;
}

inline bool has_code(const std::vector<Remark>& remarks, std::string_view code) {
  for (const Remark& one : remarks)
    if (one.code == code) return true;
  return false;
}

}  // namespace tranche::channel::testing
