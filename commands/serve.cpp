// The update server, until it is told to stop.
#include <algorithm>
#include <mutex>

#include "actions/stores.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/served.hpp"
#include "commands/support.hpp"
#include "server/server.hpp"

namespace tranche::commands {
namespace {

struct Listen {
  std::string address;
  std::uint16_t port = 0;
};

// "127.0.0.1:8090", "[::1]:8090", ":8090" (every address), "8090" (loopback).
Result<Listen> parse_listen(std::string_view text) {
  Listen listen;
  const std::size_t colon = text.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (colon == std::string_view::npos)
    listen.address = "127.0.0.1";
  else if (colon == 0)
    listen.address = "0.0.0.0";
  else
    listen.address = text.substr(0, colon);
  if (listen.address.starts_with('[') && listen.address.ends_with(']'))
    listen.address = listen.address.substr(1, listen.address.size() - 2);
  const auto number = parse_u64(port);
  if (!number || *number > 65535)
    return fail_hint(ErrorKind::usage, "write --listen 127.0.0.1:8090", "'{}' is no address and port",
                     printable(text, 64));
  listen.port = static_cast<std::uint16_t>(*number);
  return listen;
}

Result<int> number_in(const Options& options, std::string_view name, std::uint64_t least,
                      std::uint64_t most) {
  const std::uint64_t value = TRY(options.number(name));
  if (value < least || value > most)
    return fail_hint(ErrorKind::usage, fmt::format("give {} to {}", least, most), "--{} is {}", name, value);
  return static_cast<int>(value);
}

Result<std::vector<server::ServedChannel>> served_channels(Context& context, const Options& options) {
  std::vector<server::ServedChannel> served;
  const auto wanted = options.list("channel");
  const spec::Spec spec = TRY(load_spec(context));
  for (const spec::App& app : spec.apps) {
    if (options.given("app") && app.name != options.text("app")) continue;
    const signing::Trust trust = TRY(load_trust(context, spec, app));
    for (const spec::Channel& channel : app.channels) {
      if (!wanted.empty() && std::ranges::find(wanted, channel.name) == wanted.end()) continue;
      const auto store = TRY(actions::open_channel(context.world, spec.repository, channel));
      const auto directory = store->local_directory();
      if (!directory)
        return fail_hint(ErrorKind::invalid, "serve a channel whose store is a directory (dir:...)",
                         "channel '{}' lies in {}, which `serve` cannot read from", channel.name,
                         store->describe());
      served.push_back(
          {app.name, channel.name, *directory, trust, spec.repository, channel, feed_channels(app)});
    }
  }
  if (served.empty())
    return fail_hint(ErrorKind::invalid, "see what `channels:` in tranche.yaml says",
                     "there is no such channel");
  return served;
}

Result<Outcome> run_serve(const Options& options, Context& context) {
  const Listen listen = TRY(parse_listen(options.text("listen")));
  server::Options made;
  made.channels = TRY(served_channels(context, options));
  made.http.address = listen.address;
  made.http.port = listen.port;
  made.http.threads = TRY(number_in(options, "threads", 1, 64));
  made.http.max_connections =
      static_cast<std::size_t>(TRY(number_in(options, "max-connections", 16, 1'000'000)));
  made.http.max_connections_per_address =
      static_cast<std::size_t>(TRY(number_in(options, "max-connections-per-address", 1, 1'000'000)));
  made.bounds.max_devices = static_cast<std::size_t>(TRY(number_in(options, "max-devices", 1, 100'000'000)));
  made.bounds.settle = TRY_WHILE("reading --settle", parse_duration(options.text("settle")));
  if (made.bounds.settle < std::chrono::seconds(1) || made.bounds.settle > std::chrono::hours(24))
    return fail_hint(ErrorKind::usage, "give 1s to 24h", "--settle is {}", to_text(made.bounds.settle));
  const std::size_t channels = made.channels.size();
  // The server tells on a thread of its own; one thread talks.
  std::mutex mutex;
  std::vector<std::string> told;
  made.tell = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    told.push_back(line);
  };
  const auto server = TRY(server::Server::start(context.world, std::move(made)));
  const bool colons = listen.address.find(':') != std::string::npos;
  const std::string url =
      fmt::format("http://{}{}{}:{}", colons ? "[" : "", listen.address, colons ? "]" : "", server->port());
  context.say("serving {} on {} (Ctrl-C ends it)", count_of(channels, "channel"), url);
  if (context.json)
    context.stream(doc::Value::object({{"schema", "tranche/serve/v1"},
                                       {"event", "listening"},
                                       {"url", url},
                                       {"channels", static_cast<std::int64_t>(channels)}}));
  ports::Clock& clock = context.world.clock;
  do {
    std::vector<std::string> lines;
    {
      const std::lock_guard lock(mutex);
      lines.swap(told);
    }
    for (const std::string& line : lines) context.say("{}", line);
  } while (clock.sleep_until(clock.now() + std::chrono::milliseconds(250)));
  context.say("stopping");
  server->stop();
  return Outcome{
      .json = doc::Value::object({{"schema", "tranche/serve/v1"}, {"event", "stopped"}, {"url", url}})};
}

}  // namespace

Command serve() {
  return {
      .name = "serve",
      .summary = "update server: feeds, decisions, check-ins, flags, metrics, status page",
      .help_path = "commands/serve.md",
      .flags = {{.name = "listen",
                 .value = "ADDRESS:PORT",
                 .help = "where; port 0 is any free one",
                 .default_text = "127.0.0.1:8090"},
                {.name = "channel", .value = "CHANNEL", .help = "only these", .repeated = true},
                {.name = "threads", .value = "N", .help = "I/O threads", .default_text = "2"},
                {.name = "max-connections", .value = "N", .help = "in all", .default_text = "10000"},
                {.name = "max-connections-per-address",
                 .value = "N",
                 .help = "loopback is exempt; raise it behind a proxy",
                 .default_text = "256"},
                {.name = "max-devices", .value = "N", .help = "counted at a time", .default_text = "5000000"},
                {.name = "settle",
                 .value = "DURATION",
                 .help = "devices of each arm are compared in number after this; twice the time between "
                         "check-ins or more",
                 .default_text = "2h"},
                app_flag()},
      .run = run_serve};
}

}  // namespace tranche::commands
