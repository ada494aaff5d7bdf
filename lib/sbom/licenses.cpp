// SPDX license expressions: ids joined by WITH, AND and OR, in this order of strength, with parentheses.
#include "sbom/licenses.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t max_bytes = 4096;
constexpr int max_depth = 32;

bool is_id_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

bool is_id_string(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_id_byte); }

class Expression {
 public:
  explicit Expression(std::string_view text) : rest_(text) { next(); }

  std::optional<LicenseExpression> read() {
    if (!any(0) || !word_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  void next() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    std::size_t length = 0;
    if (!rest_.empty() && (rest_.front() == '(' || rest_.front() == ')'))
      length = 1;
    else
      while (length < rest_.size() && rest_[length] != ' ' && rest_[length] != '(' && rest_[length] != ')')
        ++length;
    word_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
  }

  // Operators are written in capitals or all lower; both are read.
  [[nodiscard]] bool at(std::string_view upper, std::string_view lower) const {
    return word_ == upper || word_ == lower;
  }

  bool any(int depth) {
    if (!all(depth)) return false;
    while (at("OR", "or")) {
      out_.text += " OR ";
      out_.compound = true;
      next();
      if (!all(depth)) return false;
    }
    return true;
  }

  bool all(int depth) {
    if (!one(depth)) return false;
    while (at("AND", "and")) {
      out_.text += " AND ";
      out_.compound = true;
      next();
      if (!one(depth)) return false;
    }
    return true;
  }

  bool one(int depth) {
    if (word_ == "(") {
      if (depth == max_depth) return false;
      out_.text += "(";
      next();
      if (!any(depth + 1) || word_ != ")") return false;
      out_.text += ")";
      next();
      return true;
    }
    if (!id()) return false;
    if (!at("WITH", "with")) return true;
    next();
    const std::string_view exception = find_exception_id(word_);
    if (exception.empty()) return false;
    out_.text.append(" WITH ").append(exception);
    next();
    return true;
  }

  bool id() {
    std::string_view bare = word_;
    const bool or_later = bare.ends_with('+');
    if (const std::string_view known = find_license_id(bare); !known.empty()) {
      out_.text += known;
    } else if (const std::string_view base =
                   find_license_id(bare.substr(0, bare.size() - (or_later ? 1 : 0)));
               or_later && !base.empty()) {
      out_.text.append(base).append("+");
    } else if (is_reference(bare)) {
      out_.text += bare;
      out_.refs.emplace_back(bare);
    } else {
      return false;
    }
    next();
    return true;
  }

  static bool is_reference(std::string_view text) {
    if (text.starts_with("DocumentRef-")) {
      const std::size_t colon = text.find(':');
      if (colon == text.npos || !is_id_string(text.substr(12, colon - 12))) return false;
      text.remove_prefix(colon + 1);
    }
    return text.starts_with("LicenseRef-") && is_id_string(text.substr(11));
  }

  std::string_view rest_;
  std::string_view word_;  // empty at the end
  LicenseExpression out_;
};

}  // namespace

std::optional<LicenseExpression> parse_license_expression(std::string_view text) {
  if (text.size() > max_bytes) return std::nullopt;
  return Expression(text).read();
}

}  // namespace tranche::sbom
