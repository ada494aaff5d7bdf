// electron_writer: our side of electron_client.mjs, straight from the channel room.
//   write DIR PERCENT [VERSION PREVIOUS]  describes the releases whose files lie in DIR/dist/VERSION, and
//                                         publishes into DIR/store as a channel that offers VERSION to
//                                         PERCENT and PREVIOUS to the rest
//   predict DIR FILE RUNNING [allow-downgrade]  reads ids, a line each, and says what each is offered by
//                                         DIR/store/FILE: VERSION or -, and the reason
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "artifact/collect.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/feed.hpp"
#include "os/world.hpp"

using namespace tranche;

namespace {

Result<channel::Shipped> describe(ports::World& world, const std::string& directory,
                                  const std::string& version) {
  channel::Shipped shipped;
  shipped.manifest.app = "notes";
  shipped.manifest.version = version;
  shipped.manifest.created = world.clock.now();
  const std::string dist = "dist/" + version;
  std::vector<artifact::Pattern> patterns{{dist + "/*", {}, {}, {}}};
  if (std::filesystem::exists(directory + "/" + dist + "/latest.yml"))
    patterns = {{dist + "/latest*.yml", {}, "electron-builder", {}}};
  shipped.manifest.artifacts = TRY(artifact::collect(world.files, directory, patterns, version));
  shipped.facts = TRY(channel::electron().describe(
      {world, directory, "notes", version, shipped.manifest.created, shipped.manifest.artifacts, {}}));
  for (const artifact::Artifact& one : shipped.manifest.artifacts)
    TRY(world.files.copy(one.path, directory + "/store/" + channel::artifact_name(version, one.name)));
  return shipped;
}

Result<> write(ports::World& world, const std::string& directory, const std::string& percent,
               const std::string& offer, const std::string& previous) {
  std::vector<channel::Shipped> releases;
  for (const auto& entry : std::filesystem::directory_iterator(directory + "/dist"))
    releases.push_back(TRY(describe(world, directory, entry.path().filename().string())));
  std::sort(releases.begin(), releases.end(), [](const channel::Shipped& a, const channel::Shipped& b) {
    return compare_versions(a.manifest.version, b.manifest.version) > 0;
  });
  cohort::Track track;
  track.release = offer;
  track.share = TRY(parse_percent(percent));
  track.previous = previous;
  spec::Channel config;
  config.name = "stable";
  const auto store = store::open_directory(world.files, directory + "/store");
  const auto written = TRY(channel::electron().write(
      {world, directory, "notes", config, {}, {track}, releases, 1, {}, {}, *store}));
  for (const channel::Named& one : written.pointers)
    TRY(world.files.write(directory + "/store/" + one.name, one.bytes));
  return {};
}

Result<> predict(ports::World& world, const std::string& directory, const std::string& file,
                 const std::string& running, bool allow_downgrade) {
  channel::ReadInput input;
  input.fetch = [&](const std::string& name, std::size_t max) {
    return world.files.read(directory + "/store/" + name, max);
  };
  input.file = file;
  input.client.allow_downgrade = allow_downgrade;
  const auto view = TRY(channel::electron().read(input));
  if (view == nullptr) return fail(ErrorKind::failed, "there is no {}", file);
  std::string answers;
  for (std::string id; std::getline(std::cin, id);) {
    const channel::Answer answer = view->ask({id, running});
    answers += fmt::format("{} {}\n", answer.offered.empty() ? "-" : answer.offered, answer.reason);
  }
  world.console.out(answers);
  return {};
}

Result<> run(ports::World& world, const std::vector<std::string>& words) {
  if (words.size() >= 3 && words[0] == "write")
    return write(world, words[1], words[2], words.size() > 3 ? words[3] : "1.2.0",
                 words.size() > 4 ? words[4] : "1.1.0");
  if (words.size() >= 4 && words[0] == "predict")
    return predict(world, words[1], words[2], words[3], words.size() > 4);
  return fail(ErrorKind::usage, "write DIR PERCENT | predict DIR FILE RUNNING");
}

}  // namespace

int main(int argc, char** argv) {
  os::RealWorld real;
  ports::World world = real.world();
  const auto done = run(world, {argv + 1, argv + argc});
  if (done) return 0;
  std::fprintf(stderr, "electron_writer: %s\n", done.error().message.c_str());
  return static_cast<int>(done.error().kind);
}
