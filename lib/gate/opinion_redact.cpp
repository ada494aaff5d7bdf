// Secrets out of log lines, before anybody else reads them.
//
// Passes over one line, each linear, none a regular expression: what the user named, private keys, values of
// keys that are named like a secret, authorisation headers, passwords in urls, tokens by their makers'
// prefixes, long random words, e-mail addresses, payment cards, addresses. Too much is better than too
// little: the judge needs the course of events, not the values.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "gate/opinion.hpp"

namespace tranche::gate {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alnum(char c) { return is_digit(c) || is_upper(c) || is_lower(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_key_char(char c) { return is_alnum(c) || is_one_of(c, "_-."); }
bool is_token_char(char c) { return is_alnum(c) || is_one_of(c, "_-.+/~"); }

// Builds a line from kept and replaced pieces.
struct Pieces {
  std::string_view from;
  std::int64_t& count;
  std::string out;
  std::size_t done = 0;

  void replace(std::size_t begin, std::size_t end, std::string_view kind) {
    if (begin < done) begin = done;
    if (end <= begin) return;
    out += from.substr(done, begin - done);
    out += "[redacted:";
    out += kind;
    out += ']';
    done = end;
    ++count;
  }
  std::string finish() {
    out += from.substr(done);
    return std::move(out);
  }
};

bool is_wild(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

// A glob over a whole word; '*' crosses '/'.
bool matches_word(std::string_view pattern, std::string_view word) {
  std::string deep;
  for (const char c : pattern) deep += c == '*' ? std::string("**") : std::string(1, c);
  return glob_match(deep, word);
}

std::string redact_words(const std::string& line, std::string_view pattern, std::string_view separators,
                         std::int64_t& count) {
  Pieces pieces{line, count, {}};
  for (std::size_t i = 0; i < line.size();) {
    if (is_one_of(line[i], separators)) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && !is_one_of(line[end], separators)) ++end;
    if (matches_word(pattern, std::string_view(line).substr(i, end - i))) pieces.replace(i, end, "named");
    i = end;
  }
  return pieces.finish();
}

std::string redact_named(std::string line, const std::vector<std::string>& patterns, std::int64_t& count) {
  for (const std::string& pattern : patterns) {
    if (pattern.empty()) continue;
    if (is_wild(pattern)) {
      // Words as blanks part them, then as punctuation does.
      line = redact_words(line, pattern, " \t\"'`,;()[]{}<>", count);
      line = redact_words(line, pattern, " \t\"'`,;()[]{}<>=&|:/?#@", count);
      continue;
    }
    Pieces pieces{line, count, {}};
    for (std::size_t at = line.find(pattern); at != std::string::npos;
         at = line.find(pattern, at + pattern.size()))
      pieces.replace(at, at + pattern.size(), "named");
    line = pieces.finish();
  }
  return line;
}

bool names_a_secret(std::string_view key) {
  constexpr std::array<std::string_view, 19> words{
      "password",   "passwd",    "passphrase",       "pwd",        "secret",
      "token",      "apikey",    "accesskey",        "privatekey", "signingkey",
      "credential", "authkey",   "authorization",    "cookie",     "sessionid",
      "sessionkey", "clientkey", "connectionstring", "accountkey"};
  std::string plain;
  for (const char c : lower(key))
    if (is_alnum(c)) plain += c;
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return plain.find(word) != std::string::npos; });
}

std::size_t skip_blanks(std::string_view line, std::size_t at) {
  while (at < line.size() && line[at] == ' ') ++at;
  return at;
}
std::size_t skip_quote(std::string_view line, std::size_t at) {
  while (at < line.size() && line[at] == '\\') ++at;
  return at < line.size() && is_quote(line[at]) ? at + 1 : at;
}
std::size_t word_end(std::string_view line, std::size_t at) {
  while (at < line.size() && !is_one_of(line[at], " ,;&)}]\"'`<>")) ++at;
  return at;
}

// password=..., "api_key": "...", Cookie: ..., --token ...
std::string redact_values(const std::string& line, std::int64_t& count) {
  const std::string_view text = line;
  Pieces pieces{text, count, {}};
  for (std::size_t i = 0; i < text.size();) {
    if (!is_key_char(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_key_char(text[end])) ++end;
    const std::string_view key = text.substr(i, end - i);
    i = end;
    std::size_t at = skip_blanks(text, skip_quote(text, end));
    const bool flag = key.starts_with("--") && at > end && at < text.size() && !is_one_of(text[at], "=:");
    if (!flag) {
      if (at >= text.size() || !is_one_of(text[at], "=:")) continue;
      while (at < text.size() && is_one_of(text[at], "=:>")) ++at;
      at = skip_blanks(text, at);
    }
    if (key.size() > 128 || !names_a_secret(key)) continue;
    const std::size_t begin = skip_quote(text, at);
    const std::string whole_line = lower(key);
    std::size_t stop = begin;
    if (begin > at) {  // quoted
      const char quote = text[begin - 1];
      while (stop < text.size() && text[stop] != quote) ++stop;
    } else if (whole_line.find("cookie") != std::string::npos ||
               whole_line.find("authorization") != std::string::npos) {
      while (stop < text.size() && !is_quote(text[stop])) ++stop;
    } else {
      stop = word_end(text, begin);
      const std::string first = lower(text.substr(begin, stop - begin));
      if (first == "bearer" || first == "basic" || first == "token" || first == "digest")
        stop = word_end(text, skip_blanks(text, stop));
    }
    const std::string_view value = text.substr(begin, stop - begin);
    const bool number = std::all_of(value.begin(), value.end(), is_digit);
    const bool pass =
        whole_line.find("pass") != std::string::npos || whole_line.find("pwd") != std::string::npos;
    if (value.empty() || value.starts_with("[redacted:") ||
        (!pass && (value.size() < 4 || (number && value.size() < 6))))
      continue;
    pieces.replace(begin, stop, "value");
    i = stop;
  }
  return pieces.finish();
}

// "Bearer abc", "Basic abc" wherever they stand.
std::string redact_authorisation(std::string line, std::int64_t& count) {
  for (const std::string_view word : {std::string_view("bearer "), std::string_view("basic ")}) {
    const std::string low = lower(line);
    if (low.find(word) == std::string::npos) continue;
    Pieces pieces{line, count, {}};
    for (std::size_t at = low.find(word); at != std::string::npos; at = low.find(word, at + word.size())) {
      if (at > 0 && is_alnum(low[at - 1])) continue;
      const std::size_t begin = skip_blanks(line, at + word.size());
      const std::size_t end = word_end(line, begin);
      if (end - begin >= 8 && line[begin] != '[') pieces.replace(begin, end, "authorization");
    }
    line = pieces.finish();
  }
  return line;
}

// scheme://user:password@host
std::string redact_userinfo(std::string line, std::int64_t& count) {
  if (line.find("://") == std::string::npos) return line;
  Pieces pieces{line, count, {}};
  for (std::size_t at = line.find("://"); at != std::string::npos; at = line.find("://", at + 3)) {
    const std::size_t begin = at + 3;
    const std::size_t end = std::min(line.find_first_of("/ \"'<>", begin), line.size());
    const std::size_t mark = line.rfind('@', end == 0 ? 0 : end - 1);
    if (mark != std::string::npos && mark > begin && mark < end) pieces.replace(begin, mark, "userinfo");
  }
  return pieces.finish();
}

struct Maker {
  std::string_view prefix;
  std::size_t least;  // length of the whole token
};
constexpr std::array<Maker, 34> makers{
    {{"AKIA", 20},    {"ASIA", 20},        {"AROA", 20},     {"AIDA", 20},
     {"ghp_", 20},    {"gho_", 20},        {"ghu_", 20},     {"ghs_", 20},
     {"ghr_", 20},    {"github_pat_", 20}, {"glpat-", 16},   {"xoxa-", 16},
     {"xoxb-", 16},   {"xoxp-", 16},       {"xoxr-", 16},    {"xoxs-", 16},
     {"xapp-", 16},   {"sk_live_", 16},    {"sk_test_", 16}, {"rk_live_", 16},
     {"whsec_", 16},  {"sk-", 20},         {"AIza", 30},     {"ya29.", 20},
     {"npm_", 20},    {"pypi-", 20},       {"hf_", 20},      {"SG.", 20},
     {"dop_v1_", 20}, {"shpat_", 20},      {"eyJ", 20},      {"AGE-SECRET-KEY-", 20},
     {"hvs.", 20},    {"glsa_", 20}}};

constexpr std::size_t shortest_token = 16;

bool looks_random(std::string_view word) {
  if (word.size() < 32 || word.starts_with("_Z")) return false;  // mangled C++ names are long and mixed
  std::size_t upper = 0, small = 0, digits = 0;
  for (const char c : word) {
    upper += is_upper(c) ? 1 : 0;
    small += is_lower(c) ? 1 : 0;
    digits += is_digit(c) ? 1 : 0;
  }
  return upper >= 3 && small >= 3 && digits >= 3;
}

std::string redact_tokens(const std::string& line, std::int64_t& count) {
  const std::string_view text = line;
  Pieces pieces{text, count, {}};
  for (std::size_t i = 0; i < text.size();) {
    if (!is_token_char(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_token_char(text[end])) ++end;
    for (std::size_t at = i; at < end; ++at) {
      if (at > i && is_alnum(text[at - 1])) continue;
      const std::string_view rest = text.substr(at, end - at);
      const bool known =
          rest.size() >= shortest_token && std::any_of(makers.begin(), makers.end(), [&](const Maker& maker) {
            return rest.starts_with(maker.prefix) && rest.size() >= maker.least;
          });
      const std::size_t part_end = std::min(rest.find_first_of("/.~"), rest.size());
      if (known) {
        pieces.replace(at, end, "token");
        break;
      }
      if ((at == i || is_one_of(text[at - 1], "/.~")) && looks_random(rest.substr(0, part_end))) {
        std::size_t stop = at + part_end;
        while (stop < text.size() && text[stop] == '=') ++stop;
        pieces.replace(at, stop, "random");
        at = stop;
      }
    }
    i = end;
  }
  return pieces.finish();
}

std::string redact_mail(std::string line, std::int64_t& count) {
  if (line.find('@') == std::string::npos) return line;
  const auto local = [](char c) {
    return is_alnum(c) || is_one_of(c, "._%+-") || static_cast<unsigned char>(c) >= 0x80;
  };
  Pieces pieces{line, count, {}};
  for (std::size_t at = line.find('@'); at != std::string::npos; at = line.find('@', at + 1)) {
    std::size_t begin = at;
    while (begin > pieces.done && local(line[begin - 1])) --begin;
    std::size_t end = at + 1;
    while (end < line.size() && (is_alnum(line[end]) || is_one_of(line[end], ".-") ||
                                 static_cast<unsigned char>(line[end]) >= 0x80))
      ++end;
    while (end > at + 1 && is_one_of(line[end - 1], ".-")) --end;
    const std::string_view domain = std::string_view(line).substr(at + 1, end - at - 1);
    const auto dot = domain.rfind('.');
    if (begin == at || dot == std::string_view::npos || dot == 0 || domain.size() - dot < 3 ||
        is_digit(domain[dot + 1]))
      continue;
    pieces.replace(begin, end, "mail");
  }
  return pieces.finish();
}

// Luhn's check digit, ISO/IEC 7812-1 annex B.
bool is_card(std::string_view digits) {
  if (digits.size() < 13 || digits.size() > 19) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int d = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
    sum += d;
  }
  return sum % 10 == 0;
}

std::string redact_cards(const std::string& line, std::int64_t& count) {
  Pieces pieces{line, count, {}};
  for (std::size_t i = 0; i < line.size();) {
    if (!is_digit(line[i]) || (i > 0 && is_alnum(line[i - 1]))) {
      ++i;
      continue;
    }
    std::string digits;
    std::size_t end = i;
    for (; end < line.size() && digits.size() < 20; ++end) {
      if (is_digit(line[end]))
        digits += line[end];
      else if (!is_one_of(line[end], " -") || end + 1 >= line.size() || !is_digit(line[end + 1]))
        break;
    }
    if (is_card(digits)) {
      pieces.replace(i, end, "card");
      i = end;
    } else {
      while (i < line.size() && is_digit(line[i])) ++i;
    }
  }
  return pieces.finish();
}

bool is_address(std::string_view word) {
  while (word.ends_with('.') || word.ends_with(':')) {
    if (word.ends_with("::")) break;
    word.remove_suffix(1);
  }
  const auto colons = std::count(word.begin(), word.end(), ':');
  const bool has_digit = std::any_of(word.begin(), word.end(), is_digit);
  if (colons >= 4 || (word.find("::") != std::string_view::npos && has_digit))
    return std::all_of(word.begin(), word.end(), [](char c) { return is_hex(c) || c == ':' || c == '.'; });
  const std::string_view host = word.substr(0, word.find(':'));
  const auto parts = split(host, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           const auto number = part.size() > 3 ? std::nullopt : parse_u64(part);
           return number && *number <= 255;
         });
}

std::string redact_addresses(const std::string& line, std::int64_t& count) {
  Pieces pieces{line, count, {}};
  for (std::size_t i = 0; i < line.size();) {
    if (!is_alnum(line[i]) && line[i] != ':') {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && (is_alnum(line[end]) || is_one_of(line[end], ".:"))) ++end;
    if (is_address(std::string_view(line).substr(i, end - i))) pieces.replace(i, end, "address");
    i = end;
  }
  return pieces.finish();
}

// A line of a PEM body: base64, a header of RFC 1421, or nothing; perhaps behind a log's prefix.
bool is_key_body(std::string_view line) {
  const std::string_view text = trim(line);
  if (text.empty() || text.starts_with("Proc-Type:") || text.starts_with("DEK-Info:")) return true;
  const auto blank = text.rfind(' ');
  const std::string_view last = blank == std::string_view::npos ? text : text.substr(blank + 1);
  return (last.size() >= 16 || last.ends_with('=') || blank == std::string_view::npos) &&
         std::all_of(last.begin(), last.end(), [](char c) { return is_alnum(c) || is_one_of(c, "+/="); });
}

}  // namespace

std::string Redactor::redact_key_block(std::string line) {
  constexpr int longest_block = 250;  // lines; a key of RSA with 16384 bits has 200
  // Behind the dashes that close a BEGIN or END line; the line's end without them.
  const auto behind = [&](std::size_t from) {
    const auto dashes = line.find("-----", from);
    return dashes == std::string::npos ? line.size() : dashes + 5;
  };
  if (block_lines_ > 0) {
    const auto end = line.find("-----END");
    if (end == std::string::npos && is_key_body(line) && block_lines_ < longest_block) {
      ++block_lines_;
      return {};
    }
    block_lines_ = 0;
    if (end != std::string::npos) line.erase(0, behind(end + 8));
  }
  for (std::size_t at = line.find("-----BEGIN"); at != std::string::npos;
       at = line.find("-----BEGIN", at + 1)) {
    const std::size_t head = behind(at + 10);
    if (line.substr(at, head - at).find("PRIVATE KEY") == std::string::npos) continue;
    ++count_;
    const auto end = line.find("-----END", head);
    if (end == std::string::npos) block_lines_ = 1;
    const std::string rest = end == std::string::npos ? "" : line.substr(behind(end + 8));
    line = line.substr(0, at) + "[redacted:private-key]" + rest;
  }
  return line;
}

std::string Redactor::redact(std::string line) {
  line = redact_key_block(std::move(line));
  line = redact_named(std::move(line), redaction_.patterns, count_);
  line = redact_values(line, count_);
  line = redact_authorisation(std::move(line), count_);
  line = redact_userinfo(std::move(line), count_);
  line = redact_tokens(line, count_);
  line = redact_mail(std::move(line), count_);
  line = redact_cards(line, count_);
  if (redaction_.addresses) line = redact_addresses(line, count_);
  return line;
}

}  // namespace tranche::gate
