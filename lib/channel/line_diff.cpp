#include "channel/line_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"

namespace tranche::channel {
namespace {

constexpr std::size_t context_lines = 3;
constexpr std::size_t most_cells = 4'000'000;  // of the table below: 16 MB, some 10 ms
constexpr std::size_t longest_line = 400;

struct Line {
  char sign = ' ';
  std::string_view text;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  if (text.empty()) return {};
  if (text.ends_with('\n')) text.remove_suffix(1);
  return split(text, '\n');
}

// The longest common subsequence of what lies between equal beginnings and equal ends.
std::vector<Line> compare(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  std::size_t head = 0, tail = 0;
  while (head < std::min(a.size(), b.size()) && a[head] == b[head]) ++head;
  while (tail < std::min(a.size(), b.size()) - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    ++tail;
  const std::size_t n = a.size() - head - tail, m = b.size() - head - tail;
  std::vector<Line> out;
  for (std::size_t i = 0; i < head; ++i) out.push_back({' ', a[i]});
  const bool small = n == 0 || m <= most_cells / n;
  std::vector<std::uint32_t> longest(small ? (n + 1) * (m + 1) : 0);
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return longest[i * (m + 1) + j]; };
  for (std::size_t i = small ? n : 0; i-- > 0;)
    for (std::size_t j = m; j-- > 0;)
      at(i, j) = a[head + i] == b[head + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
  std::size_t i = 0, j = 0;
  while (i < n || j < m) {
    if (small && i < n && j < m && a[head + i] == b[head + j]) {
      out.push_back({' ', a[head + i]});
      ++i, ++j;
    } else if (i < n && (!small || j == m || at(i + 1, j) >= at(i, j + 1))) {
      out.push_back({'-', a[head + i++]});
    } else {
      out.push_back({'+', b[head + j++]});
    }
  }
  for (std::size_t k = 0; k < tail; ++k) out.push_back({' ', a[a.size() - tail + k]});
  return out;
}

// "3,7": the first line and how many; an empty side begins before its line.
std::string range(std::size_t first, std::size_t count) {
  return count == 1 ? fmt::format("{}", first) : fmt::format("{},{}", count == 0 ? first - 1 : first, count);
}

}  // namespace

std::string line_diff(std::string_view before, std::string_view after) {
  if (before == after) return {};
  for (const std::string_view text : {before, after})
    if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos)
      return fmt::format("binary: {} bytes before, {} bytes after\n", before.size(), after.size());
  const std::vector<Line> lines = compare(lines_of(before), lines_of(after));
  std::string out;
  std::size_t old_line = 1, new_line = 1, shown = 0;  // lines before `shown` are behind us
  while (shown < lines.size()) {
    const auto first = std::find_if(lines.begin() + static_cast<std::ptrdiff_t>(shown), lines.end(),
                                    [](const Line& line) { return line.sign != ' '; });
    if (first == lines.end()) break;
    const auto change = static_cast<std::size_t>(first - lines.begin());
    const std::size_t start = std::max(shown, change - std::min(change, context_lines));
    old_line += start - shown;
    new_line += start - shown;
    std::size_t end = change, last = change;  // a gap of more than twice the context ends the hunk
    while (end < lines.size() && end - last <= 2 * context_lines) {
      if (lines[end].sign != ' ') last = end;
      ++end;
    }
    end = std::min(lines.size(), last + 1 + context_lines);
    std::string body;
    std::size_t olds = 0, news = 0;
    for (std::size_t i = start; i < end; ++i) {
      body += lines[i].sign + printable(lines[i].text, longest_line) + "\n";
      olds += lines[i].sign != '+';
      news += lines[i].sign != '-';
    }
    out += fmt::format("@@ -{} +{} @@\n", range(old_line, olds), range(new_line, news)) + body;
    old_line += olds;
    new_line += news;
    shown = end;
  }
  return out.empty() ? std::string("only the end of the last line differs\n") : out;
}

}  // namespace tranche::channel
