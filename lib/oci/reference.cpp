#include "oci/reference.hpp"

#include <algorithm>
#include <cstdint>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::oci {
namespace {

constexpr std::string_view digest_prefix = "sha256:";
constexpr std::size_t hex_digits = 64;
constexpr std::size_t max_repository_bytes = 255;
constexpr std::size_t max_tag_bytes = 128;
constexpr std::size_t max_host_bytes = 255;

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }
bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// [a-z0-9]+ ((_ | __ | . | -+) [a-z0-9]+)*
bool is_path_component(std::string_view text) {
  std::size_t i = 0;
  for (;;) {
    const std::size_t word = i;
    while (i < text.size() && is_lower_alnum(text[i])) ++i;
    if (i == word) return false;
    if (i == text.size()) return true;
    const char separator = text[i];
    const std::size_t first = i;
    while (i < text.size() && text[i] == separator) ++i;
    const std::size_t count = i - first;
    const std::size_t most = separator == '.' ? 1 : separator == '_' ? 2 : separator == '-' ? text.size() : 0;
    if (count > most) return false;
  }
}

bool is_repository(std::string_view text) {
  if (text.empty() || text.size() > max_repository_bytes) return false;
  const auto parts = split(text, '/');
  return std::ranges::all_of(parts, is_path_component);
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= max_tag_bytes && (is_alnum(text.front()) || text.front() == '_') &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_port(std::string_view text) {
  const std::uint64_t port = text.size() <= 5 ? parse_u64(text).value_or(0) : 0;
  return port >= 1 && port <= 65535;
}

bool is_host_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}

// A name, an address or [an IPv6 address], with a port or without.
bool is_host(std::string_view text) {
  if (text.empty() || text.size() > max_host_bytes) return false;
  std::string_view name = text;
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end < 2) return false;
    const std::string_view address = text.substr(1, end - 1);
    if (!std::ranges::all_of(address,
                             [](char c) { return is_lower_hex(c) || (c >= 'A' && c <= 'F') || c == ':'; }))
      return false;
    const std::string_view rest = text.substr(end + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (!is_port(text.substr(colon + 1))) return false;
    name = text.substr(0, colon);
  }
  const auto labels = split(name, '.');
  return std::ranges::all_of(labels, is_host_label);
}

// What tells a host from the first word of a repository.
bool means_host(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != std::string_view::npos ||
         first.starts_with('[');
}

std::unexpected<Error> refuse(std::string_view text, std::string_view why, std::string hint) {
  return fail_hint(ErrorKind::usage, std::move(hint), "'{}' {}", printable(text), why);
}

constexpr const char* form = "write it like registry.example/team/notes@sha256:DIGEST";

}  // namespace

bool is_digest(std::string_view text) {
  return text.size() == digest_prefix.size() + hex_digits && text.starts_with(digest_prefix) &&
         std::ranges::all_of(text.substr(digest_prefix.size()), is_lower_hex);
}

std::string digest_of(std::string_view bytes) {
  return std::string(digest_prefix) + crypto::to_hex(crypto::sha256(bytes));
}

std::string referrers_tag(std::string_view digest) {
  return "sha256-" + std::string(digest.substr(digest_prefix.size()));
}

bool looks_like_image(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || text.size() > max_reference_bytes) return false;
  const std::string_view digest = text.substr(at + 1);
  const std::size_t colon = digest.find(':');
  return colon != std::string_view::npos && colon != 0 && digest.find('/') == std::string_view::npos &&
         std::ranges::all_of(digest.substr(0, colon), is_lower_alnum);
}

Result<Reference> parse_reference(std::string_view text) {
  if (text.size() > max_reference_bytes)
    return refuse(text.substr(0, 64), fmt::format("is longer than {} bytes", max_reference_bytes), form);
  Reference reference;
  const std::size_t at = text.find('@');
  std::string_view name = text.substr(0, at);
  if (at == std::string_view::npos)
    return refuse(
        text, "has no digest: a tag may be moved to another image at any time",
        fmt::format("pin it as IMAGE@sha256:DIGEST; `skopeo inspect --format '{{{{.Digest}}}}' docker://{}` "
                    "tells the digest that the tag has now",
                    printable(text, 120)));
  reference.digest = text.substr(at + 1);
  if (!is_digest(reference.digest))
    return refuse(text, "has no digest that can be used",
                  "after the @ stands sha256: and 64 lower-case hex digits");
  const std::size_t slash = name.find('/');
  const std::string_view first = name.substr(0, slash);
  if (slash == std::string_view::npos || !means_host(first))
    return refuse(text, "names no registry",
                  fmt::format("put its host in front, for example docker.io/{}", printable(name, 120)));
  if (!is_host(first)) return refuse(text, "names a registry that is no host", form);
  reference.host = lower(first);
  std::string_view rest = name.substr(slash + 1);
  if (const std::size_t colon = rest.rfind(':');
      colon != std::string_view::npos && rest.find('/', colon) == std::string_view::npos) {
    reference.tag = rest.substr(colon + 1);
    if (!is_tag(reference.tag)) return refuse(text, "has a tag that is none", form);
    rest = rest.substr(0, colon);
  }
  reference.repository = rest;
  if (reference.host == "index.docker.io") reference.host = "docker.io";
  if (reference.host == "docker.io" && rest.find('/') == std::string_view::npos)
    reference.repository = "library/" + std::string(rest);
  if (!is_repository(reference.repository))
    return refuse(text, "names no repository: lower-case words, and between them / . _ __ -", form);
  return reference;
}

std::string to_text(const Reference& reference) {
  return fmt::format("{}/{}@{}", reference.host, reference.repository, reference.digest);
}

bool is_loopback(std::string_view host) {
  for (const std::string_view local : {"localhost", "127.0.0.1", "[::1]"}) {
    if (!host.starts_with(local)) continue;
    const std::string_view rest = host.substr(local.size());
    if (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)))) return true;
  }
  return false;
}

std::string base_url(const Reference& reference, bool plain_http) {
  const std::string host = reference.host == "docker.io" ? "registry-1.docker.io" : reference.host;
  return fmt::format("{}://{}", plain_http || is_loopback(host) ? "http" : "https", host);
}

std::string origin_of(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!url.starts_with(scheme)) continue;
    const std::string_view rest = url.substr(scheme.size());
    const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
    return is_host(host) ? std::string(scheme) + lower(host) : std::string();
  }
  return {};
}

}  // namespace tranche::oci
