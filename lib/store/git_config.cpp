// The configuration is read entry by entry and not by git_remote_lookup: libgit2 1.5 matches insteadOf rules
// with regular expressions and loses 20 kB for each entry that does not match, which a loop of days cannot
// bear.
#include "store/git_config.hpp"

#include "base/text.hpp"
#include "store/git2.hpp"

namespace tranche::store {
namespace {

struct RemoteConfig {
  std::string url;
  std::vector<std::pair<std::string, std::string>> instead_of;  // prefix, and what replaces it
};

Result<RemoteConfig> read_config(git_repository* repository, const std::string& name) {
  const auto config = TRY(owned<git_config>("read the git configuration", [&](git_config** out) {
    return git2().repository_config_snapshot(out, repository);
  }));
  const auto entries = TRY(owned<git_config_iterator>("read the git configuration", [&](auto** out) {
    return git2().config_iterator_new(out, config.get());
  }));
  RemoteConfig found;
  git_config_entry* entry = nullptr;
  int code = 0;
  while ((code = git2().config_next(&entry, entries.get())) == 0) {
    const std::string_view key(entry->name);
    const std::string value(entry->value == nullptr ? "" : entry->value);
    if (key == "remote." + name + ".url" && found.url.empty()) found.url = value;
    constexpr std::string_view before = "url.";
    constexpr std::string_view after = ".insteadof";
    if (key.size() > before.size() + after.size() && key.starts_with(before) && key.ends_with(after))
      found.instead_of.emplace_back(value,
                                    key.substr(before.size(), key.size() - before.size() - after.size()));
  }
  if (code != GIT_ITEROVER) return fail(git_error_of("read the git configuration"));
  return found;
}

// git-config(1) url.<base>.insteadOf: the longest match counts.
std::string rewrite(const RemoteConfig& config) {
  const std::pair<std::string, std::string>* best = nullptr;
  for (const auto& rule : config.instead_of)
    if (config.url.starts_with(rule.first) && (best == nullptr || rule.first.size() > best->first.size()))
      best = &rule;
  return best == nullptr ? config.url : best->second + config.url.substr(best->first.size());
}

}  // namespace

Result<std::string> look_up_remote(const std::string& repository, const std::string& name) {
  if (repository.empty())
    return fail_hint(ErrorKind::invalid, "give the remote's url",
                     "'{}' names a remote, and there is no checkout here", printable(name));
  const auto opened = TRY(owned<git_repository>(
      "open the git checkout '" + printable(repository) + "'",
      [&](git_repository** out) { return git2().repository_open_ext(out, repository.c_str(), 0, nullptr); }));
  const RemoteConfig config = TRY(read_config(opened.get(), name));
  if (config.url.empty())
    return fail_hint(ErrorKind::invalid, "git remote -v lists what there is; set state.git.remote",
                     "the checkout has no remote '{}'", printable(name));
  const std::string address = rewrite(config);
  const char* workdir = git2().repository_workdir(opened.get());
  const bool relative = address.find(':') == std::string::npos && !address.starts_with('/');
  return relative && workdir != nullptr ? workdir + address : address;
}

}  // namespace tranche::store
