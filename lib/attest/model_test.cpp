#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "attest/model.hpp"
#include "attest/model_files.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::attest;

namespace {

namespace fs = std::filesystem;

void put(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// The folder that model-transparency's own tests sign: d0/f00 ... d1/f12, f0 ... f3.
void make_sample(const fs::path& root) {
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      put(root / fmt::format("d{}/f{}{}", i, i, j), fmt::format("This is file f{}{} in d{}.", i, j, i));
  for (int i = 0; i < 4; ++i) put(root / fmt::format("f{}", i), fmt::format("This is file f{} in root.", i));
}

struct Fixture {
  support::TempDirectory directory;
  fs::path root = fs::path(directory.path()) / "sample_model";
  os::RealWorld os;
  ports::World world = os.world();
  Fixture() { make_sample(root); }

  Result<MeasuredModel> measure(const Serialization& how = {}) {
    return measure_model(world.files, root.string(), how);
  }
  // What verifying says after `change`.
  std::vector<ModelProblem> after(const Model& model, const std::function<void()>& change) {
    change();
    auto here = measure(model.serialization);
    REQUIRE(here.has_value());
    std::vector<ModelProblem> all = here->problems;
    for (const ModelProblem& one : compare_models(model, here->model)) all.push_back(one);
    return all;
  }
};

std::string only_reason(const std::vector<ModelProblem>& problems) {
  return problems.size() == 1 ? std::string(problems[0].reason) + " " + problems[0].path
                              : fmt::format("{} problems", problems.size());
}

}  // namespace

TEST_CASE("a folder has the manifest that model-transparency writes for it") {
  Fixture fixture;
  const auto measured = fixture.measure({.allow_symlinks = true});
  REQUIRE(measured.has_value());
  CHECK(measured->problems.empty());
  const auto statement = to_statement(measured->model);
  REQUIRE(statement.has_value());
  CHECK(statement->subjects[0].name == "sample_model");
  CHECK(*statement->subjects[0].digest("sha256") ==
        "143cc682e555951649f18e2761c3d526d2502996f5e32dc187ef7f8a614f8df7");
  CHECK(measured->model.resources.front() ==
        ModelResource{"d0/f00", "fdd8925354242a7fd1515e79534317b800015607a609cd306e0b4dcfe6c92249"});
  CHECK(doc::to_json(*statement->predicate.find("serialization")) ==
        R"({"method":"files","hash_type":"sha256","allow_symlinks":true})");
}

TEST_CASE("a folder in shards has the manifest that model-transparency writes for it") {
  Fixture fixture;
  const auto measured = fixture.measure({.shard_size = 8});
  REQUIRE(measured.has_value());
  const auto statement = to_statement(measured->model);
  REQUIRE(statement.has_value());
  CHECK(*statement->subjects[0].digest("sha256") ==
        "2139af57fd2a4f324ac7cd0fc04898cce73d0871b363c8eb3fc07ab7da4c8445");
  CHECK(measured->model.resources[2] ==
        ModelResource{"d0/f00:16:23", "003b089e217915b12ca9509b2f8a01be7cfe662ffadeb1cd3cf3f430c7b9773a"});
  // As it comes back through protobuf.
  doc::Value predicate = statement->predicate;
  predicate.find("serialization")->set("shard_size", 8.0);
  predicate.find("serialization")->set("ignore_paths", doc::Value::array());
  const auto read = model_from_statement({statement->subjects, statement->predicate_type, predicate});
  REQUIRE(read.has_value());
  CHECK(compare_models(*read, measured->model).empty());
  CHECK(only_reason(fixture.after(*read, [&] { put(fixture.root / "f1", "This is file f1 in ROOT."); })) ==
        "changed-file f1");
  CHECK(only_reason(fixture.after(*read, [&] {
          put(fixture.root / "f1", "This is file f1 in root.");
          fs::rename(fixture.root / "f2", fixture.root / "g2");
        })) == "renamed-file f2");
}

TEST_CASE("a model of one file is one resource without a name") {
  Fixture fixture;
  put(fixture.root / "f0", "signme-1\n");
  const auto measured = measure_model(fixture.world.files, (fixture.root / "f0").string(), {});
  REQUIRE(measured.has_value());
  const auto statement = to_statement(measured->model);
  REQUIRE(statement.has_value());
  CHECK(measured->model.resources[0].name == ".");
  CHECK(statement->subjects[0].name == "f0");
  CHECK(*statement->subjects[0].digest("sha256") ==
        "afa48c8674afe334b8a7dea34f7b46ab256e9255edf8da2132792341b667a45b");
}

TEST_CASE("each way in which a model differs has its own reason") {
  Fixture fixture;
  const auto measured = fixture.measure();
  REQUIRE(measured.has_value());
  const Model& model = measured->model;
  CHECK(fixture.after(model, [] {}).empty());
  CHECK(only_reason(fixture.after(model, [&] { put(fixture.root / "new/x", "x"); })) == "added-file new/x");
  fs::remove_all(fixture.root / "new");
  CHECK(only_reason(fixture.after(model, [&] { put(fixture.root / "f3", "y"); })) == "changed-file f3");
  make_sample(fixture.root);
  CHECK(only_reason(fixture.after(model, [&] { fs::remove(fixture.root / "f3"); })) == "missing-file f3");
  make_sample(fixture.root);
  CHECK(only_reason(fixture.after(model, [&] { fs::rename(fixture.root / "f3", fixture.root / "d0/f3"); })) ==
        "renamed-file f3");
  fs::remove(fixture.root / "d0/f3");
  make_sample(fixture.root);
  CHECK(only_reason(fixture.after(model, [&] { fs::create_symlink("f0", fixture.root / "link"); })) ==
        "symlink link");
  fs::remove(fixture.root / "link");
  put(fs::path(fixture.directory.path()) / "outside", "z");
  CHECK(only_reason(fixture.after(model, [&] { fs::create_symlink("../outside", fixture.root / "link"); })) ==
        "link-leaves-model link");
  fs::remove(fixture.root / "link");
  CHECK(only_reason(fixture.after(model, [&] {
          fs::create_directory_symlink(fixture.root / "d0", fixture.root / "d2");
        })) == "symlink d2");
}

TEST_CASE("links to files of the model count as files where they are allowed, others never") {
  Fixture fixture;
  put(fs::path(fixture.directory.path()) / "outside", "z");
  fs::create_symlink("f0", fixture.root / "link");
  auto measured = fixture.measure({.allow_symlinks = true});
  REQUIRE(measured.has_value());
  CHECK(measured->problems.empty());
  CHECK(measured->model.resources.size() == 11);
  fs::create_symlink("../outside", fixture.root / "away");
  fs::create_symlink("nowhere", fixture.root / "broken");
  fs::create_directory_symlink("d0", fixture.root / "d9");
  measured = fixture.measure({.allow_symlinks = true});
  REQUIRE(measured.has_value());
  CHECK(measured->problems.size() == 3);
}

TEST_CASE("ignored paths are left out with all below them, and no name that only begins like them") {
  Fixture fixture;
  put(fixture.root / ".git/config", "x");
  put(fixture.root / ".gitignore", "x");
  put(fixture.root / ".gitx", "x");
  Serialization how;
  how.ignore_paths = usual_ignored_paths();
  how.ignore_paths.push_back("d0");
  const auto measured = fixture.measure(how);
  REQUIRE(measured.has_value());
  REQUIRE(measured->model.resources.size() == 8);
  CHECK(measured->model.resources[0].name == ".gitx");
  CHECK(measured->model.resources[1].name == "d1/f10");
}

TEST_CASE("paths are ordered part by part, as the peer orders them") {
  CHECK(attest::detail::path_before("a/b", "a.txt"));
  CHECK(attest::detail::path_before("a", "a/b"));
  CHECK(attest::detail::path_before("a/z", "a-b"));
  CHECK(!attest::detail::path_before("b", "a/z"));
  CHECK(!attest::detail::path_before("a", "a"));
  CHECK(attest::detail::path_before("a\x01", "b"));
}

TEST_CASE("a statement that is no model, or not of its own files, is refused") {
  Fixture fixture;
  const auto measured = fixture.measure();
  REQUIRE(measured.has_value());
  const Statement good = *to_statement(measured->model);
  REQUIRE(model_from_statement(good).has_value());
  const auto with = [&](const std::function<void(Statement&)>& change) {
    Statement changed = good;
    change(changed);
    const auto read = model_from_statement(changed);
    return read ? std::string("accepted") : read.error().message;
  };
  const auto resource = [](Statement& one, std::size_t i) -> doc::Value& {
    return one.predicate.find("resources")->as_array()[i];
  };
  CHECK(with([](Statement& one) { one.predicate_type = "https://model_signing/Digests/v0.1"; }) !=
        "accepted");
  CHECK(with([](Statement& one) { one.subjects.push_back(one.subjects[0]); }) != "accepted");
  CHECK(with([](Statement& one) { one.subjects[0].digests[0].second = std::string(64, '0'); }) ==
        "the subject's digest is not that of the files it names");
  CHECK(with([&](Statement& one) { resource(one, 1).set("digest", std::string(64, '0')); }) ==
        "the subject's digest is not that of the files it names");
  for (const char* name : {"../f0", "/etc/passwd", "d0//f0", "d0/./f0", "", "d0/f00"})
    CHECK(with([&](Statement& one) { resource(one, 1).set("name", name); }) != "accepted");
  CHECK(with([&](Statement& one) { resource(one, 1).set("algorithm", "sha512"); }) != "accepted");
  CHECK(with([&](Statement& one) { resource(one, 1).set("digest", "abc"); }) != "accepted");
  CHECK(with([&](Statement& one) { one.predicate.set("resources", doc::Value::array()); }) != "accepted");
  CHECK(with([&](Statement& one) { one.predicate.find("serialization")->set("method", "tensors"); }) !=
        "accepted");
  CHECK(with([&](Statement& one) { one.predicate.find("serialization")->set("hash_type", "md5"); }) !=
        "accepted");
  CHECK(with([&](Statement& one) {
          one.predicate.find("serialization")->set("ignore_paths", doc::Array{doc::Value("..")});
        }) != "accepted");
}

TEST_CASE("a model that is not there, or empty, is an error with a hint") {
  Fixture fixture;
  const auto missing = measure_model(fixture.world.files, (fixture.root / "none").string(), {});
  REQUIRE(!missing.has_value());
  CHECK(!missing.error().hint.empty());
  fs::create_directories(fixture.root / "empty");
  CHECK(!measure_model(fixture.world.files, (fixture.root / "empty").string(), {}).has_value());
}
