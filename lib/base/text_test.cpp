#include "base/text.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"

using namespace tranche;

TEST_CASE("globs match like a shell, and ** crosses folders") {
  CHECK(glob_match("dist/*.deb", "dist/a.deb"));
  CHECK_FALSE(glob_match("dist/*.deb", "dist/x/a.deb"));
  CHECK(glob_match("**/*.deb", "dist/x/a.deb"));
  CHECK(glob_match("**/*.deb", "a.deb"));
  CHECK(glob_match("a?c[0-9]", "abc7"));
  CHECK_FALSE(glob_match("a?c", "a/c"));
  CHECK(glob_match("", ""));
  CHECK_FALSE(glob_match("*", "a/b"));
  CHECK(glob_match("dist/**", "dist/x/a.deb"));
}

TEST_CASE("nearest suggests a likely typo and nothing else") {
  const std::vector<std::string> keys{"bake", "gates", "percent"};
  CHECK(nearest("baek", keys) == "bake");
  CHECK(nearest("gate", keys) == "gates");
  CHECK(nearest("zzz", keys).empty());
}

TEST_CASE("printable hides control characters and broken UTF-8") {
  CHECK(printable("a\x1b[2Jb") == "a\\x1b[2Jb");
  CHECK(printable("\xff") == "\\xff");
  CHECK(printable("é") == "é");
  CHECK_FALSE(is_valid_utf8("\xc0\x80"));
  CHECK_FALSE(is_valid_utf8("\xed\xa0\x80"));
}

TEST_CASE("hex and base64 read back what they wrote and refuse the rest") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    CHECK(from_base64(to_base64(bytes)) == bytes);
    CHECK(from_hex(to_hex(bytes)) == bytes);
    CHECK(percent_decode(percent_encode(bytes)) == bytes);
    bytes += static_cast<char>(i * 7);
  }
  for (const char* bad : {"A", "AA", "AAA", "AB==", "AAB=", "A===", "AA=A", "====", "AAA ", "AAAA\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(from_base64(bad).has_value());
  }
}
