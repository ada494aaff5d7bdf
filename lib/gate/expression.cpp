// Conditions of threshold gates: expr-lang, the language of Argo's successCondition, as far as conditions on
// measurements need it.
//
// Precedence as in expr-lang's table (parser/operator): or || 10 · and && 15 · == != < <= > >= in contains
// startsWith endsWith matches 20 · .. 25 · + - 30 · not ! 50 · * / % 60 · unary - + 90 · ** ^ 100, from the
// right ·
// ?? 500, not mixed with others without brackets. `a < b < c` means a < b and b < c. `?:` binds weakest. So
// `not result > 5` would mean `(not result) > 5`: it is refused with a hint.
//
// Types are checked as far as they are known when it is compiled, so that a gate that can never answer is
// found before a rollout. The text is bounded in bytes, nesting and nodes.
#include "gate/expression.hpp"

#include <optional>

#include "base/text.hpp"

namespace tranche::gate::internal {

namespace {

constexpr int deepest = 64;
constexpr std::size_t most_nodes = 512;

struct Operator {
  std::string_view symbol, word;
  Op op;
  int precedence;
};
constexpr int comparing = 20;
constexpr Operator binary[] = {
    {"||", "or", Op::either, 10},
    {"&&", "and", Op::both, 15},
    {"==", "", Op::equal, comparing},
    {"!=", "", Op::not_equal, comparing},
    {"<=", "", Op::less_equal, comparing},
    {">=", "", Op::greater_equal, comparing},
    {"<", "", Op::less, comparing},
    {">", "", Op::greater, comparing},
    {"in", "in", Op::in, comparing},
    {"contains", "contains", Op::contains, comparing},
    {"startsWith", "startsWith", Op::starts_with, comparing},
    {"endsWith", "endsWith", Op::ends_with, comparing},
    {"matches", "matches", Op::matches, comparing},
    {"..", "", Op::range, 25},
    {"+", "", Op::add, 30},
    {"-", "", Op::subtract, 30},
    {"*", "", Op::multiply, 60},
    {"/", "", Op::divide, 60},
    {"%", "", Op::modulo, 60},
    {"**", "", Op::power, 100},
    {"^", "", Op::power, 100},
    {"??", "", Op::coalesce, 500},
};

bool is_ordering(Op op) {
  return op == Op::less || op == Op::less_equal || op == Op::greater || op == Op::greater_equal;
}
bool is_membership(Op op) {
  return op == Op::in || op == Op::contains || op == Op::starts_with || op == Op::ends_with ||
         op == Op::matches;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Expression> whole() {
    TRY(advance());
    if (token_.kind == Token::Kind::end)
      return wrong(1, "the condition is empty", "write a condition such as: result[0] < 2.5");
    Expression root = TRY(expression(0));
    if (token_.kind != Token::Kind::end) return not_expected();
    if (root.type != Type::boolean && root.type != Type::any)
      return wrong(root.column, fmt::format("expected bool, but got {}", name_of(root.type)),
                   "compare it with something: result[0] < 2.5");
    return root;
  }

 private:
  class Deeper {
   public:
    explicit Deeper(int& depth) : depth_(depth) { ++depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --depth_; }

   private:
    int& depth_;
  };

  Result<> advance() {
    token_ = TRY(lexer_.next());
    return {};
  }
  [[nodiscard]] bool is(std::string_view text) const {
    return token_.text == text && (token_.kind == Token::Kind::symbol || token_.kind == Token::Kind::word);
  }
  Result<bool> take(std::string_view text) {
    if (!is(text)) return false;
    TRY(advance());
    return true;
  }
  Result<> expect(std::string_view text) {
    if (TRY(take(text))) return {};
    return wrong(token_.column,
                 token_.kind == Token::Kind::end
                     ? fmt::format("'{}' is missing", text)
                     : fmt::format("'{}' is expected before '{}'", text, printable(token_.text, 40)),
                 "close every bracket that is opened, and give every function all its arguments");
  }
  std::unexpected<Error> not_expected() {
    if (is("|"))
      return wrong(token_.column, "the pipe is not known here", "write the call around it: len(result)");
    if (is("=")) return wrong(token_.column, "'=' is not expected here", "compare with ==");
    return wrong(token_.column, fmt::format("'{}' is not expected here", printable(token_.text, 40)),
                 "join two conditions with && or ||");
  }
  Result<Expression> make(Op op, Type type, int column, std::vector<Expression> inside = {}) {
    if (++nodes_ > most_nodes)
      return wrong(column, "the condition has too many parts", "split it over several gates");
    Expression out;
    out.op = op;
    out.type = type;
    out.column = column;
    out.inside = std::move(inside);
    return out;
  }
  Result<Expression> literal(doc::Value value, Type type, int column) {
    Expression out = TRY(make(Op::literal, type, column));
    out.literal = std::move(value);
    return out;
  }
  static Result<> need(const Expression& operand, Type type, std::string_view whose) {
    if (operand.type == Type::any || operand.type == type || type == Type::any) return {};
    return wrong(
        operand.column,
        fmt::format("{} needs {}, and this is {}", whose, name_of(type), name_of(operand.type)),
        type == Type::boolean           ? "compare first: result[0] < 2.5"
        : operand.type == Type::boolean ? "use && and || between conditions, and brackets around `not`"
        : operand.type == Type::text    ? "asFloat() makes a number of a string"
                                        : "ask for one of its values: result[0], or all(result, # < 2.5)");
  }

  static Result<Type> type_of(const Operator& found, const Expression& left, const Expression& right) {
    const std::string whose = fmt::format("'{}'", found.word.empty() ? found.symbol : found.word);
    const auto both_are = [&](Type type) -> Result<> {
      TRY(need(left, type, whose));
      TRY(need(right, type, whose));
      return {};
    };
    const bool about_text = left.type == Type::text || right.type == Type::text;
    switch (found.op) {
      case Op::either:
      case Op::both:
        TRY(both_are(Type::boolean));
        return Type::boolean;
      case Op::less:
      case Op::less_equal:
      case Op::greater:
      case Op::greater_equal:
        TRY(both_are(about_text ? Type::text : Type::number));
        return Type::boolean;
      case Op::equal:
      case Op::not_equal:
        if (left.type != Type::any && left.type != Type::nothing && right.type != Type::nothing)
          TRY(need(right, left.type, whose));
        return Type::boolean;
      case Op::in:
        if (right.type != Type::map) TRY(need(right, Type::list, whose));
        return Type::boolean;
      case Op::contains:
      case Op::starts_with:
      case Op::ends_with:
      case Op::matches:
        TRY(both_are(Type::text));
        return Type::boolean;
      case Op::range:
        TRY(both_are(Type::number));
        return Type::list;
      case Op::add:
        TRY(both_are(about_text ? Type::text : Type::number));
        return left.type == Type::any && right.type == Type::any ? Type::any
               : about_text                                      ? Type::text
                                                                 : Type::number;
      case Op::coalesce:
        return left.type == right.type ? left.type : Type::any;
      default:
        TRY(both_are(Type::number));
        return Type::number;
    }
  }

  static Result<std::shared_ptr<const Pattern>> pattern_of(const Expression& right) {
    if (right.op != Op::literal)
      return wrong(right.column, "a pattern must be written out", "write: result matches \"^ok\"");
    auto pattern = Pattern::compile(right.literal.as_string());
    if (!pattern) return wrong(right.column, pattern.error().message, pattern.error().hint);
    return std::make_shared<const Pattern>(std::move(*pattern));
  }

  Result<Expression> join(const Operator& found, int column, Expression left, Expression right) {
    const Type type = TRY(type_of(found, left, right));
    std::shared_ptr<const Pattern> pattern;
    if (found.op == Op::matches) pattern = TRY(pattern_of(right));
    std::vector<Expression> sides;
    sides.push_back(std::move(left));
    sides.push_back(std::move(right));
    Expression out = TRY(make(found.op, type, column, std::move(sides)));
    out.pattern = std::move(pattern);
    return out;
  }

  [[nodiscard]] const Operator* binary_here() const {
    for (const Operator& candidate : binary)
      if ((token_.kind == Token::Kind::symbol && token_.text == candidate.symbol) ||
          (token_.kind == Token::Kind::word && token_.text == candidate.word))
        return &candidate;
    return nullptr;
  }

  // a < b < c: a < b and b < c. The tree holds b twice.
  Result<Expression> chained(Expression left, const Operator* found) {
    std::optional<Expression> all;
    for (;;) {
      const int column = token_.column;
      TRY(advance());
      Expression right = TRY(expression(comparing + 1));
      const Operator* const next = binary_here();
      const bool more = next != nullptr && is_ordering(next->op);
      if (more) TRY(count_copies(right));
      Expression one = TRY(join(*found, column, std::move(left), right));
      all = all ? TRY(join(binary[1], column, std::move(*all), std::move(one))) : std::move(one);
      if (!more) return std::move(*all);
      left = std::move(right);
      found = next;
    }
  }
  Result<> count_copies(const Expression& copied) {
    if (++nodes_ > most_nodes)
      return wrong(copied.column, "the condition has too many parts", "split it over several gates");
    for (const Expression& inner : copied.inside) TRY(count_copies(inner));
    return {};
  }

  Result<Expression> expression(int precedence) {
    const Deeper guard(depth_);
    if (depth_ > deepest)
      return wrong(token_.column, "the condition is nested too deeply", "split it over several gates");
    Expression left = TRY(primary());
    bool coalesced = false;
    for (;;) {
      const int column = token_.column;
      bool negated = false;
      const Operator* found = binary_here();
      if (found == nullptr && precedence <= comparing && is("not")) {
        TRY(advance());
        found = binary_here();
        if (found == nullptr || !is_membership(found->op))
          return wrong(column, "'not' is not expected here", "write `not in`, or join conditions with &&");
        negated = true;
      }
      if (found == nullptr || found->precedence < precedence) break;
      if (coalesced && found->op != Op::coalesce)
        return wrong(column, fmt::format("'?{}' and '{}' are mixed", '?', token_.text),
                     "put brackets around: (result ?? 0) < 5");
      if (is_ordering(found->op)) {
        left = TRY(chained(std::move(left), found));
        continue;
      }
      coalesced = found->op == Op::coalesce;
      TRY(advance());
      Expression right = TRY(expression(found->op == Op::power ? found->precedence : found->precedence + 1));
      left = TRY(join(*found, column, std::move(left), std::move(right)));
      if (negated) left = TRY(one_inside(Op::negate, Type::boolean, column, std::move(left)));
    }
    if (precedence == 0)
      while (is("?")) left = TRY(conditional(std::move(left)));
    return left;
  }

  Result<Expression> one_inside(Op op, Type type, int column, Expression operand) {
    std::vector<Expression> inside;
    inside.push_back(std::move(operand));
    return make(op, type, column, std::move(inside));
  }

  Result<Expression> conditional(Expression condition) {
    const int column = token_.column;
    TRY(need(condition, Type::boolean, "'?'"));
    TRY(advance());
    std::vector<Expression> inside;
    if (is(":")) TRY(count_copies(condition));  // a ?: b
    Expression yes = is(":") ? condition : TRY(expression(0));
    TRY(expect(":"));
    Expression no = TRY(expression(0));
    const Type type = yes.type == no.type ? yes.type : Type::any;
    inside.push_back(std::move(condition));
    inside.push_back(std::move(yes));
    inside.push_back(std::move(no));
    return make(Op::conditional, type, column, std::move(inside));
  }

  Result<Expression> primary() {
    const int column = token_.column;
    if (is("!") || is("not")) {
      TRY(advance());
      Expression operand = TRY(expression(50));
      TRY(need(operand, Type::boolean, "'not'"));
      const Operator* const next = binary_here();
      if (next != nullptr && next->precedence >= comparing && operand.type == Type::any)
        return wrong(column, "'not' binds to the value, not to the comparison",
                     "put brackets around: not (result > 5)");
      return one_inside(Op::negate, Type::boolean, column, std::move(operand));
    }
    if (is("-") || is("+")) {
      const bool minus = is("-");
      TRY(advance());
      Expression operand = TRY(expression(90));
      TRY(need(operand, Type::number, minus ? "'-'" : "'+'"));
      if (!minus) return operand;
      return one_inside(Op::minus, Type::number, column, std::move(operand));
    }
    if (TRY(take("("))) {
      Expression inner = TRY(expression(0));
      TRY(expect(")"));
      return postfix(std::move(inner));
    }
    if (is("#") || is(".")) return pointer();
    return postfix(TRY(operand()));
  }

  // #, #index, and .name for #.name
  Result<Expression> pointer() {
    const int column = token_.column;
    if (predicates_ == 0)
      return wrong(column,
                   fmt::format("'{}' stands for an element, inside all() and its like only", token_.text),
                   "write: all(result, # < 2.5)");
    Op op = Op::element;
    if (TRY(take("#"))) {
      const bool adjacent = token_.kind == Token::Kind::word && token_.column == column + 1;
      if (adjacent && token_.text == "index")
        op = Op::position;
      else if (adjacent)
        return wrong(column, fmt::format("'#{}' is not known here", printable(token_.text, 40)),
                     "known are # and #index");
      if (adjacent) TRY(advance());
    }
    return postfix(TRY(make(op, op == Op::position ? Type::number : Type::any, column)));
  }

  Result<Expression> operand() {
    const Token token = token_;
    switch (token.kind) {
      case Token::Kind::end:
        return wrong(
            token.column, "the condition ends too early",
            "give a value: result[0] < 2.5; in YAML ' #' begins a comment: put quotes around the condition");
      case Token::Kind::number:
        TRY(advance());
        return literal(token.value, Type::number, token.column);
      case Token::Kind::text:
        TRY(advance());
        return literal(token.value, Type::text, token.column);
      case Token::Kind::word:
        return word(token);
      case Token::Kind::symbol:
        break;
    }
    if (is("[")) return list();
    if (is("{"))
      return wrong(token.column, "maps cannot be written in a condition",
                   "compare one key at a time: result.a");
    return wrong(token.column, fmt::format("'{}' is not expected here", token.text),
                 "give a value: result[0] < 2.5");
  }

  Result<Expression> word(const Token& token) {
    TRY(advance());
    if (token.text == "true" || token.text == "false")
      return literal(token.text == "true", Type::boolean, token.column);
    if (token.text == "nil") return literal(nullptr, Type::nothing, token.column);
    if (token.text == "result") return make(Op::result, Type::any, token.column);
    if (const Builtin* builtin = find_builtin(token.text); builtin != nullptr) return call(*builtin, token);
    std::vector<std::string> known{"result", "true", "false", "nil"};
    for (const Builtin& builtin : builtins()) known.emplace_back(builtin.name);
    const std::string near = nearest(token.text, known);
    const bool date = token.text == "now" || token.text == "date" || token.text == "duration";
    return wrong(token.column, fmt::format("'{}' is not known", printable(token.text, 40)),
                 date           ? "a condition looks at result only: put times into the query"
                 : near.empty() ? "known are: result, " + tranche::join(std::span(known).subspan(4), ", ")
                                : fmt::format("did you mean '{}'?", near));
  }

  Result<Expression> list() {
    const int column = token_.column;
    TRY(advance());
    std::vector<Expression> inside;
    while (!is("]")) {
      if (!inside.empty()) TRY(expect(","));
      if (is("]")) break;
      inside.push_back(TRY(expression(0)));
    }
    TRY(expect("]"));
    return make(Op::list, Type::list, column, std::move(inside));
  }

  Result<Expression> call(const Builtin& builtin, const Token& token) {
    TRY(expect("("));
    std::vector<Expression> inside;
    while (!is(")") || static_cast<int>(inside.size()) < builtin.least) {
      if (!inside.empty()) TRY(expect(","));
      if (is(")") && static_cast<int>(inside.size()) >= builtin.least) break;
      if (static_cast<int>(inside.size()) == builtin.most)
        return wrong(token_.column, fmt::format("{}() takes {} arguments", builtin.name, builtin.most),
                     "remove what is too much");
      const bool predicate = builtin.predicate && inside.size() == 1;
      inside.push_back(predicate ? TRY(this->predicate()) : TRY(expression(0)));
      if (inside.size() <= builtin.takes.size())
        TRY(need(inside.back(), builtin.takes[inside.size() - 1],
                 predicate ? fmt::format("{}() of each element", builtin.name)
                           : fmt::format("{}()", builtin.name)));
    }
    TRY(expect(")"));
    if (builtin.function == Function::len && inside[0].type != Type::any && inside[0].type != Type::list &&
        inside[0].type != Type::text && inside[0].type != Type::map)
      TRY(need(inside[0], Type::list, "len()"));
    Expression out = TRY(make(Op::call, builtin.gives, token.column, std::move(inside)));
    out.function = builtin.function;
    return out;
  }

  Result<Expression> predicate() {
    const bool braces = TRY(take("{"));
    ++predicates_;
    Expression inner = TRY(expression(0));
    --predicates_;
    if (braces) TRY(expect("}"));
    return inner;
  }

  Result<Expression> postfix(Expression base) {
    for (;;) {
      const int column = token_.column;
      const bool optional = is("?.");
      if (optional || is(".")) {
        TRY(advance());
        if (!(optional && is("["))) {
          base = TRY(name_of_member(std::move(base), optional, column));
          continue;
        }
      }
      if (!is("[")) return base;
      TRY(advance());
      base = TRY(subscript(std::move(base), optional, column));
    }
  }

  Result<Expression> name_of_member(Expression base, bool optional, int column) {
    if (token_.kind != Token::Kind::word)
      return wrong(token_.column, "a name is missing after the dot",
                   "write: result.name, or result[\"name\"]");
    if (base.type != Type::any) TRY(need(base, Type::map, "'.'"));
    std::vector<Expression> inside;
    inside.push_back(std::move(base));
    inside.push_back(TRY(literal(token_.text, Type::text, token_.column)));
    TRY(advance());
    if (is("(")) return wrong(token_.column, "values have no methods here", "call a function: len(result)");
    Expression out = TRY(make(Op::member, Type::any, column, std::move(inside)));
    out.optional = optional;
    return out;
  }

  Result<Expression> subscript(Expression base, bool optional, int column) {
    std::vector<Expression> inside;
    const bool indexable = base.type == Type::any || base.type == Type::list || base.type == Type::map ||
                           base.type == Type::text;
    if (!indexable) TRY(need(base, Type::list, "'[]'"));
    inside.push_back(std::move(base));
    const auto side = [&](std::string_view end) -> Result<> {
      inside.push_back(is(end) ? TRY(literal(nullptr, Type::nothing, token_.column)) : TRY(expression(0)));
      return {};
    };
    if (is("]")) return wrong(token_.column, "an index is missing", "write: result[0]");
    TRY(side(":"));
    const bool is_slice = TRY(take(":"));
    if (is_slice) TRY(side("]"));
    TRY(expect("]"));
    for (std::size_t i = 1; i < inside.size(); ++i) {
      const Expression& index = inside[i];
      const bool whole = index.type == Type::any || (index.type == Type::nothing && is_slice) ||
                         (index.type == Type::text && !is_slice) ||
                         (index.type == Type::number && (index.op != Op::literal || index.literal.is_int()));
      if (!whole)
        return wrong(index.column, "an index is a whole number, or a name in quotes",
                     "write: result[0], or result[\"name\"]");
    }
    const Type type = is_slice ? inside[0].type : Type::any;
    Expression out = TRY(make(is_slice ? Op::slice : Op::member, type, column, std::move(inside)));
    out.optional = optional;
    return out;
  }

  Lexer lexer_;
  Token token_;
  int depth_ = 0;
  int predicates_ = 0;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<Expression> parse_expression(std::string_view text) { return Parser(text).whole(); }

}  // namespace tranche::gate::internal
