#include "gate/pattern.hpp"

#include <memory>
#include <optional>
#include <string>

#include "base/text.hpp"

namespace tranche::gate {
namespace {

constexpr std::size_t longest_pattern = 1000;
constexpr std::size_t most_states = 4000;
constexpr int deepest = 50;
constexpr unsigned most_repeats = 1000;  // as in Go

using Bytes = std::bitset<256>;

struct Node {
  enum class Kind : std::uint8_t { bytes, begin, end, sequence, either, repeat } kind = Kind::sequence;
  Bytes bytes;
  unsigned least = 0;
  std::optional<unsigned> most;  // of repeat; absent: no limit
  std::vector<Node> inside;
};

Bytes span_of(unsigned char from, unsigned char to) {
  Bytes out;
  for (std::size_t c = from; c <= to; ++c) out.set(c);
  return out;
}
Bytes digits() { return span_of('0', '9'); }
Bytes words() { return digits() | span_of('a', 'z') | span_of('A', 'Z') | span_of('_', '_'); }
Bytes blanks() {
  Bytes out = span_of('\t', '\n');
  for (const char c : {'\f', '\r', ' '}) out.set(static_cast<std::size_t>(c));
  return out;
}

}  // namespace

class PatternParser {
 public:
  explicit PatternParser(std::string_view text) : text_(text) {}

  Result<Pattern> whole() {
    const Node node = TRY(either());
    if (at_ < text_.size()) return wrong("')' closes nothing", "write \\) for the character itself");
    Pattern out;
    TRY(emit(out, node));
    TRY(add(out, {}));
    return out;
  }

 private:
  std::unexpected<Error> wrong(std::string_view what, std::string_view hint) const {
    return fail_hint(ErrorKind::invalid, std::string(hint), "bad pattern '{}' at {}: {}",
                     printable(text_, 80), at_ + 1, what);
  }
  [[nodiscard]] bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }

  Result<Node> either() {
    if (++depth_ > deepest) return wrong("it is nested too deeply", "write it with fewer groups");
    Node out;
    out.kind = Node::Kind::either;
    out.inside.push_back(TRY(sequence()));
    while (is('|')) {
      ++at_;
      out.inside.push_back(TRY(sequence()));
    }
    --depth_;
    return out;
  }

  Result<Node> sequence() {
    Node out;
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      Node one = TRY(atom());
      out.inside.push_back(TRY(repeated(std::move(one))));
    }
    return out;
  }

  Result<Node> repeated(Node one) {
    bool again = false;
    for (;;) {
      unsigned least = 0;
      std::optional<unsigned> most;
      if (is('*')) {
      } else if (is('+')) {
        least = 1;
      } else if (is('?')) {
        most = 1;
      } else if (!is('{') || !TRY(counted(least, most))) {
        return one;
      }
      if (again) return wrong("a repetition of a repetition", "put a group around the inner one");
      again = true;
      ++at_;
      if (is('?')) ++at_;  // lazy: the same texts match
      Node out;
      out.kind = Node::Kind::repeat;
      out.least = least;
      out.most = most;
      out.inside.push_back(std::move(one));
      one = std::move(out);
    }
  }

  // {2}, {2,}, {2,5}; anything else is a plain '{'. Stays at the '}'.
  Result<bool> counted(unsigned& least, std::optional<unsigned>& most) {
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) return false;
    const std::string_view inner = text_.substr(at_ + 1, end - at_ - 1);
    const std::size_t comma = inner.find(',');
    const auto low = parse_u64(inner.substr(0, comma));
    std::optional<std::uint64_t> high = low;
    if (comma != std::string_view::npos) high = parse_u64(inner.substr(comma + 1));
    const bool open = comma != std::string_view::npos && comma + 1 == inner.size();
    if (!low || (!high && !open)) return false;
    if (*low > most_repeats || (high && (*high > most_repeats || *high < *low)))
      return wrong("a count is out of range", "0 to 1000, the smaller one first");
    least = static_cast<unsigned>(*low);
    if (!open) most = static_cast<unsigned>(*high);
    at_ = end;
    return true;
  }

  Result<Node> atom() {
    const char c = text_[at_];
    Node out;
    out.kind = Node::Kind::bytes;
    switch (c) {
      case '(':
        return group();
      case '[':
        return set();
      case '\\':
        ++at_;
        out.bytes = TRY(escaped());
        return out;
      case '*':
      case '+':
      case '?':
        return wrong("there is nothing to repeat", "put a backslash before it for the character itself");
      case '^':
      case '$':
        ++at_;
        out.kind = c == '^' ? Node::Kind::begin : Node::Kind::end;
        return out;
      case '.':
        ++at_;
        out.bytes.set();
        out.bytes.reset('\n');
        return out;
      default:
        ++at_;
        out.bytes.set(static_cast<unsigned char>(c));
        return out;
    }
  }

  Result<Node> group() {
    ++at_;
    if (is('?')) {
      if (!text_.substr(at_).starts_with("?:"))
        return wrong("flags and names of groups are not known", "write (...) or (?:...)");
      at_ += 2;
    }
    Node out = TRY(either());
    if (!is(')')) return wrong("a group is not closed", "write \\( for the character itself");
    ++at_;
    return out;
  }

  Result<Bytes> escaped() {
    if (at_ == text_.size()) return wrong("a backslash at the end", "write \\\\ for the character itself");
    const char c = text_[at_++];
    Bytes out;
    switch (c) {
      case 'd':
        return digits();
      case 'D':
        return ~digits();
      case 'w':
        return words();
      case 'W':
        return ~words();
      case 's':
        return blanks();
      case 'S':
        return ~blanks();
      case 'n':
        out.set('\n');
        return out;
      case 't':
        out.set('\t');
        return out;
      case 'r':
        out.set('\r');
        return out;
      default:
        break;
    }
    if (words()[static_cast<unsigned char>(c)] || static_cast<unsigned char>(c) >= 0x80)
      return wrong(fmt::format("the escape \\{} is not known", printable(std::string_view(&c, 1))),
                   "known are \\d \\w \\s \\D \\W \\S \\n \\t \\r and punctuation");
    out.set(static_cast<unsigned char>(c));
    return out;
  }

  // One byte or escape inside [...].
  Result<Bytes> member() {
    if (is('\\')) {
      ++at_;
      return escaped();
    }
    if (static_cast<unsigned char>(text_[at_]) >= 0x80)
      return wrong("a class with a character beyond ASCII", "write the alternatives: (ä|ö)");
    if (text_.substr(at_).starts_with("[:"))
      return wrong("named classes are not known", "write [a-z], \\d or \\w");
    Bytes out;
    out.set(static_cast<unsigned char>(text_[at_++]));
    return out;
  }
  static std::optional<unsigned> only(const Bytes& bytes) {
    if (bytes.count() != 1) return std::nullopt;
    return static_cast<unsigned>(bytes._Find_first());
  }

  Result<Node> set() {
    Node out;
    out.kind = Node::Kind::bytes;
    ++at_;
    const bool inverted = is('^');
    if (inverted) ++at_;
    for (bool first = true; first || !is(']'); first = false) {
      if (at_ >= text_.size()) return wrong("a class is not closed", "write \\[ for the character itself");
      const Bytes from = TRY(member());
      out.bytes |= from;
      if (!is('-') || at_ + 1 >= text_.size() || text_[at_ + 1] == ']') continue;
      ++at_;
      const Bytes to = TRY(member());
      const auto low = only(from), high = only(to);
      if (!low || !high || *low > *high)
        return wrong("a range that is none", "write [a-z], the smaller one first");
      for (unsigned c = *low; c <= *high; ++c) out.bytes.set(c);
    }
    ++at_;
    if (inverted) out.bytes.flip();
    return out;
  }

  Result<std::uint32_t> add(Pattern& out, Pattern::State state) const {
    if (out.states_.size() >= most_states) return wrong("it is too large", "repeat less");
    out.states_.push_back(state);
    return static_cast<std::uint32_t>(out.states_.size() - 1);
  }
  static std::uint32_t here(const Pattern& out) { return static_cast<std::uint32_t>(out.states_.size()); }

  Result<> emit(Pattern& out, const Node& node) const {
    using Kind = Pattern::Kind;
    switch (node.kind) {
      case Node::Kind::bytes:
        TRY(add(out, {Kind::bytes, 0, 0, node.bytes}));
        return {};
      case Node::Kind::begin:
        TRY(add(out, {Kind::begin, 0, 0, {}}));
        return {};
      case Node::Kind::end:
        TRY(add(out, {Kind::end, 0, 0, {}}));
        return {};
      case Node::Kind::sequence:
        for (const Node& inner : node.inside) TRY(emit(out, inner));
        return {};
      case Node::Kind::either: {
        std::vector<std::uint32_t> ends;
        for (std::size_t i = 0; i < node.inside.size(); ++i) {
          const bool last = i + 1 == node.inside.size();
          const std::uint32_t split = last ? 0 : TRY(add(out, {Kind::split, here(out) + 1, 0, {}}));
          TRY(emit(out, node.inside[i]));
          if (last) break;
          ends.push_back(TRY(add(out, {Kind::jump, 0, 0, {}})));
          out.states_[split].other = here(out);
        }
        for (const std::uint32_t end : ends) out.states_[end].to = here(out);
        return {};
      }
      case Node::Kind::repeat:
        break;
    }
    const Node& inner = node.inside.front();
    for (unsigned i = 0; i < node.least; ++i) TRY(emit(out, inner));
    if (!node.most) {
      const std::uint32_t split = TRY(add(out, {Kind::split, here(out) + 1, 0, {}}));
      TRY(emit(out, inner));
      TRY(add(out, {Kind::jump, split, 0, {}}));
      out.states_[split].other = here(out);
      return {};
    }
    std::vector<std::uint32_t> splits;
    for (unsigned i = node.least; i < *node.most; ++i) {
      splits.push_back(TRY(add(out, {Kind::split, here(out) + 1, 0, {}})));
      TRY(emit(out, inner));
    }
    for (const std::uint32_t split : splits) out.states_[split].other = here(out);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

Result<Pattern> Pattern::compile(std::string_view text) {
  if (text.size() > longest_pattern)
    return fail_hint(ErrorKind::invalid, "write a shorter one", "a pattern of more than {} bytes",
                     longest_pattern);
  return PatternParser(text).whole();
}

bool Pattern::matches(std::string_view text) const {
  std::vector<std::uint32_t> now, next, open;
  std::vector<std::size_t> seen(states_.size(), 0);  // the step at which a state was entered, from 1
  const auto enter = [&](std::uint32_t first, std::size_t at, std::vector<std::uint32_t>& into) {
    open.assign(1, first);
    while (!open.empty()) {
      const std::uint32_t state = open.back();
      open.pop_back();
      if (seen[state] == at + 1) continue;
      seen[state] = at + 1;
      const State& s = states_[state];
      if (s.kind == Kind::match) return true;
      if (s.kind == Kind::bytes) into.push_back(state);
      if (s.kind == Kind::split) open.push_back(s.other);
      if (s.kind == Kind::split || s.kind == Kind::jump) open.push_back(s.to);
      if ((s.kind == Kind::begin && at == 0) || (s.kind == Kind::end && at == text.size()))
        open.push_back(state + 1);
    }
    return false;
  };
  if (states_.empty()) return false;
  for (std::size_t at = 0;; ++at) {
    if (enter(0, at, now)) return true;  // unanchored: a match may begin anywhere
    if (at == text.size()) return false;
    next.clear();
    for (const std::uint32_t state : now)
      if (states_[state].bytes[static_cast<unsigned char>(text[at])] && enter(state + 1, at + 1, next))
        return true;
    std::swap(now, next);
  }
}

}  // namespace tranche::gate
