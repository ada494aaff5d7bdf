#include "scaffold/scaffold.hpp"

#include <doctest/doctest.h>

#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::scaffold;

TEST_CASE("any text becomes a valid name") {
  const std::pair<const char*, const char*> rows[] = {
      {"notes-agent", "notes-agent"},
      {"Notes Agent", "notes-agent"},
      {"@acme/notes", "acme-notes"},
      {"__x__", "x"},
      {"", "app"},
      {"///", "app"},
      {"é1", "1"},
  };
  for (const auto& [text, name] : rows) CHECK(to_name(text) == name);
  CHECK(to_name(std::string(500, 'a')).size() == 63);
}

TEST_CASE("a project is known by its own file") {
  struct Row {
    const char* file;
    const char* text;
    const char* app;
    const char* kind;
  };
  const Row rows[] = {
      {"package.json", R"({"name": "@acme/notes-agent"})", "notes-agent", "npm"},
      {"package.json", R"({"name": "notes", "devDependencies": {"electron": "30"}})", "notes", "electron"},
      {"package.json", "not json", "fallback", "npm"},
      {"Cargo.toml", "[dependencies]\nname = \"wrong\"\n[package]\nname = \"crab\"\n", "crab", "cargo"},
      {"CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(Thing\n  LANGUAGES CXX)", "thing",
       "cmake"},
      {"CMakeLists.txt", "project(${NAME})", "fallback", "cmake"},
      {"go.mod", "module example.org/team/agent\n", "agent", "go"},
      {"pyproject.toml", "[project]\nname = 'snake'\n", "snake", "python"},
      {"README", "", "fallback", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.file);
    support::FakeWorld fake;
    REQUIRE(fake.files.write(std::string("/p/") + row.file, row.text));
    const auto facts = detect(fake.files, "/p", "fallback");
    REQUIRE(facts);
    CHECK(facts->app == row.app);
    CHECK(facts->kind == row.kind);
    CHECK_FALSE(facts->artifacts.empty());
  }
}

TEST_CASE("a template is filled wholly or not at all") {
  CHECK(*render("app: {{app}}\n", {{"app", "x"}}) == "app: x\n");
  CHECK(*render("{ a: 1 } {{n}}{{n}}", {{"n", "y"}}) == "{ a: 1 } yy");
  CHECK_FALSE(render("{{missing}}", {}));
  CHECK_FALSE(render("nothing", {{"left", "over"}}));
  CHECK_FALSE(render("{{open", {}));
}

TEST_CASE("lines are added once") {
  const std::vector<std::string> lines = {"*.pem", "/public/"};
  const std::string once = add_lines("node_modules\n", "# tranche", lines);
  CHECK(once == "node_modules\n# tranche\n*.pem\n/public/\n");
  CHECK(add_lines(once, "# tranche", lines) == once);
  CHECK(add_lines("*.pem", "# tranche", lines) == "*.pem\n# tranche\n/public/\n");
}
