#include <doctest/doctest.h>

#include "attest/statement.hpp"
#include "crypto/digest.hpp"

using namespace tranche;
using namespace tranche::attest;

namespace {

const std::string digest_a = crypto::to_hex(crypto::sha256("a"));
const std::string digest_b = crypto::to_hex(crypto::sha256("b"));

Statement sample() {
  return {.subjects = {{"notes.deb", {{"sha256", digest_a}, {"gitCommit", std::string(40, '1')}}},
                       {"notes.AppImage", {{"sha256", digest_b}}}},
          .predicate_type = std::string(release_type),
          .predicate = doc::Value::object({{"purl", "pkg:generic/notes@1.2.0"}})};
}

std::string statement_json(const std::string& subject, const std::string& more = "") {
  return R"({"_type":"https://in-toto.io/Statement/v1","predicateType":"https://example.org/x","subject":)" +
         subject + more + "}";
}

}  // namespace

TEST_CASE("a statement comes back from its payload as it was") {
  const Statement statement = sample();
  const auto payload = to_payload(statement);
  REQUIRE(payload.has_value());
  CHECK(*payload == *to_payload(statement));
  const auto read = parse_statement(*payload);
  REQUIRE(read.has_value());
  CHECK(read->subjects == statement.subjects);
  CHECK(read->predicate_type == statement.predicate_type);
  CHECK(read->predicate == statement.predicate);
  CHECK(*to_payload(*read) == *payload);
}

TEST_CASE("the payload is canonical JSON of the type that the framework names") {
  const auto payload = to_payload({.subjects = {{"a", {{"sha256", digest_a}}}},
                                   .predicate_type = "https://example.org/x",
                                   .predicate = doc::Value::object({{"b", 1}, {"a", 2}})});
  REQUIRE(payload.has_value());
  CHECK(*payload == R"({"_type":"https://in-toto.io/Statement/v1","predicate":{"a":2,"b":1},)"
                    R"("predicateType":"https://example.org/x","subject":[{"digest":{"sha256":")" +
                        digest_a + R"("},"name":"a"}]})");
}

TEST_CASE("what may not stand in a statement is not written") {
  struct Case {
    const char* name;
    Statement statement;
  };
  Statement no_subject = sample();
  no_subject.subjects.clear();
  Statement no_digest = sample();
  no_digest.subjects[0].digests.clear();
  Statement upper = sample();
  upper.subjects[0].digests[0].second = std::string(64, 'A');
  Statement twice = sample();
  twice.subjects[0].digests.emplace_back("sha256", digest_b);
  Statement list = sample();
  list.predicate = doc::Value::array();
  Statement untyped = sample();
  untyped.predicate_type.clear();
  for (const Case& one :
       {Case{"no subject", no_subject}, Case{"no digest", no_digest}, Case{"upper case", upper},
        Case{"a digest twice", twice}, Case{"a list", list}, Case{"no type", untyped}}) {
    CAPTURE(one.name);
    const auto payload = to_payload(one.statement);
    REQUIRE(!payload.has_value());
    CHECK(payload.error().kind == ErrorKind::invalid);
    CHECK(!payload.error().hint.empty());
  }
}

TEST_CASE("statements that are malformed are refused") {
  const std::string subject = R"([{"name":"a","digest":{"sha256":")" + digest_a + R"("}}])";
  REQUIRE(parse_statement(statement_json(subject)).has_value());
  for (const std::string& text :
       {std::string("[]"), std::string("{}"), statement_json(subject) + " x", statement_json("[]"),
        statement_json("{}"), statement_json(R"([{"name":"a"}])"), statement_json(R"([{"digest":{}}])"),
        statement_json(R"([{"digest":{"sha256":"abc"}}])"), statement_json(R"([{"digest":{"sha256":1}}])"),
        statement_json(R"([{"digest":{"":"abc"}}])"), statement_json(R"(["a"])"),
        statement_json(R"([{"name":1,"digest":{"x":"y"}}])"),
        statement_json(R"([{"digest":{"sha256":")" + std::string(64, 'F') + R"("}}])"),
        statement_json(subject, R"(,"predicate":[])"), statement_json(subject, R"(,"subject":[])"),
        std::string(R"({"_type":"https://in-toto.io/Statement/v2","predicateType":"x","subject":)") +
            subject + "}",
        std::string(R"({"_type":"https://in-toto.io/Statement/v1","subject":)") + subject + "}"}) {
    CAPTURE(text);
    const auto read = parse_statement(text);
    REQUIRE(!read.has_value());
    CHECK(read.error().kind == ErrorKind::verification);
  }
}

TEST_CASE("statements of the older version, without a predicate and with unknown members are read") {
  const auto read = parse_statement(
      R"({"_type":"https://in-toto.io/Statement/v0.1","predicateType":"x","future":[1],"subject":)"
      R"([{"digest":{"gitCommit":"abc","sha256":")" +
      digest_a + R"("},"annotations":{"k":1}}]})");
  REQUIRE(read.has_value());
  CHECK(read->predicate == doc::Value::object());
  CHECK(read->subjects[0].digests[0].first == "sha256");
  CHECK(names_sha256(*read, digest_a));
  CHECK(!names_sha256(*read, digest_b));
}
