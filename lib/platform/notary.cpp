#include "platform/notary.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "crypto/ecdsa_form.hpp"
#include "doc/value.hpp"
#include "platform/file_digest.hpp"
#include "store/s3_upload.hpp"

namespace tranche::platform {
namespace {

constexpr std::chrono::minutes token_life{10};
constexpr std::string_view bucket_region = "us-west-2";  // where the service's bucket is
constexpr std::string_view state_schema = "tranche/notary/v1";
constexpr std::size_t max_state_bytes = 16 << 10;
constexpr std::size_t max_log_bytes = 8 << 20;
// Most submissions end within minutes: looked at soon, then ever more seldom.
constexpr Duration first_pause = std::chrono::seconds(5), longest_pause = std::chrono::seconds(60);
// A service that is busy when it is first asked: some seconds are worth it, a submission is made by hand.
constexpr std::array<Duration, 3> busy_pauses{std::chrono::seconds(1), std::chrono::seconds(3),
                                              std::chrono::seconds(9)};
constexpr std::size_t max_issues = 100;

std::string to_base64url(std::string_view bytes) {
  std::string text = to_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

bool is_word(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

std::optional<NotaryStatus> parse_status(std::string_view text) {
  for (const NotaryStatus status :
       {NotaryStatus::in_progress, NotaryStatus::accepted, NotaryStatus::invalid, NotaryStatus::rejected})
    if (to_text(status) == text) return status;
  return std::nullopt;
}

struct Submission {
  std::string id;
  store::S3Options bucket;
  std::string object;
};

class Service {
 public:
  Service(ports::World& world, crypto::Signer& signer, const NotaryOptions& options)
      : world_(world), signer_(signer), options_(options) {}

  Result<Submission> submit(const std::string& name, const std::string& sha256) {
    const doc::Value body = doc::Value::object({{"submissionName", name}, {"sha256", sha256}});
    const doc::Value answer = TRY(call("POST", "", doc::to_json(body)));
    const doc::Value& data = *TRY(answer.object_at("data", ErrorKind::failed));
    const doc::Value& given = *TRY(data.object_at("attributes", ErrorKind::failed));
    Submission out;
    out.id = TRY(data.text("id", ErrorKind::failed));
    if (!is_word(out.id, 64))
      return fail_hint(ErrorKind::failed, "try again later",
                       "the notary service answers with a strange id: '{}'", printable(out.id, 80));
    out.object = TRY(given.text("object", ErrorKind::failed));
    out.bucket.bucket = TRY(given.text("bucket", ErrorKind::failed));
    out.bucket.region = bucket_region;
    out.bucket.endpoint = options_.s3_endpoint;
    out.bucket.path_style = !options_.s3_endpoint.empty();
    out.bucket.keys.access_key = TRY(given.text("awsAccessKeyId", ErrorKind::failed));
    out.bucket.keys.secret_key = Secret(TRY(given.text("awsSecretAccessKey", ErrorKind::failed)));
    out.bucket.keys.session_token = Secret(TRY(given.text("awsSessionToken", ErrorKind::failed)));
    return out;
  }

  Result<NotaryStatus> status(const std::string& id) {
    const doc::Value answer = TRY(call("GET", "/" + id, {}));
    const std::string text = TRY(TRY(attributes(answer))->text("status", ErrorKind::failed));
    const auto status = parse_status(text);
    if (!status)  // unknown is no pass
      return fail_hint(ErrorKind::failed, "look at the submission in App Store Connect",
                       "the notary service says '{}' of submission {}", printable(text, 60), id);
    return *status;
  }

  Result<std::string> log(const std::string& id) {
    const doc::Value answer = TRY(call("GET", "/" + id + "/logs", {}));
    ports::HttpRequest request;  // without our token: the address carries its own
    request.url = TRY(TRY(attributes(answer))->text("developerLogUrl", ErrorKind::failed));
    request.max_response_bytes = max_log_bytes;
    const auto response = TRY(send([&]() -> Result<ports::HttpRequest> { return request; }));
    if (response.status != 200)
      return fail_hint(ErrorKind::failed, "run again", "the log is answered with status {}", response.status);
    TRY(doc::parse_json(response.body, "<notary log>", {.max_bytes = max_log_bytes}));
    return response.body;
  }

 private:
  static Result<const doc::Value*> attributes(const doc::Value& answer) {
    return TRY(answer.object_at("data", ErrorKind::failed))->object_at("attributes", ErrorKind::failed);
  }

  // 429 says that nothing was done; after another failure of a POST it may have been: that one is not sent
  // again. Waiting for a verdict has a patience of its own.
  static bool is_busy(const ports::HttpRequest& request, int status) {
    return status == 429 || (status >= 500 && request.method == "GET");
  }

  // `make` is asked for each try: a token is used once.
  Result<ports::HttpResponse> send(const std::function<Result<ports::HttpRequest>()>& make) {
    for (const Duration pause : busy_pauses) {
      const ports::HttpRequest request = TRY(make());
      auto response = TRY(world_.http.send(request));
      if (!is_busy(request, response.status)) return response;
      if (!world_.clock.sleep_until(world_.clock.now() + pause)) return response;
    }
    return world_.http.send(TRY(make()));
  }

  Result<doc::Value> call(const std::string& method, const std::string& path, const std::string& body) {
    const auto response = TRY(send([&]() -> Result<ports::HttpRequest> {
      const Secret token = TRY(make_notary_token(signer_, options_.account, world_.clock.now()));
      ports::HttpRequest request;
      request.method = method;
      request.url = options_.service + "/notary/v2/submissions" + path;
      request.headers = {{"Accept", "application/json"}};
      if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
      request.secret_headers = {{"Authorization", Secret("Bearer " + std::string(token.expose()))}};
      request.body = body;
      return request;
    }));
    if (response.status == 401 || response.status == 403)
      return fail_hint(
          ErrorKind::denied,
          "check --key, --key-id and --issuer, that the key has the Developer role, this machine's "
          "clock, and that the team's agreements are signed",
          "the notary service refuses the key: status {}", response.status);
    if (response.status < 200 || response.status > 299)
      return fail_hint(ErrorKind::failed, "run again later: what was sent is not sent twice",
                       "the notary service answers with status {}: {}", response.status,
                       printable(response.body, 200));
    return doc::parse_json(response.body, "<notary service>");
  }

  ports::World& world_;
  crypto::Signer& signer_;
  const NotaryOptions& options_;
};

// The id of a submission whose bytes arrived whole, by an earlier run; empty: there is none of this digest.
Result<std::string> read_state(ports::Files& files, const std::string& state, const std::string& sha256) {
  const auto text = TRY(files.read(state, max_state_bytes));
  if (!text) return std::string();
  const auto value = doc::parse_json(*text, state);
  if (!value || !value->is_object()) return std::string();  // nothing is lost by sending again
  const auto digest = value->text("sha256");
  const auto id = value->text("id");
  const bool ours = digest && id && *digest == sha256 && is_word(*id, 64);
  return ours ? *id : std::string();
}

Result<> write_state(ports::Files& files, const std::string& state, const std::string& sha256,
                     const Notarization& now) {
  return files.write(
      state,
      doc::to_json_pretty(doc::Value::object(
          {{"schema", state_schema}, {"sha256", sha256}, {"id", now.id}, {"status", to_text(now.status)}})));
}

// Asks until the service has decided. Its hiccups count as "not yet"; a refused key does not.
Result<NotaryStatus> wait_for(ports::World& world, Service& service, const std::string& id,
                              Duration patience) {
  const Instant end = world.clock.now() + patience;
  Duration pause = first_pause;
  std::optional<Error> hiccup;
  for (;;) {
    const auto status = service.status(id);
    if (!status && status.error().kind != ErrorKind::failed) return fail(status.error());
    if (status && *status != NotaryStatus::in_progress) return *status;
    hiccup = status ? std::optional<Error>() : status.error();
    if (world.clock.now() + pause > end) break;
    if (!world.clock.sleep_until(world.clock.now() + pause))
      return fail_hint(ErrorKind::interrupted, "run the same command again: it goes on waiting",
                       "stopped while waiting for submission {}", id);
    pause = std::min<Duration>(pause * 3 / 2, longest_pause);
  }
  if (hiccup) return fail(*hiccup);
  return NotaryStatus::in_progress;
}

// The log's own words, for a person: what is not as Apple writes it is passed over, the log itself is kept.
std::vector<NotaryIssue> read_issues(std::string_view log) {
  std::vector<NotaryIssue> out;
  const auto value = doc::parse_json(log, "<notary log>", {.max_bytes = max_log_bytes});
  if (!value || !value->is_object()) return out;
  const doc::Value* issues = value->find("issues");
  if (issues == nullptr || !issues->is_array()) return out;
  for (const doc::Value& item : issues->as_array()) {
    if (out.size() == max_issues) break;
    if (!item.is_object()) continue;
    out.push_back({.severity = item.text("severity").value_or(""),
                   .path = item.text("path").value_or(""),
                   .message = item.text("message").value_or("")});
  }
  return out;
}

}  // namespace

std::string_view to_text(NotaryStatus status) {
  constexpr std::array<std::string_view, 4> words{"In Progress", "Accepted", "Invalid", "Rejected"};
  return words.at(static_cast<std::size_t>(status));
}

Result<Secret> make_notary_token(crypto::Signer& signer, const NotaryAccount& account, Instant now) {
  if (signer.public_key().kind() != crypto::AnyPublicKey::Kind::p256)
    return fail_hint(ErrorKind::invalid, "give the AuthKey_ID.p8 that App Store Connect made",
                     "the notary service takes keys on P-256 only");
  if (!is_word(account.key_id, 64) || !is_word(account.issuer, 64))
    return fail_hint(ErrorKind::invalid, "both stand beside the key in App Store Connect",
                     "the key's id or its issuer is missing, or is no such word");
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
  const doc::Value header = doc::Value::object({{"alg", "ES256"}, {"kid", account.key_id}, {"typ", "JWT"}});
  const doc::Value payload =
      doc::Value::object({{"iss", account.issuer},
                          {"iat", static_cast<std::int64_t>(seconds.count())},
                          {"exp", static_cast<std::int64_t>((seconds + token_life).count())},
                          {"aud", "appstoreconnect-v1"}});
  std::string token = to_base64url(doc::to_json(header)) + "." + to_base64url(doc::to_json(payload));
  const std::string der = TRY(signer.sign(token));
  token += "." + to_base64url(TRY(crypto::ecdsa_pair(der, 32)));
  return Secret(std::move(token));
}

Result<std::string> find_submission(ports::Files& files, const std::string& path, const std::string& state) {
  return read_state(files, state, TRY(digest_of(files, path)).sha256);
}

Result<Notarization> notarize(ports::World& world, crypto::Signer& signer, const NotaryOptions& options,
                              const std::string& path, const std::string& state) {
  Service service(world, signer, options);
  const std::string sha256 = TRY(digest_of(world.files, path)).sha256;
  Notarization out;
  out.id = TRY(read_state(world.files, state, sha256));
  out.resumed = !out.id.empty();
  if (!out.resumed) {
    Submission submission = TRY_WHILE("submitting", service.submit(base_name(path), sha256));
    TRY_WHILE("uploading",
              store::upload_file(world, std::move(submission.bucket), submission.object, path, sha256));
    out.id = submission.id;
    TRY(write_state(world.files, state, sha256, out));
  }
  out.status =
      TRY_WHILE("asking for submission " + out.id, wait_for(world, service, out.id, options.patience));
  TRY(write_state(world.files, state, sha256, out));
  if (out.status == NotaryStatus::in_progress) return out;
  auto log = service.log(out.id);
  if (!log) {
    out.log_flaw = log.error().message;
    return out;
  }
  out.log = std::move(*log);
  out.issues = read_issues(out.log);
  return out;
}

}  // namespace tranche::platform
