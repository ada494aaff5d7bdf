#include "oci/registry.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::oci {
namespace {

// A registry behind a load balancer is away for seconds; a CI step that waits longer is better run again.
constexpr std::array delays{std::chrono::seconds(1), std::chrono::seconds(4)};
constexpr std::uint64_t longest_wait = 30;  // seconds that a registry may ask for
constexpr std::size_t max_token_bytes = 64 << 10;
constexpr std::size_t max_words = 64 << 10;  // of an answer that only says what went wrong
constexpr std::size_t max_pages = 16;
constexpr int blob_redirects = 3;  // blobs often lie in a bucket; credentials do not follow
constexpr const char* accepted_types =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json";

bool worth_another_try(int status) { return status == 429 || status >= 500; }

std::string type_of(const ports::HttpResponse& answer) {
  const std::string_view type = answer.header("content-type");
  return lower(trim(type.substr(0, type.find(';'))));
}

// The registry's own words: {"errors": [{"code", "message"}]}.
std::string words_of(const ports::HttpResponse& answer) {
  const auto json =
      doc::parse_json(answer.body, "<error>", {.max_bytes = max_words, .max_depth = 16, .max_nodes = 1000});
  const doc::Value* errors = json && json->is_object() ? json->find("errors") : nullptr;
  if (errors != nullptr && errors->is_array() && !errors->as_array().empty() &&
      errors->as_array().front().is_object()) {
    const auto code = errors->as_array().front().text_or("code", "");
    const auto message = errors->as_array().front().text_or("message", "");
    if (code && message) return printable(fmt::format("{} {}", *code, *message), 300);
  }
  return printable(answer.body, 200);
}

// The next page of a list: Link: </v2/...>; rel="next" (RFC 8288). Empty: this was the last one.
std::string next_page(const ports::HttpResponse& answer) {
  const std::string_view link = answer.header("link");
  const std::size_t end = link.find('>');
  if (!link.starts_with('<') || end == std::string_view::npos) return {};
  const std::string_view parameters = link.substr(end);
  if (parameters.find("rel=\"next\"") == std::string_view::npos &&
      parameters.find("rel=next") == std::string_view::npos)
    return {};
  return std::string(link.substr(1, end - 1));
}

}  // namespace

Registry::Registry(ports::World& world, const Reference& image, Access access)
    : world_(&world),
      image_(image),
      access_(std::move(access)),
      base_(base_url(image_, access_.plain_http)) {}

Result<Registry> Registry::open(ports::World& world, const Reference& image, Access access) {
  if (access.credentials && access.plain_http && !is_loopback(image.host))
    return fail_hint(ErrorKind::denied, "leave --plain-http out, or the credentials",
                     "the password for '{}' would be sent without encryption", printable(image.host));
  return Registry(world, image, std::move(access));
}

std::string Registry::url(std::string_view path) const {
  return fmt::format("{}/v2/{}/{}", base_, image_.repository, path);
}

std::unexpected<Error> Registry::refused(std::string_view what, const ports::HttpResponse& answer) const {
  const bool who = answer.status == 401 || answer.status == 403;
  return fail_hint(ErrorKind::failed,
                   who ? "give an account that may do this: TRANCHE_REGISTRY_USER and "
                         "TRANCHE_REGISTRY_PASSWORD, or --registry-auth FILE"
                       : "its answer says what it did not like",
                   "{} answered {} when asked for {}: {}", printable(image_.host), answer.status, what,
                   words_of(answer));
}

// Asks up to three times where trying again can help.
Result<ports::HttpResponse> Registry::ask_patiently(const ports::HttpRequest& request,
                                                    std::string_view what) {
  for (std::size_t attempt = 0;; ++attempt) {
    auto answer = world_->http.send(request);
    const bool again = !answer || worth_another_try(answer->status);
    if (!again || attempt == delays.size()) {
      if (!answer)
        return fail(
            std::move(std::move(answer.error()).during(fmt::format("asking {} for {}", image_.host, what))));
      return answer;
    }
    Duration wait = delays[attempt];
    if (answer)
      if (const auto asked = parse_u64(answer->header("retry-after")))
        wait = std::chrono::seconds(std::min(*asked, longest_wait));
    if (!world_->clock.sleep_until(world_->clock.now() + wait))
      return fail(ErrorKind::interrupted, "interrupted while waiting for {}", printable(image_.host));
  }
}

// A token of just what is needed, whatever scope the challenge names.
Result<Secret> Registry::ask_for_token(const Challenge& challenge) {
  const std::string origin = origin_of(challenge.realm);
  const bool plain = origin.starts_with("http://");
  const bool local = plain && is_loopback(origin.substr(7)) && is_loopback(image_.host);
  if (origin.empty() || (plain && !local))
    return fail_hint(ErrorKind::denied, "the registry has to name an https:// url",
                     "{} sends to a token service at '{}', where a password would go without encryption",
                     printable(image_.host), printable(challenge.realm));
  ports::HttpRequest request;
  request.url = challenge.realm + (challenge.realm.find('?') == std::string::npos ? "?" : "&");
  if (!challenge.service.empty()) request.url += "service=" + percent_encode(challenge.service) + "&";
  request.url += "scope=" + percent_encode(fmt::format("repository:{}:pull{}", image_.repository,
                                                       access_.write ? ",push" : ""));
  request.headers.emplace_back("Accept", "application/json");
  request.max_response_bytes = max_token_bytes;
  if (access_.credentials)
    request.secret_headers.emplace_back("Authorization", basic_authorization(*access_.credentials));
  const auto answer = TRY(ask_patiently(request, "a token"));
  if (answer.status != 200)  // its words may hold the token
    return fail_hint(ErrorKind::failed,
                     "give an account that may do this: TRANCHE_REGISTRY_USER and TRANCHE_REGISTRY_PASSWORD, "
                     "or --registry-auth FILE",
                     "the token service of {} answered {}", printable(image_.host), answer.status);
  const auto json = doc::parse_json(answer.body, "<token>", {.max_bytes = max_token_bytes, .max_depth = 8});
  for (const std::string_view key : {"token", "access_token"}) {
    const doc::Value* token = json && json->is_object() ? json->find(key) : nullptr;
    if (token != nullptr && token->is_string() && !token->as_string().empty())
      return Secret("Bearer " + token->as_string());
  }
  return fail_hint(ErrorKind::failed, "see that the realm is a registry's token service",
                   "the token service of {} answered something else than a token", printable(image_.host));
}

Result<Secret> Registry::answer_challenge(const ports::HttpResponse& refusal) {
  const auto challenge = read_challenge(refusal.headers);
  if (!challenge) return refused("access", refusal);
  if (challenge->scheme == Challenge::Scheme::bearer) return ask_for_token(*challenge);
  if (!access_.credentials)
    return fail_hint(ErrorKind::failed,
                     "set TRANCHE_REGISTRY_USER and TRANCHE_REGISTRY_PASSWORD, or give --registry-auth FILE",
                     "{} asks for a user and a password", printable(image_.host));
  return basic_authorization(*access_.credentials);
}

Result<ports::HttpResponse> Registry::ask(ports::HttpRequest request, std::string_view what) {
  const bool ours = origin_of(request.url) == base_;
  if (ours && !authorization_.empty()) request.secret_headers.emplace_back("Authorization", authorization_);
  auto answer = TRY(ask_patiently(request, what));
  if (answer.status != 401 || !ours) return answer;
  authorization_ = TRY(answer_challenge(answer));  // none yet, or a token that has expired
  request.secret_headers.clear();
  request.secret_headers.emplace_back("Authorization", authorization_);
  return ask_patiently(request, what);
}

Result<std::optional<Document>> Registry::get_manifest(const std::string& reference) {
  ports::HttpRequest request;
  request.url = url("manifests/" + reference);
  request.headers.emplace_back("Accept", accepted_types);
  request.max_response_bytes = max_manifest_bytes;
  auto answer = TRY(ask(std::move(request), "a manifest"));
  if (answer.status == 404) return std::nullopt;
  if (answer.status != 200) return refused("a manifest", answer);
  Document document;
  document.media_type = type_of(answer);
  document.digest = digest_of(answer.body);
  document.etag = answer.header("etag");
  document.bytes = std::move(answer.body);
  if (is_digest(reference) && document.digest != reference)
    return fail_hint(ErrorKind::verification, "the registry, or somebody on the way, changed it",
                     "{} answered for {} with bytes of {}", printable(image_.host), reference,
                     document.digest);
  return document;
}

Result<Stored> Registry::put_manifest(const std::string& reference, std::string_view media_type,
                                      const std::string& bytes, const std::string& if_match) {
  ports::HttpRequest request;
  request.method = "PUT";
  request.url = url("manifests/" + reference);
  request.headers.emplace_back("Content-Type", media_type);
  if (!if_match.empty()) request.headers.emplace_back("If-Match", if_match);
  request.body = bytes;
  request.max_response_bytes = max_words;
  const auto answer = TRY(ask(std::move(request), "storing a manifest"));
  if (!if_match.empty() && answer.status == 412) return Stored{.lost = true};
  if (answer.status < 200 || answer.status > 299) return refused("storing a manifest", answer);
  return Stored{.indexed = !answer.header("oci-subject").empty()};
}

Result<std::string> Registry::get_blob(const Descriptor& blob) {
  if (blob.size > max_blob_bytes)
    return fail(ErrorKind::verification, "blob {} has {} bytes, more than {}", blob.digest, blob.size,
                max_blob_bytes);
  ports::HttpRequest request;
  request.url = url("blobs/" + blob.digest);
  request.max_response_bytes = max_blob_bytes;
  request.max_redirects = blob_redirects;
  auto answer = TRY(ask(std::move(request), "a blob"));
  if (answer.status == 404)
    return fail(ErrorKind::verification, "the registry has no blob {}, which a manifest names", blob.digest);
  if (answer.status != 200) return refused("a blob", answer);
  if (answer.body.size() != blob.size || digest_of(answer.body) != blob.digest)
    return fail_hint(ErrorKind::verification, "the registry, or somebody on the way, changed it",
                     "{} answered for blob {} with bytes of {}", printable(image_.host), blob.digest,
                     digest_of(answer.body));
  return std::move(answer.body);
}

// Where the upload goes on: a path of the registry, or a url.
Result<std::string> Registry::upload_place(const ports::HttpResponse& begun) const {
  std::string location(begun.header("location"));
  if (location.starts_with('/') && !location.starts_with("//")) location.insert(0, base_);
  const std::string origin = origin_of(location);
  if (origin.empty() || (origin != base_ && !origin.starts_with("https://")))
    return fail_hint(ErrorKind::failed, "this is the registry's fault, or that of a proxy before it",
                     "{} wants the upload at '{}'", printable(image_.host), printable(location));
  return location;
}

Result<> Registry::put_blob(const std::string& bytes) {
  const std::string digest = digest_of(bytes);
  ports::HttpRequest head;
  head.method = "HEAD";
  head.url = url("blobs/" + digest);
  head.max_redirects = blob_redirects;
  const auto there = TRY(ask(std::move(head), "a blob"));
  if (there.status == 200) return {};
  ports::HttpRequest begin;
  begin.method = "POST";
  begin.url = url("blobs/uploads/");
  begin.max_response_bytes = max_words;
  const auto begun = TRY(ask(std::move(begin), "an upload"));
  if (begun.status != 202) return refused("an upload", begun);
  ports::HttpRequest put;
  put.method = "PUT";
  put.url = TRY(upload_place(begun));
  put.url += (put.url.find('?') == std::string::npos ? "?digest=" : "&digest=") + percent_encode(digest);
  put.headers.emplace_back("Content-Type", "application/octet-stream");
  put.body = bytes;
  put.max_response_bytes = max_words;
  const auto stored = TRY(ask(std::move(put), "storing a blob"));
  if (stored.status < 200 || stored.status > 299) return refused("storing a blob", stored);
  return {};
}

Result<std::optional<std::vector<Descriptor>>> Registry::get_referrers(const std::string& digest) {
  std::vector<Descriptor> all;
  std::string next = url("referrers/" + digest);
  for (std::size_t page = 0; !next.empty(); ++page) {
    ports::HttpRequest request;
    request.url = next;
    request.headers.emplace_back("Accept", index_type);
    request.max_response_bytes = max_manifest_bytes;
    const auto answer = TRY(ask(std::move(request), "what refers to the image"));
    // 404 says that there is no such API; some registries say it otherwise (a redirect to their pages, 400).
    const bool has_api = answer.status == 200 && type_of(answer) == index_type;
    if (!has_api && page == 0 && (answer.status < 401 || answer.status == 404 || answer.status == 405))
      return std::nullopt;
    if (!has_api) return refused("what refers to the image", answer);
    for (Descriptor& entry : TRY(parse_index(answer.body))) all.push_back(std::move(entry));
    if (all.size() > max_referrers || page == max_pages)
      return fail(ErrorKind::verification, "the image has more than {} referrers", max_referrers);
    next = next_page(answer);
    if (next.starts_with('/') && !next.starts_with("//")) next.insert(0, base_);
    if (!next.empty() && origin_of(next) != base_)
      return fail(ErrorKind::verification, "the list of referrers goes on at '{}', elsewhere",
                  printable(next));
  }
  return all;
}

}  // namespace tranche::oci
