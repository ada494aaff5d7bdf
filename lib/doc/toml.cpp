// toml++ builds its tree before anybody can count it, and frees that tree by recursion: "a.a.a.a" makes a
// table a dot. So a lexer of TOML's strings runs first and counts the dots outside them, line by line; it
// refuses only what no lockfile has.
#include "doc/toml.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 32
// Some of its assertions are false on hostile bytes ("[" before a letter that no name has), where the code
// behind them reports an error. So none ends the process, and none tells the compiler what is not so.
#define TOML_ASSERT(expression) static_cast<void>(0)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <toml++/toml.h>
#pragma GCC diagnostic pop
#pragma pop_macro("NDEBUG")

#include <cmath>

#include "base/text.hpp"
#include "doc/loader.hpp"

namespace tranche::doc {

namespace {

constexpr std::size_t max_dots = 64;

// Where a text may begin; elsewhere a quote is an error, behind which toml++ and this lexer would disagree.
bool may_open_text(std::string_view before) {
  constexpr std::string_view openers = " \t\r\n=,[{.";
  return before.empty() || openers.find(before.back()) != std::string_view::npos || before == "\xef\xbb\xbf";
}

// Offset of the first line with too many dotted names, with a quote inside a name, or with a letter that
// only texts may have; npos when there is none.
std::size_t find_long_key(std::string_view text) {
  std::size_t line = 0;
  std::size_t dots = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      if (!may_open_text(text.substr(0, i))) return line;
      const std::string_view rest = text.substr(i);
      const std::string_view triple = c == '"' ? "\"\"\"" : "'''";
      const bool lines = rest.starts_with(triple);
      i += lines ? 3 : 1;
      while (i < text.size()) {
        if (c == '"' && text[i] == '\\') {
          i += 2;
          continue;
        }
        if (lines ? text.substr(i).starts_with(triple) : text[i] == c || text[i] == '\n') break;
        ++i;
      }
      if (lines) {
        i += 3;
        // Up to two quotes more may end the text itself.
        for (int more = 0; more < 2 && i < text.size() && text[i] == c; ++more) ++i;
      } else if (i < text.size() && text[i] == c) {
        ++i;
      }
      continue;
    }
    if (c == '#') {
      while (i < text.size() && text[i] != '\n') ++i;
      continue;
    }
    // Names outside quotes are ASCII (TOML 1.0), and toml++ 3.3 does not judge all other letters soundly.
    if (static_cast<unsigned char>(c) >= 0x80 && !(i < 3 && text.starts_with("\xef\xbb\xbf"))) return line;
    ++i;
    if (c == '\n') {
      line = i;
      dots = 0;
    } else if (c == '.' && ++dots > max_dots) {
      return line;
    }
  }
  return std::string_view::npos;
}

class Walker {
 public:
  Walker(const detail::Located& where, const Limits& limits) : where_(where), limits_(limits) {}

  Result<Value> walk(const toml::node& node, std::size_t depth) {
    const Place place = place_of(node);
    if (depth > std::min(limits_.max_depth, detail::hard_max_depth))
      return fail(detail::too_deep(place, limits_.max_depth));
    if (++nodes_ > limits_.max_nodes) return fail(detail::too_many_nodes(place, limits_.max_nodes));
    Value value;
    if (const toml::table* table = node.as_table()) {
      Object members;
      members.reserve(table->size());
      for (const auto& [key, inner] : *table) {
        Value walked = TRY(walk(inner, depth + 1));
        Place key_place = walked.place;
        members.push_back({std::string(key.str()), std::move(walked), std::move(key_place)});
      }
      value = Value(std::move(members));
    } else if (const toml::array* array = node.as_array()) {
      Array items;
      items.reserve(array->size());
      for (const toml::node& inner : *array) items.push_back(TRY(walk(inner, depth + 1)));
      value = Value(std::move(items));
    } else if (const auto* text = node.as_string()) {
      value = Value(text->get());
    } else if (const auto* integer = node.as_integer()) {
      value = Value(std::int64_t{integer->get()});
    } else if (const auto* flag = node.as_boolean()) {
      value = Value(flag->get());
    } else if (const auto* number = node.as_floating_point();
               number != nullptr && std::isfinite(number->get())) {
      value = Value(number->get());
    } else {
      value = Value(source_of(node));
    }
    value.place = place;
    return value;
  }

 private:
  [[nodiscard]] Place place_of(const toml::node& node) const {
    const toml::source_position& begin = node.source().begin;
    return where_.at_line(begin.line > 0 ? begin.line - 1 : 0, begin.column > 0 ? begin.column - 1 : 0);
  }
  // As it is written: dates need no reading here.
  [[nodiscard]] std::string source_of(const toml::node& node) const {
    const Mark mark = to_mark(place_of(node));
    const std::size_t begin = mark.column > 0 ? static_cast<std::size_t>(mark.column) - 1 : 0;
    std::string_view rest = mark.excerpt;
    if (begin >= rest.size()) return {};
    rest = rest.substr(begin);
    return std::string(trim(rest.substr(0, rest.find_first_of(",]}#"))));
  }

  const detail::Located& where_;
  const Limits& limits_;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<Value> parse_toml(std::string_view text, std::string file, const Limits& limits) {
  if (auto error = detail::check_bytes(text, file, limits)) return fail(std::move(*error));
  const detail::Located where(text, std::move(file));
  if (const std::size_t line = find_long_key(text); line != std::string_view::npos)
    return fail(detail::refusal(
        where.at(line),
        fmt::format("more than {} dotted names in a line, a quote inside a name, or a letter beyond ASCII "
                    "outside quotes",
                    max_dots),
        "write tables instead of dotted names, and other letters in quotes"));
  const toml::parse_result parsed = toml::parse(where.text());
  if (parsed.failed()) {
    const toml::source_position& begin = parsed.error().source().begin;
    return fail(detail::refusal(
        where.at_line(begin.line > 0 ? begin.line - 1 : 0, begin.column > 0 ? begin.column - 1 : 0),
        fmt::format("not TOML: {}", printable(parsed.error().description())),
        "toml.io/en/v1.0.0 says how it is written"));
  }
  return Walker(where, limits).walk(parsed.table(), 0);
}

}  // namespace tranche::doc
