// Conditions of threshold gates: a subset of expr-lang, the language of Argo's successCondition.
//
//   or        := and (("||" | "or") and)*
//   and       := not (("&&" | "and") not)*
//   not       := ("!" | "not") not | compare
//   compare   := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)?
//   sum       := product (("+" | "-") product)*
//   product   := unary (("*" | "/") unary)*
//   unary     := "-" unary | "+" unary | "!" unary | operand
//   operand   := number | "true" | "false" | "result" ["[" number "]"] | "#" | call | "(" or ")"
//   call      := ("len" | "isNaN" | "isInf" | "asFloat" | "asInt") "(" or ")" | "default" "(" or "," or ")"
//              | ("all" | "any" | "none") "(" "result" "," ["{"] or ["}"] ")"
//
// Types are checked when it is compiled, so that a gate that can never answer is found before a rollout. The
// text is bounded in bytes, nesting and nodes; all/any/none do not nest, so evaluation is linear in the text
// times the results.
#include "gate/expression.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "base/text.hpp"

namespace tranche::gate::internal {

std::unexpected<Error> wrong(int column, std::string_view what, std::string_view hint) {
  return fail_hint(ErrorKind::invalid, std::string(hint), "column {}: {}", column, what);
}

namespace {

constexpr int deepest = 32;
constexpr std::size_t most_nodes = 512;

std::string_view name_of(Type type) { return type == Type::boolean ? "a boolean" : "a number"; }

struct Token {
  enum class Kind { end, number, word, symbol } kind = Kind::end;
  std::string_view text;
  double number = 0;
  int column = 1;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<Token> next() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
    Token token;
    token.column = static_cast<int>(at_) + 1;
    if (at_ == text_.size()) return token;
    const std::string_view rest = text_.substr(at_);
    const char c = rest.front();
    if (is_digit(c) || (c == '.' && rest.size() > 1 && is_digit(rest[1]))) return number(rest, token);
    std::size_t size = 0;
    if (is_letter(c)) {
      while (size < rest.size() && (is_letter(rest[size]) || is_digit(rest[size]))) ++size;
      token.kind = Token::Kind::word;
    } else {
      for (const std::string_view symbol : {"&&", "||", "<=", ">=", "==", "!=", "<", ">", "+", "-", "*",
                                            "/",  "!",  "(",  ")",  "[",  "]",  "{", "}", ",", "#"})
        if (rest.starts_with(symbol)) {
          size = symbol.size();
          break;
        }
      if (size == 0)
        return wrong(token.column,
                     fmt::format("'{}' does not belong in a condition", printable(rest.substr(0, 1))),
                     "write a condition such as: result[0] < 2.5");
      token.kind = Token::Kind::symbol;
    }
    token.text = rest.substr(0, size);
    at_ += size;
    return token;
  }

 private:
  Result<Token> number(std::string_view rest, Token token) {
    const char* const end = rest.data() + rest.size();
    const auto [stop, code] = std::from_chars(rest.data(), end, token.number);
    const auto size = static_cast<std::size_t>(stop - rest.data());
    if (code != std::errc{} || !std::isfinite(token.number) ||
        (size < rest.size() && (is_letter(rest[size]) || is_digit(rest[size]) || rest[size] == '.')))
      return wrong(token.column, "this number cannot be read", "write a number such as 12, 0.5 or 1e-3");
    token.kind = Token::Kind::number;
    token.text = rest.substr(0, size);
    at_ += size;
    return token;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Operator {
  std::string_view symbol, word;
  Op op;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Expression> whole() {
    TRY(advance());
    if (token_.kind == Token::Kind::end)
      return wrong(1, "the condition is empty", "write a condition such as: result[0] < 2.5");
    Expression root = TRY(either());
    if (token_.kind != Token::Kind::end)
      return wrong(token_.column, fmt::format("'{}' is not expected here", token_.text),
                   "join two conditions with && or ||");
    if (root.type != Type::boolean)
      return wrong(root.column, fmt::format("the condition is {}, not a boolean", name_of(root.type)),
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
                     : fmt::format("'{}' is expected before '{}'", text, token_.text),
                 "close every bracket that is opened, and give every function all its arguments");
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
  static Result<> need(const Expression& operand, Type type, std::string_view whose) {
    const bool fits = type == Type::boolean ? operand.type == Type::boolean : operand.type != Type::boolean;
    if (fits) return {};
    return wrong(operand.column,
                 fmt::format("{} needs {}, and this is {}", whose, name_of(type), name_of(operand.type)),
                 type == Type::boolean ? "compare numbers first: result[0] < 2.5"
                                       : "use && and || between conditions");
  }

  using Level = Result<Expression> (Parser::*)();

  // A chain of operators of one level, read from the left.
  template <std::size_t N>
  Result<Expression> chain(const std::array<Operator, N>& operators, Level below, Type operand, Type type) {
    Expression left = TRY((this->*below)());
    for (;;) {
      const Operator* found = nullptr;
      for (const Operator& candidate : operators)
        if (is(candidate.symbol) || (!candidate.word.empty() && is(candidate.word))) found = &candidate;
      if (found == nullptr) return left;
      const int column = token_.column;
      TRY(advance());
      Expression right = TRY((this->*below)());
      TRY(need(left, operand, fmt::format("'{}'", found->symbol)));
      TRY(need(right, operand, fmt::format("'{}'", found->symbol)));
      std::vector<Expression> both;
      both.push_back(std::move(left));
      both.push_back(std::move(right));
      left = TRY(make(found->op, type, column, std::move(both)));
    }
  }

  Result<Expression> either() {
    const Deeper guard(depth_);
    if (depth_ > deepest)
      return wrong(token_.column, "the condition is nested too deeply", "split it over several gates");
    static constexpr std::array<Operator, 1> operators{{{"||", "or", Op::either}}};
    return chain(operators, &Parser::both, Type::boolean, Type::boolean);
  }
  Result<Expression> both() {
    static constexpr std::array<Operator, 1> operators{{{"&&", "and", Op::both}}};
    return chain(operators, &Parser::negation, Type::boolean, Type::boolean);
  }
  Result<Expression> negation() {
    if (!is("!") && !is("not")) return comparison();
    return negated(&Parser::negation);
  }
  Result<Expression> negated(Level operand_level) {
    const Deeper guard(depth_);
    if (depth_ > deepest)
      return wrong(token_.column, "the condition is nested too deeply", "split it over several gates");
    const int column = token_.column;
    TRY(advance());
    std::vector<Expression> operand;
    operand.push_back(TRY((this->*operand_level)()));
    TRY(need(operand.front(), Type::boolean, "'!'"));
    return make(Op::negate, Type::boolean, column, std::move(operand));
  }
  Result<Expression> comparison() {
    static constexpr std::array<Operator, 6> operators{{{"<", "", Op::less},
                                                        {"<=", "", Op::less_equal},
                                                        {">", "", Op::greater},
                                                        {">=", "", Op::greater_equal},
                                                        {"==", "", Op::equal},
                                                        {"!=", "", Op::not_equal}}};
    Expression left = TRY(sum());
    for (const Operator& candidate : operators) {
      if (!is(candidate.symbol)) continue;
      const int column = token_.column;
      TRY(advance());
      Expression right = TRY(sum());
      const bool equality = candidate.op == Op::equal || candidate.op == Op::not_equal;
      const Type operand = equality && left.type == Type::boolean ? Type::boolean : Type::number;
      TRY(need(left, operand, fmt::format("'{}'", candidate.symbol)));
      TRY(need(right, operand, fmt::format("'{}'", candidate.symbol)));
      for (const Operator& again : operators)
        if (is(again.symbol))
          return wrong(token_.column, "comparisons do not chain", "write: 1 < result[0] && result[0] < 3");
      std::vector<Expression> sides;
      sides.push_back(std::move(left));
      sides.push_back(std::move(right));
      return make(candidate.op, Type::boolean, column, std::move(sides));
    }
    return left;
  }
  Result<Expression> sum() {
    static constexpr std::array<Operator, 2> operators{{{"+", "", Op::add}, {"-", "", Op::subtract}}};
    return chain(operators, &Parser::product, Type::number, Type::number);
  }
  Result<Expression> product() {
    static constexpr std::array<Operator, 2> operators{{{"*", "", Op::multiply}, {"/", "", Op::divide}}};
    return chain(operators, &Parser::unary, Type::number, Type::number);
  }
  Result<Expression> unary() {
    if (is("!") || is("not")) return negated(&Parser::unary);
    if (!is("-") && !is("+")) return operand();
    const Deeper guard(depth_);
    if (depth_ > deepest)
      return wrong(token_.column, "the condition is nested too deeply", "split it over several gates");
    const bool minus = is("-");
    const int column = token_.column;
    TRY(advance());
    Expression inner = TRY(unary());
    TRY(need(inner, Type::number, minus ? "'-'" : "'+'"));
    if (!minus) return inner;
    std::vector<Expression> inside;
    inside.push_back(std::move(inner));
    return make(Op::minus, Type::number, column, std::move(inside));
  }

  Result<Expression> operand() {
    const Token token = token_;
    if (token.kind == Token::Kind::number) {
      TRY(advance());
      Expression out = TRY(make(Op::number, Type::number, token.column));
      out.number = token.number;
      return out;
    }
    if (TRY(take("("))) {
      Expression inner = TRY(either());
      TRY(expect(")"));
      return inner;
    }
    if (TRY(take("#"))) {
      if (!in_closure_)
        return wrong(token.column, "'#' stands for one value inside all(), any() and none() only",
                     "write result[0], or all(result, # < 2.5)");
      return make(Op::element, Type::number, token.column);
    }
    if (token.kind == Token::Kind::word) {
      TRY(advance());
      return word(token);
    }
    if (token.kind == Token::Kind::end)
      return wrong(token.column, "the condition ends too early", "write a value after the operator");
    return wrong(token.column, fmt::format("'{}' is not expected here", token.text),
                 "write a value here: a number, result, result[0]");
  }

  Result<Expression> word(const Token& token) {
    if (token.text == "true" || token.text == "false") {
      Expression out = TRY(make(Op::truth, Type::boolean, token.column));
      out.number = token.text == "true" ? 1 : 0;
      return out;
    }
    if (token.text == "result") {
      if (!TRY(take("["))) return make(Op::result, Type::result, token.column);
      const Token index = token_;
      if (index.kind != Token::Kind::number || index.number != std::floor(index.number) || index.number > 1e6)
        return wrong(index.column, "an index is a whole number", "write result[0]");
      TRY(advance());
      TRY(expect("]"));
      Expression out = TRY(make(Op::at, Type::number, token.column));
      out.number = index.number;
      return out;
    }
    return call(token);
  }

  Result<Expression> call(const Token& token) {
    struct Function {
      std::string_view name;
      Op op;
      Type type;
    };
    static constexpr std::array<Function, 9> functions{{{"len", Op::len, Type::number},
                                                        {"isNaN", Op::is_nan, Type::boolean},
                                                        {"isInf", Op::is_inf, Type::boolean},
                                                        {"asFloat", Op::as_float, Type::number},
                                                        {"asInt", Op::as_int, Type::number},
                                                        {"default", Op::fallback, Type::number},
                                                        {"all", Op::all, Type::boolean},
                                                        {"any", Op::any, Type::boolean},
                                                        {"none", Op::none, Type::boolean}}};
    const Function* function = nullptr;
    std::vector<std::string> known{"result", "true", "false", "and", "or", "not"};
    for (const Function& candidate : functions) {
      if (candidate.name == token.text) function = &candidate;
      known.emplace_back(candidate.name);
    }
    if (function == nullptr) {
      const std::string near = nearest(token.text, known);
      return wrong(token.column, fmt::format("'{}' is not known", printable(token.text, 40)),
                   near.empty() ? "known are: " + join(known, ", ") : "did you mean '" + near + "'?");
    }
    TRY(expect("("));
    std::vector<Expression> arguments;
    arguments.push_back(TRY(either()));
    const Expression& first = arguments.front();
    switch (function->op) {
      case Op::len:
        if (first.op != Op::result) return wrong(first.column, "len() takes result", "write len(result)");
        break;
      case Op::fallback: {
        TRY(need(first, Type::number, "default()"));
        TRY(expect(","));
        Expression second = TRY(either());
        TRY(need(second, Type::number, "default()"));
        arguments.push_back(std::move(second));
        break;
      }
      case Op::all:
      case Op::any:
      case Op::none: {
        if (first.op != Op::result)
          return wrong(first.column, fmt::format("{}() takes result", token.text),
                       fmt::format("write {}(result, # < 2.5)", token.text));
        if (in_closure_)
          return wrong(token.column, fmt::format("{}() inside all(), any() or none()", token.text),
                       "join them with && or ||");
        TRY(expect(","));
        const bool braces = TRY(take("{"));
        in_closure_ = true;
        Expression predicate = TRY(either());
        in_closure_ = false;
        TRY(need(predicate, Type::boolean, fmt::format("{}()", token.text)));
        if (braces) TRY(expect("}"));
        arguments.push_back(std::move(predicate));
        break;
      }
      default:
        TRY(need(first, Type::number, fmt::format("{}()", token.text)));
    }
    TRY(expect(")"));
    return make(function->op, function->type, token.column, std::move(arguments));
  }

  Lexer lexer_;
  Token token_;
  int depth_ = 0;
  std::size_t nodes_ = 0;
  bool in_closure_ = false;
};

}  // namespace

Result<Expression> parse_expression(std::string_view text) { return Parser(text).whole(); }

}  // namespace tranche::gate::internal
