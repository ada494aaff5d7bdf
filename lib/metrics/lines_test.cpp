// Counts and values from a file, a program, a web page.
#include <cmath>
#include <filesystem>

#include "base/text.hpp"
#include "metrics/source_testing.hpp"
#include "os/world.hpp"
#include "support/loopback_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::metrics;

namespace {

Variables built() { return {"agent", "stable", "1.2.0", "1.2.0+b1", "1.1.0", minute}; }

struct FileWorld : support::FakeWorld {
  spec::Source source;
  FileWorld() {
    source.name = "recorded";
    source.kind = spec::Source::Kind::file;
    source.path = "counts.ndjson";
    source.start = start;
  }
  void write(const std::string& text) { files.bytes["/repo/counts.ndjson"] = text; }
  std::unique_ptr<Source> made(const Secrets& secrets = {}) {
    return must(make_source(world(), source, secrets, "/repo"));
  }
  Result<std::vector<WindowCounts>> compare(int windows, const spec::Gate& gate = {}) {
    return made()->compare(gate, built(), start, start + windows * minute);
  }
};

std::string line(int t, const std::string& stratum, int events) {
  return fmt::format(
             R"({{"series":"a","t":{},"stratum":"{}","canary":{{"events":{},"exposure":100}},"control":{{"events":1,"exposure":900}}}})",
             t, stratum, events) +
         "\n";
}

}  // namespace

TEST_CASE("lines of a file become windows, by stratum, and what comes twice counts once") {
  FileWorld w;
  w.write(line(30, "50000", 1) + line(60, "50000", 2) + line(61, "50000", 4) + line(120, "200000", 8) + "\n" +
          line(60, "50000", 3) + line(60, "1000000", 99) + line(400, "50000", 99));
  const auto source = w.made();
  const auto got = source->compare({}, built(), start, start + 3 * minute);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 3);
  CHECK(got->at(0).counts.at("50000").canary.events ==
        3);  // 1 and 2: what came again is left, as in a replay
  CHECK(got->at(0).counts.at("50000").canary.exposure == 200);
  CHECK(got->at(0).counts.size() == 1);
  CHECK(got->at(1).counts.at("50000").canary.events == 4);
  CHECK(got->at(1).counts.at("200000").canary.events == 8);
  CHECK_FALSE(got->at(2).has_data);
  CHECK_FALSE(got->at(2).gap.empty());
  REQUIRE(source->notes().size() == 1);
  CHECK(holds(source->notes()[0], "1 counts came twice"));
}

TEST_CASE("histograms, samples and assignments of a file are read") {
  FileWorld w;
  w.write(
      R"({"t":60,"bounds":[0.1,0.5,"+Inf"],"canary":{"buckets":[5,4,1]},"control":{"buckets":[50,40,10]},"assigned":{"canary":10,"control":90}})");
  spec::Gate gate;
  gate.statistic = spec::Gate::Statistic::quantile;
  const auto got = w.compare(1, gate);
  REQUIRE(got.has_value());
  const gate::StratumCounts& counts = got->at(0).counts.at("all");
  CHECK(counts.canary.buckets == std::vector<double>{5, 4, 1});
  CHECK(counts.control.exposure == 100);
  CHECK(std::isinf(counts.bounds.back()));
  CHECK(got->at(0).assigned.at("all").control.exposure == 90);
  w.write(R"({"t":60,"canary":{"values":[1,2.5]},"control":{"values":[2]}})");
  CHECK(w.compare(1, gate)->at(0).counts.at("all").canary.values == std::vector<double>{1, 2.5});
  w.write(line(60, "all", 1));
  CHECK_FALSE(w.compare(1, gate).has_value());
}

TEST_CASE("a line that cannot be counted is an error with its number") {
  FileWorld w;
  for (const char* bad :
       {"{", "[]", "{}", R"({"t":"60","value":1})", R"({"t":60})", R"({"t":60,"value":"x"})",
        R"({"t":60,"canary":{"events":1}})", R"({"t":60,"canary":{"events":-1},"control":{}})",
        R"({"t":60,"canary":{"events":1e13},"control":{}})", R"({"t":60,"canary":[],"control":{}})",
        R"({"t":60,"bounds":[1,0.5,"+Inf"],"canary":{},"control":{}})",
        R"({"t":60,"bounds":[1],"canary":{},"control":{}})",
        R"({"t":60,"bounds":[1,"+Inf"],"canary":{"buckets":[1]},"control":{}})",
        R"({"t":60,"canary":{"values":["x"]},"control":{}})", R"({"t":1e300,"value":1})"}) {
    CAPTURE(bad);
    w.write(line(60, "all", 1) + bad);
    const auto got = w.compare(1);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().kind == ErrorKind::invalid);
    CHECK(holds(got.error().message, "line 2"));
    CHECK(holds(got.error().message, "counts.ndjson"));
    CHECK_FALSE(got.error().hint.empty());
  }
  w.files.bytes.clear();
  const auto absent = w.compare(1);
  REQUIRE_FALSE(absent.has_value());
  CHECK(holds(absent.error().message, "is not there"));
}

TEST_CASE("one series of several is named, and the newest value of the interval measures") {
  FileWorld w;
  w.write(line(60, "all", 1) + R"({"series":"b","t":60,"value":1})" + "\n" +
          R"({"series":"b","t":110,"value":3})" + "\n" + R"({"series":"b","t":100,"value":2})");
  const auto both = w.compare(1);
  REQUIRE_FALSE(both.has_value());
  CHECK(holds(both.error().message, "several series, 'a' and 'b'"));
  w.source.series = "a";
  CHECK(w.compare(1)->at(0).has_data);
  spec::Gate gate;
  gate.query = "b";
  CHECK(w.made()->measure(gate, built(), start + 2 * minute)->values == std::vector<double>{3});
  CHECK(w.made()->measure(gate, built(), start + minute)->values == std::vector<double>{1});
  CHECK_FALSE(w.made()->measure(gate, built(), start + 5 * minute)->has_data);
  CHECK_FALSE(w.made()
                  ->series("x", built(), Arm::canary, start, start + minute, minute)
                  .has_value());  // no history of arms
}

TEST_CASE("a file that is a link out of the repository is refused") {
  const support::TempDirectory directory;
  const auto files = os::make_files();
  REQUIRE(files->write(directory / "outside", "{}").has_value());
  REQUIRE(files->make_directories(directory / "repo").has_value());
  std::filesystem::create_symlink(directory / "outside", directory / "repo/counts.ndjson");
  FileWorld w;
  const auto world = w.world();
  const auto source = must(make_source(
      {world.clock, world.http, *files, world.process, world.random, world.environ, world.console}, w.source,
      {}, directory / "repo"));
  const auto got = source->compare({}, built(), start, start + minute);
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().kind == ErrorKind::denied);
}

TEST_CASE("a program is run without a shell, with the time it is asked for and its secrets") {
  FileWorld w;
  w.source.kind = spec::Source::Kind::command;
  w.source.argv = {"./metrics", "--release=$version", "a b; rm -rf /"};
  w.source.env = {{"API_TOKEN", "env:TRANCHE_T"}, {"REGION", "eu"}};
  const Secrets secrets{{"env:TRANCHE_T", Secret("t0ken-value")}};
  ports::ProcessResult answer;
  w.process.handler = [&](const ports::ProcessRequest&) -> Result<ports::ProcessResult> { return answer; };
  spec::Gate gate;
  gate.name = "latency";
  answer.out = "0.25\n";
  const auto measured = w.made(secrets)->measure(gate, built(), start + minute);
  REQUIRE(measured.has_value());
  CHECK(measured->scalar);
  CHECK(measured->values == std::vector<double>{0.25});
  const ports::ProcessRequest& asked = w.process.requests.at(0);
  CHECK(asked.argv == std::vector<std::string>{"./metrics", "--release=1.2.0+b1", "a b; rm -rf /"});
  CHECK(asked.directory == "/repo");
  CHECK(asked.environment.at("TRANCHE_FROM") == "2026-01-01T00:00:00Z");
  CHECK(asked.environment.at("TRANCHE_UNTIL") == "2026-01-01T00:01:00Z");
  CHECK(asked.environment.at("TRANCHE_GATE") == "latency");
  CHECK(asked.environment.at("API_TOKEN") == "t0ken-value");
  CHECK(asked.environment.at("REGION") == "eu");

  answer.out = R"({"data":{"p99":[1,2]},"ok":true})";
  gate.query = "{$.data.p99}";
  CHECK(w.made(secrets)->measure(gate, built(), start)->values == std::vector<double>{1, 2});
  gate.query = "{$.ok}";
  const auto truth = w.made(secrets)->measure(gate, built(), start);
  REQUIRE(truth->answer.has_value());
  CHECK(truth->answer->as_bool());
  gate.query = "{$.nothing}";
  CHECK_FALSE(w.made(secrets)->measure(gate, built(), start)->has_data);

  const std::string counts = fmt::format(
      R"({{"t":{},"canary":{{"events":3,"exposure":100}},"control":{{"events":1,"exposure":900}}}})",
      1'767'225'660);
  for (const std::string& form : {counts, "[" + counts + "]", counts + "\n" + counts + "\n"}) {
    CAPTURE(form);
    answer.out = form;
    const auto got = w.made(secrets)->compare({}, built(), start, start + 2 * minute);
    REQUIRE(got.has_value());
    CHECK(got->at(0).counts.at("all").canary.events == 3);
    CHECK_FALSE(got->at(1).has_data);
  }

  answer = {3, "0.25", "no access with t0ken-value\n", false};
  const auto failed = w.made(secrets)->measure(gate, built(), start);
  REQUIRE_FALSE(failed.has_value());
  CHECK(holds(failed.error().message, "exit code 3: no access with ***"));
  answer = {0, "not json", "", false};
  CHECK_FALSE(w.made(secrets)->measure(gate, built(), start).has_value());
  CHECK_FALSE(w.made(secrets)->compare({}, built(), start, start + minute).has_value());
  answer = {0, "1", "", true};
  CHECK_FALSE(w.made(secrets)->measure(gate, built(), start).has_value());
  w.process.handler = nullptr;
  CHECK(holds(w.made(secrets)->measure(gate, built(), start).error().message, "did not answer"));
  CHECK_FALSE(make_source(w.world(), w.source, {}, "/repo").has_value());
}

TEST_CASE("a real program answers, and one that hangs is ended") {
  os::RealWorld real;
  spec::Source source;
  source.name = "script";
  source.kind = spec::Source::Kind::command;
  source.argv = {"sh", "-c", "printenv TRANCHE_UNTIL | wc -c"};
  const support::TempDirectory directory;
  const auto got = must(make_source(real.world(), source, {}, directory.path()))->measure({}, built(), start);
  REQUIRE(got.has_value());
  CHECK(got->values == std::vector<double>{21});
  source.argv = {"sleep", "60"};
  source.timeout = std::chrono::milliseconds(50);
  const auto hung =
      must(make_source(real.world(), source, {}, directory.path()))->measure({}, built(), start);
  REQUIRE_FALSE(hung.has_value());
  CHECK(holds(hung.error().message, "script"));
}

TEST_CASE("a web endpoint is asked as written, and its JSON measures") {
  support::LoopbackServer server([](const std::string& request) {
    if (request.starts_with("GET /text")) return support::LoopbackServer::answer(200, "ready\n");
    if (request.starts_with("GET /gone")) return support::LoopbackServer::answer(404, "{}");
    return support::LoopbackServer::answer(201, R"({"data":{"items":[{"v":1.5},{"v":2}],"up":true}})");
  });
  os::RealWorld real;
  spec::Source source;
  source.name = "status";
  source.kind = spec::Source::Kind::web;
  source.method = "POST";
  source.url = server.url("/x?release=$version");
  source.body = R"({"app":"$app"})";
  source.json_path = "{$.data.items[-1].v}";
  spec::Gate gate;
  gate.name = "web";
  const auto ask = [&] { return must(make_source(real.world(), source, {}))->measure(gate, built(), start); };
  const auto got = ask();
  REQUIRE(got.has_value());
  CHECK(got->values == std::vector<double>{2});
  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("POST /x?release=1.2.0%2Bb1 HTTP/1.1"));
  CHECK(request.ends_with(R"({"app":"agent"})"));
  CHECK(holds(lower(request), "content-type: application/json"));
  gate.query = "{$.data.up}";
  CHECK(ask()->answer->as_bool());
  gate.query = "{$.data}";
  CHECK(ask()->answer->is_object());
  gate.query = "{$.data.nobody}";
  CHECK_FALSE(ask()->has_data);
  gate.query = "{$.data";
  CHECK(ask().error().kind == ErrorKind::invalid);
  source.method = "GET";
  source.body.clear();
  source.url = server.url("/text");
  CHECK_FALSE(ask().has_value());
  gate.query.clear();
  source.json_path.clear();
  CHECK(ask()->answer->as_string() == "ready");
  source.url = server.url("/gone");
  CHECK_FALSE(ask().has_value());
  const auto compared =
      must(make_source(real.world(), source, {}))->compare(gate, built(), start, start + minute);
  REQUIRE_FALSE(compared.has_value());
  CHECK(compared.error().kind == ErrorKind::invalid);
}
