#include "signing/private_directory.hpp"

#include <vector>

#include "base/text.hpp"

namespace tranche::signing {
namespace {

// A socket's name has at most 107 bytes, and gpg's agent has one in its home.
constexpr std::size_t longest_place = 60;

Result<ports::ProcessResult> run(ports::World& world, std::vector<std::string> argv) {
  ports::ProcessRequest request;
  request.argv = std::move(argv);
  return world.process.run(request);
}

// Its owner holds a lock on this while it lives, in whatever container that is.
constexpr std::string_view owner_name = "/owner";
constexpr std::size_t most_looked_at = 1'000;
// Between making that file and locking it lie microseconds: one that is younger is left for a later run.
constexpr Duration safe_age = std::chrono::minutes(1);

// What a killed run left: a directory like ours whose owner no longer holds its lock. One that is being made
// has no such file yet, and one of somebody else cannot be looked into.
void remove_abandoned(ports::World& world, const std::string& place) {
  const auto names = world.files.list(place);
  if (!names) return;
  std::size_t looked_at = 0;
  for (const std::string& name : *names) {
    if (!name.starts_with("tranche-") || ++looked_at > most_looked_at) continue;
    const std::string directory = place + "/" + name;
    const auto info = world.files.info(directory);
    if (!info || !*info || (*info)->kind != ports::FileInfo::Kind::directory || (*info)->mode != 0700)
      continue;
    const auto owner = world.files.info(directory + std::string(owner_name));
    if (!owner || !*owner || (*owner)->kind != ports::FileInfo::Kind::file) continue;
    if (world.clock.now() - (*owner)->modified < safe_age) continue;
    if (const auto lock = world.files.lock(directory + std::string(owner_name), Duration{}))
      (void)run(world, {"rm", "-rf", "--", directory});
  }
}

}  // namespace

Result<std::unique_ptr<PrivateDirectory>> PrivateDirectory::make(ports::World& world, Holds holds) {
  std::vector<std::string> places;
  if (holds == Holds::secrets) places.emplace_back("/dev/shm");
  if (const auto own = world.environ.get("TMPDIR"); own && own->size() < longest_place)
    places.push_back(*own);
  places.emplace_back("/tmp");
  std::string said;
  for (const std::string& place : places) {
    if (!TRY(world.files.info(place))) continue;
    remove_abandoned(world, place);
    // mktemp makes it for this user only (mode 0700).
    const auto made = TRY(run(world, {"mktemp", "-d", "--", place + "/tranche-XXXXXXXXXX"}));
    if (made.exit_code == 0 && made.out.starts_with(place)) {
      std::unique_ptr<PrivateDirectory> directory(new PrivateDirectory(world, std::string(trim(made.out))));
      directory->owner_ = TRY(world.files.lock(directory->path_ + std::string(owner_name), Duration{}));
      return directory;
    }
    said = printable(trim(made.err));
  }
  return fail_hint(ErrorKind::failed, "set TMPDIR to a directory that can be written",
                   "cannot make a private directory: {}", said);
}

PrivateDirectory::~PrivateDirectory() {
  // Nothing can be done about errors here.
  (void)run(world_, {"rm", "-rf", "--", path_});
}

}  // namespace tranche::signing
