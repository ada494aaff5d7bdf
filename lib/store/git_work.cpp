#include "store/git_work.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "store/git_branch.hpp"

namespace tranche::store {
namespace {

constexpr int most_tries = 5;  // losing five races in a row to others means a very busy branch
constexpr std::size_t max_file_bytes = std::size_t{8} << 20;
constexpr std::size_t max_message_bytes = 64 << 10;

bool same(const git_oid& a, const git_oid& b) { return std::memcmp(a.id, b.id, sizeof a.id) == 0; }

std::string text_of(const git_oid& id) {
  std::string out;
  for (const unsigned char byte : id.id) out += fmt::format("{:02x}", byte);
  return out;
}

Result<> check_path(const std::string& path) {
  bool good = !path.empty() && path.size() <= 4096;
  for (const char c : path) good = good && static_cast<unsigned char>(c) >= 0x20 && c != '\\' && c != 0x7f;
  for (const std::string_view segment : split(path, '/'))
    good = good && !segment.empty() && segment != "." && segment != ".." && lower(segment) != ".git";
  if (!good)
    return fail_hint(ErrorKind::invalid, "write it like deploy/values.yaml",
                     "'{}' is no file of a repository", printable(path));
  return {};
}

// Line breaks stay, other control characters do not: they would forge what a terminal shows.
std::string clean_message(std::string_view message) {
  std::string out;
  for (const char c : message.substr(0, max_message_bytes))
    if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') out += c;
  if (!is_valid_utf8(out)) out = printable(out, max_message_bytes);
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

class Work final : public GitWork {
 public:
  Work(ports::World& world, OpenedBranch opened, GitOptions options)
      : clock_(world.clock),
        branch_(std::move(opened.branch)),
        name_(std::move(opened.name)),
        options_(std::move(options)) {}

  [[nodiscard]] std::string describe() const override { return name_; }

  Result<std::optional<std::string>> tip() override {
    const auto lock = TRY(branch_->lock());
    const auto tip = TRY_WHILE("reading " + name_, branch_->read_tip());
    return tip ? std::optional(text_of(*tip)) : std::nullopt;
  }

  Result<std::optional<std::string>> read(const std::string& path) override {
    const auto lock = TRY(branch_->lock());
    return read_at(TRY(existing_tip()), path);
  }

  Result<std::string> commit(const std::string& message, const Edit& edit) override {
    return push([&](const git_oid& tip) { return build(tip, message, edit); });
  }

  Result<std::string> commit_to_new_branch(const std::string& branch, const std::string& message,
                                           const Edit& edit) override {
    return push_new(branch, [&](const git_oid& tip) { return build(tip, message, edit); });
  }

  Result<std::string> revert(const std::vector<std::string>& ids, const std::string& message) override {
    const std::vector<git_oid> wanted = TRY(commits_of(ids));
    return push([&](const git_oid& tip) { return build_revert(tip, wanted, message); });
  }

  Result<std::string> revert_to_new_branch(const std::string& branch, const std::vector<std::string>& ids,
                                           const std::string& message) override {
    const std::vector<git_oid> wanted = TRY(commits_of(ids));
    return push_new(branch, [&](const git_oid& tip) { return build_revert(tip, wanted, message); });
  }

  Result<std::string> tag(const std::string& name, const std::string& message) override {
    const std::string ref = "refs/tags/" + name;
    TRY(check_ref_name(ref, name, "tag"));
    const auto lock = TRY(branch_->lock());
    for (int attempt = 0; attempt < most_tries; ++attempt) {
      const git_oid tip = TRY(existing_tip());
      if (const auto there = TRY(tag_of(ref, name, message))) return text_of(*there);
      if (TRY(branch_->make_ref(ref, TRY(make_tag(name, tip, message)))) == Advance::done)
        return text_of(tip);
    }
    return busy();
  }

  Result<std::optional<std::string>> tagged(const std::string& name, const std::string& message) override {
    const std::string ref = "refs/tags/" + name;
    TRY(check_ref_name(ref, name, "tag"));
    const auto lock = TRY(branch_->lock());
    TRY(existing_tip());  // brings the commits that it may mark
    const auto there = TRY(tag_of(ref, name, message));
    return there ? std::optional(text_of(*there)) : std::nullopt;
  }

  Result<Found> find(const std::function<bool(const WorkCommit&)>& wanted, int most) override {
    const auto lock = TRY(branch_->lock());
    const git_oid tip = TRY(existing_tip());
    const auto walk = TRY(owned<git_revwalk>(
        "walk " + name_, [&](git_revwalk** out) { return git2().revwalk_new(out, branch_->repository()); }));
    if (git2().revwalk_push(walk.get(), &tip) < 0) return fail(git_error_of("walk " + name_));
    for (int seen = 0; seen < most; ++seen) {
      git_oid id{};
      const int code = git2().revwalk_next(&id, walk.get());
      if (code == GIT_ITEROVER) return Found{std::nullopt, true};
      if (code < 0) return fail(git_error_of("walk " + name_));
      const auto commit = TRY(lookup(id));
      const char* message = git2().commit_message(commit.get());
      WorkCommit one{text_of(id),
                     message == nullptr ? std::string() : std::string(message).substr(0, max_message_bytes)};
      if (wanted(one)) return Found{std::move(one), false};
    }
    return Found{};
  }

 private:
  using Built = std::optional<git_oid>;  // nullopt: nothing changes

  Result<git_oid> existing_tip() {
    const auto tip = TRY_WHILE("reading " + name_, branch_->read_tip());
    if (!tip)
      return fail_hint(ErrorKind::invalid, "push a first commit to it, or name another branch",
                       "{} has no commits", name_);
    return *tip;
  }

  // The tagger's time is the commit's own: the same tag again is the same object, whenever it is made.
  Result<git_oid> make_tag(const std::string& name, const git_oid& commit_id, const std::string& message) {
    const auto commit = TRY(lookup(commit_id));
    const auto target = TRY(owned<git_object>("read a commit of " + name_, [&](git_object** out) {
      return git2().object_lookup(out, branch_->repository(), &commit_id, GIT_OBJECT_COMMIT);
    }));
    const auto tagger = TRY(signature_at(git2().commit_committer(commit.get())->when.time));
    git_oid made{};
    if (git2().tag_annotation_create(&made, branch_->repository(), name.c_str(), target.get(), tagger.get(),
                                     clean_message(message).c_str()) < 0)
      return fail(git_error_of("make tag '" + printable(name, 64) + "'"));
    return made;
  }

  // The commit behind a tag that is exactly what make_tag would make there.
  Result<std::optional<git_oid>> tag_of(const std::string& ref, const std::string& name,
                                        const std::string& message) {
    const auto there = TRY(branch_->read_ref(ref));
    if (!there) return std::optional<git_oid>();
    if (const auto commit = TRY(branch_->read_ref(ref + "^{}")))
      if (const auto same_one = make_tag(name, *commit, message); same_one && same(*same_one, *there))
        return commit;
    return fail_hint(ErrorKind::denied, "choose another name; tags do not move",
                     "{} has another tag '{}' already", name_, printable(name, 64));
  }

  std::unexpected<Error> busy() {
    return fail_hint(ErrorKind::failed, "run again when fewer people push",
                     "{} was changed by others {} times in a row", name_, most_tries);
  }

  template <class Build>
  Result<std::string> push(Build build_on) {
    const auto lock = TRY(branch_->lock());
    for (int attempt = 0; attempt < most_tries; ++attempt) {
      const git_oid tip = TRY(existing_tip());
      const Built next = TRY(build_on(tip));
      if (!next) return std::string();
      if (TRY_WHILE("pushing to " + name_, branch_->advance(tip, *next)) == Advance::done)
        return text_of(*next);
    }
    return busy();
  }

  template <class Build>
  Result<std::string> push_new(const std::string& branch, Build build_on) {
    const std::string ref = "refs/heads/" + branch;
    TRY(check_ref_name(ref, branch, "branch"));
    const auto lock = TRY(branch_->lock());
    for (int attempt = 0; attempt < most_tries; ++attempt) {
      if (const auto there = TRY(branch_->read_ref(ref))) return text_of(*there);
      const Built next = TRY(build_on(TRY(existing_tip())));
      if (!next) return std::string();
      if (TRY(branch_->make_ref(ref, *next)) == Advance::done) return text_of(*next);
    }
    return busy();
  }

  static Result<std::vector<git_oid>> commits_of(const std::vector<std::string>& ids) {
    std::vector<git_oid> out(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (ids[i].size() != 40 || git2().oid_fromstr(&out[i], ids[i].c_str()) < 0)
        return fail_hint(ErrorKind::invalid, "write its 40 hex digits", "'{}' is no commit",
                         printable(ids[i], 64));
    return out;
  }

  Result<Built> build(const git_oid& tip, const std::string& message, const Edit& edit) {
    const auto tree = TRY(tree_of(tip));
    const std::vector<WorkFile> files =
        TRY(edit([&](const std::string& path) { return read_at(tip, path); }));
    std::vector<git_tree_update> updates;
    for (const WorkFile& file : files) {
      TRY(check_path(file.path));
      const git_filemode_t mode = TRY(mode_of(*tree, file.path));
      git_tree_update update{GIT_TREE_UPDATE_UPSERT, {}, mode, file.path.c_str()};
      if (git2().blob_create_from_buffer(&update.id, branch_->repository(), file.bytes.data(),
                                         file.bytes.size()) < 0)
        return fail(git_error_of("write '" + printable(file.path) + "'"));
      updates.push_back(update);
    }
    git_oid tree_id{};
    if (git2().tree_create_updated(&tree_id, branch_->repository(), tree.get(), updates.size(),
                                   updates.data()) < 0)
      return fail(git_error_of("build the commit"));
    return commit_tree(tip, tree_id, message);
  }

  // A file keeps its mode; what is no plain file is not written over.
  Result<git_filemode_t> mode_of(const git_tree& tree, const std::string& path) {
    const auto entry = entry_at(tree, path);
    if (!entry) return GIT_FILEMODE_BLOB;
    const git_filemode_t mode = git2().tree_entry_filemode(entry.get());
    if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
      return fail_hint(ErrorKind::invalid, "name the file itself", "'{}' of {} is no plain file",
                       printable(path), name_);
    return mode;
  }

  // Each is taken back on top of the one before, out of sight: the branch gets one commit, and never rests at
  // what lies between.
  Result<Built> build_revert(const git_oid& tip, const std::vector<git_oid>& wanted,
                             const std::string& message) {
    git_oid here = tip;
    git_oid tree_id = *git2().commit_tree_id(TRY(lookup(tip)).get());
    for (const git_oid& one : wanted) {
      tree_id = TRY(tree_without(here, one));
      const Built next = TRY(commit_tree(here, tree_id, message));
      if (next) here = *next;
    }
    return commit_tree(tip, tree_id, message);
  }

  Result<git_oid> tree_without(const git_oid& here, const git_oid& wanted) {
    const auto ours = TRY(lookup(here));
    git_commit* raw = nullptr;
    if (git2().commit_lookup(&raw, branch_->repository(), &wanted) < 0)
      return fail_hint(ErrorKind::invalid, "git log shows what is on the branch", "{} has no commit {}",
                       name_, text_of(wanted));
    const Owned<git_commit> bad(raw);
    const unsigned parents = git2().commit_parentcount(bad.get());
    if (parents == 0)
      return fail_hint(ErrorKind::denied, "take it back by hand", "commit {} is the first of {}",
                       text_of(wanted), name_);
    const auto index = TRY(owned<git_index>("revert " + text_of(wanted), [&](git_index** out) {
      return git2().revert_commit(out, branch_->repository(), bad.get(), ours.get(), parents > 1 ? 1 : 0,
                                  nullptr);
    }));
    if (git2().index_has_conflicts(index.get()) != 0)
      return fail_hint(ErrorKind::denied, "revert it by hand; changed since: " + conflicts_of(*index),
                       "commit {} of {} cannot be reverted: its files were changed since in the same places",
                       text_of(wanted).substr(0, 12), name_);
    git_oid tree_id{};
    if (git2().index_write_tree_to(&tree_id, index.get(), branch_->repository()) < 0)
      return fail(git_error_of("build the revert"));
    return tree_id;
  }

  std::string conflicts_of(git_index& index) {
    std::vector<std::string> paths;
    const auto all = owned<git_index_conflict_iterator>(
        "read the conflicts", [&](auto** out) { return git2().index_conflict_iterator_new(out, &index); });
    if (!all) return "unknown";
    const git_index_entry* parts[3] = {};
    while (paths.size() < 10 && git2().index_conflict_next(&parts[0], &parts[1], &parts[2], all->get()) == 0)
      for (const git_index_entry* part : parts)
        if (part != nullptr) {
          paths.push_back(printable(part->path));
          break;
        }
    return join(paths, ", ");
  }

  Result<Built> commit_tree(const git_oid& tip, const git_oid& tree_id, const std::string& message) {
    const auto parent = TRY(lookup(tip));
    if (same(tree_id, *git2().commit_tree_id(parent.get()))) return Built();
    const auto tree = TRY(owned<git_tree>("read a tree of " + name_, [&](git_tree** out) {
      return git2().tree_lookup(out, branch_->repository(), &tree_id);
    }));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count();
    const auto author = TRY(signature_at(seconds));
    const git_commit* parents[] = {parent.get()};
    git_oid id{};
    if (git2().commit_create(&id, branch_->repository(), nullptr, author.get(), author.get(), "UTF-8",
                             clean_message(message).c_str(), tree.get(), 1, parents) < 0)
      return fail(git_error_of("commit to " + name_));
    return Built(id);
  }

  Result<Owned<git_signature>> signature_at(git_time_t seconds) {
    return owned<git_signature>("sign a commit", [&](git_signature** out) {
      return git2().signature_new(out, options_.author_name.c_str(), options_.author_email.c_str(), seconds,
                                  0);
    });
  }

  Result<Owned<git_commit>> lookup(const git_oid& id) {
    return owned<git_commit>("read a commit of " + name_, [&](git_commit** out) {
      return git2().commit_lookup(out, branch_->repository(), &id);
    });
  }
  Result<Owned<git_tree>> tree_of(const git_oid& id) {
    const auto commit = TRY(lookup(id));
    return owned<git_tree>("read a tree of " + name_,
                           [&](git_tree** out) { return git2().commit_tree(out, commit.get()); });
  }
  static Owned<git_tree_entry> entry_at(const git_tree& tree, const std::string& path) {
    git_tree_entry* raw = nullptr;
    if (git2().tree_entry_bypath(&raw, &tree, path.c_str()) < 0) return nullptr;
    return Owned<git_tree_entry>(raw);
  }

  Result<std::optional<std::string>> read_at(const git_oid& tip, const std::string& path) {
    TRY(check_path(path));
    const auto tree = TRY(tree_of(tip));
    const auto entry = entry_at(*tree, path);
    if (!entry || git2().tree_entry_type(entry.get()) != GIT_OBJECT_BLOB) return std::optional<std::string>();
    const git_oid id = *git2().tree_entry_id(entry.get());
    const std::string doing = "read '" + printable(path) + "' of " + name_;
    const auto odb = TRY(owned<git_odb>(
        doing, [&](git_odb** out) { return git2().repository_odb(out, branch_->repository()); }));
    size_t size = 0;
    git_object_t type{};
    if (git2().odb_read_header(&size, &type, odb.get(), &id) < 0) return fail(git_error_of(doing));
    if (size > max_file_bytes)
      return fail_hint(ErrorKind::invalid, "keep what is edited in a smaller file",
                       "'{}' of {} has {} bytes, more than {}", printable(path), name_, size, max_file_bytes);
    const auto blob = TRY(owned<git_blob>(
        doing, [&](git_blob** out) { return git2().blob_lookup(out, branch_->repository(), &id); }));
    return std::optional(std::string(static_cast<const char*>(git2().blob_rawcontent(blob.get())),
                                     static_cast<std::size_t>(git2().blob_rawsize(blob.get()))));
  }

  ports::Clock& clock_;
  std::unique_ptr<GitBranch> branch_;
  std::string name_;
  GitOptions options_;
};

}  // namespace

std::string WorkCommit::trailer(std::string_view name) const {
  const std::string_view text = trim(message);
  const auto last = text.rfind("\n\n");
  const std::string_view paragraph =
      last == std::string_view::npos ? std::string_view() : text.substr(last + 2);
  for (const std::string_view line : split(paragraph, '\n'))
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return std::string(trim(line.substr(name.size() + 1)));
  return {};
}

Result<std::unique_ptr<GitWork>> open_git_work(ports::World& world, GitOptions options) {
  OpenedBranch opened = TRY(open_branch(world, options));
  return std::unique_ptr<GitWork>(std::make_unique<Work>(world, std::move(opened), std::move(options)));
}

}  // namespace tranche::store
