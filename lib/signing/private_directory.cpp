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
    // mktemp makes it for this user only (mode 0700).
    const auto made = TRY(run(world, {"mktemp", "-d", "--", place + "/tranche-XXXXXXXXXX"}));
    if (made.exit_code == 0 && made.out.starts_with(place))
      return std::unique_ptr<PrivateDirectory>(new PrivateDirectory(world, std::string(trim(made.out))));
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
