#include "crypto/pkcs11_uri.hpp"

#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::crypto {

namespace {

constexpr std::string_view scheme = "pkcs11:";
constexpr std::size_t max_uri_bytes = 2048;
constexpr const char* hint = "write pkcs11:token=NAME;object=LABEL, as `p11tool --list-all` shows it";

Result<std::pair<std::string, std::string>> split_attribute(std::string_view text) {
  const std::size_t equals = text.find('=');
  const auto value =
      equals == std::string_view::npos ? std::nullopt : percent_decode(text.substr(equals + 1));
  if (!value || value->empty())
    return fail_hint(ErrorKind::invalid, hint, "'{}' is no attribute of a pkcs11: URI", printable(text, 60));
  return std::pair(std::string(text.substr(0, equals)), *value);
}

Result<> refuse_query(std::string_view name) {
  if (name.starts_with("pin-"))
    return fail_hint(
        ErrorKind::invalid,
        "name the PIN by reference: `signing: { passphrase: env:TRANCHE_... }` or --key-password",
        "a pkcs11: URI holds no PIN");
  if (name.starts_with("module-"))
    return fail_hint(ErrorKind::invalid, "name it in the environment: TRANCHE_PKCS11_MODULE",
                     "a pkcs11: URI names no module: it would be code that a file chooses");
  return fail_hint(ErrorKind::invalid, hint, "the attribute '{}' of a pkcs11: URI is not known",
                   printable(name, 60));
}

std::optional<std::string>* member_of(Pkcs11Uri& uri, std::string_view name) {
  if (name == "token") return &uri.token;
  if (name == "manufacturer") return &uri.manufacturer;
  if (name == "serial") return &uri.serial;
  if (name == "model") return &uri.model;
  if (name == "object") return &uri.object;
  return name == "id" ? &uri.id : nullptr;
}

}  // namespace

Result<Pkcs11Uri> parse_pkcs11_uri(std::string_view text) {
  if (!text.starts_with(scheme) || text.size() > max_uri_bytes)
    return fail_hint(ErrorKind::invalid, hint, "this is no pkcs11: URI");
  const std::string_view rest = text.substr(scheme.size());
  const std::size_t question = rest.find('?');
  Pkcs11Uri uri;
  for (const std::string_view part : split(rest.substr(0, question), ';')) {
    if (part.empty()) continue;
    const auto [name, value] = TRY(split_attribute(part));
    if (name == "type") {
      if (value == "private") continue;
      return fail_hint(ErrorKind::invalid, hint, "'{}' signs nothing: type=private does",
                       printable(value, 60));
    }
    std::optional<std::string>* member = member_of(uri, name);
    if (member == nullptr) return fail(refuse_query(name).error());
    if (member->has_value())
      return fail_hint(ErrorKind::invalid, hint, "'{}' stands twice in the pkcs11: URI", name);
    *member = value;
  }
  if (question != std::string_view::npos)
    for (const std::string_view part : split(rest.substr(question + 1), '&'))
      TRY(refuse_query(part.substr(0, part.find('='))));
  if (!uri.object && !uri.id)
    return fail_hint(ErrorKind::invalid, hint, "the pkcs11: URI names no key: object=LABEL or id=%01");
  return uri;
}

}  // namespace tranche::crypto
