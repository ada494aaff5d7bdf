// The query string of a request: names and values, percent-decoded, each name once.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace tranche::server {

// `out` is `text` without its percent escapes; false: one of them is broken, or 1,024 bytes are not enough.
bool percent_decode(std::string_view text, std::string& out);

class Query {
 public:
  // At most 64 parameters of at most 1,024 bytes each; a broken escape or a name given twice is kind invalid.
  static Result<Query> parse(std::string_view text);
  // Null when absent.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  // Kind invalid when absent or empty.
  [[nodiscard]] Result<std::string_view> need(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const { return parameters_; }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace tranche::server
