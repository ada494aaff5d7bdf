#include "channel/purge.hpp"

#include "base/text.hpp"
#include "doc/value.hpp"
#include "signing/keys.hpp"

namespace tranche::channel {

namespace {

constexpr int most_tries = 3;
constexpr std::size_t max_answer_bytes = 64 << 10;

bool may_pass(int status) { return status == 429 || status >= 500; }

Result<ports::HttpRequest> make_request(ports::World& world, const std::string& repository,
                                        const spec::Purge& purge) {
  ports::HttpRequest request;
  request.method = purge.method;
  request.url = purge.url;
  request.timeout = std::chrono::seconds(10);
  request.max_response_bytes = max_answer_bytes;
  if (!purge.token.empty()) {
    const Secret token = TRY(signing::read_secret(world, repository, purge.token));
    request.secret_headers.emplace_back("authorization", Secret("Bearer " + std::string(token.expose())));
  }
  for (const auto& [name, value] : purge.headers) {
    if (spec::is_secret_reference(value))
      request.secret_headers.emplace_back(name, TRY(signing::read_secret(world, repository, value)));
    else
      request.headers.emplace_back(name, value);
  }
  return request;
}

}  // namespace

Result<bool> purge_cdn(ports::World& world, const std::string& repository, const std::string& app,
                       const spec::Channel& channel, store::Store& store, std::uint64_t sequence) {
  const spec::Purge& purge = channel.purge;
  if (purge.url.empty()) return false;
  const std::string done =
      doc::to_json(doc::Value::object(
          {{"schema", "tranche/purged/v1"}, {"sequence", static_cast<std::int64_t>(sequence)}})) +
      "\n";
  const auto last = TRY(store.get(purged_name, 4096));
  if (last && last->bytes == done) return false;
  const std::string doing = "telling the CDN of channel '" + channel.name + "'";
  ports::HttpRequest request = TRY_WHILE(doing, make_request(world, repository, purge));
  if (purge.method == "POST" || purge.method == "PUT") {
    request.headers.emplace_back("content-type", "application/json");
    request.body = doc::to_json(doc::Value::object(
        {{"app", app}, {"channel", channel.name}, {"sequence", static_cast<std::int64_t>(sequence)}}));
  }
  for (int tries = 1;; ++tries) {
    const auto response = world.http.send(request);
    if (response && response->status >= 200 && response->status < 300) break;
    const bool last_try = tries == most_tries || (response && !may_pass(response->status));
    if (last_try && response)
      return fail_hint(ErrorKind::failed, "see purge: of the channel; the next publish calls it again",
                       "{} {} answered {}: {}", purge.method, printable(purge.url), response->status,
                       printable(response->body, 120));
    if (last_try) {
      Error error = response.error();
      return fail(std::move(error).during(doing));
    }
    if (!world.clock.sleep_until(world.clock.now() + std::chrono::seconds(tries)))
      return fail_hint(ErrorKind::interrupted, "run again: it is called then", "interrupted {}", doing);
  }
  store::Publication publication;
  publication.pointer =
      store::Pointer{std::string(purged_name), done, last ? last->version : store::Version()};
  publication.message = fmt::format("purged {}/{} {}", app, channel.name, sequence);
  TRY_WHILE(doing, store.publish(publication));
  return true;
}

}  // namespace tranche::channel
