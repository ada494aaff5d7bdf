// application/x-www-form-urlencoded without '+': a plus in a version or a label stays a plus (RFC 3986).
#include "server/query.hpp"

#include "base/text.hpp"

namespace tranche::server {

namespace {

constexpr std::size_t most_parameters = 64;
constexpr std::size_t longest_part = 1024;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool percent_decode(std::string_view text, std::string& out) {
  if (text.size() > longest_part) return false;
  if (text.find('%') == std::string_view::npos) {
    out.assign(text);
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    if (query.parameters_.size() == most_parameters)
      return fail_hint(ErrorKind::invalid, "send at most 64 parameters", "too many parameters");
    const std::size_t mark = pair.find('=');
    if (query.parameters_.empty()) query.parameters_.reserve(8);
    auto& [name, value] = query.parameters_.emplace_back();
    if (!percent_decode(pair.substr(0, mark), name) ||
        (mark != std::string_view::npos && !percent_decode(pair.substr(mark + 1), value)))
      return fail_hint(ErrorKind::invalid, "percent-encode names and values, at most 1024 bytes each",
                       "parameter '{}' cannot be decoded", printable(pair.substr(0, mark), 40));
    for (std::size_t i = 0; i + 1 < query.parameters_.size(); ++i)
      if (query.parameters_[i].first == name)
        return fail_hint(ErrorKind::invalid, "send each parameter once", "parameter '{}' is given twice",
                         printable(name, 40));
  }
  return query;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& [key, value] : parameters_)
    if (key == name) return &value;
  return nullptr;
}

Result<std::string_view> Query::need(std::string_view name) const {
  const std::string* value = find(name);
  if (value == nullptr || value->empty())
    return fail_hint(ErrorKind::invalid, fmt::format("add {}=... to the query", name),
                     "parameter '{}' is missing", name);
  return std::string_view(*value);
}

}  // namespace tranche::server
