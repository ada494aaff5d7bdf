// The judge by model with every door faked: what is sent, what is remembered, what a hostile log gets.
#include "metrics/model.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "base/text.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/hostile_logs.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::metrics;
using gate::Opinion;
using gate::Verdict;
using Protocol = spec::Model::Protocol;

namespace {

const Variables variables{"agent", "stable", "1.2.0+b7", "1.2.0+b7", "1.1.0", {}};
constexpr std::string_view calm = "12:00:01 INFO sync done\n12:00:02 INFO idle\n";

spec::Gate gate_of(Protocol protocol = Protocol::anthropic) {
  spec::Gate gate;
  gate.name = "logs";
  gate.kind = spec::Gate::Kind::model;
  gate.model.protocol = protocol;
  gate.model.url = "http://127.0.0.1:9/";
  gate.model.model = "m";
  gate.model.canary.file = gate.model.control.file = "logs/$arm.log";
  return gate;
}

ports::HttpResponse answered(Protocol protocol, std::string_view text) {
  const std::string quoted = doc::to_json(doc::Value(text));
  return {
      200,
      {},
      protocol == Protocol::anthropic
          ? fmt::format(R"({{"content":[{{"type":"text","text":{}}}],"stop_reason":"end_turn"}})", quoted)
          : fmt::format(R"({{"choices":[{{"message":{{"content":{}}},"finish_reason":"stop"}}]}})", quoted)};
}

struct Sent {
  std::string system, user, nonce;
};
Sent read_request(const ports::HttpRequest& request) {
  Sent sent;
  const auto body = doc::parse_json(request.body);
  REQUIRE(body.has_value());
  for (const doc::Value& message : body->find("messages")->as_array())
    (message.find("role")->as_string() == "system" ? sent.system : sent.user) =
        message.find("content")->as_string();
  if (const doc::Value* system = body->find("system")) sent.system = system->as_string();
  const auto at = sent.system.find("{\"nonce\":\"");
  REQUIRE(at != std::string::npos);
  sent.nonce = sent.system.substr(at + 10, gate::nonce_length);
  return sent;
}
std::string answer(const Sent& sent, std::string_view verdict, int confidence = 95) {
  return fmt::format(R"({{"nonce":"{}","verdict":"{}","confidence":{},"reasons":["because"]}})", sent.nonce,
                     verdict, confidence);
}

// Sees a fault in the canary's lines as a fair judge does.
std::string fair(const Sent& sent) {
  const std::string canary = sent.user.substr(0, sent.user.find("\nEND canary"));
  for (const std::string_view word : {"FATAL", "ERROR", "fault"})
    if (canary.find(word) != std::string::npos) return answer(sent, "worse");
  return answer(sent, "not-worse");
}

struct Bench {
  support::FakeWorld fake;
  spec::Gate gate = gate_of();
  gate::OpinionMemory memory;
  ModelSecrets secrets{Secret("the-api-key"), {}, {}};

  explicit Bench(Protocol protocol = Protocol::anthropic) : gate(gate_of(protocol)) {
    fake.files.bytes["/repo/logs/canary.log"] = calm;
    fake.files.bytes["/repo/logs/control.log"] = calm;
    answers([](const Sent& sent) { return fair(sent); });
  }
  void answers(std::function<std::string(const Sent&)> make) {
    fake.http.handler = [this,
                         make = std::move(make)](const ports::HttpRequest& r) -> Result<ports::HttpResponse> {
      return answered(gate.model.protocol, make(read_request(r)));
    };
  }
  Result<Opinion> ask() {
    ports::World world = fake.world();
    return ask_model(world, "/repo", gate, variables, secrets, memory);
  }
  Verdict verdict() {
    const auto opinion = ask();
    REQUIRE(opinion.has_value());
    return gate::judge(*opinion, opinion_config(gate)).verdict;
  }
  void canary(std::string log) { fake.files.bytes["/repo/logs/canary.log"] = std::move(log); }
};

}  // namespace

TEST_CASE("each API is asked in its own words, with the key as a secret and no redirects") {
  for (const Protocol protocol : {Protocol::anthropic, Protocol::openai}) {
    const bool anthropic = protocol == Protocol::anthropic;
    Bench bench(protocol);
    bench.gate.model.extra_prompt = "look at sync";
    CHECK(bench.verdict() == Verdict::pass);
    REQUIRE(bench.fake.http.requests.size() == 2);  // the question and its control question
    const ports::HttpRequest& request = bench.fake.http.requests[0];
    CHECK(request.url ==
          (anthropic ? "http://127.0.0.1:9/v1/messages" : "http://127.0.0.1:9/chat/completions"));
    CHECK(request.method == "POST");
    CHECK(request.max_redirects == 0);
    CHECK(request.max_response_bytes <= 256 << 10);
    CHECK(request.timeout <= bench.gate.model.timeout);
    REQUIRE(request.secret_headers.size() == 1);
    CHECK(request.secret_headers[0].first == (anthropic ? "x-api-key" : "authorization"));
    CHECK(request.secret_headers[0].second.expose() == (anthropic ? "the-api-key" : "Bearer the-api-key"));
    CHECK(request.body.find("the-api-key") == std::string::npos);
    const auto body = doc::parse_json(request.body);
    CHECK(body->find("temperature")->as_int() == 0);
    CHECK(body->find("max_tokens")->as_int() == 4096);
    CHECK((body->find("response_format") != nullptr) == !anthropic);
    const Sent sent = read_request(request), control = read_request(bench.fake.http.requests[1]);
    CHECK(sent.system.find("look at sync") != std::string::npos);
    CHECK(sent.nonce != control.nonce);
  }
}

TEST_CASE("urls are completed to the endpoint, wherever they end") {
  const auto url = [](Protocol protocol, std::string given) {
    Bench bench(protocol);
    bench.gate.model.url = std::move(given);
    (void)bench.ask();
    return bench.fake.http.requests.at(0).url;
  };
  CHECK(url(Protocol::anthropic, "") == "https://api.anthropic.com/v1/messages");
  CHECK(url(Protocol::anthropic, "http://h/v1") == "http://h/v1/messages");
  CHECK(url(Protocol::anthropic, "http://h/v1/messages") == "http://h/v1/messages");
  CHECK(url(Protocol::openai, "") == "https://api.openai.com/v1/chat/completions");
  CHECK(url(Protocol::openai, "http://h/v1/") == "http://h/v1/chat/completions");
  CHECK(url(Protocol::openai, "http://h/v1/chat/completions") == "http://h/v1/chat/completions");
}

TEST_CASE("limits and outages are tried again while there is time, and only then") {
  struct Case {
    std::vector<int> statuses;  // the last one stays
    std::size_t requests;
    Verdict verdict;
    std::string_view retry_after;
  };
  const std::vector<Case> table{
      {{429, 200}, 3, Verdict::pass, ""},    {{500, 502, 503, 529, 200}, 6, Verdict::pass, ""},
      {{429, 200}, 3, Verdict::pass, "30"},  {{429}, 1, Verdict::inconclusive, "600"},
      {{401}, 1, Verdict::inconclusive, ""}, {{404}, 1, Verdict::inconclusive, ""},
      {{302}, 1, Verdict::inconclusive, ""}, {{0, 200}, 3, Verdict::pass, ""},
      {{0}, 3, Verdict::inconclusive, ""},   {{400}, 1, Verdict::inconclusive, ""},
  };
  for (const Case& each : table) {
    Bench bench;
    std::size_t calls = 0;
    bench.fake.http.handler = [&](const ports::HttpRequest& r) -> Result<ports::HttpResponse> {
      const int status = each.statuses[std::min(calls++, each.statuses.size() - 1)];
      if (status == 0) return fail(ErrorKind::failed, "connection refused");
      if (status == 200) return answered(Protocol::anthropic, fair(read_request(r)));
      ports::HttpResponse response{status, {}, R"({"error":{"type":"some_error","message":"<log text>"}})"};
      if (!each.retry_after.empty()) response.headers.emplace_back("retry-after", each.retry_after);
      return response;
    };
    CAPTURE(each.statuses.front());
    CAPTURE(each.retry_after);
    CHECK(bench.verdict() == each.verdict);
    CHECK(calls == each.requests);
    CHECK(bench.memory.last.problem.find("log text") == std::string::npos);
  }
}

TEST_CASE("a server that does not stop failing is given up within the timeout") {
  Bench bench;
  const Instant start = bench.fake.clock.now();
  bench.fake.http.handler = [](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    return ports::HttpResponse{503, {}, ""};
  };
  CHECK(bench.verdict() == Verdict::inconclusive);
  CHECK(bench.fake.clock.now() - start <= bench.gate.model.timeout);
  CHECK(bench.memory.last.problem == "the model gave no answer: HTTP 503");
}

TEST_CASE("what a server refuses is left out or renamed, once each") {
  Bench bench(Protocol::openai);
  bench.fake.http.handler = [](const ports::HttpRequest& r) -> Result<ports::HttpResponse> {
    const auto body = doc::parse_json(r.body);
    const auto refuse = [](std::string_view words) {
      return ports::HttpResponse{400, {}, fmt::format(R"({{"error":{{"message":"{}"}}}})", words)};
    };
    if (body->find("temperature")) return refuse("'temperature' does not support 0 with this model");
    if (body->find("max_tokens"))
      return refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.");
    if (body->find("response_format")) return refuse("response_format is not supported");
    return answered(Protocol::openai, fair(read_request(r)));
  };
  CHECK(bench.verdict() == Verdict::pass);
}

TEST_CASE("an interrupted wait is no opinion") {
  Bench bench;
  bench.fake.http.handler = [](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    return ports::HttpResponse{503, {}, ""};
  };
  bench.fake.clock.on_sleep = [&](Instant) { bench.fake.clock.interrupt(); };
  const auto opinion = bench.ask();
  REQUIRE_FALSE(opinion.has_value());
  CHECK(opinion.error().kind == ErrorKind::interrupted);
  CHECK(bench.memory == gate::OpinionMemory{});
}

TEST_CASE("answers of other shapes count as none") {
  const std::vector<std::pair<Protocol, std::string>> table{
      {Protocol::anthropic, ""},
      {Protocol::anthropic, "[]"},
      {Protocol::anthropic, "{}"},
      {Protocol::anthropic, R"({"content":"text"})"},
      {Protocol::anthropic, R"({"content":[{"type":"text"}]})"},
      {Protocol::anthropic, R"({"content":[{"type":"image","text":"x"}]})"},
      {Protocol::anthropic, R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})"},
      {Protocol::anthropic, R"({"content":[{"type":"text","text":"a"}],"stop_reason":"refusal"})"},
      {Protocol::anthropic, R"({"content":[{"type":"text","text":"a"},{"type":"tool_use"}]})"},
      {Protocol::openai, "{}"},
      {Protocol::openai, R"({"choices":[]})"},
      {Protocol::openai, R"({"choices":[{}]})"},
      {Protocol::openai, R"({"choices":[{"message":{"content":null}}]})"},
      {Protocol::openai, R"({"choices":[{"message":{"content":"a","refusal":"no"}}]})"},
      {Protocol::openai, R"({"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]})"},
      {Protocol::openai, R"({"choices":[{"message":{"content":"a","tool_calls":[{}]}}]})"},
      {Protocol::openai, R"({"choices":[{"message":{"content":"a"},"finish_reason":"length"}]})"},
  };
  for (const auto& [protocol, body] : table) {
    CAPTURE(body);
    Bench bench(protocol);
    bench.fake.http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
      return ports::HttpResponse{200, {}, body};
    };
    CHECK(bench.verdict() == Verdict::inconclusive);
    CHECK(bench.memory.without == 1);
    CHECK_FALSE(bench.memory.last.problem.empty());
  }
}

TEST_CASE("a model is asked at most once in ask-every, and never twice about the same lines") {
  Bench bench;
  CHECK(bench.verdict() == Verdict::pass);
  CHECK(bench.fake.http.requests.size() == 2);
  bench.canary("12:05:00 FATAL crash\n");
  bench.fake.clock.advance(std::chrono::minutes(4));
  CHECK(bench.verdict() == Verdict::pass);
  CHECK(bench.fake.http.requests.size() == 2);
  bench.fake.clock.advance(std::chrono::minutes(1));
  CHECK(bench.verdict() == Verdict::suspect);
  CHECK(bench.fake.http.requests.size() == 3);
  bench.fake.clock.advance(std::chrono::minutes(5));
  CHECK(bench.verdict() == Verdict::suspect);
  CHECK(bench.fake.http.requests.size() == 3);
  CHECK(bench.memory.asked == 2);
  CHECK(bench.memory.unchanged == 1);
  CHECK(*gate::opinion_memory_from_value(gate::to_value(bench.memory)) == bench.memory);
}

TEST_CASE("after no answer the same lines are asked about again") {
  Bench bench;
  bench.answers([](const Sent&) { return std::string("not today"); });
  CHECK(bench.verdict() == Verdict::inconclusive);
  bench.answers([](const Sent& sent) { return fair(sent); });
  CHECK(bench.verdict() == Verdict::inconclusive);
  bench.fake.clock.advance(std::chrono::minutes(5));
  CHECK(bench.verdict() == Verdict::pass);
}

TEST_CASE("a control question that nobody answered is asked again") {
  Bench bench;
  int calls = 0;
  bench.answers([&](const Sent& sent) { return ++calls == 2 ? std::string() : fair(sent); });
  CHECK(bench.verdict() == Verdict::inconclusive);
  bench.fake.clock.advance(std::chrono::minutes(5));
  CHECK(bench.verdict() == Verdict::pass);
  CHECK(calls == 4);
}

TEST_CASE("a canary's log that stands still for an hour is no data") {
  Bench bench;
  CHECK(bench.verdict() == Verdict::pass);
  for (int minute = 5; minute < 60; minute += 5) {
    bench.fake.clock.advance(std::chrono::minutes(5));
    bench.fake.files.bytes["/repo/logs/control.log"] +=
        fmt::format("12:{:02}:01 INFO on {}\n", minute, minute);
    CHECK(bench.verdict() == Verdict::pass);
  }
  bench.fake.clock.advance(std::chrono::minutes(5));
  CHECK(bench.verdict() == Verdict::no_data);
  bench.fake.clock.advance(std::chrono::minutes(1));
  CHECK(bench.verdict() == Verdict::no_data);
  bench.canary("13:00:00 INFO back\n");
  bench.fake.clock.advance(std::chrono::minutes(5));
  CHECK(bench.verdict() == Verdict::pass);
}

TEST_CASE("an arm without a log is no data, and the model is not asked") {
  for (const std::string_view arm : {"canary", "control"})
    for (const bool absent : {true, false}) {
      Bench bench;
      const std::string path = fmt::format("/repo/logs/{}.log", arm);
      if (absent)
        bench.fake.files.bytes.erase(path);
      else
        bench.fake.files.bytes[path] = " \n\x1b[0m\n";
      CHECK(bench.verdict() == Verdict::no_data);
      CHECK(bench.fake.http.requests.empty());
      CHECK_FALSE(bench.memory.last.problem.empty());
    }
}

TEST_CASE("commands print logs, with the version of their arm in argv and no shell") {
  Bench bench;
  bench.gate.model.canary =
      bench.gate.model.control = {"", {"logs-of", "--version=$version", "--arm", "$arm"}, "", "", {}};
  bench.fake.process.handler = [](const ports::ProcessRequest& r) -> Result<ports::ProcessResult> {
    CHECK(r.directory == "/repo");
    CHECK(r.timeout <= std::chrono::minutes(1));
    return ports::ProcessResult{0, r.argv[3] == "canary" ? "12:00:01 ERROR bad\n" : std::string(calm), "",
                                false};
  };
  CHECK(bench.verdict() == Verdict::suspect);
  REQUIRE(bench.fake.process.requests.size() == 2);
  CHECK(bench.fake.process.requests[0].argv ==
        std::vector<std::string>{"logs-of", "--version=1.2.0+b7", "--arm", "canary"});
  CHECK(bench.fake.process.requests[1].argv[1] == "--version=1.1.0");
  for (const ports::ProcessResult& bad : {ports::ProcessResult{1, "secret text", "secret text", false},
                                          ports::ProcessResult{0, "x\n", "", true}}) {
    Bench other;
    other.gate = bench.gate;
    other.fake.process.handler = [&](const ports::ProcessRequest&) -> Result<ports::ProcessResult> {
      return bad;
    };
    CHECK(other.verdict() == Verdict::no_data);
    CHECK(other.memory.last.problem.find("secret text") == std::string::npos);
  }
}

TEST_CASE("log systems answer with text, one object a line, or Loki's streams merged by time") {
  struct Case {
    std::string body, expected;
  };
  const std::vector<Case> table{
      {"a\nb\n", "c| a\nc| b\n"},
      {"{\"_msg\":\"a\"}\n{\"_msg\":\"b\"}\n", "c| {\"_msg\":\"a\"}\nc| {\"_msg\":\"b\"}\n"},
      {R"({"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["30","late"],["10","early"]]},{"values":[["20","middle"]]}]}})",
       "c| early\nc| middle\nc| late\n"},
      {R"(["x",{"m":"y"}])", "c| x\nc| {\"m\":\"y\"}\n"},
  };
  for (const Case& each : table) {
    Bench bench;
    bench.gate.model.canary = {"", {}, "http://loki/q?query={v=\"$version\"}&app=$app", "env:TRANCHE_T", {}};
    bench.secrets.canary_token = Secret("log-token");
    std::string user;
    bench.fake.http.handler = [&](const ports::HttpRequest& r) -> Result<ports::HttpResponse> {
      if (r.method == "GET") {
        CHECK(r.url == "http://loki/q?query={v=\"1.2.0%2Bb7\"}&app=agent");
        CHECK(r.secret_headers.at(0).second.expose() == "Bearer log-token");
        CHECK(r.max_redirects == 0);
        return ports::HttpResponse{200, {}, each.body};
      }
      const Sent sent = read_request(r);
      if (user.empty()) user = sent.user;
      return answered(Protocol::anthropic, fair(sent));
    };
    CHECK(bench.verdict() == Verdict::pass);
    CHECK(user.find(each.expected) != std::string::npos);
  }
  Bench bench;
  bench.gate.model.canary = {"", {}, "http://loki/$version", "", {}};
  bench.fake.http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    return ports::HttpResponse{403, {}, "log text"};
  };
  CHECK(bench.verdict() == Verdict::no_data);
}

TEST_CASE("a path that leaves the repository is an error, through a variable too") {
  Bench bench;
  bench.gate.model.canary.file = "logs/$version/x.log";
  ports::World world = bench.fake.world();
  Variables escaping = variables;
  escaping.release = "..";
  auto asked = ask_model(world, "/repo", bench.gate, escaping, bench.secrets, bench.memory);
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().kind == ErrorKind::invalid);
  escaping.release = "a/b";
  CHECK_FALSE(ask_model(world, "/repo", bench.gate, escaping, bench.secrets, bench.memory).has_value());
  CHECK(ask_model(world, "", bench.gate, variables, bench.secrets, bench.memory)->no_data);
}

TEST_CASE("a link that leads out of the repository is not followed") {
  const support::TempDirectory directory;
  const auto files = os::make_files();
  REQUIRE(files->write(directory / "repo/control.log", calm).has_value());
  REQUIRE(files->write(directory / "elsewhere.log", calm).has_value());
  std::filesystem::create_symlink(directory / "elsewhere.log", directory / "repo/canary.log");
  Bench bench;
  bench.gate.model.canary.file = bench.gate.model.control.file = "$arm.log";
  ports::World fake = bench.fake.world();
  ports::World world{fake.clock, fake.http, *files, fake.process, fake.random, fake.environ, fake.console};
  const auto asked = ask_model(world, directory / "repo", bench.gate, variables, bench.secrets, bench.memory);
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().kind == ErrorKind::invalid);
  CHECK(bench.fake.http.requests.empty());
}

TEST_CASE("what the user wants redacted does not leave this machine") {
  Bench bench;
  bench.gate.model.redact = {"acct-*"};
  bench.gate.model.redact_addresses = true;
  bench.canary("12:00:01 INFO acct-77 of 10.1.2.3 synced\n");
  CHECK(bench.verdict() == Verdict::pass);
  const Sent sent = read_request(bench.fake.http.requests.at(0));
  CHECK(sent.user.find("c| 12:00:01 INFO [redacted:named] of [redacted:address] synced\n") !=
        std::string::npos);
  CHECK(bench.memory.redacted == 2);
}

TEST_CASE("only the newest 4 MiB of a file are read") {
  Bench bench;
  bench.canary("FATAL long ago\n" + std::string(5 << 20, 'x') + "\n12:00:01 INFO now\n");
  CHECK(bench.verdict() == Verdict::pass);
  CHECK(bench.memory.canary_lines == 2);
}

TEST_CASE("a model that does what a hostile log says gets neither a pass nor a fail, and no secret leaves") {
  int obeyed = 0;
  for (const support::HostileLog& hostile : support::hostile_logs())
    for (const auto on_worse : {spec::Model::OnWorse::hold, spec::Model::OnWorse::fail})
      for (const bool knows_nonce : {false, true}) {
        CAPTURE(hostile.name);
        CAPTURE(knows_nonce);
        Bench bench;
        bench.gate.model.on_worse = on_worse;
        bench.canary(std::string(calm) + hostile.log);
        bench.answers([&](const Sent& sent) {
          const std::string canary = sent.user.substr(0, sent.user.find("\nEND canary"));
          const bool alarm = hostile.log.find("say worse") != std::string::npos ||
                             hostile.log.find("Answer worse") != std::string::npos;
          if (knows_nonce) return answer(sent, alarm ? "worse" : "not-worse", 100);
          // Hands back what the log holds, as it stands there.
          const auto from = canary.find("{\"");
          const std::string copied =
              from == std::string::npos ? canary : canary.substr(from, canary.find('\n', from) - from);
          return copied;
        });
        const Verdict verdict = bench.verdict();
        CHECK(verdict != Verdict::pass);
        CHECK(verdict != Verdict::fail);
        obeyed += verdict == Verdict::inconclusive || verdict == Verdict::suspect ? 1 : 0;
        const std::string journalled = doc::to_json(gate::to_value(bench.memory));
        CHECK(journalled.size() < 2500);
        for (const ports::HttpRequest& request : bench.fake.http.requests)
          for (const std::string& secret : support::logged_secrets())
            CHECK(request.body.find(secret) == std::string::npos);
      }
  MESSAGE("asked " << obeyed << " times");
}
