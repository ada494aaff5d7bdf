#include "channel/line_diff.hpp"

#include <doctest/doctest.h>

#include <random>

#include <fmt/format.h>

#include "base/text.hpp"

namespace tranche::channel {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (const auto line : split(text, '\n')) out.emplace_back(line);
  if (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

// `patch`, for a diff of one run: copies, drops and adds lines as its hunks say.
std::string patched(const std::string& before, const std::string& diff) {
  const auto old = lines_of(before);
  std::string out;
  std::size_t at = 0;
  for (const std::string& line : lines_of(diff)) {
    if (line.starts_with("@@ -")) {
      const auto comma = line.find_first_of(", ", 4);
      std::size_t start = std::stoul(line.substr(4, comma - 4));
      const bool none = line.substr(comma, 3) == ",0 ";
      if (!none) --start;
      while (at < start) out += old[at++] + "\n";
    } else if (line.starts_with('+')) {
      out += line.substr(1) + "\n";
    } else {
      if (at >= old.size() || old[at] != line.substr(1)) return "does not apply";
      if (line.starts_with(' ')) out += old[at] + "\n";
      ++at;
    }
  }
  while (at < old.size()) out += old[at++] + "\n";
  return out;
}

}  // namespace

TEST_CASE("a change is shown with three lines around it, and equal texts show nothing") {
  CHECK(line_diff("a\nb\n", "a\nb\n").empty());
  CHECK(line_diff("", "a\nb\n") == "@@ -0,0 +1,2 @@\n+a\n+b\n");
  CHECK(line_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n") ==
        "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
  CHECK(line_diff("a", "a\n") == "only the end of the last line differs\n");
}

TEST_CASE("bytes that are no text are told by their sizes, and control characters never reach a terminal") {
  CHECK(line_diff("\x1f\x8b", "text") == "binary: 2 bytes before, 4 bytes after\n");
  CHECK(line_diff("", "\x1b[2J\n").find('\x1b') == std::string::npos);
}

TEST_CASE("property: what a diff shows turns the old text into the new one") {
  const auto seed = std::random_device{}();
  MESSAGE("seed ", seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    std::string before, after;
    for (auto lines = random() % 40; lines > 0; --lines) {
      const std::string line(1, static_cast<char>('a' + random() % 6));
      if (random() % 8 != 0) before += line + "\n";
      if (random() % 8 != 0) after += line + "\n";
      if (random() % 8 == 0) after += "new\n";
    }
    if (before == after) continue;
    CHECK(patched(before, line_diff(before, after)) == after);
  }
}

TEST_CASE("texts that differ too much for the table are still shown whole") {
  std::string before, after;
  for (int i = 0; i < 5000; ++i) {
    before += fmt::format("old {}\n", i);
    after += fmt::format("new {}\n", i);
  }
  CHECK(patched(before, line_diff(before, after)) == after);
}

}  // namespace tranche::channel
