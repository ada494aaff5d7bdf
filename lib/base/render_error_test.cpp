#include "base/render_error.hpp"

#include <doctest/doctest.h>

using namespace tranche;

namespace {

Error marked(std::string message, int line, int column, int length, std::string excerpt) {
  Error error(ErrorKind::invalid, std::move(message));
  error.mark = Mark{"tranche.yaml", line, column, length, std::move(excerpt)};
  return error;
}

}  // namespace

TEST_CASE("an error shows its place, its line with a caret, and a hint") {
  const Error error =
      marked("unknown key 'baek' in stage 2 of rollout 'desktop'", 14, 7, 4, "      baek: 10m")
          .with_hint("did you mean 'bake'?");
  CHECK(render_error(error, false) ==
        "tranche.yaml:14:7: unknown key 'baek' in stage 2 of rollout 'desktop'\n"
        "   14 |       baek: 10m\n"
        "      |       ^~~~\n"
        "hint: did you mean 'bake'?\n");
}

TEST_CASE("what was being done follows, innermost first, then the other errors") {
  Error error = Error(ErrorKind::failed, "no such file").during("reading a").during("planning b");
  error.others.push_back(marked("second", 1, 1, 1, "x"));
  CHECK(render_error(error, false) ==
        "no such file\n"
        "while reading a\n"
        "while planning b\n"
        "tranche.yaml:1:1: second\n"
        "    1 | x\n"
        "      | ^\n");
}

TEST_CASE("the caret stands under its character after tabs, UTF-8 and control characters") {
  struct Case {
    const char* line;
    int column, length;
    const char* shown;
    const char* caret;
  };
  for (const Case& c :
       {Case{"\tkey: 1", 2, 3, "    key: 1", "    ^~~"}, Case{"a\tkey", 3, 3, "a   key", "    ^~~"},
        Case{"\xC3\xA4\xC3\xB6: x", 7, 1, "äö: x", "    ^"},
        Case{"n: \xE6\x97\xA5\xE6\x9C\xAC z", 4, 6, "n: 日本 z", "   ^~~~"},
        Case{"\xE6\x97\xA5z", 4, 1, "日z", "  ^"}, Case{"e\xCC\x81z", 4, 1, "e\xCC\x81z", " ^"},
        Case{"\x1b[31mx", 6, 1, "\\x1b[31mx", "        ^"}, Case{"\xFF-", 2, 1, "\\xff-", "    ^"},
        Case{"end", 4, 1, "end", "   ^"}}) {
    CAPTURE(c.shown);
    CHECK(render_error(marked("m", 3, c.column, c.length, c.line), false) ==
          std::string("tranche.yaml:3:") + std::to_string(c.column) + ": m\n    3 | " + c.shown +
              "\n      | " + c.caret + "\n");
  }
}

TEST_CASE("a long line is cut around its mark") {
  const std::string line = std::string(300, 'a') + "BAD" + std::string(300, 'b');
  const std::string text = render_error(marked("m", 1, 301, 3, line), false);
  const auto shown = text.find("    1 | ");
  const auto caret = text.find("      | ");
  const std::string excerpt = text.substr(shown + 8, caret - shown - 9);
  CHECK(excerpt.starts_with("…aaaa"));
  CHECK(excerpt.ends_with("…"));
  CHECK(excerpt.size() < 140);
  // "…" is three bytes and one cell.
  CHECK(text.find("^~~") - (caret + 8) + 2 == excerpt.find("BAD"));
}

TEST_CASE("no control character of a message, hint or file name gets through") {
  Error error = marked("bad \x1b[2J name", 1, 1, 1, "x");
  error.mark->file = "a\nb";
  error.hint = "h\r";
  const std::string text = render_error(error, false);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.starts_with("a\\x0ab:1:1: bad \\x1b[2J name\n"));
}

TEST_CASE("colour changes nothing but escapes") {
  const Error error = marked("m", 1, 1, 2, "ab").with_hint("h");
  std::string colored = render_error(error, true);
  CHECK(colored.find("\x1b[31m") != std::string::npos);
  for (auto at = colored.find('\x1b'); at != std::string::npos; at = colored.find('\x1b'))
    colored.erase(at, colored.find('m', at) - at + 1);
  CHECK(colored == render_error(error, false));
}
