// Recorded counts and values, an object a line, many series in one file: what `gate replay` decides on, what
// `gate run --record` writes.
//
//   {"series":"a","t":60,"canary":{"events":3,"exposure":1200},"control":{"events":40,"exposure":10800}}
//   {"series":"a","t":60,"value":0.25}
//
// t: seconds, since the epoch or since any start, 0 to 1e11; what is counted ends then. "series" and
// "stratum" are at most 200 bytes of text, by default "" and "all"; lines of one series and t are the strata
// of one poll. "bounds" (growing, the last is "+Inf") with "buckets" an arm are increments of a histogram,
// "values" an arm raw samples; without "exposure" their number counts. "assigned" {"canary":n,"control":n}:
// devices that got their arm. "value": a number, a list of numbers or null (no data); "answer": what is none
// of these; "error": the source could not be asked. Numbers that JSON does not have are "NaN", "+Inf",
// "-Inf". Counts are 0 to 1e12. Unknown keys are passed over, and named by unknown_keys().
//
// Megabytes of lines are read: they are taken apart in place, nothing is kept of them, and a line costs no
// allocation once the buffers have grown. lib/doc takes ten times as long; simdjson is a shared library here,
// and every command would pay for loading it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "gate/compare.hpp"
#include "gate/threshold.hpp"
#include "ports/ports.hpp"

namespace tranche::metrics {

inline constexpr std::size_t longest_series_line = 4 << 20;

struct SeriesLine {
  std::string_view series, stratum;  // valid until the next line
  Duration t{};
  bool has_counts = false;
  gate::StratumCounts counts;
  bool has_assigned = false;
  gate::StratumCounts assigned;  // exposures
  bool has_measurement = false;
  gate::Measurement measurement;
};

class LineScanner;

// Reads one line. Kind invalid, with what is wrong, when it is not such a line.
class SeriesLineParser {
 public:
  Result<> parse(std::string_view line, SeriesLine& into);
  // Keys that were passed over, at most 10.
  [[nodiscard]] const std::vector<std::string>& unknown_keys() const { return unknown_; }

 private:
  bool read(LineScanner& scanner, SeriesLine& into);
  bool read_key(LineScanner& scanner, std::string_view key, SeriesLine& into);
  bool read_arm(LineScanner& scanner, gate::ArmCounts& into);
  bool pass_over(LineScanner& scanner, std::string_view key);

  std::string series_, stratum_;  // of a line that escapes characters in them
  std::string key_, problem_;
  unsigned seen_ = 0;
  std::vector<std::string> unknown_;
};

// Lines of a file, one after the other. `name` is for messages.
class SeriesReader {
 public:
  SeriesReader(std::string name, std::unique_ptr<ports::FileReader> from);
  // Text that is there already: stdin.
  SeriesReader(std::string name, std::string text);

  // The next line, or nullptr at the end; blank lines are passed over. Errors (kind invalid) have the line's
  // number: no JSON, a key missing or of the wrong form, longer than 4 MiB.
  Result<const SeriesLine*> next();
  [[nodiscard]] std::int64_t line_number() const { return number_; }
  // An error of the line last read, with its place.
  [[nodiscard]] Error at_line(Error error) const;
  [[nodiscard]] const std::vector<std::string>& unknown_keys() const { return parser_.unknown_keys(); }

 private:
  Result<bool> fill();  // false at the end of the file

  std::string name_;
  std::unique_ptr<ports::FileReader> from_;  // null: all is in the buffer
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is not read yet
  std::int64_t number_ = 0;
  std::string_view text_;  // the line last read
  SeriesLineParser parser_;
  SeriesLine line_;
};

// The line as it is written, without a newline: reads back to the same bits.
std::string to_series_line(const SeriesLine& line);

}  // namespace tranche::metrics
