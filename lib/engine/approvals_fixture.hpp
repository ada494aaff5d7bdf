// What the tests of approvals share: a rollout whose last stage asks people, and people with keys.
#pragma once

#include <doctest/doctest.h>

#include "actions/approvals.hpp"
#include "crypto/signer.hpp"
#include "crypto/ssh_key.hpp"
#include "engine_fixture.hpp"

namespace tranche::engine::testing {

inline std::unique_ptr<crypto::Signer> signer_of(char seed) {
  const auto key = must(crypto::SecretKey::from_seed(Secret(std::string(32, seed))));
  return must(crypto::signer_from_pem(key.to_pem(), Secret()));
}
inline std::string line_of(char seed, const std::string& name) {
  return must(crypto::to_ssh_line({signer_of(seed)->public_key(), "", name}));
}

// A rollout whose last stage asks people. Releases and rollouts are made by ana@example.org.
struct ApprovalScene {
  AppWorld app;
  rollout::Plan plan;
  rollout::State state;
  std::unique_ptr<actions::Deck> deck;
  std::size_t stage = 2;

  explicit ApprovalScene(int quorum = 1, const std::string& except = "") {
    app.build_and_create("1.1.0");
    const engine::Report report = must(app.start("1.1.0"));
    plan = report.plan;
    state = report.state;
    spec::People people;
    people.name = "managers";
    people.keys = {line_of('1', "ana@laptop"), line_of('2', "bo@example.org"),
                   line_of('3', "cy@example.org")};
    people.quorum = quorum;
    people.except = except;
    plan.config.people = {people};
    plan.config.rollouts[0].stages[2].approval = "managers";
    deck = app.open();
  }
  Instant now() { return app.fake.clock.now(); }
  actions::Request request() { return must(actions::stage_request(plan, state, stage)); }
  actions::Standing standing() { return must(actions::standing(*deck, plan.config, request(), now())); }
  signing::Approval approval(const std::string& by, bool approves = true) {
    return must(actions::make_approval(plan.config, request(), by, now(), approves, approves ? "" : "no"));
  }
  static std::string sign(const signing::Approval& approval, char seed) {
    return must(signing::sign_approval(must(signing::to_payload(approval)), *signer_of(seed)));
  }
  Result<actions::Accepted> check(const std::string& document) {
    return actions::check_approval(*deck, plan.config, request(), document, now());
  }
  // As the command does it.
  Result<> give(const std::string& document) {
    const auto accepted = TRY(check(document));
    if (accepted.again) return {};
    TRY(deck->append({TRY(actions::approval_draft(*deck, request(), document, accepted))}));
    return {};
  }
  // Whoever holds the journal's key writes what they like.
  void force(const std::string& document) {
    const auto draft =
        must(actions::approval_draft(*deck, request(), document, {"somebody", approval("somebody"), false}));
    must(deck->append({draft}));
  }
  Error refused(const std::string& document) {
    const auto accepted = check(document);
    REQUIRE_FALSE(accepted.has_value());
    return accepted.error();
  }
};

}  // namespace tranche::engine::testing
