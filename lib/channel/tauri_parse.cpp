// A Tauri feed file as the client's serde reads it (updater.rs, RemoteRelease): unknown members are passed
// over, and one flaw in a known one fails the whole file for every platform.
#include <algorithm>

#include "base/text.hpp"
#include "channel/tauri.hpp"
#include "doc/value.hpp"

namespace tranche::channel {

namespace {

constexpr auto refused = ErrorKind::verification;
constexpr std::string_view all_or_nothing =
    "the client refuses the whole file, for every platform: correct it";

// serde's Option<String>: absent, null or a text.
Result<std::string> optional_text(const doc::Value& value, std::string_view key,
                                  std::string_view where = {}) {
  const doc::Value* member = value.find(key);
  if (member == nullptr || member->is_null()) return std::string();
  if (!member->is_string())
    return fail_hint(refused, std::string(all_or_nothing), "{}'{}' is {}, not a text", where, key,
                     member->kind_name());
  return member->as_string();
}

bool is_scheme(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && letter(text.front()) && std::ranges::all_of(text, [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

// The url crate takes whole addresses only; web addresses need a host.
bool is_address(std::string_view text) {
  text = trim(text);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return false;
  const std::string scheme = lower(text.substr(0, colon));
  if (scheme != "http" && scheme != "https") return true;
  std::string_view rest = text.substr(colon + 1);
  while (rest.starts_with('/') || rest.starts_with('\\')) rest.remove_prefix(1);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/\\?#"));
  const std::size_t at = authority.rfind('@');
  const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  return !host.empty() && !host.starts_with(':') && std::ranges::none_of(host, [](char c) {
    return c == ' ' || c == '<' || c == '>' || c == '^' || c == '|' || c == '%';
  });
}

Result<TauriEntry> read_entry(const doc::Value& value, std::string_view target) {
  const std::string where =
      target.empty() ? std::string() : fmt::format("platforms.{}: ", printable(target, 64));
  if (!value.is_object())
    return fail_hint(refused, std::string(all_or_nothing), "{}it is {}, not a map", where, value.kind_name());
  TauriEntry entry;
  entry.target = target;
  entry.url = TRY(optional_text(value, "url", where));
  entry.signature = TRY(optional_text(value, "signature", where));
  for (const std::string_view key : {"url", "signature"})
    if (const doc::Value* member = value.find(key); member == nullptr || member->is_null())
      return fail_hint(refused, std::string(all_or_nothing), "{}'{}' is missing", where, key);
  if (!is_address(entry.url))
    return fail_hint(refused, std::string(all_or_nothing), "{}'{}' is no whole address", where,
                     printable(entry.url, 100));
  return entry;
}

}  // namespace

Result<TauriRelease> parse_tauri_release(std::string_view json) {
  doc::Value value;
  if (auto parsed = doc::parse_json(json, "the feed", {max_tauri_file, 32, 50'000}))
    value = std::move(*parsed);
  else
    return fail_hint(refused, std::string(all_or_nothing), "it is no JSON: {}", parsed.error().message);
  if (!value.is_object())
    return fail_hint(refused, std::string(all_or_nothing), "it is {}, not a map", value.kind_name());
  if (value.find("version") != nullptr && value.find("name") != nullptr)
    return fail_hint(refused, std::string(all_or_nothing),
                     "it has both 'version' and 'name', which mean the same to the client");
  const std::string_view key = value.find("version") != nullptr ? "version" : "name";
  TauriRelease release;
  const std::string version = TRY(optional_text(value, key));
  release.version = tauri_version(version);
  if (release.version.empty())
    return fail_hint(refused, std::string(all_or_nothing), "'{}' is no semantic version ({})",
                     printable(version, 64), value.find(key) == nullptr ? "'version' is missing" : key);
  release.notes = TRY(optional_text(value, "notes"));
  release.pub_date = TRY(optional_text(value, "pub_date"));
  const doc::Value* date = value.find("pub_date");
  if (date != nullptr && !date->is_null() && !parse_instant(release.pub_date))
    return fail_hint(refused, std::string(all_or_nothing), "'pub_date' is no RFC 3339 time: '{}'",
                     printable(release.pub_date, 64));
  const doc::Value* platforms = value.find("platforms");
  release.dynamic = platforms == nullptr || platforms->is_null();
  if (release.dynamic) {
    release.entries.push_back(TRY(read_entry(value, "")));
    return release;
  }
  if (!platforms->is_object())
    return fail_hint(refused, std::string(all_or_nothing), "'platforms' is {}, not a map",
                     platforms->kind_name());
  // Beside platforms they say nothing, and still must be what they are called.
  const std::string url = TRY(optional_text(value, "url"));
  if (const doc::Value* member = value.find("url");
      member != nullptr && !member->is_null() && !is_address(url))
    return fail_hint(refused, std::string(all_or_nothing), "'{}' is no whole address", printable(url, 100));
  TRY(optional_text(value, "signature"));
  for (const doc::Member& member : platforms->as_object())
    release.entries.push_back(TRY(read_entry(member.value, member.key)));
  std::ranges::sort(release.entries, {}, &TauriEntry::target);
  return release;
}

}  // namespace tranche::channel
