// Reading from a repository: includes, lists of devices, links that lead out.
#include <doctest/doctest.h>

#include <filesystem>

#include "base/render_error.hpp"
#include "os/world.hpp"
#include "spec/spec.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::spec;

namespace {

struct Repository {
  support::TempDirectory directory;
  std::unique_ptr<ports::Files> files = os::make_files();

  void write(const std::string& path, std::string_view text) {
    REQUIRE(files->write(directory / ("repo/" + path), text).has_value());
  }
  Result<Spec> load_it() { return load(*files, directory / "repo/tranche.yaml"); }
  // Messages without the directory of the test.
  std::vector<std::string> problems() {
    const auto loaded = load_it();
    if (loaded) return {};
    std::vector<Error> all{loaded.error()};
    all.insert(all.end(), loaded.error().others.begin(), loaded.error().others.end());
    std::vector<std::string> out;
    for (const Error& error : all) {
      std::string file = error.mark ? error.mark->file : "-";
      file = file.substr(file.find("repo/") == std::string::npos ? 0 : file.find("repo/") + 5);
      out.push_back(fmt::format("{}:{} {}", file, error.mark ? error.mark->line : 0, error.message));
    }
    return out;
  }
};

}  // namespace

TEST_CASE("included files add their names to the maps of the main file") {
  Repository repo;
  repo.write(
      "tranche.yaml",
      "version: 1\napp: a\ninclude: [ops/*.yaml, extra.yaml]\nchannels: { stable: { store: \"dir:s\" } }\n"
      "gates: { one: {} }\nsources: { s: { serve: \"http://h\" } }\n");
  repo.write("ops/gates.yaml", "gates: { two: { query: up, success-condition: result > 0 } }\n");
  repo.write("ops/.hidden.yaml", "nonsense: 1\n");
  repo.write("ops/note.txt", "nonsense: 1\n");
  repo.write("extra.yaml", "version: 1\nflags: { on: {} }\nartifacts: [x]\n");
  const auto loaded = repo.load_it();
  if (!loaded) FAIL(render_error(loaded.error(), false));
  const App& app = loaded->apps.front();
  CHECK(app.gates.size() == 2);
  CHECK(app.flag("on") != nullptr);
  CHECK(app.artifacts.size() == 1);
  CHECK(loaded->repository == repo.directory / "repo");
}

TEST_CASE("problems of included files name their file and line") {
  Repository repo;
  repo.write("tranche.yaml",
             "version: 1\napp: a\ninclude: ops/*.yaml\ngates: { one: {} }\nstate: git\nzzzzzz: 1\n");
  repo.write("ops/a.yaml", "gates:\n  one: {}\n  two: { zzzzzz: 1 }\nstate: git\n");
  repo.write("ops/b.yaml", "include: [c.yaml]\nversion: 2\n");
  repo.write("ops/c.yaml", "a: [\n");
  repo.write("ops/d.yaml", "- 1\n");
  auto found = repo.problems();
  std::sort(found.begin(), found.end());
  REQUIRE(found.size() == 8);
  CHECK(found[0] == "ops/a.yaml:2 'one' is defined twice in gates");
  CHECK(found[1] == "ops/a.yaml:3 unknown key 'zzzzzz' in gate 'two'");
  CHECK(found[2] == "ops/a.yaml:4 key 'state' is given twice");
  CHECK(found[3] == "ops/b.yaml:1 'include' is not possible in an included file");
  CHECK(found[4] == "ops/b.yaml:2 the version of an included file is not 1");
  CHECK(found[5].starts_with("ops/c.yaml:"));
  CHECK(found[6] == "ops/d.yaml:1 an included file must be a map, not a list");
  CHECK(found[7] == "tranche.yaml:6 unknown key 'zzzzzz'");
}

TEST_CASE("nothing outside the repository is read") {
  Repository repo;
  REQUIRE(repo.files->write(repo.directory / "outside/x.yaml", "flags: { on: {} }\n").has_value());
  repo.write("ops/keep", "");
  std::filesystem::create_symlink(repo.directory / "outside/x.yaml", repo.directory / "repo/ops/link.yaml");
  std::filesystem::create_symlink(repo.directory / "outside", repo.directory / "repo/out");
  struct Case {
    const char* include;
    const char* message;
  };
  for (const Case& c :
       {Case{"../outside/x.yaml", "bad 'include': '../outside/x.yaml' leaves the repository"},
        Case{"/etc/passwd", "bad 'include': '/etc/passwd' leaves the repository"},
        Case{"ops/*.yaml", "'ops/link.yaml' is a link that leaves the repository"},
        Case{"out/x.yaml", "'out/x.yaml' is a link that leaves the repository"},
        Case{"out/*.yaml", "'out' is a link that leaves the repository"},
        Case{"**/x.yaml", "'**' is not possible in include"},
        Case{"none/*.yaml", "no file matches 'none/*.yaml'"}, Case{"none.yaml", "no file 'none.yaml'"}}) {
    INFO(c.include);
    repo.write("tranche.yaml", fmt::format("version: 1\napp: a\ninclude: [\"{}\"]\n", c.include));
    CHECK(repo.problems() == std::vector<std::string>{fmt::format("tranche.yaml:3 {}", c.message)});
  }
}

TEST_CASE("more than 32 included files are refused") {
  Repository repo;
  for (int i = 0; i < 33; ++i)
    repo.write(fmt::format("ops/{}.yaml", i), fmt::format("flags: {{ f{}: {{}} }}\n", i));
  repo.write("tranche.yaml", "version: 1\napp: a\ninclude: ops/*.yaml\n");
  CHECK(repo.problems() == std::vector<std::string>{"tranche.yaml:3 more than 32 included files"});
}

TEST_CASE("a cohort may keep its devices in a file, one id a line") {
  Repository repo;
  repo.write("tranche.yaml", "version: 1\napp: a\ncohorts: { lab: { devices: { file: lab.txt } } }\n");
  repo.write("lab.txt", "# the lab\nd-1\r\n\n  d-2\n");
  const auto loaded = repo.load_it();
  if (!loaded) FAIL(render_error(loaded.error(), false));
  CHECK(loaded->apps.front().cohort("lab")->devices == std::vector<std::string>{"d-1", "d-2"});
  repo.write("lab.txt", "d-1\nbad\x01id\n");
  CHECK(repo.problems() == std::vector<std::string>{"tranche.yaml:3 bad 'devices' in cohort 'lab': line 2 of "
                                                    "'lab.txt': 'bad\\x01id' is not a device id"});
}

TEST_CASE("a secret file by an absolute path inside the repository is refused") {
  Repository repo;
  repo.write("tranche.yaml",
             fmt::format("version: 1\napp: a\nsigning:\n  feed: \"file:{}/repo/keys/feed.key\"\n"
                         "  journal: \"file:{}/keys/journal.key\"\n",
                         repo.directory.path(), repo.directory.path()));
  CHECK(repo.problems() ==
        std::vector<std::string>{"tranche.yaml:4 bad 'feed': the secret file is inside the repository"});
}

TEST_CASE("a missing, a large or a broken file is one clear error") {
  Repository repo;
  auto missing = repo.load_it();
  REQUIRE(!missing.has_value());
  CHECK(missing.error().kind == ErrorKind::invalid);
  CHECK(missing.error().hint.starts_with("run `tranche init`"));
  repo.write("tranche.yaml", std::string((1 << 20) + 1, '#'));
  CHECK(!repo.load_it().has_value());
  repo.write("tranche.yaml", "version: 1\nversion: 1\n");
  const auto twice = repo.load_it();
  REQUIRE(!twice.has_value());
  CHECK(twice.error().kind == ErrorKind::invalid);
  CHECK(twice.error().mark->line == 2);
}

TEST_CASE("the templates of argo gates are read from the repository and travel with the plan") {
  Repository repo;
  const std::string_view main =
      "version: 1\napp: a\nchannels: { stable: { store: \"dir:s\" } }\nsources: { s: { prometheus: "
      "\"http://h\" } }\n"
      "gates: { one: { argo: argo/rate.yaml, args: { service: x, limit: 3, token: env:TRANCHE_TOKEN } } }\n";
  repo.write("tranche.yaml", main);
  repo.write("argo/rate.yaml", "kind: AnalysisTemplate\nspec: { metrics: [] }\n");
  const auto loaded = repo.load_it();
  if (!loaded) FAIL(render_error(loaded.error(), false));
  const Gate& gate = *loaded->apps.front().gate("one");
  CHECK(gate.kind == Gate::Kind::argo);
  REQUIRE(gate.argo.templates.size() == 1);
  CHECK(gate.argo.templates[0].find("kind")->place.line == 1);
  CHECK(gate.argo.args ==
        std::map<std::string, std::string>{{"service", "x"}, {"limit", "3"}, {"token", "env:TRANCHE_TOKEN"}});
  const doc::Value frozen = to_value(loaded->apps.front());
  CHECK(frozen.find("gates")->find("one")->find("argo")->as_string() == "argo/rate.yaml");
  const auto back = from_value(*doc::parse_json(doc::to_json(frozen)));
  if (!back) FAIL(render_error(back.error(), false));
  CHECK(back->gate("one")->argo.templates == gate.argo.templates);
  CHECK(to_value(*back) == frozen);
}

TEST_CASE("what is wrong with a template's file is said where it stands") {
  Repository repo;
  const std::string start =
      "version: 1\napp: a\nchannels: { stable: { store: \"dir:s\" } }\nsources: { s: { prometheus: "
      "\"http://h\" } }\n"
      "gates:\n  one:\n    argo: ";
  repo.write("argo/rate.yaml", "kind: AnalysisTemplate\n---\nkind: AnalysisTemplate\n");
  struct Row {
    const char* argo;
    const char* says;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"argo/none.yaml", "tranche.yaml:7 no file 'argo/none.yaml' (argo of gate 'one')"},
           {"../x.yaml", "tranche.yaml:7 bad 'argo' in gate 'one'"},
           {"[]", "tranche.yaml:7 bad 'argo' in gate 'one'"},
           {"argo/rate.yaml", "argo/rate.yaml:2 "},
           {"[a.yaml]\n    args: { a: [1] }",
            "tranche.yaml:8 'args' in gate 'one' must be a string, a number or a boolean"},
           {"[a.yaml]\n    args: { a: env:HOME }", "tranche.yaml:8 bad 'args' in gate 'one'"},
           {"[a.yaml]\n    templates: [{ kind: x }]",
            "tranche.yaml:6 gate 'one' has templates of its own"}}) {
    CAPTURE(row.argo);
    repo.write("tranche.yaml", start + row.argo + "\n");
    const std::vector<std::string> said = repo.problems();
    REQUIRE_FALSE(said.empty());
    bool found = false;
    std::string all;
    for (const std::string& one : said) {
      all += one + "\n";
      found = found || one.starts_with(row.says);
    }
    CHECK_MESSAGE(found, all);
  }
}
