#include "base/paths.hpp"

#include <doctest/doctest.h>

using namespace tranche;

TEST_CASE("a path is made normal without looking at the disk") {
  const struct {
    const char *path, *normal;
  } table[] = {{"", "."},       {".", "."},       {"a/./b//c/", "a/b/c"},
               {"a/../b", "b"}, {"../a", "../a"}, {"a/../../b", "../b"},
               {"/", "/"},      {"/../a", "/a"},  {"/a/b/../..", "/"},
               {"a/..", "."}};
  for (const auto& row : table) CHECK_MESSAGE(normal_path(row.path) == row.normal, row.path);
}

TEST_CASE("within means the same directory or below it, never a name that merely begins alike") {
  CHECK(is_within("/repo", "/repo"));
  CHECK(is_within("/repo", "/repo/dist/a"));
  CHECK(is_within("/", "/etc"));
  CHECK(is_within(".", "dist/a"));
  CHECK_FALSE(is_within("/repo", "/repository/a"));
  CHECK_FALSE(is_within("/repo", "/repo/../etc"));
  CHECK_FALSE(is_within(".", "../a"));
  CHECK_FALSE(is_within(".", "/etc"));
}

TEST_CASE("paths join and come apart") {
  CHECK(join_path("a", "b") == "a/b");
  CHECK(join_path("a/", "b") == "a/b");
  CHECK(join_path("a", "/b") == "/b");
  CHECK(join_path("", "b") == "b");
  CHECK(base_name("a/b.deb") == "b.deb");
  CHECK(base_name("b.deb") == "b.deb");
  CHECK(directory_name("a/b/c") == "a/b");
  CHECK(directory_name("c") == ".");
  CHECK(directory_name("/c") == "/");
}
