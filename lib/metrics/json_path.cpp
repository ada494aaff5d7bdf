#include "metrics/json_path.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.hpp"

namespace tranche::metrics::internal {

struct Comparand {
  std::shared_ptr<const std::vector<JsonPath::Step>> path;  // from @; null: a literal
  doc::Value literal;
};

struct JsonPath::Step {
  enum class Kind { names, indices, slice, everything, descend, filter } kind = Kind::everything;
  std::vector<std::string> names;     // one or a union
  std::vector<std::int64_t> indices;  // one or a union; negative ones count from the end
  std::optional<std::int64_t> from, to;
  std::int64_t by = 1;
  // filter: left, and with an operator right
  std::shared_ptr<const Comparand> left, right;
  std::string op;  // empty: left is there
};

namespace {

using Step = JsonPath::Step;
using Nodes = std::vector<const doc::Value*>;

constexpr std::size_t longest_text = 4096;
constexpr std::size_t most_steps = 64;
constexpr int deepest_filter = 4;
constexpr std::size_t most_looked_at = 200'000;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Step>> whole() {
    blanks();
    const bool braces = take('{');
    blanks();
    if (!take('$')) take('@');
    std::vector<Step> steps = TRY(path(0));
    blanks();
    if (braces && !take('}')) return wrong("a '}' is missing");
    blanks();
    if (at_ < text_.size())
      return wrong(braces ? "only one path in braces has a meaning here" : "this is no part of a path");
    return steps;
  }

 private:
  std::unexpected<Error> wrong(std::string_view what) const {
    return fail_hint(ErrorKind::invalid, "write it like {$.data.items[0].value}",
                     "bad JSONPath '{}', column {}: {}", printable(text_, 200), at_ + 1, what);
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }

  // Steps as far as they go.
  Result<std::vector<Step>> path(int depth) {
    std::vector<Step> steps;
    while (true) {
      if (++step_count_ > most_steps) return wrong(fmt::format("it has more than {} steps", most_steps));
      if (take('.')) {
        if (take('.')) {
          steps.emplace_back().kind = Step::Kind::descend;
          if (peek() == '[') continue;
        } else if (peek() == '[') {
          continue;  // .[0]
        }
        if (take('*')) {
          steps.emplace_back().kind = Step::Kind::everything;
          continue;
        }
        if (!is_name_char(peek()) && peek() != '\\') {
          if (steps.empty() && (peek() == '}' || at_ == text_.size())) return steps;  // {.}
          return wrong("a name is missing");
        }
        Step& step = steps.emplace_back();
        step.kind = Step::Kind::names;
        step.names.push_back(plain_name());
      } else if (take('[')) {
        Step step = TRY(bracket(depth));
        steps.push_back(std::move(step));
      } else {
        return steps;
      }
    }
  }

  // a\.b is one name (kubectl's escape).
  std::string plain_name() {
    std::string out;
    while (at_ < text_.size()) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size())
        ++at_;
      else if (!is_name_char(text_[at_]))
        break;
      out += text_[at_++];
    }
    return out;
  }

  Result<Step> bracket(int depth) {
    Step step;
    blanks();
    if (take('*')) {
      step.kind = Step::Kind::everything;
    } else if (take('?')) {
      if (!take('(')) return wrong("a filter is written [?(@.name == 1)]");
      step = TRY(filter(depth + 1));
      blanks();
      if (!take(')')) return wrong("a ')' is missing");
    } else if (peek() == '\'' || peek() == '"') {
      step.kind = Step::Kind::names;
      do {
        blanks();
        std::string name = TRY(quoted());
        step.names.push_back(std::move(name));
        blanks();
      } while (take(','));
    } else {
      TRY(numbers(step));
    }
    blanks();
    if (!take(']')) return wrong("a ']' is missing");
    return step;
  }

  Result<std::string> quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return wrong("a quote is missing");
    ++at_;
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_++];
    }
    if (!take(quote)) return wrong("the quote does not end");
    return out;
  }

  Result<std::optional<std::int64_t>> number() {
    blanks();
    std::int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, code] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (end == begin) return std::optional<std::int64_t>{};
    if (code != std::errc{} || value > 1'000'000'000 || value < -1'000'000'000)
      return wrong("the number is too large");
    at_ += static_cast<std::size_t>(end - begin);
    blanks();
    return std::optional(value);
  }

  Result<> numbers(Step& step) {
    const auto first = TRY(number());
    if (!take(':')) {
      step.kind = Step::Kind::indices;
      if (!first) return wrong("an index, a quoted name, * or ?(...) is missing");
      step.indices.push_back(*first);
      while (take(',')) {
        const auto next = TRY(number());
        if (!next) return wrong("an index is missing");
        step.indices.push_back(*next);
      }
      return {};
    }
    step.kind = Step::Kind::slice;
    step.from = first;
    step.to = TRY(number());
    if (take(':')) {
      const auto by = TRY(number());
      if (by && *by <= 0) return wrong("the step of a slice is above zero");
      step.by = by.value_or(1);
    }
    return {};
  }

  Result<std::shared_ptr<const Comparand>> comparand(int depth) {
    blanks();
    auto out = std::make_shared<Comparand>();
    if (take('@')) {
      out->path = std::make_shared<const std::vector<Step>>(TRY(path(depth)));
    } else if (peek() == '\'' || peek() == '"') {
      out->literal = TRY(quoted());
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && (is_name_char(text_[at_]) || text_[at_] == '.' || text_[at_] == '+'))
        ++at_;
      const std::string_view word = text_.substr(begin, at_ - begin);
      double value = 0;
      const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (word == "true" || word == "false")
        out->literal = word == "true";
      else if (!word.empty() && code == std::errc{} && end == word.data() + word.size())
        out->literal = value;
      else
        return wrong("a filter compares @..., numbers, quoted text, true and false");
    }
    return std::shared_ptr<const Comparand>(std::move(out));
  }

  Result<Step> filter(int depth) {
    if (depth > deepest_filter) return wrong("filters are nested too deep");
    Step step;
    step.kind = Step::Kind::filter;
    step.left = TRY(comparand(depth));
    blanks();
    for (const std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!text_.substr(at_).starts_with(op)) continue;
      at_ += op.size();
      step.op = op;
      step.right = TRY(comparand(depth));
      break;
    }
    return step;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t step_count_ = 0;
};

class Walker {
 public:
  Result<Nodes> walk(const std::vector<Step>& steps, const doc::Value& root) {
    Nodes now{&root};
    for (const Step& step : steps) {
      Nodes next;
      for (const doc::Value* node : now) TRY(apply(step, *node, next));
      now = std::move(next);
    }
    return now;
  }

 private:
  Result<> look() {
    if (++looked_at_ > most_looked_at)
      return fail_hint(ErrorKind::invalid, "name the way to the value instead of searching for it",
                       "the JSONPath would look at more than {} values", most_looked_at);
    return {};
  }

  Result<> apply(const Step& step, const doc::Value& node, Nodes& into) {
    TRY(look());
    switch (step.kind) {
      case Step::Kind::names:
        for (const std::string& name : step.names)
          if (const doc::Value* child = node.find(name)) into.push_back(child);
        return {};
      case Step::Kind::everything:
        return each_child(node, [&](const doc::Value& child) -> Result<> {
          into.push_back(&child);
          return look();
        });
      case Step::Kind::descend:
        return descend(node, into);
      case Step::Kind::indices:
      case Step::Kind::slice:
        return pick(step, node, into);
      case Step::Kind::filter:
        if (!node.is_array()) return {};
        return each_child(node, [&](const doc::Value& child) -> Result<> {
          if (TRY(holds(step, child))) into.push_back(&child);
          return {};
        });
    }
    return {};
  }

  template <class F>
  static Result<> each_child(const doc::Value& node, const F& visit) {
    if (node.is_array())
      for (const doc::Value& child : node.as_array()) TRY(visit(child));
    if (node.is_object())
      for (const doc::Member& member : node.as_object()) TRY(visit(member.value));
    return {};
  }

  // The node and all below it, outermost first. The document's depth is bounded by its reader.
  Result<> descend(const doc::Value& node, Nodes& into) {
    TRY(look());
    into.push_back(&node);
    return each_child(node, [&](const doc::Value& child) { return descend(child, into); });
  }

  Result<> pick(const Step& step, const doc::Value& node, Nodes& into) {
    if (!node.is_array()) return {};
    const auto size = static_cast<std::int64_t>(node.as_array().size());
    const auto at = [&](std::int64_t index) { return &node.as_array()[static_cast<std::size_t>(index)]; };
    if (step.kind == Step::Kind::indices) {
      for (const std::int64_t written : step.indices) {
        const std::int64_t index = written < 0 ? written + size : written;
        if (index >= 0 && index < size) into.push_back(at(index));
      }
      return {};
    }
    const auto bound = [&](const std::optional<std::int64_t>& written, std::int64_t fallback) {
      if (!written) return fallback;
      return std::clamp<std::int64_t>(*written < 0 ? *written + size : *written, 0, size);
    };
    for (std::int64_t i = bound(step.from, 0); i < bound(step.to, size); i += step.by) {
      TRY(look());
      into.push_back(at(i));
    }
    return {};
  }

  // Null when the path leads nowhere.
  Result<const doc::Value*> value_of(const Comparand& side, const doc::Value& node) {
    if (!side.path) return &side.literal;
    const Nodes found = TRY(walk(*side.path, node));
    return found.empty() ? nullptr : found.front();
  }

  Result<bool> holds(const Step& filter, const doc::Value& node) {
    const doc::Value* left = TRY(value_of(*filter.left, node));
    if (filter.op.empty()) return left != nullptr;
    const doc::Value* right = TRY(value_of(*filter.right, node));
    if (left == nullptr || right == nullptr) return false;
    if (left->is_number() && right->is_number()) {
      const double a = left->as_double(), b = right->as_double();
      return compare(filter.op, a < b, a == b, a > b);
    }
    if (left->is_string() && right->is_string()) {
      const int order = left->as_string().compare(right->as_string());
      return compare(filter.op, order < 0, order == 0, order > 0);
    }
    if (left->is_bool() && right->is_bool() && (filter.op == "==" || filter.op == "!="))
      return (left->as_bool() == right->as_bool()) == (filter.op == "==");
    return filter.op == "!=";  // of different kinds
  }
  static bool compare(std::string_view op, bool less, bool equal, bool more) {
    if (op == "==") return equal;
    if (op == "!=") return !equal;
    if (op == "<") return less;
    if (op == "<=") return less || equal;
    return op == ">" ? more : more || equal;
  }

  std::size_t looked_at_ = 0;
};

}  // namespace

Result<JsonPath> JsonPath::compile(std::string_view text) {
  if (text.size() > longest_text)
    return fail_hint(ErrorKind::invalid, "write it like {$.data.items[0].value}",
                     "the JSONPath is longer than {} bytes", longest_text);
  JsonPath out;
  out.steps_ = std::make_shared<const std::vector<Step>>(TRY(Parser(text).whole()));
  return out;
}

Result<const doc::Value*> JsonPath::first(const doc::Value& root) const {
  const Nodes found = TRY(Walker().walk(*steps_, root));
  return found.empty() ? nullptr : found.front();
}

}  // namespace tranche::metrics::internal
