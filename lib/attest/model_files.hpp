// The files of a model: found, and hashed. Private to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attest/model.hpp"

namespace tranche::attest::detail {

struct ModelFile {
  std::string name;  // path in the model; "." when the model is one file
  std::string path;  // on disk
};
struct FoundFiles {
  std::string model_name;
  std::vector<ModelFile> files;  // in the order of the manifest
  std::vector<ModelProblem> problems;
};
Result<FoundFiles> find_model_files(ports::Files& files, const std::string& path,
                                    const Serialization& serialization);
struct DigestedFiles {
  std::vector<ModelResource> resources;  // one a file or shard, in the order of `found`
  std::uint64_t size = 0;
};
Result<DigestedFiles> digest_model_files(ports::Files& files, const std::vector<ModelFile>& found,
                                         const Serialization& serialization);
// Paths in the order of the manifest: part by part, bytes within a part.
bool path_before(std::string_view a, std::string_view b);
// "a/b" below or equal to one of `ignored`.
bool is_ignored(std::string_view name, const std::vector<std::string>& ignored);
// Relative, without "..", "." or empty parts.
bool is_model_path(std::string_view name);

}  // namespace tranche::attest::detail
