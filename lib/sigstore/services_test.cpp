// The services of keyless signing, as strangers: what they answer is held against what was asked.
#include "sigstore/services.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "crypto/certificate.hpp"
#include "crypto/digest.hpp"
#include "crypto/openssl_testing.hpp"
#include "doc/value.hpp"
#include "sigstore/fulcio.hpp"
#include "sigstore/log_testing.hpp"
#include "sigstore/rekor.hpp"
#include "sigstore/sign.hpp"
#include "sigstore/tsa.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::sigstore;

namespace {

IdentityToken some_token() {
  IdentityToken token;
  token.text = Secret("header.payload.signature");
  token.issuer = "https://idp.example";
  token.subject = "ana@example.org";
  token.names = {"ana@example.org"};
  return token;
}

// A certificate authority by openssl, which signs whatever it is told to.
struct Authority {
  crypto::Peer peer;
  Authority() {
    peer.write("config", "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\n");
    REQUIRE(peer.openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "@ca.key", "-out",
                          "@ca.pem", "-subj", "/CN=root", "-config", "@config", "-extensions", "ca"}) == 0);
  }
  // PEM of a leaf for `key`.
  [[nodiscard]] std::string issue(const std::string& key_pem, const std::string& name,
                                  const std::string& issuer) const {
    peer.write("pub", key_pem);
    peer.write("leaf", "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\nsubjectAltName=" +
                           name + "\n1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:" + issuer + "\n");
    REQUIRE(peer.openssl({"req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "@any.key", "-out",
                          "@csr", "-subj", "/CN=leaf", "-config", "@config"}) == 0);
    REQUIRE(peer.openssl({"x509", "-req", "-in", "@csr", "-force_pubkey", "@pub", "-CA", "@ca.pem", "-CAkey",
                          "@ca.key", "-out", "@leaf.pem", "-days", "1", "-extfile", "@leaf",
                          "-CAcreateserial"}) == 0);
    return peer.read("leaf.pem");
  }
  [[nodiscard]] std::string answer(const std::string& leaf, const char* how) const {
    doc::Value chain = doc::Value::array();
    chain.push(leaf);
    chain.push(peer.read("ca.pem"));
    return doc::to_json(doc::Value::object(
        {{how, doc::Value::object({{"chain", doc::Value::object({{"certificates", std::move(chain)}})}})}}));
  }
};

}  // namespace

TEST_CASE("Fulcio is asked with the token and a proof of possession, and its certificate must be for them") {
  const Authority authority;
  const auto signer = std::move(*crypto::make_ephemeral_signer());
  const auto other = std::move(*crypto::make_ephemeral_signer());
  const struct {
    const char* what;
    const crypto::Signer& key;
    std::string name, issuer, message;
    const char* how = "signedCertificateEmbeddedSct";
  } table[] = {
      {"another key", *other, "email:ana@example.org", "https://idp.example", "another key than ours"},
      {"another name", *signer, "email:eve@example.org", "https://idp.example", "is for 'eve@example.org'"},
      {"two names", *signer, "email:ana@example.org,email:eve@example.org", "https://idp.example", "is for"},
      {"another issuer", *signer, "email:ana@example.org", "https://evil.example", "names the issuer"},
      {"no log", *signer, "email:ana@example.org", "https://idp.example", "certificate transparency log"},
      {"a log's word beside the certificate", *signer, "email:ana@example.org", "https://idp.example",
       "where no bundle can carry it", "signedCertificateDetachedSct"},
  };
  for (const auto& row : table) {
    CAPTURE(row.what);
    support::FakeWorld fake;
    auto world = fake.world();
    const std::string leaf = authority.issue(row.key.public_key().to_pem(), row.name, row.issuer);
    fake.http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
      return TestLog::respond(201, authority.answer(leaf, row.how));
    };
    const auto chain = request_certificate(world, "https://fulcio.example/", some_token(), *signer);
    REQUIRE_FALSE(chain);
    CHECK(chain.error().kind == ErrorKind::verification);
    CHECK(chain.error().message.find(row.message) != std::string::npos);
    REQUIRE(fake.http.requests.size() == 1);
    CHECK(fake.http.requests[0].url == "https://fulcio.example/api/v2/signingCert");
    const doc::Value body = *doc::parse_json(fake.http.requests[0].body);
    CHECK(*body.find("credentials")->text("oidcIdentityToken") == "header.payload.signature");
    const doc::Value& wanted = *body.find("publicKeyRequest");
    CHECK(*wanted.find("publicKey")->text("content") == signer->public_key().to_pem());
    CHECK(signer->public_key().verify(crypto::Scheme::ecdsa_sha256, "ana@example.org",
                                      *from_base64(*wanted.text("proofOfPossession"))));
  }
}

TEST_CASE("an answer of Fulcio that is none is refused, and the token is in no message") {
  const auto signer = std::move(*crypto::make_ephemeral_signer());
  for (const std::string& body :
       {std::string(""), std::string("{}"), std::string("[]"),
        std::string(R"({"signedCertificateEmbeddedSct":7})"),
        std::string(R"({"signedCertificateEmbeddedSct":{"chain":{"certificates":[]}}})"),
        std::string(R"({"signedCertificateEmbeddedSct":{"chain":{"certificates":["x"]}}})"),
        std::string(R"({"signedCertificateEmbeddedSct":{"chain":{"certificates":[7]}}})")}) {
    CAPTURE(body);
    support::FakeWorld fake;
    auto world = fake.world();
    fake.http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
      return TestLog::respond(200, body);
    };
    const auto chain = request_certificate(world, "https://fulcio.example", some_token(), *signer);
    REQUIRE_FALSE(chain);
    CHECK(chain.error().kind == ErrorKind::verification);
  }
  support::FakeWorld fake;
  auto world = fake.world();
  fake.http.handler = [&](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
    return TestLog::respond(400, "the token has expired");
  };
  CHECK(request_certificate(world, "https://fulcio.example", some_token(), *signer).error().message ==
        "Fulcio answered 400: the token has expired");
  CHECK(request_certificate(world, "http://fulcio.example", some_token(), *signer).error().kind ==
        ErrorKind::denied);
}

TEST_CASE(
    "openssl stamps a signature as a timestamp authority does; an answer to another request is refused") {
  const crypto::Peer peer;
  peer.write("config",
             "[req]\ndistinguished_name=dn\n[dn]\n[leaf]\nkeyUsage=critical,digitalSignature\n"
             "extendedKeyUsage=critical,timeStamping\n[one]\nserial=" +
                 peer.path("serial") + "\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n");
  peer.write("serial", "01\n");
  REQUIRE(peer.openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "@key", "-out", "@pem",
                        "-subj", "/CN=clock", "-config", "@config", "-extensions", "leaf"}) == 0);
  support::FakeWorld fake;
  auto world = fake.world();
  std::string earlier;
  const auto stamp = [&](const std::string& query) {
    peer.write("query", query);
    REQUIRE(peer.openssl({"ts", "-reply", "-config", "@config", "-section", "one", "-signer", "@pem",
                          "-inkey", "@key", "-queryfile", "@query", "-out", "@response"}) == 0);
    return peer.read("response");
  };
  fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    CHECK(request.headers[0].second == "application/timestamp-query");
    if (earlier.empty()) earlier = stamp(request.body);
    return TestLog::respond(200, earlier);
  };
  const auto made = request_timestamp(world, "https://tsa.example/stamp", "a signature");
  REQUIRE(made);
  const crypto::Tsa authority{{*crypto::Certificate::from_pem(peer.read("pem"))}, {}, {}};
  CHECK(crypto::verify_timestamp(*made, "a signature", authority));
  CHECK(request_timestamp(world, "https://tsa.example/stamp", "a signature").error().message ==
        "the timestamp is an answer to somebody else's request");
  CHECK(request_timestamp(world, "https://tsa.example/stamp", "another").error().message ==
        "the timestamp is of other bytes");
  earlier = "hello";
  CHECK(request_timestamp(world, "https://tsa.example/stamp", "x").error().kind == ErrorKind::verification);
}

TEST_CASE("where an entry already is, is taken from the log's answer as a name, never as a place to ask") {
  support::FakeWorld fake;
  auto world = fake.world();
  TestLog log;
  const auto signer = std::move(*crypto::make_ephemeral_signer());
  const KeyMaterial key{*signer, std::nullopt};
  FileDigest file;
  file.sha256 = std::string(crypto::as_bytes(crypto::sha256("x")));
  const Bundle bundle = *sign_file(key, file);
  std::string location;
  fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    if (request.method == "GET") return log.answer(request);
    log.answer(request);
    return TestLog::respond(409, "exists", location);
  };
  for (const std::string_view bad : {"", "https://evil.example/", "/api/v1/log/entries/zz", "../../x"}) {
    location = bad;
    CHECK_FALSE(log_bundle(world, {"https://log.example", 1}, bundle, signer->public_key()));
  }
  location = "https://evil.example/api/v1/log/entries/" + log.uuid(0);
  const auto entry = log_bundle(world, {"https://log.example", 1}, bundle, signer->public_key());
  REQUIRE(entry);
  CHECK(fake.http.requests.back().url == "https://log.example/api/v1/log/entries/" + log.uuid(0));
  CHECK(find_logged(world, {"https://log.example", 2}, bundle, signer->public_key())->has_value() == false);
  fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    return log.answer(request);
  };
  CHECK(find_logged(world, {"https://log.example", 1}, bundle, signer->public_key())->has_value());
}
