// A program of the user's own that prints JSON: the way to any system that has no source here.
//
// It is data from the repository that runs, so only commands that decide (gate run, rollout) start it, never
// check or plan. What it may use of time and memory is bounded, its exit code counts, and what it says on
// stderr is shown without the secrets it was given.
#include "base/text.hpp"
#include "metrics/count_lines.hpp"
#include "metrics/query.hpp"
#include "metrics/value.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

constexpr std::size_t largest_output = 8 << 20;
constexpr doc::Limits limits{largest_output, 32, 2'000'000};

class Command final : public Source {
 public:
  Command(const Surroundings& around, spec::Source source)
      : world_(around.world), repository_(around.repository), source_(std::move(source)) {}
  Result<> take_environment(const Secrets& secrets) {
    for (const auto& [name, text] : source_.env) {
      if (!spec::is_secret_reference(text)) {
        environment_[name] = text;
        continue;
      }
      const auto found = secrets.find(text);
      if (found == secrets.end())
        return fail_hint(ErrorKind::invalid, "see that the reference can be read where this runs",
                         "{} needs the secret {}", name_of_it(), printable(text, 120));
      environment_[name] = std::string(found->second.expose());
      secrets_.push_back(found->second);
    }
    return {};
  }

  Result<std::vector<WindowCounts>> compare(const spec::Gate& gate, const Variables& variables, Instant after,
                                            Instant until) override {
    forget_notes();
    const Windows windows = TRY(aligned_windows(after, until, gate.every));
    if (windows.count == 0) return std::vector<WindowCounts>{};
    const std::string text =
        TRY(run(gate, variables, windows.first - windows.every, windows.end(windows.count - 1)));
    std::vector<CountLine> lines;
    const std::vector<doc::Value> printed = TRY(documents(text));
    for (const doc::Value& document : printed) {
      CountLine line =
          TRY_WHILE("reading what " + name_of_it() + " printed", read_count_line(doc::to_json(document), {}));
      lines.push_back(std::move(line));
    }
    lines = TRY(lines_of(std::move(lines), source_.series));
    Counted counted = TRY(count_lines(lines, gate, windows));
    if (counted.duplicates > 0)
      note(fmt::format("{} counts came twice: the first ones count", counted.duplicates));
    return std::move(counted.windows);
  }

  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    forget_notes();
    const std::string text = TRY(run(gate, variables, at - gate.interval, at));
    const std::string path =
        TRY(fill_query(gate.query.empty() ? source_.json_path : gate.query, variables, nullptr));
    const auto document = doc::parse_json(text, "its output", limits);
    if (!document) return unreadable(document.error().message);
    return measurement_of(*document, path);
  }

 private:
  [[nodiscard]] std::string name_of_it() const {
    return fmt::format("source '{}' ({})", printable(source_.name, 64),
                       source_.argv.empty() ? "" : printable(source_.argv[0], 120));
  }
  [[nodiscard]] std::unexpected<Error> unreadable(std::string_view what) const {
    return fail_hint(ErrorKind::failed, "print JSON on stdout, and all else on stderr",
                     "{} printed what cannot be read: {}", name_of_it(), what);
  }

  Result<std::string> run(const spec::Gate& gate, const Variables& variables, Instant from, Instant until) {
    ports::ProcessRequest request;
    for (const std::string& argument : source_.argv) {
      std::string filled = TRY(fill_query(argument, variables, nullptr));
      request.argv.push_back(std::move(filled));
    }
    request.directory = repository_;
    request.environment = environment_;
    request.environment["TRANCHE_GATE"] = gate.name;
    request.environment["TRANCHE_RELEASE"] = variables.release;
    request.environment["TRANCHE_BASELINE"] = variables.baseline;
    request.environment["TRANCHE_FROM"] = to_text(from);
    request.environment["TRANCHE_UNTIL"] = to_text(until);
    request.timeout = source_.timeout;
    request.max_output_bytes = largest_output;
    const auto result = world_.process.run(request);
    if (!result) {
      Error error = result.error();
      error.message = fmt::format("{} did not answer: {}", name_of_it(), error.message);
      if (error.hint.empty()) error.hint = "run it by hand in the repository";
      return fail(std::move(error));
    }
    if (result->exit_code != 0) {
      std::string said(trim(result->err));
      for (const Secret& secret : secrets_)
        if (secret.expose().size() >= 4) said = replace_all(std::move(said), secret.expose(), "***");
      return fail_hint(ErrorKind::failed, "run it by hand in the repository",
                       "{} ended with exit code {}{}{}", name_of_it(), result->exit_code,
                       said.empty() ? "" : ": ", printable(said, 300));
    }
    if (result->cut)
      return fail_hint(ErrorKind::failed, "print what lies between TRANCHE_FROM and TRANCHE_UNTIL only",
                       "{} printed more than {} bytes", name_of_it(), largest_output);
    return result->out;
  }

  // One document, a list of them, or one a line.
  Result<std::vector<doc::Value>> documents(const std::string& text) const {
    std::vector<doc::Value> out;
    auto whole = doc::parse_json(text, "its output", limits);
    if (whole && whole->is_array()) {
      for (doc::Value& one : whole->as_array()) out.push_back(std::move(one));
      return out;
    }
    if (whole) {
      out.push_back(std::move(*whole));
      return out;
    }
    for (const std::string_view line : split(text, '\n')) {
      if (trim(line).empty()) continue;
      auto one = doc::parse_json(line, "a line of its output", limits);
      if (!one) return unreadable(one.error().message);
      out.push_back(std::move(*one));
    }
    return out;
  }

  ports::World world_;
  std::string repository_;
  spec::Source source_;
  std::map<std::string, std::string> environment_;
  std::vector<Secret> secrets_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_command(const Surroundings& around, const spec::Source& source) {
  if (source.argv.empty())
    return fail_hint(ErrorKind::invalid, "write command: [\"./metrics\"]", "source '{}' names no program",
                     printable(source.name, 64));
  auto made = std::make_unique<Command>(around, source);
  TRY(made->take_environment(around.secrets));
  return made;
}

}  // namespace tranche::metrics
