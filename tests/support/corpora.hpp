// Test data made by others, never copied into the project: TRANCHE_CORPORA, by default ../shared/corpora
// beside the checkout. Absent: the test says so and passes, except where TRANCHE_REQUIRE_CORPORA=1.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace tranche::support {

// The folder of one corpus; nullopt when it is missing, which is reported.
inline std::optional<std::string> find_corpus(const std::string& name) {
  const char* given = std::getenv("TRANCHE_CORPORA");
  const bool has_given = given != nullptr && *given != '\0';
  for (const std::string& root : {std::string(has_given ? given : ""), std::string("../shared/corpora"),
                                  std::string("../../shared/corpora")}) {
    std::error_code ignored;
    if (!root.empty() && std::filesystem::is_directory(root + "/" + name, ignored)) return root + "/" + name;
    if (has_given) break;
  }
  const char* required = std::getenv("TRANCHE_REQUIRE_CORPORA");
  if (required != nullptr && std::string(required) == "1")
    FAIL_CHECK("the test data is missing: " << name << " below TRANCHE_CORPORA");
  else
    MESSAGE("skipped: " << name << " is missing below TRANCHE_CORPORA");
  return std::nullopt;
}

inline std::string read_corpus_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace tranche::support
