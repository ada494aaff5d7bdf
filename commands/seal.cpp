#include "commands/seal.hpp"

#include "attest/statement.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "commands/bundle_signer.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

std::string envelope_json(const sigstore::BundleEnvelope& envelope) {
  doc::Value signatures = doc::Value::array();
  signatures.push(doc::Value::object({{"keyid", envelope.key_id}, {"sig", to_base64(envelope.signature)}}));
  return doc::to_json(doc::Value::object({{"payload", to_base64(envelope.payload)},
                                          {"payloadType", envelope.payload_type},
                                          {"signatures", std::move(signatures)}})) +
         "\n";
}

}  // namespace

Result<Sealed> seal_statement(const Options& options, Context& context, const SealRequest& request) {
  sigstore::Session session = TRY(open_bundle_signer(options, context));
  if (request.envelope_only && session.key() == nullptr)
    return fail_hint(ErrorKind::usage, "leave --format out",
                     "an envelope alone proves nothing about a certificate");
  const bool writes = request.output != "-";
  std::string pending;
  if (writes) pending = request.pending.empty() ? request.output + ".pending" : request.pending;
  const std::string artifact = from_hex(request.artifact_sha256).value_or("");
  if (writes && !request.envelope_only && !options.given("again"))
    if (auto kept = TRY(session.find_payload_signature(attest::in_toto_type, request.payload, artifact,
                                                       request.output, pending)))
      return Sealed{std::move(kept->text), std::move(kept->signer), true};
  sigstore::Signed made =
      TRY_WHILE("signing the statement",
                session.sign_payload(attest::in_toto_type, request.payload, artifact, pending));
  if (made.resumed) context.say("{}: carried on where an earlier run ended", printable(request.output));
  if (request.hint == KeyHint::pem && session.key() != nullptr) {
    made.bundle.public_key_hint = crypto::to_hex(crypto::sha256(session.key()->to_pem()));
    made.bundle.envelope->key_id.clear();
  }
  Sealed sealed{request.envelope_only ? envelope_json(*made.bundle.envelope) : sigstore::to_json(made.bundle),
                made.signer};
  if (writes) {
    TRY(context.world.files.write(request.output, sealed.bytes));
    TRY(session.finish(pending));
  }
  return sealed;
}

}  // namespace tranche::commands
