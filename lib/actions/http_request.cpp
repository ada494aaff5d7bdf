// http.request { method, url, headers, body }: tells somebody. A 2xx answer is done. The Idempotency-Key
// header is the same on every try. Header values may be secret references (env:TRANCHE_..., file:...).
#include "actions/action.hpp"
#include "base/text.hpp"
#include "signing/keys.hpp"

namespace tranche::actions {
namespace {

bool is_secret_reference(const std::string& value) {
  return value.starts_with("env:") || value.starts_with("file:");
}

Result<std::vector<Need>> needs(Deck&, const Call& call) {
  const std::string url = TRY(call.step.with.text("url"));
  std::vector<Need> all{{Need::Kind::url, fill_variables(url, call)}};
  if (const doc::Value* headers = call.step.with.find("headers"); headers != nullptr && headers->is_object())
    for (const doc::Member& header : headers->as_object())
      if (header.value.is_string() && is_secret_reference(header.value.as_string()))
        all.push_back({Need::Kind::secret, header.value.as_string()});
  return all;
}

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("sends {} {}", TRY(call.step.with.text_or("method", "POST")),
                     printable(fill_variables(TRY(call.step.with.text("url")), call)));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const doc::Value with = fill_variables(call.step.with, call);
  ports::HttpRequest request;
  request.method = TRY(with.text_or("method", "POST"));
  request.url = TRY(with.text("url"));
  request.timeout = call.step.timeout;
  request.max_response_bytes = 64 << 10;
  request.headers.emplace_back("Idempotency-Key", call.key);
  if (const doc::Value* headers = call.step.with.find("headers");
      headers != nullptr && headers->is_object()) {
    for (const doc::Member& header : headers->as_object()) {
      if (!header.value.is_string())
        return fail(ErrorKind::invalid, "header '{}' of http.request is not a string",
                    printable(header.key, 64));
      const std::string& value = header.value.as_string();
      if (is_secret_reference(value)) {
        request.secret_headers.emplace_back(
            header.key, TRY(signing::read_secret(deck.world(), deck.repository(), value)));
      } else {
        request.headers.emplace_back(header.key, fill_variables(value, call));
      }
    }
  }
  if (const doc::Value* body = with.find("body")) {
    request.body = body->is_string() ? body->as_string() : doc::to_json(*body);
    if (!body->is_string()) request.headers.emplace_back("Content-Type", "application/json");
  }
  const ports::HttpResponse response = TRY_WHILE("http.request", deck.world().http.send(request));
  if (response.status < 200 || response.status > 299)
    return fail(ErrorKind::failed, "{} {} answered {}: {}", request.method, request.url, response.status,
                printable(response.body, 120));
  return Outcome{fmt::format("{} {} answered {}", request.method, request.url, response.status)};
}

Result<Outcome> undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "tell them by hand", "a request that was sent cannot be taken back");
}

// GET, HEAD, PUT and DELETE may be repeated (RFC 9110 section 9.2.2); nobody can be asked about a POST.
Result<Asked> ask(Deck&, const Call& call) {
  const std::string method = TRY(call.step.with.text_or("method", "POST"));
  const bool repeatable = method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE";
  return repeatable ? Asked::not_done : Asked::unknown;
}

}  // namespace

Action http_request() { return {"http.request", needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
