#include "store/git_address.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::store {
namespace {

std::unexpected<Error> refuse(std::string_view address, std::string_view why) {
  return fail_hint(ErrorKind::invalid,
                   "use its https address as state.git.remote, with a token in state.git.token",
                   "the git remote '{}' cannot be used: {}", printable(address), why);
}

Result<GitAddress> parse_http(std::string_view text, bool encrypted) {
  const auto after_scheme = text.find("://") + 3;
  const auto slash = text.find('/', after_scheme);
  std::string_view authority = text.substr(
      after_scheme, slash == std::string_view::npos ? std::string_view::npos : slash - after_scheme);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  const std::string rest(slash == std::string_view::npos ? std::string_view() : text.substr(slash));
  const std::string shown = std::string(text.substr(0, after_scheme)) + std::string(authority) + rest;
  if (authority.empty()) return refuse(shown, "it names no host");
  std::string host = lower(authority);
  if (host.starts_with('[')) {
    host = host.substr(0, host.find(']') + 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  const bool loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
  return GitAddress{
      .kind = GitAddress::Kind::http, .text = shown, .encrypted = encrypted, .loopback = loopback};
}

}  // namespace

bool is_remote_name(std::string_view text) {
  return !text.empty() && !text.starts_with('/') && !text.starts_with('.') && !text.starts_with('~') &&
         text.find(':') == std::string_view::npos;
}

Result<GitAddress> parse_git_address(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return refuse(text, "it holds a control character");
  const std::string scheme = lower(text.substr(0, std::min(text.find("://"), text.size())));
  if (text.find("://") == std::string_view::npos) {
    const auto colon = text.find(':');
    // git's own rule: a colon before the first slash is the short form of ssh.
    if (colon != std::string_view::npos && colon < text.find('/'))
      return refuse(text, "ssh is not supported");
    if (text.empty()) return refuse(text, "it is empty");
    return GitAddress{.kind = GitAddress::Kind::path, .text = std::string(text)};
  }
  if (scheme == "https") return parse_http(text, true);
  if (scheme == "http") return parse_http(text, false);
  if (scheme == "file") {
    std::string_view rest = text.substr(text.find("://") + 3);
    if (rest.starts_with("localhost/")) rest.remove_prefix(9);
    const auto path = percent_decode(rest);
    if (!rest.starts_with('/') || !path) return refuse(text, "a file address is file:///PATH");
    return GitAddress{.kind = GitAddress::Kind::path, .text = *path};
  }
  if (scheme == "ssh" || scheme == "git+ssh" || scheme == "ssh+git") {
    // No user name in messages either; what is before '@' may be a token.
    return refuse(scheme + "://...", "ssh is not supported");
  }
  return refuse(scheme + "://...", "its protocol is not supported");
}

}  // namespace tranche::store
