// From what the user wrote to an open branch: a path, a url, the name of a remote, or the checkout itself.
#include "store/git_branch.hpp"

#include "base/text.hpp"
#include "store/git_address.hpp"
#include "store/git_config.hpp"

namespace tranche::store {

Result<> check_ref_name(const std::string& ref, const std::string& shown, std::string_view what) {
  TRY(load_git2());
  int valid = 0;
  // ':' and '*' mean something in a refspec, a leading '-' to people's git.
  const bool plain = shown.find_first_of(":*") == std::string::npos;
  if (git2().reference_name_is_valid(&valid, ref.c_str()) < 0 || valid == 0 || !plain ||
      shown.starts_with('-'))
    return fail_hint(ErrorKind::invalid, "use a name like tranche-state", "'{}' is no name for a {}",
                     printable(shown), what);
  return {};
}

Result<OpenedBranch> open_branch(ports::World& world, const GitOptions& options) {
  TRY(check_ref_name("refs/heads/" + options.branch, options.branch, "branch"));
  OpenedBranch opened;
  std::string shown = options.remote.empty() ? "." : options.remote;
  if (options.remote.empty()) {
    opened.branch = TRY(open_local_branch(world, options.repository, options, false));
  } else {
    const bool named = is_remote_name(options.remote);
    const std::string text = named ? TRY(look_up_remote(options.repository, options.remote)) : options.remote;
    const GitAddress address = TRY(parse_git_address(text));
    if (!named) shown = address.text;
    if (address.kind == GitAddress::Kind::path) {
      opened.branch = TRY(open_local_branch(world, address.text, options, true));
    } else {
      if (!address.encrypted && !address.loopback && !options.token.empty())
        return fail_hint(ErrorKind::invalid, "use its https address",
                         "the token would cross the network in clear to '{}'", printable(address.text));
      opened.branch = TRY(open_remote_branch(world, address.text, options));
    }
  }
  opened.name = "git:" + printable(shown) + "#" + options.branch;
  return opened;
}

}  // namespace tranche::store
