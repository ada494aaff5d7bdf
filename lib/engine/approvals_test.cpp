// Approvals against a real journal: who counts, what for, and until when.
#include "actions/approvals.hpp"

#include <doctest/doctest.h>

#include "approvals_fixture.hpp"

using namespace tranche;
using namespace tranche::engine::testing;

namespace {

using Scene = ApprovalScene;

}  // namespace

TEST_CASE("a stage waits for its people, with the command that helps, and one signature is enough") {
  Scene scene;
  actions::Standing standing = scene.standing();
  CHECK_FALSE(standing.met);
  CHECK(standing.wanted == 1);
  CHECK(scene.request().id == scene.state.id + ":stage-3");
  CHECK(standing.why ==
        "people 'managers' have yet to approve stage 3 '100%' of rollout 'desktop', release 1.1.0 (0 of 1): "
        "tranche approve " +
            scene.state.id + ":stage-3");
  must(scene.give(Scene::sign(scene.approval("Bo <bo@example.org>"), '2')));
  standing = scene.standing();
  CHECK(standing.met);
  CHECK(standing.given == 1);
  CHECK(standing.by == std::vector<std::string>{"bo@example.org"});
  CHECK(standing.expires == scene.now() + 24h * 7);
}

TEST_CASE("a quorum counts people: the same person twice is one, a second person is two") {
  Scene scene(2);
  must(scene.give(Scene::sign(scene.approval("bo"), '2')));
  scene.app.fake.clock.advance(1s);
  const std::string again = Scene::sign(scene.approval("bo"), '2');
  CHECK(must(scene.check(again)).again);
  scene.force(again);
  actions::Standing standing = scene.standing();
  CHECK(standing.given == 1);
  CHECK_FALSE(standing.met);
  CHECK(standing.why.find("people 'managers' have yet to approve") == 0);
  CHECK(standing.why.find("(1 of 2: bo@example.org)") != std::string::npos);
  must(scene.give(Scene::sign(scene.approval("cy"), '3')));
  standing = scene.standing();
  CHECK(standing.met);
  CHECK(standing.by == std::vector<std::string>{"bo@example.org", "cy@example.org"});
}

TEST_CASE("what does not count is refused with its reason, and does not count when it is in the journal") {
  struct Case {
    const char* what;
    std::function<std::string(Scene&)> document;
    ErrorKind kind;
    const char* message;
  };
  const auto changed = [](const std::function<void(signing::Approval&)>& change) {
    return [change](Scene& scene) {
      signing::Approval approval = scene.approval("bo");
      change(approval);
      return Scene::sign(approval, '2');
    };
  };
  const Case cases[] = {
      {"a stranger", [](Scene& s) { return Scene::sign(s.approval("eve"), '9'); }, ErrorKind::denied,
       "is not among people 'managers'"},
      {"the journal's own key", [](Scene& s) { return Scene::sign(s.approval("cron"), 'j'); },
       ErrorKind::denied, "is not among people 'managers'"},
      {"other content", changed([](auto& a) { a.digest = std::string(64, 'a'); }), ErrorKind::denied,
       "is for other content: digest aaaaaaaaaaaa"},
      {"another stage", changed([](auto& a) { a.id.back() = '2'; }), ErrorKind::denied, ":stage-2 of app"},
      {"another rollout", changed([](auto& a) { a.rollout = "other"; }), ErrorKind::denied, "is for "},
      {"another app", changed([](auto& a) { a.app = "other"; }), ErrorKind::denied, "of app 'other'"},
      {"another release", changed([](auto& a) { a.release = "9.9.9"; }), ErrorKind::denied, "is for "},
      {"expired", changed([](auto& a) {
         a.at -= 48h;
         a.expires = a.at + 24h;
       }),
       ErrorKind::denied, "expired at 2025-12-31"},
      {"longer than people's approvals hold", changed([](auto& a) {
         a.at -= 24h * 8;
         a.expires += 24h * 8;
       }),
       ErrorKind::denied, "expired at"},
      {"from the future", changed([](auto& a) { a.at += 1h; }), ErrorKind::denied, "yet to come"},
      {"changed after signing",
       [](Scene& s) {
         const std::string good = Scene::sign(s.approval("bo"), '2');
         doc::Value document = must(doc::parse_json(good));
         signing::Approval other = s.approval("bo");
         other.reason = "changed";
         document.set("payload", to_base64(must(signing::to_payload(other))));
         return doc::to_json(document);
       },
       ErrorKind::verification, "the signature of key "},
      {"an environment's word, from a file",
       [](Scene& s) {
         return must(signing::with_environment(must(signing::to_payload(s.approval("ci"))),
                                               doc::Value::object({{"issuer", "https://x"}})));
       },
       ErrorKind::denied, "only where its token was looked at"},
      {"no JSON", [](Scene&) { return std::string("yes"); }, ErrorKind::verification, "is no JSON map"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    Scene scene;
    const std::string document = one.document(scene);
    const Error error = scene.refused(document);
    CHECK(error.kind == one.kind);
    CHECK_MESSAGE(error.message.find(one.message) != std::string::npos, error.message);
    CHECK_FALSE(error.hint.empty());
    scene.force(document);
    const actions::Standing standing = scene.standing();
    CHECK_FALSE(standing.met);
    CHECK(standing.given == 0);
    CHECK_MESSAGE(standing.why.find("does not count: entry ") != std::string::npos, standing.why);
  }
}

TEST_CASE("an approval runs out, and is worth nothing afterwards") {
  Scene scene;
  must(scene.give(Scene::sign(scene.approval("bo"), '2')));
  scene.app.fake.clock.advance(24h * 7 - 1s);
  CHECK(scene.standing().met);
  scene.app.fake.clock.advance(1s);
  const actions::Standing standing = scene.standing();
  CHECK_FALSE(standing.met);
  CHECK(standing.why.find("expired at 2026-01-08") != std::string::npos);
}

TEST_CASE(
    "nobody approves their own release: by the key's comment, the name they sign with, or when the "
    "author is not known") {
  SUBCASE("the key says it: ana@laptop is ana@example.org") {
    Scene scene(1, "author");
    const Error error = scene.refused(Scene::sign(scene.approval("unknown"), '1'));
    CHECK(error.kind == ErrorKind::denied);
    CHECK(error.message.find("nobody approves their own release") != std::string::npos);
    must(scene.give(Scene::sign(scene.approval("Bo <bo@example.org>"), '2')));
    CHECK(scene.standing().met);
  }
  SUBCASE("the machine says it: bo's key in ana's hands") {
    Scene scene(1, "author");
    CHECK(scene.refused(Scene::sign(scene.approval("Ana <ana@example.org>"), '2')).kind == ErrorKind::denied);
  }
  SUBCASE("without the rule, ana may") {
    Scene scene;
    must(scene.give(Scene::sign(scene.approval("Ana <ana@example.org>"), '1')));
    CHECK(scene.standing().met);
  }
  SUBCASE("an author who is not known is everybody") {
    Scene scene(1, "author");
    actions::Request request = scene.request();
    CHECK(must(actions::find_authors(*scene.deck, request)) ==
          std::vector<std::string>{"ana@example.org", "ana@example.org"});
    const auto refused = [&] {
      const auto accepted = actions::check_approval(*scene.deck, scene.plan.config, request,
                                                    Scene::sign(scene.approval("bo"), '2'), scene.now());
      REQUIRE_FALSE(accepted.has_value());
      CHECK(accepted.error().kind == ErrorKind::denied);
      CHECK(accepted.error().message.find("is not known") != std::string::npos);
    };
    request.manifest_sha256 = std::string(64, '0');
    refused();
    auto nobody = must(actions::Deck::open(scene.app.world, "/repo", scene.app.app, "unknown"));
    journal::Draft anonymous;
    anonymous.kind = "rollout.planned";
    request = scene.request();
    request.author_entries.push_back(must(nobody->append({anonymous}))[0].index);
    scene.deck = scene.app.open();
    refused();
  }
}

TEST_CASE("one no stands against every yes, until the same person says yes") {
  Scene scene;
  must(scene.give(Scene::sign(scene.approval("bo"), '2')));
  must(scene.give(Scene::sign(scene.approval("cy", false), '3')));
  actions::Standing standing = scene.standing();
  CHECK(standing.rejected);
  CHECK_FALSE(standing.met);
  CHECK(standing.why.find("'cy@example.org' rejected stage 3") == 0);
  scene.app.fake.clock.advance(1s);
  must(scene.give(Scene::sign(scene.approval("cy"), '3')));
  CHECK(scene.standing().met);
  CHECK(scene.standing().given == 2);
}

TEST_CASE("no answer is forgotten: whoever changes their mind a thousand times does not push out a no") {
  Scene scene;
  must(scene.give(Scene::sign(scene.approval("cy", false), '3')));
  for (int i = 0; i < 300; ++i) {
    scene.app.fake.clock.advance(1s);
    must(scene.give(Scene::sign(scene.approval("bo", i % 2 == 1), '2')));
  }
  CHECK(scene.standing().rejected);
  CHECK(must(actions::answers_on_record(*scene.deck, scene.request())).size() == 2);
  // Those of another run of the rollout say nothing of this one.
  scene.state.id = "desktop/1.1.0/99";
  must(scene.give(Scene::sign(scene.approval("bo"), '2')));
  CHECK(must(actions::answers_on_record(*scene.deck, scene.request())).size() == 1);
}

TEST_CASE("more answers than an entry can point at are refused, and none is forgotten") {
  Scene scene;
  Error error;
  int given = 0;
  for (; given < 1'000; ++given) {
    const auto draft = actions::approval_draft(*scene.deck, scene.request(), "nobody's",
                                               {"somebody", scene.approval("somebody"), false});
    if (!draft) {
      error = draft.error();
      break;
    }
    must(scene.deck->append({*draft}));
  }
  CHECK(given == 200);
  CHECK(error.kind == ErrorKind::denied);
  CHECK(error.message.find("200 answers to desktop/1.1.0/") == 0);
}

TEST_CASE("an amended plan, another hold and another run are asked anew") {
  Scene scene;
  const std::string stage = scene.request().digest;
  const actions::Request resume = *must(actions::resume_request(scene.plan, [&] {
    rollout::State state = scene.state;
    state.stage = 2;
    return state;
  }()));
  CHECK(resume.id == scene.state.id + ":resume");
  rollout::State later = scene.state;
  later.stage = 2;
  later.changed += 1s;
  CHECK(must(actions::resume_request(scene.plan, later))->digest != resume.digest);
  CHECK_FALSE(must(actions::resume_request(scene.plan, scene.state)).has_value());
  must(scene.give(Scene::sign(scene.approval("bo"), '2')));
  scene.state.plan_digest = std::string(64, '0');
  CHECK(scene.request().digest != stage);
  CHECK_FALSE(scene.standing().met);

  actions::StepQuestion question{"desktop",
                                 scene.state.id,
                                 "1.1.0",
                                 scene.state.id + "/playbook",
                                 "rollback",
                                 "4-approval",
                                 std::string(64, '1'),
                                 "managers",
                                 ""};
  const actions::Request first = must(actions::step_request(*scene.deck, scene.plan.config, question));
  CHECK(first.id == scene.state.id + ":playbook/4-approval");
  question.run += "-2";
  CHECK(must(actions::step_request(*scene.deck, scene.plan.config, question)).digest != first.digest);
}

TEST_CASE("a plan freezes keys, not the paths of keys; a key of a role is nobody's") {
  AppWorld app;
  app.fake.files.bytes["/repo/keys/bo.pub"] = signer_of('2')->public_key().to_pem();
  app.fake.files.bytes["/repo/keys/cy.pub"] = line_of('3', "cy@example.org") + "\n";
  spec::People people;
  people.name = "managers";
  people.keys = {"keys/bo.pub", "keys/cy.pub"};
  app.app.people = {people};
  app.build_and_create("1.1.0");
  const engine::Report report = must(app.start("1.1.0"));
  REQUIRE(report.plan.config.people.size() == 1);
  CHECK(report.plan.config.people[0].keys ==
        std::vector<std::string>{line_of('2', "bo"), line_of('3', "cy@example.org")});
  // What is frozen reads back as it was.
  CHECK(app.status().plan.config.people[0].keys == report.plan.config.people[0].keys);

  app.app.people[0].keys.push_back("keys/journal.pub");
  const auto refused = actions::frozen_people(*app.open());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::invalid);
  CHECK(refused.error().message ==
        "the key of 'journal' among people 'managers' stands under trust: journal too");
}
