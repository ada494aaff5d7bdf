// The services of keyless signing: a certificate authority (Fulcio), transparency logs (Rekor), timestamp
// authorities; and one way of asking them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::sigstore {

struct LogService {
  std::string url;  // base
  int version = 1;  // of its API: 1 or 2
  bool operator==(const LogService&) const = default;
};
struct Services {
  std::string fulcio;  // base url; empty: none
  std::vector<LogService> logs;
  std::vector<std::string> tsas;  // full urls
};

// https, or http to this machine: identity tokens go there. kind denied otherwise; `what` names the service.
Result<> check_service_url(std::string_view url, std::string_view what);

// Asks up to three times where trying again can help (no connection, 429, 5xx), a little later each time; an
// answer of any other status is handed back. `what` names the service in messages. kind failed.
Result<ports::HttpResponse> ask_service(ports::World& world, ports::HttpRequest request,
                                        std::string_view what);
// "Rekor answered 400: ...", kind failed.
std::unexpected<Error> refused_by(std::string_view what, const ports::HttpResponse& answer);

// "https://x/" + "/api" → "https://x/api"
std::string join_url(std::string_view base, std::string_view path);

}  // namespace tranche::sigstore
