// What the tests of actions on web services share: a deck over a world of memory with one rollout in its
// journal, and a service behind the fake Http port that is told how to answer.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actions/action.hpp"
#include "base/text.hpp"
#include "rollout/state.hpp"
#include "support/fake_world.hpp"

namespace tranche::actions::testing {

inline constexpr const char* service_yaml = R"(
version: 1
app: notes-agent
artifacts: ["dist/*-{version}.exe"]
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: env:TRANCHE_RELEASE_KEY, feed: env:TRANCHE_FEED_KEY, journal: env:TRANCHE_JOURNAL_KEY }
state: dir:state
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
gates:
  crashes: { kind: compare, source: fleet, events: crashes, exposure: sessions }
rollouts:
  desktop: { channel: stable, stages: [{ percent: 5, gates: [crashes] }, { percent: 100 }] }
)";

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

class ServiceWorld {
 public:
  using Answer = ports::HttpResponse;

  // `real`: requests go out there instead of to `answer`.
  explicit ServiceWorld(ports::Http* real = nullptr)
      : world{fake.clock,  real == nullptr ? static_cast<ports::Http&>(fake.http) : *real,
              fake.files,  fake.process,
              fake.random, fake.environ,
              fake.console} {
    const spec::App app = must(spec::parse(service_yaml)).apps[0];
    for (const auto& [role, variable] :
         {std::pair{"release", "TRANCHE_RELEASE_KEY"}, std::pair{"feed", "TRANCHE_FEED_KEY"},
          std::pair{"journal", "TRANCHE_JOURNAL_KEY"}}) {
      const auto key = must(crypto::SecretKey::from_seed(Secret(std::string(32, role[0]))));
      fake.files.bytes[fmt::format("/repo/keys/{}.pub", role)] = crypto::to_pem(key.public_key());
      fake.environ.values[variable] = std::string(key.to_pem().expose());
    }
    fake.environ.values["HOME"] = "/home/ana";
    for (const char* name : {"GITHUB_TOKEN", "GITLAB_TOKEN", "LAUNCHDARKLY_TOKEN", "PAGER", "TOKEN"})
      fake.environ.values[std::string("TRANCHE_") + name] = secret;
    fake.environ.values["TRANCHE_WEBHOOK"] = "https://hooks.slack.example/services/" + secret;
    deck = must(Deck::open(world, "/repo", app, "ana@example.org"));
    plan.app = "notes-agent";
    plan.channel = "stable";
    plan.rollout = "desktop";
    plan.release = "1.2.0";
    plan.baseline = "1.1.0";
    plan.config = app;
    plan.stages = {{"5%", {}, true, {}, {"crashes"}}, {"100%", {}, false, {}, {}}};
    rollout::State state = rollout::begin(plan, std::string(64, 'a'), 0, fake.clock.now());
    state.id = rollout_id;
    state.phase = rollout::Phase::rolling_back;
    journal::Draft draft;
    draft.kind = "rollout.started";
    draft.subject = deck->rollout_subject("desktop");
    draft.state = rollout::to_value(state);
    must(deck->append({draft}));
    fake.http.handler = [this](const ports::HttpRequest& request) -> Result<Answer> {
      if (answer) return answer(request);
      return fail(ErrorKind::failed, "cannot {} '{}': refused", request.method, request.url);
    };
  }
  ServiceWorld(const ServiceWorld&) = delete;
  ServiceWorld& operator=(const ServiceWorld&) = delete;

  // `with`: JSON.
  Call call(const std::string& uses, const std::string& with,
            const std::string& reason = "gate crashes failed") {
    step.uses = uses;
    step.with = must(doc::parse_json(with));
    return {plan, step, rollout_id, rollout_id + "/playbook/1-" + uses, {"ana", reason}, {}, {}};
  }
  Result<Outcome> perform(const std::string& uses, const std::string& with) {
    return perform(call(uses, with));
  }
  Result<Outcome> perform(const Call& one) { return find_action(one.step.uses)->perform(*deck, one); }
  Result<Asked> ask(const std::string& uses, const std::string& with) {
    const Call one = call(uses, with);
    return find_action(uses)->ask(*deck, one);
  }
  // Everything an error says.
  static std::string all_words(const Error& error) {
    std::string out = error.message + "\n" + error.hint;
    for (const std::string& doing : error.while_doing) out += "\n" + doing;
    return out;
  }
  std::vector<ports::HttpRequest>& requests() { return fake.http.requests; }
  static doc::Value json(const std::string& text) { return must(doc::parse_json(text)); }
  doc::Value body(std::size_t request) { return json(requests().at(request).body); }
  std::string header(std::size_t request, std::string_view name) {
    for (const auto& [key, value] : requests().at(request).headers)
      if (key == name) return value;
    return {};
  }
  std::string secret_header(std::size_t request, std::string_view name) {
    for (const auto& [key, value] : requests().at(request).secret_headers)
      if (key == name) return std::string(value.expose());
    return {};
  }

  support::FakeWorld fake;
  ports::World world;
  std::string secret = "hush/hush+1234";
  std::string rollout_id = "desktop/1.2.0/0";
  rollout::Plan plan;
  spec::Step step;
  std::unique_ptr<Deck> deck;
  std::function<Result<Answer>(const ports::HttpRequest&)> answer;
};

}  // namespace tranche::actions::testing
