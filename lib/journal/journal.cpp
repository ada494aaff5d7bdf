// The journal over a store: open, read, append. Hashing is tree.hpp's, distrust of the store tiles.hpp's.
//
// One append is one Publication: new full tiles, the new partial ones (each width is a name of its own), the
// bundles, and the checkpoint as pointer with the version that was read. A crash before the pointer leaves
// files that no checkpoint names; the next append writes over them. Partial files stay until their full tile
// exists, as c2sp.org/tlog-tiles asks, and are removed then.
#include "journal/journal.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "journal/audit.hpp"
#include "journal/bundle.hpp"
#include "journal/checkpoint.hpp"
#include "journal/entry.hpp"
#include "journal/keys.hpp"
#include "journal/memory.hpp"
#include "journal/proof.hpp"
#include "journal/tiles.hpp"
#include "signing/note.hpp"

namespace tranche::journal {

namespace {

constexpr std::size_t cached_bundles = 16;

class StoredJournal final : public Journal {
 public:
  StoredJournal(ports::World& world, store::Store& store, Options options)
      : world_(world), store_(store), options_(std::move(options)), tiles_(store) {}
  StoredJournal(const StoredJournal&) = delete;
  StoredJournal& operator=(const StoredJournal&) = delete;
  // What was appended is remembered once, at the end: a durable write for each append would double its price.
  // A run that is killed before leaves it to the next open.
  ~StoredJournal() override {
    if (appended_) static_cast<void>(remember().has_value());
  }

  Result<> load() {
    TRY(check_origin(options_.origin));
    // The memory first: what another process writes after this line cannot make the checkpoint look old.
    const auto seen = TRY(read_memory(world_.files, options_.memory, options_.origin));
    const auto blob = TRY(read_bounded(store_, std::string(checkpoint_name), max_checkpoint_bytes));
    if (blob) {
      version_ = blob->version;
      note_ = blob->bytes;
      const auto opened = TRY(open_checkpoint(note_, options_));
      TRY(tiles_.start(opened.checkpoint));
      if (seen) TRY(check_memory(*seen));
      retired_ = TRY(read_retired());
      TRY(check_signers(retired_, opened.signers, size()));
    } else if (seen) {
      TRY(check_memory(*seen));
    }
    return remember();
  }

  [[nodiscard]] std::uint64_t size() const override { return tiles_.edge().size(); }

  Result<std::vector<Entry>> read(std::uint64_t from, std::uint64_t to) override {
    if (from > to || to > size()) return no_entries(from, to);
    std::vector<Entry> entries;
    entries.reserve(to - from);
    while (from < to) {
      const auto* bundle = TRY(checked_bundle(from / tile_width));
      for (; from < to && from / tile_width == bundle->index; ++from) {
        auto entry = TRY(parse_entry(bundle->entry(from % tile_width)));
        if (entry.index != from)
          return fail_hint(ErrorKind::verification, changed_hint, "entry {} of the journal calls itself {}",
                           from, entry.index);
        entries.push_back(std::move(entry));
      }
    }
    return entries;
  }

  [[nodiscard]] const std::string& checkpoint() const override { return note_; }

  Result<> each(std::uint64_t from, std::uint64_t to, const Take& take) override {
    if (from > to || to > size()) return no_entries(from, to);
    while (from < to) {
      const auto* bundle = TRY(checked_bundle(from / tile_width));
      for (; from < to && from / tile_width == bundle->index; ++from)
        TRY(take(from, bundle->entry(from % tile_width)));
    }
    return {};
  }

  Result<std::vector<Hash>> prove(std::uint64_t index) override {
    return prove_inclusion(index, size(), node());
  }

  Result<std::vector<Hash>> prove_growth(std::uint64_t from, std::uint64_t to) override {
    if (to > size())
      return fail_hint(ErrorKind::invalid, fmt::format("it has {} entries", size()),
                       "the journal was never {} entries long", to);
    return prove_consistency(from, to, node());
  }

  Result<Hash> root_at(std::uint64_t size) override { return tiles_.root_at(size); }

  Result<std::optional<Entry>> latest(std::string_view subject) override {
    const Entry* last = TRY(newest());
    if (last == nullptr) return std::optional<Entry>();
    const auto head = last->heads.find(std::string(subject));
    if (head == last->heads.end()) return std::optional<Entry>();
    if (head->second == last->index) return std::optional<Entry>(*last);
    auto entries = TRY(read(head->second, head->second + 1));
    if (entries[0].subject != subject || entries[0].state.is_null())
      return fail_hint(ErrorKind::verification, changed_hint,
                       "the journal's head of '{}' is entry {}, which holds no state of it",
                       printable(subject), head->second);
    return std::optional<Entry>(std::move(entries[0]));
  }

  Result<std::vector<std::string>> subjects() override {
    std::vector<std::string> names;
    if (const Entry* last = TRY(newest()))
      for (const auto& [subject, index] : last->heads) names.push_back(subject);
    return names;
  }

  Result<std::vector<Entry>> append(const std::vector<Draft>& drafts,
                                    const crypto::Ed25519Signer& key) override {
    if (drafts.empty()) return std::vector<Entry>();
    for (const Draft& draft : drafts)
      if (draft.subject == keys_subject)
        return fail(ErrorKind::bug, "a '{}' entry has the subject of the journal's keys", draft.kind);
    TRY(check_signer(key.public_key()));
    const crypto::Ed25519Signer* signers[] = {&key};
    return commit(drafts, signers);
  }

  Result<Entry> rotate(const crypto::Ed25519Signer& old_key, const crypto::Ed25519Signer& new_key,
                       bool only_check, const std::string& by, const std::string& reason) override {
    TRY(check_signer(old_key.public_key()));
    TRY(check_signer(new_key.public_key()));
    if (old_key.public_key() == new_key.public_key())
      return fail_hint(ErrorKind::invalid, "make another one: tranche key generate journal",
                       "the new journal key is the old one");
    Draft draft = TRY(rotation_draft(options_.origin, retired_, old_key, new_key, size()));
    draft.by = by;
    draft.reason = reason;
    if (only_check) return std::move(TRY(number({draft})).front());
    const crypto::Ed25519Signer* signers[] = {&old_key, &new_key};
    auto entries = TRY(commit({draft}, signers));
    retired_ = TRY(retired_from_entry(entries.front()));
    return std::move(entries.front());
  }

  Result<Verification> verify() override {
    const auto blob = TRY(read_bounded(store_, std::string(checkpoint_name), max_checkpoint_bytes));
    if (!blob && size() > 0)
      return fail_hint(ErrorKind::verification, "restore it from a copy or the git history",
                       "the journal's checkpoint is gone from {}", store_.describe());
    if (!blob) return Verification{0, {}, {}};
    const auto opened = TRY(open_checkpoint(blob->bytes, options_));
    const Checkpoint& checkpoint = opened.checkpoint;
    const Audited audited = TRY(audit(store_, checkpoint));
    if (audited.keys) {
      TRY(check_takeover(*audited.keys, options_.origin, options_.trusted));
      TRY(check_signers(TRY(retired_from_entry(*audited.keys)), opened.signers, checkpoint.size));
    }
    if (checkpoint.size < size())
      return fail_hint(ErrorKind::verification, older_hint,
                       "the journal is older than one seen: {} entries, was {}", checkpoint.size, size());
    TileReader now(store_);
    TRY(now.start(checkpoint));
    if (TRY(now.root_at(size())) != tiles_.edge().root())
      return fail_hint(ErrorKind::verification, forked_hint,
                       "the journal is not the one seen before: its first {} entries differ", size());
    return Verification{checkpoint.size, root_text(checkpoint), blob->bytes};
  }

 private:
  // Its entries' leaf hashes are checked.
  struct Bundle {
    std::uint64_t index = 0;
    std::string text;               // as in its file
    std::vector<std::size_t> ends;  // of the entries in it
    [[nodiscard]] std::string_view entry(std::size_t i) const {
      const std::size_t begin = (i == 0 ? 0 : ends[i - 1]) + 2;  // after its length
      return std::string_view(text).substr(begin, ends[i] - begin);
    }
    void add(std::string_view entry) {
      add_to_bundle(text, entry);
      ends.push_back(text.size());
    }
  };
  struct Opened {
    Checkpoint checkpoint;
    std::vector<crypto::PublicKey> signers;
  };

  Result<std::vector<Entry>> commit(const std::vector<Draft>& drafts,
                                    std::span<const crypto::Ed25519Signer* const> keys) {
    auto entries = TRY(number(drafts));

    store::Publication publication;
    publication.message = drafts.size() == 1 ? fmt::format("journal {}: {}", size(), drafts[0].kind)
                                             : fmt::format("journal {} to {}: {} and more", size(),
                                                           size() + drafts.size() - 1, drafts[0].kind);
    Edge edge = tiles_.edge();
    std::vector<Edge::Full> completed;
    std::string bundle;
    std::vector<std::string> added;  // entries of the last bundle
    if (size() % tile_width > 0) bundle = TRY(checked_bundle(size() / tile_width))->text;
    for (const Entry& entry : entries) {
      std::string bytes = TRY(to_bytes(entry));
      add_to_bundle(bundle, bytes);
      edge.add(hash_leaf(bytes), completed);
      added.push_back(std::move(bytes));
      if (edge.size() % tile_width != 0) continue;
      publication.files.push_back({bundle_path(entry.index / tile_width), std::exchange(bundle, {}), {}});
      added.clear();
    }
    const std::uint64_t last_bundle = edge.size() / tile_width;
    if (!bundle.empty())
      publication.files.push_back(
          {with_width(bundle_path(last_bundle), static_cast<unsigned>(edge.size() % tile_width)),
           std::move(bundle),
           {}});
    for (const auto& full : completed)
      publication.files.push_back({tile_path(full.level, full.index), journal::to_bytes(full.hashes), {}});
    for (unsigned level = 0; level < edge.levels().size(); ++level)
      if (const auto& hashes = edge.levels()[level];
          !hashes.empty() && level_count(edge.size(), level) != level_count(size(), level))
        publication.files.push_back(
            {with_width(tile_path(level, level_count(edge.size(), level) / tile_width),
                        static_cast<unsigned>(hashes.size())),
             journal::to_bytes(hashes),
             {}});
    const std::string text = to_text(Checkpoint{options_.origin, edge.size(), edge.root()});
    std::string note = text + "\n";
    for (const crypto::Ed25519Signer* key : keys)
      note += TRY(signing::sign_line(text, options_.origin, *key));
    publication.pointer = store::Pointer{std::string(checkpoint_name), note, version_};

    auto published = store_.publish(publication);
    if (!published) {
      auto error = std::move(published.error());
      if (error.kind == ErrorKind::conflict && error.hint.empty()) error.hint = "run the command again";
      return fail(std::move(error).during(fmt::format("appending entry {} to the journal", size())));
    }
    version_ = std::move(*published);
    note_ = note;
    const std::uint64_t old_size = size();
    tiles_.advance(std::move(edge));
    remember_added(old_size / tile_width, last_bundle, added);
    last_ = entries.back();
    remove_partials(old_size, completed);
    appended_ = true;
    return entries;
  }

  [[nodiscard]] std::unexpected<Error> no_entries(std::uint64_t from, std::uint64_t to) const {
    return fail_hint(ErrorKind::invalid,
                     size() == 0 ? std::string("the journal is empty")
                                 : fmt::format("the journal has the entries 0 to {}", size() - 1),
                     "there are no entries {} to {}", from, to);
  }

  [[nodiscard]] Node node() {
    return [this](unsigned level, std::uint64_t index) { return tiles_.node(level, index); };
  }

  // What the log says itself about its keys, up to its last entry.
  Result<Retired> read_retired() {
    const auto entry = TRY(latest(keys_subject));
    if (!entry) return Retired();
    TRY(check_takeover(*entry, options_.origin, options_.trusted));
    return retired_from_entry(*entry);
  }

  Result<> check_signer(const crypto::PublicKey& key) const {
    const std::string id = crypto::key_id(key);
    if (std::ranges::find(options_.trusted, key) == options_.trusted.end())
      return fail_hint(ErrorKind::verification,
                       "put its public half under 'trust: journal:', or sign with the journal key",
                       "nobody would believe this journal entry: key {:.12} is no trusted journal key", id);
    if (const auto found = retired_.find(id); found != retired_.end())
      return fail_hint(ErrorKind::verification, "name the new key under 'signing: journal:'",
                       "nobody would believe this journal entry: entry {} retired key {:.12}", found->second,
                       id);
    return {};
  }

  static Result<Opened> open_checkpoint(const std::string& note, const Options& options) {
    auto opened = TRY_WHILE("checking the journal's checkpoint",
                            signing::open_signed_note(note, options.origin, options.trusted));
    auto checkpoint = TRY(parse_checkpoint(opened.text));
    if (checkpoint.origin != options.origin)
      return fail_hint(ErrorKind::verification, "point 'state:' at this application's state",
                       "this is the journal of '{}', not of '{}'", printable(checkpoint.origin),
                       options.origin);
    return Opened{std::move(checkpoint), std::move(opened.signers)};
  }

  // What another run of ours has seen must be a beginning of what is here now.
  Result<> check_memory(const Checkpoint& seen) {
    if (seen.size > size())
      return fail_hint(ErrorKind::verification, older_hint,
                       "the journal is older than one seen: {} entries, was {}", size(), seen.size);
    if (TRY(tiles_.root_at(seen.size)) != seen.root)
      return fail_hint(ErrorKind::verification, forked_hint,
                       "the journal is not the one seen before: its first {} entries differ", seen.size);
    return {};
  }

  Result<> remember() {
    if (size() == 0) return {};
    return write_memory(world_.files, options_.memory, {options_.origin, size(), tiles_.edge().root()});
  }

  Result<const Bundle*> checked_bundle(std::uint64_t index) {
    if (const auto found = bundles_.find(index); found != bundles_.end()) return &found->second;
    const auto hashes = TRY(tiles_.hashes(0, index));
    const std::string bytes = TRY(tiles_.bundle(index));
    const auto entries = TRY_WHILE("reading " + bundle_path(index), split_bundle(bytes));
    Bundle bundle{index, {}, {}};
    if (entries.size() < hashes.size())
      return fail_hint(ErrorKind::verification, changed_hint, "journal file {} holds {} entries, not {}",
                       bundle_path(index), entries.size(), hashes.size());
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (hash_leaf(entries[i]) != hashes[i])
        return fail_hint(ErrorKind::verification, changed_hint, "entry {} of the journal was changed",
                         index * tile_width + i);
      bundle.add(entries[i]);
    }
    return keep(std::move(bundle));
  }

  // After an append that began in bundle `first` and ended with `added` in bundle `last`.
  void remember_added(std::uint64_t first, std::uint64_t last, const std::vector<std::string>& added) {
    Bundle bundle{last, {}, {}};
    if (auto before = bundles_.extract(first); !before.empty() && first == last)
      bundle = std::move(before.mapped());
    for (const std::string& entry : added) bundle.add(entry);
    if (!bundle.ends.empty()) keep(std::move(bundle));
  }

  const Bundle* keep(Bundle bundle) {
    if (bundles_.size() >= cached_bundles) bundles_.clear();
    const std::uint64_t index = bundle.index;
    return &bundles_.insert_or_assign(index, std::move(bundle)).first->second;
  }

  // nullptr: the log is empty.
  Result<const Entry*> newest() {
    if (size() == 0) return nullptr;
    if (!last_) last_ = std::move(TRY(read(size() - 1, size())).front());
    return &*last_;
  }

  // Drafts become entries: index, time, heads.
  Result<std::vector<Entry>> number(const std::vector<Draft>& drafts) {
    const Entry* before = TRY(newest());
    if (size() + drafts.size() > max_size) return fail(ErrorKind::invalid, "the journal is full");
    Instant at = world_.clock.now();
    std::map<std::string, std::uint64_t> heads;
    if (before != nullptr) {
      at = std::max(at, before->at);
      heads = before->heads;
    }
    std::vector<Entry> entries;
    entries.reserve(drafts.size());
    for (const Draft& draft : drafts) {
      TRY(check_draft(draft));
      Entry entry{draft, size() + entries.size(), at, {}};
      if (!draft.state.is_null()) heads[draft.subject] = entry.index;
      if (heads.size() > max_subjects)
        return fail_hint(ErrorKind::invalid, "start a new journal, or use fewer rollouts, channels and flags",
                         "the journal would have more than {} subjects", max_subjects);
      entry.heads = heads;
      entries.push_back(std::move(entry));
    }
    return entries;
  }

  // Best effort: what stays behind is harmless, so that a failure here does not fail the append.
  void remove_partials(std::uint64_t old_size, const std::vector<Edge::Full>& completed) {
    std::vector<std::string> names;
    const auto collect = [&](const std::string& full) {
      if (auto listed = store_.list(full + ".p/")) names.insert(names.end(), listed->begin(), listed->end());
    };
    for (const auto& full : completed) {
      // Only tiles that the store knows from before have partial files.
      if (full.index * tile_width >= level_count(old_size, full.level)) continue;
      collect(tile_path(full.level, full.index));
      if (full.level == 0) collect(bundle_path(full.index));
    }
    if (!names.empty()) static_cast<void>(store_.remove(names).has_value());
  }

  ports::World& world_;
  store::Store& store_;
  Options options_;
  TileReader tiles_;
  store::Version version_;  // of the checkpoint that tiles_ stands on
  std::string note_;
  std::map<std::uint64_t, Bundle> bundles_;
  std::optional<Entry> last_;
  Retired retired_;
  bool appended_ = false;
};

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(ports::World& world, store::Store& store, Options options) {
  auto journal = std::make_unique<StoredJournal>(world, store, std::move(options));
  TRY_WHILE(fmt::format("opening the journal in {}", store.describe()), journal->load());
  return std::unique_ptr<Journal>(std::move(journal));
}

}  // namespace tranche::journal
