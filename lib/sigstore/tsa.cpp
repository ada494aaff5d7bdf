#include "sigstore/tsa.hpp"

#include "base/text.hpp"
#include "crypto/certificate.hpp"
#include "crypto/digest.hpp"

namespace tranche::sigstore {

Result<std::string> request_timestamp(ports::World& world, const std::string& url,
                                      std::string_view signature) {
  std::string nonce = TRY(world.random.bytes(8));
  nonce[0] = static_cast<char>((nonce[0] & 0x3f) | 0x40);  // a positive number of exactly eight bytes
  ports::HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"Content-Type", "application/timestamp-query"},
                     {"Accept", "application/timestamp-reply"}};
  request.body = TRY(crypto::make_timestamp_request(signature, nonce));
  request.max_response_bytes = 256 << 10;
  auto answer = TRY(ask_service(world, std::move(request), "the timestamp authority"));
  if (answer.status != 200 && answer.status != 201) return refused_by("the timestamp authority", answer);
  const crypto::Timestamp stamp =
      TRY_WHILE("reading the timestamp authority's answer", crypto::read_timestamp(answer.body));
  const std::string_view hint = "see that `tsa:` names an RFC 3161 authority";
  if (stamp.algorithm != "sha256" || stamp.imprint != crypto::as_bytes(crypto::sha256(signature)))
    return fail_hint(ErrorKind::verification, std::string(hint), "the timestamp is of other bytes");
  if (stamp.nonce != nonce)
    return fail_hint(ErrorKind::verification, std::string(hint),
                     "the timestamp is an answer to somebody else's request");
  return std::move(answer.body);
}

}  // namespace tranche::sigstore
