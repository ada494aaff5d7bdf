// Anthropic Messages API (POST /v1/messages, version 2023-06-01) and OpenAI's chat completions, as many
// servers speak it.
//
// Servers differ in what they refuse: newer models take no temperature, and max_tokens was renamed. A refusal
// that names such a parameter is answered by asking again without it.
#include "metrics/model_api.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::metrics::internal {
namespace {

using Protocol = spec::Model::Protocol;
using namespace std::chrono_literals;

constexpr std::int64_t most_tokens = 4096;  // reasoning counts; the answer itself needs 300
constexpr std::size_t largest_response = 256 << 10;
constexpr doc::Limits limits{largest_response, 32, 10'000};
constexpr int most_tries = 8, most_lost_connections = 3;
constexpr Duration first_pause = 1s, longest_pause = 20s;  // as the makers' own clients do

// What is left out, or renamed, because the server refused it.
struct Dialect {
  bool temperature = true, response_format = true, completion_tokens = false;
};

std::string address(const spec::Model& model) {
  const bool anthropic = model.protocol == Protocol::anthropic;
  std::string url = !model.url.empty() ? model.url
                    : anthropic        ? "https://api.anthropic.com"
                                       : "https://api.openai.com/v1";
  while (url.ends_with('/')) url.pop_back();
  if (!anthropic) return url.ends_with("/chat/completions") ? url : url + "/chat/completions";
  if (url.ends_with("/v1/messages")) return url;
  return url + (url.ends_with("/v1") ? "/messages" : "/v1/messages");
}

doc::Value message(std::string_view role, const std::string& content) {
  return doc::Value::object({{"role", role}, {"content", content}});
}

doc::Value body_of(const spec::Model& model, const gate::Prompt& prompt, const Dialect& dialect) {
  doc::Value body = doc::Value::object({{"model", model.model}});
  body.set(dialect.completion_tokens ? "max_completion_tokens" : "max_tokens", most_tokens);
  if (dialect.temperature) body.set("temperature", 0);
  doc::Value messages = doc::Value::array();
  if (model.protocol == Protocol::anthropic) {
    body.set("system", prompt.system);
  } else {
    if (dialect.response_format) body.set("response_format", doc::Value::object({{"type", "json_object"}}));
    body.set("stream", false);
    messages.push(message("system", prompt.system));
  }
  messages.push(message("user", prompt.user));
  body.set("messages", std::move(messages));
  return body;
}

ports::HttpRequest request_of(const spec::Model& model, const Secret& key) {
  ports::HttpRequest request;
  request.method = "POST";
  request.url = address(model);
  request.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
  request.max_response_bytes = largest_response;
  request.max_redirects = 0;
  const bool anthropic = model.protocol == Protocol::anthropic;
  if (anthropic) request.headers.emplace_back("anthropic-version", "2023-06-01");
  if (!key.empty())
    request.secret_headers.emplace_back(anthropic ? "x-api-key" : "authorization",
                                        anthropic ? key : Secret("Bearer " + std::string(key.expose())));
  return request;
}

// A word that the server chose, when it is harmless.
std::string word_at(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  if (found == nullptr || !found->is_string()) return {};
  const std::string& text = found->as_string();
  const bool harmless = !text.empty() && text.size() <= 40 &&
                        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  return harmless ? text : std::string();
}

// {"error":{"type","message","param"}} in both APIs.
doc::Value error_in(const ports::HttpResponse& response) {
  const auto body = doc::parse_json(response.body, "the answer", limits);
  const doc::Value* error = body ? body->find("error") : nullptr;
  return error != nullptr && error->is_object() ? *error : doc::Value::object();
}

// True when something was changed and asking again makes sense.
bool adapt(Dialect& dialect, const doc::Value& error) {
  std::string words = word_at(error, "param");
  if (const doc::Value* text = error.find("message"); text != nullptr && text->is_string())
    words += " " + text->as_string();
  const auto names = [&](std::string_view name) { return words.find(name) != std::string::npos; };
  if (dialect.temperature && names("temperature")) return dialect.temperature = false, true;
  if (!dialect.completion_tokens && names("max_completion_tokens")) return dialect.completion_tokens = true;
  if (dialect.response_format && names("response_format")) return dialect.response_format = false, true;
  return false;
}

bool is_passing(int status) { return status == 408 || status == 429 || (status >= 500 && status != 501); }

std::unexpected<Error> refuse(std::string_view why) {
  return fail_hint(ErrorKind::failed, "the gate holds; look at the model's settings if it stays so",
                   "the model gave no answer: {}", why);
}

// content: [{"type":"text","text":...}]; thinking may stand before it.
Result<std::string> text_of_anthropic(const doc::Value& body) {
  const std::string stop = word_at(body, "stop_reason");
  if (stop == "max_tokens") return refuse("it was cut");
  if (stop == "refusal") return refuse("it refused");
  const doc::Value* content = body.find("content");
  if (content == nullptr || !content->is_array()) return refuse("an answer of another shape");
  const std::string* text = nullptr;
  for (const doc::Value& block : content->as_array()) {
    const std::string type = word_at(block, "type");
    if (type == "thinking" || type == "redacted_thinking") continue;
    if (type == "tool_use") return refuse("it called a tool instead");
    const doc::Value* found = block.find("text");
    if (type != "text" || found == nullptr || !found->is_string() || text != nullptr)
      return refuse("an answer of another shape");
    text = &found->as_string();
  }
  return text == nullptr ? std::string() : *text;
}

// choices: [{"message":{"content":...,"refusal":null},"finish_reason":"stop"}]
Result<std::string> text_of_openai(const doc::Value& body) {
  const doc::Value* choices = body.find("choices");
  if (choices == nullptr || !choices->is_array() || choices->as_array().size() != 1)
    return refuse("an answer of another shape");
  const doc::Value& choice = choices->as_array()[0];
  const doc::Value* message = choice.find("message");
  if (message == nullptr || !message->is_object()) return refuse("an answer of another shape");
  const std::string finish = word_at(choice, "finish_reason");
  if (finish == "length") return refuse("it was cut");
  const doc::Value* refusal = message->find("refusal");
  if (finish == "content_filter" ||
      (refusal != nullptr && refusal->is_string() && !refusal->as_string().empty()))
    return refuse("it refused");
  const doc::Value* calls = message->find("tool_calls");
  if (finish == "tool_calls" || finish == "function_call" ||
      (calls != nullptr && calls->is_array() && !calls->as_array().empty()))
    return refuse("it called a tool instead");
  const doc::Value* content = message->find("content");
  if (content == nullptr || !content->is_string()) return refuse("an answer of another shape");
  return content->as_string();
}

// Doubles, with up to a quarter more so that clients part; never shorter than the server asks for.
Result<Duration> pause_before(ports::Random& random, int attempt, const ports::HttpResponse* response) {
  const Duration base = std::min(longest_pause, first_pause * (1 << std::min(attempt, 6)));
  const std::string chance = TRY(random.bytes(1));
  Duration pause = base + base * static_cast<unsigned char>(chance[0]) / 1024;
  if (response != nullptr)
    if (const auto asked = parse_u64(response->header("retry-after")); asked && *asked < 86'400)
      pause = std::max(pause, Duration(std::chrono::seconds(*asked)));
  return pause;
}

}  // namespace

Duration time_left(ports::Clock& clock, Deadline deadline) {
  return std::max(Duration::zero(), std::chrono::duration_cast<Duration>(deadline - clock.elapsed()));
}

Result<std::string> complete(ports::World& world, const spec::Model& model, const Secret& key,
                             const gate::Prompt& prompt, Deadline deadline) {
  Dialect dialect;
  std::string last = "there was no time left to ask";
  int lost = 0;
  for (int attempt = 0; attempt < most_tries; ++attempt) {
    ports::HttpRequest request = request_of(model, key);
    request.body = doc::to_json(body_of(model, prompt, dialect));
    request.timeout = time_left(world.clock, deadline);
    if (request.timeout <= Duration::zero()) break;
    const auto response = world.http.send(request);
    if (response && response->status == 200) {
      const auto body = doc::parse_json(response->body, "the answer", limits);
      if (!body || !body->is_object()) return refuse("an answer that is no JSON object");
      return model.protocol == Protocol::anthropic ? text_of_anthropic(*body) : text_of_openai(*body);
    }
    if (!response) {
      if (response.error().kind == ErrorKind::invalid) return refuse(response.error().message);
      last = response.error().message;
      if (++lost == most_lost_connections || last.find("larger than") != std::string::npos) break;
    } else {
      const doc::Value error = error_in(*response);
      const std::string type = word_at(error, "type");
      last = fmt::format("HTTP {}{}{}", response->status, type.empty() ? "" : ", ", type);
      if (response->status == 400 && adapt(dialect, error)) continue;
      if (!is_passing(response->status)) break;
    }
    const Duration pause = TRY(pause_before(world.random, attempt, response ? &*response : nullptr));
    if (pause >= time_left(world.clock, deadline)) break;
    if (!world.clock.sleep_until(world.clock.now() + pause) || world.clock.interrupted())
      return fail(ErrorKind::interrupted, "interrupted while waiting for the model");
  }
  return refuse(last);
}

}  // namespace tranche::metrics::internal
