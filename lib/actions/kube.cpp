// Requests to an API server. Its refusals are Status objects; their words are for the reader.
#include "actions/kube.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::actions {
namespace {

constexpr std::size_t max_answer_bytes = std::size_t{16} << 20;  // a list of ReplicaSets with their templates
constexpr doc::Limits answer_limits{max_answer_bytes, 200, 2'000'000};

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  const auto at_end = [&](char c) { return fits(c) && c != '-' && c != '.'; };
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, fits) && at_end(name.front()) &&
         at_end(name.back()) && name.find("..") == std::string_view::npos;
}

std::string words_of(const doc::Value& body) {
  const doc::Value* message = body.find("message");
  return message != nullptr && message->is_string() ? printable(message->as_string(), 300)
                                                    : "no reason given";
}

}  // namespace

Result<std::string> object_path(std::string_view group_version, std::string_view space,
                                std::string_view plural, std::string_view name) {
  for (const std::string_view part : {space, name})
    if (!part.empty() && !is_name(part))
      return fail_hint(ErrorKind::invalid,
                       "lower case letters, digits, - and .; kubectl get rollouts -A lists them",
                       "'{}' is no name of Kubernetes", printable(part, 64));
  std::string path = fmt::format("/apis/{}/namespaces/{}/{}", group_version, space, plural);
  if (!name.empty()) path += fmt::format("/{}", name);
  return path;
}

Result<Cluster::Answer> Cluster::get(const std::string& path) { return send("GET", path, {}, {}); }

Result<Cluster::Answer> Cluster::put(const std::string& path, const doc::Value& object) {
  return send("PUT", path, "application/json", doc::to_json(object));
}

Result<Cluster::Answer> Cluster::patch(const std::string& path, Patch kind, const doc::Value& changes) {
  return send("PATCH", path,
              kind == Patch::merge ? "application/merge-patch+json" : "application/json-patch+json",
              doc::to_json(changes));
}

Result<Cluster::Answer> Cluster::send(std::string method, const std::string& path, const std::string& type,
                                      std::string body) {
  ports::HttpRequest request;
  request.method = std::move(method);
  request.url = access_.server + path;
  request.headers.emplace_back("Accept", "application/json");
  if (!type.empty()) request.headers.emplace_back("Content-Type", type);
  if (!access_.token.empty())
    request.secret_headers.emplace_back("Authorization",
                                        Secret("Bearer " + std::string(access_.token.expose())));
  request.body = std::move(body);
  request.max_response_bytes = max_answer_bytes;
  request.timeout = timeout_;
  request.authorities = access_.authorities;
  request.client_certificate = access_.client_certificate;
  request.client_key = access_.client_key;
  const std::string doing = fmt::format("asking the cluster at {}", printable(access_.server));
  const ports::HttpResponse response = TRY_WHILE(doing, http_.send(request));
  const auto read = doc::parse_json(response.body, "the answer of " + access_.server, answer_limits);
  Answer answer{response.status, read ? *read : doc::Value()};
  const std::string what =
      fmt::format("the cluster answers {} to {} {}", response.status, request.method, path);
  if (response.status == 401)
    return fail_hint(ErrorKind::denied, "check the token or certificate: it may be expired", "{}: {}", what,
                     words_of(answer.body));
  if (response.status == 403)
    return fail_hint(ErrorKind::denied,
                     "let this account get, update and patch rollouts and rollouts/status of argoproj.io "
                     "(and what the rollout refers to)",
                     "{}: {}", what, words_of(answer.body));
  if (response.status == 404 || response.status == 409 || response.status == 422) return answer;
  if (!answer.good()) return fail(ErrorKind::failed, "{}: {}", what, words_of(answer.body));
  if (!read)
    return fail_hint(ErrorKind::failed, "check that the address is that of an API server",
                     "{}, and that is no JSON", what);
  return answer;
}

}  // namespace tranche::actions
