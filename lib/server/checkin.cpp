// From hostile bytes to a CheckIn: sizes first, then JSON under tight limits, then member by member.
#include "server/checkin.hpp"

#include <limits>

#include "base/text.hpp"
#include "base/version.hpp"

namespace tranche::server {

namespace {

constexpr std::size_t most_signals = 16;
constexpr std::size_t longest_word = 64;
constexpr doc::Limits json_limits{max_batch_bytes, 6, 200'000};

bool plain_word(std::string_view text) {
  for (const char c : text)
    if (c < 0x20 || c > 0x7e) return false;
  return true;
}

// A signal's name becomes a label value for ever: letters, digits and "._-" only.
bool signal_name(std::string_view text) {
  if (text.empty() || text.size() > longest_word) return false;
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
          c == '_' || c == '-'))
      return false;
  return true;
}

Result<std::string> need_word(const doc::Value& value, std::string_view key, std::size_t longest) {
  const doc::Value* found = value.find(key);
  if (found == nullptr || !found->is_string() || found->as_string().empty())
    return fail_hint(ErrorKind::invalid, fmt::format("send \"{}\" as a string", key), "'{}' is missing", key);
  if (found->as_string().size() > longest || !plain_word(found->as_string()))
    return fail_hint(ErrorKind::invalid, fmt::format("send 1 to {} bytes of printable ASCII", longest),
                     "'{}' is not printable ASCII or too long: '{}'", key, printable(found->as_string(), 40));
  return found->as_string();
}

Result<std::uint32_t> counter(std::string_view key, const doc::Value& value) {
  if (!value.is_int() || value.as_int() < 0 || value.as_int() > std::numeric_limits<std::uint32_t>::max())
    return fail_hint(ErrorKind::invalid, "counters are whole numbers from 0 to 4294967295 since the boot",
                     "'{}' is no counter", printable(key, 40));
  return static_cast<std::uint32_t>(value.as_int());
}

Result<std::uint32_t> need_counter(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  if (found == nullptr)
    return fail_hint(ErrorKind::invalid, fmt::format("send \"{}\" as a number", key), "'{}' is missing", key);
  return counter(key, *found);
}

}  // namespace

Result<CheckIn> read_checkin(const doc::Value& value) {
  if (!value.is_object())
    return fail_hint(ErrorKind::invalid, "send {\"device\": ..., \"app\": ..., ...}",
                     "a check-in is an object, not {}", value.kind_name());
  CheckIn in;
  in.device.id = TRY(need_word(value, "device", 128));
  in.app = TRY(need_word(value, "app", 128));
  in.channel = TRY(need_word(value, "channel", 128));
  in.version = TRY(need_word(value, "version", 128));
  if (!valid_version(in.version))
    return fail_hint(ErrorKind::invalid, "send the version that runs, such as 1.2.0", "'{}' is no version",
                     printable(in.version, 40));
  if (const doc::Value* feed = value.find("feed"); feed != nullptr && !feed->is_null())
    in.feed = TRY(need_word(value, "feed", longest_word));
  in.boot = TRY(need_word(value, "boot", longest_word));
  in.seq = TRY(need_counter(value, "seq"));
  if (in.seq == 0)
    return fail_hint(ErrorKind::invalid, "the first report after a start is number 1", "'seq' is 0");
  in.sessions = TRY(need_counter(value, "sessions"));
  in.crashes = TRY(need_counter(value, "crashes"));
  if (const doc::Value* labels = value.find("labels"); labels != nullptr && !labels->is_null()) {
    if (!labels->is_object())
      return fail_hint(ErrorKind::invalid, "send {\"ring\": \"pilot\"}", "'labels' is {}",
                       labels->kind_name());
    for (const doc::Member& member : labels->as_object()) {
      if (!member.value.is_string())
        return fail_hint(ErrorKind::invalid, "labels are strings", "label '{}' is {}",
                         printable(member.key, 40), member.value.kind_name());
      in.device.labels.emplace(member.key, member.value.as_string());
    }
  }
  TRY(cohort::check_device(in.device));
  if (const doc::Value* signals = value.find("signals"); signals != nullptr && !signals->is_null()) {
    if (!signals->is_object() || signals->as_object().size() > most_signals)
      return fail_hint(ErrorKind::invalid, "send at most 16 names with counts",
                       "'signals' is no map of at most 16 counters");
    for (const doc::Member& member : signals->as_object()) {
      if (!signal_name(member.key))
        return fail_hint(ErrorKind::invalid, "use 1 to 64 of letters, digits, '.', '_' and '-'",
                         "'{}' is no name for a signal", printable(member.key, 40));
      in.signals.emplace_back(member.key, TRY(counter(member.key, member.value)));
    }
  }
  if (const doc::Value* outcome = value.find("outcome"); outcome != nullptr && !outcome->is_null())
    in.outcome = TRY(need_word(value, "outcome", 128));
  return in;
}

Result<CheckIns> parse_checkins(std::string_view body) {
  const std::string_view text = trim(body);
  CheckIns ins;
  ins.batch = text.starts_with('[');
  if (!ins.batch && text.size() > max_checkin_bytes)
    return fail_hint(ErrorKind::invalid, "send at most 16 KiB, or an array of check-ins of at most 1 MiB",
                     "the check-in is {} bytes large", text.size());
  const doc::Value value = TRY(doc::parse_json(text, "<check-in>", json_limits));
  if (!ins.batch) {
    ins.reports.push_back(read_checkin(value));
    return ins;
  }
  ins.reports.reserve(value.as_array().size());
  for (const doc::Value& one : value.as_array()) ins.reports.push_back(read_checkin(one));
  return ins;
}

}  // namespace tranche::server
