#include "commands/talk.hpp"

#include <array>
#include <cstdint>
#include <utility>

namespace tranche::commands {
namespace {

constexpr std::chrono::nanoseconds shortest_pause = std::chrono::milliseconds(100);

struct Glyph {
  std::size_t bytes = 1;
  std::size_t columns = 1;
};

struct Span {
  std::uint32_t first;
  std::uint32_t last;
};
// Combining marks, joiners and variation selectors (Unicode 15, general category Mn and Cf, the common
// blocks).
constexpr std::array<Span, 7> zero_width = {{{0x0300, 0x036F},
                                             {0x0483, 0x0489},
                                             {0x0591, 0x05BD},
                                             {0x200B, 0x200F},
                                             {0x20D0, 0x20F0},
                                             {0xFE00, 0xFE0F},
                                             {0xFE20, 0xFE2F}}};
// East Asian Wide and Fullwidth (UAX #11), emoji included.
constexpr std::array<Span, 9> two_columns = {{{0x1100, 0x115F},
                                              {0x2E80, 0x303E},
                                              {0x3041, 0xA4CF},
                                              {0xAC00, 0xD7A3},
                                              {0xF900, 0xFAFF},
                                              {0xFE30, 0xFE6F},
                                              {0xFF00, 0xFF60},
                                              {0x1F300, 0x1FAFF},
                                              {0x20000, 0x3FFFD}}};

template <std::size_t N>
bool within(const std::array<Span, N>& spans, std::uint32_t code) {
  for (const Span& span : spans)
    if (code >= span.first && code <= span.last) return true;
  return false;
}

// The escape sequence (CSI ... final byte) or character at the start of `text`, which is not empty.
Glyph first_glyph(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.starts_with("\x1b[")) {
    std::size_t end = 2;
    while (end < text.size() && (byte(end) < 0x40 || byte(end) > 0x7E)) ++end;
    return {end < text.size() ? end + 1 : end, 0};
  }
  const unsigned char lead = byte(0);
  const std::size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  std::uint32_t code = wanted == 1 ? lead : lead & (0xFFU >> (wanted + 1));
  std::size_t bytes = 1;
  while (bytes < wanted && bytes < text.size() && (byte(bytes) & 0xC0U) == 0x80U)
    code = code << 6U | (byte(bytes++) & 0x3FU);
  if (bytes < wanted) return {bytes, 1};  // no UTF-8: a terminal shows one replacement character
  if (within(zero_width, code)) return {bytes, 0};
  return {bytes, within(two_columns, code) ? 2U : 1U};
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    columns += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return columns;
}

std::string cut_to_width(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string cut;
  std::size_t taken = 0;
  bool escaped = false;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    if (taken + glyph.columns + 1 > columns) break;
    escaped |= text.front() == '\x1b';
    cut += text.substr(0, glyph.bytes);
    taken += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  if (columns > 0) cut += "…";
  if (escaped) cut += "\x1b[0m";
  return cut;
}

void Talk::line(std::string_view text) {
  clear();
  world_.console.err(std::string(text) + "\n");
}

void Talk::live(std::string_view text) {
  if (!is_live()) return;
  const auto now = world_.clock.elapsed();
  if (shown_ && now - last_ < shortest_pause) return;
  const int width = world_.console.width();
  // One column less: a full last column makes some terminals wrap.
  std::string cut = cut_to_width(text, width > 1 ? static_cast<std::size_t>(width) - 1 : 1);
  if (shown_ && cut == last_text_) return;
  world_.console.err("\r" + cut + "\x1b[K");
  last_text_ = std::move(cut);
  last_ = now;
  shown_ = true;
}

void Talk::clear() {
  if (!shown_) return;
  world_.console.err("\r\x1b[K");
  shown_ = false;
}

}  // namespace tranche::commands
