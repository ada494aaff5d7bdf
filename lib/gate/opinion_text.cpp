// Bytes of a log made safe to show.
//
// What a person does not see must not reach a judge either: control characters and terminal sequences,
// characters without width, direction marks, tag characters (they spell hidden ASCII), variation selectors.
// Full-width ASCII becomes ASCII, so that one spelling of a secret or a fence is enough to look for.
#include <algorithm>

#include "gate/opinion.hpp"

namespace tranche::gate {
namespace {

constexpr char32_t invalid = 0xFFFD;

// The character at text[i], and i moved behind it. Overlong forms, surrogates and stray bytes are `invalid`,
// one byte each (RFC 3629).
char32_t next_character(std::string_view text, std::size_t& i) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return text[i++] & 0x7F;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (first < 0xC2 || first > 0xF4 || i + length > text.size()) return ++i, invalid;
  char32_t c = first & (0x7F >> length);
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return ++i, invalid;
    c = (c << 6) | (byte(i + k) & 0x3F);
  }
  if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return ++i, invalid;
  i += length;
  return c;
}

void append(std::string& out, char32_t c) {
  const auto put = [&](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | (c >> 6)), put(0x80 | (c & 0x3F));
  if (c < 0x10000) return put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
  put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3F)), put(0x80 | ((c >> 6) & 0x3F)),
      put(0x80 | (c & 0x3F));
}

struct Range {
  char32_t from, to;
};
template <std::size_t n>
bool is_in(char32_t c, const Range (&ranges)[n]) {
  for (const Range& range : ranges)
    if (c >= range.from && c <= range.to) return true;
  return false;
}

// Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties, interlinear marks, private use.
bool is_invisible(char32_t c) {
  constexpr Range ranges[] = {{0xAD, 0xAD},       {0x34F, 0x34F},     {0x61C, 0x61C},     {0x115F, 0x1160},
                              {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},   {0x202A, 0x202E},
                              {0x2060, 0x206F},   {0x3164, 0x3164},   {0xE000, 0xF8FF},   {0xFE00, 0xFE0F},
                              {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},   {0x1BCA0, 0x1BCA3},
                              {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF}};
  return is_in(c, ranges);
}
bool is_blank(char32_t c) {
  constexpr Range ranges[] = {{'\t', '\t'},     {' ', ' '},       {0x85, 0x85},     {0xA0, 0xA0},
                              {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                              {0x205F, 0x205F}, {0x2800, 0x2800}, {0x3000, 0x3000}};
  return is_in(c, ranges);
}
bool is_combining(char32_t c) {
  constexpr Range ranges[] = {{0x300, 0x36F},   {0x483, 0x489},   {0x1AB0, 0x1AFF},
                              {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE20, 0xFE2F}};
  return is_in(c, ranges);
}

// Behind a terminal sequence that begins at `i` (ECMA-48 section 5). One that does not end in this line is
// only its introducer: nobody hides the rest of a line.
std::size_t skip_sequence(std::string_view text, std::size_t i, bool c1, char32_t introducer) {
  std::size_t at = i;
  char kind = 0;
  if (c1) {
    kind = introducer == 0x9B ? '[' : ']';
  } else {
    if (at >= text.size()) return at;
    kind = text[at++];
  }
  if (kind == '[') {
    std::size_t end = at;
    while (end < text.size() && text[end] >= 0x20 && text[end] <= 0x3F) ++end;
    return end < text.size() && text[end] >= 0x40 && text[end] <= 0x7E ? end + 1 : at;
  }
  if (kind == ']' || kind == 'P' || kind == 'X' || kind == '^' || kind == '_') {
    for (std::size_t end = at; end < text.size(); ++end) {
      if (text[end] == '\a') return end + 1;
      if (text[end] == '\x1b' && end + 1 < text.size() && text[end + 1] == '\\') return end + 2;
    }
    return at;
  }
  if (kind >= 0x20 && kind <= 0x2F) return at < text.size() && text[at] >= 0x30 ? at + 1 : at;  // charset
  if (kind >= 0x30 && kind <= 0x7E) return at;
  return i;
}

}  // namespace

std::string clean_text(std::string_view line) {
  constexpr int most_combining = 2;
  const auto first_odd = std::find_if(line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; });
  std::string out(line.begin(), first_odd);
  int combining = 0;
  for (std::size_t i = out.size(); i < line.size();) {
    char32_t c = next_character(line, i);
    if (c == 0x1B) {
      i = skip_sequence(line, i, false, c);
      continue;
    }
    if (c == 0x9B || c == 0x9D) {
      i = skip_sequence(line, i, true, c);
      continue;
    }
    combining = is_combining(c) ? combining + 1 : 0;
    if (combining > most_combining) continue;
    if (is_blank(c)) c = ' ';
    if (c < 0x20 || (c >= 0x7F && c < 0xA0) || is_invisible(c)) continue;
    if ((c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF)) c = invalid;  // noncharacters
    if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;                              // full-width ASCII
    append(out, c);
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace tranche::gate
