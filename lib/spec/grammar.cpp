#include "spec/grammar.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/window.hpp"
#include "spec/codec.hpp"
#include "spec/spec.hpp"

namespace tranche::spec {
namespace {

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_upper_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}
bool all_of(std::string_view text, std::string_view extra) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_word_char(c) || extra.find(c) != std::string_view::npos;
  });
}
}  // namespace

std::string normal_path(std::string_view path) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else if (part != ".." || !path.starts_with('/'))
      parts.emplace_back(part);
  }
  return (path.starts_with('/') ? "/" : "") + join(parts, "/");
}

Result<> check_repository_path(std::string_view path) {
  const std::string shown = printable(path, 64);
  constexpr const char* hint = "give a path below the directory of tranche.yaml, without '..'";
  if (path.starts_with('/') || path.starts_with('~') || (path.size() > 1 && path[1] == ':'))
    return fail_hint(ErrorKind::invalid, hint, "'{}' leaves the repository", shown);
  if (path.find('\\') != std::string_view::npos)
    return fail_hint(ErrorKind::invalid, "separate directories with /", "'{}' holds a backslash", shown);
  for (const std::string_view part : split(path, '/'))
    if (part == "..") return fail_hint(ErrorKind::invalid, hint, "'{}' leaves the repository", shown);
  if (normal_path(path).empty() && path != ".")
    return fail_hint(ErrorKind::invalid, hint, "'{}' is no path", shown);
  return {};
}

Result<> check_artifact_path(std::string_view path) {
  TRY(check_repository_path(path));
  const std::string rest = replace_all(std::string(path), "{version}", "");
  if (rest.find_first_of("{}") != std::string::npos)
    return fail_hint(ErrorKind::invalid, "only {version} may stand in braces",
                     "'{}' holds a variable that is not ours", printable(path, 64));
  return {};
}

Result<> check_image(std::string_view image) {
  const std::string rest = replace_all(replace_all(std::string(image), "{version}", ""), "{digest}", "");
  if (!all_of(rest, "./:@-"))
    return fail_hint(ErrorKind::invalid, "write registry/name@{digest}", "'{}' is not an image",
                     printable(image, 64));
  return {};
}

Result<> check_platform(std::string_view platform) {
  const auto parts = split(platform, '/');
  if (platform == "any" || (parts.size() == 2 && all_of(parts[0], "") && all_of(parts[1], ".-"))) return {};
  return fail_hint(ErrorKind::invalid, "write os/architecture, for example linux/amd64, or any",
                   "'{}' is not a platform", printable(platform, 64));
}

Result<> check_name(std::string_view name) {
  if (is_name(name)) return {};
  return fail_hint(ErrorKind::invalid, "use a-z, 0-9 and -, at most 63, not beginning with -",
                   "'{}' is not a name", printable(name, 64));
}

Result<> check_git_remote(std::string_view remote) {
  const auto scheme = remote.find("://");
  const std::string_view rest = scheme == std::string_view::npos ? "" : remote.substr(scheme + 3);
  const std::string_view host = rest.substr(0, rest.find('/'));
  const auto at = host.rfind('@');
  const bool web = remote.starts_with("http:") || remote.starts_with("https:");
  if (at != std::string_view::npos && (web || host.substr(0, at).find(':') != std::string_view::npos))
    return fail_hint(ErrorKind::invalid, "give the secret as `token: env:TRANCHE_GIT_TOKEN`",
                     "the remote holds a user or a password");
  if (remote.starts_with('-') || remote.find_first_of(" \t\n") != std::string_view::npos)
    return fail_hint(ErrorKind::invalid, "write origin, a path or a url", "'{}' is not a remote",
                     printable(remote, 64));
  return {};
}

Result<> check_http_url(std::string_view url) {
  if (const std::string_view start =
          url.substr(0, url.find_first_of("/?#", std::min(url.size(), url.find("://") + 3)));
      url.find("://") != std::string_view::npos && start.find('@') != std::string_view::npos)
    return fail_hint(ErrorKind::invalid, "give the secret as `token: env:TRANCHE_NAME`",
                     "the url holds a user or a password");
  const std::string shown = printable(url, 64);
  std::string_view rest = url;
  if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else
    return fail_hint(ErrorKind::invalid, "write http://HOST/ or https://HOST/", "'{}' is not an http url",
                     shown);
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty() || host.find_first_of(" \t\n\"<>\\") != std::string_view::npos)
    return fail_hint(ErrorKind::invalid, "write http://HOST/ or https://HOST/", "'{}' has no host", shown);
  if (rest.find_first_of(" \t\n") != std::string_view::npos)
    return fail_hint(ErrorKind::invalid, "escape blanks as %20", "'{}' holds blanks", shown);
  return {};
}

Result<> check_version_text(std::string_view version) {
  if (version.size() <= 64 && all_of(version, ".+~-")) return {};
  return fail_hint(ErrorKind::invalid, "write it as in the release, for example \"1.1\"",
                   "'{}' is not a version", printable(version, 64));
}

Result<> check_window(std::string_view window) {
  TRY(parse_window(window));
  return {};
}

Result<> check_days(std::string_view days) {
  TRY(parse_days(days));
  return {};
}

Result<> check_heartbeat(std::string_view text) {
  return is_secret_reference(text) ? check_secret_reference(text, false) : check_http_url(text);
}

Result<> check_device_id(std::string_view id) {
  const bool good = !id.empty() && id.size() <= 128 &&
                    std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (good) return {};
  return fail_hint(ErrorKind::invalid, "1 to 128 bytes of printable ASCII", "'{}' is not a device id",
                   printable(id, 64));
}

Result<> check_git_branch(std::string_view branch) {
  const bool good = branch.size() <= 200 && all_of(branch, "./-") && !branch.starts_with('/') &&
                    !branch.starts_with('-') && !branch.starts_with('.') && !branch.ends_with('/') &&
                    !branch.ends_with('.') && branch.find("..") == std::string_view::npos &&
                    branch.find("//") == std::string_view::npos && !branch.ends_with(".lock");
  if (good) return {};
  return fail_hint(ErrorKind::invalid, "for example tranche-state", "'{}' is not a branch name",
                   printable(branch, 64));
}

Result<> check_secret_reference(std::string_view reference, bool with_pkcs11) {
  if (reference.starts_with("env:")) {
    const std::string_view name = reference.substr(4);
    if (!name.starts_with("TRANCHE_"))
      return fail_hint(ErrorKind::invalid, "env: reads only names that begin with TRANCHE_",
                       "'env:{}' may not be read", printable(name, 64));
    if (!is_upper_word(name.substr(8)))
      return fail_hint(ErrorKind::invalid, "use A-Z, 0-9 and _ after TRANCHE_", "'env:{}' is not a name",
                       printable(name, 64));
    return {};
  }
  if (reference.starts_with("file:")) {
    const std::string_view path = reference.substr(5);
    const std::string normal = normal_path(path);
    if (!path.starts_with('/') && !path.starts_with("~/") && normal != ".." && !normal.starts_with("../"))
      return fail_hint(ErrorKind::invalid, "keep it elsewhere and give an absolute path",
                       "the secret file '{}' is inside the repository", printable(path, 64));
    return {};
  }
  if (reference.starts_with("pkcs11:") && with_pkcs11) return {};
  return fail_hint(ErrorKind::invalid, "write env:TRANCHE_NAME or file:PATH; never the secret itself",
                   "this is not a reference to a secret");
}

const std::vector<std::string>& query_variables() {
  static const std::vector<std::string> names{"arm",     "version", "baseline", "release",
                                              "channel", "window",  "app",      "time"};
  return names;
}

namespace {
std::string_view variable_at(std::string_view query, std::size_t dollar) {
  std::size_t end = dollar + 1;
  while (end < query.size() && is_word_char(query[end])) ++end;
  return query.substr(dollar + 1, end - dollar - 1);
}
}  // namespace

Result<> check_query(std::string_view query) {
  const auto& known = query_variables();
  for (std::size_t at = query.find('$'); at != std::string_view::npos; at = query.find('$', at + 1)) {
    const char next = at + 1 < query.size() ? query[at + 1] : '\0';
    if (next == '{' || next == '$')
      return fail_hint(ErrorKind::invalid, "write $arm without braces; there is no escape for $",
                       "'${}' is not a variable", next);
    const std::string_view name = variable_at(query, at);
    if (name.empty()) continue;  // an anchor of a regular expression
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string guess = nearest(name, known);
    return fail_hint(
        ErrorKind::invalid,
        guess.empty() ? "ours are $" + join(known, " $") : fmt::format("did you mean '${}'?", guess),
        "unknown variable '${}' in the query", printable(name, 64));
  }
  return {};
}

bool query_uses(std::string_view query, std::string_view variable) {
  for (std::size_t at = query.find('$'); at != std::string_view::npos; at = query.find('$', at + 1))
    if (variable.substr(1) == variable_at(query, at)) return true;
  return false;
}

Result<StoreRef> parse_store_ref(std::string_view text) {
  const auto make = [&](StoreRef::Kind kind, std::size_t prefix) -> Result<StoreRef> {
    const std::string_view path = text.substr(prefix);
    if (path.empty() || path.size() > 1024 || printable(path, 1024) != path)
      return fail_hint(ErrorKind::invalid, "for example dir:public/stable", "'{}' names no place",
                       printable(text, 64));
    return StoreRef{kind, std::string(path)};
  };
  if (text.starts_with("dir:")) return make(StoreRef::Kind::dir, 4);
  if (text.starts_with("git:")) return make(StoreRef::Kind::git, 4);
  if (text.starts_with("s3://")) return make(StoreRef::Kind::s3, 5);
  return fail_hint(ErrorKind::invalid, "write dir:PATH, git:REMOTE#BRANCH or s3://BUCKET/PREFIX",
                   "'{}' is not a store", printable(text, 64));
}

std::string to_text(const StoreRef& ref) {
  switch (ref.kind) {
    case StoreRef::Kind::dir:
      return "dir:" + ref.path;
    case StoreRef::Kind::git:
      return "git:" + ref.path;
    case StoreRef::Kind::s3:
      return "s3://" + ref.path;
  }
  return {};
}

}  // namespace tranche::spec
