#include "actions/web.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/release_date.hpp"
#include "base/text.hpp"
#include "signing/keys.hpp"

namespace tranche::actions::web {
namespace {

constexpr doc::Limits answer_limits{list_answer, 48, 500'000};
// Shorter ones would also take innocent letters out of messages.
constexpr std::size_t shortest_hidden = 4;

bool speaks_of_rate_limit(const ports::HttpResponse& response) {
  return lower(std::string_view(response.body).substr(0, 2'000)).find("rate limit") != std::string::npos;
}

Duration wait_until(Instant when, Instant now) {
  return std::clamp(Duration(when - now), Duration(std::chrono::seconds(1)),
                    Duration(std::chrono::hours(24 * 7)));
}

// Seconds, as all of these services send them, or a date; or the end of their window (GitHub and GitLab:
// seconds since the epoch, LaunchDarkly: milliseconds). RFC 9110 section 10.2.3.
std::optional<Duration> wait_in(const ports::HttpResponse& response, Instant now) {
  const bool limited = response.status == 429 || response.status == 403;
  if (!limited && response.status != 503) return std::nullopt;
  const std::string_view after = trim(response.header("retry-after"));
  if (const auto seconds = parse_u64(after))
    return std::chrono::seconds(std::min<std::uint64_t>(*seconds, 7 * 86'400));
  if (const auto when = parse_release_date(after)) return wait_until(*when, now);
  if (!limited) return std::nullopt;
  const bool spent = trim(response.header("x-ratelimit-remaining")) == "0";
  if (response.status == 403 && !spent) {
    // GitHub's secondary limit names no time; its documentation says a minute.
    if (!speaks_of_rate_limit(response)) return std::nullopt;
    return std::chrono::minutes(1);
  }
  for (const std::string_view name : {"x-ratelimit-reset", "ratelimit-reset"}) {
    const auto when = parse_u64(trim(response.header(name)));
    if (!when || *when > 100'000'000'000'000) continue;
    const auto milliseconds = static_cast<std::int64_t>(*when > 100'000'000'000 ? *when : *when * 1'000);
    return wait_until(Instant(Duration(milliseconds)), now);
  }
  return std::nullopt;
}

bool may_pass(const Answer& answer) {
  return answer.status == 408 || answer.status == 425 || answer.status == 429 || answer.status >= 500 ||
         answer.wait.has_value();
}

std::string usual_hint(int status) {
  if (status == 401 || status == 403)
    return "see that the token is valid, and may do this: its scopes, and whether it may reach the place";
  if (status == 404) return "see that the names are right; a token that may not see a place gets 404 as well";
  if (status >= 300 && status < 400) return "write the address that it leads to";
  return "see what it says, and mend the step's arguments";
}

void add_words(std::string& out, const doc::Value& value) {
  const std::string text = value.is_string() ? value.as_string() : text_in(value, "message");
  if (text.empty()) return;
  if (!out.empty()) out += "; ";
  out += text;
}

}  // namespace

Service::Service(Deck& deck, const Call& call, std::string name, std::string base)
    : deck_(deck), call_(call), name_(std::move(name)), base_(std::move(base)) {}

Service Service::behind_secret(Deck& deck, const Call& call, std::string name, const Secret& base) {
  Service service(deck, call, std::move(name), std::string(base.expose()));
  service.secret_address_ = true;
  service.hide(base);
  return service;
}

void Service::hide(const Secret& secret) {
  if (secret.expose().size() < shortest_hidden) return;
  const std::string plain(secret.expose());
  std::string quoted = doc::to_json(doc::Value(plain));
  hidden_.push_back(secret);
  hidden_.emplace_back(percent_encode(plain));
  hidden_.emplace_back(quoted.substr(1, quoted.size() - 2));
}

Result<Secret> Service::read_secret(const std::string& reference) {
  Secret secret = TRY_WHILE("reading a secret for " + name_,
                            signing::read_secret(deck_.world(), deck_.repository(), reference));
  hide(secret);
  return secret;
}

void Service::add_header(std::string name, std::string value) {
  headers_.emplace_back(std::move(name), std::move(value));
}

void Service::add_secret_header(std::string name, const Secret& value) {
  hide(value);
  secret_headers_.emplace_back(std::move(name), value);
}

std::string Service::without_secrets(std::string text) const {
  for (const Secret& secret : hidden_) text = replace_all(std::move(text), secret.expose(), "***");
  return text;
}

std::string Service::shown() const {
  return secret_address_ ? name_ : fmt::format("{} ({})", name_, shown_address(base_));
}

Result<Answer> Service::ask(std::string_view path, std::size_t max_bytes) {
  return send_bytes("GET", path, {}, {}, max_bytes);
}

Result<Answer> Service::send(std::string_view method, std::string_view path) {
  return send_bytes(method, path, {}, {});
}

Result<Answer> Service::send(std::string_view method, std::string_view path, const doc::Value& body,
                             std::string_view content_type) {
  return send_bytes(method, path, doc::to_json(body), content_type);
}

Result<Answer> Service::send_bytes(std::string_view method, std::string_view path, std::string body,
                                   std::string_view content_type, std::size_t max_bytes) {
  ports::HttpRequest request;
  request.method = method;
  request.url = base_ + std::string(path);
  request.headers = headers_;
  // Each write is sent once a try; the key is the same on every try.
  if (method != "GET") request.headers.emplace_back("Idempotency-Key", call_.key);
  if (!content_type.empty()) request.headers.emplace_back("Content-Type", content_type);
  request.secret_headers = secret_headers_;
  request.body = std::move(body);
  request.max_response_bytes = max_bytes;
  request.timeout = call_.step.timeout;
  const Instant now = deck_.world().clock.now();
  if (call_.deadline != Instant{}) request.timeout = std::min(request.timeout, call_.deadline - now);
  if (request.timeout <= Duration{})
    return fail_hint(ErrorKind::failed,
                     "give the step more time: timeout:", "the step's time was over before {} was asked",
                     shown());
  auto response = deck_.world().http.send(request);
  if (!response) {
    Error error = std::move(response.error());
    error.message = secret_address_
                        ? fmt::format("{} cannot be reached, or did not answer in time", name_)
                        : without_secrets(fmt::format("{} did not answer: {}", name_, error.message));
    error.hint = without_secrets(std::move(error.hint));
    error.mark.reset();
    error.while_doing.clear();
    return fail(std::move(error));
  }
  Answer answer;
  answer.status = response->status;
  answer.wait = wait_in(*response, now);
  if (auto json = doc::parse_json(response->body, "the answer", answer_limits))
    answer.json = std::move(*json);
  answer.body = std::move(response->body);
  return answer;
}

// Members that these services keep their reasons in: GitHub message and errors[].message, GitLab message or
// error, LaunchDarkly message, PagerDuty message and errors[], Vault errors[], OAuth error_description.
std::string Service::words_of(const Answer& answer) const {
  std::string words;
  if (answer.json.is_object()) {
    for (const std::string_view key : {"message", "error", "error_description"})
      if (const doc::Value* value = answer.json.find(key)) add_words(words, *value);
    if (const doc::Value* errors = answer.json.find("errors"); errors != nullptr && errors->is_array())
      for (const doc::Value& error : errors->as_array()) add_words(words, error);
  }
  if (words.empty()) words = answer.body.substr(0, 4'000);
  return printable(trim(without_secrets(std::move(words))), 200);
}

Error Service::refusal(const Answer& answer, std::string_view doing, std::string hint) {
  const bool passing = may_pass(answer);
  if (passing && answer.wait) wait_ = answer.wait;
  const std::string words = words_of(answer);
  std::string message = fmt::format("{} refused {} (HTTP {}){}{}", shown(), doing, answer.status,
                                    words.empty() ? "" : ": ", words);
  if (passing && answer.wait) message += fmt::format("; it asks for {}", to_text(*answer.wait));
  if (hint.empty()) hint = passing ? std::string("retry: tries again") : usual_hint(answer.status);
  return {passing ? ErrorKind::failed : ErrorKind::denied, std::move(message), std::move(hint)};
}

Error Service::unreadable(std::string_view what) const {
  return {ErrorKind::failed,
          fmt::format("{} gave an answer that cannot be read: {}", shown(),
                      without_secrets(printable(what, 200))),
          "see that the address leads to the service itself, not to a page before it"};
}

Result<Outcome> Service::ended(Result<Outcome> outcome) {
  if (outcome || !wait_ || outcome.error().kind != ErrorKind::failed) return outcome;
  const auto waits = call_.facts.is_object() ? call_.facts.integer_or("waits", 0) : Result<std::int64_t>(0);
  if (!waits || *waits >= most_waits || *wait_ > longest_wait) return outcome;
  Outcome later;
  later.text = std::move(outcome.error().message);
  later.facts = call_.facts.is_object() ? call_.facts : doc::Value::object();
  later.facts.set("waits", *waits + 1);
  later.not_before = deck_.world().clock.now() + *wait_;
  return later;
}

Result<std::string> argument(const Call& call, std::string_view key) {
  return fill_variables(TRY(call.step.with.text(key)), call);
}

Result<std::string> argument_or(const Call& call, std::string_view key, std::string_view fallback) {
  return fill_variables(TRY(call.step.with.text_or(key, fallback)), call);
}

Result<std::vector<std::string>> arguments(const Call& call, std::string_view key) {
  std::vector<std::string> out;
  const doc::Value* value = call.step.with.find(key);
  if (value == nullptr || value->is_null()) return out;
  const doc::Array one{*value};
  for (const doc::Value& item : value->is_array() ? value->as_array() : one) {
    if (!item.is_string())
      return fail_hint(ErrorKind::invalid, fmt::format("{}: [..., ...]", key),
                       "{} of {} holds something that is not a string", key, call.step.uses);
    out.push_back(fill_variables(item.as_string(), call));
  }
  return out;
}

Result<std::string> address_or(const Call& call, std::string_view key, std::string_view fallback) {
  std::string address = TRY(argument_or(call, key, fallback));
  while (address.ends_with('/')) address.pop_back();
  return address;
}

std::string shown_address(std::string_view url) {
  return printable(url.substr(0, url.find_first_of("?#")), 160);
}

std::string form_encode(const std::vector<std::pair<std::string, std::string>>& form) {
  std::string out;
  for (const auto& [name, value] : form) {
    if (!out.empty()) out += '&';
    out.append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return out;
}

std::string text_in(const doc::Value& object, std::string_view key) {
  const doc::Value* value = object.find(key);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

}  // namespace tranche::actions::web
