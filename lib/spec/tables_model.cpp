// The keys of `judge: model` gates.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;

// "64KiB", "1MiB" or a number of bytes.
Codec<std::int64_t> bytes(std::int64_t least, std::int64_t most) {
  const auto shown = [](std::int64_t count) {
    if (count % (1 << 20) == 0) return fmt::format("{}MiB", count >> 20);
    if (count % (1 << 10) == 0) return fmt::format("{}KiB", count >> 10);
    return fmt::format("{}", count);
  };
  return {[least, most, shown](const Value& value, std::int64_t& out, Reader& reader) {
            if (!value.is_string() && !value.is_int())
              return reader.wrong_type(value, "a size", "write 64KiB");
            std::string_view digits;
            std::uint64_t unit = 1;
            std::string number;
            if (value.is_int()) {
              number = fmt::format("{}", value.as_int());
              digits = number;
            } else {
              digits = value.as_string();
              if (digits.ends_with("KiB")) unit = 1 << 10;
              if (digits.ends_with("MiB")) unit = 1 << 20;
              if (unit > 1) digits.remove_suffix(3);
            }
            const auto count = digits.size() > 12 ? std::nullopt : parse_u64(digits);
            if (!count)
              return reader.bad_value(value,
                                      fmt::format("'{}' is not a size",
                                                  printable(value.is_int() ? number : value.as_string(), 64)),
                                      "write 64KiB, 1MiB or a number of bytes");
            const auto given = static_cast<std::int64_t>(*count * unit);
            if (given < least || given > most)
              return reader.bad_value(value, fmt::format("{} is out of range", shown(given)),
                                      fmt::format("{} to {}", shown(least), shown(most)));
            out = given;
          },
          [shown](const std::int64_t& from) { return Value(shown(from)); },
          [](SchemaBook&) {
            Value text = Value::object({{"type", "string"}, {"pattern", "^[0-9]{1,12}([KM]iB)?$"}});
            Value number = Value::object({{"type", "integer"}, {"minimum", 0}});
            return Value::object({{"anyOf", Value(doc::Array{std::move(number), std::move(text)})}});
          }};
}

// "80%" or 80, whole percents.
Codec<int> whole_percent(int least, int most) {
  return {
      [least, most](const Value& value, int& out, Reader& reader) {
        if (!value.is_string() && !value.is_int())
          return reader.wrong_type(value, "a whole percentage", "write 80%");
        std::string text = value.is_int() ? fmt::format("{}", value.as_int()) : value.as_string();
        if (text.ends_with('%')) text.pop_back();
        const auto given = text.size() > 3 ? std::nullopt : parse_u64(text);
        if (!given || *given < static_cast<std::uint64_t>(least) || *given > static_cast<std::uint64_t>(most))
          return reader.bad_value(value, fmt::format("{}% is out of range", printable(text, 16)),
                                  fmt::format("whole percents, {}% to {}%", least, most));
        out = static_cast<int>(*given);
      },
      [](const int& from) { return Value(fmt::format("{}%", from)); },
      [least, most](SchemaBook&) {
        Value text = Value::object({{"type", "string"}, {"pattern", "^[0-9]{1,3}%?$"}});
        Value number = Value::object({{"type", "integer"},
                                      {"minimum", static_cast<std::int64_t>(least)},
                                      {"maximum", static_cast<std::int64_t>(most)}});
        return Value::object({{"anyOf", Value(doc::Array{std::move(number), std::move(text)})}});
      }};
}

Result<> check_log_path(std::string_view path) {
  TRY(check_repository_path(path));
  return check_query(path);
}
Result<> check_log_url(std::string_view url) {
  TRY(check_http_url(url));
  return check_query(url);
}
Result<> check_model_name(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != '\\';
  });
  if (fits) return {};
  return fail_hint(ErrorKind::invalid, "write it as the API names it, for example model: claude-sonnet-4-5",
                   "'{}' is not the name of a model", printable(name, 64));
}
Result<> check_pattern(std::string_view pattern) {
  const auto wild = [](char c) { return c == '*' || c == '?' || c == '[' || c == ']' || c == ' '; };
  if (pattern.size() > 256)
    return fail_hint(ErrorKind::invalid, "at most 256 bytes", "a pattern of {} bytes", pattern.size());
  if (std::count_if(pattern.begin(), pattern.end(), [&](char c) { return !wild(c); }) < 2)
    return fail_hint(
        ErrorKind::invalid,
        "write literal text, or a glob of whole words such as acct-* that has at least two letters",
        "'{}' would redact everything", printable(pattern, 64));
  return {};
}

const Table<LogSource>& log_table() {
  static const Table<LogSource> table{
      "log",
      "Where the log of an arm is: exactly one of file, command, url.",
      {field("file", &LogSource::file, text({"a path within the repository", check_log_path}),
             "file in the repository; the newest lines are at its end"),
       field("command", &LogSource::command,
             list(text({"an argument", check_query}), {.least = 1, .most = 100}),
             "argv that prints the log; run in the repository, without a shell"),
       field("url", &LogSource::url, text({"an http url", check_log_url, "^https?://.+", true}),
             "query of a log system: text, one JSON object a line, or what Loki answers"),
       field("token", &LogSource::token, secret_reference(), "secret reference, sent to the url as bearer")},
      [](const Value& value, LogSource& log, Reader& reader) {
        const int kinds = int(value.find("file") != nullptr) + int(value.find("command") != nullptr) +
                          int(value.find("url") != nullptr);
        if (kinds != 1)
          reader.problems.add(
              value.place,
              fmt::format("{}{}", kinds == 0 ? "the log has no origin" : "the log has several origins",
                          reader.in()),
              "write one of { file: PATH }, { command: [ARGV...] }, { url: URL }");
        else if (!log.token.empty() && log.url.empty())
          reader.problems.add(value.place, "a token without a url" + reader.in(),
                              "remove it: only a url is asked with a token");
      }};
  return table;
}

// logs: { canary: LOG, control: LOG }, or one LOG for both with $arm or $version in it.
Field<Model> logs_field() {
  Field<Model> f;
  f.key = "logs";
  f.doc = "the log of each arm, { canary: ..., control: ... }; or one for both, with $arm or $version in it";
  f.read = [](const Value& value, Model& into, Reader& reader) {
    const auto read_one = [&](const Value& from, LogSource& log) {
      log.place = from.place;
      log_table().read(from, log, reader, from.place);
    };
    reader.where.push_back("'logs'");
    if (value.is_object() && !value.find("canary") && !value.find("control")) {
      read_one(value, into.canary);
      into.control = into.canary;
    } else if (!value.is_object()) {
      reader.wrong_type(value, "a map");
    } else {
      for (const Member& member : value.as_object()) {
        reader.key = member.key;
        if (member.key != "canary" && member.key != "control") {
          report_unknown_key(member, {"canary", "control"}, reader);
          continue;
        }
        reader.where.push_back(fmt::format("'{}'", member.key));
        read_one(member.value, member.key == "canary" ? into.canary : into.control);
        reader.where.pop_back();
      }
    }
    reader.where.pop_back();
  };
  f.write = [](const Model& model) {
    Value out = Value::object();
    if (model.canary.given()) out.set("canary", log_table().write(model.canary));
    if (model.control.given()) out.set("control", log_table().write(model.control));
    return out;
  };
  f.schema = [](SchemaBook& book) {
    const auto log = [&] {
      return book.define("log", [](SchemaBook& inner) { return log_table().schema(inner); });
    };
    Value properties = Value::object();
    properties.set("canary", log());
    properties.set("control", log());
    Value both = Value::object({{"type", "object"}, {"additionalProperties", false}});
    both.set("properties", std::move(properties));
    both.set("required", Value(doc::Array{"canary", "control"}));
    return Value::object({{"anyOf", Value(doc::Array{std::move(both), log()})}});
  };
  return f;
}

Field<Model> protocol_field(std::string key, Model::Protocol protocol, std::string doc, std::string url_doc) {
  Field<Model> f = group<Model>(
      std::move(key), std::move(doc),
      {field("url", &Model::url, text({"an http url", check_http_url, "^https?://.+", true}),
             std::move(url_doc)),
       field("model", &Model::model, text({"a model", check_model_name}), "the model's name").must(),
       field("key", &Model::key, secret_reference(), "secret reference of the API key")});
  f.read = [protocol, inner = f.read](const Value& value, Model& into, Reader& reader) {
    if (into.protocol != Model::Protocol::none)
      return reader.bad_value(value, "anthropic and openai together", "ask one: make two gates of them");
    into.protocol = protocol;
    inner(value, into, reader);
  };
  f.write = [protocol, inner = f.write](const Model& from) {
    return from.protocol == protocol ? inner(from) : Value();
  };
  return f;
}

}  // namespace

const Table<Model>& model_table() {
  using OnWorse = Model::OnWorse;
  static const Table<Model> table{
      "model",
      "A language model as judge.",
      {protocol_field("anthropic", Model::Protocol::anthropic, "a model behind the Anthropic Messages API",
                      "address; by default https://api.anthropic.com"),
       protocol_field("openai", Model::Protocol::openai, "a model behind an OpenAI-compatible chat API",
                      "address up to /v1; by default https://api.openai.com/v1"),
       logs_field(),
       field("extra-prompt", &Model::extra_prompt, text({"a prompt"}), "what to look for in the logs"),
       field("confidence", &Model::confidence, whole_percent(50, 100), "less than this is no opinion"),
       field("on-worse", &Model::on_worse,
             choice<OnWorse>({{"hold", OnWorse::hold}, {"fail", OnWorse::fail}}),
             "a confident \"worse\": hold (suspect), or fail when a control question confirms it"),
       field("ask-every", &Model::ask_every, duration(1s, 24h), "at most one opinion in this time"),
       field("timeout", &Model::timeout, duration(1s, 10min), "for one opinion, retries included"),
       field("max-excerpt", &Model::max_excerpt, bytes(4 << 10, 512 << 10), "of one arm's log, sent at most"),
       field("redact", &Model::redact,
             list(text({"a pattern", check_pattern}), {.most = 100, .one_or_many = true}),
             "beside known kinds of secrets: literal text, or globs of whole words such as acct-*"),
       field("redact-addresses", &Model::redact_addresses, boolean(), "redact IP addresses too")},
      {}};
  return table;
}

}  // namespace tranche::spec
