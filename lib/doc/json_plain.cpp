// Most JSON that we read is a small answer of a machine: no escapes beyond \n and \", all in order. The
// careful reader (json.cpp) spends 200 instructions a byte on it; this one about 20. It accepts a part of
// RFC 8259 and nothing else, and decides nothing: whatever it meets outside that part, it gives up, and the
// careful reader reads the text from its beginning. So refusals have one author, and the text is read twice
// at most.
#include "doc/json_plain.hpp"

#include <charconv>
#include <cmath>

#include "doc/loader.hpp"

namespace tranche::doc::detail {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Every function moves `at_` behind what it read; false gives up.
class PlainReader {
 public:
  PlainReader(const std::shared_ptr<const Source>& source, const Limits& limits)
      : source_(source),
        at_(source->text.data()),
        end_(at_ + source->text.size()),
        line_start_(at_),
        nodes_left_(limits.max_nodes),
        depth_left_(std::min(limits.max_depth, hard_max_depth)) {}

  bool read(Value& into) {
    skip_blanks();
    if (!value(into)) return false;
    skip_blanks();
    return at_ == end_;
  }

 private:
  [[nodiscard]] bool sees(char c) const { return at_ != end_ && *at_ == c; }
  bool take(char c) {
    if (!sees(c)) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    for (; at_ != end_; ++at_) {
      if (*at_ == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (*at_ != ' ' && *at_ != '\t' && *at_ != '\r') {
        return;
      }
    }
  }
  // Tokens hold no line break, so a place needs no search.
  void mark(Place& place, const char* begin, const char* end) const {
    place.source = source_;
    place.line = line_;
    place.column = static_cast<int>(begin - line_start_) + 1;
    place.length = static_cast<int>(end - begin);
  }

  bool value(Value& into) {
    if (at_ == end_ || nodes_left_ == 0) return false;
    --nodes_left_;
    const char* begin = at_;
    switch (*at_) {
      case '{':
        mark(into.place, begin, begin + 1);
        return object(into);
      case '[':
        mark(into.place, begin, begin + 1);
        return array(into);
      case '"': {
        std::string text;
        if (!string(text)) return false;
        assign(into, std::move(text), begin);
        return true;
      }
      case 't':
        return word("true", true, into);
      case 'f':
        return word("false", false, into);
      case 'n':
        return word("null", nullptr, into);
      default:
        return number(into);
    }
  }
  void assign(Value& into, Value read, const char* begin) const {
    mark(read.place, begin, at_);
    into = std::move(read);
  }
  bool word(std::string_view written, Value meant, Value& into) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(written)) return false;
    const char* begin = at_;
    at_ += written.size();
    assign(into, std::move(meant), begin);
    return true;
  }

  bool object(Value& into) {
    ++at_;
    if (depth_left_ == 0) return false;
    --depth_left_;
    Place place = std::move(into.place);
    into = Value(Object{});
    into.place = std::move(place);
    Object& members = into.as_object();
    skip_blanks();
    if (!sees('}')) {
      members.reserve(2);
      do {
        skip_blanks();
        const char* begin = at_;
        Member& member = members.emplace_back();
        if (!string(member.key)) return false;
        mark(member.key_place, begin, at_);
        skip_blanks();
        if (!take(':')) return false;
        skip_blanks();
        if (!value(member.value)) return false;
        skip_blanks();
      } while (take(','));
    }
    ++depth_left_;
    return take('}') && !find_duplicate_key(members);
  }

  bool array(Value& into) {
    ++at_;
    if (depth_left_ == 0) return false;
    --depth_left_;
    Place place = std::move(into.place);
    into = Value(Array{});
    into.place = std::move(place);
    Array& items = into.as_array();
    skip_blanks();
    if (!sees(']')) {
      items.reserve(2);
      do {
        skip_blanks();
        if (!value(items.emplace_back())) return false;
        skip_blanks();
      } while (take(','));
    }
    ++depth_left_;
    return take(']');
  }

  bool string(std::string& into) {
    if (!take('"')) return false;
    for (;;) {
      const char* begin = at_;
      while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20) ++at_;
      into.append(begin, at_);
      if (take('"')) return true;
      if (!take('\\') || at_ == end_) return false;
      switch (*at_++) {
        case '"':
          into += '"';
          break;
        case '\\':
          into += '\\';
          break;
        case '/':
          into += '/';
          break;
        case 'b':
          into += '\b';
          break;
        case 'f':
          into += '\f';
          break;
        case 'n':
          into += '\n';
          break;
        case 'r':
          into += '\r';
          break;
        case 't':
          into += '\t';
          break;
        default:
          return false;
      }
    }
  }

  bool digits() {
    const char* begin = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != begin;
  }
  bool number(Value& into) {
    const char* begin = at_;
    take('-');
    if (!take('0') && !digits()) return false;
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!digits()) return false;
    }
    if (take('e') || take('E')) {
      whole = false;
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    // from_chars and strtod round alike, correctly; the careful reader decides about what fits no type.
    if (whole) {
      std::int64_t read = 0;
      if (std::from_chars(begin, at_, read).ec != std::errc{}) return false;
      assign(into, read, begin);
    } else {
      double read = 0;
      if (std::from_chars(begin, at_, read).ec != std::errc{} || !std::isfinite(read)) return false;
      assign(into, read, begin);
    }
    return true;
  }

  const std::shared_ptr<const Source>& source_;
  const char* at_;
  const char* end_;
  const char* line_start_;
  int line_ = 1;
  std::size_t nodes_left_;
  std::size_t depth_left_;
};

}  // namespace

std::optional<Value> read_plain_json(const std::shared_ptr<const Source>& source, const Limits& limits) {
  std::optional<Value> root(std::in_place);
  PlainReader reader(source, limits);
  if (!reader.read(*root)) root.reset();
  return root;
}

}  // namespace tranche::doc::detail
