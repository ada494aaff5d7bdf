// What the YAML and the JSON loader share: offsets to places, refusals with a mark, duplicate keys, the caps.
// Private to this room.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doc/value.hpp"

namespace tranche::doc::detail {

// Values are walked, compared and freed by recursion, so no caller's limit may go beyond this: 1000 levels
// are about 200 KiB of stack.
constexpr std::size_t hard_max_depth = 1000;

// A source with a table of its lines: turns a byte offset into a Place in O(log lines).
class Located {
 public:
  Located(std::string_view text, std::string file);
  explicit Located(std::shared_ptr<const Source> source);
  [[nodiscard]] const std::string& text() const { return source_->text; }
  // Offset beyond the end means the end. The length is cut at the end of the line; it is at least 1.
  [[nodiscard]] Place at(std::size_t offset, std::size_t length = 1) const;
  [[nodiscard]] Place at_line(std::size_t line, std::size_t column, std::size_t length = 1) const;  // from 0
  [[nodiscard]] std::size_t line_start(std::size_t offset) const;  // offset of the line's first byte

 private:
  std::shared_ptr<const Source> source_;
  std::vector<std::size_t> starts_;
};

[[nodiscard]] Error refusal(const Place& place, std::string message, std::string hint);

// Indices (first, second) of the duplicate that comes earliest in the file. O(n log n) on any keys: a hash
// table could be flooded with colliding ones.
[[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> find_duplicate_key(const Object& object);
[[nodiscard]] Error duplicate_key(const Object& object, std::pair<std::size_t, std::size_t> which);

// Refuses what exceeds limits.max_bytes and what is not UTF-8, before anything is parsed.
[[nodiscard]] std::optional<Error> check_bytes(std::string_view text, const std::string& file,
                                               const Limits& limits);
[[nodiscard]] Error too_deep(const Place& place, std::size_t max_depth);
[[nodiscard]] Error too_many_nodes(const Place& place, std::size_t max_nodes);

}  // namespace tranche::doc::detail
