// Model manifests of OpenSSF model signing v1.0 (sigstore/model-transparency): a directory of weights, or one
// file, as an in-toto statement. Predicate type model_type:
//   {"serialization": {"method": "files"|"shards", "hash_type": "sha256"|"blake2b", "allow_symlinks": bool,
//                      "shard_size": n, "ignore_paths": [...]},
//    "resources": [{"name", "algorithm", "digest"}]}
// One resource a file, named by its path in the directory ("." for a model that is one file), or one a shard,
// "path:start:end" with algorithm "sha256-sharded-SIZE". They stand in the order of their paths, compared
// part by part. The one subject is the model's name with the SHA-256 over the digests (bytes) in that order.
//
// Ignored paths are skipped with all below them. Files are read once, in pieces, on all cores.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attest/statement.hpp"
#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::attest {

inline constexpr std::string_view model_type = "https://model_signing/signature/v1.0";
inline constexpr std::size_t max_model_files = 100'000;
inline constexpr std::size_t max_model_depth = 64;

enum class ModelHash { sha256, blake2b };

struct Serialization {
  ModelHash hash = ModelHash::sha256;
  std::uint64_t shard_size = 0;  // 0: whole files
  bool allow_symlinks = false;   // to files in the directory
  std::vector<std::string> ignore_paths;
  bool operator==(const Serialization&) const = default;
};
// Files of git: what model signing leaves out when it is not told otherwise.
std::vector<std::string> usual_ignored_paths();

struct ModelResource {
  std::string name;
  std::string digest;  // hex
  bool operator==(const ModelResource&) const = default;
};
struct Model {
  std::string name;
  Serialization serialization;
  std::vector<ModelResource> resources;
};

// Why a model is refused. `reason` is one of: added-file, missing-file, changed-file, renamed-file, symlink,
// link-leaves-model, special-file.
struct ModelProblem {
  std::string_view reason;
  std::string path;
  std::string detail;
  bool operator==(const ModelProblem&) const = default;
};

struct MeasuredModel {
  Model model;
  std::uint64_t size = 0;              // of all files
  std::vector<ModelProblem> problems;  // what may not be part of a model: links, pipes
};
// Hashes what lies at `path`, a directory or a file. kind invalid: no such thing, more files or levels than
// above, a name that is not UTF-8, nothing left to hash.
Result<MeasuredModel> measure_model(ports::Files& files, const std::string& path,
                                    const Serialization& serialization);

// kind invalid: no resource.
Result<Statement> to_statement(const Model& model);
// kind verification: another predicate type, a serialization that is not known here, names that leave the
// model or stand twice, a subject whose digest is not that of the resources.
Result<Model> model_from_statement(const Statement& statement);

// What differs between what was signed and what is here, by path; empty: nothing. A file that is here under
// another name is one renamed-file.
std::vector<ModelProblem> compare_models(const Model& signed_model, const Model& here);

}  // namespace tranche::attest
