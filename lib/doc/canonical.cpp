// JSON text out, in three dresses: one line, pretty, canonical (RFC 8785).
//
// Numbers. Doubles follow ECMAScript's Number::toString (ECMA-262 section 6.1.6.1.20, RFC 8785 section
// 3.2.2.3): the shortest digits that read back as the same double, laid out by the size of the exponent; -0
// is 0; a whole double such as 1.0 is written 1 and reads back as the integer 1, which is the same number.
// Integers are int64 and written exactly, those beyond 2^53 too: RFC 8785 would round them through a double,
// and a sequence number or a nanosecond stamp must not change by being signed. Every reader of ours is exact.
//
// One difference between to_json and canonical_json: a whole double outside int64 and below 1e21 is written
// in full digits by RFC 8785 (100000000000000000000). Our own reader refuses such an integer, so to_json
// writes 1e+20.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::doc {
namespace {

enum class Dress { line, pretty, canonical };

// ECMA-262 Number::toString: the value is 0.DIGITS * 10^n with k digits.
void write_double(std::string& out, double value, Dress dress) {
  if (value == 0) {
    out += '0';  // -0 as well
    return;
  }
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(value),
                                 std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = scientific.find('e');
  std::string digits(scientific.substr(0, 1));
  if (e > 1) digits += scientific.substr(2, e - 2);
  std::string_view exponent_text = scientific.substr(e + 1);
  if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  const int k = static_cast<int>(digits.size());
  const int n = exponent + 1;
  constexpr double two_to_63 = 9223372036854775808.0;
  const bool reads_back = dress == Dress::canonical || std::fabs(value) < two_to_63;

  if (value < 0) out += '-';
  if (k <= n && n <= 21 && reads_back) {
    out += digits;
    out.append(static_cast<std::size_t>(n - k), '0');
  } else if (0 < n && n < k && n <= 21) {
    out += digits.substr(0, static_cast<std::size_t>(n));
    out += '.';
    out += digits.substr(static_cast<std::size_t>(n));
  } else if (-6 < n && n <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-n), '0');
    out += digits;
  } else {
    out += digits[0];
    if (k > 1) {
      out += '.';
      out += digits.substr(1);
    }
    out += fmt::format("e{}{}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
}

// RFC 8785 section 3.2.2.2: the two-character escapes where they exist, else \u00xx; all else as it is.
void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// Strings are UTF-8 by contract; one that a program broke is written with U+FFFD for each bad byte, so that
// the document stays JSON.
std::string repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t step = 1;
    while (step <= 4 && step <= text.size() && !is_valid_utf8(text.substr(0, step))) ++step;
    const bool good = step <= 4 && step <= text.size();
    out += good ? text.substr(0, step) : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(good ? step : 1);
  }
  return out;
}

// Order of the UTF-16 code units of two UTF-8 strings. It is byte order, except that characters beyond the
// BMP (lead byte F0 and up; surrogates D800..DFFF in UTF-16) come before U+E000..U+FFFF (lead bytes EE, EF).
bool utf16_less(std::string_view a, std::string_view b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end()) return x == a.end() && y != b.end();
  const auto p = static_cast<unsigned char>(*x);
  const auto q = static_cast<unsigned char>(*y);
  const bool p_high = p >= 0xF0;
  const bool q_high = q >= 0xF0;
  if (p_high && (q == 0xEE || q == 0xEF)) return true;
  if (q_high && (p == 0xEE || p == 0xEF)) return false;
  return p < q;
}

class Writer {
 public:
  explicit Writer(Dress dress) : dress_(dress) {}

  void write(const Value& value, std::size_t level = 0) {
    if (value.is_null()) {
      out_ += "null";
    } else if (value.is_bool()) {
      out_ += value.as_bool() ? "true" : "false";
    } else if (value.is_int()) {
      out_ += fmt::format_int(value.as_int()).c_str();
    } else if (value.is_number()) {
      number(value.as_double());
    } else if (value.is_string()) {
      string(value.as_string());
    } else if (value.is_array()) {
      array(value.as_array(), level);
    } else {
      object(value.as_object(), level);
    }
  }
  std::string out_;
  std::string broken_;  // why the canonical form does not exist; empty when it does

 private:
  void number(double value) {
    if (std::isfinite(value)) {
      write_double(out_, value, dress_);
    } else {
      broken_ = "a number that is not finite";
      out_ += "null";
    }
  }
  void string(const std::string& text) {
    if (is_valid_utf8(text)) {
      write_string(out_, text);
    } else {
      broken_ = "a string that is not UTF-8";
      write_string(out_, repaired(text));
    }
  }
  void line_break(std::size_t level) {
    if (dress_ != Dress::pretty) return;
    out_ += '\n';
    out_.append(2 * level, ' ');
  }
  void array(const Array& items, std::size_t level) {
    out_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ',';
      line_break(level + 1);
      write(items[i], level + 1);
    }
    if (!items.empty()) line_break(level);
    out_ += ']';
  }
  void member(const Member& one, bool first, std::size_t level) {
    if (!first) out_ += ',';
    line_break(level + 1);
    string(one.key);
    out_ += dress_ == Dress::pretty ? ": " : ":";
    write(one.value, level + 1);
  }
  void object(const Object& members, std::size_t level) {
    out_ += '{';
    if (dress_ == Dress::canonical) {
      std::vector<const Member*> sorted;
      sorted.reserve(members.size());
      for (const Member& one : members) sorted.push_back(&one);
      std::sort(sorted.begin(), sorted.end(),
                [](const Member* a, const Member* b) { return utf16_less(a->key, b->key); });
      for (const Member* one : sorted) member(*one, one == sorted.front(), level);
    } else {
      for (const Member& one : members) member(one, &one == &members.front(), level);
    }
    if (!members.empty()) line_break(level);
    out_ += '}';
  }

  Dress dress_;
};

}  // namespace

std::string to_json(const Value& value) {
  Writer writer(Dress::line);
  writer.write(value);
  return std::move(writer.out_);
}

std::string to_json_pretty(const Value& value) {
  Writer writer(Dress::pretty);
  writer.write(value);
  writer.out_ += '\n';
  return std::move(writer.out_);
}

Result<std::string> canonical_json(const Value& value) {
  Writer writer(Dress::canonical);
  writer.write(value);
  if (!writer.broken_.empty()) {
    return fail_hint(ErrorKind::bug, "please report this: a value was built that JSON cannot hold",
                     "canonical JSON cannot hold {}", writer.broken_);
  }
  return std::move(writer.out_);
}

}  // namespace tranche::doc
