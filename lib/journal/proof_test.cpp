#include "journal/proof.hpp"

#include <random>

#include "base/encoding.hpp"
#include "crypto/merkle.hpp"
#include "journal/checkpoint.hpp"
#include "journal/entry.hpp"
#include "journal/journal_fixture.hpp"
#include "journal/tlog_proof.hpp"
#include "signing/note.hpp"

namespace tranche::journal {
namespace {

// Perfect subtrees over leaves in memory.
struct Leaves {
  std::vector<Hash> hashes;
  explicit Leaves(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) hashes.push_back(hash_leaf(std::to_string(i)));
  }
  [[nodiscard]] Node node(std::uint64_t size) const {
    return [this, size](unsigned level, std::uint64_t index) -> Result<Hash> {
      const std::uint64_t end = (index + 1) << level;
      REQUIRE(end <= size);  // never beyond the tree
      return subtree_root(std::span(hashes).subspan(index << level, std::size_t{1} << level));
    };
  }
  [[nodiscard]] Hash root(std::size_t size) const {
    Edge edge;
    std::vector<Edge::Full> completed;
    for (std::size_t i = 0; i < size; ++i) edge.add(hashes[i], completed);
    return edge.root();
  }
};

TEST_CASE("every entry of every log of up to 70 entries is proved, and to no other place") {
  const Leaves leaves(70);
  for (std::size_t size = 1; size <= 70; ++size) {
    const Hash root = leaves.root(size);
    for (std::size_t index = 0; index < size; ++index) {
      CAPTURE(size);
      CAPTURE(index);
      const auto proof = prove_inclusion(index, size, leaves.node(size));
      REQUIRE(proof.has_value());
      CHECK(crypto::verify_inclusion(leaves.hashes[index], index, size, *proof, root).has_value());
      CHECK_FALSE(
          crypto::verify_inclusion(leaves.hashes[(index + 1) % 70], index, size, *proof, root).has_value());
    }
  }
}

TEST_CASE("the growth from every size to every later one up to 70 is proved") {
  const Leaves leaves(70);
  for (std::size_t size2 = 1; size2 <= 70; ++size2)
    for (std::size_t size1 = 1; size1 <= size2; ++size1) {
      CAPTURE(size1);
      CAPTURE(size2);
      const auto proof = prove_consistency(size1, size2, leaves.node(size2));
      REQUIRE(proof.has_value());
      CHECK(crypto::verify_consistency(size1, size2, *proof, leaves.root(size1), leaves.root(size2))
                .has_value());
      if (size1 < size2)
        CHECK_FALSE(crypto::verify_consistency(size1, size2, *proof, leaves.root(size2), leaves.root(size1))
                        .has_value());
    }
}

TEST_CASE("property: proofs out of tiles verify at sizes around the tiles' borders") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::size_t size : {1, 255, 256, 257, 300, 511, 512, 65'536 + 300}) {
    CAPTURE(size);
    Fixture f;
    auto journal = f.open();
    for (std::size_t have = 0; have < size;) {
      std::vector<Draft> drafts(std::min<std::size_t>(size - have, 20'000), Draft{"a.b", "", "", "", {}, {}});
      have += drafts.size();
      REQUIRE(journal->append(drafts, f.key).has_value());
    }
    journal = f.open();  // from the store
    const Hash root = *journal->root_at(size);
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t index = i == 0 ? 0 : i == 1 ? size - 1 : random() % size;
      CAPTURE(index);
      const auto proof = journal->prove(index);
      REQUIRE(proof.has_value());
      std::string bytes;
      REQUIRE(journal
                  ->each(index, index + 1,
                         [&](std::uint64_t, std::string_view entry) -> Result<> {
                           bytes = entry;
                           return {};
                         })
                  .has_value());
      CHECK(crypto::verify_inclusion(hash_leaf(bytes), index, size, *proof, root).has_value());
      const auto growth = journal->prove_growth(index + 1, size);
      REQUIRE(growth.has_value());
      CHECK(crypto::verify_consistency(index + 1, size, *growth, *journal->root_at(index + 1), root)
                .has_value());
    }
    CHECK(journal->prove(size).error().kind == ErrorKind::invalid);
    CHECK(journal->prove_growth(1, size + 1).error().kind == ErrorKind::invalid);
    CHECK(journal->prove_growth(0, size).error().kind == ErrorKind::invalid);
  }
}

TlogProof proof_of(Journal& journal, std::uint64_t index) {
  TlogProof proof{"", index, *journal.prove(index), journal.checkpoint()};
  REQUIRE(journal
              .each(index, index + 1,
                    [&](std::uint64_t, std::string_view bytes) -> Result<> {
                      proof.extra = bytes;
                      return {};
                    })
              .has_value());
  return proof;
}

TEST_CASE("a proof in a file stands alone, and one changed byte is found") {
  Fixture f;
  f.fill(300);
  auto journal = f.open();
  const TlogProof proof = proof_of(*journal, 257);
  const std::string text = to_text(proof);
  const auto keys = f.options().trusted;
  const auto again = parse_tlog_proof(text);
  REQUIRE(again.has_value());
  CHECK(*again == proof);
  const auto checkpoint = check_tlog_proof(*again, again->extra, origin, keys);
  REQUIRE(checkpoint.has_value());
  CHECK(checkpoint->size == 300);
  int refused = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto parsed = parse_tlog_proof(changed);
    if (!parsed || !check_tlog_proof(*parsed, parsed->extra, origin, keys)) ++refused;
  }
  CHECK(refused == static_cast<int>(text.size()));
  CHECK(check_tlog_proof(proof, "another entry", origin, keys).error().kind == ErrorKind::verification);
  CHECK_FALSE(check_tlog_proof(proof, proof.extra, "tranche/other", keys).has_value());
  CHECK_FALSE(
      check_tlog_proof(proof, proof.extra, origin, std::vector{key_of('x').public_key()}).has_value());
}

TEST_CASE("a proof reads as c2sp.org/tlog-proof has it, with and without extra data") {
  const std::string hash = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=";
  const std::string rest = "index 5\n" + hash + "\n\ntest checkpoint\n";
  const auto plain = parse_tlog_proof("c2sp.org/tlog-proof@v1\n" + rest);
  REQUIRE(plain.has_value());
  CHECK(plain->index == 5);
  CHECK(plain->hashes.size() == 1);
  CHECK(plain->checkpoint == "test checkpoint\n");
  const auto extra = parse_tlog_proof("c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\n" + rest);
  REQUIRE(extra.has_value());
  CHECK(extra->extra == "extra");
  CHECK(to_text(*extra) == "c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\n" + rest);
  for (const std::string& bad :
       {std::string(), std::string("not a proof at all"), std::string("c2sp.org/tlog-proof@v1\n"),
        std::string("c2sp.org/tlog-proof@v2\n") + rest, "c2sp.org/tlog-proof@v1\nindex 05\n\nx\n" + rest,
        std::string("c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra !!\nindex 0\n\ncheckpoint\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex 0\nc2hvcnQ=\n\ncheckpoint\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex 0\n\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex -1\n\nx\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\nx\n")}) {
    CAPTURE(bad);
    const auto refused = parse_tlog_proof(bad);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::verification);
    CHECK_FALSE(refused.error().hint.empty());
  }
}

TEST_CASE("a proof of growth reads back as it was written") {
  const GrowthProof proof{3, {hash_leaf("a"), hash_leaf("b")}, "origin\n5\nroot\n"};
  CHECK(*parse_growth_proof(to_text(proof)) == proof);
  CHECK_FALSE(parse_growth_proof("old 3").has_value());
  CHECK_FALSE(parse_growth_proof("old 03\n\nx\n").has_value());
  CHECK_FALSE(parse_growth_proof("new 3\n\nx\n").has_value());
}

}  // namespace
}  // namespace tranche::journal
