// A store on a git branch: each publication is one commit, each name a path in its tree.
//
// A commit is built on the tip that was read, without an index and without a working tree, and then the tip
// moves if it still is that one. If it moved but the pointer did not change (somebody published other files),
// the commit is built again on the new tip: what the caller asked for is about the pointer.
#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "store/git_branch.hpp"
#include "store/publication.hpp"

namespace tranche::store {
namespace {

constexpr std::size_t max_file_bytes = std::size_t{64} << 20;
constexpr std::size_t max_entries = 1'000'000;
constexpr int max_depth = 64;
constexpr int max_attempts = 5;  // losing five races in a row to others means a very busy branch
constexpr auto blob_mode = static_cast<git_filemode_t>(GIT_FILEMODE_BLOB);

using Tip = std::optional<git_oid>;

class GitStore final : public Store {
 public:
  GitStore(ports::World& world, std::unique_ptr<GitBranch> branch, GitOptions options, std::string name)
      : clock_(world.clock),
        files_(world.files),
        branch_(std::move(branch)),
        options_(std::move(options)),
        name_(std::move(name)) {}

  Result<std::optional<Blob>> get(std::string_view name, std::size_t max_bytes) override {
    TRY(check_name(name));
    const std::lock_guard guard(mutex_);
    return from_whole_copy([&]() -> Result<std::optional<Blob>> {
      const Tip tip = TRY_WHILE("reading " + name_, current_tip());
      return read_blob(tip, name, max_bytes);
    });
  }

  // A blob is read whole: a git store takes no large files.
  Result<std::optional<Stat>> stat(std::string_view name, std::uint64_t max_hashed,
                                   DigestFrom /*git's own digests are not SHA-256*/) override {
    TRY(check_name(name));
    const std::lock_guard guard(mutex_);
    std::uint64_t size = 0;
    const auto limit = static_cast<std::size_t>(std::min<std::uint64_t>(max_hashed, max_file_bytes));
    const auto blob = from_whole_copy([&]() -> Result<std::optional<Blob>> {
      const Tip tip = TRY_WHILE("reading " + name_, current_tip());
      return read_blob(tip, name, limit, &size);
    });
    if (!blob && size > max_hashed) return std::optional(Stat{size, {}});
    if (!blob) return fail(blob.error());
    if (!blob->has_value()) return std::optional<Stat>();
    return std::optional(Stat{size, (*blob)->version.tag});
  }

  Result<std::vector<std::string>> list(std::string_view prefix) override {
    TRY(check_prefix(prefix));
    const std::lock_guard guard(mutex_);
    return from_whole_copy([&] { return list_now(prefix); });
  }

  Result<Version> publish(const Publication& publication) override {
    TRY(check_publication(publication));
    const std::lock_guard guard(mutex_);
    std::vector<Pointer> conditions;
    if (publication.pointer) conditions.push_back(*publication.pointer);
    conditions.insert(conditions.end(), publication.followers.begin(), publication.followers.end());
    TRY_WHILE("publishing to " + name_, from_whole_copy([&]() -> Result<> {
                const auto lock = TRY(branch_->lock());
                return change(publication.message, conditions,
                              [&](const Tip& tip) { return updates_for(publication, tip); });
              }));
    return publication.pointer ? version_of(publication.pointer->bytes) : Version();
  }

  Result<> remove(std::span<const std::string> names) override {
    for (const auto& name : names) TRY(check_name(name));
    const std::lock_guard guard(mutex_);
    return from_whole_copy([&]() -> Result<> {
      const auto lock = TRY(branch_->lock());
      return change("remove files", {}, [&](const Tip& tip) -> Result<Updates> {
        Updates updates;
        if (!tip) return updates;
        const auto tree = TRY(tree_of(*tip));
        for (const auto& name : names)
          if (TRY(find(*tree, name))) updates.push_back({GIT_TREE_UPDATE_REMOVE, {}, name});
        return updates;
      });
    });
  }

  void refresh() override {
    const std::lock_guard guard(mutex_);
    known_ = false;
  }

  [[nodiscard]] std::string describe() const override { return name_; }

 private:
  struct Update {
    git_tree_update_t action;
    git_oid id;
    std::string path;
  };
  using Updates = std::vector<Update>;

  // The copy of a remote lies in a cache directory: torn there, it is fetched anew, once.
  template <class Work>
  auto from_whole_copy(Work work) -> decltype(work()) {
    auto done = work();
    if (done || discarded_ || done.error().kind != ErrorKind::verification || !branch_->is_remote())
      return done;
    discarded_ = true;
    known_ = false;
    {
      const auto lock = TRY(branch_->lock());
      if (!TRY(branch_->discard_copy())) return done;
    }
    return work();
  }

  Result<std::vector<std::string>> list_now(std::string_view prefix) {
    const Tip tip = TRY_WHILE("reading " + name_, current_tip());
    std::vector<std::string> names;
    if (!tip) return names;
    Owned<git_tree> tree = TRY(tree_of(*tip));
    if (!prefix.empty()) {
      const auto entry = TRY(find(*tree, std::string(prefix.substr(0, prefix.size() - 1))));
      if (!entry || git2().tree_entry_type(entry.get()) != GIT_OBJECT_TREE) return names;
      tree = TRY(lookup_tree(*git2().tree_entry_id(entry.get())));
    }
    TRY(walk(*tree, std::string(prefix), 0, names));
    std::sort(names.begin(), names.end());
    return names;
  }

  // A local branch is read anew each time; a remote one is fetched once.
  Result<Tip> current_tip() {
    if (known_ && branch_->is_remote()) return tip_;
    if (!branch_->is_remote()) return branch_->read_tip();
    const auto lock = TRY(branch_->lock());
    return fetch_tip();
  }
  Result<Tip> fetch_tip() {  // under the lock
    known_ = false;
    tip_ = TRY(branch_->read_tip());
    known_ = true;
    return tip_;
  }

  // The loop of compare, build, swap. Under the lock.
  template <class MakeUpdates>
  Result<> change(const std::string& message, const std::vector<Pointer>& conditions,
                  MakeUpdates make_updates) {
    bool fresh = !(known_ && branch_->is_remote());
    if (fresh) TRY(fetch_tip());
    Tip tip = tip_;
    known_ = false;  // whatever happens now, the next get() looks again
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
      const Pointer* other = nullptr;  // the first that is not what the caller read
      for (const Pointer& pointer : conditions)
        if (other == nullptr && !TRY(is_at(tip, pointer))) other = &pointer;
      if (other != nullptr) {
        if (fresh) return fail(moved(*other, name_));
      } else {
        const Updates updates = TRY(make_updates(tip));
        const Tip next = TRY(commit(tip, updates, message));
        if (!next) return {};
        if (TRY(branch_->advance(tip, *next)) == Advance::done) {
          tip_ = next;
          known_ = true;
          return {};
        }
      }
      tip = TRY(branch_->read_tip());
      fresh = true;
    }
    return fail_hint(ErrorKind::conflict, "run again: it reads the new state first",
                     "{} was changed by others {} times in a row", name_, max_attempts);
  }

  Result<bool> is_at(const Tip& tip, const Pointer& pointer) {
    const auto blob = TRY(read_blob(tip, pointer.name, max_file_bytes));
    return (blob ? blob->version : Version()) == pointer.expected;
  }

  Result<Updates> updates_for(const Publication& publication, const Tip& tip) {
    Updates updates;
    const auto add_id = [&](const std::string& name, const git_oid& id) {
      // The same name twice in one tree update is undefined: the later one counts.
      std::erase_if(updates, [&](const Update& update) { return update.path == name; });
      updates.push_back({GIT_TREE_UPDATE_UPSERT, id, name});
    };
    const auto add = [&](const std::string& name, std::string_view bytes) -> Result<> {
      git_oid id{};
      if (git2().blob_create_from_buffer(&id, branch_->repository(), bytes.data(), bytes.size()) < 0)
        return fail(git_error_of("write '" + name + "' into the git repository"));
      add_id(name, id);
      return {};
    };
    const auto add_file = [&](const File& file, std::string_view bytes) -> Result<> {
      if (!file.sha256.empty())
        if (const auto sha256 = crypto::to_hex(crypto::sha256(bytes)); sha256 != lower(file.sha256))
          return fail(other_bytes(file, sha256));
      return add(file.name, bytes);
    };
    for (const auto& file : publication.files) {
      if (!file.copy_of.empty()) {
        const auto earlier = std::find_if(updates.begin(), updates.end(),
                                          [&](const Update& update) { return update.path == file.copy_of; });
        if (earlier != updates.end()) {
          add_id(file.name, git_oid(earlier->id));
          continue;
        }
        const auto blob = TRY(read_blob(tip, file.copy_of, max_file_bytes));
        if (!blob)
          return fail_hint(ErrorKind::failed, "publish it first", "'{}' is not in {}", file.copy_of, name_);
        TRY(add_file(file, blob->bytes));
        continue;
      }
      if (file.copy_from.empty()) {
        TRY(add_file(file, file.bytes));
        continue;
      }
      if (!file.sha256.empty())
        if (const auto held = TRY(read_blob(tip, file.name, max_file_bytes));
            held && held->version.tag == lower(file.sha256))
          continue;
      const auto info = TRY(files_.info(file.copy_from));
      if (info && info->size > max_file_bytes)
        return fail_hint(ErrorKind::invalid, "keep large artifacts in a dir: or s3: store",
                         "'{}' has {} bytes, and a git store takes at most {} a file",
                         printable(file.copy_from), info->size, max_file_bytes);
      const auto bytes = TRY(files_.read(file.copy_from, max_file_bytes));
      if (!bytes)
        return fail_hint(ErrorKind::failed, "check the path", "'{}' is not there", printable(file.copy_from));
      TRY(add_file(file, *bytes));
    }
    if (publication.pointer) TRY(add(publication.pointer->name, publication.pointer->bytes));
    for (const auto& follower : publication.followers) TRY(add(follower.name, follower.bytes));
    return updates;
  }

  // nullopt: the updates change nothing, so there is nothing to commit.
  Result<Tip> commit(const Tip& tip, const Updates& updates, const std::string& message) {
    Owned<git_commit> parent;
    Owned<git_tree> base;
    if (tip) {
      parent = TRY(lookup_commit(*tip));
      base = TRY(tree_of(*tip));
    } else {
      base = TRY(empty_tree());
    }
    std::vector<git_tree_update> raw;
    raw.reserve(updates.size());
    for (const auto& update : updates)
      raw.push_back({update.action, update.id, blob_mode, update.path.c_str()});
    git_oid tree_id{};
    if (git2().tree_create_updated(&tree_id, branch_->repository(), base.get(), raw.size(), raw.data()) < 0)
      return fail(git_error_of("build the new state"));
    if (parent && equal(tree_id, *git2().commit_tree_id(parent.get()))) return Tip();
    if (!parent && updates.empty()) return Tip();
    const auto tree = TRY(lookup_tree(tree_id));
    const auto signature = TRY(make_signature());
    const std::string line = message.empty() ? std::string("tranche") : printable(message, 500);
    const git_commit* parents[] = {parent.get()};
    git_oid id{};
    if (git2().commit_create(&id, branch_->repository(), nullptr, signature.get(), signature.get(), "UTF-8",
                             line.c_str(), tree.get(), parent ? 1 : 0, parents) < 0)
      return fail(git_error_of("commit the new state"));
    return Tip(id);
  }

  Result<Owned<git_signature>> make_signature() {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count();
    const auto clean = [](std::string text, const char* otherwise) {
      std::erase_if(text,
                    [](char c) { return c == '<' || c == '>' || static_cast<unsigned char>(c) < 0x20; });
      return std::string(trim(text)).empty() ? std::string(otherwise) : text;
    };
    const std::string author = clean(options_.author_name, "tranche");
    const std::string email = clean(options_.author_email, "tranche@localhost");
    return owned<git_signature>("sign the commit", [&](git_signature** out) {
      return git2().signature_new(out, author.c_str(), email.c_str(), seconds, 0);
    });
  }

  Result<Owned<git_tree>> empty_tree() {
    const auto builder = TRY(owned<git_treebuilder>("build a tree", [&](git_treebuilder** out) {
      return git2().treebuilder_new(out, branch_->repository(), nullptr);
    }));
    git_oid id{};
    if (git2().treebuilder_write(&id, builder.get()) < 0) return fail(git_error_of("write a tree"));
    return lookup_tree(id);
  }

  Result<Owned<git_commit>> lookup_commit(const git_oid& id) {
    return owned<git_commit>("read a commit of " + name_, [&](git_commit** out) {
      return git2().commit_lookup(out, branch_->repository(), &id);
    });
  }
  Result<Owned<git_tree>> lookup_tree(const git_oid& id) {
    return owned<git_tree>("read a tree of " + name_, [&](git_tree** out) {
      return git2().tree_lookup(out, branch_->repository(), &id);
    });
  }
  Result<Owned<git_tree>> tree_of(const git_oid& id) {
    const auto found = TRY(lookup_commit(id));
    return owned<git_tree>("read a tree of " + name_,
                           [&](git_tree** out) { return git2().commit_tree(out, found.get()); });
  }

  static bool equal(const git_oid& a, const git_oid& b) { return std::memcmp(a.id, b.id, sizeof a.id) == 0; }

  // Null: there is none. A tree on the way that cannot be read says nothing of what is below it.
  Result<Owned<git_tree_entry>> find(const git_tree& tree, const std::string& path) {
    git_tree_entry* raw = nullptr;
    const int code = git2().tree_entry_bypath(&raw, &tree, path.c_str());
    if (code == GIT_ENOTFOUND) return Owned<git_tree_entry>();
    if (code < 0) return fail(git_error_of("read '" + path + "' of " + name_));
    return Owned<git_tree_entry>(raw);
  }

  // The size is asked before the content is read: a packed blob of a hostile server may inflate to anything.
  Result<std::optional<Blob>> read_blob(const Tip& tip, std::string_view name, std::size_t max_bytes,
                                        std::uint64_t* known_size = nullptr) {
    if (!tip) return std::optional<Blob>();
    const auto tree = TRY(tree_of(*tip));
    const auto entry = TRY(find(*tree, std::string(name)));
    if (!entry || git2().tree_entry_type(entry.get()) != GIT_OBJECT_BLOB) return std::optional<Blob>();
    const git_oid id = *git2().tree_entry_id(entry.get());
    const auto odb = TRY(owned<git_odb>("read the objects of " + name_, [&](git_odb** out) {
      return git2().repository_odb(out, branch_->repository());
    }));
    size_t size = 0;
    git_object_t type{};
    if (git2().odb_read_header(&size, &type, odb.get(), &id) < 0)
      return fail(git_error_of("read '" + std::string(name) + "' of " + name_));
    if (known_size != nullptr) *known_size = size;
    if (size > max_bytes)
      return fail_hint(ErrorKind::invalid, "it is no file that tranche wrote there: look at the branch",
                       "'{}' of {} has {} bytes, more than {}", name, name_, size, max_bytes);
    const auto blob =
        TRY(owned<git_blob>("read '" + std::string(name) + "' of " + name_, [&](git_blob** out) {
          return git2().blob_lookup(out, branch_->repository(), &id);
        }));
    std::string bytes(static_cast<const char*>(git2().blob_rawcontent(blob.get())),
                      static_cast<std::size_t>(git2().blob_rawsize(blob.get())));
    Version version = version_of(bytes);
    return std::optional(Blob{std::move(bytes), std::move(version)});
  }

  Result<> walk(const git_tree& tree, const std::string& prefix, int depth, std::vector<std::string>& names) {
    const auto too_much = [&](std::string_view what) {
      return fail_hint(ErrorKind::invalid, "use a branch of its own for the state", "{} {}", name_, what);
    };
    if (depth > max_depth) return too_much("is too deep");
    const std::size_t count = git2().tree_entrycount(&tree);
    for (std::size_t i = 0; i < count; ++i) {
      const git_tree_entry* entry = git2().tree_entry_byindex(&tree, i);
      const std::string name = prefix + git2().tree_entry_name(entry);
      if (!check_name(name)) continue;  // not ours
      const auto type = git2().tree_entry_type(entry);
      if (type == GIT_OBJECT_TREE) {
        const auto below = TRY(lookup_tree(*git2().tree_entry_id(entry)));
        TRY(walk(*below, name + "/", depth + 1, names));
      } else if (type == GIT_OBJECT_BLOB) {
        if (names.size() >= max_entries) return too_much("holds too many files");
        names.push_back(name);
      }
    }
    return {};
  }

  ports::Clock& clock_;
  ports::Files& files_;
  std::unique_ptr<GitBranch> branch_;
  GitOptions options_;
  std::string name_;
  std::mutex mutex_;
  bool discarded_ = false;  // the copy of the remote, once
  bool known_ = false;      // tip_ is what the remote had when it was read last
  Tip tip_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_git(ports::World& world, GitOptions options) {
  OpenedBranch opened = TRY(open_branch(world, options));
  return std::unique_ptr<Store>(std::make_unique<GitStore>(world, std::move(opened.branch),
                                                           std::move(options), std::move(opened.name)));
}

}  // namespace tranche::store
