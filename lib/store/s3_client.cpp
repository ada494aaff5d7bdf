// The problem: a bucket is reached over a network that drops, by a clock that may be wrong, with keys that
// may be expired, and S3 says each of these in a code of its own. The idea: one place that signs, tries again
// what may pass (with pauses that grow and are not in step with other runners'), and turns every refusal into
// what to do.
#include "store/s3_client.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::store {
namespace {

constexpr int most_tries = 6;  // all pauses together are 3 to 9 s: a SlowDown of S3 mostly ends within that
constexpr Duration first_pause = std::chrono::milliseconds(200);
constexpr Duration longest_pause = std::chrono::seconds(20);  // of a Retry-After
constexpr Duration least_timeout = std::chrono::seconds(60);
constexpr std::uint64_t slowest_bytes_a_second = 64 * 1024;  // a part of 8 MiB may take two minutes more
constexpr Duration most_skew = std::chrono::minutes(5);      // S3 refuses from 15
constexpr std::size_t piece_bytes = 8 << 20;

bool may_pass(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

std::optional<Instant> parse_date(std::string_view text) {  // Thu, 01 Jan 2026 00:00:00 GMT
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const auto month = months.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const auto read = parse_instant(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month / 3 + 1,
                                              text.substr(5, 2), text.substr(17, 8)));
  return read ? std::optional(*read) : std::nullopt;
}

bool is_word(std::string_view text, std::size_t least, std::size_t most) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  const auto edge = [&](char c) { return good(c) && c != '-' && c != '.'; };
  return text.size() >= least && text.size() <= most && std::all_of(text.begin(), text.end(), good) &&
         edge(text.front()) && edge(text.back()) && text.find("..") == std::string_view::npos;
}

// "https://host[:port]" in its parts; nullopt when it is none.
std::optional<std::pair<std::string, std::string>> split_endpoint(std::string_view endpoint) {
  const auto colon = endpoint.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string scheme = lower(endpoint.substr(0, colon));
  std::string host = lower(endpoint.substr(colon + 3));
  if (host.ends_with('/')) host.pop_back();
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("-.:[]").contains(c);
  });
  if ((scheme != "http" && scheme != "https") || host.empty() || !plain) return std::nullopt;
  const std::string_view usual = scheme == "http" ? ":80" : ":443";
  if (host.ends_with(usual)) host.resize(host.size() - usual.size());
  return std::pair(scheme, host);
}

bool is_loopback(std::string_view host) {
  return host.starts_with("127.") || host.starts_with("[::1]") || host.starts_with("localhost") ||
         host.find(".localhost") != std::string_view::npos;
}

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::optional<Duration> object_age(const ports::HttpResponse& response) {
  const auto now = parse_date(response.header("date"));
  const auto then = parse_date(response.header("last-modified"));
  if (!now || !then) return std::nullopt;
  return *now - *then;
}

S3Object read_object_headers(const ports::HttpResponse& response, std::uint64_t size) {
  S3Object object;
  object.size = size;
  object.etag = response.header("etag");
  if (const auto sha256 = response.header("x-amz-meta-sha256"); is_sha256(sha256)) object.sha256 = sha256;
  object.writer = response.header("x-amz-meta-tranche-writer");
  return object;
}

std::string S3Answer::code() const {
  const auto document = parse_xml(response.body);
  if (!document || document->name != "Error") return {};
  return printable(document->text_of("Code"), 64);
}

Result<S3Client> S3Client::make(ports::World& world, S3Options options) {
  if (!is_word(options.bucket, 3, 63))
    return fail_hint(ErrorKind::invalid, "3 to 63 of a-z, 0-9, '-' and '.'", "'{}' is no name of a bucket",
                     printable(options.bucket, 80));
  if (!is_word(options.region, 1, 64))
    return fail_hint(ErrorKind::invalid, "write it like eu-central-1", "'{}' is no region",
                     printable(options.region, 80));
  if (!options.prefix.empty()) TRY(check_name(options.prefix));
  if (options.keys.access_key.empty() || options.keys.secret_key.empty())
    return fail_hint(ErrorKind::invalid, "give access-key and secret-key", "bucket '{}' has no keys",
                     options.bucket);
  const auto unprintable = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
  for (const std::string_view text : {std::string_view(options.keys.access_key),
                                      options.keys.secret_key.expose(), options.keys.session_token.expose()})
    if (std::any_of(text.begin(), text.end(), unprintable))
      return fail_hint(ErrorKind::invalid, "look for a blank or a newline that was copied with them",
                       "the keys of bucket '{}' hold blanks", options.bucket);
  S3Client client(world, std::move(options));
  const S3Options& given = client.options_;
  const bool aws = given.endpoint.empty();
  const auto parts =
      split_endpoint(aws ? fmt::format("https://s3.{}.amazonaws.com", given.region) : given.endpoint);
  if (!parts)
    return fail_hint(ErrorKind::invalid, "write https://HOST or https://HOST:PORT, without a path",
                     "'{}' is no endpoint of S3", printable(given.endpoint, 120));
  client.scheme_ = parts->first;
  // A dot in the bucket's name would not be covered by the host's certificate.
  if (client.scheme_ == "https" && given.bucket.find('.') != std::string::npos)
    client.options_.path_style = true;
  client.host_ = given.path_style ? parts->second : given.bucket + "." + parts->second;
  if (client.scheme_ == "http" && !given.keys.session_token.empty() && !is_loopback(parts->second))
    return fail_hint(ErrorKind::invalid, "use its https address",
                     "the session token would cross the network in clear to '{}'", printable(parts->second));
  client.shown_ = "s3://" + given.bucket + (given.prefix.empty() ? "" : "/" + given.prefix);
  if (!aws) client.shown_ += " at " + parts->second;
  return client;
}

std::string S3Client::key_of(std::string_view name) const {
  return options_.prefix.empty() ? std::string(name) : options_.prefix + "/" + std::string(name);
}

Result<std::string> S3Client::random_hex(std::size_t bytes) const {
  return to_hex(TRY(world_->random.bytes(bytes)));
}

ports::HttpRequest S3Client::signed_request(const S3Call& call, const std::string& sha256) const {
  SignedRequest request;
  request.method = call.method;
  request.host = host_;
  request.path = encode_path((options_.path_style ? "/" + options_.bucket : std::string()) + "/" + call.key);
  request.query = call.query;
  request.headers = call.headers;
  request.payload_sha256 = sha256;
  const Instant now = world_->clock.now();
  ports::HttpRequest out;
  out.method = call.method;
  out.url = scheme_ + "://" + host_ + request.path;
  if (!call.query.empty()) out.url += "?" + encode_query(call.query);
  out.headers = call.headers;
  out.headers.emplace_back("host", host_);
  out.headers.emplace_back("x-amz-content-sha256", sha256);
  out.headers.emplace_back("x-amz-date", amz_date(now));
  if (call.body.empty() && call.method == "PUT") out.headers.emplace_back("content-length", "0");
  if (!options_.keys.session_token.empty())
    out.secret_headers.emplace_back("x-amz-security-token", options_.keys.session_token);
  out.secret_headers.emplace_back("authorization",
                                  authorization(request, options_.keys, options_.region, now));
  out.max_response_bytes = call.max_response_bytes;
  const auto moved = std::max(call.body.size(), call.max_response_bytes);
  out.timeout = least_timeout + std::chrono::seconds(moved / slowest_bytes_a_second);
  return out;
}

Result<> S3Client::pause(int tries, std::string_view retry_after) const {
  Duration wait = first_pause * (1 << tries);
  const std::string random = TRY(world_->random.bytes(2));
  const int share = static_cast<unsigned char>(random[0]) * 256 + static_cast<unsigned char>(random[1]);
  wait = wait / 2 + wait * share / 65536;  // half to one and a half: runners fall out of step
  if (const auto seconds = parse_u64(retry_after))
    wait = std::max(wait, std::min<Duration>(longest_pause,
                                             std::chrono::seconds(std::min<std::uint64_t>(*seconds, 3600))));
  if (!world_->clock.sleep_until(world_->clock.now() + wait))
    return fail_hint(ErrorKind::interrupted, "run again: it carries on", "interrupted while waiting for {}",
                     shown_);
  return {};
}

Result<S3Answer> S3Client::send(const S3Call& call) {
  const std::string sha256 =
      call.body_sha256.empty() ? crypto::to_hex(crypto::sha256(call.body)) : call.body_sha256;
  S3Answer answer;
  for (int tries = 0;; ++tries) {
    ports::HttpRequest request = signed_request(call, sha256);
    request.body = call.body;
    if (until_) {
      const auto left = std::chrono::floor<Duration>(*until_ - world_->clock.elapsed());
      if (left <= Duration())
        return fail_hint(ErrorKind::failed, "run again", "writing to {} took so long that the lock is lost",
                         shown_);
      request.timeout = std::min(request.timeout, left);
    }
    auto response = world_->http.send(request);
    if (response && !may_pass(response->status)) {
      answer.response = std::move(*response);
      return answer;
    }
    // A web address that cannot be one stays so.
    const bool last = tries + 1 >= most_tries || (!response && response.error().kind != ErrorKind::failed);
    if (last && response) return fail(refused(call, *response));
    if (last) return fail(std::move(response.error()).during("asking " + shown_));
    answer.repeated = true;
    TRY(pause(tries, response ? response->header("retry-after") : std::string_view()));
  }
}

Error S3Client::refused(const S3Call& call, const ports::HttpResponse& response) const {
  const S3Answer answer{response, false};
  const std::string code = answer.code();
  std::string words;
  if (const auto document = parse_xml(response.body)) words = printable(document->text_of("Message"), 300);
  const std::string what = fmt::format(
      "{} answers {}{} to {} '{}'{}", shown_, response.status, code.empty() ? "" : " " + code, call.method,
      call.key.empty() ? "the bucket" : printable(call.key), words.empty() ? "" : ": " + words);
  const auto error = [&](ErrorKind kind, std::string hint) { return Error(kind, what, std::move(hint)); };
  const std::string_view region = response.header("x-amz-bucket-region");
  const auto date = parse_date(response.header("date"));
  const Duration skew = date ? world_->clock.now() - *date : Duration();
  if (code == "RequestTimeTooSkewed" || (response.status == 403 && (skew > most_skew || skew < -most_skew)))
    return error(
        ErrorKind::failed,
        fmt::format("this machine's clock is {} {} the server's: set it right",
                    to_text(std::chrono::round<std::chrono::minutes>(skew < Duration() ? -skew : skew)),
                    skew < Duration() ? "behind" : "ahead of"));
  if (response.status == 301 || response.status == 307 || code == "AuthorizationHeaderMalformed" ||
      code == "IllegalLocationConstraintException")
    return error(ErrorKind::invalid, region.empty()
                                         ? "write the bucket's own region: and endpoint: under s3:"
                                         : fmt::format("the bucket is in another region: write region: {}",
                                                       printable(region, 64)));
  if (code == "NoSuchBucket")
    return error(ErrorKind::invalid, "make the bucket, or correct its name, region and endpoint");
  if (code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch")
    return error(ErrorKind::failed,
                 "see that access-key and secret-key are a pair and belong to this server");
  if (code == "ExpiredToken" || code == "InvalidToken")
    return error(ErrorKind::failed, "the session token is old: get new temporary credentials");
  if (response.status == 401 || response.status == 403)
    return error(ErrorKind::failed,
                 "allow these keys s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, "
                 "s3:ListBucket (without it S3 says 403 for what is absent) and "
                 "s3:ListBucketMultipartUploads there");
  if (response.status == 501 || code == "NotImplemented")
    return error(ErrorKind::invalid, "this server cannot do that: use another one, or dir: or git:");
  if (may_pass(response.status))
    return error(ErrorKind::failed, "the server has trouble: run again in a while");
  return error(ErrorKind::failed, "see what the server says about it");
}

Result<std::optional<S3Object>> S3Client::head(const std::string& key) {
  const S3Call call{.method = "HEAD", .key = key};
  const S3Answer answer = TRY(send(call));
  if (answer.response.status == 404) return std::optional<S3Object>();
  if (!answer.ok()) return fail(refused(call, answer.response));
  const auto size = parse_u64(answer.response.header("content-length"));
  if (!size || answer.response.header("etag").empty())
    return fail_hint(ErrorKind::verification, "see that the endpoint is an S3 server",
                     "{} tells no size and ETag of '{}'", shown_, printable(key));
  return std::optional(read_object_headers(answer.response, *size));
}

Result<std::string> S3Client::digest(const std::string& key, const S3Object& object) {
  crypto::Sha256 hash;
  for (std::uint64_t at = 0; at < object.size;) {
    const std::uint64_t wanted = std::min<std::uint64_t>(piece_bytes, object.size - at);
    const S3Call call{
        .key = key,
        .headers = {{"if-match", object.etag}, {"range", fmt::format("bytes={}-{}", at, at + wanted - 1)}},
        .max_response_bytes = piece_bytes + (64 << 10)};
    const S3Answer answer = TRY(send(call));
    if (answer.response.status == 412 || answer.response.status == 404)
      return fail_hint(ErrorKind::conflict, "run again: it reads the new state first",
                       "'{}' in {} changed while it was read", printable(key), shown_);
    if (!answer.ok()) return fail(refused(call, answer.response));
    if (answer.response.body.size() != wanted)
      return fail_hint(ErrorKind::failed, "run again", "{} sent {} bytes of '{}' where {} were asked for",
                       shown_, answer.response.body.size(), printable(key), wanted);
    hash.update(answer.response.body);
    at += wanted;
  }
  return crypto::to_hex(hash.finish());
}

}  // namespace tranche::store
