// The caret has to stand under the right character. Columns of a Mark count bytes, a terminal counts cells:
// tabs become blanks, a UTF-8 sequence is one cell (two for East Asian wide ones, none for combining marks),
// and a control character is shown as \xNN, four cells.
#include "base/render_error.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/text.hpp"

namespace tranche {
namespace {

constexpr std::size_t tab_cells = 4;
constexpr std::size_t widest = 120;      // cells of a line that is shown
constexpr std::size_t context = 40;      // cells kept before the mark when a line is cut
constexpr std::size_t most_text = 4096;  // bytes of a message or hint

struct Range {
  std::uint32_t first, last;
};
// Unicode 15 East_Asian_Width W and F, coarse; and zero-width marks.
constexpr std::array<Range, 9> wide{{{0x1100, 0x115F},
                                     {0x2E80, 0x303E},
                                     {0x3041, 0xA4CF},
                                     {0xAC00, 0xD7A3},
                                     {0xF900, 0xFAFF},
                                     {0xFE30, 0xFE6F},
                                     {0xFF00, 0xFF60},
                                     {0x1F300, 0x1FAFF},
                                     {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 4> zero{{{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};

template <std::size_t n>
bool inside(const std::array<Range, n>& ranges, std::uint32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return range.first <= code && code <= range.last; });
}

std::size_t cells_of(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence[0]);
  std::uint32_t code = lead;
  if (sequence.size() > 1) {
    code = lead & (0xFFU >> (sequence.size() + 1));
    for (std::size_t i = 1; i < sequence.size(); ++i)
      code = (code << 6U) | (static_cast<unsigned char>(sequence[i]) & 0x3FU);
  }
  if (inside(zero, code)) return 0;
  return inside(wide, code) ? 2 : 1;
}

// One shown character: the bytes [from, from + length) of the line.
struct Glyph {
  std::size_t from;
  std::string text;
  std::size_t cells;
};

std::vector<Glyph> glyphs_of(std::string_view line) {
  std::vector<Glyph> glyphs;
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t length = 1;
    while (length <= 4 && i + length <= line.size() && !is_valid_utf8(line.substr(i, length))) ++length;
    if (length > 4 || i + length > line.size()) length = 1;
    Glyph glyph{i, printable(line.substr(i, length)), 0};
    if (line[i] == '\t') glyph.text.assign(tab_cells - column % tab_cells, ' ');
    const bool as_is = glyph.text == line.substr(i, length);
    glyph.cells = as_is ? cells_of(glyph.text) : glyph.text.size();
    column += glyph.cells;
    glyphs.push_back(std::move(glyph));
    i += length;
  }
  return glyphs;
}

void add_excerpt(std::string& out, const Mark& mark, bool color) {
  const std::vector<Glyph> glyphs = glyphs_of(mark.excerpt);
  const auto begin_byte = static_cast<std::size_t>(std::max(mark.column - 1, 0));
  const std::size_t end_byte = begin_byte + static_cast<std::size_t>(std::max(mark.length, 1));
  std::size_t before = 0;  // cells before the mark
  std::size_t under = 0;   // cells of the mark
  std::size_t total = 0;
  for (const Glyph& glyph : glyphs) {
    if (glyph.from < begin_byte)
      before += glyph.cells;
    else if (glyph.from < end_byte)
      under += glyph.cells;
    total += glyph.cells;
  }
  under = std::max<std::size_t>(under, 1);
  // A long line is cut around the mark.
  const std::size_t skip = total > widest && before > context ? before - context : 0;
  std::string shown = skip > 0 ? "…" : "";
  std::size_t at = 0;
  std::size_t used = 0;
  std::size_t skipped = 0;
  for (const Glyph& glyph : glyphs) {
    if (at < skip) {
      at += glyph.cells;
      skipped = at;
      continue;
    }
    if (used + glyph.cells > widest) {
      shown += "…";
      break;
    }
    shown += glyph.text;
    used += glyph.cells;
  }
  const std::size_t lead = before - std::min(before, skipped) + (skip > 0 ? 1 : 0);
  under = std::min(under, widest - std::min(lead, widest - 1));
  const std::string number = fmt::format("{:>5} | ", mark.line);
  out += number + shown + "\n";
  out += std::string(6, ' ') + "| " + std::string(lead, ' ');
  if (color) out += "\x1b[31m";
  out += "^" + std::string(under - 1, '~');
  if (color) out += "\x1b[0m";
  out += "\n";
}

void add_error(std::string& out, const Error& error, bool color) {
  const auto painted = [&](std::string_view code, const std::string& text) {
    return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  };
  if (error.mark) {
    std::string place = printable(error.mark->file);
    if (error.mark->line > 0) place += fmt::format(":{}", error.mark->line);
    if (error.mark->line > 0 && error.mark->column > 0) place += fmt::format(":{}", error.mark->column);
    out += painted("1", place + ":") + " ";
  }
  out += painted("31", printable(error.message, most_text)) + "\n";
  if (error.mark && !error.mark->excerpt.empty() && error.mark->line > 0)
    add_excerpt(out, *error.mark, color);
  if (!error.hint.empty()) out += painted("36", "hint:") + " " + printable(error.hint, most_text) + "\n";
  for (const std::string& step : error.while_doing) out += "while " + printable(step, most_text) + "\n";
  for (const Error& other : error.others) add_error(out, other, color);
}

}  // namespace

std::string render_error(const Error& error, bool color) {
  std::string out;
  add_error(out, error, color);
  return out;
}

}  // namespace tranche
