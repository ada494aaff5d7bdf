#include "metrics/connection.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::metrics::internal {

namespace {

constexpr std::size_t largest_answer = 8 << 20;
// A sample is three nodes and at least a dozen bytes.
constexpr doc::Limits limits{largest_answer, 32, 2'000'000};

constexpr int most_tries = 4;
// A restart of a server behind a load balancer takes about a second; all pauses together are 1.4 s.
constexpr Duration first_pause = std::chrono::milliseconds(200);

bool may_pass(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

// Datadog says the seconds in a header of its own.
std::string_view retry_after(const ports::HttpResponse& response) {
  const std::string_view standard = response.header("retry-after");
  return standard.empty() && response.status == 429 && response.header("x-ratelimit-reset").size() < 6
             ? response.header("x-ratelimit-reset")
             : standard;
}

Result<Secret> secret_of(const Secrets& secrets, const spec::Source& source, const std::string& reference) {
  const auto found = secrets.find(reference);
  if (found == secrets.end())
    return fail_hint(ErrorKind::invalid, "see that the reference can be read where this runs",
                     "source '{}' needs the secret {}", printable(source.name, 64),
                     printable(reference, 120));
  return found->second;
}

}  // namespace

std::string encode(const Form& form) {
  std::string out;
  for (const auto& [name, value] : form) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(percent_encode(value));
  }
  return out;
}

std::optional<Instant> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // Thu, 01 Jan 2026 00:00:00 GMT
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  if (month == months.end()) return std::nullopt;
  const auto number = static_cast<unsigned>(month - months.begin()) + 1;
  std::string written = "yyyy-mm-ddThh:mm:ssZ";
  written.replace(0, 4, text.substr(12, 4));
  written[5] = static_cast<char>('0' + number / 10);
  written[6] = static_cast<char>('0' + number % 10);
  written.replace(8, 2, text.substr(5, 2));
  written.replace(11, 8, text.substr(17, 8));
  const auto read = parse_instant(written);
  return read ? std::optional(*read) : std::nullopt;
}

std::string words_in(const doc::Value& object, std::string_view key) {
  const doc::Value* value = object.find(key);
  return value != nullptr && value->is_string() ? printable(value->as_string(), 300) : std::string{};
}

Result<Connection> Connection::make(const Surroundings& around, const spec::Source& source) {
  Connection made(around.world, source);
  if (!source.token.empty()) {
    const Secret token = TRY(secret_of(around.secrets, source, source.token));
    made.secret_headers_.emplace_back("authorization", Secret("Bearer " + std::string(token.expose())));
  } else if (!source.user.empty()) {
    const Secret password = TRY(secret_of(around.secrets, source, source.password));
    made.secret_headers_.emplace_back(
        "authorization", Secret("Basic " + to_base64(source.user + ":" + std::string(password.expose()))));
  }
  for (const auto& [name, text] : source.headers) {
    if (!spec::is_secret_reference(text)) {
      made.headers_.emplace_back(name, text);
      continue;
    }
    Secret value = TRY(secret_of(around.secrets, source, text));
    made.secret_headers_.emplace_back(name, std::move(value));
  }
  for (const auto& [name, reference] :
       {std::pair("DD-API-KEY", &source.api_key), std::pair("DD-APPLICATION-KEY", &source.app_key)}) {
    if (reference->empty()) continue;
    Secret key = TRY(secret_of(around.secrets, source, *reference));
    made.secret_headers_.emplace_back(name, std::move(key));
  }
  return made;
}

std::string Connection::url(std::string_view path) const {
  std::string url = source_.url;
  while (url.ends_with('/')) url.pop_back();
  return url + std::string(path);
}

std::string Connection::name() const {
  return fmt::format("source '{}' ({})", printable(source_.name, 64), printable(source_.url, 120));
}

Result<Answer> Connection::get(std::string_view path, const Form& form) {
  Question question;
  question.url = url(path) + "?" + encode(form);
  return send(std::move(question));
}

Result<Answer> Connection::post(std::string_view path, const Form& form) {
  Question question;
  question.method = "POST";
  question.url = url(path);
  question.content_type = "application/x-www-form-urlencoded";
  question.body = encode(form);
  return send(std::move(question));
}

Duration Connection::pause_before(int attempt, std::string_view retry_after) {
  constexpr std::uint64_t longest_wait = 24 * 3600;
  if (const auto seconds = parse_u64(trim(retry_after)))
    return std::chrono::seconds(std::min(*seconds, longest_wait));
  if (const auto when = parse_http_date(retry_after)) return std::max(Duration{}, *when - world_.clock.now());
  const Duration whole = first_pause * (1 << (attempt - 1));
  const auto bytes = world_.random.bytes(2);
  if (!bytes || bytes->size() < 2) return whole;
  const unsigned chance =
      static_cast<unsigned char>((*bytes)[0]) * 256U + static_cast<unsigned char>((*bytes)[1]);
  return whole - whole * chance / 2 / 65'536;
}

Result<ports::HttpResponse> Connection::try_until_deadline(ports::HttpRequest request, bool retry) {
  const auto begun = world_.clock.elapsed();
  for (int attempt = 1;; ++attempt) {
    const auto spent = std::chrono::duration_cast<Duration>(world_.clock.elapsed() - begun);
    request.timeout = std::max(Duration(1), source_.timeout - spent);
    auto response = world_.http.send(request);
    if (response) {
      if (const auto date = parse_http_date(response->header("date")))
        ahead_ = *date - std::chrono::floor<std::chrono::seconds>(world_.clock.now());
    }
    const bool again = response ? may_pass(response->status) : response.error().kind == ErrorKind::failed;
    if (!retry || !again || attempt == most_tries) return response;
    const Duration pause = pause_before(attempt, response ? retry_after(*response) : std::string_view{});
    const auto now_spent = std::chrono::duration_cast<Duration>(world_.clock.elapsed() - begun);
    if (now_spent + pause >= source_.timeout) return response;
    if (!world_.clock.sleep_until(world_.clock.now() + pause)) return response;
  }
}

Result<Answer> Connection::send(Question question) {
  ports::HttpRequest request;
  request.method = std::move(question.method);
  request.url = std::move(question.url);
  request.body = std::move(question.body);
  request.headers = headers_;
  if (!question.content_type.empty()) request.headers.emplace_back("content-type", question.content_type);
  request.headers.emplace_back("accept", "application/json");
  request.secret_headers = secret_headers_;
  request.max_response_bytes = largest_answer;
  auto response = try_until_deadline(std::move(request), question.retry);
  if (!response) {
    Error error = std::move(response.error());
    error.message = fmt::format("{} did not answer: {}", name(), error.message);
    if (error.hint.empty()) error.hint = "see that it runs and that its url in sources: is right";
    return fail(std::move(error));
  }
  Answer answer;
  answer.status = response->status;
  answer.retry = retry_after(*response);
  auto body = doc::parse_json(response->body, "the answer", limits);
  if (question.any_text) answer.raw = std::move(response->body);
  if (body) {
    answer.body = std::move(*body);
    answer.is_json = true;
    return answer;
  }
  if (answer.status != 200 || question.any_text) return answer;  // the caller says what the status means
  return fail_hint(ErrorKind::failed, "see that the url leads to the server itself, not to a page before it",
                   "{} gave an answer that cannot be read: {}", name(), body.error().message);
}

std::unexpected<Error> Connection::refused(const Answer& answer, std::string_view why, std::string_view query,
                                           std::string_view hint) const {
  const bool access = answer.status == 401 || answer.status == 403;
  std::string advice(hint);
  if (access)
    advice = source_.kind == spec::Source::Kind::datadog
                 ? "see that api-key and app-key are of this region and may read metrics"
                 : "give the source credentials: token: env:TRANCHE_NAME, or user and password";
  else if (answer.status == 429)
    advice = "ask less often (every:, interval:), or raise the limit there";
  else if (advice.empty())
    advice = "see that the server is well and that its url in sources: is right";
  const bool bad_query = answer.status == 400 || answer.status == 422;
  return fail_hint(bad_query ? ErrorKind::invalid : ErrorKind::failed, std::move(advice),
                   "{} {} (HTTP {}{}{}){}{}{}{}", name(), access ? "wants authorisation" : "refused",
                   answer.status, answer.retry.empty() ? "" : ", try again after ",
                   printable(answer.retry, 40), why.empty() ? "" : ": ", printable(why, 300),
                   query.empty() ? "" : "; the query was: ", printable(query, 500));
}

std::unexpected<Error> Connection::unreadable(std::string_view what, std::string_view query,
                                              std::string_view hint) const {
  return fail_hint(ErrorKind::failed, std::string(hint), "{} gave an answer that cannot be read: {}{}{}",
                   name(), what, query.empty() ? "" : "; the query was: ", printable(query, 500));
}

}  // namespace tranche::metrics::internal
