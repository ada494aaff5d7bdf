// Single bits flipped, a thousand at a time: in bundles of every kind, in what was signed, and in what a
// trusted root is there for.
//
// A flip that is accepted must change nothing that anybody relies on. In a bundle that is the hint for a key
// (the key is the caller's), and the index of an entry in a log of version 1 that comes without its promise.
// Those are left out by name; everything else is refused.
#include <doctest/doctest.h>

#include <random>

#include "sigstore/bundle_testing.hpp"
#include "sigstore/read_bundle.hpp"

using namespace tranche;
using namespace tranche::sigstore;
using namespace tranche::sigstore::testing;

namespace {

using Accepts = std::function<bool(const std::string& text)>;
struct Range {
  std::size_t from = 0, to = 0;  // bytes
};

// Where the string value of a member lies: everywhere that it does.
std::vector<Range> ranges_of(std::string_view text, std::string_view member) {
  std::vector<Range> ranges;
  const std::string start = fmt::format("\"{}\":", member);
  for (std::size_t at = 0; (at = text.find(start, at)) != std::string_view::npos;) {
    const auto from = text.find('"', at + start.size()) + 1;
    at = text.find('"', from);
    ranges.push_back({from, at});
  }
  return ranges;
}

// Flips `count` bits, one at a time, all different ones where there are enough; those within `only`, and not
// within `but`. Says where the first few are that pass.
int count_accepted(std::string text, const Accepts& accepts, int count, const std::vector<Range>& only,
                   const std::vector<Range>& but, bool quiet = false) {
  static const auto seed = [] {
    const auto drawn = std::random_device{}();
    MESSAGE("seed " << drawn);
    return drawn;
  }();
  static std::mt19937 random(seed);
  std::vector<std::size_t> bits;
  for (std::size_t byte = 0; byte < text.size(); ++byte) {
    const auto within = [&](const std::vector<Range>& ranges) {
      return std::ranges::any_of(ranges, [&](const Range& r) { return byte >= r.from && byte < r.to; });
    };
    if ((!only.empty() && !within(only)) || within(but)) continue;
    for (std::size_t bit = 0; bit < 8; ++bit) bits.push_back(byte * 8 + bit);
  }
  std::ranges::shuffle(bits, random);
  bits.resize(std::min(bits.size(), static_cast<std::size_t>(count)));
  int accepted = 0;
  for (const std::size_t bit : bits) {
    const char was = text[bit / 8];
    text[bit / 8] = static_cast<char>(was ^ (1 << (bit % 8)));
    if (accepts(text) && ++accepted <= 5 && !quiet)
      MESSAGE("seed " << seed << ", bit " << bit << " near "
                      << text.substr(bit / 8 < 60 ? 0 : bit / 8 - 60, 80));
    text[bit / 8] = was;
  }
  return accepted;
}

constexpr int flips = 1000;

}  // namespace

TEST_CASE("no bit of a keyless bundle, of its artifact or of its digest can be flipped unseen") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  const auto cases = all_cases(*corpus);
  // Versions 0.1 with a promise and 0.3 with a timestamp; a log of version 2; SCTs with extensions.
  for (const std::string name :
       {"trust-root-tlog-validity-end-inclusive", "trust-root-tsa-validity-end-inclusive",
        "rekor2-happy-path", "rekor2-timestamp-with-expired-cert-chain", "bundle-with-sct-with-extensions"}) {
    CAPTURE(name);
    const Case& one = find_case(cases, name);
    const auto root = read_trusted_root(one.root);
    REQUIRE(root.has_value());
    const Policy policy{.identities = {beacon}};
    const auto of_bundle = [&](const std::string& bundle) {
      return verify(bundle, &*root, policy, by_digest(one.artifact)).verified();
    };
    const auto of_artifact = [&](const std::string& artifact) {
      return verify(one.bundle, &*root, policy, by_digest(artifact)).verified();
    };
    REQUIRE(of_bundle(one.bundle));
    CHECK(count_accepted(one.bundle, of_bundle, flips, {}, {}) == 0);
    CHECK(count_accepted(one.artifact, of_artifact, flips, {}, {}) == 0);
  }
}

TEST_CASE(
    "no bit of a key's bundle can be flipped unseen, whatever kind its log entry is of; of a hint it may") {
  World world;
  bool fresh = false;
  world.log.add("something else", fresh);
  const Bundle message = world.sign_message();
  const Bundle envelope = world.sign_payload(statement());
  const std::string& payload = envelope.envelope->payload;
  const std::string& of_envelope = envelope.envelope->signature;
  const std::string pae = signing::pre_authentication_encoding(attest::in_toto_type, payload);
  const struct {
    const Bundle& bundle;
    std::string kind, version, spec;
  } rows[] = {
      {message, "", "", ""},
      {envelope, "", "", ""},
      {message, "hashedrekord", "0.0.1", hashedrekord_v1(world, artifact, message.message->signature)},
      {message, "hashedrekord", "0.0.2", hashedrekord_v2(world, artifact, message.message->signature)},
      {envelope, "hashedrekord", "0.0.1", hashedrekord_v1(world, pae, of_envelope)},
      {envelope, "hashedrekord", "0.0.2", hashedrekord_v2(world, pae, of_envelope)},
      {envelope, "dsse", "0.0.1", dsse_v1(world, payload, of_envelope)},
      {envelope, "dsse", "0.0.2", dsse_v2(world, payload, of_envelope)},
      {envelope, "intoto", "0.0.2", intoto_v2(world, payload, to_base64(of_envelope))},
  };
  for (const auto& row : rows)
    for (const bool promised : {false, true}) {
      const bool tiled = row.version == "0.0.2" && row.kind != "intoto";
      if (promised && (row.kind.empty() || tiled)) continue;
      CAPTURE(row.kind);
      CAPTURE(row.version);
      CAPTURE(promised);
      Bundle bundle = row.bundle;
      if (!row.kind.empty()) world.log_entry(bundle, row.kind, row.version, row.spec);
      if (promised) world.promise(bundle);
      const std::string text = to_json(bundle);
      const auto accepts = [&](const std::string& flipped) {
        const Verdict verdict = verify(flipped, &world.root, world.policy(), by_digest(artifact));
        if (verdict.verified()) CHECK(verdict.signer == world.signer->public_key().id());
        return verdict.verified();
      };
      REQUIRE(accepts(text));
      std::vector<Range> free = ranges_of(text, "hint");
      // A sharded log of version 1 counts twice: its promise binds the one index, the proof the other.
      if (!row.kind.empty() && !promised && !tiled) free.push_back(ranges_of(text, "logIndex").front());
      CHECK(count_accepted(text, accepts, flips, {}, free) == 0);
      count_accepted(text, accepts, flips, free, {}, true);  // the signer stays who it is
    }
}

TEST_CASE("no bit of a trusted root's keys and certificates that a bundle stands on can be flipped unseen") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  const auto cases = all_cases(*corpus);
  const Policy policy{.identities = {beacon}};
  for (const std::string name : {"bundle-with-sct-with-extensions", "rekor2-happy-path"}) {
    CAPTURE(name);
    const Case& one = find_case(cases, name);
    const auto accepts = [&](const std::string& root) {
      const auto read = read_trusted_root(root);
      return read && verify(one.bundle, &*read, policy, by_digest(one.artifact)).verified();
    };
    REQUIRE(accepts(one.root));
    const auto read = *read_trusted_root(one.root);
    const auto where = [&](const std::string& bytes) {
      const std::string text = to_base64(bytes);
      const auto at = one.root.find(text);
      REQUIRE(at != std::string::npos);
      return Range{at, at + text.size()};
    };
    // The log that has the entry; the only CT log; what stands between the leaf and its anchor, whose own
    // signature nobody asks for.
    std::vector<Range> used;
    for (const TransparencyLog& log : read.logs)
      if (log.id == read_bundle(one.bundle)->entries[0].log_id) used.push_back(where(log.key.to_der()));
    CHECK(used.size() == 1);
    if (read.ct_logs.size() == 1) used.push_back(where(read.ct_logs[0].key.to_der()));
    if (read.authorities[0].chain.size() == 2) used.push_back(where(read.authorities[0].chain[0].to_der()));
    CHECK(used.size() >= 2);
    CHECK(count_accepted(one.root, accepts, flips, used, {}) == 0);
  }
}
