#include "oci/manifest.hpp"

#include <doctest/doctest.h>

#include "doc/value.hpp"
#include "oci/reference.hpp"

using namespace tranche;
using namespace tranche::oci;

namespace {

const std::string a = "sha256:" + std::string(64, 'a');
const std::string b = "sha256:" + std::string(64, 'b');

Descriptor some_entry(const std::string& digest) {
  Descriptor entry;
  entry.media_type = manifest_type;
  entry.digest = digest;
  entry.size = 7;
  entry.artifact_type = bundle_type;
  entry.annotations = {{"k", "v"}};
  return entry;
}
std::string index_with(std::string_view manifests) {
  return R"({"schemaVersion":2,"mediaType":")" + std::string(index_type) + R"(","manifests":)" +
         std::string(manifests) + "}";
}
const std::string entry_a_text =
    R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" + a +
    R"(","size":7,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json","annotations":{"k":"v"}})";

}  // namespace

TEST_CASE("a referrer names bundle, empty config and subject, and reads back") {
  const Descriptor subject = describe(manifest_type, "image");
  const Descriptor bundle = describe(bundle_type, "bundle");
  const std::string text = to_referrer(subject, bundle, {{"dev.sigstore.bundle.content", "dsse-envelope"}});
  const auto manifest = parse_manifest(text);
  REQUIRE(manifest);
  CHECK(manifest->artifact_type == bundle_type);
  CHECK(manifest->subject == subject);
  REQUIRE(manifest->layers.size() == 1);
  CHECK(manifest->layers[0].digest == digest_of("bundle"));
  CHECK(manifest->layers[0].annotation("org.opencontainers.image.title") ==
        referrers_tag(bundle.digest) + ".sigstore.json");
  CHECK(text.find(R"("config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa3)") !=
        std::string::npos);
  CHECK(text == to_referrer(subject, bundle, {{"dev.sigstore.bundle.content", "dsse-envelope"}}));
}

TEST_CASE("an entry goes to the end of the list and every other byte stays") {
  CHECK(*add_to_index("", some_entry(a)) == index_with("[" + entry_a_text + "]"));
  CHECK(*add_to_index(index_with("[]"), some_entry(a)) == index_with("[" + entry_a_text + "]"));
  // Members that nobody here knows, blanks, escapes and brackets in strings.
  const std::string foreign =
      "{\n \"x\": [1, {\"y\": \"]\\\"}\"}],\n \"manifests\": [\n  {\"mediaType\":\"text\\u002fplain\", "
      "\"digest\": \"" +
      b +
      "\", \"size\": 1, \"urls\": [\"[\"], \"annotations\": {\"z\": \"}]\"}}\n ],\n \"schemaVersion\": 2, "
      "\"annotations\": {\"é\": \"\\u00e9\"}}\n";
  const auto merged = add_to_index(foreign, some_entry(a));
  REQUIRE(merged);
  const std::size_t at = merged->find("," + entry_a_text);
  REQUIRE(at != std::string::npos);
  CHECK(merged->substr(0, at) + merged->substr(at + 1 + entry_a_text.size()) == foreign);
  const auto entries = parse_index(*merged);
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);
  CHECK(entries->back() == some_entry(a));
  CHECK(*add_to_index(*merged, some_entry(a)) == *merged);
  CHECK(*add_to_index(*merged, some_entry(b)) == *merged);
}

TEST_CASE("what is no list of referrers is never extended") {
  for (const std::string& text : {
           std::string("nonsense"),
           std::string("[]"),
           std::string("{}"),
           index_with("{}"),
           index_with("[1]"),
           index_with("[{}]"),
           index_with(R"([{"mediaType":"x","digest":"sha256:0","size":1}])"),
           index_with(R"([{"mediaType":"x","digest":")" + a + R"(","size":-1}])"),
           index_with(R"([{"mediaType":"x","digest":")" + a + R"(","size":1,"annotations":{"k":1}}])"),
           R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]})" + std::string(),
           R"({"manifests":[],"manifests":[]})" + std::string(),
       }) {
    CAPTURE(text);
    const auto merged = add_to_index(text, some_entry(a));
    REQUIRE(!merged);
    CHECK(merged.error().kind == ErrorKind::verification);
    CHECK(!parse_index(text));
  }
}

TEST_CASE("a list takes 256 entries and no more") {
  std::string list;
  for (std::size_t i = 0; i < max_referrers; ++i) {
    const auto longer = add_to_index(list, some_entry(digest_of(std::to_string(i))));
    REQUIRE(longer);
    list = *longer;
  }
  CHECK(parse_index(list)->size() == max_referrers);
  CHECK(add_to_index(list, some_entry(a)).error().kind == ErrorKind::invalid);
  const std::string one_more = list.substr(0, list.size() - 2) + "," + entry_a_text + "]}";
  CHECK(parse_index(one_more).error().kind == ErrorKind::verification);
}
