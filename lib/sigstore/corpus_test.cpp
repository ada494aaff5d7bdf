// The public conformance suite's cases (sigstore/sigstore-conformance): each by the file and by its digest,
// each refusal for the cause that its directory's name and README say.
#include <doctest/doctest.h>

#include <map>

#include "sigstore/corpus_testing.hpp"
#include "sigstore/read_bundle.hpp"

using namespace tranche;
using namespace tranche::sigstore;
using namespace tranche::sigstore::testing;

namespace {

const std::map<std::string, std::string_view>& expected_reasons() {
  static const std::map<std::string, std::string_view> reasons{
      {"bundle-invalid-base64-signature_fail", "bad-base64"},
      {"bundle-malformed-json_fail", "bad-json"},
      {"bundle-negative-log-index_fail", "bad-log-index"},
      {"checkpoint-bad-keyhint_fail", "checkpoint-wrong-key"},
      {"dsse-mismatch-envelope_fail", "entry-wrong-digest"},
      {"dsse-mismatch-sig_fail", "entry-wrong-signature"},
      {"inclusion-proof-corrupted-hash_fail", "bad-inclusion-proof"},
      {"incorrect-public-key_fail", "entry-wrong-key"},
      {"invalid-ct-key_fail", "unknown-ct-log"},
      {"invalid-inclusion-proof_fail", "bad-inclusion-proof"},
      {"managed-key-no-key_fail", "no-key"},
      {"managed-key-wrong-key_fail", "bad-key"},
      {"rekor2-checkpoint-missing-log-signature_fail", "checkpoint-unsigned"},
      {"rekor2-checkpoint-missing-size_fail", "bad-checkpoint"},
      {"rekor2-checkpoint-no-matching-signature_fail", "checkpoint-wrong-origin"},
      {"rekor2-dsse-mismatch-sig_fail", "entry-wrong-signature"},
      {"rekor2-no-inclusion-proof_fail", "no-inclusion-proof"},
      {"rekor2-no-timestamp_fail", "no-timestamp"},
      {"rekor2-timestamp-outside-trust-root-tsa-validity_fail", "timestamp-outside-authority"},
      {"rekor2-timestamp-outside-tsa-cert-validity_fail", "timestamp-certificate-invalid"},
      {"rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail", "unknown-timestamp-authority"},
      {"rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", "unknown-timestamp-authority"},
      {"set-invalid-signature_fail", "bad-inclusion-promise"},
      {"signature-mismatch_fail", "bad-signature"},
      {"wrong-hashedrekord-artifact_fail", "entry-wrong-digest"},
      {"wrong-hashedrekord-entry_fail", "other-log-entry"},
      {"wrong-material_fail", "wrong-artifact"},
  };
  return reasons;
}

}  // namespace

TEST_CASE("each case of the public conformance suite is judged right, by file and by digest, and says why") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  int accepted = 0;
  int refused_cases = 0;
  for (const Case& one : all_cases(*corpus)) {
    for (const Artifact& artifact : {by_file(one.artifact), by_digest(one.artifact)}) {
      const Verdict verdict = run_case(one, artifact);
      INFO(one.name << "\n" << describe(verdict));
      if (one.name.ends_with("_fail")) {
        CHECK_FALSE(verdict.verified());
        REQUIRE(expected_reasons().contains(one.name));
        CHECK(code_of(verdict.reason()) == expected_reasons().at(one.name));
        ++refused_cases;
      } else {
        CHECK(verdict.verified());
        ++accepted;
      }
    }
  }
  CHECK(accepted == 2 * 9);
  CHECK(refused_cases == 2 * 27);
}

TEST_CASE("what is read and written again is the same bundle") {
  const auto corpus = support::find_corpus("sigstore");
  if (!corpus) return;
  for (const Case& one : all_cases(*corpus)) {
    const auto bundle = read_bundle(one.bundle);
    if (!bundle) continue;
    const std::string text = to_json(*bundle);
    const auto again = read_bundle(text);
    INFO(one.name);
    REQUIRE(again.has_value());
    CHECK(again->version == BundleVersion::v0_3);
    CHECK(to_json(*again) == text);
    if (bundle->intermediates.empty() && bundle->version == BundleVersion::v0_3 &&
        !one.name.ends_with("_fail")) {
      Case rewritten = one;
      rewritten.bundle = text;
      CHECK(run_case(rewritten, by_digest(one.artifact)).verified());
    }
  }
}
