// Counts and values that somebody else wrote down: a file of the repository, or one that a job before this
// one leaves there. The same form as `gate replay --series`.
#include "base/paths.hpp"
#include "base/text.hpp"
#include "metrics/count_lines.hpp"
#include "metrics/query.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

constexpr std::size_t largest_file = 16 << 20;

class File final : public Source {
 public:
  File(const Surroundings& around, spec::Source source)
      : world_(around.world), repository_(around.repository), source_(std::move(source)) {}

  Result<std::vector<WindowCounts>> compare(const spec::Gate& gate, const Variables&, Instant after,
                                            Instant until) override {
    forget_notes();
    const Windows windows = TRY(aligned_windows(after, until, gate.every));
    const std::vector<CountLine> lines = TRY(read(source_.series));
    Counted counted = TRY_WHILE("reading " + name_of_it(), count_lines(lines, gate, windows));
    if (counted.duplicates > 0)
      note(fmt::format("{} counts came twice: the first ones count", counted.duplicates));
    return std::move(counted.windows);
  }

  // The newest value of the last `interval`. The gate's query, if there is one, names the series.
  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    forget_notes();
    const std::string series =
        gate.query.empty() ? source_.series : TRY(fill_query(gate.query, variables, nullptr));
    gate::Measurement out;
    Instant newest = at - gate.interval;
    const std::vector<CountLine> lines = TRY(read(series));
    for (const CountLine& line : lines) {
      if (!line.measurement || line.at > at || line.at <= newest) continue;
      out = *line.measurement;
      newest = line.at;
    }
    return out;
  }

 private:
  [[nodiscard]] std::string name_of_it() const {
    return fmt::format("source '{}' ({})", printable(source_.name, 64), printable(source_.path, 120));
  }

  Result<std::vector<CountLine>> read(const std::string& series) {
    std::string path = source_.path;
    if (!repository_.empty()) {
      path = join_path(repository_, path);
      // A link in the repository may lead out of it.
      const auto real = world_.files.real_path(path), home = world_.files.real_path(repository_);
      if (real && home && !real->starts_with(home->ends_with('/') ? *home : *home + "/"))
        return fail_hint(ErrorKind::denied, "keep the file itself in the repository",
                         "{} is a link that leaves the repository", name_of_it());
    }
    const auto text = TRY_WHILE("reading " + name_of_it(), world_.files.read(path, largest_file));
    if (!text)
      return fail_hint(ErrorKind::failed, "write it before the gate is asked", "{} is not there",
                       name_of_it());
    std::vector<CountLine> lines;
    int number = 0;
    for (const std::string_view raw : split(*text, '\n')) {
      ++number;
      const std::string_view trimmed = trim(raw);
      if (trimmed.empty()) continue;
      auto line = read_count_line(trimmed, source_.start);
      if (!line)
        return fail_hint(ErrorKind::invalid, line.error().hint, "{}, line {}: {}", name_of_it(), number,
                         line.error().message);
      lines.push_back(std::move(*line));
    }
    return TRY_WHILE("reading " + name_of_it(), lines_of(std::move(lines), series));
  }

  ports::World world_;
  std::string repository_;
  spec::Source source_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_file(const Surroundings& around, const spec::Source& source) {
  return std::make_unique<File>(around, source);
}

}  // namespace tranche::metrics
