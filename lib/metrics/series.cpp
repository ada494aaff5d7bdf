#include "metrics/series.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/text.hpp"
#include "doc/value.hpp"
#include "metrics/line_scanner.hpp"

namespace tranche::metrics {

namespace {

constexpr double largest_count = 1e12;  // what gate::observe takes
constexpr double largest_time = 1e11;
constexpr std::size_t longest_name = 200;
constexpr std::size_t most_buckets = 1'000;
constexpr std::size_t most_values = 1'000'000;
constexpr std::size_t most_unknown = 10;
constexpr std::size_t chunk = 1 << 18;

enum Key : unsigned { series, t, stratum, canary, control, bounds, assigned, value, answer, error, keys };
constexpr std::array<std::string_view, keys> key_names{"series", "t",        "stratum", "canary", "control",
                                                       "bounds", "assigned", "value",   "answer", "error"};
constexpr unsigned bit(Key key) { return 1U << key; }

bool count(LineScanner& scanner, double& into) {
  if (!scanner.number(into)) return false;
  return (into >= 0 && into <= largest_count) || scanner.fail("a count is not 0 to 1e12");
}

template <class Read>
bool list(LineScanner& scanner, std::vector<double>& into, std::size_t most, Read read) {
  into.clear();
  if (!scanner.take('[')) return scanner.fail("a list is expected");
  if (scanner.take(']')) return true;
  do {
    double number = 0;
    if (!read(scanner, number)) return false;
    if (into.size() == most) return scanner.fail("a list is too long");
    into.push_back(number);
  } while (scanner.take(','));
  return scanner.expect(']');
}

bool any_number(LineScanner& scanner, double& into) { return scanner.wide_number(into); }

// Reads the members of an object: `member` reads the value of one.
template <class Member>
bool object(LineScanner& scanner, std::string& key_storage, Member member) {
  if (!scanner.take('{')) return scanner.fail("a map is expected");
  if (scanner.take('}')) return true;
  do {
    std::string_view key;
    if (!scanner.string(key, key_storage) || !scanner.expect(':') || !member(key)) return false;
  } while (scanner.take(','));
  return scanner.expect('}');
}

bool assigned_devices(LineScanner& scanner, std::string& storage, SeriesLine& into) {
  unsigned seen = 0;
  const bool read = object(scanner, storage, [&](std::string_view key) {
    const unsigned arm = key == "canary" ? 1U : key == "control" ? 2U : 0U;
    if (arm == 0 || (seen & arm) != 0) return scanner.fail("'assigned' is {\"canary\":n,\"control\":n}");
    seen |= arm;
    return count(scanner, (arm == 1 ? into.assigned.canary : into.assigned.control).exposure);
  });
  into.has_assigned = true;
  return read && (seen == 3 || scanner.fail("'assigned' names one arm only"));
}

bool measured(LineScanner& scanner, gate::Measurement& into) {
  const char next = scanner.peek();
  into.values.clear();
  if (next == 'n') {
    std::string_view null;
    return scanner.skip(null);
  }
  if (next == '[') {
    if (!list(scanner, into.values, most_values, any_number)) return false;
  } else {
    if (next != '-' && next != '"' && (next < '0' || next > '9'))
      return scanner.fail("'value' is a number, a list of numbers or null; write others as 'answer'");
    double number = 0;
    if (!scanner.wide_number(number)) return false;
    into.values.push_back(number);
    into.scalar = true;
  }
  into.has_data = !into.values.empty();
  return true;
}

bool answered(LineScanner& scanner, gate::Measurement& into) {
  std::string_view text;
  if (!scanner.skip(text)) return false;
  auto document = doc::parse_json(text, "answer", {longest_series_line, 20, 200'000});
  if (!document) return scanner.fail("'answer' holds what cannot be read");
  into.answer = std::move(*document);
  into.has_data = true;
  return true;
}

bool growing(const std::vector<double>& bounds) {
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const bool last = i + 1 == bounds.size();
    if (std::isinf(bounds[i]) != last || !(i == 0 ? bounds[i] > -HUGE_VAL : bounds[i] > bounds[i - 1]))
      return false;
  }
  return true;
}

void clear(gate::ArmCounts& arm) {
  arm.events = arm.exposure = 0;
  arm.buckets.clear();
  arm.values.clear();
}

}  // namespace

bool SeriesLineParser::pass_over(LineScanner& scanner, std::string_view key) {
  const std::string name = printable(key, 40);
  if (unknown_.size() < most_unknown && std::ranges::find(unknown_, name) == unknown_.end())
    unknown_.push_back(name);
  std::string_view passed;
  return scanner.skip(passed);
}

bool SeriesLineParser::read_arm(LineScanner& scanner, gate::ArmCounts& into) {
  bool has_exposure = false;
  unsigned seen = 0;
  std::string storage;
  const bool read = object(scanner, storage, [&](std::string_view key) {
    const auto once = [&](unsigned member) {
      if ((seen & member) != 0) return scanner.fail("a key stands twice in an arm");
      seen |= member;
      return true;
    };
    if (key == "events") return once(1) && count(scanner, into.events);
    if (key == "exposure") return has_exposure = true, once(2) && count(scanner, into.exposure);
    if (key == "buckets") return once(4) && list(scanner, into.buckets, most_buckets, count);
    if (key == "values")
      return once(8) && list(scanner, into.values, most_values,
                             [](LineScanner& from, double& number) { return from.number(number); });
    return pass_over(scanner, key);
  });
  if (!read || has_exposure) return read;
  for (const double bucket : into.buckets) into.exposure += bucket;
  if (into.buckets.empty()) into.exposure = static_cast<double>(into.values.size());
  if (seen == 0) return scanner.fail("an arm counts nothing: give events and exposure");
  if ((seen & 12) == 0) return scanner.fail("an arm has no exposure");
  return into.exposure <= largest_count || scanner.fail("a count is not 0 to 1e12");
}

bool SeriesLineParser::read_key(LineScanner& scanner, std::string_view key, SeriesLine& into) {
  const auto found = std::ranges::find(key_names, key);
  if (found == key_names.end()) return pass_over(scanner, key);
  const auto which = static_cast<Key>(found - key_names.begin());
  if ((seen_ & bit(which)) != 0) return scanner.fail("a key stands twice");
  seen_ |= bit(which);
  switch (which) {
    case series:
      return scanner.string(into.series, series_) &&
             (into.series.size() <= longest_name || scanner.fail("'series' is longer than 200 bytes"));
    case stratum:
      return scanner.string(into.stratum, stratum_) &&
             (into.stratum.size() <= longest_name || scanner.fail("'stratum' is longer than 200 bytes"));
    case t: {
      double seconds = 0;
      if (!scanner.number(seconds)) return false;
      if (!(seconds >= 0 && seconds <= largest_time)) return scanner.fail("'t' is seconds, 0 to 1e11");
      into.t = Duration(std::llround(seconds * 1000));
      return true;
    }
    case canary:
      return read_arm(scanner, into.counts.canary);
    case control:
      return read_arm(scanner, into.counts.control);
    case bounds:
      return list(scanner, into.counts.bounds, most_buckets, any_number) &&
             (growing(into.counts.bounds) || scanner.fail("'bounds' do not grow, or do not end in \"+Inf\""));
    case assigned:
      return assigned_devices(scanner, key_, into);
    case value:
      return measured(scanner, into.measurement);
    case answer:
      return answered(scanner, into.measurement);
    case error: {
      std::string_view text;
      if (!scanner.string(text, key_)) return false;
      into.measurement.error = text.empty() ? "error" : std::string(text);
      return true;
    }
    case keys:
      break;
  }
  return false;
}

bool SeriesLineParser::read(LineScanner& scanner, SeriesLine& into) {
  if (!object(scanner, key_, [&](std::string_view key) { return read_key(scanner, key, into); }))
    return false;
  if (!scanner.at_end()) return scanner.fail("something follows the map");
  const auto has = [&](Key key) { return (seen_ & bit(key)) != 0; };
  if (!has(t)) return scanner.fail("it has no 't'");
  if (has(canary) != has(control)) return scanner.fail("it has one arm only");
  into.has_counts = has(canary);
  into.has_measurement = has(value) || has(answer) || has(error);
  if (has(value) && has(answer)) return scanner.fail("it has both 'value' and 'answer'");
  if (!into.has_counts && !into.has_measurement && !into.has_assigned)
    return scanner.fail("it has neither canary and control nor a value");
  for (const gate::ArmCounts* arm : {&into.counts.canary, &into.counts.control})
    if (!arm->buckets.empty() && arm->buckets.size() != into.counts.bounds.size())
      return scanner.fail("an arm has not one bucket for each of 'bounds'");
  return true;
}

Result<> SeriesLineParser::parse(std::string_view line, SeriesLine& into) {
  seen_ = 0;
  into.series = {};
  into.stratum = "all";
  into.t = {};
  into.has_assigned = false;
  into.assigned.canary.exposure = into.assigned.control.exposure = 0;
  clear(into.counts.canary);
  clear(into.counts.control);
  into.counts.bounds.clear();
  if (into.has_measurement) into.measurement = {};
  into.has_counts = into.has_measurement = false;
  LineScanner scanner(line);
  if (read(scanner, into)) return {};
  into.has_measurement = true;  // whatever was begun is cleared by the next
  return fail_hint(ErrorKind::invalid,
                   "a line is {\"series\":\"a\",\"t\":60,\"canary\":{\"events\":3,\"exposure\":1200},"
                   "\"control\":{...}} or {\"t\":60,\"value\":0.2}",
                   "{}, near column {}", scanner.problem(), scanner.column());
}

SeriesReader::SeriesReader(std::string name, std::unique_ptr<ports::FileReader> from)
    : name_(std::move(name)), from_(std::move(from)) {}

SeriesReader::SeriesReader(std::string name, std::string text)
    : name_(std::move(name)), buffer_(std::move(text)), end_(buffer_.size()) {}

Error SeriesReader::at_line(Error wrong) const {
  Mark mark;
  mark.file = name_;
  mark.line = static_cast<int>(std::min<std::int64_t>(number_, 2'000'000'000));
  mark.column = 1;
  mark.excerpt = printable(text_, 120);
  mark.length = 1;
  wrong.mark = std::move(mark);
  return wrong;
}

Result<bool> SeriesReader::fill() {
  if (from_ == nullptr) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < chunk) buffer_.resize(std::max(buffer_.size() * 2, end_ + 2 * chunk));
  const std::size_t got =
      TRY_WHILE("reading " + name_, from_->read(buffer_.data() + end_, buffer_.size() - end_));
  end_ += got;
  if (got == 0) from_.reset();
  return got > 0;
}

Result<const SeriesLine*> SeriesReader::next() {
  for (std::size_t searched = 0;;) {
    const char* from = buffer_.data() + begin_;
    const void* newline =
        end_ - begin_ > searched ? std::memchr(from + searched, '\n', end_ - begin_ - searched) : nullptr;
    searched = end_ - begin_;
    if (newline == nullptr && searched <= longest_series_line && TRY(fill())) continue;
    const std::size_t length =
        newline != nullptr ? static_cast<std::size_t>(static_cast<const char*>(newline) - from) : searched;
    if (newline == nullptr && length == 0) {
      text_ = {};
      return nullptr;
    }
    ++number_;
    text_ = std::string_view(buffer_.data() + begin_, length);
    if (length > longest_series_line)
      return std::unexpected(at_line({ErrorKind::invalid, "a line is longer than 4 MiB",
                                      "write histograms rather than so many values"}));
    begin_ += length + (newline != nullptr ? 1 : 0);
    searched = 0;
    if (trim(text_).empty()) continue;
    if (auto parsed = parser_.parse(text_, line_); !parsed)
      return std::unexpected(at_line(std::move(parsed.error())));
    return &line_;
  }
}

namespace {

doc::Value wide(double number) {
  if (std::isfinite(number)) return number;
  return std::isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
}
doc::Value wide(const std::vector<double>& numbers) {
  doc::Value out = doc::Value::array();
  for (const double number : numbers) out.push(wide(number));
  return out;
}
doc::Value arm_value(const gate::ArmCounts& arm) {
  doc::Value out = doc::Value::object({{"events", arm.events}, {"exposure", arm.exposure}});
  if (!arm.buckets.empty()) out.set("buckets", wide(arm.buckets));
  if (!arm.values.empty()) out.set("values", wide(arm.values));
  return out;
}

}  // namespace

std::string to_series_line(const SeriesLine& line) {
  doc::Value out = doc::Value::object();
  if (!line.series.empty()) out.set("series", std::string(line.series));
  out.set("t", static_cast<double>(line.t.count()) / 1000);
  if (line.stratum != "all") out.set("stratum", std::string(line.stratum));
  if (line.has_counts) {
    if (!line.counts.bounds.empty()) out.set("bounds", wide(line.counts.bounds));
    out.set("canary", arm_value(line.counts.canary));
    out.set("control", arm_value(line.counts.control));
  }
  if (line.has_assigned)
    out.set("assigned", doc::Value::object({{"canary", line.assigned.canary.exposure},
                                            {"control", line.assigned.control.exposure}}));
  if (line.has_measurement) {
    const gate::Measurement& measurement = line.measurement;
    if (measurement.answer)
      out.set("answer", *measurement.answer);
    else
      out.set("value", !measurement.has_data ? doc::Value()
                       : measurement.scalar  ? wide(measurement.values.front())
                                             : wide(measurement.values));
    if (!measurement.error.empty()) out.set("error", measurement.error);
  }
  return doc::to_json(out);
}

}  // namespace tranche::metrics
