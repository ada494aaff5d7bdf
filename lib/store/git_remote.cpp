// A state branch on a server, through a bare repository of our own in the cache directory.
//
// Its traps: libgit2 returns 0 from a push that the server refused (the truth is the status of each ref);
// a connection that breaks during a push leaves the outcome open (the server is asked for its tip); and the
// user's checkout may be shallow with credentials that are not ours (it is never used).
#include <cstring>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "store/git_branch.hpp"
#include "store/git_loose.hpp"
#include "store/git_stale_lock.hpp"
#include "store/git_stream.hpp"

namespace tranche::store {
namespace {

constexpr std::size_t max_received_bytes = std::size_t{1} << 30;  // a state branch of years is far below
constexpr std::size_t max_words = 2000;
constexpr const char* tip_ref = "refs/tranche/tip";  // what was fetched last: makes the next fetch small
constexpr const char* next_ref = "refs/tranche/outgoing";  // a push wants a name for what it sends

bool same(const std::optional<git_oid>& a, const std::optional<git_oid>& b) {
  return a.has_value() == b.has_value() && (!a || std::memcmp(a->id, b->id, sizeof a->id) == 0);
}

// What the callbacks of one conversation know and learn.
struct Conversation {
  Conversation(const Secret& secret, Duration timeout) : token(secret), deadline(timeout) {}
  const Secret& token;
  GitDeadline deadline;
  int times_asked = 0;
  std::string words;  // the server's own, "remote: ..." of git
  // Of a push:
  std::string ref;
  std::optional<git_oid> expected;
  bool moved = false;
  bool sending = false;  // from here on the server may have what we sent, whatever we hear
  bool acknowledged = false;
  std::optional<std::string> refusal;
};
Conversation& of(void* payload) { return *static_cast<Conversation*>(payload); }

int on_credentials(git_credential** out, const char* /*url*/, const char* /*user*/, unsigned allowed,
                   void* payload) {
  Conversation& talk = of(payload);
  // Asked again means that it was refused: the same token would be refused without end.
  if (talk.times_asked++ > 0 || talk.token.empty() || (allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) == 0)
    return GIT_EAUTH;
  return git2().credential_userpass_plaintext_new(out, "x-access-token",
                                                  std::string(talk.token.expose()).c_str());
}

int on_words(const char* text, int size, void* payload) {
  Conversation& talk = of(payload);
  if (size > 0 && talk.words.size() < max_words)
    talk.words.append(text, std::min(static_cast<std::size_t>(size), max_words - talk.words.size()));
  return talk.deadline.passed() ? -1 : 0;
}

int on_received(const git_indexer_progress* progress, void* payload) {
  if (progress->received_bytes > max_received_bytes) {
    git2().error_set_str(GIT_ERROR_NET, "the branch is larger than 1 GiB");
    return -1;
  }
  return of(payload).deadline.passed() ? -1 : 0;
}

// Called between the server's advertisement and our pack: the last moment to see that the tip is another one.
int on_negotiation(const git_push_update** updates, size_t count, void* payload) {
  Conversation& talk = of(payload);
  const git_oid absent{};
  for (size_t i = 0; i < count; ++i) {
    const git_oid& advertised = updates[i]->src;
    if (!same(advertised, talk.expected ? *talk.expected : absent)) talk.moved = true;
  }
  talk.sending = !talk.moved;
  if (talk.sending) return 0;
  git2().error_set_str(GIT_ERROR_REFERENCE, "the branch has moved");
  return GIT_ENONFASTFORWARD;
}

int on_status(const char* ref, const char* status, void* payload) {
  Conversation& talk = of(payload);
  if (talk.ref != ref) return 0;
  if (status == nullptr)
    talk.acknowledged = true;
  else
    talk.refusal = status;
  return 0;
}

git_remote_callbacks callbacks_for(Conversation& talk) {
  git_remote_callbacks callbacks = GIT_REMOTE_CALLBACKS_INIT;
  callbacks.credentials = on_credentials;
  callbacks.sideband_progress = on_words;
  callbacks.transfer_progress = on_received;
  callbacks.push_negotiation = on_negotiation;
  callbacks.push_update_reference = on_status;
  callbacks.payload = &talk;
  return callbacks;
}

// Files go, directories stay; links are removed and not followed.
Result<> empty_directory(ports::Files& files, const std::string& directory, int depth) {
  if (depth > 8) return fail_hint(ErrorKind::failed, "remove it", "'{}' is too deep", printable(directory));
  for (const std::string& name : TRY(files.list(directory))) {
    const std::string path = directory + "/" + name;
    const auto info = TRY(files.info(path));
    if (info && info->kind == ports::FileInfo::Kind::directory)
      TRY(empty_directory(files, path, depth + 1));
    else
      TRY(files.remove(path));
  }
  return {};
}

Result<Owned<git_repository>> make_cache(const std::string& path) {
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
  return owned<git_repository>(
      "make the cache repository '" + printable(path) + "'",
      [&](git_repository** out) { return git2().repository_init_ext(out, path.c_str(), &options); });
}

// It holds nothing that the remote has not: torn, it is made anew.
Result<Owned<git_repository>> open_cache(ports::Files& files, const std::string& path) {
  git_repository* raw = nullptr;
  if (git2().repository_open_bare(&raw, path.c_str()) == 0) return Owned<git_repository>(raw);
  if (auto made = make_cache(path)) return made;
  TRY(empty_directory(files, path, 0));
  return make_cache(path);
}

class RemoteBranch final : public GitBranch {
 public:
  RemoteBranch(ports::Files& files, std::string url, const GitOptions& options, std::string path,
               Owned<git_repository> repository)
      : files_(files),
        url_(std::move(url)),
        ref_("refs/heads/" + options.branch),
        token_(options.token),
        timeout_(options.timeout),
        path_(std::move(path)),
        repository_(std::move(repository)) {}

  Result<std::unique_ptr<ports::FileLock>> lock() override { return files_.lock(path_ + ".lock", timeout_); }

  Result<std::optional<git_oid>> read_tip() override { return read(ref_, true); }
  Result<std::optional<git_oid>> read_ref(const std::string& ref) override { return read(ref, false); }

  Result<Advance> advance(const std::optional<git_oid>& expected, const git_oid& next) override {
    return push(ref_, expected, next);
  }
  Result<Advance> make_ref(const std::string& ref, const git_oid& next) override {
    return push(ref, std::nullopt, next);
  }

  [[nodiscard]] bool is_remote() const override { return true; }
  git_repository* repository() override { return repository_.get(); }
  Result<bool> discard_copy() override {
    repository_.reset();
    TRY(empty_directory(files_, path_, 0));
    repository_ = TRY(open_cache(files_, path_));
    TRY(read_loose_safely(repository_.get()));
    return true;
  }

 private:
  Result<std::optional<git_oid>> read(const std::string& ref, bool with_objects) {
    Conversation talk(token_, timeout_);
    const auto remote = TRY(make_remote());
    git_remote_connect_options connect = GIT_REMOTE_CONNECT_OPTIONS_INIT;
    connect.callbacks = callbacks_for(talk);
    connect.proxy_opts = proxy();
    connect.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
    if (const int code = git2().remote_connect_ext(remote.get(), GIT_DIRECTION_FETCH, &connect); code < 0)
      return fail(explain(talk, code, "reach"));
    const std::optional<git_oid> tip = TRY(find_tip(remote.get(), talk, ref));
    if (tip && with_objects && !holds(*tip)) TRY(download(remote.get(), talk, *tip));
    git2().remote_disconnect(remote.get());
    return tip;
  }

  Result<Advance> push(const std::string& ref, const std::optional<git_oid>& expected, const git_oid& next) {
    TRY(name_object(next_ref, next));
    Conversation talk(token_, timeout_);
    talk.ref = ref;
    talk.expected = expected;
    const auto remote = TRY(make_remote());
    git_push_options options = GIT_PUSH_OPTIONS_INIT;
    options.callbacks = callbacks_for(talk);
    options.proxy_opts = proxy();
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
    std::string refspec = std::string(next_ref) + ":" + ref;  // no '+': never forced
    char* specs[] = {refspec.data()};
    const git_strarray list{specs, 1};
    const int code = git2().remote_push(remote.get(), &list, &options);
    if (code >= 0 && talk.acknowledged && !talk.refusal) return Advance::done;
    if (talk.moved || code == GIT_ENONFASTFORWARD) return Advance::moved;
    const Error error = talk.refusal ? refused(talk) : explain(talk, code, "push to");
    if (!talk.sending) return fail(error);
    return settle(error, talk.refusal.has_value(), ref, expected, next);
  }

  // The push failed in some way; only the server knows what its tip is now.
  Result<Advance> settle(const Error& error, bool was_refused, const std::string& ref,
                         const std::optional<git_oid>& expected, const git_oid& next) {
    const auto tip = read(ref, ref == ref_);
    if (!tip && was_refused) return fail(error);
    if (!tip)
      return fail_hint(ErrorKind::failed,
                       "run again when the remote is back: it reads what became of this change first", "{}",
                       error.message + "; whether the change arrived is not known");
    if (same(*tip, next)) return Advance::done;
    // A refusal by a hook stays one even when the tip moved meanwhile.
    const bool by_hook = was_refused && error.message.find("hook declined") != std::string::npos;
    if (!by_hook && !same(*tip, expected)) return Advance::moved;
    return fail(error);
  }

  Result<Owned<git_remote>> make_remote() {
    git_remote_create_options options = GIT_REMOTE_CREATE_OPTIONS_INIT;
    options.repository = repository_.get();
    // The url was rewritten by the user's insteadOf rules when it was looked up; not a second time.
    options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
    return owned<git_remote>("use the remote '" + printable(url_) + "'", [&](git_remote** out) {
      return git2().remote_create_with_opts(out, url_.c_str(), &options);
    });
  }

  [[nodiscard]] git_proxy_options proxy() const {
    git_proxy_options options = GIT_PROXY_OPTIONS_INIT;
    const bool loopback = url_.find("://localhost") != std::string::npos ||
                          url_.find("://127.") != std::string::npos ||
                          url_.find("://[::1]") != std::string::npos;
    options.type = loopback ? GIT_PROXY_NONE : GIT_PROXY_AUTO;
    return options;
  }

  Result<std::optional<git_oid>> find_tip(git_remote* remote, const Conversation& talk,
                                          const std::string& ref) {
    const git_remote_head** heads = nullptr;
    size_t count = 0;
    if (const int code = git2().remote_ls(&heads, &count, remote); code < 0)
      return fail(explain(talk, code, "read the branches of"));
    for (size_t i = 0; i < count; ++i)
      if (ref == heads[i]->name) return std::optional(heads[i]->oid);
    return std::optional<git_oid>();
  }

  [[nodiscard]] bool holds(const git_oid& id) {
    // Only what was fetched whole has the tip's name: an object alone may lack what it points to.
    git_oid fetched{};
    return git2().reference_name_to_id(&fetched, repository_.get(), tip_ref) == 0 && same(fetched, id);
  }

  Result<> download(git_remote* remote, Conversation& talk, const git_oid& tip) {
    git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
    options.callbacks = callbacks_for(talk);
    options.proxy_opts = proxy();
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    options.update_fetchhead = 0;
    std::string refspec = ref_ + ":" + tip_ref;
    char* specs[] = {refspec.data()};
    const git_strarray list{specs, 1};
    if (const int code = git2().remote_download(remote, &list, &options); code < 0)
      return fail(explain(talk, code, "fetch from"));
    return name_object(tip_ref, tip);
  }

  Result<> name_object(const char* ref, const git_oid& id) {
    // The cache is ours alone, and locked: a lock in it was left by a process that was killed.
    TRY(clear_stale_lock(files_, repository_.get(), ref, Duration{0}));
    git_oid held{};
    if (const int code = git2().reference_name_to_id(&held, repository_.get(), ref);
        code < 0 && code != GIT_ENOTFOUND)
      TRY(files_.remove(path_ + "/" + ref));  // torn
    git_reference* raw = nullptr;
    const int code = git2().reference_create(&raw, repository_.get(), ref, &id, 1, "tranche");
    const Owned<git_reference> made(raw);
    if (code >= 0) return {};
    const std::string what = "write into the cache '" + printable(path_) + "'";
    if (const git_error* said = git2().error_last(); said != nullptr && said->klass == GIT_ERROR_REFERENCE)
      return fail(broken(fmt::format("cannot {}: {}", what, last_git_words())));  // it lacks the object
    return fail(git_error_of(what));
  }

  [[nodiscard]] Error explain(const Conversation& talk, int code, std::string_view what) const {
    const std::string said = last_git_words();
    const auto has = [&](std::string_view text) { return said.find(text) != std::string::npos; };
    const std::string message = fmt::format("cannot {} '{}': {}", what, printable(url_), said);
    if (code == GIT_EAUTH || talk.times_asked > 1 || has("status code: 401") || has("status code: 403")) {
      if (token_.empty())
        return {ErrorKind::denied, fmt::format("'{}' wants a token and none is given", printable(url_)),
                "write token: env:TRANCHE_GIT_TOKEN (under state.git for the state), and set that variable "
                "to a token that may write"};
      return {ErrorKind::denied, fmt::format("'{}' does not accept the token", printable(url_)),
              "check that the token is not expired and may write to this repository"};
    }
    if (talk.deadline.passed())
      return {ErrorKind::failed,
              fmt::format("cannot {} '{}' within {}: {}", what, printable(url_), to_text(timeout_), said),
              "run again; if it stays, check the network and the server"};
    if (has("status code: 404"))
      return {ErrorKind::failed, message, "check the remote's address, and that the token may see it"};
    if (is_about_objects()) return broken(message);
    return {ErrorKind::failed, message, "run again; if it stays, check the network and the server"};
  }

  // Not what the server has, but our copy of it.
  [[nodiscard]] Error broken(std::string message) const {
    return {ErrorKind::verification, std::move(message),
            fmt::format("the copy in '{}' is broken: remove that directory and run again", printable(path_))};
  }

  [[nodiscard]] Error refused(const Conversation& talk) const {
    std::string words;
    for (const auto line : split(talk.words, '\n')) {
      if (trim(line).empty()) continue;
      words += (words.empty() ? "" : " / ") + std::string(trim(line));
    }
    return {ErrorKind::failed,
            fmt::format("'{}' refused the push to '{}': {}{}", printable(url_), talk.ref,
                        printable(*talk.refusal),
                        words.empty() ? "" : fmt::format("; it says: {}", printable(words, 600))),
            "ask the repository's owner to let this branch be written, or use another one"};
  }

  ports::Files& files_;
  std::string url_;
  std::string ref_;
  Secret token_;
  Duration timeout_;
  std::string path_;
  Owned<git_repository> repository_;
};

}  // namespace

Result<std::unique_ptr<GitBranch>> open_remote_branch(ports::World& world, const std::string& url,
                                                      const GitOptions& options) {
  if (options.cache_directory.empty()) return fail(ErrorKind::bug, "a git remote needs a cache directory");
  const std::string name = crypto::to_hex(crypto::sha256(url + "\n" + options.branch)).substr(0, 32);
  const std::string path = options.cache_directory + "/git/" + name;
  TRY(world.files.make_directories(options.cache_directory + "/git"));
  const auto guard = TRY(world.files.lock(path + ".lock", options.timeout));  // two first uses at once
  auto repository = TRY(open_cache(world.files, path));
  TRY(read_loose_safely(repository.get()));
  remove_leftover_objects(world.files, repository.get());
  return std::unique_ptr<GitBranch>(
      std::make_unique<RemoteBranch>(world.files, url, options, path, std::move(repository)));
}

}  // namespace tranche::store
