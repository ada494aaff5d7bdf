#include "metrics/line_scanner.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/text.hpp"

namespace tranche::metrics {

namespace {

constexpr int deepest = 16;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& into, unsigned code) {
  const auto add = [&](unsigned byte) { into += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6);
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  }
}

}  // namespace

bool LineScanner::string(std::string_view& text, std::string& storage) {
  if (!take('"')) return fail("text in quotes is expected");
  const char* from = at_;
  bool ascii = true;
  while (at_ != end_ && *at_ != '"') {
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte == '\\') return escaped(from, text, storage);
    if (byte < 0x20) return fail("a control character stands in text");
    ascii = ascii && byte < 0x80;
    ++at_;
  }
  if (at_ == end_) return fail("text does not end");
  text = std::string_view(from, static_cast<std::size_t>(at_ - from));
  ++at_;
  return ascii || is_valid_utf8(text) || fail("text is not UTF-8");
}

bool LineScanner::code_unit(unsigned& unit) {
  if (end_ - at_ < 4) return fail("an escape does not end");
  const auto [stop, error] = std::from_chars(at_, at_ + 4, unit, 16);
  if (error != std::errc{} || stop != at_ + 4) return fail("an escape is no code");
  at_ = stop;
  return true;
}

// Slow and seldom: the string holds a backslash.
bool LineScanner::escaped(const char* from, std::string_view& text, std::string& storage) {
  storage.assign(from, at_);
  while (at_ != end_ && *at_ != '"') {
    const char c = *at_++;
    if (static_cast<unsigned char>(c) < 0x20) return fail("a control character stands in text");
    if (c != '\\') {
      storage += c;
      continue;
    }
    if (at_ == end_) break;
    const char what = *at_++;
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t index = names.find(what); index != std::string_view::npos) {
      storage += meanings[index];
      continue;
    }
    if (what != 'u') return fail("an escape is unknown");
    unsigned code = 0;
    if (!code_unit(code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      unsigned low = 0;
      if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return fail("half a character is escaped");
      at_ += 2;
      if (!code_unit(low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return fail("half a character is escaped");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      return fail("half a character is escaped");
    }
    append_utf8(storage, code);
  }
  if (at_ == end_) return fail("text does not end");
  ++at_;
  text = storage;
  return is_valid_utf8(text) || fail("text is not UTF-8");
}

bool LineScanner::number(double& value) {
  skip_blanks();
  const char* from = at_;
  const char* p = at_;
  const bool negative = p != end_ && *p == '-';
  if (negative) ++p;
  const char* first = p;
  std::uint64_t whole = 0;
  while (p != end_ && is_digit(*p)) whole = whole * 10 + static_cast<std::uint64_t>(*p++ - '0');
  const auto digits = p - first;
  if (digits == 0) return fail("a number is expected");
  if (digits > 1 && *first == '0') return fail("a number begins with 0");
  const bool more = p != end_ && (*p == '.' || *p == 'e' || *p == 'E');
  if (!more && digits <= 15) {  // exact as a double
    value = negative ? -static_cast<double>(whole) : static_cast<double>(whole);
    at_ = p;
    return true;
  }
  if (p != end_ && *p == '.') {
    const char* fraction = ++p;
    while (p != end_ && is_digit(*p)) ++p;
    if (p == fraction) return fail("a number ends in its point");
  }
  if (p != end_ && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end_ && (*p == '+' || *p == '-')) ++p;
    const char* exponent = p;
    while (p != end_ && is_digit(*p)) ++p;
    if (p == exponent) return fail("a number ends in its exponent");
  }
  const auto [stop, error] = std::from_chars(from, p, value);
  at_ = p;
  if (error != std::errc{} || stop != p) return fail("a number is out of range");
  return true;
}

bool LineScanner::wide_number(double& value) {
  if (peek() != '"') return number(value);
  std::string_view text;
  std::string storage;
  if (!string(text, storage)) return false;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (text == "NaN")
    value = std::nan("");
  else if (text == "+Inf" || text == "Inf")
    value = infinity;
  else if (text == "-Inf")
    value = -infinity;
  else
    return fail("a number is expected");
  return true;
}

bool LineScanner::skip_list(char close, int depth) {
  const bool object = close == '}';
  ++at_;
  if (take(close)) return true;
  do {
    std::string_view passed;
    if (object) {
      std::string storage;
      if (!string(passed, storage) || !expect(':')) return false;
    }
    if (!skip(passed, depth + 1)) return false;
  } while (take(','));
  return expect(close);
}

bool LineScanner::skip(std::string_view& text, int depth) {
  const char next = peek();
  const char* from = at_;
  bool done = false;
  if (depth > deepest) return fail("it is nested too deep");
  if (next == '{' || next == '[') {
    done = skip_list(next == '{' ? '}' : ']', depth);
  } else if (next == '"') {
    std::string storage;
    std::string_view passed;
    done = string(passed, storage);
  } else if (next == '-' || is_digit(next)) {
    double passed = 0;
    done = number(passed);
  } else {
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    for (const std::string_view word : {"true", "false", "null"})
      if (rest.starts_with(word)) {
        at_ += word.size();
        done = true;
      }
    if (!done) return fail("a value is expected");
  }
  if (done) text = std::string_view(from, static_cast<std::size_t>(at_ - from));
  return done;
}

}  // namespace tranche::metrics
