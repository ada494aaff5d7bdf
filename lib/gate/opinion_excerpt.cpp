// The part of a log that a judge sees: bounded, newest first, repeats folded into one line with a count.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/text.hpp"
#include "gate/opinion.hpp"

namespace tranche::gate {
namespace {

constexpr std::size_t most_lines = 50'000;    // the newest are looked at
constexpr std::size_t longest_raw = 8 << 10;  // of a line, before it is cleaned
constexpr std::size_t mark_bytes = 16;        // "c*123456| " and the newline

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The word line[from, end) is part of a time: 2026-01-01T12:30:05.123Z, in any cut. Digits beside ':' or '-'
// with digits beyond; what follows a part of a time behind '.' or ',' is its fraction.
bool is_time(std::string_view line, std::size_t from, std::size_t end, bool after_time) {
  const std::string_view word = line.substr(from, end - from);
  const auto digit_at = [&](std::size_t at) { return at < line.size() && is_digit(line[at]); };
  const auto separator_at = [&](std::size_t at) {
    return at < line.size() && (line[at] == ':' || line[at] == '-');
  };
  if (!digit_at(from)) return false;
  if (after_time && from > 0 && (line[from - 1] == '.' || line[from - 1] == ',')) return word.size() <= 10;
  const bool before = from >= 2 && separator_at(from - 1) && digit_at(from - 2);
  const bool behind = separator_at(end) && digit_at(end + 1);
  if (!before && !behind) return false;
  if (word.size() == 5) return word[2] == 'T' && digit_at(from + 4);
  if (word.size() == 3) return word[2] == 'Z';
  const bool digits = std::all_of(word.begin(), word.end(), is_digit);
  return digits && (word.size() == 2 || (word.size() == 4 && behind && line[end] == '-'));
}

// Lines of one shape are the same message: times, counters, addresses and ids differ. Shorter numbers stay,
// as they are statuses, codes and ports.
std::string shape_of(std::string_view line) {
  constexpr std::size_t head = 48;  // a time stands here
  std::string out;
  bool after_time = false;
  for (std::size_t i = 0; i < line.size();) {
    if (!is_word(line[i])) {
      out += line[i++];
      continue;
    }
    std::size_t end = i;
    bool digits = true, any_digit = false, hex = true;
    for (; end < line.size() && is_word(line[end]); ++end) {
      digits = digits && is_digit(line[end]);
      any_digit = any_digit || is_digit(line[end]);
      hex = hex && is_hex(line[end]);
    }
    after_time = i < head && is_time(line, i, end, after_time);
    if (after_time || (digits && end - i >= 6) || (hex && any_digit && end - i >= 12))
      out += '#';
    else
      out += line.substr(i, end - i);
    i = end;
  }
  return out;
}

bool speaks_of_trouble(std::string_view line) {
  constexpr std::array<std::string_view, 20> words{
      "error",   "fatal",   "panic", "exception",     "traceback", "segfault",  "sigsegv",
      "sigabrt", "abort",   "crash", "fail",          "timeout",   "timed out", "refused",
      "denied",  "corrupt", "oom",   "out of memory", "assert",    "warn"};
  const std::string text = lower(line);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// At most `limit` bytes, cut between characters.
std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  const std::size_t whole = text.size();
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + fmt::format(" [+{} bytes]", whole - end);
}

// The newest lines, oldest first. A carriage return ends a line too: progress bars write over themselves.
std::vector<std::string_view> newest_lines(std::string_view log) {
  std::vector<std::string_view> lines;
  std::size_t end = log.size();
  while (end > 0 && lines.size() < most_lines) {
    const std::size_t at = log.find_last_of("\r\n", end - 1);
    const std::size_t start = at == std::string_view::npos ? 0 : at + 1;
    if (start < end) lines.push_back(log.substr(start, end - start));
    if (at == std::string_view::npos) break;
    end = at;
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

struct Candidate {
  std::string text;
  std::int64_t count = 0;
  bool trouble = false, chosen = false;
  [[nodiscard]] std::size_t cost() const { return text.size() + mark_bytes; }
};

}  // namespace

Excerpt make_excerpt(std::string_view log, const ExcerptConfig& config) {
  Excerpt excerpt;
  Redactor redactor(config.redaction);
  std::vector<std::string> lines;
  for (const std::string_view raw : newest_lines(log)) {
    std::string line = redactor.redact(clean_text(raw.substr(0, longest_raw)));
    if (raw.size() > longest_raw) line += fmt::format(" [+{} bytes]", raw.size() - longest_raw);
    if (trim(line).empty()) continue;
    ++excerpt.seen;
    lines.push_back(cut(std::move(line), config.max_line));
  }
  excerpt.redacted = redactor.count();

  std::vector<Candidate> candidates;  // newest first, one a shape
  std::unordered_map<std::string, std::size_t> by_shape;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const auto [slot, fresh] = by_shape.try_emplace(shape_of(*line), candidates.size());
    if (fresh) candidates.push_back({std::move(*line), 0, false, false});
    ++candidates[slot->second].count;
  }
  for (Candidate& candidate : candidates) candidate.trouble = speaks_of_trouble(candidate.text);

  std::size_t used = 0;
  const auto fill = [&](std::size_t limit, bool only_trouble) {
    for (Candidate& candidate : candidates) {
      if (candidate.chosen || (only_trouble && !candidate.trouble)) continue;
      if (used + candidate.cost() > limit) {
        if (only_trouble) continue;
        return;
      }
      used += candidate.cost();
      candidate.chosen = true;
    }
  };
  fill(config.max_bytes / 4 * 3, false);
  fill(config.max_bytes, true);
  fill(config.max_bytes, false);
  for (auto candidate = candidates.rbegin(); candidate != candidates.rend(); ++candidate) {
    if (candidate->chosen)
      excerpt.lines.push_back({std::move(candidate->text), candidate->count});
    else
      excerpt.left_out += candidate->count;
  }
  return excerpt;
}

std::string to_text(const Excerpt& excerpt) {
  std::string out = fmt::format("{} lines, {} left out\n", excerpt.seen, excerpt.left_out);
  for (const ExcerptLine& line : excerpt.lines) out += fmt::format("{} {}\n", line.count, line.text);
  return out;
}

}  // namespace tranche::gate
