// The routes. Everything here runs on an I/O thread and only reads what is in memory; what needs the disk
// goes through Response::later.
#include "server/server.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/text.hpp"
#include "base/version.hpp"
#include "cohort/decide.hpp"
#include "doc/value.hpp"
#include "server/checkin.hpp"
#include "server/query.hpp"
#include "server/static_files.hpp"
#include "server/status_page.hpp"

namespace tranche::server {

namespace {

// The paths of tranche_requests_total: few, whatever strangers ask for.
constexpr std::array<std::string_view, 10> path_classes{
    "/v1/update", "/v1/checkin", "/v1/flags", "/v1/series", "/metrics",
    "/healthz",   "/",           "feed",      "updater",    "other"};
constexpr std::array<int, 14> codes{200, 204, 304, 400, 404, 405, 408, 413, 429, 431, 500, 503, 505, 0};

std::size_t class_of(std::string_view path) {
  for (std::size_t i = 0; i < 6; ++i)
    if (path == path_classes[i]) return i;
  if (path.starts_with("/v1/flags/")) return 2;
  if (path == "/") return 6;
  if (path.ends_with("/tranche/v1/feed.json") || path.ends_with("/tranche/v1/flags.json")) return 7;
  for (const std::string_view feed : {"/electron/", "/velopack/", "/tauri/"})
    if (path.find(feed) != std::string_view::npos && path.find("/tranche/v1/") == std::string_view::npos)
      return 8;
  return 9;
}

Response refuse_error(int status, const Error& error) {
  return refuse(status, error.message, error.hint.empty() ? "see the documentation of serve" : error.hint);
}

Response not_allowed(std::string_view allow) {
  Response response = refuse(405, "this path does not take that method", fmt::format("use {}", allow));
  response.allow = allow;
  return response;
}

std::shared_ptr<Content> make_text(std::string bytes, std::string_view type) {
  auto content = std::make_shared<Content>();
  content->bytes = std::move(bytes);
  content->type = type;
  return content;
}

Response answer(std::shared_ptr<const Content> content, int status = 200) {
  Response response;
  response.status = status;
  response.content = std::move(content);
  return response;
}

std::size_t body_limit(std::string_view path) { return path == "/v1/checkin" ? max_batch_bytes : 16 * 1024; }

class UpdateServer final : public Server {
 public:
  UpdateServer(ports::World& world, Options options, std::string key)
      : world_(world),
        counters_(world.clock.now(), std::move(key), options.bounds),
        feeds_(
            world, std::move(options.channels),
            [this](const ServedChannel& served, const channel::Feed& feed) {
              counters_.see_feed(served.app, served.channel, feed.directions, world_.clock.now());
            },
            std::move(options.tell), options.find_ecosystem),
        files_(world.files) {
    for (std::size_t i = 0; i < feeds_.channels().size(); ++i) {
      prefixes_.push_back(feeds_.prefix(i));
      const ServedChannel& served = feeds_.channels()[i];
      for (const std::string& feed : served.config.feeds)
        if (served.decides(feed)) decided_.push_back({i, prefixes_[i] + feed + "/", feed});
    }
    accepted_ = make_text("{\"schema\":\"tranche/checkin/v1\",\"accepted\":1}\n", "application/json");
  }
  ~UpdateServer() override { stop(); }
  UpdateServer(const UpdateServer&) = delete;
  UpdateServer& operator=(const UpdateServer&) = delete;

  Result<> listen(const HttpOptions& options, Duration poll_every) {
    http_ = TRY(HttpServer::start(
        options, [this](const Request& request) { return handle(request); }, body_limit,
        [this](std::string_view path, int status) { count(path, status); }));
    feeds_.start(poll_every);
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return http_->port(); }
  void poll() override { feeds_.poll(); }
  void stop() override {
    if (http_) http_->stop();
    feeds_.stop();
  }

 private:
  struct Decided {
    std::size_t channel;
    std::string prefix;  // "/stable/electron/"
    std::string feed;
  };
  Response handle(const Request& request) {
    const std::string_view path = request.path;
    const bool reading = request.method == "GET" || request.method == "HEAD";
    if (path == "/v1/checkin") return request.method == "POST" ? check_in(request.body) : not_allowed("POST");
    if (!reading) return not_allowed("GET, HEAD");
    if (path == "/v1/update") return update(request.query);
    for (const Decided& decided : decided_)
      if (path.starts_with(decided.prefix)) return updater(decided, request);
    if (path.ends_with("/tranche/v1/feed.json") || path.find("/tranche/v1/") != std::string_view::npos)
      return file(path, request.if_none_match);
    if (path.starts_with("/v1/flags/")) return flag(path.substr(10), request.query);
    if (path == "/v1/series") return series(request.query);
    if (path == "/metrics") return answer(make_text(metrics(), "text/plain; version=0.0.4; charset=utf-8"));
    if (path == "/healthz") return health();
    if (path == "/")
      return answer(make_text(render_status_page(feeds_, counters_.rows(), world_.clock.now()),
                              "text/html; charset=utf-8"));
    return refuse(404, "no such path",
                  "ask for /v1/update, /v1/checkin, /v1/flags/KEY, /v1/series, /metrics, /healthz or /");
  }

  Response update(std::string_view text) {
    const auto query = Query::parse(text);
    if (!query) return refuse_error(400, query.error());
    const auto app = query->need("app"), name = query->need("channel"), id = query->need("device");
    if (!app) return refuse_error(400, app.error());
    if (!name) return refuse_error(400, name.error());
    if (!id) return refuse_error(400, id.error());
    cohort::Device device;
    std::string_view running;
    for (const auto& [key, value] : query->all()) {
      if (key == "device")
        device.id = value;
      else if (key == "version")
        running = value;
      else if (key.starts_with("label."))
        device.labels.emplace(key.substr(6), value);
    }
    if (const auto checked = cohort::check_device(device); !checked)
      return refuse_error(400, checked.error());
    if (!running.empty() && !valid_version(running))
      return refuse(400, fmt::format("'{}' is no version", printable(running, 40)),
                    "send the version that runs, or none for a new install");
    const int index = feeds_.find(*app, *name);
    if (index < 0) return unknown_channel(*app, *name);
    const auto snapshot = feeds_.at(static_cast<std::size_t>(index));
    if (!snapshot->loaded || snapshot->expired(world_.clock.now()))
      return not_now(snapshot->loaded ? "the feed has expired" : "there is no feed yet");
    const cohort::Decision decision = cohort::decide(snapshot->feed.directions, device, running);
    if (decision.version.empty() || decision.version == running) return answer(nullptr, 204);
    const auto found = snapshot->answers.find(decision.version);
    if (found == snapshot->answers.end()) return answer(nullptr, 204);  // open_feed refuses such a feed
    return answer(found->second[static_cast<std::size_t>(decision.reason)]);
  }

  // Clients of another updater below /CHANNEL/FEED/: their feed's files are decided, all else lies in the
  // store.
  Response updater(const Decided& decided, const Request& request) {
    const auto snapshot = feeds_.at(decided.channel);
    const auto feed =
        std::ranges::find(snapshot->served, decided.feed, [](const auto& one) { return one->name(); });
    if (feed == snapshot->served.end()) return not_now("there is no feed yet");
    auto found = (*feed)->answer(request.path.substr(decided.prefix.size()), request);
    if (found.response.status == 0)
      return files_.get(feeds_.channels()[decided.channel].directory, found.stored, request.if_none_match,
                        feeds_.channels()[decided.channel].trust);
    if (snapshot->expired(world_.clock.now())) return not_now("the feed has expired");
    return std::move(found.response);
  }

  static Response not_now(std::string_view why) {
    Response response = refuse(503, why, "keep what runs and ask again later");
    response.retry_after = 30;
    return response;
  }

  Response check_in(std::string_view body) {
    auto ins = parse_checkins(body);
    if (!ins) {
      counters_.count_refused();
      return refuse_error(400, ins.error());
    }
    const Instant now = world_.clock.now();
    std::size_t accepted = 0;
    bool full = false;
    doc::Array refused;
    const Error* first = nullptr;
    std::vector<Error> errors;
    for (std::size_t i = 0; i < ins->reports.size(); ++i) {
      Result<> counted;
      Result<CheckIn>& in = ins->reports[i];
      if (in) {
        counted = count_one(*in, now);
      } else {
        counters_.count_refused();
        counted = fail(in.error());
      }
      if (counted) {
        ++accepted;
        continue;
      }
      full = full || counted.error().kind == ErrorKind::failed;
      if (!ins->batch) {
        errors.push_back(counted.error());
        first = &errors.back();
      } else if (refused.size() < 20) {
        refused.push_back(doc::Value::object({{"index", static_cast<std::int64_t>(i)},
                                              {"error", counted.error().message},
                                              {"hint", counted.error().hint}}));
      }
    }
    if (!ins->batch) {
      if (first == nullptr) return answer(accepted_);
      return refuse_error(full ? 503 : 400, *first);
    }
    const std::size_t rejected = ins->reports.size() - accepted;
    doc::Value result = doc::Value::object({{"schema", "tranche/checkin/v1"},
                                            {"accepted", static_cast<std::int64_t>(accepted)},
                                            {"rejected", static_cast<std::int64_t>(rejected)}});
    if (rejected > 0) {
      result.set("error", refused.front().find("error")->as_string());
      result.set("hint", refused.front().find("hint")->as_string());
      result.set("refused", std::move(refused));
    }
    const int status = accepted > 0 || rejected == 0 ? 200 : full ? 503 : 400;
    return answer(make_text(doc::to_json(result) + "\n", "application/json"), status);
  }

  Result<> count_one(CheckIn& in, Instant now) {
    const int index = feeds_.find(in.app, in.channel);
    if (index < 0) {
      counters_.count_refused();
      return fail_hint(ErrorKind::invalid, "report to the server that serves this channel",
                       "channel '{}' of app '{}' is not served here", printable(in.channel, 40),
                       printable(in.app, 40));
    }
    // Where this server decides, the updater's own dice do not.
    if (!in.feed.empty() && feeds_.channels()[static_cast<std::size_t>(index)].decides(in.feed))
      in.feed.clear();
    // An expired feed still says who was exposed: its directions place the device.
    const auto snapshot = feeds_.at(static_cast<std::size_t>(index));
    (void)TRY(counters_.report(in, snapshot->feed.directions, now));
    return {};
  }

  Response flag(std::string_view encoded, std::string_view text) {
    const auto query = Query::parse(text);
    if (!query) return refuse_error(400, query.error());
    const std::string* app = query->find("app");
    const std::string* name = query->find("channel");
    const std::string key(encoded);
    for (std::size_t i = 0; i < feeds_.channels().size(); ++i) {
      const ServedChannel& served = feeds_.channels()[i];
      if ((app != nullptr && served.app != *app) || (name != nullptr && served.channel != *name)) continue;
      const auto snapshot = feeds_.at(i);
      const auto found = snapshot->flags.find(key);
      if (found != snapshot->flags.end()) return answer(found->second);
    }
    return refuse(404, fmt::format("there is no flag '{}'", printable(key, 40)),
                  "flags are set with `tranche flag set`");
  }

  Response series(std::string_view text) {
    const auto query = Query::parse(text);
    if (!query) return refuse_error(400, query.error());
    const auto made = read_series(*query);
    if (!made) return refuse_error(400, made.error());
    auto result = counters_.series(*made, world_.clock.now());
    if (!result) return refuse_error(400, result.error());
    return answer(make_text(std::move(*result), "application/json"));
  }

  Result<Counters::SeriesQuery> read_series(const Query& query) {
    Counters::SeriesQuery made;
    made.app = TRY(query.need("app"));
    made.channel = TRY(query.need("channel"));
    made.name = TRY(query.need("name"));
    if (const std::string* release = query.find("release")) made.release = *release;
    made.after = TRY(parse_instant(TRY(query.need("after"))));
    made.until = world_.clock.now();
    if (const std::string* until = query.find("until")) made.until = TRY(parse_instant(*until));
    made.step = TRY(parse_duration(TRY(query.need("step"))));
    return made;
  }

  Response file(std::string_view path, std::string_view if_none_match) {
    const std::vector<ServedChannel>& channels = feeds_.channels();
    std::size_t at = channels.size();
    std::string_view name;
    for (std::size_t i = 0; i < channels.size(); ++i)
      if (path.starts_with(prefixes_[i])) {
        at = i;
        name = path.substr(prefixes_[i].size());
      }
    if (channels.size() == 1 && path.starts_with("/tranche/v1/")) {
      at = 0;
      name = path.substr(1);
    }
    if (at == channels.size() || !name.starts_with("tranche/v1/"))
      return refuse(404, "no such file",
                    fmt::format("feeds are under {}{}", prefixes_[0], channel::feed_name));
    if (name == channel::feed_name || name == flags::flags_name) {
      const auto snapshot = feeds_.at(at);
      const auto& content = name == channel::feed_name ? snapshot->feed_file : snapshot->flags_file;
      if (!content) return refuse(404, "nothing is published yet", "start a rollout, or publish a feed");
      return give(content, if_none_match);
    }
    return files_.get(channels[at].directory, name, if_none_match, channels[at].trust);
  }

  // 200 whenever the process answers: a replica with a bad feed still counts check-ins, and a balancer that
  // took all of them away would blind the gates. Monitors read "status".
  Response health() {
    const Instant now = world_.clock.now();
    bool good = true;
    doc::Array channels;
    for (std::size_t i = 0; i < feeds_.channels().size(); ++i) {
      const ServedChannel& served = feeds_.channels()[i];
      const auto snapshot = feeds_.at(i);
      const std::string trouble = trouble_of(*snapshot, now);
      good = good && trouble.empty();
      doc::Value one = doc::Value::object({{"app", served.app},
                                           {"channel", served.channel},
                                           {"sequence", static_cast<std::int64_t>(snapshot->feed.sequence)},
                                           {"status", trouble.empty()    ? "ok"
                                                      : snapshot->loaded ? "degraded"
                                                                         : "waiting"}});
      if (!trouble.empty()) one.set("trouble", printable(trouble));
      channels.push_back(std::move(one));
    }
    const doc::Value body = doc::Value::object(
        {{"schema", "tranche/health/v1"}, {"status", good ? "ok" : "degraded"}, {"channels", channels}});
    return answer(make_text(doc::to_json(body) + "\n", "application/json"));
  }
  static std::string trouble_of(const Snapshot& snapshot, Instant now) {
    if (!snapshot.trouble.empty()) return snapshot.trouble;
    return snapshot.loaded && snapshot.expired(now) ? "the feed has expired" : "";
  }

  std::string metrics() {
    std::string out = counters_.exposition(world_.clock.now());
    out +=
        "# HELP tranche_requests_total Requests by path and answer.\n# TYPE tranche_requests_total counter\n";
    for (std::size_t path = 0; path < path_classes.size(); ++path)
      for (std::size_t code = 0; code < codes.size(); ++code)
        if (const std::uint64_t value = requests_[path][code].load(std::memory_order_relaxed); value > 0)
          out += fmt::format("tranche_requests_total{{path=\"{}\",code=\"{}\"}} {}\n", path_classes[path],
                             codes[code], value);
    out += "# HELP tranche_connections Open connections.\n# TYPE tranche_connections gauge\n";
    out += fmt::format("tranche_connections {}\n", http_ ? http_->connections() : 0);
    const Instant now = world_.clock.now();
    std::string sequences, expiries, oks;
    for (std::size_t i = 0; i < feeds_.channels().size(); ++i) {
      const ServedChannel& served = feeds_.channels()[i];
      const auto snapshot = feeds_.at(i);
      oks += fmt::format("tranche_feed_ok{{app=\"{}\",channel=\"{}\"}} {}\n", served.app, served.channel,
                         trouble_of(*snapshot, now).empty() ? 1 : 0);
      if (!snapshot->loaded) continue;
      // Names of apps and channels come from tranche.yaml, whose grammar leaves nothing to escape.
      sequences += fmt::format("tranche_feed_sequence{{app=\"{}\",channel=\"{}\"}} {}\n", served.app,
                               served.channel, snapshot->feed.sequence);
      expiries +=
          fmt::format("tranche_feed_expires_seconds{{app=\"{}\",channel=\"{}\"}} {:.3f}\n", served.app,
                      served.channel, static_cast<double>((snapshot->feed.expires - now).count()) / 1000.0);
    }
    out +=
        "# HELP tranche_feed_ok 1 when the published feed is good and current.\n# TYPE tranche_feed_ok "
        "gauge\n";
    out += oks;
    out +=
        "# HELP tranche_feed_sequence Sequence of the feed that is served.\n# TYPE tranche_feed_sequence "
        "gauge\n";
    out += sequences;
    out +=
        "# HELP tranche_feed_expires_seconds Seconds until the feed expires; negative when it has.\n"
        "# TYPE tranche_feed_expires_seconds gauge\n";
    out += expiries;
    return out;
  }

  static Response unknown_channel(std::string_view app, std::string_view name) {
    return refuse(
        404,
        fmt::format("channel '{}' of app '{}' is not served here", printable(name, 40), printable(app, 40)),
        "ask the server that serves it; / lists what this one serves");
  }

  void count(std::string_view path, int status) {
    std::size_t code = 0;
    while (code + 1 < codes.size() && codes[code] != status) ++code;
    requests_[class_of(path)][code].fetch_add(1, std::memory_order_relaxed);
  }

  ports::World& world_;
  Counters counters_;
  Feeds feeds_;
  StaticFiles files_;
  std::shared_ptr<const Content> accepted_;
  std::vector<std::string> prefixes_;  // by channel
  std::vector<Decided> decided_;
  std::array<std::array<std::atomic<std::uint64_t>, codes.size()>, path_classes.size()> requests_{};
  std::unique_ptr<HttpServer> http_;  // ends first: its threads use all of the above
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ports::World& world, Options options) {
  if (options.channels.empty())
    return fail_hint(ErrorKind::usage, "give at least one channel", "there is nothing to serve");
  for (std::size_t i = 0; i < options.channels.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (options.channels[i].app == options.channels[j].app &&
          options.channels[i].channel == options.channels[j].channel)
        return fail_hint(ErrorKind::usage, "serve each channel once",
                         "channel '{}' of app '{}' is given twice", options.channels[i].channel,
                         options.channels[i].app);
  HttpOptions http = options.http;
  http.kept_headers = client_headers(options.channels);
  const Duration poll_every = options.poll_every;
  std::string key = TRY(world.random.bytes(32));
  auto server = std::make_unique<UpdateServer>(world, std::move(options), std::move(key));
  TRY(server->listen(http, poll_every));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace tranche::server
