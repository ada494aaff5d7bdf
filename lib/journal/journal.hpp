// The journal: the append-only signed log of everything decided and done, and the only memory there is.
//
// Entries are canonical JSON of at most 64 KiB in C2SP tiles (c2sp.org/tlog-tiles: /tile/<L>/<N>[.p/<W>],
// entry bundles /tile/entries/<N>[.p/<W>] with 16-bit length prefixes, RFC 6962 hashes) under a signed
// checkpoint, so that a third party verifies it offline with other people's tools. Everything is plain files
// in a store; the lock is a compare-and-swap on the checkpoint.
//
// Each entry may carry the new state of its subject ("rollout/desktop", "channel/desktop/stable", "flag/x")
// and always carries `heads`: the index of the newest entry of every subject, itself included. The last entry
// thus leads to every current state without reading the log, and is covered by the signature.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "crypto/ed25519.hpp"
#include "doc/value.hpp"
#include "journal/tree.hpp"
#include "ports/ports.hpp"
#include "store/store.hpp"

namespace tranche::journal {

inline constexpr std::size_t max_entry_bytes = 65'535;  // C2SP's length prefix

// What a caller wants written.
struct Draft {
  std::string kind;     // "rollout.started", "effect.intended", "effect.done", ...
  std::string subject;  // empty: belongs to none
  std::string by;       // who: git identity, OIDC actor
  std::string reason;   // why, in the person's words; may be empty
  doc::Value data;      // facts of this kind; object or null
  doc::Value state;     // new state of the subject; null: unchanged (the subject's head still moves to this
                        // entry only when state is not null)
};
struct Entry : Draft {
  std::uint64_t index = 0;
  Instant at{};
  std::map<std::string, std::uint64_t> heads;
};
doc::Value to_value(const Entry& entry);
Result<Entry> entry_from_value(const doc::Value& value);  // kind verification

struct Options {
  std::string origin;                      // checkpoint's first line and note name: "tranche/notes-agent"
  std::vector<crypto::PublicKey> trusted;  // journal keys
  std::string memory;  // file outside the store that remembers the newest checkpoint; "" = none
};

struct Verification {
  std::uint64_t entries = 0;
  std::string root;        // base64
  std::string checkpoint;  // the note's text
};

class Journal {
 public:
  // Reads the checkpoint (absent: an empty log), checks its signature and that it is no older than the
  // remembered one and consistent with it. kind verification otherwise. `store` and `world` outlive the
  // journal.
  static Result<std::unique_ptr<Journal>> open(ports::World& world, store::Store& store, Options options);
  virtual ~Journal() = default;

  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // The signed checkpoint that this journal stands on, word for word; empty for an empty log.
  [[nodiscard]] virtual const std::string& checkpoint() const = 0;
  // Entries [from, to), their leaf hashes checked against the signed tree.
  virtual Result<std::vector<Entry>> read(std::uint64_t from, std::uint64_t to) = 0;
  // The same as bytes, one after another and never more than 256 of them in memory. An error of `take` ends
  // it.
  using Take = std::function<Result<>(std::uint64_t index, std::string_view bytes)>;
  virtual Result<> each(std::uint64_t from, std::uint64_t to, const Take& take) = 0;
  // RFC 6962 proofs within the tree of size(). kind invalid for an index or sizes that it has not.
  virtual Result<std::vector<Hash>> prove(std::uint64_t index) = 0;
  virtual Result<std::vector<Hash>> prove_growth(std::uint64_t from, std::uint64_t to) = 0;
  // The root that the log had at an earlier size.
  virtual Result<Hash> root_at(std::uint64_t size) = 0;
  // The newest entry that carries the state of a subject.
  virtual Result<std::optional<Entry>> latest(std::string_view subject) = 0;
  // Names of all subjects.
  virtual Result<std::vector<std::string>> subjects() = 0;
  // Appends all drafts in one commit on top of size(); kind conflict when somebody else has appended
  // meanwhile (nothing is written then; open anew). `at` comes from the Clock port, never before the last
  // entry's.
  virtual Result<std::vector<Entry>> append(const std::vector<Draft>& drafts,
                                            const crypto::Ed25519Signer& key) = 0;
  // Retires `old_key`: an entry of kind "journal.key-rotated" whose checkpoint both keys sign. Later
  // checkpoints need another key (journal/keys.hpp). Both must be trusted and not yet retired.
  // With `only_check` the entry is made and checked, and nothing is written.
  virtual Result<Entry> rotate(const crypto::Ed25519Signer& old_key, const crypto::Ed25519Signer& new_key,
                               bool only_check, const std::string& by, const std::string& reason) = 0;
  // Reads everything: every tile and entry re-hashed, indexes, times and heads in order, checkpoint signed.
  virtual Result<Verification> verify() = 0;
};

}  // namespace tranche::journal
