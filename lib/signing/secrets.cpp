// Secret halves, by reference only. The configuration that names them may come from a stranger's pull
// request, so a reference reaches little: variables called TRANCHE_*, and files that are outside the
// repository, that only their owner can read, and that no git work tree has committed. Real paths are
// compared, symlinks resolved.
#include "base/paths.hpp"
#include "base/text.hpp"
#include "signing/key_files.hpp"
#include "signing/keys.hpp"

namespace tranche::signing {

namespace {

constexpr std::size_t max_secret_bytes = 64 * 1024;
constexpr std::size_t max_path_depth = 128;

// The nearest directory at or above `directory` (a real path) that has a .git entry.
Result<std::optional<std::string>> find_work_tree(ports::Files& files, std::string directory) {
  for (std::size_t depth = 0; depth < max_path_depth; ++depth) {
    if (TRY(files.info(join_path(directory, ".git")))) return std::optional(directory);
    if (directory == "/" || directory == ".") return std::nullopt;
    directory = directory_name(directory);
  }
  return std::nullopt;
}

// Asks git about one path; nullopt when git could not say. A work tree's own configuration may not run
// programs.
Result<std::optional<bool>> ask_git(ports::Process& process, const std::string& work_tree,
                                    std::vector<std::string> question, const std::string& path) {
  ports::ProcessRequest request;
  request.argv = {"git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", work_tree};
  request.argv.insert(request.argv.end(), question.begin(), question.end());
  request.argv.insert(request.argv.end(), {"--", path});
  request.timeout = std::chrono::seconds(20);
  const auto answer = TRY(process.run(request));
  if (answer.exit_code == 0) return std::optional(true);
  if (answer.exit_code == 1) return std::optional(false);
  return std::optional<bool>();
}

enum class GitState { outside, untracked, ignored, tracked };

// `real`: a real path; it need not exist.
Result<GitState> git_state(ports::World& world, const std::string& real) {
  const auto work_tree = TRY(find_work_tree(world.files, directory_name(real)));
  if (!work_tree) return GitState::outside;
  const auto unknown = [&] {
    return fail_hint(
        ErrorKind::denied,
        fmt::format("keep it outside git work trees; `git -C {} status` shows why", printable(*work_tree)),
        "cannot tell whether git tracks '{}'", printable(real));
  };
  const auto tracked =
      ask_git(world.process, *work_tree, {"--literal-pathspecs", "ls-files", "--error-unmatch"}, real);
  if (!tracked || !*tracked) return unknown();
  if (**tracked) return GitState::tracked;
  const auto ignored = ask_git(world.process, *work_tree, {"check-ignore", "-q"}, real);
  if (!ignored || !*ignored) return unknown();
  return **ignored ? GitState::ignored : GitState::untracked;
}

std::unexpected<Error> deny_tracked(const std::string& path) {
  return fail_hint(
      ErrorKind::denied,
      "whoever can read the repository has it: make a new one outside and put the old one out of use",
      "the secret '{}' is tracked by git", printable(path));
}

Result<Secret> read_variable(ports::Environ& environ, const std::string& name) {
  bool ours = name.size() > 8 && name.size() <= 128 && name.starts_with("TRANCHE_");
  for (const char c : name) ours = ours && ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
  if (!ours)
    return fail_hint(
        ErrorKind::denied,
        "rename the variable: only names that begin with TRANCHE_ (A-Z, 0-9, _) are read, so that a pull "
        "request cannot send others anywhere",
        "env:{} names no TRANCHE_ variable", printable(name, 60));
  auto value = environ.get(name);
  if (!value || value->empty())
    return fail_hint(ErrorKind::failed, fmt::format("set {} in the environment of this step", name),
                     "the environment variable {} is not set", name);
  return Secret(std::move(*value));
}

Result<Secret> read_secret_file(ports::World& world, const std::string& repository, std::string path) {
  if (path.starts_with("~/")) {
    const auto home = world.environ.get("HOME");
    if (home && !home->empty()) path = join_path(*home, path.substr(2));
  }
  const std::string shown = printable(path);
  const std::string full = join_path(repository, path);
  if (!TRY(world.files.info(full)))
    return fail_hint(ErrorKind::failed, "correct the path, or make a key with `tranche key generate`",
                     "there is no file '{}'", shown);
  const std::string real = TRY(world.files.real_path(full));
  const GitState git = TRY(git_state(world, real));
  if (git == GitState::tracked) return deny_tracked(path);
  if (!repository.empty() && is_within(TRY(world.files.real_path(repository)), real))
    return fail_hint(ErrorKind::denied, "move it out of the checkout, for example below ~/.config/tranche/",
                     "the secret '{}' is inside the repository", shown);
  const auto info = TRY(world.files.info(real));
  if (!info || info->kind != ports::FileInfo::Kind::file)
    return fail_hint(ErrorKind::denied, "name a regular file", "the secret '{}' is not a regular file",
                     shown);
  if ((info->mode & 077) != 0)
    return fail_hint(ErrorKind::denied, fmt::format("chmod 600 {}", shown),
                     "the secret '{}' can be read by others (mode {:04o})", shown, info->mode);
  auto bytes = TRY(world.files.read(real, max_secret_bytes));
  if (!bytes) return fail(ErrorKind::failed, "the file '{}' has gone", shown);
  while (bytes->ends_with('\n') || bytes->ends_with('\r')) bytes->pop_back();
  if (bytes->empty()) return fail(ErrorKind::failed, "the secret file '{}' is empty", shown);
  return Secret(std::move(*bytes));
}

// What `path` will really be once it exists: the real path of its directory, or of the nearest one that
// exists.
Result<std::string> future_real_path(ports::Files& files, const std::string& path) {
  std::string full = normal_path(path);
  if (!full.starts_with('/')) full = normal_path(join_path(TRY(files.current_directory()), full));
  std::string above = directory_name(full);
  for (std::size_t depth = 0; depth < max_path_depth && !TRY(files.info(above)); ++depth)
    above = directory_name(above);
  return normal_path(
      join_path(TRY(files.real_path(above)), full.substr(above == "/" ? 1 : above.size() + 1)));
}

}  // namespace

Result<Secret> read_secret(ports::World& world, const std::string& repository, std::string_view reference) {
  if (reference.starts_with("env:")) return read_variable(world.environ, std::string(reference.substr(4)));
  if (reference.starts_with("file:") && reference.size() > 5)
    return read_secret_file(world, repository, std::string(reference.substr(5)));
  if (reference.starts_with("pkcs11:"))
    return fail_hint(ErrorKind::invalid, "use env:TRANCHE_... or file:PATH here",
                     "a token holds keys that sign, and no other secrets");
  // The text is not shown: it may be the secret itself.
  return fail_hint(ErrorKind::invalid, "write env:TRANCHE_NAME, or file:PATH outside the repository",
                   "a secret is given by reference, and this one begins with neither env: nor file:");
}

Result<> write_key_pair(ports::World& world, const std::string& repository, const KeyPaths& paths,
                        const std::function<Result<KeyTexts>()>& make) {
  const auto exists = [](const std::string& path) {
    return fail_hint(ErrorKind::denied, "name another path; a key is never overwritten",
                     "'{}' exists already", printable(path));
  };
  for (const std::string& path : {paths.secret_half, paths.public_half})
    if (TRY(world.files.info(path))) return exists(path);
  const std::string real = TRY(future_real_path(world.files, paths.secret_half));
  const GitState git = TRY(git_state(world, real));
  if (git == GitState::tracked) return deny_tracked(paths.secret_half);
  const bool inside = !repository.empty() && is_within(TRY(world.files.real_path(repository)), real);
  if (git == GitState::untracked || (git == GitState::outside && inside))
    return fail_hint(ErrorKind::denied, "choose a path outside, for example below ~/.config/tranche/",
                     "the secret key '{}' would lie in {}, where it can be committed",
                     printable(paths.secret_half),
                     git == GitState::untracked ? "a git work tree" : "the repository");
  const KeyTexts texts = TRY(make());
  if (auto made = world.files.create(paths.secret_half, texts.secret_half.expose(), 0600); !made) {
    if (made.error().kind == ErrorKind::conflict) return exists(paths.secret_half);
    return fail(std::move(made.error()));
  }
  if (auto made = world.files.create(paths.public_half, texts.public_half, 0644); !made) {
    // A half pair helps nobody, and the next try must not stumble over it.
    TRY(world.files.remove(paths.secret_half));
    if (made.error().kind == ErrorKind::conflict) return exists(paths.public_half);
    return fail(std::move(made.error()));
  }
  return {};
}

Result<crypto::PublicKey> generate_key(ports::World& world, const std::string& repository,
                                       const std::string& secret_path, const std::string& public_path) {
  crypto::PublicKey key;
  TRY(write_key_pair(world, repository, {secret_path, public_path}, [&]() -> Result<KeyTexts> {
    const Secret seed(TRY(world.random.bytes(32)));
    const crypto::SecretKey made = TRY(crypto::SecretKey::from_seed(seed));
    key = made.public_key();
    return KeyTexts{made.to_pem(), crypto::to_pem(key)};
  }));
  return key;
}

}  // namespace tranche::signing
