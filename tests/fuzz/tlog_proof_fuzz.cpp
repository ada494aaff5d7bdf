// Any bytes as what others hand us about a journal: a proof in a file, a proof of growth, a witness's answer,
// a verifier key, an entry to skim. What is read must come out as it went in, and skim never accepts what the
// slow way refuses.
// rooms: journal signing
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "journal/entry.hpp"
#include "journal/skim.hpp"
#include "journal/tlog_proof.hpp"
#include "journal/witness.hpp"
#include "signing/note.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tranche;
  using namespace tranche::journal;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const crypto::PublicKey key;
  if (const auto proof = parse_tlog_proof(bytes)) {
    require(to_text(*proof) == bytes);
    require(!check_tlog_proof(*proof, proof->extra, "tranche/fuzz", {&key, 1}));  // nobody signed it
  }
  if (const auto proof = parse_growth_proof(bytes)) require(to_text(*proof) == bytes);
  if (const auto verifier = signing::parse_verifier_key(bytes)) require(signing::to_text(*verifier) == bytes);
  if (const auto note = signing::read_note(bytes)) {
    std::string again = note->text + "\n";
    for (const auto& line : note->signatures) again += signing::to_line(line);
    require(again == bytes);
  }
  static const WitnessPolicy policy{{{{"w", key, signing::NoteAlgorithm::cosignature}, ""}}, 1};
  require(!count_witnesses(std::string(bytes), std::string(bytes), policy).enough());
  if (const auto skimmed = skim_entry(bytes)) {
    const auto value = parse_entry_json(bytes);
    require(value.has_value());
    const auto canonical = doc::canonical_json(*value);
    require(canonical && *canonical == bytes);
  }
  return 0;
}
