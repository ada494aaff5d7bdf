// The words of a condition: numbers, strings, names, operators. Literals as expr-lang has them (its
// Language-Definition): 1_000, 0x1F, 0b1, 0o7, .5, 1e-3; "a" and 'a' with escapes, `a` without; comments.
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "gate/expression.hpp"

namespace tranche::gate::internal {

std::unexpected<Error> wrong(int column, std::string_view what, std::string_view hint) {
  return fail_hint(ErrorKind::invalid, std::string(hint), "column {}: {}", column, what);
}

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c); }

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

}  // namespace

Result<> Lexer::skip_blanks() {
  for (;;) {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("//")) {
      const std::size_t end = rest.find('\n');
      at_ = end == std::string_view::npos ? text_.size() : at_ + end;
    } else if (rest.starts_with("/*")) {
      const std::size_t end = rest.find("*/", 2);
      if (end == std::string_view::npos)
        return wrong(static_cast<int>(at_) + 1, "this comment does not end", "close it with */");
      at_ += end + 2;
    } else {
      return {};
    }
  }
}

Result<Token> Lexer::next() {
  TRY(skip_blanks());
  Token token;
  token.column = static_cast<int>(at_) + 1;
  if (at_ == text_.size()) return token;
  const std::string_view rest = text_.substr(at_);
  const char c = rest.front();
  if (is_digit(c) || (c == '.' && rest.size() > 1 && is_digit(rest[1]))) return number(rest, token);
  if (c == '"' || c == '\'' || c == '`') return quoted(rest, token);
  std::size_t size = 0;
  if (is_letter(c)) {
    while (size < rest.size() && is_word(rest[size])) ++size;
    token.kind = Token::Kind::word;
  } else {
    for (const std::string_view symbol :
         {"&&", "||", "<=", ">=", "==", "!=", "**", "..", "??", "?.", "<", ">", "+", "-", "*", "/",
          "%",  "^",  "!",  "(",  ")",  "[",  "]",  "{",  "}",  ",",  "#", "?", ":", ".", "|"})
      if (rest.starts_with(symbol)) {
        size = symbol.size();
        break;
      }
    if (size == 0)
      return wrong(token.column,
                   fmt::format("'{}' does not belong in a condition", printable(rest.substr(0, 1))),
                   c == '=' ? "compare with ==" : "write a condition such as: result[0] < 2.5");
    token.kind = Token::Kind::symbol;
  }
  token.text = rest.substr(0, size);
  at_ += size;
  return token;
}

Result<Token> Lexer::number(std::string_view rest, Token token) {
  const auto unreadable = [&] {
    return wrong(token.column, "this number cannot be read", "write a number such as 12, 0.5 or 1e-3");
  };
  int base = 10;
  std::size_t size = 0;
  bool real = false;
  if (rest.size() > 1 && rest[0] == '0') {
    const char mark = static_cast<char>(rest[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : mark == 'o' ? 8 : 10;
  }
  std::string digits;
  if (base != 10) {
    for (size = 2; size < rest.size() && is_word(rest[size]); ++size)
      if (rest[size] != '_') digits += rest[size];
  } else {
    for (; size < rest.size(); ++size) {
      const char c = rest[size];
      const char before = size == 0 ? ' ' : rest[size - 1];
      // 1..3 is a range of whole numbers
      if (c == '.' && size + 1 < rest.size() && rest[size + 1] == '.') break;
      const bool sign = (c == '+' || c == '-') && (before == 'e' || before == 'E');
      if (!is_word(c) && c != '.' && !sign) break;
      real = real || c == '.' || c == 'e' || c == 'E';
      if (c != '_') digits += c;
    }
  }
  const char* const end = digits.data() + digits.size();
  if (real) {
    double value = 0;
    const auto [stop, code] = std::from_chars(digits.data(), end, value);
    if (code != std::errc{} || stop != end || !std::isfinite(value)) return unreadable();
    token.value = value;
  } else {
    std::int64_t value = 0;
    const auto [stop, code] = std::from_chars(digits.data(), end, value, base);
    if (code != std::errc{} || stop != end) return unreadable();
    token.value = value;
  }
  token.kind = Token::Kind::number;
  token.text = rest.substr(0, size);
  at_ += size;
  return token;
}

Result<Token> Lexer::quoted(std::string_view rest, Token token) {
  const char quote = rest.front();
  std::string out;
  std::size_t i = 1;
  for (; i < rest.size() && rest[i] != quote; ++i) {
    if (rest[i] != '\\' || quote == '`') {
      out += rest[i];
      continue;
    }
    const auto unknown = [&] {
      return wrong(token.column + static_cast<int>(i) - 1, "this escape is not known",
                   R"(known are: \n \t \r \\ \" \' \u00e9)");
    };
    if (++i == rest.size()) break;
    switch (rest[i]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case '\\':
      case '"':
      case '\'':
        out += rest[i];
        break;
      case 'u': {
        std::uint32_t code = 0;
        const std::string_view hex = rest.substr(i + 1, 4);
        const auto [stop, bad] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
        if (hex.size() < 4 || bad != std::errc{} || stop != hex.data() + 4 ||
            (code >= 0xD800 && code < 0xE000))
          return unknown();
        append_utf8(out, code);
        i += 4;
        break;
      }
      default:
        return unknown();
    }
  }
  if (i >= rest.size())
    return wrong(token.column, "this string does not end", "close it with the quote that opens it");
  if (!is_valid_utf8(out)) return wrong(token.column, "this string is not UTF-8", "save the file as UTF-8");
  token.kind = Token::Kind::text;
  token.text = rest.substr(0, i + 1);
  token.value = std::move(out);
  at_ += i + 1;
  return token;
}

}  // namespace tranche::gate::internal
