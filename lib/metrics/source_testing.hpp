// For this room's tests: a source over a given HTTP door, with fakes behind the others.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "metrics/source.hpp"
#include "support/fake_world.hpp"

namespace tranche::metrics {

constexpr Duration minute = std::chrono::minutes(1);
constexpr std::int64_t start_seconds = 1'767'225'600;
inline const Instant start{std::chrono::seconds(start_seconds)};  // 2026-01-01T00:00:00Z
inline Variables variables(Duration window = minute) {
  return {"agent", "stable", "1.2.0", "1.2.0", "1.1.0", window};
}
inline bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The clock of the fakes stands at 2026-01-01, unless one is given.
inline Surroundings around(ports::Http& http, Secrets secrets = {}, ports::Clock* clock = nullptr) {
  static support::FakeWorld others;
  return {ports::World{clock == nullptr ? others.clock : *clock, http, others.files, others.process,
                       others.random, others.environ, others.console},
          "", std::move(secrets)};
}
inline std::unique_ptr<Source> must(Result<std::unique_ptr<Source>> made) {
  REQUIRE(made.has_value());
  return std::move(*made);
}
inline std::unique_ptr<Source> source_over(ports::Http& http, const spec::Source& source,
                                           const Secrets& secrets = {}, ports::Clock* clock = nullptr) {
  return must(make_source(around(http, {}, clock).world, source, secrets));
}

// One answer for every request.
struct CannedHttp : ports::Http {
  std::string body;
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<ports::HttpRequest> requests;
  Result<ports::HttpResponse> send(const ports::HttpRequest& request) override {
    requests.push_back(request);
    return ports::HttpResponse{status, headers, body};
  }
};

// A peer that a test needs and does not find: counted, and a failure where all were promised.
inline void skip_without(const std::string& peer, const std::string& package) {
  const char* required = std::getenv("TRANCHE_REQUIRE_PEERS");
  const std::string words = peer + " is missing (apt-get install " + package + ")";
  if (required != nullptr && std::string_view(required) == "1") FAIL(words);
  fmt::print("skipped: {}\n", words);
}

}  // namespace tranche::metrics
