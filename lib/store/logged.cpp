#include "store/logged.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "crypto/digest.hpp"
#include "ports/slab.hpp"
#include "store/append_log.hpp"
#include "store/directory.hpp"
#include "store/publication.hpp"

namespace tranche::store {
namespace {

constexpr std::string_view log_name = ".tranche-log";
constexpr std::size_t max_pointer_bytes = 1 << 20;
constexpr std::size_t max_base_bytes = 32 << 20;
constexpr std::size_t least_base_bytes = 16;  // a shorter one saves nothing

class LoggedDirectory final : public Store {
 public:
  LoggedDirectory(ports::Files& files, std::string directory, std::string pointer)
      : files_(files),
        slabs_(dynamic_cast<ports::Slabs*>(&files)),
        directory_(directory_name(std::move(directory))),
        pointer_(std::move(pointer)),
        base_(open_locked_directory(files, directory_)) {}
  LoggedDirectory(const LoggedDirectory&) = delete;
  LoggedDirectory& operator=(const LoggedDirectory&) = delete;
  // Best effort: the log keeps what this leaves.
  ~LoggedDirectory() override {
    if (has_pending()) static_cast<void>(close().has_value());
  }

  Result<std::optional<Blob>> get(std::string_view name, std::size_t max_bytes) override {
    TRY(check_name(name));
    if (name == pointer_) {
      TRY(look());
      if (has_pending()) return pending_blob(pending_pointer_, name, max_bytes);
    } else if (const auto found = pending_.find(name); found != pending_.end()) {
      return pending_blob(*found->second, name, max_bytes);
    }
    return base_->get(name, max_bytes);
  }

  Result<std::optional<Stat>> stat(std::string_view name, std::uint64_t max_hashed,
                                   DigestFrom from) override {
    TRY(check_name(name));
    if (name == pointer_) TRY(look());
    const auto found = pending_.find(name);
    const std::string* bytes = name == pointer_ && has_pending() ? &pending_pointer_
                               : found != pending_.end()         ? found->second.get()
                                                                 : nullptr;
    if (bytes == nullptr) return base_->stat(name, max_hashed, from);
    Stat stat{bytes->size(), {}};
    if (stat.size <= max_hashed) stat.sha256 = crypto::to_hex(crypto::sha256(*bytes));
    return std::optional(std::move(stat));
  }

  Result<std::vector<std::string>> list(std::string_view prefix) override {
    auto names = TRY(base_->list(prefix));
    const std::size_t there = names.size();
    for (const auto& [name, bytes] : pending_)
      if (name.starts_with(prefix)) names.push_back(name);
    if (has_pending() && pointer_.starts_with(prefix)) names.push_back(pointer_);
    if (names.size() == there) return names;
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    return names;
  }

  Result<Version> publish(const Publication& publication) override {
    TRY(check_publication(publication));
    const auto lock = TRY(files_.lock(path_of(directory_lock), directory_lock_wait));
    const bool ours = publication.pointer && publication.pointer->name == pointer_;
    if (!ours) {
      if (has_pending() && touches_pending(publication)) {
        TRY(catch_up());
        TRY(settle());
      }
      return base_->publish(publication);
    }
    TRY(catch_up());
    if (publication.pointer->expected != head_) return fail(moved(*publication.pointer, describe()));
    if (TRY(write_to_log(publication))) return head_;
    // Too large for the log, or there is none.
    TRY(settle());
    head_ = TRY(base_->publish(publication));
    known_ = known_of(publication);
    known_at_ = head_;
    return head_;
  }

  Result<> remove(std::span<const std::string> names) override {
    for (const auto& name : names) TRY(check_name(name));
    const auto lock = TRY(files_.lock(path_of(directory_lock), directory_lock_wait));
    TRY(catch_up());
    TRY(settle());
    return base_->remove(names);
  }

  // What waits becomes files, so that others read it while this process sleeps.
  void refresh() override {
    if (has_pending()) static_cast<void>(close().has_value());
    base_->refresh();
  }

  [[nodiscard]] std::string describe() const override { return base_->describe(); }
  [[nodiscard]] std::optional<std::string> local_directory() const override {
    return base_->local_directory();
  }

 private:
  using Known = std::map<std::string, std::shared_ptr<const std::string>, std::less<>>;

  [[nodiscard]] std::string path_of(std::string_view name) const {
    return directory_ + "/" + std::string(name);
  }
  [[nodiscard]] bool has_pending() const { return !pending_pointer_.empty(); }

  Result<std::optional<Blob>> pending_blob(const std::string& bytes, std::string_view name,
                                           std::size_t max_bytes) const {
    if (bytes.size() > max_bytes)
      return fail_hint(ErrorKind::invalid, "give a smaller file", "'{}' in {} is larger than {} bytes", name,
                       describe(), max_bytes);
    return std::optional(Blob{bytes, version_of(bytes)});
  }

  [[nodiscard]] bool touches_pending(const Publication& publication) const {
    const auto pending = [&](const std::string& name) { return name == pointer_ || pending_.contains(name); };
    return (publication.pointer && pending(publication.pointer->name)) ||
           std::ranges::any_of(publication.files, pending, &File::name) ||
           std::ranges::any_of(publication.followers, pending, &Pointer::name);
  }

  void forget() {
    pending_.clear();
    pending_pointer_.clear();
    chain_.clear();
    mine_ = false;
  }

  Result<Version> version_on_disk() {
    const auto blob = TRY(base_->get(pointer_, max_pointer_bytes));
    return blob ? blob->version : Version();
  }

  Result<> open_slab() {
    if (slabs_ != nullptr && slab_ == nullptr) slab_ = TRY(slabs_->open_slab(path_of(log_name)));
    return {};
  }

  // What the log holds that is no file yet.
  Result<> look() {
    if (mine_) return catch_up();
    // Whoever makes files of it meanwhile may take away a file that was to be read.
    for (int attempt = 0; attempt < 3; ++attempt)
      if (TRY(try_look())) return {};
    forget();
    return fail_hint(ErrorKind::verification, "restore the directory from a copy",
                     "the log {} in {} does not continue the files beside it", log_name, describe());
  }

  // The log first, then the pointer: who makes files moves the pointer before he begins the log anew.
  Result<bool> try_look() {
    forget();
    TRY(open_slab());
    LogContents contents;
    if (slab_ != nullptr) contents = TRY(read_log(*slab_));
    head_ = TRY(version_on_disk());
    end_ = contents.end;
    const auto& records = contents.records;
    const auto first = std::ranges::find(records, head_, &LogRecord::expected);
    for (auto record = first; record != records.end(); ++record)
      if (record->expected != head_ || record->pointer.empty() || !TRY(add_pending(*record))) return false;
    return true;
  }

  // Takes a record's files and pointer as written. false: a file that one of them begins with is not there.
  Result<bool> add_pending(const LogRecord& record) {
    Known files;
    for (const LogFile& file : record.files) {
      std::string bytes;
      if (!file.base.empty()) {
        const auto found = pending_.find(file.base);
        if (found != pending_.end()) {
          bytes = *found->second;
        } else {
          if (file.base_bytes > max_base_bytes) return false;
          auto blob = TRY(base_->get(file.base, max_base_bytes));
          if (!blob) return false;
          bytes = std::move(blob->bytes);
        }
        if (bytes.size() != file.base_bytes) return false;
      }
      bytes += file.rest;
      files[file.name] = std::make_shared<const std::string>(std::move(bytes));
    }
    take(record, std::move(files));
    return true;
  }

  void take(const LogRecord& record, Known files) {
    for (const LogFile& file : record.files)
      if (!files.contains(file.base)) pending_.erase(file.base);
    for (const auto& [name, bytes] : files) pending_[name] = bytes;
    chain_.insert(record.expected.tag);
    pending_pointer_ = record.pointer;
    head_ = version_of(record.pointer);
    chain_.insert(head_.tag);
    known_ = std::move(files);
    known_at_ = head_;
  }

  // With the lock held: head_, pending_ and end_ are the newest, and what others left in the log is files.
  Result<> catch_up() {
    if (mine_ && TRY(is_still_mine())) return {};
    mine_ = false;
    return look();
  }

  // Nobody else has begun a log or moved the pointer since: then end_ and head_ are right.
  Result<bool> is_still_mine() {
    if (TRY(read_generation(*slab_)) != end_.generation) return false;
    return chain_.contains(TRY(version_on_disk()).tag);
  }

  // false: it goes the long way.
  Result<bool> write_to_log(const Publication& publication) {
    if (slabs_ == nullptr || !publication.followers.empty() || publication.pointer->bytes.empty())
      return false;
    for (const File& file : publication.files)
      if (!file.copy_from.empty() || !file.copy_of.empty() || !file.sha256.empty()) return false;
    const LogRecord record = record_of(publication);
    const std::string body = to_bytes(record);
    if (body.size() > log_bytes / 4) return false;
    if (!TRY(ready())) return false;
    if (!TRY(append_record(*slab_, end_, body))) {
      TRY(settle());
      if (!TRY(ready()) || !TRY(append_record(*slab_, end_, body))) return false;
    }
    take(record, known_of(publication));
    return true;
  }

  // A log of our own to append to; what others left in theirs becomes files first. false: none can be had
  // here.
  Result<bool> ready() {
    if (mine_) return true;
    TRY(settle());
    TRY(open_slab());
    if (slab_ == nullptr || slab_->size() != log_bytes) {
      slab_.reset();
      // The way of all files says better what is wrong with the directory.
      if (!files_.write(path_of(log_name), std::string(log_bytes, '\0'))) return false;
      TRY(open_slab());
      if (slab_ == nullptr) return false;
    }
    auto begun = begin_log(*slab_, TRY(read_generation(*slab_)) + 1);
    if (!begun) return false;
    end_ = *begun;
    mine_ = true;
    return true;
  }

  [[nodiscard]] static Known known_of(const Publication& publication) {
    Known known;
    for (const File& file : publication.files)
      known[file.name] = std::make_shared<const std::string>(file.bytes);
    return known;
  }

  // A file is written as what it adds to one of the publication before.
  [[nodiscard]] LogRecord record_of(const Publication& publication) const {
    LogRecord record{publication.pointer->expected, publication.pointer->bytes, {}};
    const bool follows = known_at_ == publication.pointer->expected;
    for (const File& file : publication.files) {
      LogFile entry{file.name, {}, 0, {}};
      for (const auto& [name, bytes] : known_)
        if (follows && bytes->size() >= least_base_bytes && bytes->size() > entry.base_bytes &&
            name != file.name && file.bytes.starts_with(*bytes)) {
          entry.base = name;
          entry.base_bytes = bytes->size();
        }
      entry.rest = file.bytes.substr(entry.base_bytes);
      record.files.push_back(std::move(entry));
    }
    return record;
  }

  // With the lock held: what is pending becomes files, the pointer last, and the log is begun anew.
  Result<> settle() {
    if (has_pending()) {
      std::vector<ports::FileWrite> files;
      for (const auto& [name, bytes] : pending_) files.push_back({path_of(name), *bytes});
      TRY(files_.write_all(files));
      TRY(files_.write(path_of(pointer_), pending_pointer_));
    }
    if (slab_ != nullptr && (has_pending() || mine_))
      static_cast<void>(begin_log(*slab_, end_.generation + 1).has_value());
    forget();
    return {};
  }

  // From without the lock. Whoever holds it for long writes something large; the log can wait.
  Result<> close() {
    const auto lock = TRY(files_.lock(path_of(directory_lock), std::chrono::seconds(2)));
    TRY(catch_up());
    return settle();
  }

  ports::Files& files_;
  ports::Slabs* slabs_;  // nullptr: nothing is logged
  std::string directory_;
  std::string pointer_;
  std::unique_ptr<Store> base_;
  std::unique_ptr<ports::Slab> slab_;

  Known pending_;  // files that only the log holds
  std::string pending_pointer_;
  std::set<std::string> chain_;  // versions that the pointer had or will have while these are pending
  Version head_;                 // of the pointer, pending ones included
  LogEnd end_;
  bool mine_ = false;  // this store began the log and alone appends to it
  // Files of the last publication, and the pointer's version after it: what the next one may begin with.
  Known known_;
  Version known_at_;
};

}  // namespace

std::unique_ptr<Store> open_logged_directory(ports::Files& files, std::string directory,
                                             std::string pointer) {
  return std::make_unique<LoggedDirectory>(files, std::move(directory), std::move(pointer));
}

}  // namespace tranche::store
