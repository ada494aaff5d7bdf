// Talk on stderr: lines that stay, and one live line that is rewritten in place.
//
// The live line shows only where it can be rewritten: stderr is a terminal and TERM is not "dumb". It changes
// at most ten times a second (more cannot be read and slows a slow terminal), is cut to the terminal's width,
// and is gone before any other line is printed and at the end. Not thread-safe: one thread talks.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "ports/ports.hpp"

namespace tranche::commands {

class Talk {
 public:
  struct Options {
    bool live = false;   // may rewrite a line
    bool color = false;  // of stderr
    bool quiet = false;  // no live line
  };
  Talk(ports::World& world, Options options) : world_(world), options_(options) {}
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;
  ~Talk() { clear(); }

  // Prints `text` and a newline, after clearing the live line.
  void line(std::string_view text);
  // Shows `text` as the live line. Too soon after the last one: nothing; the next call catches up.
  void live(std::string_view text);
  // Takes the live line away.
  void clear();
  // Whether live() would show anything: ask before computing something costly for it.
  [[nodiscard]] bool is_live() const { return options_.live && !options_.quiet; }
  [[nodiscard]] bool color() const { return options_.color; }

 private:
  ports::World& world_;
  Options options_;
  bool shown_ = false;
  std::string last_text_;
  std::chrono::nanoseconds last_{};
};

// Columns that a text takes in a terminal: East Asian wide and emoji two, combining marks and escape
// sequences none.
std::size_t display_width(std::string_view text);
// The longest beginning of `text` within `columns`, ending in "…" when something was cut.
std::string cut_to_width(std::string_view text, std::size_t columns);

}  // namespace tranche::commands
