// A gate that passed is worth showing to others: a SLSA verification summary, signed with the journal's key,
// that says which artifacts passed which gate of which frozen plan. It lies in the state store beside the
// journal, whose entry holds its digest; the name holds it too, so that two runners never write over each
// other.
#include "actions/releases.hpp"
#include "attest/predicates.hpp"
#include "base/encoding.hpp"
#include "crypto/digest.hpp"
#include "engine/engine.hpp"
#include "signing/dsse.hpp"
#include "sigstore/bundle.hpp"

namespace tranche::engine {
namespace {

constexpr std::string_view passed_level = "TRANCHE_GATE_PASSED";

// The stage ends here: its next exposure, or the end, is decided.
bool ends_stage(const rollout::State& before, const rollout::State& after) {
  if (before.pending || !after.pending) return false;
  return after.pending->kind == rollout::EffectKind::finish ||
         (after.pending->kind == rollout::EffectKind::expose && after.pending->stage > after.stage);
}

Result<std::string> summary_payload(const rollout::Plan& plan, const rollout::State& state,
                                    const std::string& gate, const artifact::Manifest& manifest) {
  const attest::VerificationSummary summary{
      .verifier = fmt::format("urn:tranche:rollout:{}:{}", plan.app, plan.rollout),
      .verified = state.changed,
      .resource = fmt::format("pkg:generic/{}@{}", percent_encode(plan.app), percent_encode(plan.release)),
      .policy = {.uri = fmt::format("urn:tranche:gate:{}:{}", state.stage + 1, gate),
                 .sha256 = state.plan_digest},
      .inputs = {{.uri = "urn:tranche:release-manifest", .sha256 = plan.manifest_sha256}},
      .passed = true,
      .levels = {std::string(passed_level)},
      .slsa_version = "1.0"};
  attest::Statement statement;
  statement.predicate_type = attest::vsa_type;
  statement.predicate = TRY(attest::to_predicate(summary));
  for (const artifact::Artifact& artifact : manifest.artifacts)
    statement.subjects.push_back({artifact.name, {{"sha256", artifact.sha256}}});
  return attest::to_payload(statement);
}

Result<std::string> sealed_bundle(const std::string& payload, const crypto::Ed25519Signer& key) {
  std::string signature =
      TRY(key.sign_message(signing::pre_authentication_encoding(attest::in_toto_type, payload)));
  sigstore::Bundle bundle;
  const std::string id = crypto::key_id(key.public_key());
  bundle.public_key_hint = id;
  bundle.envelope =
      sigstore::BundleEnvelope{payload, std::string(attest::in_toto_type), std::move(signature), id};
  return sigstore::to_json(bundle);
}

}  // namespace

Result<doc::Value> Engine::leave_summaries(const Loaded& loaded, const rollout::State& next) {
  doc::Value entries = doc::Value::array();
  const rollout::Plan& plan = loaded.plan;
  if (!ends_stage(loaded.state, next)) return entries;
  store::Publication publication;
  std::optional<actions::StoredRelease> release;
  for (const std::string& name : plan.stages[next.stage].gates) {
    const spec::Gate* gate = plan.config.gate(name);
    const auto memory = next.gates.find(name);
    if (gate == nullptr || gate->dry_run || memory == next.gates.end() ||
        memory->second.verdict != gate::Verdict::pass)
      continue;
    if (!release) release = TRY(actions::load_release(deck_, plan.release));
    const std::string payload = TRY(summary_payload(plan, next, name, release->manifest));
    const std::string bytes = TRY(sealed_bundle(payload, *TRY(deck_.journal_key())));
    const std::string digest = crypto::to_hex(crypto::sha256(bytes));
    const std::string file = fmt::format("summaries/{}/{}/{}-{}-{}.sigstore.json", plan.app, next.id,
                                         next.stage + 1, name, digest.substr(0, 12));
    publication.files.push_back({file, bytes, {}});
    entries.push(doc::Value::object({{"gate", name},
                                     {"stage", static_cast<std::int64_t>(next.stage)},
                                     {"name", file},
                                     {"sha256", digest}}));
  }
  if (publication.files.empty()) return entries;
  publication.message = fmt::format("summaries of the gates that {} passed", next.id);
  TRY_WHILE("leaving the summaries of the gates that passed", deck_.state_store().publish(publication));
  return entries;
}

}  // namespace tranche::engine
