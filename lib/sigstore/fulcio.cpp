#include "sigstore/fulcio.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::sigstore {

namespace {

constexpr std::size_t max_answer_bytes = 1 << 20;
constexpr std::size_t max_chain = 8;
constexpr std::string_view issuer_oid = "1.3.6.1.4.1.57264.1.8";
constexpr std::string_view old_issuer_oid = "1.3.6.1.4.1.57264.1.1";
const std::string hint =
    "the certificate authority answered for somebody else: see which one `fulcio:` names";

Result<std::vector<crypto::Certificate>> read_chain(const std::string& body) {
  const auto bad = [] {
    return fail_hint(ErrorKind::verification, "see that `fulcio:` names a Fulcio with API v2",
                     "Fulcio's answer holds no certificate chain");
  };
  const auto json = doc::parse_json(body, "<Fulcio>", {.max_bytes = max_answer_bytes, .max_depth = 16});
  if (!json) return bad();
  const doc::Value* held = json->find("signedCertificateEmbeddedSct");
  if (held == nullptr) held = json->find("signedCertificateDetachedSct");
  const doc::Value* chain = held == nullptr ? nullptr : held->find("chain");
  const doc::Value* list = chain == nullptr ? nullptr : chain->find("certificates");
  if (list == nullptr || !list->is_array() || list->as_array().empty() || list->as_array().size() > max_chain)
    return bad();
  std::vector<crypto::Certificate> certificates;
  for (const doc::Value& pem : list->as_array()) {
    if (!pem.is_string()) return bad();
    certificates.push_back(
        TRY_WHILE("reading Fulcio's answer", crypto::Certificate::from_pem(pem.as_string())));
  }
  return certificates;
}

Result<> check_leaf(const crypto::Certificate& leaf, const crypto::Certificate& issuer,
                    const IdentityToken& token, const crypto::AnyPublicKey& key) {
  const crypto::AnyPublicKey certified = TRY(leaf.public_key());
  if (certified.to_der() != key.to_der())
    return fail_hint(ErrorKind::verification, hint, "Fulcio certified another key than ours");
  const std::vector<std::string> names = leaf.names();
  const bool ours = names.size() == 1 && std::ranges::find(token.names, names.front()) != token.names.end();
  if (!ours)
    return fail_hint(ErrorKind::verification, hint, "Fulcio's certificate is for '{}', the token is of '{}'",
                     printable(join(names, "', '")), printable(token.subject));
  auto says = leaf.extension_text(issuer_oid);
  if (!says) says = leaf.extension_text(old_issuer_oid);
  if (says != token.issuer)
    return fail_hint(ErrorKind::verification, hint,
                     "Fulcio's certificate names the issuer '{}', the token is by '{}'",
                     printable(says.value_or("")), printable(token.issuer));
  if (TRY(crypto::check_scts(leaf, issuer, {})).embedded == 0)
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
  auto chain = TRY(read_chain(answer.body));
  TRY(check_leaf(chain.front(), chain.size() > 1 ? chain[1] : chain.front(), token, signer.public_key()));
  return chain;
}

}  // namespace tranche::sigstore
