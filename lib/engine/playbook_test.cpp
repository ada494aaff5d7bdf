// Playbooks as rollbacks carry them out: what waits is left to the next tick, what was cut short is asked
// about, what was done is taken back, and whatever happens the release is stopped.
#include "engine/playbooks.hpp"

#include "engine/approvals.hpp"
#include "engine/drill.hpp"

#include <iostream>

#include "actions/approval.hpp"
#include "crypto/signer.hpp"
#include "crypto/ssh_key.hpp"
#include "engine/engine_fixture.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using playbook::Status;
using rollout::Phase;

namespace {

std::string with_steps(const std::string& steps, const std::string& more = {}) {
  std::string yaml = usual_yaml;
  const auto from = yaml.find("playbooks:");
  const auto to = yaml.find("flags:");
  yaml.replace(from, to - from, "playbooks:\n  rollback:\n    steps:\n" + steps + more);
  return yaml;
}

struct Ran : AppWorld {
  explicit Ran(const std::string& yaml) : AppWorld(yaml) {
    fake.process.handler = [this](const ports::ProcessRequest& request) -> Result<ports::ProcessResult> {
      const std::string name = request.argv.back();
      ran.push_back(name);
      if (const auto left = failures.find(name); left != failures.end() && left->second != 0) {
        --left->second;
        return ports::ProcessResult{1, "", "no", false};
      }
      return ports::ProcessResult{0, "", "", false};
    };
    ship("1.0.0");
    build_and_create("1.1.0");
    must(start("1.1.0"));
  }
  Report stop() { return must(apply(rollout::Stop{"bad"})); }
  Status status_of(const Report& report, const std::string& id) {
    REQUIRE(report.playbook.has_value());
    const auto step = playbook::find_step(*report.playbook, id);
    REQUIRE(step.has_value());
    return report.playbook->steps[*step].status;
  }
  bool is_offered() { return published_feed()->directions.offer.has_value(); }
  Result<PlaybookProgress> resume(ResumeRequest request) {
    request.rollout = "desktop";
    auto deck = open();
    return Playbooks(*deck, {}).resume(request);
  }

  std::vector<std::string> ran;         // last words of argument lists, in order
  std::map<std::string, int> failures;  // how often a program still fails; -1: always
};

bool says(const std::vector<std::string>& decisions, std::string_view what) {
  for (const std::string& one : decisions)
    if (one.find(what) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("a rollback that waits for two days leaves the tick at once, and is over two days later") {
  Ran w(
      with_steps("      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
                 "      - { id: calm, uses: wait, with: { for: 48h } }\n"
                 "      - { uses: run, with: { argv: [tell, all] } }\n"));
  const Instant before = w.fake.clock.now();
  Report report = w.stop();
  CHECK(w.fake.clock.now() == before);
  CHECK(report.state.phase == Phase::rolling_back);
  CHECK(report.state.pending.has_value());
  CHECK(says(report.decisions, "playbook 'rollback' waits: step 'calm' is looked at again at 2026-01-03"));
  CHECK_FALSE(w.is_offered());
  const std::size_t entries = w.entries().size();
  for (int i = 0; i < 5; ++i) CHECK(w.tick(1h).state.phase == Phase::rolling_back);
  CHECK(w.entries().size() <= entries + 5);  // the feed is renewed; looking leaves no line
  CHECK(w.ran.empty());
  report = w.tick(48h);
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(w.ran == std::vector<std::string>{"all"});
}

TEST_CASE("conditions see what the playbook and the rollout came to") {
  Ran w(with_steps(
      "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
      "      - { id: drain, uses: run, with: { argv: [do, drain] } }\n"
      "      - { uses: run, with: { argv: [do, failed] }, when: 'result.failed' }\n"
      "      - { uses: run, with: { argv: [do, drained] }, when: 'result.steps[\"drain\"] == \"done\"' }\n"
      "      - { uses: run, with: { argv: [do, few] }, when: 'result.share < 10 && !result.stranded' }\n"
      "      - { id: odd, uses: run, with: { argv: [do, odd] }, when: 'result.nothing > 1' }\n"));
  w.failures["drain"] = -1;
  const Report report = w.stop();
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(w.ran == std::vector<std::string>{"drain", "failed", "few"});
  CHECK(w.status_of(report, "5") == Status::skipped);
  CHECK(w.status_of(report, "odd") == Status::failed);
}

TEST_CASE("an aborted playbook takes back what it did, last step first, and the release stays stopped") {
  Ran w(
      with_steps("      - { uses: run, with: { argv: [do, one] }, compensate: { uses: run, with: { argv: "
                 "[undo, un-one] } } }\n"
                 "      - { uses: run, with: { argv: [do, two] }, compensate: { uses: run, with: { argv: "
                 "[undo, un-two] } } }\n"
                 "      - { id: three, uses: run, with: { argv: [do, three] }, on-failure: abort }\n"
                 "      - { uses: run, with: { argv: [do, four] } }\n"
                 "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"));
  w.failures["three"] = -1;
  const Report report = w.stop();
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(w.ran == std::vector<std::string>{"one", "two", "three", "un-two", "un-one"});
  CHECK(w.status_of(report, "4") == Status::skipped);
  CHECK_FALSE(w.is_offered());
  CHECK(report.playbook->steps[0].compensation->status == Status::done);
}

TEST_CASE(
    "a compensation that fails stops the playbook with what to do next, until a person has settled it") {
  Ran w(
      with_steps("      - { uses: run, with: { argv: [do, one] }, compensate: { uses: run, with: { argv: "
                 "[undo, un-one] } } }\n"
                 "      - { id: two, uses: run, with: { argv: [do, two] }, compensate: { uses: run, with: { "
                 "argv: [undo, un-two] } } }\n"
                 "      - { uses: run, with: { argv: [do, three] }, on-failure: abort }\n"
                 "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"));
  w.failures = {{"three", -1}, {"un-two", -1}};
  Report report = w.stop();
  CHECK(report.state.phase == Phase::rolling_back);
  CHECK_FALSE(w.is_offered());
  CHECK(report.playbook->course == playbook::Course::stopped);
  CHECK(says(report.decisions, "the compensation of step 'two' failed"));
  CHECK(says(report.decisions, "tranche playbook resume desktop --settle two=done|failed|again"));
  CHECK(w.tick(1h).state.phase == Phase::rolling_back);
  CHECK(w.ran == std::vector<std::string>{"one", "two", "three", "un-two"});
  SUBCASE("done by hand: what comes before it is taken back") {
    const auto progress =
        must(w.resume({.settle = {{"two", playbook::Settlement::done}}, .reason = "by hand"}));
    CHECK(progress.over);
    CHECK(progress.run.steps[1].settled == "ana@example.org: by hand");
    CHECK(w.ran.back() == "un-one");
    CHECK(w.status().state.phase == Phase::rolled_back);
  }
  SUBCASE("again, once it is mended") {
    w.failures["un-two"] = 0;
    CHECK(must(w.resume({.settle = {{"two", playbook::Settlement::again}}})).over);
    CHECK(w.ran == std::vector<std::string>{"one", "two", "three", "un-two", "un-two", "un-one"});
    CHECK(w.status().state.phase == Phase::rolled_back);
  }
  SUBCASE("a step that is no question is refused, with its state") {
    const auto refused = w.resume({.settle = {{"1", playbook::Settlement::done}}});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::denied);
    CHECK(refused.error().message == "step '1-run' is done");
  }
}

TEST_CASE("a program that was cut short is not run again; a person says what came of it") {
  Ran w(
      with_steps("      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
                 "      - { id: drain, uses: run, with: { argv: [do, drain] }, on-failure: abort }\n"
                 "      - { id: tell, uses: run, with: { argv: [do, tell] } }\n"));
  const auto runs = w.fake.process.handler;
  w.fake.process.handler = [&](const ports::ProcessRequest& request) -> Result<ports::ProcessResult> {
    (void)runs(request);
    return fail(ErrorKind::interrupted, "killed");  // the runner goes with it
  };
  CHECK(w.apply(rollout::Stop{"bad"}).error().kind == ErrorKind::interrupted);
  w.fake.process.handler = runs;
  Report report = w.tick();
  CHECK(report.state.phase == Phase::rolling_back);
  CHECK(w.status_of(report, "drain") == Status::unknown);
  CHECK(says(report.decisions, "nobody knows what came of step 'drain'"));
  CHECK(w.ran == std::vector<std::string>{"drain"});
  SUBCASE("done") {
    CHECK(must(w.resume({.settle = {{"drain", playbook::Settlement::done}}})).over);
    CHECK(w.ran == std::vector<std::string>{"drain", "tell"});
  }
  SUBCASE("failed") {
    CHECK(must(w.resume({.settle = {{"drain", playbook::Settlement::failed}}})).over);
    CHECK(w.ran == std::vector<std::string>{"drain"});
    CHECK(w.status_of(w.status(), "tell") == Status::skipped);
  }
  SUBCASE("again") {
    CHECK(must(w.resume({.settle = {{"drain", playbook::Settlement::again}}})).over);
    CHECK(w.ran == std::vector<std::string>{"drain", "drain", "tell"});
  }
  CHECK(w.status().state.phase == Phase::rolled_back);
}

TEST_CASE("a step that failed and was passed can be taken again when the rollout is over") {
  Ran w(
      with_steps("      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
                 "      - { id: tell, uses: run, with: { argv: [do, tell] } }\n"));
  w.failures["tell"] = 1;
  CHECK(w.stop().state.phase == Phase::rolled_back);
  CHECK(w.status_of(w.status(), "tell") == Status::failed);
  CHECK(must(w.resume({.settle = {{"tell", playbook::Settlement::again}}})).over);
  CHECK(w.status_of(w.status(), "tell") == Status::done);
  CHECK(w.ran == std::vector<std::string>{"tell", "tell"});
}

TEST_CASE("a step is done when its verify says so, and is tried again when it does not") {
  Ran w(with_steps(
      "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
      "      - { id: scale, uses: run, with: { argv: [do, scale] }, retry: { attempts: 2, backoff: 1s },\n"
      "          verify: { uses: run, with: { argv: [is, scaled] }, within: 3s, every: 1s } }\n"));
  w.failures["scaled"] = 5;
  const Report report = w.stop();
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(w.status_of(report, "scale") == Status::done);
  CHECK(w.ran == std::vector<std::string>{"scale", "scaled", "scaled", "scaled", "scaled", "scale", "scaled",
                                          "scaled"});
}

TEST_CASE("a hook that is down for hours keeps nobody from stopping: what stops the release goes ahead") {
  Ran w(with_steps(
      "      - { id: tell, uses: run, with: { argv: [do, tell] }, retry: { attempts: 5, backoff: 1h } }\n"
      "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"));
  w.failures["tell"] = 2;
  const Report report = w.stop();
  CHECK(report.state.phase == Phase::rolling_back);
  CHECK_FALSE(w.is_offered());
  CHECK(w.tick(30min).state.phase == Phase::rolling_back);
  CHECK(w.tick(30min).state.phase == Phase::rolling_back);
  CHECK(w.tick(2h).state.phase == Phase::rolled_back);
  CHECK(w.ran.size() == 3);
}

TEST_CASE("the playbook's deadline skips what has not begun, never what stops the release") {
  Ran w(
      with_steps("      - { uses: wait, with: { for: 1h } }\n"
                 "      - { id: tell, uses: run, with: { argv: [do, tell] } }\n"
                 "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n",
                 "    deadline: 30m\n"));
  CHECK(w.stop().state.phase == Phase::rolling_back);
  const Report report = w.tick(1h);
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(w.status_of(report, "tell") == Status::skipped);
  CHECK(w.ran.empty());
}

TEST_CASE("a step with a deadline fails at it, and the playbook goes on") {
  Ran w(
      with_steps("      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
                 "      - { id: calm, uses: wait, with: { for: 2h }, deadline: 1h, on-failure: last }\n"
                 "      - { id: between, uses: run, with: { argv: [do, between] } }\n"
                 "      - { id: last, uses: run, with: { argv: [do, last] } }\n"));
  CHECK(w.stop().state.phase == Phase::rolling_back);
  const Report report = w.tick(1h);
  CHECK(report.state.phase == Phase::rolled_back);
  CHECK(w.status_of(report, "calm") == Status::failed);
  CHECK(w.ran == std::vector<std::string>{"last"});
}

namespace {

std::unique_ptr<crypto::Signer> bo() {
  const auto key = must(crypto::SecretKey::from_seed(Secret(std::string(32, 'b'))));
  return must(crypto::signer_from_pem(key.to_pem(), Secret()));
}

// A playbook whose last steps ask people, in two ways.
struct Asking : Ran {
  Asking()
      : Ran(with_steps(
                "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
                "      - { id: ok, uses: approval, with: { people: managers } }\n"
                "      - { id: drain, uses: run, with: { argv: [do, drain] }, approval: managers }\n") +
            "people: { managers: { keys: [\"" + must(crypto::to_ssh_line({bo()->public_key(), "", "bo"})) +
            "\"] } }\n") {}
  void approve(const std::string& step, bool approves = true) {
    auto deck = open();
    const Report report = status();
    const actions::StepQuestion question{.rollout = "desktop",
                                         .rollout_id = report.state.id,
                                         .release = report.state.release,
                                         .run = report.playbook->key,
                                         .playbook = "rollback",
                                         .step = step,
                                         .plan_digest = report.state.plan_digest,
                                         .people = "managers",
                                         .what = {}};
    const auto request = must(actions::step_request(*deck, report.plan.config, question));
    const auto approval = must(actions::make_approval(report.plan.config, request, "bo", fake.clock.now(),
                                                      approves, approves ? "" : "no"));
    const std::string document = must(signing::sign_approval(must(signing::to_payload(approval)), *bo()));
    const auto accepted =
        must(actions::check_approval(*deck, report.plan.config, request, document, fake.clock.now()));
    must(deck->append({must(actions::approval_draft(*deck, request, document, accepted))}));
  }
};

}  // namespace

TEST_CASE("steps wait for people, each for its own approval, and the release is stopped before") {
  Asking w;
  Report report = w.stop();
  CHECK(report.state.phase == Phase::rolling_back);
  CHECK_FALSE(w.is_offered());
  CHECK(says(report.decisions, "tranche approve " + report.state.id + ":playbook/ok"));
  const std::size_t entries = w.entries().size();
  CHECK(w.tick().state.phase == Phase::rolling_back);
  CHECK(w.entries().size() == entries);
  w.approve("ok");
  report = w.tick();
  INFO(report.playbook->steps[2].detail);
  CHECK(w.status_of(report, "ok") == Status::done);
  CHECK(w.status_of(report, "drain") == Status::waiting);
  CHECK(says(report.decisions, "tranche approve " + report.state.id + ":playbook/drain"));
  CHECK(w.ran.empty());
  SUBCASE("approved") {
    w.approve("drain");
    report = w.tick();
    CHECK(report.state.phase == Phase::rolled_back);
    CHECK(w.ran == std::vector<std::string>{"drain"});
  }
  SUBCASE("refused") {
    w.approve("drain", false);
    report = w.tick();
    CHECK(w.status_of(report, "drain") == Status::failed);
    CHECK(report.state.phase == Phase::rolled_back);
    CHECK(w.ran.empty());
  }
}

// Killed at every write, program and request, and run again by ticks: the same end, nothing twice.
TEST_CASE("killed anywhere in a playbook with everything in it, and run again, it ends where it would have") {
  const std::string yaml = with_steps(
      "      - { uses: flag.set, with: { flag: agent-enabled, value: false } }\n"
      "      - { id: one, uses: http.request, with: { method: PUT, url: \"http://127.0.0.1:2/hook\" },\n"
      "          compensate: { uses: http.request, with: { method: DELETE, url: \"http://127.0.0.1:2/hook\" "
      "} } }\n"
      "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
      "      - { uses: wait, with: { for: 10s } }\n"
      "      - { id: two, uses: http.request, with: { method: PUT, url: \"http://127.0.0.1:2/hook\" }, "
      "retry: { attempts: 3, backoff: 1s },\n"
      "          verify: { uses: http.request, with: { method: GET, url: \"http://127.0.0.1:2/hook\" }, "
      "within: 5s, every: 1s },\n"
      "          compensate: { uses: http.request, with: { method: DELETE, url: \"http://127.0.0.1:2/hook\" "
      "} } }\n"
      "      - { id: three, uses: http.request, with: { method: PUT, url: \"http://127.0.0.1:2/hook\", body: "
      "bad }, on-failure: abort }\n"
      "      - { id: four, uses: http.request, with: { method: PUT, url: \"http://127.0.0.1:2/hook\" } }\n");
  struct World : Ran {
    explicit World(const std::string& text) : Ran(text) {}
    int at = 0, operations = 0;
    bool after = false, dead = false, away = false;
    Result<> allow(bool changing) {
      if (away) return {};
      if (dead) return fail(ErrorKind::failed, "the process is gone");
      if (!changing || ++operations != at) return {};
      dead = true;
      if (after) return {};
      return fail(ErrorKind::failed, "the process is gone");
    }
    std::string end;
    void tell() {
      fake.files.fault = [this](std::string_view op, std::string_view) {
        return allow(op == "write" || op == "create" || op == "copy" || op == "remove");
      };
      const auto fleet = fake.http.handler;
      fake.http.handler = [this, fleet](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
        TRY(allow(true));
        if (request.body == "bad") return ports::HttpResponse{400, {}, {}};
        auto response = fleet(request);
        if (dead) return fail(ErrorKind::failed, "the process is gone");
        return response;
      };
      for (int tries = 0;; ++tries) {
        REQUIRE(tries < 60);
        dead = false;
        away = true;
        const bool pressed = status().state.phase != Phase::baking;
        away = false;
        const auto report = pressed ? advance() : apply(rollout::Stop{"bad"});
        if (dead || !report) {
          at = 0;
          continue;
        }
        if (rollout::is_final(report->state.phase)) {
          fake.files.fault = nullptr;
          for (const playbook::StepRecord& step : report->playbook->steps)
            end += fmt::format("{} {} {}\n", step.id, playbook::to_text(step.status),
                               step.compensation ? playbook::to_text(step.compensation->status) : "");
          end += doc::to_json(actions::to_value(published_feed()->directions));
          return;
        }
        fake.clock.advance(10s);
      }
    }
  };
  World undisturbed(yaml);
  undisturbed.tell();
  CHECK(undisturbed.end.find("two done done") != std::string::npos);
  CHECK(undisturbed.end.find("four skipped") != std::string::npos);
  int points = 0;
  for (int at = 1; at <= undisturbed.operations; ++at)
    for (const bool after : {false, true}) {
      CAPTURE(at);
      CAPTURE(after);
      World killed(yaml);
      killed.at = at;
      killed.after = after;
      killed.tell();
      CHECK(killed.end == undisturbed.end);
      ++points;
    }
  std::cout << "kill points of a playbook: " << points << "\n";
}

TEST_CASE(
    "a playbook that is run by hand records the plan that its dry run showed, and leaves the rollout alone") {
  Ran w(with_steps("      - { uses: channel.withdraw }\n",
                   "  mend:\n    steps:\n"
                   "      - { id: one, uses: run, with: { argv: [mend, \"$release: $reason\"] } }\n"
                   "      - { id: two, uses: run, with: { argv: [do, two] } }\n"));
  const HandRequest request{"desktop", "mend", "because"};
  const PlaybookPlan plan = must(Playbooks(*w.open(), {}).plan(request));
  CHECK(plan.steps[0].changes == "runs mend 1.1.0: because");
  REQUIRE(plan.steps[0].needs.size() == 1);
  CHECK_FALSE(plan.steps[0].needs[0].there);
  CHECK(w.ran.empty());
  const std::size_t entries = w.entries().size();
  const PlaybookProgress progress = must(Playbooks(*w.open(), {}).run(request));
  CHECK(progress.over);
  CHECK(progress.run.plan == plan.digest);
  CHECK(w.ran == std::vector<std::string>{"1.1.0: because", "two"});
  CHECK(w.status().state.phase == Phase::baking);
  CHECK_FALSE(w.status().playbook.has_value());
  const journal::Entry first = w.entries()[entries];
  CHECK(first.kind == "playbook.step-intended");
  CHECK(must(first.data.text("plan")) == plan.digest);
  CHECK(first.reason == "because");
  // Run again it is another run.
  CHECK(must(Playbooks(*w.open(), {}).run(request)).run.key != progress.run.key);
  CHECK(w.ran.size() == 4);
}

namespace {

std::unique_ptr<crypto::Signer> person(char seed) {
  const auto key = must(crypto::SecretKey::from_seed(Secret(std::string(32, seed))));
  return must(crypto::signer_from_pem(key.to_pem(), Secret()));
}
std::string person_line(char seed, const std::string& name) {
  return must(crypto::to_ssh_line({person(seed)->public_key(), "", name}));
}

// A playbook that asks two people who are not its author; ana ships, and whoever it is runs it.
struct AskingByHand : Ran {
  AskingByHand()
      : Ran(with_steps("      - { uses: channel.withdraw }\n",
                       "  mend:\n    steps:\n"
                       "      - { uses: run, with: { argv: [do, one] } }\n"
                       "      - { uses: run, with: { argv: [do, two] }, approval: managers }\n"
                       "      - { uses: approval, with: { people: managers } }\n"
                       "      - { uses: run, with: { argv: [do, four] } }\n") +
            "people: { managers: { quorum: 2, not: author, keys: [\"" + person_line('d', "dan") + "\", \"" +
            person_line('b', "bo") + "\", \"" + person_line('c', "cy") + "\"] } }\n") {}
  PlaybookProgress run(const std::string& by) {
    auto deck = must(actions::Deck::open(world, "/repo", app, by));
    return must(Playbooks(*deck, {}).run({"desktop", "mend", "support asked"}));
  }
  // As `tranche approve ID` does it.
  Result<> approve(const std::string& id, char seed, const std::string& by) {
    auto deck = open();
    const Waiting waiting = TRY(find_waiting(*deck, id));
    const auto approval =
        TRY(actions::make_approval(waiting.frozen, waiting.request, by, fake.clock.now(), true, ""));
    const std::string document =
        TRY(signing::sign_approval(TRY(signing::to_payload(approval)), *person(seed)));
    const auto accepted =
        TRY(actions::check_approval(*deck, waiting.frozen, waiting.request, document, fake.clock.now()));
    TRY(deck->append({TRY(actions::approval_draft(*deck, waiting.request, document, accepted))}));
    return {};
  }
  std::vector<std::string> waiting() {
    std::vector<std::string> ids;
    for (const Waiting& one : must(find_waiting(*open()))) ids.push_back(one.request.id);
    return ids;
  }
};

}  // namespace

TEST_CASE("a playbook that one person runs by hand waits for others, and goes on when they have said yes") {
  AskingByHand w;
  PlaybookProgress progress = w.run("dan");
  CHECK_FALSE(progress.over);
  CHECK(w.ran == std::vector<std::string>{"one"});
  const std::string id = w.status().state.id + ":hand/2-run";
  CHECK(w.waiting() == std::vector<std::string>{id});
  CHECK(progress.why.find("tranche approve " + id) != std::string::npos);
  const auto own = w.approve(id, 'd', "dan");
  REQUIRE_FALSE(own.has_value());
  CHECK(own.error().kind == ErrorKind::denied);
  CHECK(own.error().message.find("'dan' is the author") != std::string::npos);
  must(w.approve(id, 'b', "bo"));
  CHECK_FALSE(w.run("dan").over);
  must(w.approve(id, 'c', "cy"));
  progress = must(w.resume({.by_hand = true}));
  CHECK_FALSE(progress.over);
  CHECK(w.ran == std::vector<std::string>{"one", "two"});
  const std::string next = w.status().state.id + ":hand/3-approval";
  CHECK(w.waiting() == std::vector<std::string>{next});
  must(w.approve(next, 'b', "bo"));
  must(w.approve(next, 'c', "cy"));
  progress = must(w.resume({.by_hand = true}));
  CHECK(progress.over);
  CHECK(progress.run.by == "dan");
  CHECK(w.ran == std::vector<std::string>{"one", "two", "four"});
  CHECK(w.waiting().empty());
}

TEST_CASE("another run by hand, and a playbook that was changed, are asked anew") {
  AskingByHand w;
  CHECK_FALSE(w.run("dan").over);
  const std::string id = w.status().state.id + ":hand/2-run";
  must(w.approve(id, 'b', "bo"));
  must(w.approve(id, 'c', "cy"));
  SUBCASE("another run") {
    CHECK(must(w.resume({.by_hand = true, .cancel = true, .reason = "not now"})).over);
    CHECK(w.waiting().empty());
    CHECK_FALSE(w.run("eve").over);
    CHECK(w.ran == std::vector<std::string>{"one", "one"});
    CHECK(must(find_waiting(*w.open()))[0].standing.given == 0);
  }
  SUBCASE("changed: nothing of it waits, and it is refused") {
    for (spec::Playbook& playbook : w.app.playbooks)
      if (playbook.name == "mend")
        playbook.steps[3].with = doc::Value::object({{"argv", doc::Value::array()}});
    CHECK(w.waiting().empty());
    CHECK(w.resume({.by_hand = true}).error().kind == ErrorKind::verification);
  }
}

TEST_CASE("a run by hand of somebody whom the journal cannot name is approved by nobody") {
  AskingByHand w;
  CHECK_FALSE(w.run("unknown").over);
  const auto refused = w.approve(w.status().state.id + ":hand/2-run", 'b', "bo");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("is not known") != std::string::npos);
}

TEST_CASE("a run by hand that was killed goes on, unless its playbook was changed") {
  const std::string yaml =
      with_steps("      - { uses: channel.withdraw }\n",
                 "  mend:\n    steps:\n"
                 "      - { id: one, uses: run, with: { argv: [do, one] } }\n"
                 "      - { id: calm, uses: wait, with: { for: 1h } }\n"
                 "      - { id: two, uses: run, with: { argv: [do, two] } }\n"
                 "  other:\n    steps:\n      - { uses: run, with: { argv: [do, other] } }\n");
  Ran w(yaml);
  const HandRequest request{"desktop", "mend", "because"};
  CHECK_FALSE(must(Playbooks(*w.open(), {}).run(request)).over);
  const auto other = Playbooks(*w.open(), {}).run({"desktop", "other", ""});
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().kind == ErrorKind::denied);
  w.fake.clock.advance(1h);
  SUBCASE("run again") {
    CHECK(must(Playbooks(*w.open(), {}).run({"desktop", "mend", "another reason"})).over);
    CHECK(w.ran == std::vector<std::string>{"one", "two"});
  }
  SUBCASE("resumed") {
    CHECK(must(w.resume({.by_hand = true})).over);
    CHECK(w.ran == std::vector<std::string>{"one", "two"});
  }
  SUBCASE("changed meanwhile: refused, and can be cancelled") {
    std::string changed = yaml;
    changed.replace(changed.find("[do, two]"), 9, "[do, bad]");
    w.app = must(spec::parse(changed)).apps[0];
    const auto refused = w.resume({.by_hand = true});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::verification);
    CHECK(w.ran == std::vector<std::string>{"one"});
    CHECK(must(w.resume({.by_hand = true, .cancel = true, .reason = "no more"})).over);
    CHECK(must(Playbooks(*w.open(), {}).show("desktop")).front().over);
    CHECK(must(Playbooks(*w.open(), {}).run({"desktop", "other", ""})).over);
  }
}

TEST_CASE("by hand nothing takes a release back that its rollout would go on with: stop and undo do") {
  Ran w(with_steps("      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"));
  const HandRequest request{"desktop", "rollback", "because"};
  const auto problem = [&] { return must(Playbooks(*w.open(), {}).plan(request)).steps[0].problem; };
  CHECK(problem().find("`tranche stop desktop --reason TEXT` takes release 1.1.0 back") != std::string::npos);
  const std::size_t entries = w.entries().size();
  const auto refused = Playbooks(*w.open(), {}).run(request);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::invalid);
  CHECK(refused.error().message.find("would go on around it") != std::string::npos);
  CHECK(w.entries().size() == entries);
  SUBCASE("done: undo takes it back") {
    REQUIRE(w.tick_until_final().state.phase == Phase::done);
    CHECK(problem().find("`tranche rollout undo desktop") != std::string::npos);
  }
  SUBCASE("taken back already: it may be run once more") {
    CHECK(w.stop().state.phase == Phase::rolled_back);
    CHECK(problem().empty());
    CHECK(must(Playbooks(*w.open(), {}).run(request)).over);
  }
}

TEST_CASE("resume says where the run is that it did not find") {
  Ran w(with_steps("      - { uses: channel.withdraw }\n",
                   "  mend:\n    steps:\n      - { uses: run, with: { argv: [do, one] } }\n"));
  const auto nothing = w.resume({});
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().hint.find("tranche playbook run NAME") != std::string::npos);
  CHECK(must(Playbooks(*w.open(), {}).run({"desktop", "mend", "x"})).over);
  CHECK(w.resume({}).error().hint == "one was run by hand: --by-hand");
}

TEST_CASE("a drill takes the release back on a scratch channel, and says who would have come back") {
  Ran w(
      with_steps("      - { uses: flag.set, with: { flag: agent-enabled, value: false } }\n"
                 "      - { uses: channel.withdraw }\n      - { uses: channel.fallback }\n"
                 "      - { id: tell, uses: http.request, with: { url: \"http://127.0.0.1:2/hook\", headers: "
                 "{ Authorization: \"env:TRANCHE_HOOK\" } } }\n"
                 "      - { uses: wait, with: { for: 48h } }\n"));
  w.fake.files.bytes["/tmp/.keep"] = "";
  w.fake.process.handler = [&](const ports::ProcessRequest& request) -> Result<ports::ProcessResult> {
    if (request.argv[0] == "mktemp") return ports::ProcessResult{0, "/tmp/tranche-drill\n", "", false};
    if (request.argv[0] == "rm")
      std::erase_if(w.fake.files.bytes,
                    [](const auto& file) { return file.first.starts_with("/tmp/tranche-drill"); });
    return ports::ProcessResult{0, "", "", false};
  };
  const auto before = w.visible();
  const auto requests = w.fake.http.requests.size();
  DrillReport report = must(drill(*w.open(), {"desktop", "", "", false}));
  CHECK(report.stopped);
  CHECK(report.all_back());
  REQUIRE(report.devices.size() == 1);
  CHECK(report.devices[0].feed == "tranche");
  CHECK(report.devices[0].to == "1.0.0");
  CHECK(report.steps[0].record.status == Status::done);
  CHECK(report.steps[1].sent);
  CHECK_FALSE(report.steps[3].sent);
  CHECK(report.steps[3].record.status == Status::failed);
  CHECK(report.steps[3].record.detail.find("env:TRANCHE_HOOK") != std::string::npos);
  CHECK_FALSE(report.all_done());
  CHECK(report.steps[4].record.detail == "not sent: waits 2d");
  w.fake.environ.values["TRANCHE_HOOK"] = "secret";
  report = must(drill(*w.open(), {"desktop", "rollback", "1.1.0", false}));
  CHECK(report.all_done());
  CHECK(report.all_back());
  CHECK(w.visible() == before);
  CHECK(w.fake.http.requests.size() == requests);
  for (const auto& [path, bytes] : w.fake.files.bytes) CHECK_FALSE(path.starts_with("/tmp/tranche-drill"));
}

TEST_CASE("a drill of a playbook that brings nobody back says so") {
  Ran w(with_steps("      - { uses: channel.withdraw }\n"));
  w.fake.files.bytes["/tmp/.keep"] = "";
  w.fake.process.handler = [](const ports::ProcessRequest&) -> Result<ports::ProcessResult> {
    return ports::ProcessResult{0, "/tmp/tranche-drill\n", "", false};
  };
  const DrillReport report = must(drill(*w.open(), {"desktop", "rollback", "", false}));
  CHECK(report.stopped);
  CHECK_FALSE(report.all_back());
  CHECK(report.devices[0].to.empty());
}
