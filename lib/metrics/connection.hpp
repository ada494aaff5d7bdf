// One metrics server over HTTP: who we are to it, tries again, bounded JSON in, errors that name the server.
// Private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doc/value.hpp"
#include "metrics/source.hpp"
#include "ports/ports.hpp"
#include "spec/spec.hpp"

namespace tranche::metrics::internal {

using Form = std::vector<std::pair<std::string, std::string>>;  // names are plain, values are encoded here

struct Answer {
  int status = 0;
  doc::Value body;       // any JSON; null when it was none
  bool is_json = false;  // it was
  std::string raw;       // the bytes, when any text is an answer
  std::string retry;     // Retry-After, as it came
};

struct Question {
  std::string method = "GET";
  std::string url;  // whole
  std::string body;
  std::string content_type;
  bool retry = true;      // a read: asking twice changes nothing
  bool any_text = false;  // an answer that is no JSON is an answer
};

class Connection {
 public:
  // Kind invalid when a secret that the source names is not among the secrets.
  static Result<Connection> make(const Surroundings& around, const spec::Source& source);

  // Status 200 with JSON of at most 8 MiB is an answer, as is any other status. All else is an error, kind
  // failed. Connection errors and 429, 500, 502, 503, 504 are tried again, at most 3 times, after 200 ms,
  // 400 ms, 800 ms less up to a half by chance, or after Retry-After; all of it within the source's timeout.
  Result<Answer> get(std::string_view path, const Form& form);
  Result<Answer> post(std::string_view path, const Form& form);
  Result<Answer> send(Question question);

  // "source 'prom' (http://127.0.0.1:9090)"
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string url(std::string_view path) const;
  // For an answer whose status is not 200. `why`: the server's words; `query` may be empty.
  std::unexpected<Error> refused(const Answer& answer, std::string_view why, std::string_view query,
                                 std::string_view hint = {}) const;
  std::unexpected<Error> unreadable(std::string_view what, std::string_view query,
                                    std::string_view hint) const;
  // How far the server's clock is ahead of ours, by the Date of its last answer (to the second).
  [[nodiscard]] std::optional<Duration> clock_ahead() const { return ahead_; }

 private:
  Connection(const ports::World& world, const spec::Source& source) : world_(world), source_(source) {}
  Result<ports::HttpResponse> try_until_deadline(ports::HttpRequest request, bool retry);
  Duration pause_before(int attempt, std::string_view retry_after);

  ports::World world_;
  spec::Source source_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::vector<std::pair<std::string, Secret>> secret_headers_;
  std::optional<Duration> ahead_;
};

std::string encode(const Form& form);
// RFC 9110 §5.6.7, the form that servers send: "Thu, 01 Jan 2026 00:00:00 GMT".
std::optional<Instant> parse_http_date(std::string_view text);
// Text in `key` of an object, printable; empty without one.
std::string words_in(const doc::Value& object, std::string_view key);

}  // namespace tranche::metrics::internal
