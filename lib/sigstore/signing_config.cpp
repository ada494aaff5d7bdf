#include "sigstore/signing_config.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::sigstore {

namespace {

constexpr std::string_view media_type = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
constexpr std::size_t max_services = 64;  // of one kind
constexpr const char* hint = "it must be a Sigstore signing_config.json of version 0.2";

struct Service {
  std::string url, op;
  std::int64_t version = 0;
  Instant start{};
  bool valid = false;
};

Result<Service> read_service(const doc::Value& json, Instant now) {
  Service service;
  service.url = TRY(json.text("url"));
  service.version = TRY(json.integer_or("majorApiVersion", 0));
  service.op = TRY(json.text_or("operator", ""));
  service.valid = true;
  if (const doc::Value* validity = json.find("validFor")) {
    const std::string start = TRY(validity->text_or("start", ""));
    const std::string end = TRY(validity->text_or("end", ""));
    if (!start.empty()) service.start = TRY(parse_instant(start));
    service.valid = service.start <= now && (end.empty() || now <= TRY(parse_instant(end)));
  }
  if (!service.url.starts_with("https://") && !service.url.starts_with("http://"))
    return fail_hint(ErrorKind::invalid, hint, "'{}' is no http(s) url", printable(service.url));
  return service;
}

// One an operator, newest first.
Result<std::vector<Service>> read_services(const doc::Value& json, std::string_view key, Instant now,
                                           std::int64_t newest_version) {
  const doc::Value* list = json.find(key);
  std::vector<Service> services;
  if (list == nullptr || list->is_null()) return services;
  if (!list->is_array() || list->as_array().size() > max_services)
    return fail_hint(ErrorKind::invalid, hint, "{} is no list of at most {} services", key, max_services);
  for (const doc::Value& one : list->as_array()) {
    Service service = TRY_WHILE(std::string(key), read_service(one, now));
    if (service.valid && service.version >= 1 && service.version <= newest_version)
      services.push_back(std::move(service));
  }
  std::ranges::stable_sort(services, [](const Service& a, const Service& b) {
    return a.version != b.version ? a.version > b.version : a.start > b.start;
  });
  std::vector<Service> chosen;
  for (Service& service : services)
    if (std::ranges::find(chosen, service.op, &Service::op) == chosen.end())
      chosen.push_back(std::move(service));
  return chosen;
}

Result<std::vector<Service>> select(std::vector<Service> services, const doc::Value& json,
                                    std::string_view key, std::string_view noun) {
  const doc::Value* config = json.find(key);
  if (config == nullptr || config->is_null()) {  // not said: any
    if (services.size() > 1) services.resize(1);
    return services;
  }
  const std::string selector = TRY(config->text_or("selector", "SERVICE_SELECTOR_UNDEFINED"));
  if (selector == "ALL") return services;
  if (selector == "ANY") {
    if (services.size() > 1) services.resize(1);
    return services;
  }
  if (selector != "EXACT")
    return fail_hint(ErrorKind::invalid, hint, "{}: the selector '{}' is not known", key,
                     printable(selector, 60));
  const std::int64_t count = TRY(config->integer_or("count", 0));
  if (count < 1 || static_cast<std::size_t>(count) > services.size())
    return fail_hint(ErrorKind::invalid, "use a signing config that is not out of date",
                     "{} asks for {} services and {} can be used now", noun, count, services.size());
  services.resize(static_cast<std::size_t>(count));
  return services;
}

}  // namespace

Result<Services> parse_signing_config(std::string_view text, Instant now) {
  const doc::Value json = TRY(
      doc::parse_json(text, "<signing config>", {.max_bytes = max_signing_config_bytes, .max_depth = 16}));
  const auto type = json.is_object() ? json.text("mediaType") : Result<std::string>(std::string());
  if (!type || *type != media_type)
    return fail_hint(ErrorKind::invalid, hint, "the media type is '{}', not '{}'",
                     type ? printable(*type, 100) : "", media_type);
  const auto authorities = TRY(read_services(json, "caUrls", now, 1));
  const auto all_logs = TRY(read_services(json, "rekorTlogUrls", now, 2));
  const auto logs = TRY(select(all_logs, json, "rekorTlogConfig", "the choice of logs"));
  const auto all_tsas = TRY(read_services(json, "tsaUrls", now, 1));
  const auto tsas = TRY(select(all_tsas, json, "tsaConfig", "the choice of timestamp authorities"));
  if (authorities.empty() || logs.empty())
    return fail_hint(ErrorKind::invalid, "use a signing config that is not out of date",
                     "the signing config names no {} that can be used now",
                     authorities.empty() ? "certificate authority" : "transparency log");
  Services services;
  services.fulcio = authorities.front().url;
  for (const Service& log : logs) services.logs.push_back({log.url, static_cast<int>(log.version)});
  for (const Service& tsa : tsas) services.tsas.push_back(tsa.url);
  return services;
}

}  // namespace tranche::sigstore
