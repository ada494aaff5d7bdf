#include "oci/credentials.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"
#include "signing/keys.hpp"

namespace tranche::oci {
namespace {

constexpr const char* user_variable = "TRANCHE_REGISTRY_USER";
constexpr const char* password_variable = "TRANCHE_REGISTRY_PASSWORD";
constexpr std::size_t max_challenge_bytes = 4096;
constexpr doc::Limits limits{.max_bytes = 64 << 10, .max_depth = 8, .max_nodes = 4096};

// The file holds secrets: messages name members, never values.
Result<Credentials> read_entry(const doc::Value& entry, const std::string& host) {
  const auto member = [&](std::string_view key) {
    const doc::Value* value = entry.find(key);
    return value != nullptr && value->is_string() ? value->as_string() : std::string();
  };
  Credentials credentials;
  credentials.user = member("username");
  credentials.password = Secret(member("password"));
  if (std::string auth = member("auth"); !auth.empty()) {
    const auto pair = from_base64(auth);
    const std::size_t colon = pair ? pair->find(':') : std::string::npos;
    if (colon != std::string::npos) {
      credentials.user = pair->substr(0, colon);
      credentials.password = Secret(pair->substr(colon + 1));
    }
  }
  if (credentials.user.empty() || credentials.password.empty())
    return fail_hint(ErrorKind::invalid, "log in again, with a user and a password or an access token",
                     "auths: has no user and password for '{}'", printable(host));
  return credentials;
}

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// One challenge: SCHEME name="value",name=value. False when it is not of that form.
bool read_parameters(std::string_view text, Challenge& challenge) {
  std::size_t i = 0;
  const auto skip = [&](std::string_view which) {
    while (i < text.size() && which.find(text[i]) != std::string_view::npos) ++i;
  };
  for (skip(" \t,"); i < text.size(); skip(" \t,")) {
    const std::size_t start = i;
    while (i < text.size() && is_token_char(text[i])) ++i;
    const std::string name = lower(text.substr(start, i - start));
    if (name.empty() || i == text.size() || text[i] != '=') return false;
    ++i;
    std::string value;
    if (i < text.size() && text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        value += text[i];
      }
      if (i == text.size()) return false;
      ++i;
    } else {
      while (i < text.size() && text[i] != ',' && text[i] != ' ') value += text[i++];
    }
    if (name == "realm") challenge.realm = value;
    if (name == "service") challenge.service = value;
  }
  return true;
}

}  // namespace

Secret basic_authorization(const Credentials& credentials) {
  const Secret pair(fmt::format("{}:{}", credentials.user, credentials.password.expose()));
  return Secret("Basic " + to_base64(pair.expose()));
}

Result<std::optional<Credentials>> parse_auth_file(const Secret& json, const std::string& host) {
  const auto value = doc::parse_json(json.expose(), "<auth file>", limits);
  if (!value || !value->is_object())
    return fail_hint(ErrorKind::invalid, "name a config.json as `docker login` or `skopeo login` write it",
                     "the registry auth file is no JSON that can be read");
  std::vector<std::string> keys{host, "https://" + host};
  if (host == "docker.io") keys.insert(keys.end(), {"index.docker.io", "https://index.docker.io/v1/"});
  if (const doc::Value* auths = value->find("auths"); auths != nullptr && auths->is_object())
    for (const std::string& key : keys)
      if (const doc::Value* entry = auths->find(key);
          entry != nullptr && entry->is_object() && !entry->as_object().empty())
        return TRY(read_entry(*entry, host));
  const doc::Value* helpers = value->find("credHelpers");
  const bool helped = helpers != nullptr && helpers->find(host) != nullptr;
  if (helped || value->find("credsStore") != nullptr)
    return fail_hint(
        ErrorKind::invalid,
        fmt::format("set {} and {}, or name a file with the password under auths:", user_variable,
                    password_variable),
        "the registry auth file leaves '{}' to a credential helper, and none is run here", printable(host));
  return std::nullopt;
}

Result<std::optional<Credentials>> find_credentials(ports::World& world, const std::string& auth_file,
                                                    const std::string& host) {
  if (!auth_file.empty()) {
    const Secret text =
        TRY_WHILE("reading --registry-auth", signing::read_secret(world, "", "file:" + auth_file));
    return TRY_WHILE("reading --registry-auth", parse_auth_file(text, host));
  }
  auto user = world.environ.get(user_variable);
  auto password = world.environ.get(password_variable);
  const bool has_user = user && !user->empty();
  const bool has_password = password && !password->empty();
  if (has_user != has_password)
    return fail_hint(ErrorKind::invalid, "set both, or none", "{} is set, and {} is not",
                     has_user ? user_variable : password_variable,
                     has_user ? password_variable : user_variable);
  if (!has_user) return std::nullopt;
  return Credentials{std::move(*user), Secret(std::move(*password))};
}

std::optional<Challenge> read_challenge(std::span<const std::pair<std::string, std::string>> headers) {
  std::optional<Challenge> found;
  for (const auto& [name, value] : headers) {
    if (name != "www-authenticate" || value.size() > max_challenge_bytes) continue;
    const std::string_view text = trim(value);
    const std::size_t blank = std::min(text.find(' '), text.size());
    const std::string scheme = lower(text.substr(0, blank));
    Challenge challenge;
    if (scheme == "bearer")
      challenge.scheme = Challenge::Scheme::bearer;
    else if (scheme != "basic")
      continue;
    if (!read_parameters(text.substr(blank), challenge)) continue;
    if (challenge.scheme == Challenge::Scheme::bearer && challenge.realm.empty()) continue;
    if (!found || challenge.scheme == Challenge::Scheme::bearer) found = std::move(challenge);
  }
  return found;
}

}  // namespace tranche::oci
