#include "sbom/purl.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::sbom {

namespace {

// What a type asks of its parts (purl-spec types/*-definition.json); types that ask nothing are not listed.
enum class Need { optional, required, prohibited };
struct Rules {
  std::string_view type;
  bool lower_space = false;
  bool lower_name = false;
  Need space = Need::optional;
  std::string_view qualifier;  // one that is required
};
constexpr std::array rules_table{
    Rules{"alpm", true, true},
    Rules{"apk", true, true},
    Rules{"bitbucket", true, true},
    Rules{"bitnami", true, true},
    Rules{"brew", true, true},
    Rules{"composer", true, true},
    Rules{"cpan", false, false, Need::required},
    Rules{"deb", true, true},
    Rules{"github", true, true},
    Rules{"gitlab", true, true},
    Rules{"hex", true, true},
    Rules{"julia", false, false, Need::prohibited, "uuid"},
    Rules{"luarocks", true, true},
    Rules{"maven", false, false, Need::required},
    Rules{"oci", true, true, Need::prohibited},
    Rules{"otp", true, true, Need::prohibited},
    Rules{"pub", true, true},
    Rules{"pypi", true, true},
    Rules{"qpkg", true, false},
    Rules{"rpm", true, false},
    Rules{"swid", false, false, Need::optional, "tag_id"},
    Rules{"swift", false, false, Need::required},
    Rules{"vcpkg", true, true, Need::prohibited},
    Rules{"vscode-extension", true, true, Need::required},
};

const Rules& rules_of(std::string_view type) {
  static constexpr Rules none{};
  const auto found = std::ranges::find(rules_table, type, &Rules::type);
  return found == rules_table.end() ? none : *found;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string encode(std::string_view text) { return replace_all(percent_encode(text), "%3A", ":"); }

// PEP 503: runs of '-', '_' and '.' are one '-'.
std::string one_dash(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const bool dash = c == '-' || c == '_' || c == '.';
    if (!dash)
      text += c;
    else if (text.empty() || text.back() != '-')
      text += '-';
  }
  return text;
}

// Segments without the empty ones; "." and ".." go too in a subpath.
std::string tidy_path(std::string_view path, bool dots) {
  std::string text;
  for (const std::string_view segment : split(path, '/')) {
    if (segment.empty() || (dots && (segment == "." || segment == ".."))) continue;
    if (!text.empty()) text += '/';
    text += segment;
  }
  return text;
}

void normalise(Purl& purl) {
  purl.type = lower(purl.type);
  const Rules& rules = rules_of(purl.type);
  purl.name_space = tidy_path(purl.name_space, false);
  purl.subpath = tidy_path(purl.subpath, true);
  for (auto& [key, value] : purl.qualifiers) key = lower(key);
  std::erase_if(purl.qualifiers, [](const auto& qualifier) { return qualifier.second.empty(); });
  std::ranges::sort(purl.qualifiers);
  // The models of a Databricks workspace know no case, those of others do.
  const bool databricks = purl.type == "mlflow" &&
                          lower(purl.qualifier("repository_url")).find("databricks") != std::string::npos;
  if (rules.lower_space) purl.name_space = lower(purl.name_space);
  if (rules.lower_name || databricks) purl.name = lower(purl.name);
  if (purl.type == "pypi") purl.name = one_dash(purl.name);
  if (purl.type == "huggingface") purl.version = lower(purl.version);
}

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail_hint(ErrorKind::invalid, "a package URL is pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS#SUBPATH",
                   "'{}' is no package URL: {}", printable(text), why);
}

// Why the parts are none; empty when they are fine. They are normalised.
std::string_view fault_of(const Purl& purl) {
  if (purl.type.empty()) return "it has no type";
  if (!is_lower(purl.type[0])) return "the type does not begin with a letter";
  if (!std::ranges::all_of(purl.type,
                           [](char c) { return is_lower(c) || is_digit(c) || c == '.' || c == '-'; }))
    return "the type has a character that types have not";
  if (purl.name.empty()) return "it has no name";
  const Rules& rules = rules_of(purl.type);
  if (rules.space == Need::required && purl.name_space.empty()) return "its type requires a namespace";
  if (rules.space == Need::prohibited && !purl.name_space.empty()) return "its type has no namespace";
  if (!rules.qualifier.empty() && purl.qualifier(rules.qualifier).empty())
    return "a qualifier that its type requires is missing";
  if (purl.type == "cpan" && purl.name.find("::") != std::string::npos)
    return "a CPAN distribution has no '::' in its name";
  for (std::size_t i = 0; i < purl.qualifiers.size(); ++i) {
    const std::string& key = purl.qualifiers[i].first;
    if (key.empty() || !is_lower(key[0]) || !std::ranges::all_of(key, [](char c) {
          return is_lower(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
        }))
      return "the key of a qualifier has a character that keys have not";
    if (i > 0 && purl.qualifiers[i - 1].first == key) return "a qualifier stands twice";
  }
  for (const std::string_view part : {std::string_view(purl.name_space), std::string_view(purl.name),
                                      std::string_view(purl.version), std::string_view(purl.subpath)})
    if (!is_valid_utf8(part) || part.find('\0') != part.npos) return "a part is no text";
  for (const auto& [key, value] : purl.qualifiers)
    if (!is_valid_utf8(value) || value.find('\0') != std::string::npos) return "a part is no text";
  return {};
}

// Decoded segments of a path; nullopt when an escape is broken or hides a '/'.
std::optional<std::string> decode_path(std::string_view path) {
  std::string text;
  for (const std::string_view segment : split(path, '/')) {
    const auto decoded = percent_decode(segment);
    if (!decoded || decoded->find('/') != std::string::npos) return std::nullopt;
    text.append(*decoded).append("/");
  }
  return text;
}

}  // namespace

std::string Purl::full_name() const {
  if (name_space.empty()) return name;
  return fmt::format("{}{}{}", name_space, type == "maven" ? ":" : "/", name);
}

std::string_view Purl::qualifier(std::string_view key) const {
  const auto found = std::ranges::find(qualifiers, key, &std::pair<std::string, std::string>::first);
  return found == qualifiers.end() ? std::string_view() : std::string_view(found->second);
}

Result<Purl> check_purl(Purl parts) {
  normalise(parts);
  if (const std::string_view fault = fault_of(parts); !fault.empty()) return wrong(write_purl(parts), fault);
  return parts;
}

Result<Purl> parse_purl(std::string_view text) {
  if (text.size() > max_purl_bytes)
    return fail(ErrorKind::invalid, "a package URL of {} bytes is longer than {}", text.size(),
                max_purl_bytes);
  std::string_view rest = text;
  if (rest.size() < 4 || lower(rest.substr(0, 4)) != "pkg:")
    return wrong(text, "it does not begin with pkg:");
  rest.remove_prefix(4);
  while (rest.starts_with('/')) rest.remove_prefix(1);
  Purl purl;
  if (const std::size_t at = rest.rfind('#'); at != rest.npos) {
    const auto path = decode_path(rest.substr(at + 1));
    if (!path) return wrong(text, "its subpath has a broken escape");
    purl.subpath = *path;
    rest = rest.substr(0, at);
  }
  if (const std::size_t at = rest.rfind('?'); at != rest.npos) {
    for (const std::string_view pair : split(rest.substr(at + 1), '&')) {
      if (pair.empty()) continue;
      const std::size_t equals = pair.find('=');
      if (equals == pair.npos) return wrong(text, "a qualifier has no '='");
      const auto value = percent_decode(pair.substr(equals + 1));
      if (!value) return wrong(text, "a qualifier has a broken escape");
      purl.qualifiers.emplace_back(std::string(pair.substr(0, equals)), *value);
    }
    rest = rest.substr(0, at);
  }
  const std::size_t slash = rest.find('/');
  if (slash == rest.npos) return wrong(text, "it has no name");
  purl.type = std::string(rest.substr(0, slash));
  rest.remove_prefix(slash + 1);
  while (rest.starts_with('/')) rest.remove_prefix(1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t last = rest.rfind('/');
  const std::string_view tail = last == rest.npos ? rest : rest.substr(last + 1);
  const std::size_t sign = tail.rfind('@');
  const auto name = percent_decode(tail.substr(0, sign));
  const auto version = percent_decode(sign == tail.npos ? std::string_view() : tail.substr(sign + 1));
  const auto name_space = decode_path(last == rest.npos ? std::string_view() : rest.substr(0, last));
  if (!name || !version || !name_space) return wrong(text, "it has a broken escape");
  purl.name = *name;
  purl.version = *version;
  purl.name_space = *name_space;
  normalise(purl);
  if (const std::string_view fault = fault_of(purl); !fault.empty()) return wrong(text, fault);
  return purl;
}

std::string write_purl(const Purl& purl) {
  std::string text = fmt::format("pkg:{}/", purl.type);
  for (const std::string_view segment : split(purl.name_space, '/'))
    if (!segment.empty()) text.append(encode(segment)).append("/");
  text += encode(purl.name);
  if (!purl.version.empty()) text.append("@").append(encode(purl.version));
  char separator = '?';
  for (const auto& [key, value] : purl.qualifiers) {
    text.append(1, separator).append(key).append("=").append(encode(value));
    separator = '&';
  }
  separator = '#';
  for (const std::string_view segment : split(purl.subpath, '/')) {
    if (segment.empty()) continue;
    text.append(1, separator).append(encode(segment));
    separator = '/';
  }
  return text;
}

std::string make_purl(std::string_view type, std::string_view name_space, std::string_view name,
                      std::string_view version, std::vector<std::pair<std::string, std::string>> qualifiers,
                      std::string_view subpath) {
  Purl purl{std::string(type),    std::string(name_space), std::string(name),
            std::string(version), std::move(qualifiers),   std::string(subpath)};
  for (auto& [key, value] : purl.qualifiers) value = without_credentials(value);
  normalise(purl);
  return write_purl(purl);
}

std::string without_credentials(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t mark = text.find("://");
    if (mark == text.npos) return out.append(text);
    const std::string_view scheme = text.substr(0, mark);
    out.append(text.substr(0, mark + 3));
    text.remove_prefix(mark + 3);
    const std::string_view authority = text.substr(0, text.find_first_of("/?# \t\"'"));
    const std::size_t at = authority.rfind('@');
    if (at == authority.npos) continue;
    // A user of ssh is no secret, and the address does not work without.
    const std::string_view user = authority.substr(0, authority.find(':'));
    if (scheme.ends_with("ssh")) out.append(user.substr(0, std::min(user.size(), at))).append("@");
    text.remove_prefix(at + 1);
  }
}

}  // namespace tranche::sbom
