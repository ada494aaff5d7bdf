#include "sigstore/signing_config.hpp"

#include <doctest/doctest.h>

using namespace tranche;
using namespace tranche::sigstore;

namespace {

const Instant now = *parse_instant("2026-06-01T00:00:00Z");

std::string config(const std::string& logs, const std::string& tsas = "",
                   const std::string& choice = R"("selector":"ANY")") {
  return R"({"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "caUrls":[{"url":"https://ca","majorApiVersion":1,"validFor":{"start":"2026-01-01T00:00:00Z"},"operator":"o"}],
    "rekorTlogUrls":[)" +
         logs + R"(],"tsaUrls":[)" + tsas + R"(],"rekorTlogConfig":{)" + choice +
         R"(},"tsaConfig":{"selector":"ALL"}})";
}
std::string service(const std::string& url, int version, const std::string& start, const std::string& op,
                    const std::string& end = "") {
  return R"({"url":"https://)" + url + R"(","majorApiVersion":)" + std::to_string(version) +
         R"(,"validFor":{"start":")" + start + "\"" + (end.empty() ? "" : R"(,"end":")" + end + "\"") +
         R"(},"operator":")" + op + "\"}";
}
const std::string early = "2025-01-01T00:00:00Z";
const std::string later = "2026-02-01T00:00:00Z";

std::string urls_of(const Services& services) {
  std::string text;
  for (const LogService& log : services.logs)
    text += log.url.substr(8) + ":" + std::to_string(log.version) + " ";
  return text;
}

}  // namespace

TEST_CASE("the services that can be used now are chosen: one an operator, the highest version, the newest") {
  const std::string a1 = service("a1", 1, early, "a");
  const std::string a2 = service("a2", 2, early, "a");
  const std::string a2new = service("a2new", 2, later, "a");
  const std::string a3 = service("a3", 3, later, "a");
  const std::string b1 = service("b1", 1, later, "b");
  const std::string over = service("over", 2, early, "c", "2026-05-31T00:00:00Z");
  const std::string last = service("last", 2, early, "c", "2026-06-01T00:00:00Z");
  const std::string future = service("future", 2, "2026-06-02T00:00:00Z", "a");
  const struct {
    std::string logs, choice, urls;
  } table[] = {
      {a1, R"("selector":"ANY")", "a1:1 "},
      {a1 + "," + a2, R"("selector":"ANY")", "a2:2 "},
      {a2 + "," + a2new, R"("selector":"ANY")", "a2new:2 "},
      {a2 + "," + a3, R"("selector":"ANY")", "a2:2 "},  // a version that we do not speak
      {a2 + "," + b1, R"("selector":"ALL")", "a2:2 b1:1 "},
      {a1 + "," + a2 + "," + b1, R"("selector":"ALL")", "a2:2 b1:1 "},
      {b1 + "," + a2, R"("selector":"EXACT","count":1)", "a2:2 "},
      {a2 + "," + b1, R"("selector":"EXACT","count":2)", "a2:2 b1:1 "},
      {over + "," + b1, R"("selector":"ALL")", "b1:1 "},
      {last, R"("selector":"ALL")", "last:2 "},
      {a2 + "," + future, R"("selector":"ANY")", "a2:2 "},
  };
  for (const auto& row : table) {
    CAPTURE(row.logs);
    const auto services = parse_signing_config(config(row.logs, "", row.choice), now);
    REQUIRE(services);
    CHECK(urls_of(*services) == row.urls);
    CHECK(services->fulcio == "https://ca");
  }
  const auto tsas = parse_signing_config(
      config(a1, service("t1", 1, early, "t") + "," + service("t2", 1, later, "u")), now);
  REQUIRE(tsas);
  CHECK(tsas->tsas == std::vector<std::string>{"https://t2", "https://t1"});
}

TEST_CASE("a signing config that names too little, or is none, is refused") {
  const std::string a1 = service("a1", 1, early, "a");
  for (const std::string& text :
       {std::string("hello"), std::string("{}"), std::string("[]"), config(""),
        config(a1, "", R"("selector":"EXACT","count":2)"), config(a1, "", R"("selector":"SOME")"),
        config(R"({"url":7})"), config(R"({"url":"ftp://x","majorApiVersion":1})"),
        config(service("a", 1, "yesterday", "a")),
        std::string(R"({"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.1+json"})")}) {
    CAPTURE(text);
    const auto services = parse_signing_config(text, now);
    REQUIRE_FALSE(services);
    CHECK(services.error().kind == ErrorKind::invalid);
  }
}
