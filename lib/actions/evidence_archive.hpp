// What an auditor gets about one release, in one zip that needs no tranche: every journal entry that names
// it, each with its proof; the signed checkpoint; the release's manifest and documents; the summaries of
// gates that passed; approvals; the public keys; and a script that checks all of it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "actions/deck.hpp"
#include "base/error.hpp"

namespace tranche::actions {

struct EvidenceArchive {
  std::map<std::string, std::string> files;  // name in the zip → bytes
  std::size_t entries = 0, approvals = 0, documents = 0, summaries = 0, witnesses = 0;
};

// `readme` and `script` are laid in as README.txt and verify.py. The same journal gives the same bytes. kind
// invalid: no such release, or nobody can hold that many entries in a zip; verification: a document is not
// the one that was signed.
Result<EvidenceArchive> collect_evidence_archive(Deck& deck, const std::string& version,
                                                 std::string_view readme, std::string_view script);

}  // namespace tranche::actions
