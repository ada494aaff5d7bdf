#include "journal/skim.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.hpp"
#include "doc/value.hpp"
#include "journal/entry.hpp"

namespace tranche::journal {

namespace {

constexpr int max_depth = 60;  // doc::Limits has 64; deeper ones are the slow way's to refuse
constexpr std::size_t max_integer_digits = 18;  // fits 64 bits, whatever they are

enum class Kind { null, boolean, integer, fraction, string, array, object };

struct Token {
  Kind kind = Kind::null;
  std::string_view text;  // a string without its quotes
  bool escaped = false;   // of a string
};

// The first byte of `text` that is a quote, a backslash, a control character or not ASCII.
std::size_t plain_length(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    const auto zero_bytes = [](std::uint64_t x) { return (x - ones) & ~x; };  // high bits; ASCII words only
    const std::uint64_t found =
        word | zero_bytes(word ^ ones * '"') | zero_bytes(word ^ ones * '\\') | (word - ones * 0x20);
    if ((found & high) != 0) break;
  }
  for (; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
  }
  return i;
}

class Scanner {
 public:
  explicit Scanner(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
  [[nodiscard]] bool has_wide() const { return wide_; }
  bool take(char c) {
    if (at_ >= bytes_.size() || bytes_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool value(Token& token, int depth) {
    if (at_ >= bytes_.size() || depth > max_depth) return false;
    const std::size_t begin = at_;
    switch (bytes_[at_]) {
      case '"':
        token.kind = Kind::string;
        return string(token);
      case '{':
        token.kind = Kind::object;
        if (!object(depth, [](const Token&, const Token&) { return true; })) return false;
        break;
      case '[':
        token.kind = Kind::array;
        if (!array(depth)) return false;
        break;
      case 't':
        token.kind = Kind::boolean;
        return word("true");
      case 'f':
        token.kind = Kind::boolean;
        return word("false");
      case 'n':
        token.kind = Kind::null;
        return word("null");
      default:
        return number(token);
    }
    token.text = bytes_.substr(begin, at_ - begin);
    return true;
  }

  // Members in strictly rising order of their keys. A key with an escape or beyond ASCII is for the slow way.
  template <class Each>
  bool object(int depth, Each each) {
    if (!take('{')) return false;
    if (take('}')) return true;
    std::string_view last;
    for (bool first = true;; first = false) {
      Token key, member;
      const bool wide_before = wide_;
      wide_ = false;
      if (at_ >= bytes_.size() || bytes_[at_] != '"' || !string(key) || key.escaped || wide_) return false;
      wide_ = wide_before;
      if (!first && key.text <= last) return false;
      last = key.text;
      if (!take(':') || !value(member, depth + 1) || !each(key, member)) return false;
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

 private:
  bool array(int depth) {
    if (!take('[')) return false;
    if (take(']')) return true;
    while (true) {
      Token element;
      if (!value(element, depth + 1)) return false;
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  bool word(std::string_view text) {
    if (bytes_.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }

  bool string(Token& token) {
    const std::size_t begin = ++at_;
    token.escaped = false;
    while (true) {
      at_ += plain_length(bytes_.substr(at_));
      if (at_ >= bytes_.size()) return false;
      const auto c = static_cast<unsigned char>(bytes_[at_]);
      if (c == '"') {
        token.text = bytes_.substr(begin, at_ - begin);
        ++at_;
        return true;
      }
      if (c < 0x20) return false;
      if (c >= 0x80) {
        wide_ = true;
        ++at_;
        continue;
      }
      token.escaped = true;
      if (!escape()) return false;
    }
  }

  // The one way to write each character that needs one.
  bool escape() {
    ++at_;
    if (at_ >= bytes_.size()) return false;
    const char c = bytes_[at_++];
    if (std::string_view("\"\\btnfr").find(c) != std::string_view::npos) return true;
    if (c != 'u' || bytes_.substr(at_, 2) != "00" || at_ + 4 > bytes_.size()) return false;
    const std::string_view code = bytes_.substr(at_ + 2, 2);
    at_ += 4;
    if (code[0] != '0' && code[0] != '1') return false;
    if (std::string_view("0123456789abcdef").find(code[1]) == std::string_view::npos) return false;
    return code != "08" && code != "09" && code != "0a" && code != "0c" && code != "0d";
  }

  bool number(Token& token) {
    const std::size_t begin = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9') ++at_;
      return at_ - from;
    };
    const bool negative = take('-');
    const std::size_t first = at_;
    const std::size_t count = digits();
    if (count == 0 || (count > 1 && bytes_[first] == '0')) return false;
    token.kind = Kind::integer;
    if (at_ < bytes_.size() && (bytes_[at_] == '.' || bytes_[at_] == 'e')) {
      token.kind = Kind::fraction;
      while (at_ < bytes_.size() &&
             std::string_view(".eE+-0123456789").find(bytes_[at_]) != std::string_view::npos)
        ++at_;
    }
    token.text = bytes_.substr(begin, at_ - begin);
    if (token.kind == Kind::fraction) return is_canonical_double(token.text);
    return count <= max_integer_digits && !(negative && bytes_[first] == '0');
  }

  static bool is_canonical_double(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    const auto written = doc::canonical_json(doc::Value(number));
    return written && *written == text;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool wide_ = false;  // a byte beyond ASCII was seen
};

// What entry_from_value asks of the members, where it can be told without a tree.
class Members {
 public:
  bool take(const Token& key, const Token& member) {
    const std::string_view name = key.text;
    const bool is_text = member.kind == Kind::string;
    if (name == "at") return is_text && set(at_, skimmed_.at, member);
    if (name == "by" || name == "reason") return is_text;
    if (name == "data") return member.kind == Kind::object;
    if (name == "heads") return member.kind == Kind::object && set(heads_, skimmed_.heads, member);
    if (name == "index") {
      index_ = true;
      return member.kind == Kind::integer && member.text[0] != '-' && read_index(member.text);
    }
    if (name == "kind") {
      kind_ = true;
      return is_text && !member.escaped && fits_kind(member.text);
    }
    if (name == "schema") {
      schema_ = true;
      return is_text && member.text == entry_schema;
    }
    if (name == "state") {
      skimmed_.has_state = true;
      return member.kind != Kind::null;
    }
    if (name == "subject") {
      skimmed_.subject = member.text;
      return is_text && !member.escaped && fits_subject(member.text);
    }
    return true;  // of a newer tranche
  }
  [[nodiscard]] std::optional<Skimmed> result() const {
    if (!at_ || !heads_ || !index_ || !kind_ || !schema_) return std::nullopt;
    if (skimmed_.has_state && skimmed_.subject.empty()) return std::nullopt;
    return skimmed_;
  }

 private:
  static bool set(bool& seen, std::string_view& into, const Token& member) {
    seen = true;
    into = member.text;
    return !member.escaped;
  }
  bool read_index(std::string_view text) {
    std::from_chars(text.data(), text.data() + text.size(), skimmed_.index);
    return true;
  }

  Skimmed skimmed_;
  bool at_ = false, heads_ = false, index_ = false, kind_ = false, schema_ = false;
};

}  // namespace

std::optional<Skimmed> skim_entry(std::string_view bytes) {
  Scanner scanner(bytes);
  Members members;
  if (!scanner.object(1, [&](const Token& key, const Token& member) { return members.take(key, member); }))
    return std::nullopt;
  if (!scanner.at_end() || (scanner.has_wide() && !is_valid_utf8(bytes))) return std::nullopt;
  return members.result();
}

}  // namespace tranche::journal
