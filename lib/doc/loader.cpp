#include "doc/loader.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "base/text.hpp"

namespace tranche::doc::detail {

Located::Located(std::string_view text, std::string file)
    : Located(std::make_shared<const Source>(Source{std::move(file), std::string(text)})) {}

Located::Located(std::shared_ptr<const Source> source) : source_(std::move(source)), starts_{0} {
  const std::string& text = source_->text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts_.push_back(i + 1);
  }
}

Place Located::at(std::size_t offset, std::size_t length) const {
  offset = std::min(offset, text().size());
  const auto line =
      static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin()) -
      1;
  return at_line(line, offset - starts_[line], length);
}

Place Located::at_line(std::size_t line, std::size_t column, std::size_t length) const {
  line = std::min(line, starts_.size() - 1);
  const std::size_t begin = starts_[line];
  std::size_t end = line + 1 < starts_.size() ? starts_[line + 1] - 1 : text().size();
  if (end > begin && text()[end - 1] == '\r') --end;
  column = std::min(column, end - begin);
  length = std::max<std::size_t>(1, std::min(length, end - begin - column));
  return Place{source_, static_cast<int>(line + 1), static_cast<int>(column + 1), static_cast<int>(length)};
}

std::size_t Located::line_start(std::size_t offset) const {
  return *(std::upper_bound(starts_.begin(), starts_.end(), offset) - 1);
}

Error refusal(const Place& place, std::string message, std::string hint) {
  return Error(ErrorKind::invalid, std::move(message), std::move(hint)).at(to_mark(place));
}

std::optional<std::pair<std::size_t, std::size_t>> find_duplicate_key(const Object& object) {
  constexpr std::size_t small = 12;  // comparing all pairs is cheaper than a sort up to about here
  if (object.size() <= small) {
    for (std::size_t second = 1; second < object.size(); ++second) {
      for (std::size_t first = 0; first < second; ++first) {
        if (object[first].key == object[second].key) return std::pair{first, second};
      }
    }
    return std::nullopt;
  }
  std::vector<std::size_t> order(object.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int by_key = object[a].key.compare(object[b].key);
    return by_key != 0 ? by_key < 0 : a < b;
  });
  std::optional<std::pair<std::size_t, std::size_t>> earliest;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (object[order[i - 1]].key != object[order[i]].key) continue;
    if (!earliest || order[i] < earliest->second) earliest = std::pair{order[i - 1], order[i]};
  }
  return earliest;
}

Error duplicate_key(const Object& object, std::pair<std::size_t, std::size_t> which) {
  const Member& first = object[which.first];
  const Member& second = object[which.second];
  return refusal(second.key_place, fmt::format("key '{}' is given twice", printable(second.key)),
                 fmt::format("it is already at line {}; keep one of them", first.key_place.line));
}

// Eight bytes at a time: nearly all that machines send.
static bool is_ascii(std::string_view text) {
  std::uint64_t bits = 0;
  std::size_t at = 0;
  for (; at + sizeof bits <= text.size(); at += sizeof bits) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    bits |= word;
  }
  for (; at < text.size(); ++at) bits |= static_cast<unsigned char>(text[at]);
  return (bits & 0x8080808080808080U) == 0;
}

std::optional<Error> check_bytes(std::string_view text, const std::string& file, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error(ErrorKind::invalid,
                 fmt::format("{} bytes are more than the limit of {}", text.size(), limits.max_bytes),
                 "make the file smaller")
        .at(Mark{file, 1, 1, 1, {}});
  }
  if (is_ascii(text) || is_valid_utf8(text)) return std::nullopt;
  // The longest valid prefix, by whole lines first: is_valid_utf8 only answers yes or no.
  std::size_t begin = 0;
  while (true) {
    const std::size_t newline = text.find('\n', begin);
    const std::size_t end = newline == std::string_view::npos ? text.size() : newline;
    const std::string_view line = text.substr(begin, end - begin);
    if (newline == std::string_view::npos || !is_valid_utf8(line)) {
      std::size_t good = 0;
      while (good < line.size()) {
        std::size_t step = 1;
        while (step <= 4 && good + step <= line.size() && !is_valid_utf8(line.substr(good, step))) ++step;
        if (step > 4 || good + step > line.size()) break;
        good += step;
      }
      return refusal(Located(text, file).at(begin + good), "this byte is not UTF-8",
                     "save the file as UTF-8");
    }
    begin = newline + 1;
  }
}

Error too_deep(const Place& place, std::size_t max_depth) {
  return refusal(place, fmt::format("nested deeper than {} levels", max_depth),
                 "make it flatter; nothing that we read needs more");
}

Error too_many_nodes(const Place& place, std::size_t max_nodes) {
  return refusal(place, fmt::format("more than {} values", max_nodes),
                 "split the file; every use of an alias counts all that it stands for");
}

}  // namespace tranche::doc::detail
