#include "sbom/lock_samples.hpp"

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
  CHECK(catalog.warnings[0] == "requirements.txt:2: '-r other.txt' is not followed");
  CHECK(has(catalog.warnings[1], "requirements.txt:8: 'loose' is not pinned"));
  CHECK(has(catalog.warnings[4], "requirements.txt:14: './local' names no package"));
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
