#include <filesystem>

#include "base/text.hpp"
#include "os/world.hpp"
#include "sbom/lock_samples.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

namespace {

const std::string one(64, 'a');
const std::string two(64, 'b');
using Properties = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("requirements.txt lists what is pinned with its version, and warns of what is not") {
  const Catalog catalog =
      taken(catalog_requirements("# made by pip-compile\n"
                                 "-r other.txt\n--index-url https://host.example/simple\n"
                                 "Flask_Login[extra]==1.0.0 \\\n    --hash=sha256:" +
                                     one +
                                     "   # via shop\n"
                                     "left==2.0.0 --hash=sha256:" +
                                     one + " --hash=sha256:" + two +
                                     "\n"
                                     "zope.interface === 5.0 ; python_version < '4' # why\n"
                                     "loose>=1.0,<2\nbare\nstar==1.*\nold (==1.5)\n"
                                     "packed @ https://host.example/p-1.whl#sha256=x\n"
                                     "forked @ git+https://host.example/f.git@abc\n"
                                     "./local\n",
                                 "requirements.txt"));
  CHECK(listed(catalog) == List{"pkg:pypi/bare", "pkg:pypi/flask-login@1.0.0",
                                "pkg:pypi/forked?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ff.git%40abc",
                                "pkg:pypi/left@2.0.0", "pkg:pypi/loose", "pkg:pypi/old@1.5",
                                "pkg:pypi/packed", "pkg:pypi/star", "pkg:pypi/zope-interface@5.0"});
  CHECK(at(catalog, "pkg:pypi/flask-login@1.0.0").hashes == std::vector{Hash{"SHA-256", one}});
  CHECK(at(catalog, "pkg:pypi/left@2.0.0").hashes.empty());
  CHECK(at(catalog, "pkg:pypi/packed").download == "https://host.example/p-1.whl#sha256=x");
  CHECK(at(catalog, "pkg:pypi/zope-interface@5.0").properties ==
        Properties{{"python:marker", "python_version < '4'"}});
  CHECK(catalog.main.depends_on.size() == 9);
  REQUIRE(catalog.warnings.size() == 5);
  CHECK(catalog.warnings[0] == "requirements.txt:2: 'other.txt' is not followed: it is not in the directory");
  CHECK(has(catalog.warnings[1], "requirements.txt:14: './local' names no package"));
  CHECK(has(catalog.warnings[2], "requirements.txt:8: 'loose' is not pinned"));
  CHECK(has(catalog.warnings[4], "requirements.txt:10: 'star' is not pinned"));
}

TEST_CASE("-r and -c are followed in the directory that is looked through, each file once, and no further") {
  support::TempDirectory directory;
  os::RealWorld real;
  ports::Files& files = real.world().files;
  const auto write = [&](const std::string& name, const std::string& text) {
    REQUIRE(files.write(directory / name, text));
  };
  write("outside.txt", "outside==1\n");
  write("repo/requirements.txt",
        "-r requirements/base.txt\n--requirement=requirements-dev.txt\n-cpins.txt\nright\nleft\n");
  write("repo/requirements/base.txt",
        "-r ../requirements.txt\n-c constraints.txt\nbase\nleft==2.0\nfree>1\n-r gone.txt\n");
  write("repo/requirements/constraints.txt", "base==1.5\nnever-used==9\n");
  write("repo/requirements-dev.txt", "-r ../outside.txt\n-r link.txt\n-r https://host.example/r.txt\n");
  write("repo/pins.txt", "Right == 3.1 ; python_version > '3'\n");
  std::filesystem::create_symlink("../outside.txt", directory / "repo/link.txt");
  const Catalog catalog =
      taken(make_catalog(real.world(), {.app = "x", .scan = {}, .paths = {directory / "repo"}}));
  CHECK(listed(catalog) ==
        List{"pkg:pypi/base@1.5", "pkg:pypi/free", "pkg:pypi/left@2.0", "pkg:pypi/right@3.1"});
  const auto path = [&](const std::string& name) { return directory / ("repo/" + name); };
  const std::string why = "it is not in the directory that is looked through";
  INFO(join(catalog.warnings, "\n"));
  CHECK(catalog.warnings ==
        List{fmt::format("{}:6: 'gone.txt' is not followed: {}", path("requirements/base.txt"), why),
             fmt::format("{}:1: '../outside.txt' is not followed: {}", path("requirements-dev.txt"), why),
             fmt::format("{}:2: 'link.txt' is not followed: {}", path("requirements-dev.txt"), why),
             fmt::format("{}:3: 'https://host.example/r.txt' is not followed: nothing is fetched",
                         path("requirements-dev.txt")),
             fmt::format("{}:5: 'free' is not pinned to a version: pip freeze or pip-compile writes them",
                         path("requirements/base.txt"))});

  // A file alone: its own directory.
  const Catalog alone = taken(make_catalog(
      real.world(), {.app = "x", .scan = {}, .paths = {directory / "repo/requirements/base.txt"}}));
  CHECK(listed(alone) == List{"pkg:pypi/base@1.5", "pkg:pypi/free", "pkg:pypi/left@2.0"});
  CHECK(has(alone.warnings.at(0), "'../requirements.txt' is not followed"));
}

TEST_CASE("requirements that name each other without end are read once each, and at most sixteen deep") {
  int asked = 0;
  const ReadOther next = [&](const std::string& path) -> Result<std::string> {
    ++asked;
    return fmt::format("-r {}x\nname{}==1\n", path, asked);
  };
  const Catalog catalog = taken(catalog_requirements("-r x\n", "requirements.txt", next));
  CHECK(asked == 16);
  CHECK(catalog.components.size() == 16);
  CHECK(catalog.covers.size() == 16);
  REQUIRE(catalog.warnings.size() == 1);
  CHECK(has(catalog.warnings[0], "at most 100 files are, 16 deep"));
}

TEST_CASE("addresses and paths are listed under the name that they say; tokens in them are not shown") {
  const Catalog catalog = taken(catalog_requirements(
      "-e git+https://user:secret@host.example/a.git@v1#egg=Alpha_One&subdirectory=x\n"
      "--editable=.\n"
      "https://token@host.example/beta-1.0-py3-none-any.whl#sha256=" +
          one +
          "\n"
          "./wheels/gamma-2.0.tar.gz\n"
          "delta[x] @ https://host.example/delta-3.0-py3-none-any.whl ; python_version > '3'\n"
          "git+ssh://git:secret@host.example/e.git\n"
          "hg+https://host.example/zeta#egg=zeta\n",
      "requirements.txt"));
  CHECK(listed(catalog) == List{"pkg:pypi/alpha-one?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Fa.git%40v1",
                                "pkg:pypi/beta@1.0", "pkg:pypi/delta@3.0", "pkg:pypi/gamma@2.0",
                                "pkg:pypi/zeta?vcs_url=hg%2Bhttps:%2F%2Fhost.example%2Fzeta"});
  CHECK(at(catalog, "pkg:pypi/beta@1.0").hashes == std::vector{Hash{"SHA-256", one}});
  CHECK(at(catalog, "pkg:pypi/delta@3.0").properties ==
        Properties{{"python:marker", "python_version > '3'"}});
  CHECK(catalog.warnings ==
        List{"requirements.txt:2: '.' names no package: a lockfile in that directory says what it needs",
             "requirements.txt:6: 'git+ssh://git@host.example/e.git' names no package: write it as NAME @ "
             "ADDRESS"});
}

TEST_CASE("poetry.lock lists packages with groups as scopes and digests of their files") {
  const Catalog catalog = taken(catalog_python_lock(R"([[package]]
name = "Left.Pad"
version = "1.0.0"
description = "pads"
optional = false
groups = ["main"]
files = [{file = "left-1.0.0.tar.gz", hash = "sha256:)" +
                                                        one + R"("}]

[[package]]
name = "right"
version = "2.0.0"
optional = false
groups = ["dev"]
files = [
    {file = "r.whl", hash = "sha256:)" + one + R"("},
    {file = "r.tar.gz", hash = "sha256:)" + two + R"("},
]
[package.dependencies]
left-pad = ">=1"
maybe = {version = "*", markers = "sys_platform == 'win32'"}

[[package]]
name = "forked"
version = "0.1.0"
optional = true
[package.source]
type = "git"
url = "https://host.example/f.git"
resolved_reference = "abc"

[metadata]
lock-version = "2.1"
)",
                                                    "poetry.lock", "poetry"));
  CHECK(listed(catalog) ==
        List{"pkg:pypi/forked@0.1.0?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ff.git%40abc (optional)",
             "pkg:pypi/left-pad@1.0.0", "pkg:pypi/right@2.0.0 (excluded)"});
  CHECK(at(catalog, "pkg:pypi/left-pad@1.0.0").hashes == std::vector{Hash{"SHA-256", one}});
  CHECK(at(catalog, "pkg:pypi/left-pad@1.0.0").description == "pads");
  CHECK(at(catalog, "pkg:pypi/right@2.0.0").properties ==
        Properties{{"dist:r.tar.gz", "sha256:" + two}, {"dist:r.whl", "sha256:" + one}});
  CHECK(at(catalog, "pkg:pypi/right@2.0.0").depends_on == List{"pkg:pypi/left-pad@1.0.0"});
  CHECK(catalog.warnings.empty());
}

TEST_CASE("uv.lock says by its edges what is needed for what") {
  const Catalog catalog = taken(catalog_python_lock(R"(version = 1
requires-python = ">=3.12"

[[package]]
name = "shop"
version = "2.0.0"
source = { editable = "." }
dependencies = [{ name = "left" }]
[package.optional-dependencies]
fast = [{ name = "native", marker = "sys_platform == 'linux'" }]
[package.dev-dependencies]
dev = [{ name = "lint" }]

[[package]]
name = "left"
version = "1.0.0"
source = { registry = "https://host.example/simple" }
dependencies = [{ name = "numpy", version = "2.0.0", source = { registry = "https://host.example/simple" } }]
sdist = { url = "https://host.example/left-1.0.0.tar.gz", hash = "sha256:)" +
                                                        one + R"(", size = 1 }

[[package]]
name = "lint"
version = "5.0.0"
source = { registry = "https://host.example/simple" }
dependencies = [{ name = "left" }]

[[package]]
name = "native"
version = "1.0.0"
source = { registry = "https://host.example/simple" }

[[package]]
name = "numpy"
version = "1.0.0"
source = { registry = "https://host.example/simple" }

[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://host.example/simple" }
)",
                                                    "uv.lock", "uv"));
  CHECK(catalog.main.name == "shop");
  CHECK(listed(catalog) == List{"pkg:pypi/left@1.0.0", "pkg:pypi/lint@5.0.0 (excluded)",
                                "pkg:pypi/native@1.0.0 (optional)", "pkg:pypi/numpy@1.0.0",
                                "pkg:pypi/numpy@2.0.0"});
  CHECK(at(catalog, "pkg:pypi/left@1.0.0").depends_on == List{"pkg:pypi/numpy@2.0.0"});
  CHECK(catalog.main.depends_on ==
        List{"pkg:pypi/left@1.0.0", "pkg:pypi/lint@5.0.0", "pkg:pypi/native@1.0.0"});
}

TEST_CASE("pdm.lock and Pipfile.lock list their packages") {
  const Catalog pdm =
      taken(catalog_python_lock("[metadata]\ngroups = [\"default\", \"dev\"]\n[[package]]\nname = "
                                "\"a\"\nversion = \"1.0\"\ngroups = [\"default\"]\n"
                                "dependencies = [\"B>=1; python_version < '3'\", \"c\"]\n[[package]]\nname = "
                                "\"c\"\nversion = \"2.0\"\ngroups = [\"dev\"]\n",
                                "pdm.lock", "pdm"));
  CHECK(listed(pdm) == List{"pkg:pypi/a@1.0", "pkg:pypi/c@2.0 (excluded)"});
  CHECK(at(pdm, "pkg:pypi/a@1.0").depends_on == List{"pkg:pypi/c@2.0"});
  CHECK(pdm.warnings.empty());
  const Catalog pipenv = taken(catalog_pipfile_lock(
      R"({"_meta": {}, "default": {"Left_Pad": {"hashes": ["sha256:)" + one + R"("], "version": "==1.0"},
          "f": {"git": "https://host.example/f.git", "ref": "abc", "version": "1"}, "bad": {"version": "*"}},
          "develop": {"lint": {"version": "==5.0"}}})",
      "Pipfile.lock"));
  CHECK(listed(pipenv) == List{"pkg:pypi/f?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ff.git%40abc",
                               "pkg:pypi/left-pad@1.0", "pkg:pypi/lint@5.0 (excluded)"});
  CHECK(at(pipenv, "pkg:pypi/left-pad@1.0").hashes.at(0).hex == one);
  REQUIRE(pipenv.warnings.size() == 1);
  CHECK(has(pipenv.warnings[0], "Pipfile.lock:2: 'bad' has no exact version"));
}

TEST_CASE("Python lockfiles that are none are refused, and entries that make no sense warned of") {
  refused(catalog_python_lock("package = 1\n", "p", "poetry"), "no lockfile of poetry");
  refused(catalog_python_lock("a = \n", "p", "uv"), "not TOML");
  refused(catalog_pipfile_lock("{}", "p"), "no Pipfile.lock");
  const Catalog catalog = taken(catalog_python_lock(
      "[[package]]\nname = \"a\"\n\n[[package]]\nname = \"b\"\nversion = \"1\"\n", "p", "uv"));
  CHECK(listed(catalog) == List{"pkg:pypi/b@1"});
  CHECK(catalog.warnings == List{"p:1: a package has no version"});
}
