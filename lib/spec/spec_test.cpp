// Files that load: the whole grammar of PRODUCT.md, the shortest file with its defaults, and the way back.
#include "spec/spec.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/render_error.hpp"
#include "spec/examples_for_test.hpp"
#include "spec/warnings.hpp"

using namespace tranche;
using namespace tranche::spec;

namespace {

App load_one(std::string_view yaml) {
  auto parsed = parse(yaml);
  if (!parsed) FAIL(render_error(parsed.error(), false));
  REQUIRE(parsed->apps.size() == 1);
  return parsed->apps.front();
}

std::set<std::string> what(const std::vector<Unsupported>& list) {
  std::set<std::string> out;
  for (const Unsupported& one : list) out.insert(one.what);
  return out;
}

}  // namespace

TEST_CASE("the full example of the design loads") {
  const App app = load_one(full_example);
  CHECK(app.name == "notes-agent");
  REQUIRE(app.artifacts.size() == 3);
  CHECK(app.artifacts[0].platform == "linux/amd64");
  CHECK(app.artifacts[1].kind == "electron-builder");
  CHECK(app.artifacts[2].image == "images.example/notes@{digest}");
  CHECK(app.trust.root == std::vector<std::string>{"keys/root.pub"});
  CHECK(app.signing.feed == "env:TRANCHE_FEED_KEY");
  REQUIRE(app.people.size() == 1);
  CHECK(app.people[0].keys.size() == 2);
  CHECK(app.people[0].except == "author");
  CHECK(app.state.kind == State::Kind::git);
  CHECK(app.state.remote == "origin");
  CHECK(app.state.token == "env:TRANCHE_GIT_TOKEN");
  REQUIRE(app.channel("stable") != nullptr);
  CHECK(app.channel("stable")->store == StoreRef{StoreRef::Kind::s3, "acme-updates/stable"});
  CHECK(app.channel("stable")->client("electron").allow_downgrade == false);
  CHECK(app.cohort("eu")->match.at("region") == std::vector<std::string>{"de", "fr", "nl"});
  CHECK(app.cohort("pilot")->feed_channel == "pilot");
  CHECK(app.cohort("bank")->hold == "1.1");
  CHECK(app.gate("crashes")->kind == Gate::Kind::compare);
  CHECK(app.gate("crashes")->margin == 1.5);
  CHECK(app.gate("crashes")->false_rollback == 0.01);
  CHECK(app.gate("latency")->kind == Gate::Kind::threshold);
  CHECK(app.gate("latency")->failure_limit == 2);
  const Rollout* rollout = app.rollout("desktop");
  REQUIRE(rollout != nullptr);
  REQUIRE(rollout->stages.size() == 5);
  CHECK(rollout->stages[0].name == "pilot");
  CHECK(rollout->stages[1].name == "5%");
  CHECK(rollout->stages[2].name == "eu 20%");
  CHECK(rollout->stages[0].bake == DurationRange{std::chrono::hours(24), std::chrono::hours(72)});
  CHECK(rollout->stages[4].approval == "release-managers");
  CHECK(rollout->after_rollout == "backend");
  CHECK(rollout->require.size() == 3);
  const Playbook* playbook = app.playbook("rollback");
  REQUIRE(playbook != nullptr);
  REQUIRE(playbook->steps.size() == 5);
  CHECK(playbook->steps[0].id == "1-flag.set");
  CHECK(playbook->steps[3].retry.attempts == 5);
  CHECK(playbook->steps[3].timeout == std::chrono::seconds(30));
  CHECK(app.flag("agent-enabled")->kill_switch);
}

TEST_CASE("what the full example asks for beyond this build is listed") {
  const App app = load_one(full_example);
  const auto missing = unsupported(app, app.rollouts.front());
  CHECK(what(missing) == std::set<std::string>{"artifact image 'images.example/notes@{digest}'"});
  for (const Unsupported& one : missing) CHECK(one.place.line > 0);
}

TEST_CASE("the false-rollback sum counts each compare gate once") {
  const App app = load_one(full_example);
  CHECK(false_rollback_sum(app, app.rollouts.front()) == doctest::Approx(0.01));
  CHECK(unbounded_gates(app, app.rollouts.front()) == std::vector<std::string>{"latency"});
}

TEST_CASE("the shortest file means what its defaults spell out") {
  const App app = load_one(shortest_example);
  CHECK(doc::to_json_pretty(to_value(app)) == shortest_golden);
  CHECK(unsupported(app, app.rollouts.front()).empty());
}

TEST_CASE("a pilot cohort becomes the first default stage, without comparisons") {
  const App app =
      load_one(std::string(shortest_example) + "cohorts: { pilot: { match: { ring: pilot } } }\n");
  const Rollout& rollout = app.rollouts.front();
  REQUIRE(rollout.stages.size() == 5);
  CHECK(rollout.stages[0].name == "pilot");
  CHECK(rollout.stages[0].gates.empty());
  CHECK(rollout.stages[1].gates == std::vector<std::string>{"crashes"});
  CHECK(rollout.stages[4].gates.empty());
}

TEST_CASE("a serve source brings counters, not queries") {
  const App app = load_one(
      "version: 1\napp: a\nchannels: { stable: { store: \"dir:s\" } }\n"
      "sources: { fleet: { serve: \"http://127.0.0.1:8088\" } }\n");
  REQUIRE(app.gate("crashes") != nullptr);
  CHECK(app.gate("crashes")->events == "crashes");
  CHECK(app.gate("crashes")->exposure == "sessions");
  CHECK(app.source("fleet")->kind == Source::Kind::serve);
  CHECK(unsupported(app, app.rollouts.front()).empty());
}

TEST_CASE("without a source stages have no gates, and a warning says so") {
  const App app = load_one("version: 1\napp: a\nchannels: { stable: { store: \"dir:s\" } }\n");
  CHECK(app.gates.empty());
  const auto list = warnings(app);
  REQUIRE(list.size() == 3);
  CHECK(list[0].message == "stage '5%' of rollout 'stable' has no gate: only its bake time holds it");
}

TEST_CASE("each channel without rollouts gets one of its name") {
  const App app = load_one(
      "version: 1\napp: a\nchannels: { stable: { store: \"dir:s\" }, beta: { store: \"dir:b\" } }\n");
  REQUIRE(app.rollouts.size() == 2);
  CHECK(app.rollouts[0].name == "stable");
  CHECK(app.rollouts[1].channel == "beta");
}

TEST_CASE("keys at the top are shared by the apps that lack their own") {
  auto parsed = parse(R"(version: 1
state: "dir:state"
sources: { fleet: { serve: "http://127.0.0.1:1" } }
flags: { on: { default: true } }
apps:
  desktop: { channels: { stable: { store: "dir:d" } }, state: "dir:other" }
  backend: { channels: { prod: { store: "dir:b" } }, flags: {} }
)");
  if (!parsed) FAIL(render_error(parsed.error(), false));
  REQUIRE(parsed->apps.size() == 2);
  CHECK(parsed->app("desktop")->state.path == "other");
  CHECK(parsed->app("backend")->state.path == "state/backend");  // two logs in one place
  CHECK(parsed->app("desktop")->flag("on") != nullptr);
  CHECK(parsed->app("backend")->flag("on") == nullptr);
  CHECK(parsed->app("backend")->rollouts.front().name == "prod");
  CHECK(parsed->app("nobody") == nullptr);
}

TEST_CASE("the effective app written out is read back equal") {
  for (const std::string_view yaml : round_trip_examples()) {
    INFO(yaml);
    const App app = load_one(yaml);
    const doc::Value written = to_value(app);
    auto again = from_value(written);
    if (!again) FAIL(render_error(again.error(), false));
    CHECK(doc::to_json(to_value(*again)) == doc::to_json(written));
    // Through text as well, as a frozen plan travels.
    auto text = doc::parse_json(doc::to_json(written));
    REQUIRE(text.has_value());
    auto third = from_value(*text);
    REQUIRE(third.has_value());
    CHECK(doc::to_json(to_value(*third)) == doc::to_json(written));
  }
}

TEST_CASE("a file of gates alone needs neither source nor query") {
  auto gates =
      parse_gates("version: 1\ngates: { g: { kind: compare, worse-than: 2x, margin: 3 } }\n", "gates.yaml");
  if (!gates) FAIL(render_error(gates.error(), false));
  REQUIRE(gates->size() == 1);
  CHECK(gates->front().worse_than == 2.0);
  auto other = parse_gates("version: 1\napp: a\ngates: { g: {} }\n", "gates.yaml");
  REQUIRE(!other.has_value());
  CHECK(other.error().message == "unknown key 'app'");
}

TEST_CASE("a statistic is a word, a quantile its p") {
  const auto read = [](const std::string& word) {
    return parse_gates("version: 1\ngates: { g: { kind: compare, statistic: " + word + " } }\n",
                       "gates.yaml");
  };
  const std::vector<std::pair<std::string, double>> quantiles{
      {"p50", 0.5}, {"p95", 0.95}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"p99.05", 0.9905}};
  for (const auto& [word, quantile] : quantiles) {
    CAPTURE(word);
    const auto gates = read(word);
    REQUIRE(gates.has_value());
    CHECK(gates->front().statistic == Gate::Statistic::quantile);
    CHECK(gates->front().quantile == doctest::Approx(quantile));
  }
  CHECK(read("rate")->front().statistic == Gate::Statistic::rate);
  CHECK(read("proportion")->front().statistic == Gate::Statistic::proportion);
  CHECK(read("mean")->front().statistic == Gate::Statistic::mean);
  for (const char* word : {"p49", "p100", "p9", "p", "p99.999", "p99x", "median", "95", "[]"}) {
    CAPTURE(word);
    const auto gates = read(word);
    REQUIRE_FALSE(gates.has_value());
    CHECK_FALSE(gates.error().hint.empty());
  }
}

TEST_CASE("stores are read and written") {
  CHECK(parse_store_ref("dir:a/b").value() == StoreRef{StoreRef::Kind::dir, "a/b"});
  CHECK(to_text(parse_store_ref("s3://b/p").value()) == "s3://b/p");
  CHECK(to_text(parse_store_ref("git:feeds").value()) == "git:feeds");
  CHECK(!parse_store_ref("ftp://x").has_value());
  CHECK(!parse_store_ref("dir:").has_value());
}

TEST_CASE("the schema names every key and refuses others") {
  const doc::Value schema = json_schema();
  CHECK(schema.find("additionalProperties")->as_bool() == false);
  for (const char* key : {"version", "app", "apps", "include", "artifacts", "sbom", "vulnerabilities",
                          "behaviour", "trust", "signing", "people", "state", "channels", "cohorts",
                          "sources", "gates", "rollouts", "playbooks", "flags"}) {
    INFO(key);
    const doc::Value* property = schema.find("properties")->find(key);
    REQUIRE(property != nullptr);
    CHECK(property->find("description") != nullptr);
  }
  const doc::Value* stage = schema.find("$defs")->find("stage");
  REQUIRE(stage != nullptr);
  CHECK(stage->find("properties")->find("bake")->find("default")->as_string() == "6h..1d");
  CHECK(stage->find("additionalProperties")->as_bool() == false);
}
