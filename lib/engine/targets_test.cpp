// Services beside endpoints: rollouts whose target is moved by the user's own programs, and by a loopback
// cluster.
#include <algorithm>
#include <iostream>
#include <set>

#include "engine/engine_fixture.hpp"
#include "os/world.hpp"
#include "support/kube_server.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using rollout::Phase;

namespace {

// ASK: [, ask: ...]; STEPS: of the playbook of `api`.
constexpr const char* service_yaml = R"(
version: 1
app: notes
artifacts: ["dist/notes_{version}_amd64.deb"]
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: env:TRANCHE_RELEASE_KEY, feed: env:TRANCHE_FEED_KEY, journal: env:TRANCHE_JOURNAL_KEY }
state: dir:state
channels: { stable: { store: "dir:public", expires: 24h } }
sources: { probe: { file: { path: probe.ndjson, start: "2026-01-01T00:00:00Z" } } }
gates:
  errors: { source: probe, success-condition: "result < 5", interval: 1s, count: 1, failure-limit: 0 }
rollouts:
  api:
    target: { command: { expose: [deploy, "{version}", "{percent}"], undo: [deploy, "{baseline}", back]ASK, timeout: 60s } }
    stages:
      - { percent: 5, bake: 1s..12s, gates: [errors] }
      - { percent: 100, bake: 1s, gates: [] }
    on-failure: back
  worker:
    target: { flag: { name: share } }
    stages: [{ percent: 50, bake: 1s, gates: [] }, { percent: 100, bake: 1s, gates: [] }]
  desktop:
    channel: stable
    stages: [{ percent: 50, bake: 1s, gates: [] }, { percent: 100, bake: 1s, gates: [] }]
    after: { rollout: api, stage: "100%" }
    on-failure: both
playbooks:
  back: { steps: [STEPS] }
  both:
    steps:
      - { uses: channel.withdraw }
      - { uses: channel.fallback }
      - { uses: rollout.stop, with: { rollout: api } }
flags: { share: { type: number, default: 0 } }
)";

constexpr const char* asked = ", ask: [was-it-done]";

// What the gate reads, a value a second for an hour.
std::string probed(int value) {
  std::string out;
  for (int second = 0; second < 3600; ++second)
    out += fmt::format("{{\"t\":{},\"value\":{}}}\n", second, value);
  return out;
}

struct ServiceWorld : AppWorld {
  explicit ServiceWorld(const std::string& ask = asked, const std::string& steps = "{ uses: target.undo }")
      : AppWorld(replace_all(replace_all(service_yaml, "ASK", ask), "STEPS", steps)) {
    probe(1);
    fake.process.handler = [this](const ports::ProcessRequest& request) { return run(request); };
  }
  Result<ports::ProcessResult> run(const ports::ProcessRequest& request) {
    const std::string key = request.environment.at("TRANCHE_KEY");
    if (request.argv[0] == "was-it-done") return ports::ProcessResult{done.contains(key) ? 0 : 1, {}, {}};
    if (fails) return ports::ProcessResult{3, {}, "no route to host"};
    done.insert(key);
    calls.push_back(join({request.argv.begin() + 1, request.argv.end()}, " "));
    if (dies) return fail(ErrorKind::interrupted, "killed");
    return ports::ProcessResult{0, {}, {}};
  }
  void probe(int value) { fake.files.bytes["/repo/probe.ndjson"] = probed(value); }
  Result<Report> supersede(const std::string& version) {
    auto deck = TRY(try_open());
    return engine_on(*deck).start({"api", version, true, "a fix", true});
  }
  // What is run by itself until it is over.
  Report finish(const std::string& rollout) {
    Report report = status(rollout);
    for (int i = 0; i < 60 && !rollout::is_final(report.state.phase); ++i) {
      fake.clock.advance(1s);
      report = must(advance(rollout));
    }
    INFO(report.state.because);
    REQUIRE(rollout::is_final(report.state.phase));
    return report;
  }
  std::vector<std::string> kinds() {
    auto deck = open();
    std::vector<std::string> out;
    for (const journal::Entry& entry : must(deck->journal().read(0, deck->journal().size())))
      out.push_back(entry.kind);
    return out;
  }

  std::vector<std::string> calls;
  std::set<std::string> done;  // keys
  bool fails = false, dies = false;
};

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE("a service is taken through its stages by its target, and its release is the next one's baseline") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  must(w.start("1.0.0", "api"));
  CHECK(w.calls == Calls{"1.0.0 5"});
  CHECK(w.finish("api").state.phase == Phase::done);
  CHECK(w.calls == Calls{"1.0.0 5", "1.0.0 100"});
  const std::vector<std::string> kinds = w.kinds();
  const auto begins = std::ranges::find(kinds, "rollout.effect-begins");
  REQUIRE(begins != kinds.end());
  CHECK(*(begins + 1) == "rollout.exposed");
  w.build_and_create("1.1.0");
  CHECK(must(w.start("1.1.0", "api")).plan.baseline == "1.0.0");
  w.finish("api");
  SUBCASE("what is done is undone") {
    CHECK(must(w.apply(rollout::Stop{"found later"}, "api")).state.phase == Phase::rolled_back);
    CHECK(w.calls.back() == "1.0.0 back");
    w.build_and_create("1.2.0");
    CHECK(must(w.start("1.2.0", "api")).plan.baseline == "1.0.0");
    CHECK(w.start("1.1.0", "api").error().kind == ErrorKind::conflict);
    w.finish("api");
    CHECK(w.start("1.1.0", "api").error().message == "release 1.1.0 was withdrawn from service 'api'");
  }
}

TEST_CASE("a first release that its target could not take back has to be accepted") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  auto deck = w.open();
  CHECK(w.engine_on(*deck).plan({"api", "1.0.0", false, ""}).error().hint.find("--accept-no-way-back") !=
        std::string::npos);
  // A flag goes back to 0, whatever was before.
  CHECK(must(w.engine_on(*deck).plan({"worker", "1.0.0", false, ""})).warnings.empty());
}

TEST_CASE("a target that fails is tried again later and later, and a stop takes back what may be out") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  w.fails = true;
  CHECK(w.start("1.0.0", "api").error().message.find("no route to host") != std::string::npos);
  CHECK(w.status("api").state.trouble->attempts == 1);
  w.fake.clock.advance(1s);
  CHECK_FALSE(w.advance("api").has_value());
  CHECK(w.status("api").state.trouble->attempts == 2);
  CHECK(must(w.advance("api")).state.trouble->attempts == 2);  // not yet
  SUBCASE("until it works") {
    w.fails = false;
    w.fake.clock.advance(10s);
    CHECK_FALSE(must(w.advance("api")).state.trouble.has_value());
    CHECK(w.calls == Calls{"1.0.0 5"});
  }
  SUBCASE("or is stopped") {
    w.fails = false;
    CHECK(must(w.apply(rollout::Stop{"no"}, "api")).state.phase == Phase::rolled_back);
    CHECK(w.calls == Calls{" back"});
  }
}

TEST_CASE("a stop moves the target before the playbook, whose steps cannot keep it from that") {
  ServiceWorld w(
      asked,
      "{ uses: http.request, with: { method: POST, url: \"http://127.0.0.1:2/hook\" }, on-failure: "
      "abort, retry: { attempts: 1 } }, { uses: target.undo }");
  w.build_and_create("1.0.0");
  must(w.start("1.0.0", "api"));
  w.hook = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    CHECK(w.calls.back() == " back");
    return ports::HttpResponse{500, {}, {}};
  };
  const Report report = must(w.apply(rollout::Stop{"bad"}, "api"));
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(std::ranges::count(w.calls, " back") == 1);
}

TEST_CASE("without `ask` a stop takes back once: the playbook finds it in the journal") {
  ServiceWorld w("");
  w.build_and_create("1.0.0");
  must(w.start("1.0.0", "api"));
  CHECK(must(w.apply(rollout::Stop{"bad"}, "api")).state.phase == Phase::rolled_back);
  CHECK(w.calls == Calls{"1.0.0 5", " back"});
}

TEST_CASE("a failing gate takes a service back by its playbook") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  must(w.start("1.0.0", "api"));
  w.finish("api");
  w.build_and_create("1.1.0");
  must(w.start("1.1.0", "api"));
  w.probe(9);
  const Report back = w.finish("api");
  CHECK(back.state.phase == Phase::rolled_back);
  CHECK(w.calls == Calls{"1.0.0 5", "1.0.0 100", "1.1.0 5", "1.0.0 back"});
  CHECK(back.playbook->steps.at(0).status == playbook::Status::done);
}

TEST_CASE("a target that cannot be taken back leaves the rollout stranded") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  must(w.start("1.0.0", "api"));
  w.fails = true;
  const Report report = must(w.apply(rollout::Stop{"bad"}, "api"));
  CHECK(report.state.phase == Phase::stranded);
  CHECK(report.state.because == "release 1.0.0 is not taken back from its target");
}

TEST_CASE("a program that was cut short is asked about, or left to a person; never simply run again") {
  SUBCASE("asked: it is done") {
    ServiceWorld w;
    w.build_and_create("1.0.0");
    w.dies = true;
    CHECK(w.start("1.0.0", "api").error().kind == ErrorKind::interrupted);
    w.dies = false;
    CHECK(w.status("api").state.trouble->begun);
    // It may be under way somewhere: nobody looks before its time is over.
    CHECK(must(w.start("1.0.0", "api")).state.pending.has_value());
    CHECK(must(w.advance("api")).state.pending.has_value());
    w.fake.clock.advance(61s);
    CHECK_FALSE(must(w.advance("api")).state.pending.has_value());
    CHECK(w.calls == Calls{"1.0.0 5"});
  }
  SUBCASE("nobody can be asked") {
    ServiceWorld w("");
    w.build_and_create("1.0.0");
    w.dies = true;
    CHECK_FALSE(w.start("1.0.0", "api").has_value());
    w.dies = false;
    w.fake.clock.advance(61s);
    Report report = must(w.advance("api"));
    REQUIRE(report.state.trouble.has_value());
    CHECK(report.state.trouble->unknown);
    const std::string key = report.state.pending->key;
    w.fake.clock.advance(1h);
    CHECK(must(w.advance("api")).state.pending->key == key);
    CHECK(w.calls.size() == 1);
    SUBCASE("it took place") {
      CHECK_FALSE(must(w.apply(rollout::Settle{key, true, "saw it"}, "api")).state.pending.has_value());
      CHECK(w.calls.size() == 1);
    }
    SUBCASE("it did not") {
      CHECK_FALSE(must(w.apply(rollout::Settle{key, false, "nothing"}, "api")).state.pending.has_value());
      CHECK(w.calls.size() == 2);
    }
  }
}

namespace {

struct Told {
  std::vector<std::string> endings;
  Calls calls;
  int operations = 0;
};

// One release goes to everyone, a bad one is taken back by its gate, and one is stopped. The process dies at
// the n-th operation that changes the world, with its effect or without, and is run again when the time of a
// program is over.
Told tell(int at, bool after) {
  ServiceWorld w;
  Told told;
  bool dead = false;
  const auto allows = [&] {
    if (dead) return false;
    if (++told.operations != at) return true;
    dead = true;
    return after;
  };
  const auto gone = [] { return fail(ErrorKind::failed, "the process is gone"); };
  w.fake.files.fault = [&](std::string_view op, std::string_view) -> Result<> {
    const bool changes = op == "write" || op == "create" || op == "copy" || op == "remove";
    if (changes ? !allows() : dead) return gone();
    return {};
  };
  w.fake.process.handler = [&](const ports::ProcessRequest& request) -> Result<ports::ProcessResult> {
    if (request.argv[0] == "was-it-done" ? dead : !allows()) return gone();
    auto result = w.run(request);
    if (dead) return gone();
    return result;
  };
  const auto again = [&](const auto& run) {
    while (true) {
      auto result = run();
      if (!dead) return must(std::move(result));
      dead = false;
      w.fake.clock.advance(61s);
    }
  };
  for (const std::string version : {"1.0.0", "1.1.0", "1.2.0"}) {
    w.build(version);
    again([&] { return w.create(version); });
    w.probe(version == "1.1.0" ? 9 : 1);
    Report report = again([&] { return w.start(version, "api"); });
    for (int i = 0; i < 40 && !rollout::is_final(report.state.phase); ++i) {
      w.fake.clock.advance(1s);
      if (version == "1.2.0" && report.state.stage == 1)
        report = again([&] { return w.apply(rollout::Stop{"red button"}, "api"); });
      else
        report = again([&] { return w.advance("api"); });
    }
    if (version == "1.2.0" && report.state.phase == Phase::done)  // it was dead when the button was due
      report = again([&] { return w.apply(rollout::Stop{"red button"}, "api"); });
    told.endings.push_back(fmt::format("{} {} at stage {}: {}", version, rollout::to_text(report.state.phase),
                                       report.state.stage, report.state.because));
  }
  told.calls = w.calls;
  must(w.open()->journal().verify());
  return told;
}

}  // namespace

TEST_CASE(
    "killed at any write or program, and run again, a service ends where it would have, nothing run twice") {
  const Told undisturbed = tell(0, false);
  CHECK(undisturbed.calls ==
        Calls{"1.0.0 5", "1.0.0 100", "1.1.0 5", "1.0.0 back", "1.2.0 5", "1.2.0 100", "1.0.0 back"});
  for (int at = 1; at <= undisturbed.operations; ++at)
    for (const bool after : {false, true}) {
      CAPTURE(at);
      CAPTURE(after);
      const Told told = tell(at, after);
      CHECK(told.endings == undisturbed.endings);
      CHECK(told.calls == undisturbed.calls);
    }
  std::cout << "services: kill points: " << 2 * undisturbed.operations << "\n";
}

TEST_CASE(
    "a stop beside a program that another runner may still run takes back at once, and once more after it") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  w.dies = true;
  CHECK_FALSE(w.start("1.0.0", "api").has_value());
  w.dies = false;
  Report report = must(w.apply(rollout::Stop{"bad"}, "api"));
  CHECK(report.state.phase == Phase::rolling_back);
  CHECK(w.calls == Calls{"1.0.0 5", " back"});
  w.fake.clock.advance(30s);
  CHECK(must(w.advance("api")).state.phase == Phase::rolling_back);
  w.fake.clock.advance(31s);
  CHECK(must(w.advance("api")).state.phase == Phase::rolled_back);
  CHECK(w.calls == Calls{"1.0.0 5", " back", " back"});
}

TEST_CASE("services do not stand in each other's way, and one of them moves one release at a time") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  w.build_and_create("1.1.0");
  must(w.start("1.0.0", "api"));
  must(w.start("1.0.0", "worker"));
  CHECK(doc::to_json(w.published_flags()->flags.at("share").value) == "50");
  CHECK(w.start("1.1.0", "api").error().kind == ErrorKind::conflict);
  const auto refused = w.supersede("1.1.0");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::denied);
  CHECK(refused.error().message.find("hands no exposure on") != std::string::npos);
  must(w.start("1.0.0", "api"));  // the same start
  CHECK(w.calls == Calls{"1.0.0 5"});
}

TEST_CASE("a running service is amended, but not its target") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  must(w.start("1.0.0", "api"));
  const auto amend = [&](const std::string& from, const std::string& to) {
    const std::string yaml =
        replace_all(replace_all(service_yaml, "ASK", asked), "STEPS", "{ uses: target.undo }");
    w.apps = must(spec::parse(replace_all(yaml, from, to))).apps;
    w.app = w.apps[0];
    auto deck = w.open();
    return w.engine_on(*deck).amend("api", "other numbers");
  };
  must(amend("bake: 1s..12s", "bake: 2s..12s"));
  CHECK(amend("deploy, \"{version}\"", "deploy, \"v{version}\"").error().message ==
        "rollout 'api' runs on another target than tranche.yaml says");
  CHECK(w.finish("api").state.phase == Phase::done);
}

TEST_CASE("a desktop waits for its service, and takes it back with itself at once") {
  ServiceWorld w;
  w.build_and_create("1.0.0");
  CHECK(must(w.start("1.0.0", "desktop")).state.phase == Phase::waiting);
  must(w.start("1.0.0", "api"));
  for (int i = 0; i < 20 && w.status("api").state.stage == 0; ++i) {
    w.fake.clock.advance(1s);
    must(w.advance("api"));
  }
  REQUIRE(w.status("api").state.phase == Phase::baking);
  w.fake.clock.advance(1s);
  CHECK(must(w.advance("desktop")).state.phase == Phase::baking);
  must(w.apply(rollout::Stop{"bad"}, "desktop"));
  CHECK(w.status("api").state.phase == Phase::rolled_back);
  CHECK(w.calls.back() == " back");
}

TEST_CASE("cohorts that a playbook names are frozen, and what it pins stays through later stages") {
  const std::string yaml = replace_all(usual_yaml, "      - { uses: channel.withdraw }\n",
                                       "      - { uses: channel.withdraw }\n      - { uses: channel.hold, "
                                       "with: { cohort: bank, max-version: \"1.0\" } }\n") +
                           "cohorts: { bank: { match: { customer: bank } } }\n";
  AppWorld w(yaml);
  w.ship("1.0.0");
  w.build_and_create("1.1.0");
  const Report report = must(w.start("1.1.0"));
  CHECK(report.plan.config.cohort("bank") != nullptr);
  must(w.apply(rollout::Stop{"bad"}));
  REQUIRE(w.published_feed()->directions.holds.size() == 1);
}

namespace {

constexpr const char* object_path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/backend";

// An Argo Rollout behind a real loopback API server, whose controller is off until the test says.
struct ArgoWorld {
  support::KubeServer server;
  os::RealWorld real;
  AppWorld w;

  ArgoWorld()
      : w(replace_all(replace_all(service_yaml, "STEPS", "{ uses: target.undo }"),
                      "command: { expose: [deploy, \"{version}\", \"{percent}\"], undo: [deploy, "
                      "\"{baseline}\", back]ASK, timeout: 60s }",
                      "argo-rollouts: { server: \"" + server.url() +
                          "\", token: env:TRANCHE_KUBE_TOKEN, namespace: shop, rollout: backend, "
                          "image: \"notes:{version}\", progress-deadline: 10m }")) {
    w.fake.files.bytes["/repo/probe.ndjson"] = probed(1);
    w.fake.environ.values["TRANCHE_KUBE_TOKEN"] = "t0ken";
    const auto fleet = w.fake.http.handler;
    w.fake.http.handler = [this, fleet](const ports::HttpRequest& request) {
      return request.url.starts_with(server.url()) ? real.world().http.send(request) : fleet(request);
    };
    command(
        std::string("put ") + object_path +
        R"( {"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"backend","namespace":"shop","uid":"u-1"},)"
        R"("spec":{"selector":{"matchLabels":{"app":"backend"}},"strategy":{"canary":{"steps":[{"setWeight":5},{"pause":{}}]}},)"
        R"("template":{"metadata":{"labels":{"app":"backend"}},"spec":{"containers":[{"name":"web","image":"notes:1.0.0"}]}}}})");
    command("controller on");
    w.build_and_create("1.1.0");
  }
  void command(const std::string& line) { REQUIRE(server.command(line) == "ok"); }
  std::string object() { return server.command(std::string("get ") + object_path); }
};

}  // namespace

TEST_CASE("pods that start are waited for by later ticks, and a deadline takes the service back") {
  ArgoWorld argo;
  AppWorld& w = argo.w;
  argo.command("controller off");
  Report report = must(w.start("1.1.0", "api"));
  REQUIRE(report.state.trouble.has_value());
  CHECK(report.state.trouble->attempts == 0);
  CHECK(report.state.stage_since == Instant{});
  w.fake.clock.advance(6s);
  CHECK(must(w.advance("api")).state.pending.has_value());
  SUBCASE("the controller wakes up") {
    argo.command("controller on");
    w.fake.clock.advance(6s);
    report = must(w.advance("api"));
    CHECK_FALSE(report.state.pending.has_value());
    CHECK(report.state.phase == Phase::baking);
    for (int i = 0; i < 60 && !rollout::is_final(report.state.phase); ++i) {
      w.fake.clock.advance(1s);
      report = must(w.advance("api"));
    }
    CHECK(report.state.phase == Phase::done);
    CHECK(argo.object().find("notes:1.1.0") != std::string::npos);
    CHECK(must(w.apply(rollout::Stop{"found later"}, "api")).state.phase != Phase::stranded);
    for (int i = 0; i < 20 && !rollout::is_final(report.state.phase = w.status("api").state.phase); ++i) {
      w.fake.clock.advance(6s);
      must(w.advance("api"));
    }
    CHECK(report.state.phase == Phase::rolled_back);
    CHECK(argo.object().find("\"notes:1.0.0\"") != std::string::npos);
  }
  SUBCASE("it never does") {
    w.fake.clock.advance(11min);
    report = must(w.advance("api"));
    CHECK(report.state.because.find("took more than 10m") != std::string::npos);
    argo.command("controller on");
    for (int i = 0; i < 20 && !rollout::is_final(report.state.phase); ++i) {
      w.fake.clock.advance(6s);
      report = must(w.advance("api"));
    }
    CHECK(report.state.phase == Phase::rolled_back);
  }
}
