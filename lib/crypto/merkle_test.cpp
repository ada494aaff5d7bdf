#include "crypto/merkle.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <vector>

#include "base/encoding.hpp"
#include "doc/value.hpp"
#include "support/corpora.hpp"

using namespace tranche;
using namespace tranche::crypto;

namespace {

std::optional<Sha256Digest> digest_from(std::string_view base64) {
  const auto bytes = from_base64(base64);
  if (!bytes || bytes->size() != 32) return std::nullopt;
  Sha256Digest digest;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

// Some probes have roots of other lengths, which only need to be equal or not: their hash stands for them.
std::optional<Sha256Digest> root_from(std::string_view base64) {
  const auto digest = digest_from(base64);
  if (digest) return digest;
  return sha256(base64);
}

// nullopt: a hash that is none.
std::optional<std::vector<Sha256Digest>> proof_from(const doc::Value& probe) {
  std::vector<Sha256Digest> proof;
  const doc::Value* list = probe.find("proof");
  if (list == nullptr || !list->is_array()) return proof;
  for (const doc::Value& hash : list->as_array()) {
    const auto digest = digest_from(hash.as_string());
    if (!digest) return std::nullopt;
    proof.push_back(*digest);
  }
  return proof;
}

// Is this probe accepted?
bool accepts_inclusion(const doc::Value& probe) {
  const auto leaf = digest_from(*probe.text("leafHash"));
  const auto root = root_from(*probe.text("root"));
  const auto proof = proof_from(probe);
  const auto index = probe.integer("leafIdx");
  const auto size = probe.integer("treeSize");
  return leaf && root && proof && index && size && *index >= 0 && *size >= 0 &&
         verify_inclusion(*leaf, static_cast<std::uint64_t>(*index), static_cast<std::uint64_t>(*size),
                          *proof, *root);
}
bool accepts_consistency(const doc::Value& probe) {
  const auto root1 = root_from(*probe.text("root1"));
  const auto root2 = root_from(*probe.text("root2"));
  const auto proof = proof_from(probe);
  const auto size1 = probe.integer("size1");
  const auto size2 = probe.integer("size2");
  return root1 && root2 && proof && size1 && size2 && *size1 >= 0 && *size2 >= 0 &&
         verify_consistency(static_cast<std::uint64_t>(*size1), static_cast<std::uint64_t>(*size2), *proof,
                            *root1, *root2);
}

// RFC 9162, sections 2.1.1 to 2.1.4, word for word: the slow way.
using Leaves = std::span<const Sha256Digest>;
std::size_t split_of(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
Sha256Digest slow_root(Leaves leaves) {
  if (leaves.empty()) return sha256("");
  if (leaves.size() == 1) return leaves[0];
  const std::size_t k = split_of(leaves.size());
  return merkle_node(slow_root(leaves.first(k)), slow_root(leaves.subspan(k)));
}
std::vector<Sha256Digest> slow_path(std::size_t m, Leaves leaves) {
  if (leaves.size() == 1) return {};
  const std::size_t k = split_of(leaves.size());
  auto path = m < k ? slow_path(m, leaves.first(k)) : slow_path(m - k, leaves.subspan(k));
  path.push_back(m < k ? slow_root(leaves.subspan(k)) : slow_root(leaves.first(k)));
  return path;
}
std::vector<Sha256Digest> slow_consistency(std::size_t m, Leaves leaves, bool whole) {
  if (m == leaves.size()) {
    if (whole) return {};
    return {slow_root(leaves)};
  }
  const std::size_t k = split_of(leaves.size());
  auto proof = m <= k ? slow_consistency(m, leaves.first(k), whole)
                      : slow_consistency(m - k, leaves.subspan(k), false);
  proof.push_back(m <= k ? slow_root(leaves.subspan(k)) : slow_root(leaves.first(k)));
  return proof;
}

}  // namespace

TEST_CASE("all probes of transparency-dev/merkle come out right: 196 of them, 184 refused") {
  const auto corpus = support::find_corpus("merkle");
  if (!corpus) return;
  int probes = 0;
  int refused = 0;
  for (const std::string kind : {"inclusion", "consistency"}) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(*corpus + "/" + kind)) {
      if (file.path().extension() != ".json") continue;
      const auto probe = doc::parse_json(support::read_corpus_file(file.path()));
      CAPTURE(file.path().string());
      // A size beyond 63 bits is no number of ours; what cannot be read proves nothing.
      const bool accepted =
          probe && (kind == "inclusion" ? accepts_inclusion(*probe) : accepts_consistency(*probe));
      const bool wanted = probe && !*probe->boolean("wantErr");
      CHECK(accepted == wanted);
      ++probes;
      if (!accepted) ++refused;
    }
  }
  CHECK(probes == 196);
  CHECK(refused == 184);
}

TEST_CASE("proofs made the slow way are accepted for every tree of up to 40 leaves, and for no other place") {
  std::vector<Sha256Digest> leaves;
  for (int i = 0; i < 40; ++i) leaves.push_back(merkle_leaf(std::to_string(i)));
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    const Leaves tree = Leaves(leaves).first(size);
    const Sha256Digest root = slow_root(tree);
    for (std::size_t index = 0; index < size; ++index) {
      const auto path = slow_path(index, tree);
      REQUIRE(verify_inclusion(leaves[index], index, size, path, root));
      REQUIRE_FALSE(verify_inclusion(leaves[index], index + 1, size, path, root));
      REQUIRE_FALSE(verify_inclusion(leaves[(index + 1) % 40], index, size, path, root));
    }
    for (std::size_t earlier = 1; earlier < size; ++earlier) {
      const auto proof = slow_consistency(earlier, tree, true);
      const Sha256Digest before = slow_root(tree.first(earlier));
      REQUIRE(verify_consistency(earlier, size, proof, before, root));
      REQUIRE_FALSE(verify_consistency(earlier, size, proof, root, root));
      REQUIRE_FALSE(verify_consistency(earlier, size, proof, before, before));
    }
  }
}

TEST_CASE("a proof with one flipped bit is refused") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::vector<Sha256Digest> leaves;
  for (int i = 0; i < 100; ++i) leaves.push_back(merkle_leaf(std::to_string(i)));
  const Sha256Digest root = slow_root(leaves);
  for (int round = 0; round < 1'000; ++round) {
    const std::size_t index = random() % leaves.size();
    auto path = slow_path(index, leaves);
    Sha256Digest& hash = path[random() % path.size()];
    hash[random() % 32] ^= static_cast<std::uint8_t>(1U << random() % 8);
    REQUIRE_FALSE(verify_inclusion(leaves[index], index, leaves.size(), path, root));
  }
}

TEST_CASE("numbers at the end of their range overflow nothing") {
  const Sha256Digest hash{};
  const std::vector<Sha256Digest> proof(64);
  const std::uint64_t most = ~std::uint64_t{0};
  CHECK_FALSE(verify_inclusion(hash, most - 1, most, proof, hash));
  CHECK_FALSE(verify_inclusion(hash, 0, most, proof, hash));
  CHECK_FALSE(verify_inclusion(hash, most, most, proof, hash));
  CHECK_FALSE(verify_consistency(most - 1, most, proof, hash, hash));
  CHECK_FALSE(verify_consistency(1, most, proof, hash, hash));
  CHECK_FALSE(verify_consistency(std::uint64_t{1} << 63, most, proof, hash, hash));
  CHECK_FALSE(verify_consistency(most, 1, proof, hash, hash));
}
