#include "crypto/pkcs11.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "crypto/openssl_testing.hpp"
#include "support/npm_peer.hpp"

using namespace tranche;
using namespace tranche::crypto;

namespace {

constexpr const char* module_path = "/usr/lib/softhsm/libsofthsm2.so";

// One store for the process: the module reads its configuration once.
struct Token {
  Peer peer;
  bool there = false;
  Token() {
    if (!std::filesystem::exists(module_path) || peer.run({"softhsm2-util", "--version"}) != 0) return;
    std::filesystem::create_directory(peer.path("tokens"));
    peer.write("softhsm2.conf", "directories.tokendir = " + peer.path("tokens") + "\nlog.level = ERROR\n");
    setenv("SOFTHSM2_CONF", peer.path("softhsm2.conf").c_str(), 1);
    there = peer.run({"softhsm2-util", "--init-token", "--free", "--label", "tests", "--pin", "1234",
                      "--so-pin", "5678"}) == 0;
  }
  void import(const std::vector<std::string>& how, const std::string& label, const std::string& id) const {
    std::vector<std::string> words{"genpkey", "-out", "@" + label};
    words.insert(words.end(), how.begin(), how.end());
    REQUIRE(peer.openssl(words) == 0);
    REQUIRE(peer.openssl({"pkey", "-in", "@" + label, "-pubout", "-out", "@" + label + ".pub"}) == 0);
    REQUIRE(peer.run({"softhsm2-util", "--import", peer.path(label), "--token", "tests", "--label", label,
                      "--id", id, "--pin", "1234"}) == 0);
  }
};

Token* token() {
  static Token one;
  if (one.there) return &one;
  support::skip_peer("softhsm2", "apt-get install softhsm2");
  return nullptr;
}

Result<std::unique_ptr<Signer>> open(const std::string& uri, const std::string& pin = "1234") {
  return signer_from_token(module_path, *parse_pkcs11_uri(uri), Secret(pin));
}

}  // namespace

TEST_CASE("keys of each kind sign in their token, and the public half checks it") {
  const Token* at = token();
  if (at == nullptr) return;
  const struct {
    std::vector<std::string> how;
    std::string label, id;
  } table[] = {
      {{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, "p256", "01"},
      {{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}, "p384", "02"},
      {{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"}, "p521", "03"},
      {{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, "rsa", "04"},
      {{"-algorithm", "ED25519"}, "ed25519", "05"},
  };
  for (const auto& row : table) {
    CAPTURE(row.label);
    at->import(row.how, row.label, row.id);
    const auto by_label = open("pkcs11:token=tests;object=" + row.label + ";type=private");
    REQUIRE(by_label);
    const AnyPublicKey& key = (*by_label)->public_key();
    CHECK(key.to_pem() == at->peer.read(row.label + ".pub"));
    const auto signature = (*by_label)->sign("a message");
    REQUIRE(signature);
    CHECK(key.verify(key.usual_scheme(), "a message", *signature));
    if (const auto digest = message_digest(key.usual_scheme(), "another")) {
      const auto of_digest = (*by_label)->sign_digest(*digest);
      REQUIRE(of_digest);
      CHECK(key.verify(key.usual_scheme(), "another", *of_digest));
    }
    CHECK(open("pkcs11:id=%" + row.id));
  }
}

TEST_CASE("a wrong PIN, no PIN, another token, no key and two keys are each said") {
  const Token* at = token();
  if (at == nullptr) return;
  at->import({"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, "twin", "0a");
  at->import({"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, "other", "0b");
  CHECK(open("pkcs11:token=tests;object=twin", "").error().kind == ErrorKind::invalid);
  CHECK(open("pkcs11:token=tests;object=twin", "9999").error().message == "the token refuses the PIN");
  CHECK(open("pkcs11:token=elsewhere;object=twin").error().message == "0 tokens fit the pkcs11: URI");
  CHECK(open("pkcs11:token=tests;object=nothing").error().message == "no private keys fit the pkcs11: URI");
  at->import({"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, "twin", "0c");
  CHECK(open("pkcs11:token=tests;object=twin").error().message == "several private keys fit the pkcs11: URI");
  CHECK(open("pkcs11:token=tests;object=twin;id=%0C"));
  CHECK(signer_from_token("/nowhere/module.so", *parse_pkcs11_uri("pkcs11:object=x"), Secret("1234"))
            .error()
            .kind == ErrorKind::failed);
}

TEST_CASE("a pkcs11: URI is read as RFC 7512 has it, and may name neither a PIN nor a module") {
  const auto uri = parse_pkcs11_uri(
      "pkcs11:token=The%20Software%20PKCS%2311;manufacturer=Snake%20Oil;serial=7;model=1.0;object=my-key;"
      "id=%69%95%3E;type=private");
  REQUIRE(uri);
  CHECK(uri->token == "The Software PKCS#11");
  CHECK(uri->manufacturer == "Snake Oil");
  CHECK(uri->id == "i\x95>");
  CHECK(uri->object == "my-key");
  for (const std::string_view bad :
       {"", "pkcs11:", "pkcs11:token=x", "pkcs12:object=x", "pkcs11:object=%zz", "pkcs11:object",
        "pkcs11:object=", "pkcs11:object=a;object=b", "pkcs11:object=a;type=public", "pkcs11:object=a;x-b=c",
        "pkcs11:object=a?pin-value=1234", "pkcs11:object=a?pin-source=file:/x",
        "pkcs11:object=a?module-path=/evil.so", "pkcs11:object=a;module-path=/evil.so",
        "pkcs11:object=a?x-tool=y"}) {
    CAPTURE(bad);
    const auto refused = parse_pkcs11_uri(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::invalid);
    CHECK_FALSE(refused.error().hint.empty());
  }
}
