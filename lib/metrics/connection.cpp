#include "metrics/connection.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::metrics::internal {

namespace {

constexpr std::size_t largest_answer = 8 << 20;
// A sample is three nodes and at least a dozen bytes.
constexpr doc::Limits limits{largest_answer, 16, 2'000'000};

std::string encode(const Form& form) {
  std::string out;
  for (const auto& [name, value] : form) {
    if (!out.empty()) out += '&';
    out += name + "=" + percent_encode(value);
  }
  return out;
}

}  // namespace

std::string Connection::base() const {
  std::string url = source_.url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string Connection::name() const {
  return fmt::format("source '{}' ({})", printable(source_.name, 64), printable(source_.url, 120));
}

Result<Answer> Connection::get(std::string_view path, const Form& form) {
  ports::HttpRequest request;
  request.url = fmt::format("{}{}?{}", base(), path, encode(form));
  return send(std::move(request));
}

Result<Answer> Connection::post(std::string_view path, const Form& form) {
  ports::HttpRequest request;
  request.method = "POST";
  request.url = base() + std::string(path);
  request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  request.body = encode(form);
  return send(std::move(request));
}

Result<Answer> Connection::send(ports::HttpRequest request) {
  request.headers.emplace_back("accept", "application/json");
  if (!token_.empty())
    request.secret_headers.emplace_back("authorization", Secret("Bearer " + std::string(token_.expose())));
  request.timeout = source_.timeout;
  request.max_response_bytes = largest_answer;
  auto response = http_.send(request);
  if (!response) {
    Error error = std::move(response.error());
    error.message = fmt::format("{} did not answer: {}", name(), error.message);
    if (error.hint.empty()) error.hint = "see that it runs and that its url in sources: is right";
    return fail(std::move(error));
  }
  Answer answer;
  answer.status = response->status;
  auto body = doc::parse_json(response->body, "the answer", limits);
  if (body && body->is_object()) {
    answer.body = std::move(*body);
    return answer;
  }
  if (answer.status == 401 || answer.status == 403)
    return fail_hint(ErrorKind::failed, "give the source a token: { url: ..., token: env:TRANCHE_NAME }",
                     "{} wants authorisation (HTTP {})", name(), answer.status);
  if (answer.status != 200) {
    answer.body = doc::Value::object();  // the caller says what the status means
    return answer;
  }
  return fail_hint(ErrorKind::failed, "see that the url leads to the server itself, not to a page before it",
                   "{} gave an answer that cannot be read: {}", name(),
                   body ? "not a JSON object" : body.error().message);
}

}  // namespace tranche::metrics::internal
