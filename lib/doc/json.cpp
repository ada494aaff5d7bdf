// Strict JSON (RFC 8259) to Value. The only file that sees nlohmann-json, and only its SAX face: its DOM
// keeps the last of two equal keys, frees by recursion, and forgets where things were.
//
// SAX events carry no positions. The lexer has accepted every token before its event comes, so a second, tiny
// cursor walks the text in step with the events and finds each token's start and end; that costs one pass
// over the bytes. Texts without surprises never come here: json_plain.cpp reads them for a tenth of the cost.
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "doc/json_plain.hpp"
#include "doc/loader.hpp"
#include "doc/value.hpp"

namespace tranche::doc {
namespace {

using Json = nlohmann::json;

class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(const detail::Located& where, const Limits& limits)
      : where_(where),
        text_(where.text()),
        limits_(limits),
        max_depth_(std::min(limits.max_depth, detail::hard_max_depth)) {}

  bool null() override { return add(Value(), token()); }
  bool boolean(bool value) override { return add(Value(value), token()); }
  bool number_integer(number_integer_t value) override {
    return add(Value(static_cast<std::int64_t>(value)), token());
  }
  bool number_unsigned(number_unsigned_t value) override {
    const Place place = token();
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return refuse_big(place);
    }
    return add(Value(static_cast<std::int64_t>(value)), place);
  }
  bool number_float(number_float_t value, const string_t& written) override {
    const Place place = token();
    // An integer that fits no 64 bits arrives here, rounded.
    if (written.find_first_of(".eE") == std::string::npos) return refuse_big(place);
    return add(Value(value), place);
  }
  bool string(string_t& value) override { return add(Value(std::move(value)), token()); }
  bool binary(binary_t& /*value*/) override { return false; }  // not in JSON text

  bool start_object(std::size_t /*elements*/) override { return open(Value::object()); }
  bool start_array(std::size_t /*elements*/) override { return open(Value::array()); }
  bool key(string_t& value) override {
    key_ = std::move(value);
    key_place_ = token();
    return true;
  }
  bool end_object() override {
    token();
    Frame frame = std::move(open_.back());
    if (const auto twice = detail::find_duplicate_key(frame.value.as_object())) {
      return refuse(detail::duplicate_key(frame.value.as_object(), *twice));
    }
    return close(std::move(frame));
  }
  bool end_array() override {
    token();
    Frame frame = std::move(open_.back());
    return close(std::move(frame));
  }

  bool parse_error(std::size_t position, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& why) override {
    // The lexer stands behind the token that it refused: `position` counts the bytes that it has read.
    const std::size_t end = std::min(position, text_.size());
    if (why.id == 406) {
      return refuse(
          detail::refusal(token_ending(end), "number out of the range of a double", "write it as a string"));
    }
    const std::string reason = reason_of(why.what());
    if (reason.starts_with("unexpected end of input") || position > text_.size()) {
      return refuse(detail::refusal(where_.at(text_.size()), "not JSON: the text ends too early",
                                    "is the file cut off? every '{', '[' and '\"' needs its end"));
    }
    const std::size_t broken_at = end > 0 ? end - 1 : 0;
    const bool whole_token = reason.starts_with("unexpected ");
    return refuse(detail::refusal(whole_token ? token_ending(end) : where_.at(broken_at),
                                  fmt::format("not JSON: {}", printable(reason)), hint_at(broken_at)));
  }

  Value root;
  std::optional<Error> error;

 private:
  struct Frame {
    Value value;
    std::string key;  // of the parent's member that this becomes
    Place key_place;
  };

  static bool is_any_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
  // End of the token that begins at `at`; separators and brackets are tokens of one byte.
  [[nodiscard]] std::size_t end_of_token(std::size_t at) const {
    const char first = text_[at++];
    if (first == '"') {
      while (at < text_.size() && text_[at] != '"') at += text_[at] == '\\' ? 2 : 1;
      return std::min(at + 1, text_.size());
    }
    if (is_any_of(first, ",:{}[]")) return at;
    while (at < text_.size() && !is_any_of(text_[at], " \t\r\n,:{}[]")) ++at;
    return at;
  }
  // Moves the cursor over the next token and says where it is. Separators carry nothing and are skipped.
  Place token() {
    while (cursor_ < text_.size() && is_any_of(text_[cursor_], " \t\r\n,:")) ++cursor_;
    const std::size_t begin = cursor_;
    if (begin < text_.size()) cursor_ = end_of_token(begin);
    return where_.at(begin, cursor_ - begin);
  }
  // The token behind the cursor whose last byte is before `end`.
  [[nodiscard]] Place token_ending(std::size_t end) const {
    std::size_t at = cursor_;
    if (at >= end) return where_.at(end > 0 ? end - 1 : 0);  // 01: two tokens to the lexer, one to the cursor
    while (at < text_.size()) {
      const std::size_t next = is_any_of(text_[at], " \t\r\n") ? at + 1 : end_of_token(at);
      if (next >= end) return where_.at(at, next - at);
      at = next;
    }
    return where_.at(end);
  }
  // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing value -
  // REASON; last read: 'BYTES'; expected WHAT" -> "REASON; expected WHAT"
  static std::string reason_of(std::string_view what) {
    if (const auto dash = what.find(" - "); dash != std::string_view::npos) what.remove_prefix(dash + 3);
    std::string reason(what.substr(0, what.find("; last read")));
    const auto expected = what.rfind("; expected ");
    if (expected != std::string_view::npos && expected > reason.size()) reason += what.substr(expected);
    return reason;
  }

  bool refuse(Error why) {
    error = std::move(why);
    return false;
  }
  bool refuse_big(const Place& place) {
    return refuse(detail::refusal(place, "integer beyond 64 bits", "write it as a string"));
  }
  [[nodiscard]] std::string hint_at(std::size_t offset) const {
    const std::string_view rest = text_.substr(std::min(offset, text_.size()));
    if (rest.starts_with('\'')) return "JSON strings take double quotes";
    if (rest.starts_with('/') || rest.starts_with('#')) return "JSON has no comments";
    if (rest.starts_with(']') || rest.starts_with('}')) return "is there a comma too many before it?";
    return "see RFC 8259 for what JSON allows";
  }

  bool open(Value value) {
    const Place place = token();
    if (open_.size() >= max_depth_) return refuse(detail::too_deep(place, max_depth_));
    if (++nodes_ > limits_.max_nodes) return refuse(detail::too_many_nodes(place, limits_.max_nodes));
    value.place = place;
    open_.push_back(Frame{std::move(value), std::move(key_), key_place_});
    return true;
  }
  bool close(Frame frame) {
    open_.pop_back();
    key_ = std::move(frame.key);
    key_place_ = std::move(frame.key_place);
    attach(std::move(frame.value));
    return true;
  }
  bool add(Value value, Place place) {
    if (++nodes_ > limits_.max_nodes) return refuse(detail::too_many_nodes(place, limits_.max_nodes));
    value.place = std::move(place);
    attach(std::move(value));
    return true;
  }
  void attach(Value value) {
    if (open_.empty()) {
      root = std::move(value);
    } else if (Value& parent = open_.back().value; parent.is_array()) {
      parent.as_array().push_back(std::move(value));
    } else {
      parent.as_object().push_back(Member{std::move(key_), std::move(value), std::move(key_place_)});
    }
  }

  const detail::Located& where_;
  std::string_view text_;
  Limits limits_;
  std::size_t max_depth_;
  std::vector<Frame> open_;
  std::string key_;
  Place key_place_;
  std::size_t cursor_ = 0;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<Value> detail::read_careful_json(const std::shared_ptr<const Source>& source, const Limits& limits) {
  const Located where(source);
  Builder builder(where, limits);
  try {
    const std::string& kept = where.text();
    if (Json::sax_parse(kept.data(), kept.data() + kept.size(), &builder)) return std::move(builder.root);
  } catch (const std::exception& what) {
    return fail(detail::refusal(where.at(0), fmt::format("not JSON: {}", printable(what.what())),
                                "see RFC 8259 for what JSON allows"));
  }
  if (builder.error) return fail(std::move(*builder.error));
  return fail(detail::refusal(where.at(0), "not JSON", "see RFC 8259 for what JSON allows"));
}

Result<Value> parse_json(std::string_view text, std::string file, const Limits& limits) {
  if (auto error = detail::check_bytes(text, file, limits)) return fail(std::move(*error));
  const auto source = std::make_shared<const Source>(Source{std::move(file), std::string(text)});
  if (auto value = detail::read_plain_json(source, limits)) return std::move(*value);
  if (text.starts_with("\xEF\xBB\xBF")) {
    return fail(detail::refusal(detail::Located(source).at(0), "JSON may not begin with a byte order mark",
                                "save the file as UTF-8 without BOM"));
  }
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    // nlohmann's lexer takes a NUL for the end of the text and would not see what follows.
    return fail(detail::refusal(detail::Located(source).at(nul), "not JSON: a NUL byte",
                                "write it as \\u0000 in a string"));
  }
  return detail::read_careful_json(source, limits);
}

}  // namespace tranche::doc
