// Strict YAML to Value. The only file that sees yaml-cpp, and only its event face: its node graph accepts
// duplicate keys, shares aliased nodes (a cycle loads, a bomb loads cheaply and explodes in a walker) and is
// walked by recursion.
//
// The handler builds Values on a stack of its own, so that depth, nodes and bytes are counted before anything
// is built. An anchor is remembered as the path to its node; an alias copies that node under the caps. The
// handler leaves the parser by throwing Refused, which never leaves this file.
//
// yaml-cpp 0.7, measured: recursion follows our events one to one, so the depth cap bounds it; a byte 04 ends
// its input silently; NUL bytes make it guess UTF-16; a lone CR is a break but no line in its marks; a run of
// '[' is read to its end before the first event, about 250 bytes of memory each. Hence yaml_text.cpp.
#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/text.hpp"
#include "doc/loader.hpp"
#include "doc/value.hpp"
#include "doc/yaml_scalar.hpp"
#include "doc/yaml_text.hpp"

namespace tranche::doc {
namespace {

struct Refused {
  Error error;
};

struct Bytes final : std::streambuf {  // an istream over text that is not copied
  explicit Bytes(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // only read: the get area has no put area
    setg(begin, begin, begin + text.size());
  }
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// YAML forbids tabs as indentation; yaml-cpp counts each as one column. A tab before the first token of a
// line is refused, and before a key or a nested list (starts_block) also one after a dash.
std::optional<std::size_t> find_indenting_tab(const detail::Located& where, std::size_t offset,
                                              bool starts_block) {
  const std::string& text = where.text();
  bool leading = true;
  for (std::size_t at = where.line_start(offset); at < offset; ++at) {
    const char c = text[at];
    if (c == '\t' && (leading || starts_block)) return at;
    if (is_blank(c)) continue;
    leading = false;
    if (c != '-' && c != '?') return std::nullopt;
  }
  return std::nullopt;
}
Error tab_refusal(const detail::Located& where, std::size_t offset) {
  return detail::refusal(where.at(offset), "a tab is used as indentation", "indent with spaces");
}

// What a subtree costs when an alias repeats it.
struct Cost {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  std::size_t depth = 0;  // containers on the longest way down
};

class Builder final : public YAML::EventHandler {
 public:
  Builder(const detail::Located& where, const Limits& limits)
      : where_(where),
        text_(where.text()),
        limits_(limits),
        max_depth_(std::min(limits.max_depth, detail::hard_max_depth)) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    refuse(place(offset_of(mark)), "a second document, or text after the end of the first",
           "keep one document a file; is the indentation right?");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Token token = locate(mark);
    // The event hides how the null was written, if at all.
    std::string_view written;
    for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
      if (text_.substr(token.offset).starts_with(word)) written = word;
    }
    token.length = std::max<std::size_t>(1, written.size());
    if (!expects_key()) {
      const bool in_flow_list = !open_.empty() && open_.back().flow && open_.back().value.is_array();
      if (in_flow_list && written.empty() && anchor == YAML::NullAnchor) {
        refuse(place(token), "an entry of the list is missing", "remove the extra comma, or write null");
      }
      return add(Value(), token, anchor);
    }
    if (!written.empty()) return take_key(std::string(written), token, anchor);
    refuse(place(token.offset), "a key is missing before ':'",
           "write the key, or quote '\"\"' if it is empty");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Token token = locate(mark);
    if (tag != "?" && tag != "!") refuse_tag(token);
    token.length = source_length(token, text);
    check_tabs(token, false);
    if (!is_valid_utf8(text)) {
      refuse(place(token), "an escape makes text that is not UTF-8", "write the character itself");
    }
    const bool plain = tag == "?";
    if (expects_key()) {
      if (plain && text == "<<") {
        refuse(place(token), "merge keys '<<' are not supported",
               "use the alias as the whole value, or repeat the keys");
      }
      check_tabs(token, true);
      return take_key(text, token, anchor);
    }
    if (plain) check_continuation(token, text);
    if (!plain) return add(Value(text), token, anchor);
    auto resolved = detail::resolve_plain(text);
    if (auto* surprise = std::get_if<detail::Surprise>(&resolved)) {
      refuse(place(token), std::move(surprise->message), std::move(surprise->hint));
    }
    add(std::move(std::get<Value>(resolved)), token, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Value::array(), mark, tag, anchor, style);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Value::object(), mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    const Object& object = open_.back().value.as_object();
    if (const auto twice = detail::find_duplicate_key(object)) {
      throw Refused{detail::duplicate_key(object, *twice)};
    }
    close();
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Token token = locate(mark);
    while (token.offset + token.length < text_.size() &&
           std::string_view(" \t\r\n,[]{}").find(text_[token.offset + token.length]) ==
               std::string_view::npos) {
      ++token.length;
    }
    check_tabs(token, false);
    if (expects_key()) refuse(place(token), "an alias cannot be a key", "write the key");
    const Value* original = find_anchor(anchor);
    if (original == nullptr) {
      refuse(place(token), "this alias stands for something that contains it", "write the value out");
    }
    Cost cost;
    measure(*original, open_.size(), cost, token);
    repeated_bytes_ += cost.bytes;
    nodes_ += cost.nodes - 1;  // add() counts the first one
    Value copy = *original;
    add(std::move(copy), token, YAML::NullAnchor);
  }

  // Of the innermost bracket that is open; null place when none is.
  [[nodiscard]] Place open_bracket() const {
    for (auto frame = open_.rbegin(); frame != open_.rend(); ++frame) {
      if (frame->flow) return frame->value.place;
    }
    return {};
  }

  Value root;

 private:
  struct Token {
    std::size_t offset = 0;
    std::size_t length = 1;
  };
  struct Frame {
    Value value;
    std::string key;  // of a map: read, its value still to come
    Place key_place;
    bool has_key = false;
    bool flow = false;
    YAML::anchor_t anchor = YAML::NullAnchor;
  };
  using Path = std::vector<std::uint32_t>;  // child indices from the root

  [[noreturn]] static void refuse(const Place& at, std::string message, std::string hint) {
    throw Refused{detail::refusal(at, std::move(message), std::move(hint))};
  }
  [[noreturn]] void refuse_tab(std::size_t offset) const { throw Refused{tab_refusal(where_, offset)}; }
  [[noreturn]] void refuse_tag(const Token& token) const {
    refuse(place(token.offset), "tags (!...) are not supported",
           "remove the tag; quote a text that begins with '!'");
  }
  [[nodiscard]] Place place(std::size_t offset, std::size_t length = 1) const {
    return where_.at(offset, length);
  }
  [[nodiscard]] Place place(const Token& token) const { return where_.at(token.offset, token.length); }
  [[nodiscard]] std::size_t offset_of(const YAML::Mark& mark) const {
    return mark.pos < 0 ? 0 : std::min(static_cast<std::size_t>(mark.pos), text_.size());
  }

  // The mark of an anchored node is its anchor's. This steps over `&name` to the node itself, and refuses the
  // tag that events do not show: a lone '!' looks like quotes there.
  [[nodiscard]] Token locate(const YAML::Mark& mark) const {
    std::size_t at = offset_of(mark);
    while (at < text_.size() && (text_[at] == '&' || text_[at] == '!')) {
      if (text_[at] == '!') refuse_tag(Token{at, 1});
      const std::size_t anchor = at;
      while (at < text_.size() && !is_blank(text_[at]) && text_[at] != '\r' && text_[at] != '\n') ++at;
      while (at < text_.size()) {
        if (text_[at] == '#') {
          at = std::min(text_.find('\n', at), text_.size());
        } else if (is_blank(text_[at]) || text_[at] == '\r' || text_[at] == '\n') {
          ++at;
        } else {
          break;
        }
      }
      if (at >= text_.size()) return Token{anchor, 1};
    }
    return Token{at, 1};
  }

  // Bytes that a scalar takes on its first line.
  [[nodiscard]] std::size_t source_length(const Token& token, const std::string& text) const {
    const std::string_view rest = text_.substr(token.offset);
    if (rest.empty()) return 1;
    if (rest[0] == '\'' || rest[0] == '"') {
      const std::size_t length = detail::quoted_length(rest);
      if (length == 0)
        refuse(place(token), "a quote is opened and never closed", "close it, or quote the quote");
      return length;
    }
    return static_cast<std::size_t>(std::mismatch(rest.begin(), rest.end(), text.begin(), text.end()).first -
                                    rest.begin());
  }

  // Indentation means nothing between brackets.
  void check_tabs(const Token& token, bool starts_block) const {
    if (!open_.empty() && open_.back().flow) return;
    if (const auto tab = find_indenting_tab(where_, token.offset, starts_block)) refuse_tab(*tab);
  }
  // A plain scalar over several lines is folded; a line of it that begins with a tab may have been meant as a
  // nested entry.
  void check_continuation(const Token& token, const std::string& text) const {
    std::size_t at = token.offset;
    for (const char c : text) {
      if (at < text_.size() && text_[at] == c && c != '\n' && c != ' ') {
        ++at;
        continue;
      }
      bool new_line = false;
      while (at < text_.size() && (is_blank(text_[at]) || text_[at] == '\r' || text_[at] == '\n')) {
        if (text_[at] == '\t' && new_line && (open_.empty() || !open_.back().flow)) {
          refuse_tab(at);
        }
        new_line = new_line || text_[at] == '\n';
        ++at;
      }
    }
  }

  [[nodiscard]] bool expects_key() const {
    return !open_.empty() && open_.back().value.is_object() && !open_.back().has_key;
  }
  void take_key(std::string key, const Token& token, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      refuse(place(token), "a key cannot have an anchor", "put the anchor (&name) after the ':'");
    }
    Frame& frame = open_.back();
    if (!frame.flow) require_colon(token);
    frame.key = std::move(key);
    frame.key_place = place(token);
    frame.has_key = true;
  }
  // yaml-cpp takes a last line without ':' for a key without a value.
  void require_colon(const Token& token) const {
    std::size_t after = token.offset + token.length;
    while (after < text_.size() && is_blank(text_[after])) ++after;
    if (after < text_.size() && text_[after] == ':') return;
    std::size_t before = token.offset;
    while (before > 0 && is_blank(text_[before - 1])) --before;
    if (before > 0 && text_[before - 1] == '?') return;  // `? key` needs none
    refuse(place(token), "a ':' is missing after this key", "write 'key: value'; is the indentation right?");
  }
  void count(const Place& at) {
    if (++nodes_ > limits_.max_nodes) throw Refused{detail::too_many_nodes(at, limits_.max_nodes)};
  }

  void open(Value value, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    const std::size_t offset = offset_of(mark);
    const Token token = anchor == YAML::NullAnchor ? Token{offset, 1} : locate(mark);
    if (tag != "?") refuse_tag(Token{offset, 1});
    check_tabs(token, style != YAML::EmitterStyle::Flow);
    const Place at = place(token);
    if (expects_key()) {
      refuse(at, "a key must be a text, not a list or a map",
             "quote it if it is a text; is its bracket closed?");
    }
    if (open_.size() >= max_depth_) throw Refused{detail::too_deep(at, max_depth_)};
    count(at);
    value.place = at;
    const bool flow = style == YAML::EmitterStyle::Flow;
    open_.push_back(Frame{std::move(value), {}, {}, false, flow, anchor});
  }
  void close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    attach(std::move(frame.value), frame.anchor);
  }
  void add(Value value, const Token& token, YAML::anchor_t anchor) {
    value.place = place(token);
    count(value.place);
    attach(std::move(value), anchor);
  }
  void attach(Value value, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) remember(anchor);
    if (open_.empty()) {
      root = std::move(value);
      return;
    }
    Frame& parent = open_.back();
    if (parent.value.is_array()) {
      parent.value.as_array().push_back(std::move(value));
      return;
    }
    parent.value.as_object().push_back(
        Member{std::move(parent.key), std::move(value), std::move(parent.key_place)});
    parent.key.clear();
    parent.has_key = false;
  }

  static std::size_t child_count(const Value& value) {
    return value.is_array() ? value.as_array().size() : value.as_object().size();
  }
  void remember(YAML::anchor_t anchor) {
    Path path;
    path.reserve(open_.size());
    for (const Frame& frame : open_) path.push_back(static_cast<std::uint32_t>(child_count(frame.value)));
    anchors_[anchor] = std::move(path);
  }
  // Null while the anchored node is still being built. The first steps of the path may lead through nodes
  // that are still open, the others through finished ones.
  [[nodiscard]] const Value* find_anchor(YAML::anchor_t anchor) const {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end() || open_.empty()) return nullptr;
    const Path& path = found->second;
    std::size_t level = 0;
    while (level < path.size() && level + 1 < open_.size() &&
           path[level] == child_count(open_[level].value)) {
      ++level;
    }
    const Value* value = &open_[level].value;
    for (; level < path.size(); ++level) {
      value = value->is_array() ? &value->as_array()[path[level]] : &value->as_object()[path[level]].value;
    }
    return value;
  }
  void measure(const Value& value, std::size_t depth, Cost& cost, const Token& use) const {
    ++cost.nodes;
    if (nodes_ + cost.nodes > limits_.max_nodes) {
      throw Refused{detail::too_many_nodes(place(use), limits_.max_nodes)};
    }
    if (value.is_string()) cost.bytes += value.as_string().size();
    const bool container = value.is_array() || value.is_object();
    if (container && depth >= max_depth_) throw Refused{detail::too_deep(place(use), max_depth_)};
    if (value.is_array()) {
      for (const Value& item : value.as_array()) measure(item, depth + 1, cost, use);
    } else if (value.is_object()) {
      for (const Member& member : value.as_object()) {
        cost.bytes += member.key.size();
        measure(member.value, depth + 1, cost, use);
      }
    }
    // A long text repeated many times is few nodes and many bytes.
    if (repeated_bytes_ + cost.bytes > limits_.max_bytes) {
      refuse(place(use), fmt::format("aliases repeat more than {} bytes", limits_.max_bytes),
             "use fewer aliases");
    }
  }

  const detail::Located& where_;
  std::string_view text_;
  Limits limits_;
  std::size_t max_depth_;
  std::vector<Frame> open_;
  std::unordered_map<YAML::anchor_t, Path> anchors_;  // ids are counted by yaml-cpp, nobody chooses them
  std::size_t nodes_ = 0;
  std::size_t repeated_bytes_ = 0;
  int documents_ = 0;
};

std::string hint_for(std::string_view message) {
  const auto says = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  if (says("tab")) return "indent with spaces";
  if (says("map value")) return "quote a text that holds ': '; is the indentation right?";
  if (says("end of ")) return "is a bracket or a comma missing, or the indentation wrong?";
  if (says("EOF in scalar")) return "a quote is opened and never closed";
  if (says("unknown escape")) return "single quotes take backslashes as they are";
  if (says("anchor")) return "name it with &NAME before it is used";
  if (says("unknown token")) return "quote a text that begins with @, `, % or another special character";
  return "quote texts that hold special characters; check the indentation";
}

Error explain(const YAML::Exception& what, const detail::Located& where, const Place& open_bracket) {
  if (open_bracket.line > 0 && what.msg.starts_with("end of ")) {
    return detail::refusal(open_bracket, "not YAML: this bracket is not closed", hint_for(what.msg));
  }
  const std::size_t offset = what.mark.pos < 0 ? 0 : static_cast<std::size_t>(what.mark.pos);
  if (open_bracket.line == 0) {
    if (const auto tab = find_indenting_tab(where, std::min(offset, where.text().size()), true)) {
      return tab_refusal(where, *tab);
    }
  }
  if (what.msg.find("illegal tab") != std::string::npos) return tab_refusal(where, offset);
  return detail::refusal(where.at(offset), fmt::format("not YAML: {}", printable(what.msg)),
                         hint_for(what.msg));
}

}  // namespace

Result<Value> parse_yaml(std::string_view text, std::string file, const Limits& limits) {
  if (auto error = detail::check_bytes(text, file, limits)) return fail(std::move(*error));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // columns do not count the byte order mark
  const detail::Located where(text, std::move(file));
  if (auto error = detail::check_yaml_characters(where, limits)) return fail(std::move(*error));
  if (auto error = detail::check_yaml_directives(where)) return fail(std::move(*error));
  Bytes bytes(where.text());
  Builder builder(where, limits);
  try {
    std::istream stream(&bytes);
    YAML::Parser parser(stream);
    builder.root.place = where.at(0);  // an empty file is null there
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder.root);
  } catch (Refused& refused) {
    return fail(std::move(refused.error));
  } catch (const YAML::Exception& what) {
    return fail(explain(what, where, builder.open_bracket()));
  } catch (const std::exception& what) {
    return fail(
        detail::refusal(where.at(0), fmt::format("not YAML: {}", printable(what.what())), hint_for({})));
  } catch (...) {
    return fail(detail::refusal(where.at(0), "not YAML", hint_for({})));
  }
}

}  // namespace tranche::doc
