// Sources in tranche.yaml: what is refused, what is warned about, which secrets they need.
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "spec/spec.hpp"
#include "spec/warnings.hpp"

using namespace tranche;
using namespace tranche::spec;

namespace {

std::string with_source(std::string_view source, std::string_view gates = "") {
  return "version: 1\napp: a\nchannels: { stable: { store: \"dir:s\" } }\nsources:\n  s: " +
         std::string(source) + "\n" + std::string(gates);
}
std::vector<std::string> problems(const std::string& yaml) {
  auto parsed = parse(yaml);
  if (parsed) return {};
  std::vector<std::string> out{parsed.error().message + " | " + parsed.error().hint};
  for (const Error& other : parsed.error().others) out.push_back(other.message + " | " + other.hint);
  return out;
}

}  // namespace

TEST_CASE("a source that cannot be asked is refused with what to write") {
  struct Case {
    const char* source;
    const char* message;
    const char* hint;
  };
  for (const auto& [source, message, hint] : std::vector<Case>{
           {"{ prometheus: \"http://h\", web: \"http://h\" }", "prometheus and web together",
            "make two sources"},
           {"{ prometheus: \"http://h\", web: \"http://h\", file: x }",
            "prometheus and web and file together", "make a source of each"},
           {"{ graphite: { url: h } }", "'h' is not an http url", "write http://HOST/"},
           {"{ influxdb: { url: \"http://h\" } }", "missing key 'database'", "what to read from"},
           {"{ influxdb: \"http://h\" }", "must be a map", ""},
           {"{ sentry: { token: env:TRANCHE_S } }", "missing key 'organization'", "its short name"},
           {"{ sentry: { organization: a/b } }", "'a/b' is no name", "short name"},
           {"{ sentry: { organization: a, release: app } }", "release holds no {version}", "{app}@{version}"},
           {"{ datadog: { api-key: env:TRANCHE_A } }", "missing key 'app-key'", "secret reference"},
           {"{ datadog: { api-key: abc123, app-key: env:TRANCHE_B } }", "not a reference to a secret",
            "never the secret itself"},
           {"{ datadog: { api-key: env:TRANCHE_A, app-key: env:TRANCHE_B, api: v3 } }", "unknown 'v3'", "v1"},
           {"{ web: { url: \"http://h\", method: DELETE } }", "unknown 'DELETE'", "GET"},
           {"{ web: { url: \"http://h\", body: x } }", "a GET has no body", "method: POST"},
           {"{ prometheus: { url: \"http://h\", user: me } }", "user and password belong together",
            "env:TRANCHE"},
           {"{ prometheus: { url: \"http://h\", user: me, password: env:TRANCHE_P, token: env:TRANCHE_T } }",
            "a token and a user, too", "keep one"},
           {"{ prometheus: { url: \"http://h\", user: \"a:b\", password: env:TRANCHE_P } }",
            "the user holds a ':'", "cannot send"},
           {"{ prometheus: { url: \"http://h\", headers: { Authorization: \"Bearer hunter2\" } } }",
            "'Authorization' sounds like a secret", "env:TRANCHE_NAME"},
           {"{ prometheus: { url: \"http://h\", headers: { \"X Y\": a } } }", "'X Y' is no name", "letters"},
           {"{ prometheus: { url: \"http://h\", headers: { X: env:HOME } } }", "TRANCHE_", ""},
           {"{ command: [] }", "the list is empty", "1 to 100"},
           {"{ command: { env: { A: b } } }", "missing key 'argv'", "no shell"},
           {"{ file: /etc/passwd }", "leaves the repository", "below the directory"},
           {"{ file: { path: ../x } }", "leaves the repository", "below the directory"},
           {"{ file: { path: x, start: yesterday } }", "bad 'start'", "2026-01-01T00:00:00Z"},
           {"{ web: { url: \"http://h\", timeout: 1h } }", "bad 'timeout'", ""}}) {
    CAPTURE(source);
    const std::string all = join(problems(with_source(source)), "\n");
    CAPTURE(all);
    CHECK(all.find(message) != std::string::npos);
    CHECK(all.find(hint) != std::string::npos);
    CHECK(all.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("a gate must fit its source") {
  struct Case {
    const char* source;
    const char* gate;
    const char* message;
  };
  const char* influx = "{ influxdb: { url: \"http://h\", database: d } }";
  const char* sentry = "{ sentry: { organization: a } }";
  for (const auto& [source, gate, message] : std::vector<Case>{
           {influx,
            "{ events: \"SELECT v FROM m WHERE a='$arm'\", exposure: \"SELECT v FROM m WHERE a='$arm' AND "
            "$time\" }",
            "'events' of gate 'g' does not say which time"},
           {influx, "{ query: SELECT v FROM m, success-condition: result > 0 }",
            "'query' of gate 'g' does not say which time"},
           {"{ prometheus: \"http://h\" }", "{ query: \"up and $time\", success-condition: result > 0 }",
            "holds $time, which InfluxDB alone has"},
           {sentry, "{ kind: compare, every: 1h }", "knows versions only"},
           {sentry, "{ kind: compare, arms: version, every: 1h, events: exploded }",
            "'events' of gate 'g' is not a count"},
           {"{ graphite: \"http://h\" }", "{ events: sumSeries(a), exposure: \"b.$arm\" }",
            "asks the same of both arms"},
           {"{ graphite: \"http://h\" }", "{ kind: compare }", "gate 'g' has no events"}}) {
    CAPTURE(gate);
    const std::string all =
        join(problems(with_source(source, "gates: { g: " + std::string(gate) + " }\n")), "\n");
    CAPTURE(all);
    CHECK(all.find(message) != std::string::npos);
  }
  CHECK(problems(with_source("{ web: \"http://h\" }",
                             "gates: { g: { kind: threshold, success-condition: result > 0 } }\n"))
            .empty());
  CHECK(problems(with_source("{ command: [x] }", "gates: { g: { kind: compare } }\n")).empty());
  CHECK(problems(with_source("{ file: x }", "gates: { g: { kind: compare } }\n")).empty());
}

TEST_CASE("check warns where a source cannot do what a gate asks") {
  const auto warned = [](std::string_view source, const std::string& gate) {
    auto parsed = parse(with_source(source, "gates: { g: " + gate + " }\n"));
    if (!parsed) FAIL(parsed.error().message);
    std::string out;
    for (const Error& warning : warnings(parsed->apps[0])) out += warning.message + "\n";
    return out;
  };
  CHECK(warned("{ web: \"http://h\" }", "{ kind: compare }")
            .find("gate 'g' compares arms over time, which source "
                  "'s' (web) cannot answer") != std::string::npos);
  CHECK(warned("{ sentry: { organization: a } }", "{ kind: compare, arms: version }")
            .find("is polled every 1m") != std::string::npos);
  CHECK(warned("{ sentry: { organization: a } }", "{ kind: compare, arms: version, every: 2h }")
            .find("cannot answer") == std::string::npos);
  CHECK(warned("{ command: [x] }", "{ kind: compare }").find("cannot answer") == std::string::npos);
}

TEST_CASE("a source lists the secrets it needs, and nothing else") {
  auto parsed =
      parse(with_source("{ prometheus: { url: \"http://h\", token: env:TRANCHE_T, headers: { X-A: plain, "
                        "X-B: env:TRANCHE_B } } }"));
  REQUIRE(parsed.has_value());
  const auto needed = secret_references(parsed->apps[0].sources[0]);
  REQUIRE(needed.size() == 2);
  CHECK(needed[0].key == "token");
  CHECK(needed[0].reference == "env:TRANCHE_T");
  CHECK(needed[1].key == "headers.X-B");
  CHECK(to_text(parsed->apps[0].sources[0].kind) == "prometheus");
}

TEST_CASE("Sentry's address and standard counts are filled in") {
  auto parsed = parse(with_source("{ sentry: { organization: acme } }"));
  REQUIRE(parsed.has_value());
  const App& app = parsed->apps[0];
  CHECK(app.sources[0].url == "https://sentry.io");
  REQUIRE(app.gate("crashes") != nullptr);
  CHECK(app.gate("crashes")->events == "crashed");
  CHECK(app.gate("crashes")->arms == Gate::Arms::version);
  auto graphite = parse(with_source("{ graphite: \"http://h\" }"));
  REQUIRE(graphite.has_value());
  CHECK(graphite->apps[0].gates.empty());
}
