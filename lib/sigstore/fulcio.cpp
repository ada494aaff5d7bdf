#include "sigstore/fulcio.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"
#include "sigstore/issuer.hpp"

namespace tranche::sigstore {

namespace {

constexpr std::size_t max_answer_bytes = 1 << 20;
constexpr std::size_t max_chain = 8;
const std::string hint =
    "the certificate authority answered for somebody else: see which one `fulcio:` names";

struct Answer {
  std::vector<crypto::Certificate> chain;
  bool detached = false;  // the transparency timestamp came beside the certificate
};

Result<Answer> read_answer(const std::string& body) {
  const auto bad = [] {
    return fail_hint(ErrorKind::verification, "see that `fulcio:` names a Fulcio with API v2",
                     "Fulcio's answer holds no certificate chain");
  };
  const auto json = doc::parse_json(body, "<Fulcio>", {.max_bytes = max_answer_bytes, .max_depth = 16});
  if (!json) return bad();
  const doc::Value* held = json->find("signedCertificateEmbeddedSct");
  const bool detached = held == nullptr;
  if (detached) held = json->find("signedCertificateDetachedSct");
  const doc::Value* chain = held == nullptr ? nullptr : held->find("chain");
  const doc::Value* list = chain == nullptr ? nullptr : chain->find("certificates");
  if (list == nullptr || !list->is_array() || list->as_array().empty() || list->as_array().size() > max_chain)
    return bad();
  Answer answer{.detached = detached};
  for (const doc::Value& pem : list->as_array()) {
    if (!pem.is_string()) return bad();
    answer.chain.push_back(
        TRY_WHILE("reading Fulcio's answer", crypto::Certificate::from_pem(pem.as_string())));
  }
  return answer;
}

Result<> check_leaf(const Answer& answer, const IdentityToken& token, const crypto::AnyPublicKey& key) {
  const crypto::Certificate& leaf = answer.chain.front();
  const crypto::Certificate& issuer = answer.chain.size() > 1 ? answer.chain[1] : leaf;
  const crypto::AnyPublicKey certified = TRY(leaf.public_key());
  if (certified.to_der() != key.to_der())
    return fail_hint(ErrorKind::verification, hint, "Fulcio certified another key than ours");
  const std::vector<std::string> names = leaf.names();
  const bool ours = names.size() == 1 && std::ranges::find(token.names, names.front()) != token.names.end();
  if (!ours)
    return fail_hint(ErrorKind::verification, hint, "Fulcio's certificate is for '{}', the token is of '{}'",
                     printable(join(names, "', '")), printable(token.subject));
  const auto says = issuer_of(leaf);
  if (says != token.issuer)
    return fail_hint(ErrorKind::verification, hint,
                     "Fulcio's certificate names the issuer '{}', the token is by '{}'",
                     printable(says.value_or("")), printable(token.issuer));
  const bool embedded = TRY(crypto::check_scts(leaf, issuer, {})).embedded != 0;
  // A bundle has a place for the certificate only: nobody who reads it would ever see the timestamp.
  if (!embedded && answer.detached)
    return fail_hint(
        ErrorKind::verification,
        "let Fulcio embed it: its certificate authority must be one that signs a precertificate "
        "first (fileca, kmsca, pkcs11ca or tinkca)",
        "Fulcio's certificate has its transparency timestamp beside it, where no bundle can carry it");
  if (!embedded)
    return fail_hint(ErrorKind::verification,
                     "use a Fulcio that writes its certificates into a transparency log",
                     "Fulcio's certificate carries no timestamp of a certificate transparency log");
  return {};
}

}  // namespace

Result<std::vector<crypto::Certificate>> request_certificate(ports::World& world, const std::string& url,
                                                             const IdentityToken& token,
                                                             crypto::Signer& signer) {
  const std::string proof = TRY(signer.sign(token.subject));
  ports::HttpRequest request;
  request.method = "POST";
  request.url = join_url(url, "/api/v2/signingCert");
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = doc::to_json(doc::Value::object(
      {{"credentials", doc::Value::object({{"oidcIdentityToken", token.text.expose()}})},
       {"publicKeyRequest",
        doc::Value::object({{"publicKey", doc::Value::object({{"algorithm", "ECDSA"},
                                                              {"content", signer.public_key().to_pem()}})},
                            {"proofOfPossession", to_base64(proof)}})}}));
  request.max_response_bytes = max_answer_bytes;
  const auto answer = TRY(ask_service(world, std::move(request), "Fulcio"));
  if (answer.status != 200 && answer.status != 201) return refused_by("Fulcio", answer);
  Answer read = TRY(read_answer(answer.body));
  TRY(check_leaf(read, token, signer.public_key()));
  return std::move(read.chain);
}

}  // namespace tranche::sigstore
