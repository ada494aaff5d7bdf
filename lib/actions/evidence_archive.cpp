#include "actions/evidence_archive.hpp"

#include <set>

#include <fmt/format.h>

#include "actions/releases.hpp"
#include "base/text.hpp"
#include "channel/feed.hpp"
#include "crypto/digest.hpp"
#include "journal/select.hpp"
#include "journal/tlog_proof.hpp"
#include "journal/witness.hpp"
#include "signing/note.hpp"

namespace tranche::actions {

namespace {

// With its proof an entry takes two files of the 65,535 that a zip holds.
constexpr std::size_t max_entries = 20'000;
constexpr std::size_t max_document_bytes = 64 << 20;

class Collector {
 public:
  Collector(Deck& deck, std::string version) : deck_(deck), version_(std::move(version)) {}

  Result<EvidenceArchive> collect() {
    const StoredRelease release = TRY(load_release(deck_, version_));
    put("release/manifest.json", release.envelope);
    TRY(add_documents(release.manifest));
    TRY(add_checkpoint());
    TRY(add_entries());
    add_keys();
    return std::move(archive_);
  }

 private:
  void put(const std::string& name, std::string bytes) { archive_.files[name] = std::move(bytes); }

  Result<> add_documents(const artifact::Manifest& manifest) {
    const std::string base = "releases/" + deck_.app().name + "/" + version_ + "/";
    for (const auto* list : {&manifest.sboms, &manifest.attestations, &manifest.signatures, &manifest.feeds})
      for (const artifact::Document& document : *list) {
        put("release/" + document.name, TRY(read_checked(base + document.name, document.sha256)));
        ++archive_.documents;
      }
    return {};
  }

  // A file of the state store with the digest that something signed names.
  Result<std::string> read_checked(const std::string& name, const std::string& sha256) {
    auto blob = TRY(deck_.state_store().get(name, max_document_bytes));
    if (!blob || crypto::to_hex(crypto::sha256(blob->bytes)) != sha256)
      return fail_hint(ErrorKind::verification, "put it back from a copy of the state", "'{}' in {} is {}",
                       printable(name), deck_.state_store().describe(),
                       blob ? "not the one that was signed" : "missing");
    return std::move(blob->bytes);
  }

  Result<> add_checkpoint() {
    const auto policy = TRY(journal::witness_policy(deck_.app()));
    auto witnessed = TRY(journal::read_witnessed(deck_.state_store(), deck_.journal(), policy));
    checkpoint_ = std::move(witnessed.note);
    put("checkpoint", checkpoint_);
    archive_.witnesses = witnessed.by.size();
    std::string keys;
    for (const auto& known : policy.known) keys += signing::to_text(known.verifier) + "\n";
    if (!keys.empty()) put("keys/witnesses.txt", std::move(keys));
    return {};
  }

  Result<> add_entries() {
    journal::Selection selection;
    selection.release = version_;
    std::vector<std::pair<std::uint64_t, std::string>> found;
    TRY(journal::select(deck_.journal(), selection,
                        [&](const journal::Entry& entry, std::string_view bytes) -> Result<bool> {
                          if (found.size() == max_entries)
                            return fail_hint(ErrorKind::invalid, "use `tranche journal export --since`",
                                             "more than {} entries name release {}", max_entries, version_);
                          found.emplace_back(entry.index, bytes);
                          TRY(add_what_it_names(entry));
                          return true;
                        }));
    for (auto& [index, bytes] : found) {
      journal::TlogProof proof;
      proof.index = index;
      proof.hashes = TRY(deck_.journal().prove(index));
      proof.checkpoint = checkpoint_;
      put(fmt::format("proofs/{:09}.tlog-proof", index), to_text(proof));
      put(fmt::format("entries/{:09}.json", index), std::move(bytes));
    }
    archive_.entries = found.size();
    return {};
  }

  // Approvals stand in their entries; here once more as files. Summaries lie beside the journal.
  Result<> add_what_it_names(const journal::Entry& entry) {
    if (entry.kind == "approval.given")
      if (const auto* document = entry.data.find("document"); document != nullptr && document->is_string()) {
        put(fmt::format("approvals/{:09}.json", entry.index), document->as_string());
        ++archive_.approvals;
      }
    const auto* summaries = entry.data.find("gates-passed");
    if (summaries == nullptr || !summaries->is_array()) return {};
    for (const doc::Value& one : summaries->as_array()) {
      const std::string name = TRY(one.text("name", ErrorKind::verification));
      const std::string sha256 = TRY(one.text("sha256", ErrorKind::verification));
      if (!name.starts_with("summaries/") || !seen_.insert(name).second) continue;
      put(name, TRY(read_checked(name, sha256)));
      ++archive_.summaries;
    }
    return {};
  }

  void add_keys() {
    const auto put_keys = [&](std::string_view role, std::span<const crypto::PublicKey> keys) {
      for (std::size_t i = 0; i < keys.size(); ++i)
        put(fmt::format("keys/{}-{}.pem", role, i + 1), crypto::to_pem(keys[i]));
    };
    put_keys("journal", deck_.trust().journal);
    put_keys("release", deck_.trust().release);
    std::string verifiers;
    for (const crypto::PublicKey& key : deck_.trust().journal)
      verifiers += signing::verifier_key("tranche/" + deck_.app().name, key) + "\n";
    put("keys/journal.txt", std::move(verifiers));
  }

  Deck& deck_;
  std::string version_;
  std::string checkpoint_;
  std::set<std::string> seen_;
  EvidenceArchive archive_;
};

}  // namespace

Result<EvidenceArchive> collect_evidence_archive(Deck& deck, const std::string& version,
                                                 std::string_view readme, std::string_view script) {
  EvidenceArchive archive = TRY(Collector(deck, version).collect());
  archive.files["README.txt"] = readme;
  archive.files["verify.py"] = script;
  return archive;
}

}  // namespace tranche::actions
