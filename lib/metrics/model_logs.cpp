#include "metrics/model_logs.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "metrics/query.hpp"
#include "spec/grammar.hpp"

namespace tranche::metrics::internal {
namespace {

constexpr std::uint64_t largest_file = 1ULL << 30;
constexpr doc::Limits json_limits{most_log_bytes, 32, 500'000};

Result<> want_checkout(const LogRequest& request, std::string_view what) {
  if (!request.repository.empty()) return {};
  return fail_hint(ErrorKind::failed, "run in a checkout, or give the log as a url",
                   "the log of the {} is {}, and there is no checkout here", name_of(request.arm), what);
}

// The end of a file that may grow meanwhile.
Result<std::string> read_tail(ports::Files& files, const std::string& path) {
  const auto reader = TRY(files.open(path));
  std::string tail;
  std::string piece(1 << 20, '\0');
  for (std::uint64_t total = 0; total < largest_file;) {
    const std::size_t got = TRY(reader->read(piece.data(), piece.size()));
    if (got == 0) return tail;
    total += got;
    tail.append(piece, 0, got);
    if (tail.size() > 2 * most_log_bytes) tail.erase(0, tail.size() - most_log_bytes);
  }
  return fail_hint(ErrorKind::failed, "give a command that prints the end of it, such as tail",
                   "the log file is larger than 1 GiB");
}

Result<std::string> read_file(ports::World& world, const LogRequest& request) {
  const std::string path = TRY(fill_query(request.source.file, request.variables, &request.arm));
  TRY(spec::check_repository_path(path));
  TRY(want_checkout(request, "a file"));
  const std::string full = join_path(request.repository, path);
  const auto info = TRY(world.files.info(full));
  if (!info)
    return fail_hint(ErrorKind::failed, "see that it is written before the gate asks",
                     "there is no log file '{}'", printable(path));
  const std::string real = TRY(world.files.real_path(full));
  if (!is_within(TRY(world.files.real_path(request.repository)), real))
    return fail_hint(ErrorKind::invalid, "name a file of the repository", "the log file '{}' leads out of it",
                     printable(path));
  std::string tail = TRY(read_tail(world.files, real));
  if (tail.size() > most_log_bytes) tail.erase(0, tail.size() - most_log_bytes);
  return tail;
}

Result<std::string> run_command(ports::World& world, const LogRequest& request) {
  ports::ProcessRequest process;
  for (const std::string& argument : request.source.command)
    process.argv.push_back(TRY(fill_query(argument, request.variables, &request.arm)));
  TRY(want_checkout(request, "a command"));
  process.directory = request.repository;
  process.timeout = request.timeout;
  process.max_output_bytes = most_log_bytes;
  ports::ProcessResult result = TRY(world.process.run(process));
  const std::string program = printable(process.argv.front(), 60);
  if (result.exit_code != 0)
    return fail_hint(ErrorKind::failed, "run it by hand to see why",
                     "'{}', which prints the log of the {}, ended with {}", program, name_of(request.arm),
                     result.exit_code);
  if (result.cut)
    return fail_hint(ErrorKind::failed, "let it print the newest lines only",
                     "'{}' prints more than 4 MiB of log, and the newest would be lost", program);
  return std::move(result.out);
}

// Values are percent-encoded: a '+' in a version is no blank.
Result<std::string> fill_url(std::string_view url, const Variables& variables, Arm arm) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::string out;
  for (std::size_t at = 0; at < url.size();) {
    std::size_t end = at + 1;
    if (url[at] == '$')
      while (end < url.size() && is_word(url[end])) ++end;
    if (end == at + 1)
      out += url[at];
    else
      out += percent_encode(TRY(fill_query(url.substr(at, end - at), variables, &arm)));
    at = end;
  }
  return out;
}

// Loki's query_range: {"data":{"result":[{"values":[["<ns>","<line>"]]}]}}, streams merged by time.
bool append_loki(const doc::Value& body, std::string& out) {
  const doc::Value* data = body.find("data");
  const doc::Value* result = data == nullptr ? nullptr : data->find("result");
  if (result == nullptr || !result->is_array()) return false;
  std::vector<std::pair<std::uint64_t, std::string>> lines;
  for (const doc::Value& stream : result->as_array()) {
    const doc::Value* values = stream.find("values");
    if (values == nullptr || !values->is_array()) return false;
    for (const doc::Value& value : values->as_array()) {
      if (!value.is_array() || value.as_array().size() < 2 || !value.as_array()[0].is_string() ||
          !value.as_array()[1].is_string())
        return false;
      const auto time = parse_u64(value.as_array()[0].as_string());
      if (!time) return false;
      lines.emplace_back(*time, value.as_array()[1].as_string());
    }
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [time, line] : lines) out += line + "\n";
  return true;
}

std::string lines_of(std::string body) {
  const std::string_view start = trim(std::string_view(body).substr(0, 64));
  if (!start.starts_with('{') && !start.starts_with('[')) return body;
  const auto parsed = doc::parse_json(body, "the log", json_limits);
  if (!parsed) return body;  // one object a line, or plain text
  std::string out;
  if (append_loki(*parsed, out)) return out;
  if (!parsed->is_array()) return body;
  out.clear();
  for (const doc::Value& item : parsed->as_array())
    out += (item.is_string() ? item.as_string() : doc::to_json(item)) + "\n";
  return out;
}

Result<std::string> get_url(ports::World& world, const LogRequest& request) {
  ports::HttpRequest http;
  http.url = TRY(fill_url(request.source.url, request.variables, request.arm));
  if (!request.token.empty())
    http.secret_headers.emplace_back("authorization",
                                     Secret("Bearer " + std::string(request.token.expose())));
  http.timeout = request.timeout;
  http.max_response_bytes = most_log_bytes;
  auto response = world.http.send(http);
  if (!response) return fail(std::move(response.error()));
  if (response->status != 200)
    return fail_hint(ErrorKind::failed, "see that the url and its token are right",
                     "the log system answered the query of the {} with HTTP {}", name_of(request.arm),
                     response->status);
  return lines_of(std::move(response->body));
}

}  // namespace

Result<std::string> read_log(ports::World& world, const LogRequest& request) {
  if (!request.source.file.empty()) return read_file(world, request);
  if (!request.source.command.empty()) return run_command(world, request);
  if (!request.source.url.empty()) return get_url(world, request);
  return fail_hint(ErrorKind::invalid, "add logs: { canary: { file: PATH }, control: { file: PATH } }",
                   "the {} has no log", name_of(request.arm));
}

}  // namespace tranche::metrics::internal
