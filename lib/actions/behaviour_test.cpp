#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "actions/behaviour.hpp"
#include "attest/model.hpp"
#include "crypto/digest.hpp"
#include "os/world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::actions;
namespace fs = std::filesystem;

namespace {

struct Repository {
  support::TempDirectory directory;
  os::RealWorld os;
  ports::Files& files = os.world().files;
  void put(const std::string& path, std::string_view bytes) const {
    const fs::path full = fs::path(directory.path()) / path;
    fs::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << bytes;
  }
  Result<std::vector<artifact::Behaviour>> collect(const spec::Behaviour& wanted) {
    return collect_behaviour(files, directory.path(), wanted);
  }
};

}  // namespace

TEST_CASE("prompts, parameters, tools and models are hashed, sorted by kind and name") {
  Repository repository;
  repository.put("prompts/summary.md", "Be brief.");
  repository.put("prompts/title.md", "Be bold.");
  repository.put("tools/search.json", "{}");
  repository.put("parameters.yaml", "temperature: 0");
  repository.put("models/notes/weights.bin", "wwww");
  repository.put("models/notes/config.json", "{}");
  repository.put("models/notes/.gitattributes", "x");
  repository.put("models/notes/model.sig", "x");
  repository.put("models/tiny.gguf", "g");
  spec::Behaviour wanted;
  wanted.prompts = {"prompts/*.md", "prompts/title.md"};
  wanted.parameters = {"parameters.yaml"};
  wanted.tools = {"tools/*.json"};
  wanted.models = {"models/notes", "models/*.gguf"};
  const auto found = repository.collect(wanted);
  REQUIRE(found.has_value());
  std::vector<std::string> shown;
  for (const auto& one : *found) shown.push_back(fmt::format("{} {} {}", one.kind, one.name, one.size));
  CHECK(shown == std::vector<std::string>{"model models/notes 6", "model models/tiny.gguf 1",
                                          "parameter parameters.yaml 14", "prompt prompts/summary.md 9",
                                          "prompt prompts/title.md 8", "tool tools/search.json 2"});
  CHECK((*found)[3].sha256 == crypto::to_hex(crypto::sha256("Be brief.")));
  // The digest of a directory of weights is the one under which its signed manifest names it.
  const std::string digests = std::string(crypto::as_bytes(crypto::sha256("{}"))) +
                              std::string(crypto::as_bytes(crypto::sha256("wwww")));
  CHECK((*found)[0].sha256 == crypto::to_hex(crypto::sha256(digests)));
}

TEST_CASE("behaviour that cannot be pinned is refused, all of it at once") {
  Repository repository;
  repository.put("prompts/a.md", "a");
  repository.put("model/w.bin", "w");
  fs::create_symlink("w.bin", fs::path(repository.directory.path()) / "model/link");
  spec::Behaviour wanted;
  wanted.prompts = {"nothing/*.md", "../secrets.md", "/etc/passwd", "prompts"};
  wanted.models = {"model"};
  const auto found = repository.collect(wanted);
  REQUIRE(!found.has_value());
  CHECK(found.error().kind == ErrorKind::invalid);
  CHECK(found.error().others.size() == 4);
  CHECK(!found.error().hint.empty());
}

TEST_CASE("what changed between two releases is said file by file") {
  const std::string a(64, 'a'), b(64, 'b');
  const std::vector<artifact::Behaviour> before{{"a.md", "prompt", 1, a}, {"m", "model", 1, a}};
  const std::vector<artifact::Behaviour> after{{"a.md", "prompt", 1, b}, {"a.md", "tool", 1, a}};
  CHECK(describe_behaviour_change(before, after) ==
        std::vector<std::string>{"prompt 'a.md' changed", "tool 'a.md' is new", "model 'm' is gone"});
  CHECK(describe_behaviour_change(before, before).empty());
}
