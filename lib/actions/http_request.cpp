// http.request { method, url, headers, body, sign }: tells somebody. A 2xx answer is done. The
// Idempotency-Key header is the same on every try. Header values may be secret references
// (env:TRANCHE_..., file:...).
//
// sign { secret, header }: the header holds sha256=<hex of HMAC-SHA256(secret, body)>, as GitHub's webhooks
// have it in X-Hub-Signature-256: the receiver knows who sent it, and that nobody changed it.
#include "actions/action.hpp"
#include "actions/web.hpp"
#include "base/text.hpp"
#include "crypto/hmac.hpp"
#include "spec/spec.hpp"

namespace tranche::actions {
namespace {

constexpr std::size_t http_answer = 64 << 10;
constexpr std::string_view usual_signature_header = "X-Signature-256";

Result<std::vector<Need>> http_needs(Deck&, const Call& call) {
  const std::string url = TRY(call.step.with.text("url"));
  std::vector<Need> all{{Need::Kind::url, web::shown_address(fill_variables(url, call))}};
  if (const doc::Value* headers = call.step.with.find("headers"); headers != nullptr && headers->is_object())
    for (const doc::Member& header : headers->as_object())
      if (header.value.is_string() && spec::is_secret_reference(header.value.as_string()))
        all.push_back({Need::Kind::secret, header.value.as_string()});
  if (const doc::Value* sign = call.step.with.find("sign")) {
    const std::string secret = TRY(sign->text("secret"));
    all.push_back({Need::Kind::secret, secret});
  }
  return all;
}

Result<std::string> http_changes(Deck&, const Call& call) {
  const std::string method = TRY(call.step.with.text_or("method", "POST"));
  const std::string url = TRY(call.step.with.text("url"));
  return fmt::format("sends {} {}", method, web::shown_address(fill_variables(url, call)));
}

Result<> add_http_headers(web::Service& service, const Call& call) {
  const doc::Value* headers = call.step.with.find("headers");
  if (headers == nullptr || !headers->is_object()) return {};
  for (const doc::Member& header : headers->as_object()) {
    if (!header.value.is_string())
      return fail(ErrorKind::invalid, "header '{}' of http.request is not a string",
                  printable(header.key, 64));
    const std::string& value = header.value.as_string();
    if (spec::is_secret_reference(value)) {
      const Secret secret = TRY(service.read_secret(value));
      service.add_secret_header(header.key, secret);
    } else {
      service.add_header(header.key, fill_variables(value, call));
    }
  }
  return {};
}

Result<> add_signature(web::Service& service, const Call& call, std::string_view body) {
  const doc::Value* sign = call.step.with.find("sign");
  if (sign == nullptr) return {};
  const std::string reference = TRY(sign->text("secret"));
  const std::string header = TRY(sign->text_or("header", usual_signature_header));
  const Secret secret = TRY(service.read_secret(reference));
  service.add_header(header, "sha256=" + crypto::to_hex(crypto::hmac_sha256(secret.expose(), body)));
  return {};
}

bool names_content_type(const Call& call) {
  const doc::Value* headers = call.step.with.find("headers");
  if (headers == nullptr || !headers->is_object()) return false;
  for (const doc::Member& header : headers->as_object())
    if (lower(header.key) == "content-type") return true;
  return false;
}

Result<Outcome> http_perform(Deck& deck, const Call& call) {
  const doc::Value with = fill_variables(call.step.with, call);
  const std::string method = TRY(with.text_or("method", "POST"));
  const std::string url = TRY(with.text("url"));
  web::Service service(deck, call, "the server", url);
  TRY(add_http_headers(service, call));
  std::string body;
  std::string_view content_type;
  if (const doc::Value* given = with.find("body")) {
    body = given->is_string() ? given->as_string() : doc::to_json(*given);
    if (!given->is_string() && !names_content_type(call)) content_type = "application/json";
  }
  TRY(add_signature(service, call, body));
  const web::Answer answer =
      TRY_WHILE("http.request", service.send_bytes(method, "", std::move(body), content_type, http_answer));
  if (!answer.ok()) return fail(service.refusal(answer, method));
  return Outcome{fmt::format("{} {} answered {}", method, web::shown_address(url), answer.status)};
}

Result<Outcome> http_undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "tell them by hand", "a request that was sent cannot be taken back");
}

// GET, HEAD, PUT and DELETE may be repeated (RFC 9110 section 9.2.2); nobody can be asked about a POST.
Result<Asked> http_ask(Deck&, const Call& call) {
  const std::string method = TRY(call.step.with.text_or("method", "POST"));
  const bool repeatable = method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE";
  return repeatable ? Asked::not_done : Asked::unknown;
}

}  // namespace

Action http_request() {
  return {"http.request", http_needs, http_changes, http_perform, http_undo, http_ask};
}

}  // namespace tranche::actions
