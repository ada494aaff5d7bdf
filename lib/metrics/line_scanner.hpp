// JSON of one line, taken apart in place. Private to this room.
//
// Every reader returns false when what stands there is something else; problem() says what was wrong first.
// Strict as RFC 8259: no trailing commas, no leading zeros, no control characters in strings, UTF-8 only.
#pragma once

#include <string>
#include <string_view>

namespace tranche::metrics {

class LineScanner {
 public:
  explicit LineScanner(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  // Skips blanks, then takes `c`.
  bool take(char c) {
    skip_blanks();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool expect(char c) { return take(c) || fail("something else stands where a sign is expected"); }
  [[nodiscard]] char peek() {
    skip_blanks();
    return at_ == end_ ? '\0' : *at_;
  }
  bool at_end() {
    skip_blanks();
    return at_ == end_;
  }

  // `text` views the line, or `storage` when the string holds escapes.
  bool string(std::string_view& text, std::string& storage);
  bool number(double& value);
  // A number, or "NaN", "+Inf", "Inf", "-Inf" as a string.
  bool wide_number(double& value);
  // Any value, at most 16 deep; `text` is what was passed over.
  bool skip(std::string_view& text) { return skip(text, 0); }

  // Steps back to where a value began.
  [[nodiscard]] const char* position() {
    skip_blanks();
    return at_;
  }
  void back_to(const char* position) {
    at_ = position;
    problem_ = {};
  }

  bool fail(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
    return false;
  }
  [[nodiscard]] std::string_view problem() const { return problem_; }
  [[nodiscard]] int column() const { return static_cast<int>(at_ - begin_) + 1; }

 private:
  void skip_blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool skip(std::string_view& text, int depth);
  bool skip_list(char close, int depth);
  bool escaped(const char* from, std::string_view& text, std::string& storage);
  bool code_unit(unsigned& unit);

  const char *begin_, *at_, *end_;
  std::string_view problem_;
};

}  // namespace tranche::metrics
