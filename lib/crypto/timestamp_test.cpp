#include <doctest/doctest.h>

#include "crypto/certificate.hpp"
#include "crypto/digest.hpp"
#include "crypto/openssl_testing.hpp"

using namespace tranche;
using namespace tranche::crypto;

namespace {

const std::string message = "a signature to be stamped";
const std::string nonce = "\x41\x02\x03\x04\x05\x06\x07\x08";

// A timestamp authority by openssl: @root.pem, @tsa.pem, @tsa.key.
struct Authority {
  Peer peer;
  explicit Authority(const std::string& usage = "critical,timeStamping") {
    peer.write("config",
               "[req]\ndistinguished_name=dn\n[dn]\n"
               "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
               "subjectKeyIdentifier=hash\n"
               "[leaf]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=" +
                   usage + "\n[tsa]\ndefault_tsa=one\n[one]\nserial=" + peer.path("serial") +
                   "\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256,sha384,sha512\n"
                   "clock_precision_digits=3\n");
    peer.write("serial", "01\n");
    REQUIRE(peer.openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "@root.key", "-out",
                          "@root.pem", "-subj", "/CN=root", "-days", "300", "-config", "@config",
                          "-extensions", "ca"}) == 0);
    REQUIRE(peer.openssl({"req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "@tsa.key", "-out",
                          "@tsa.csr", "-subj", "/CN=clock", "-config", "@config"}) == 0);
    REQUIRE(peer.openssl({"x509", "-req", "-in", "@tsa.csr", "-CA", "@root.pem", "-CAkey", "@root.key",
                          "-out", "@tsa.pem", "-days", "30", "-extfile", "@config", "-extensions", "leaf",
                          "-CAcreateserial"}) == 0);
  }
  [[nodiscard]] int reply(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"ts",         "-reply",  "-config",  "@config",  "-section",
                                   "one",        "-signer", "@tsa.pem", "-inkey",   "@tsa.key",
                                   "-queryfile", "@query",  "-out",     "@response"};
    words.insert(words.end(), more.begin(), more.end());
    return peer.openssl(words);
  }
  [[nodiscard]] Certificate get(const std::string& name) const {
    return *Certificate::from_pem(peer.read(name + ".pem"));
  }
  [[nodiscard]] Tsa trusted(bool with_leaf) const {
    if (!with_leaf) return {{get("root")}, {}, {}};
    return {{get("tsa"), get("root")}, {}, {}};
  }
};

}  // namespace

TEST_CASE("openssl answers our request, and both of us accept the answer") {
  const Authority authority;
  authority.peer.write("query", *make_timestamp_request(message, nonce));
  REQUIRE(authority.reply() == 0);
  const std::string response = authority.peer.read("response");
  for (const bool with_leaf : {false, true}) {
    const auto stamp = verify_timestamp(response, message, authority.trusted(with_leaf));
    REQUIRE(stamp);
    CHECK(stamp->algorithm == "sha256");
    CHECK(stamp->imprint == as_bytes(sha256(message)));
    CHECK(stamp->nonce == nonce);
    CHECK(stamp->when >= authority.get("tsa").not_before());
    CHECK(read_timestamp(response)->when == stamp->when);
  }
  authority.peer.write("message", message);
  CHECK(authority.peer.openssl(
            {"ts", "-verify", "-in", "@response", "-queryfile", "@query", "-CAfile", "@root.pem"}) == 0);
  CHECK(authority.peer.openssl(
            {"ts", "-verify", "-in", "@response", "-data", "@message", "-CAfile", "@root.pem"}) == 0);
}

TEST_CASE("a bare token is read as well, and the hashes that openssl takes") {
  for (const std::string hash : {"sha256", "sha384", "sha512"}) {
    const Authority authority;
    authority.peer.write("message", message);
    REQUIRE(authority.peer.openssl(
                {"ts", "-query", "-data", "@message", "-" + hash, "-cert", "-out", "@query"}) == 0);
    REQUIRE(authority.reply({"-token_out"}) == 0);
    const auto stamp = verify_timestamp(authority.peer.read("response"), message, authority.trusted(false));
    REQUIRE(stamp);
    CHECK(stamp->algorithm == hash);
  }
}

TEST_CASE("a token without certificates needs the authority's") {
  const Authority authority;
  authority.peer.write("message", message);
  REQUIRE(authority.peer.openssl({"ts", "-query", "-data", "@message", "-sha256", "-out", "@query"}) == 0);
  REQUIRE(authority.reply() == 0);
  const std::string response = authority.peer.read("response");
  CHECK(verify_timestamp(response, message, authority.trusted(true)));
  CHECK_FALSE(verify_timestamp(response, message, authority.trusted(false)));
}

TEST_CASE("a timestamp of other bytes, of another authority, or one that is damaged is refused") {
  const Authority authority;
  authority.peer.write("query", *make_timestamp_request(message, nonce));
  REQUIRE(authority.reply() == 0);
  const std::string response = authority.peer.read("response");
  CHECK(verify_timestamp(response, "other", authority.trusted(true)).error().message ==
        "the timestamp is of other bytes");
  const Authority other;
  CHECK_FALSE(verify_timestamp(response, message, other.trusted(true)));
  CHECK_FALSE(verify_timestamp(response, message, other.trusted(false)));
  CHECK_FALSE(verify_timestamp(response, message, Tsa{}));
  CHECK_FALSE(verify_timestamp(response + "x", message, authority.trusted(true)));
  CHECK_FALSE(verify_timestamp("", message, authority.trusted(true)));
  CHECK_FALSE(read_timestamp("hello"));
  // The signature is the last field: it covers all that says something.
  std::string changed = response;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  CHECK_FALSE(verify_timestamp(changed, message, authority.trusted(true)));
}

TEST_CASE("the authority's certificate must be for timestamps only") {
  const Authority authority("codeSigning");
  authority.peer.write("query", *make_timestamp_request(message, nonce));
  // openssl itself will not sign with such a certificate: nothing to accept either way.
  if (authority.reply() != 0) return;
  CHECK_FALSE(verify_timestamp(authority.peer.read("response"), message, authority.trusted(true)));
}
