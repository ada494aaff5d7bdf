// Programs of npm packages that the tests drive: tests/clients/node_modules, installed by tests/run.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace tranche::support {

// A peer that a test needs and does not find: counted, and a failure where all were promised.
inline void skip_peer(std::string_view peer, std::string_view how) {
  const char* required = std::getenv("TRANCHE_REQUIRE_PEERS");
  const std::string words = fmt::format("{} is missing ({})", peer, how);
  if (required != nullptr && std::string_view(required) == "1") FAIL(words);
  fmt::print("skipped: {}\n", words);
}

// The path of tests/clients/`name` at or above the current directory, where it is there.
inline std::optional<std::string> find_client_file(const std::string& name) {
  std::error_code ignored;
  auto directory = std::filesystem::current_path(ignored);
  for (int depth = 0; depth < 8 && !directory.empty(); ++depth) {
    const auto path = directory / "tests/clients" / name;
    if (std::filesystem::exists(path, ignored)) return path.string();
    if (directory == directory.parent_path()) break;
    directory = directory.parent_path();
  }
  return std::nullopt;
}
inline std::optional<std::string> find_npm_program(const std::string& name) {
  return find_client_file("node_modules/.bin/" + name);
}

}  // namespace tranche::support
