// Channels: where their bytes live, which feeds they carry, what the clients were built with.
#include <algorithm>

#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

ListRule one_or_many(std::size_t least = 0) {
  ListRule rule;
  rule.one_or_many = true;
  rule.least = least;
  return rule;
}

Codec<StoreRef> store_codec() {
  return {[](const Value& value, StoreRef& out, Reader& reader) {
            if (const Value* s3 = value.find("s3"); s3 != nullptr && value.as_object().size() == 1) {
              out = StoreRef{StoreRef::Kind::s3, {}};
              return read_s3(*s3, out.path, out.s3, reader);
            }
            if (!value.is_string())
              return reader.wrong_type(
                  value, "a store", "write dir:PATH, git:REMOTE#BRANCH, s3://BUCKET/PREFIX or { s3: {...} }");
            auto parsed = parse_store_ref(value.as_string());
            if (!parsed) return reader.bad_value(value, parsed.error().message, parsed.error().hint);
            out = *parsed;
          },
          [](const StoreRef& from) {
            if (from.path.empty()) return Value();
            return from.kind == StoreRef::Kind::s3 ? write_s3(from.path, from.s3) : Value(to_text(from));
          },
          [](SchemaBook& book) {
            Value line = Value::object({{"type", "string"}, {"pattern", "^(dir:|git:|s3://).+"}});
            return Value::object({{"anyOf", Value(doc::Array{std::move(line), s3_schema(book)})}});
          }};
}

TextKind name_kind() { return {"a name", check_name, std::string(name_pattern)}; }

const Table<Client>& client_table() {
  using Manual = Client::ManualChecks;
  static const Table<Client> table{
      "client",
      "What the shipped app was built with, for one feed.",
      {field("allow-downgrade", &Client::allow_downgrade, boolean(),
             "the client takes a lower version when the feed names one"),
       field("channel", &Client::channel, text(name_kind()),
             "what the ecosystem calls this channel: electron latest, velopack win, apt a suite"),
       field("package", &Client::package, text(name_kind()),
             "velopack: PackageId; by default the app's name"),
       field("component", &Client::component, text(name_kind()), "apt: component of the repository"),
       field("key", &Client::key, secret_reference(),
             "signs for this ecosystem; apt: gpg, tauri: minisign, sparkle: Ed25519"),
       field("key-password", &Client::key_password, secret_reference(), "opens the key"),
       field("staging-id", &Client::staging_id, text(name_kind()),
             "tauri: header or query member in which the app sends its device id"),
       field("manual-checks", &Client::manual_checks,
             choice<Manual>({{"allow", Manual::allow}, {"throttle", Manual::throttle}}),
             "a person who asks for the update gets it (unless withdrawn), or waits like the others")},
      {}};
  return table;
}

const Table<Purge>& purge_table() {
  static const Table<Purge> table{
      "purge",
      "A CDN's hook, called after the pointer has moved.",
      {field("url", &Purge::url, text({"an address", check_http_url, "^https?://"}), "called once a change")
           .must(),
       field("method", &Purge::method, word({"POST", "PUT", "GET", "DELETE", "PURGE"}), "of the request"),
       field("token", &Purge::token, secret_reference(), "sent as bearer"),
       field("headers", &Purge::headers, texts_or_secrets("VALUE or env:TRANCHE_NAME"),
             "extra ones; env: and file: are secret references")},
      {}};
  return table;
}

constexpr std::string_view latest_words = "at 100%";

Codec<bool> latest_link_codec() {
  return {[](const Value& value, bool& out, Reader& reader) {
            if (!value.is_string() || value.as_string() != latest_words)
              return reader.bad_value(value, "the link moves at 100% only", "write `latest-link: at 100%`");
            out = true;
          },
          [](const bool& from) { return from ? Value(latest_words) : Value(); },
          [](SchemaBook&) { return Value::object({{"const", latest_words}}); }};
}

const Table<Channel>& channel_table() {
  using On = Channel::OnUnsupported;
  using Mode = Channel::Mode;
  using Foreign = Channel::OnForeignWrite;
  static const Table<Channel> table{
      "channel",
      "A named update stream: a store and its feeds.",
      {field("store", &Channel::store, store_codec(),
             "where its bytes live: dir:PATH, git:REMOTE#BRANCH, s3://BUCKET/PREFIX")
           .must(),
       field("url", &Channel::url, text({"an address", check_http_url, "^https?://"}),
             "where clients read the store; sparkle and tauri name whole addresses"),
       field("feeds", &Channel::feeds, list(word(known_feeds()), one_or_many(1)),
             "formats that clients read"),
       field("clients", &Channel::clients, named("client", record<Client>(client_table)),
             "per feed: what the shipped app was built with; decides what a rollback can do"),
       field("on-unsupported", &Channel::on_unsupported,
             choice<On>({{"refuse", On::refuse}, {"nearest", On::nearest}, {"serve", On::serve}}),
             "what a client cannot honour: refuse, nearest (rounds down), serve (decide in `tranche serve`)"),
       field("mode", &Channel::mode, choice<Mode>({{"publish", Mode::publish}, {"observe", Mode::observe}}),
             "observe: another tool writes the feeds, and nothing is published")
           .only([](const Channel& channel) { return channel.mode != Mode::publish; }),
       field("on-foreign-write", &Channel::on_foreign_write,
             choice<Foreign>({{"stop", Foreign::stop}, {"adopt", Foreign::adopt}}),
             "when another tool wrote a feed file: stop, or take its file as the new baseline")
           .only([](const Channel& channel) { return channel.on_foreign_write != Foreign::stop; }),
       field("latest-link", &Channel::latest_link, latest_link_codec(),
             "at 100%: latest/NAME of each artifact is that of the release everyone has"),
       field("purge", &Channel::purge, within("purge", record<Purge>(purge_table)), "a CDN's hook")
           .only([](const Channel& channel) { return !channel.purge.url.empty(); }),
       field("expires", &Channel::expires, duration(std::chrono::seconds(1), std::chrono::hours(24 * 366)),
             "how long a feed is fresh; every tick signs again at half of it")},
      [](const Value& value, Channel&, Reader& reader) {
        const Value* clients = value.find("clients");
        if (clients == nullptr || !clients->is_object()) return;
        for (const Member& member : clients->as_object()) {
          const auto& feeds = known_feeds();
          if (std::find(feeds.begin(), feeds.end(), member.key) != feeds.end()) continue;
          const std::string guess = nearest(member.key, feeds);
          reader.problems.add(
              member.key_place,
              fmt::format("unknown feed '{}' in clients{}", printable(member.key, 64), reader.in()),
              guess.empty() ? "feeds: " + join(feeds, ", ") : fmt::format("did you mean '{}'?", guess));
        }
      }};
  return table;
}

}  // namespace

Codec<Channel> channel_codec() { return record<Channel>(channel_table); }

const std::vector<std::string>& known_feeds() {
  static const std::vector<std::string> names{"tranche", "electron", "apt",     "tauri",
                                              "sparkle", "velopack", "squirrel"};
  return names;
}

}  // namespace tranche::spec
