#include "signing/dsse.hpp"

#include <doctest/doctest.h>

#include <random>

#include "base/encoding.hpp"
#include "base/text.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

crypto::SecretKey key_of(char fill) { return *crypto::SecretKey::from_seed(Secret(std::string(32, fill))); }

const crypto::SecretKey release_key = key_of('r');
const crypto::SecretKey feed_key = key_of('f');
const crypto::SecretKey stranger = key_of('s');

Trust some_trust() {
  Trust trust;
  trust.release = {key_of('q').public_key(), release_key.public_key()};
  trust.feed = {feed_key.public_key()};
  return trust;
}

std::string signature_json(const crypto::SecretKey& key, std::string_view type, std::string_view payload) {
  return fmt::format(R"({{"keyid":"{}","sig":"{}"}})", crypto::key_id(key.public_key()),
                     to_base64(key.sign(pre_authentication_encoding(type, payload))));
}

std::string envelope_json(std::string_view type, std::string_view payload,
                          const std::vector<std::string>& signatures) {
  return fmt::format(R"({{"payload":"{}","payloadType":"{}","signatures":[{}]}})", to_base64(payload), type,
                     join(signatures, ","));
}

std::string refusal(std::string_view text, std::string_view type = manifest_type) {
  const auto opened = open_envelope(text, type, some_trust());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().kind == ErrorKind::verification);
  return opened.error().message;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the encoding that is signed agrees with the example of the DSSE protocol") {
  CHECK(pre_authentication_encoding("http://example.com/HelloWorld", "hello world") ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  CHECK(pre_authentication_encoding("", "") == "DSSEv1 0  0 ");
}

TEST_CASE("a signed payload opens under the role of its type") {
  const std::string payload(R"({"app":"notes"})");
  CHECK(*open_envelope(*sign_envelope(manifest_type, payload, release_key), manifest_type, some_trust()) ==
        payload);
  CHECK(*open_envelope(*sign_envelope(feed_type, payload, feed_key), feed_type, some_trust()) == payload);
  const std::string binary("\0\xff\n", 3);
  CHECK(*open_envelope(*sign_envelope(feed_type, binary, feed_key), feed_type, some_trust()) == binary);
}

TEST_CASE("signing is deterministic") {
  const std::string text = *sign_envelope(manifest_type, "x", release_key);
  CHECK(text == *sign_envelope(manifest_type, "x", release_key));
  CHECK(text.starts_with(
      R"({"payload":"eA==","payloadType":"application/vnd.tranche.release-manifest.v1+json",)"));
  CHECK(text.ends_with("]}\n"));
}

TEST_CASE("a signature under one type is worth nothing under another") {
  const std::string feed = *sign_envelope(feed_type, "x", feed_key);
  CHECK(has(refusal(feed), "the envelope holds"));
  const std::string renamed =
      envelope_json(manifest_type, "x", {signature_json(release_key, feed_type, "x")});
  CHECK(has(refusal(renamed), "is wrong"));
}

TEST_CASE("each reason to refuse an envelope has its own words") {
  CHECK(
      has(refusal(*sign_envelope(manifest_type, "x", feed_key)), "a feed key; only a release key may sign"));
  CHECK(has(refusal(*sign_envelope(manifest_type, "x", stranger)), "unknown key"));
  CHECK(has(refusal(envelope_json(manifest_type, "y", {signature_json(release_key, manifest_type, "x")})),
            "signature of key"));
  CHECK(has(refusal(envelope_json(manifest_type, "x", {})), "no signature"));
  CHECK(has(refusal("{}"), "payloadType"));
  CHECK(has(refusal("[]"), "a list, not a map"));
  CHECK(has(refusal("not json"), "not valid JSON"));
  CHECK(has(refusal(R"({"payload":"?","payloadType":"t","signatures":[]})"), "not base64"));
  CHECK(has(refusal(R"({"payload":"","payloadType":"t","signatures":[1]})"), "not a map"));
  CHECK(has(refusal(R"({"payload":"","payloadType":"t","signatures":[{"sig":5}]})"), "sig"));
}

TEST_CASE("what is damaged is told from what is whole and somebody else's") {
  const std::string whole = *sign_envelope(feed_type, "x", feed_key);
  const signing::Trust trust = some_trust();
  CHECK_FALSE(is_damaged(whole, feed_type, trust));
  CHECK(is_damaged("", feed_type, trust));
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {  // the last two are "}\n"
    CAPTURE(size);
    CHECK(is_damaged(whole.substr(0, size), feed_type, trust));
  }
  CHECK(is_damaged(envelope_json(feed_type, "y", {signature_json(feed_key, feed_type, "x")}), feed_type,
                   trust));
  CHECK_FALSE(is_damaged(*sign_envelope(feed_type, "x", stranger), feed_type, trust));
  CHECK_FALSE(is_damaged(*sign_envelope(feed_type, "x", release_key), feed_type, trust));
  CHECK_FALSE(is_damaged(*sign_envelope(flags_type, "x", feed_key), feed_type, trust));
}

TEST_CASE("bytes in the wrong order are no signature") {
  std::string signature = release_key.sign(pre_authentication_encoding(manifest_type, "x"));
  std::swap_ranges(signature.begin(), signature.begin() + 32, signature.begin() + 32);
  const std::string entry = fmt::format(R"({{"keyid":"{}","sig":"{}"}})",
                                        crypto::key_id(release_key.public_key()), to_base64(signature));
  CHECK(has(refusal(envelope_json(manifest_type, "x", {entry})), "is wrong"));
}

TEST_CASE("one good signature among strangers is enough") {
  const std::string text = envelope_json(
      manifest_type, "x",
      {signature_json(stranger, manifest_type, "x"), signature_json(release_key, manifest_type, "x")});
  CHECK(*open_envelope(text, manifest_type, some_trust()) == "x");
}

TEST_CASE("a signature without a key id is tried with the keys of the role only") {
  const auto nameless = [](const crypto::SecretKey& key) {
    return envelope_json(manifest_type, "x",
                         {fmt::format(R"({{"sig":"{}"}})",
                                      to_base64(key.sign(pre_authentication_encoding(manifest_type, "x"))))});
  };
  CHECK(*open_envelope(nameless(release_key), manifest_type, some_trust()) == "x");
  CHECK(has(refusal(nameless(feed_key)), "unknown key"));
}

TEST_CASE("a key that signs twice and nine signatures are refused") {
  const std::string one = signature_json(release_key, manifest_type, "x");
  CHECK(has(refusal(envelope_json(manifest_type, "x", {one, one})), "two signatures of key"));
  std::vector<std::string> many;
  for (char fill = '1'; fill <= '9'; ++fill) many.push_back(signature_json(key_of(fill), manifest_type, "x"));
  CHECK(has(refusal(envelope_json(manifest_type, "x", many)), "9 signatures, more than 8"));
  many.pop_back();
  CHECK(has(refusal(envelope_json(manifest_type, "x", many)), "unknown key"));
}

TEST_CASE("an envelope over 4 MiB is refused before it is read") {
  CHECK(has(refusal(std::string((4 << 20) + 1, ' ')), "more than 4194304"));
}

TEST_CASE("a type that no role may sign is a bug of the caller") {
  CHECK(open_envelope("{}", "text/plain", some_trust()).error().kind == ErrorKind::bug);
}

TEST_CASE("no single changed byte of an envelope opens as another payload") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string good = *sign_envelope(manifest_type, R"({"version":"1.1.0"})", release_key);
  for (int round = 0; round < 500; ++round) {
    std::string text = good;
    text[random() % text.size()] = static_cast<char>(random());
    const auto opened = open_envelope(text, manifest_type, some_trust());
    if (opened) REQUIRE(*opened == R"({"version":"1.1.0"})");
  }
}
