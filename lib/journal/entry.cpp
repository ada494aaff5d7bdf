#include "journal/entry.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "journal/tiles.hpp"

namespace tranche::journal {

namespace {

constexpr auto broken = ErrorKind::verification;

}  // namespace

bool fits_kind(std::string_view kind) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  return !kind.empty() && kind.size() <= 64 && std::ranges::all_of(kind, fits);
}

bool fits_subject(std::string_view subject) {
  return subject.size() <= max_subject_bytes &&
         std::ranges::all_of(subject, [](char c) { return c > 0x20 && c < 0x7f; });
}

doc::Value to_value(const Entry& entry) {
  doc::Value heads = doc::Value::object();
  for (const auto& [subject, index] : entry.heads) heads.set(subject, index);
  doc::Value value = doc::Value::object({{"schema", entry_schema},
                                         {"index", entry.index},
                                         {"at", tranche::to_text(entry.at)},
                                         {"kind", entry.kind},
                                         {"heads", std::move(heads)}});
  const auto set_text = [&](const char* key, const std::string& text) {
    if (!text.empty()) value.set(key, text);
  };
  set_text("subject", entry.subject);
  set_text("by", entry.by);
  set_text("reason", entry.reason);
  if (!entry.data.is_null()) value.set("data", entry.data);
  if (!entry.state.is_null()) value.set("state", entry.state);
  return value;
}

Result<Entry> entry_from_value(const doc::Value& value) {
  if (!value.is_object())
    return fail_hint(broken, changed_hint, "a journal entry is {}, not a map", value.kind_name());
  if (const auto found = TRY(value.text("schema", broken)); found != entry_schema)
    return fail_hint(broken, "use a newer tranche", "a journal entry has schema '{}', not '{}'",
                     printable(found), entry_schema);
  Entry entry;
  const auto index = TRY(value.integer("index", broken));
  if (index < 0) return fail_hint(broken, changed_hint, "a journal entry has the negative index {}", index);
  entry.index = static_cast<std::uint64_t>(index);
  const auto at = parse_instant(TRY(value.text("at", broken)));
  if (!at) return fail_hint(broken, changed_hint, "entry {}: {}", index, at.error().message);
  entry.at = *at;
  entry.kind = TRY(value.text("kind", broken));
  if (!fits_kind(entry.kind))
    return fail_hint(broken, changed_hint, "entry {}: '{}' is no kind of entry", index,
                     printable(entry.kind));
  entry.subject = TRY(value.text_or("subject", "", broken));
  if (!fits_subject(entry.subject))
    return fail_hint(broken, changed_hint, "entry {}: '{}' is no subject", index, printable(entry.subject));
  entry.by = TRY(value.text_or("by", "", broken));
  entry.reason = TRY(value.text_or("reason", "", broken));
  if (const auto* data = value.find("data")) entry.data = *data;
  if (!entry.data.is_null() && !entry.data.is_object())
    return fail_hint(broken, changed_hint, "entry {}: data is no map", index);
  if (const auto* state = value.find("state")) entry.state = *state;
  if (!entry.state.is_null() && entry.subject.empty())
    return fail_hint(broken, changed_hint, "entry {}: a state of no subject", index);
  const auto* heads = TRY(value.object_at("heads", broken));
  if (heads->as_object().size() > max_subjects)
    return fail_hint(broken, changed_hint, "entry {}: more than {} heads", index, max_subjects);
  for (const auto& [subject, head, place] : heads->as_object()) {
    if (!fits_subject(subject) || subject.empty() || !head.is_int() || head.as_int() < 0 ||
        head.as_int() > index)
      return fail_hint(broken, changed_hint, "entry {}: the head of '{}' is no earlier entry", index,
                       printable(subject));
    entry.heads.emplace(subject, static_cast<std::uint64_t>(head.as_int()));
  }
  return entry;
}

Result<> check_draft(const Draft& draft) {
  constexpr auto invalid = ErrorKind::invalid;
  if (!fits_kind(draft.kind))
    return fail_hint(invalid, "use 1 to 64 of a-z, 0-9, '.' and '-'", "'{}' is no kind of entry",
                     printable(draft.kind));
  if (!fits_subject(draft.subject))
    return fail_hint(invalid, "use at most 200 printable ASCII characters without blanks: shorten the name",
                     "'{}' cannot be a subject of the journal", printable(draft.subject));
  if (!is_valid_utf8(draft.by) || !is_valid_utf8(draft.reason))
    return fail_hint(invalid, "write it in UTF-8", "the author or the reason of a journal entry is no UTF-8");
  if (!draft.data.is_null() && !draft.data.is_object())
    return fail(ErrorKind::bug, "data of a '{}' entry is {}, not a map", draft.kind, draft.data.kind_name());
  if (!draft.state.is_null() && draft.subject.empty())
    return fail(ErrorKind::bug, "a '{}' entry has a state but no subject", draft.kind);
  return {};
}

Result<std::string> to_bytes(const Entry& entry) {
  auto bytes = TRY(doc::canonical_json(to_value(entry)));
  if (bytes.size() > max_entry_bytes)
    return fail_hint(
        ErrorKind::invalid,
        "put less into one entry: shorten the reason, split the list, or keep the bulk in a file and journal "
        "its digest",
        "a '{}' entry of the journal would be {} bytes, more than {}", entry.kind, bytes.size(),
        max_entry_bytes);
  return bytes;
}

Result<doc::Value> parse_entry_json(std::string_view bytes) {
  auto value = doc::parse_json(bytes, "journal entry", {.max_bytes = max_entry_bytes});
  if (!value) return fail_hint(broken, changed_hint, "a journal entry is no JSON: {}", value.error().message);
  return value;
}

Result<Entry> parse_entry(std::string_view bytes) { return entry_from_value(TRY(parse_entry_json(bytes))); }

}  // namespace tranche::journal
