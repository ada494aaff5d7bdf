#include "actions/stores.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "journal/checkpoint.hpp"
#include "signing/keys.hpp"
#include "store/below.hpp"
#include "store/logged.hpp"
#include "store/s3.hpp"

namespace tranche::actions {
namespace {

Result<std::string> directory_under(ports::World& world, const std::string& variable,
                                    const std::string& fallback) {
  if (const auto set = world.environ.get(variable); set && set->starts_with('/')) return *set + "/tranche";
  const auto home = world.environ.get("HOME");
  if (!home || home->empty())
    return fail_hint(ErrorKind::failed, "set HOME or " + variable, "there is no home directory for {}",
                     fallback);
  return *home + "/" + fallback + "/tranche";
}

Result<std::string> absolute(const std::string& repository, const std::string& path,
                             const std::string& what) {
  if (path.starts_with('/')) return path;
  if (repository.empty())
    return fail_hint(ErrorKind::invalid, "say where it is: --store dir:/PATH",
                     "{} is dir:{}, inside a checkout that is not here", what, printable(path, 200));
  return repository + "/" + path;
}

// "dir:./state" and "git:.#branch" are other places in another checkout.
std::string place_of(ports::World& world, const store::Store& state, const std::string& repository) {
  const std::string shown = state.describe();
  if (!shown.starts_with("dir:.") && !shown.starts_with("git:.")) return shown;
  const auto root = world.files.real_path(repository);
  return root ? *root + "\n" + shown : shown;
}

// The remote that holds the state: as written, else origin when the checkout has one, else a local branch.
Result<std::string> state_remote(ports::World& world, const std::string& repository,
                                 const spec::State& state) {
  if (!state.remote.empty()) return state.remote;
  const auto listed =
      TRY(world.process.run({{"git", "-C", repository, "remote"}, {}, {}, {}, std::chrono::seconds(10)}));
  if (listed.exit_code != 0)
    return fail_hint(ErrorKind::invalid, "run git init here, or write state: dir:PATH",
                     "{} is no git repository, and the state lives in git", repository);
  for (std::string_view name : split(listed.out, '\n'))
    if (name == "origin") return std::string("origin");
  return std::string();
}

Result<std::unique_ptr<store::Store>> open_git_store(ports::World& world, const std::string& repository,
                                                     std::string remote, std::string branch,
                                                     const std::string& token) {
  store::GitOptions options;
  options.repository = repository;
  options.remote = std::move(remote);
  options.branch = std::move(branch);
  if (!token.empty()) options.token = TRY(signing::read_secret(world, repository, token));
  options.cache_directory = TRY(cache_directory(world)) + "/git";
  return store::open_git(world, std::move(options));
}

// `path`: BUCKET or BUCKET/PREFIX.
Result<std::unique_ptr<store::Store>> open_bucket(ports::World& world, const std::string& repository,
                                                  const std::string& path, const spec::S3& s3) {
  store::S3Options options;
  const auto slash = path.find('/');
  options.bucket = path.substr(0, slash);
  if (slash != std::string::npos) options.prefix = path.substr(slash + 1);
  while (options.prefix.ends_with('/')) options.prefix.pop_back();
  options.region = s3.region;
  options.endpoint = s3.endpoint;
  options.path_style = s3.path_style;
  const std::string doing = "reading the keys of bucket '" + printable(options.bucket, 64) + "'";
  const auto read = [&](const std::string& reference) {
    return signing::read_secret(world, repository, reference);
  };
  options.keys.access_key = TRY_WHILE(doing, read(s3.access_key)).expose();
  options.keys.secret_key = TRY_WHILE(doing, read(s3.secret_key));
  if (!s3.session_token.empty()) options.keys.session_token = TRY_WHILE(doing, read(s3.session_token));
  return store::open_s3(world, std::move(options));
}

}  // namespace

Result<std::string> cache_directory(ports::World& world) {
  return directory_under(world, "XDG_CACHE_HOME", ".cache");
}
Result<std::string> memory_directory(ports::World& world) {
  return directory_under(world, "XDG_STATE_HOME", ".local/state");
}

Result<std::string> memory_path(ports::World& world, const store::Store& state, const std::string& repository,
                                const std::string& origin) {
  const std::string which =
      crypto::to_hex(crypto::sha256(place_of(world, state, repository) + "\n" + origin)).substr(0, 32);
  return TRY(memory_directory(world)) + "/seen/" + which;
}

Result<std::unique_ptr<store::Store>> open_state(ports::World& world, const std::string& repository,
                                                 const spec::State& state) {
  switch (state.kind) {
    case spec::State::Kind::dir:
      return store::open_logged_directory(world.files, TRY(absolute(repository, state.path, "the state")),
                                          std::string(journal::checkpoint_name));
    case spec::State::Kind::git: {
      auto branch = TRY(open_git_store(world, repository, TRY(state_remote(world, repository, state)),
                                       state.branch, state.token));
      if (state.directory.empty()) return branch;
      return store::below(std::move(branch), state.directory);
    }
    case spec::State::Kind::s3:
      return open_bucket(world, repository, state.path, state.s3);
  }
  return fail(ErrorKind::bug, "a state of no kind");
}

Result<std::unique_ptr<store::Store>> open_channel(ports::World& world, const std::string& repository,
                                                   const spec::Channel& channel) {
  switch (channel.store.kind) {
    case spec::StoreRef::Kind::dir:
      return store::open_directory(world.files, TRY(absolute(repository, channel.store.path,
                                                             "the store of channel '" + channel.name + "'")));
    case spec::StoreRef::Kind::git: {
      // "git:REMOTE#BRANCH"
      const auto hash = channel.store.path.rfind('#');
      if (hash == std::string::npos)
        return fail_hint(ErrorKind::invalid, "write git:REMOTE#BRANCH",
                         "the store of channel '{}' names no branch", channel.name);
      return open_git_store(world, repository, channel.store.path.substr(0, hash),
                            channel.store.path.substr(hash + 1), {});
    }
    case spec::StoreRef::Kind::s3:
      return open_bucket(world, repository, channel.store.path, channel.store.s3);
  }
  return fail(ErrorKind::bug, "a store of no kind");
}

}  // namespace tranche::actions
