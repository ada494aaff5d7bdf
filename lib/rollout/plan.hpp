// The frozen plan: everything a rollout will do, resolved, before it touches a device. PURE.
//
// `rollout start` writes it into the journal; from then on only the plan counts, edits to tranche.yaml change
// nothing. It embeds the effective configuration in the grammar of tranche.yaml, so that any runner continues
// from the journal alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/time.hpp"
#include "cohort/decide.hpp"
#include "doc/value.hpp"
#include "spec/spec.hpp"

namespace tranche::rollout {

struct PlannedStage {
  std::string name;         // "pilot", "5%"
  cohort::Rule rule;        // what this stage adds; exposure at stage k is the union of rules 0..k
  bool randomised = false;  // a percent below 100: has a control arm
  DurationRange bake;
  std::vector<std::string> gates;
};

struct Plan {
  std::string app, channel, rollout;
  std::string release, manifest_sha256;
  std::string baseline;  // the channel's baseline when frozen; empty: there is none
  // Prepared before the start for clients that cannot go down: the old code under a higher version; or empty.
  std::string fallback, fallback_sha256;
  std::string salt;
  std::vector<PlannedStage> stages;
  std::vector<std::string> warnings;
  // Public keys by role as trust: had them, "feed" → base64 of 32 bytes each: whoever stops the rollout has
  // no checkout to read them from. Empty in plans of an older tranche.
  std::map<std::string, std::vector<std::string>> trust_keys;
  spec::App config;
  [[nodiscard]] const spec::Rollout& spec() const;  // config's rollout of that name
};

struct PlanInput {
  std::string rollout;
  std::string release, manifest_sha256;
  cohort::Directions current;  // what the channel says now
  bool accept_no_way_back = false;
  std::string fallback, fallback_sha256;  // of a release made with --fallback-for this one; or empty
  std::string salt{};                     // of the rollout that it goes on with; empty: its own
  std::string supersedes{};  // the release that is being offered and that this one takes over from
};
// kind invalid: unknown rollout, not supported yet (all of it listed), release withdrawn or already the
// baseline, stages that shrink, no way back and not accepted.
Result<Plan> make_plan(const spec::App& app, const PlanInput& input);

// The gate's conditions, or its Argo template, can be read; kind invalid at the gate's place or at that of
// the template otherwise.
Result<> check_conditions(const spec::App& app, const spec::Gate& gate);

doc::Value to_value(const Plan& plan);
Result<Plan> plan_from_value(const doc::Value& value);
// Hex SHA-256 of the canonical JSON. Of a frozen plan: of the document as it stands in the journal, which
// another version of tranche may have written with fewer keys.
Result<std::string> plan_digest(const doc::Value& document);
Result<std::string> plan_digest(const Plan& plan);

// The rules of exposure at a stage, broadest last, ready for the feed.
std::vector<cohort::Rule> rules_at(const Plan& plan, std::size_t stage);
// Share of unlabelled devices that the rules reach by percentage alone (cohort rules add their members on
// top).
Percent share_at(const Plan& plan, std::size_t stage);
// What carries the releases of a rollout: "on channel 'stable'", "by target 'gitops'".
std::string carrier_text(const spec::Rollout& rollout);
// Whom the stage adds, in words: "all of pilot", "20% of eu", "5%".
std::string reach_text(const Plan& plan, std::size_t stage);

}  // namespace tranche::rollout
