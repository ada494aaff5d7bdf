#include "store/s3_upload.hpp"

#include <vector>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "store/s3_client.hpp"
#include "store/s3_multipart.hpp"

namespace tranche::store {
namespace {

Result<S3Answer> send(S3Client& client, const S3Call& call) {
  S3Answer answer = TRY(client.send(call));
  if (!answer.ok()) return fail(client.refused(call, answer.response));
  return answer;
}

std::unexpected<Error> changed(const std::string& path) {
  return fail_hint(ErrorKind::verification, "let nothing write to it, and run again",
                   "'{}' changed while it was sent", printable(path));
}

// The upload's id, after the server's own document.
Result<std::string> begin(S3Client& client, const std::string& key) {
  const S3Call call{.method = "POST", .key = key, .query = {{"uploads", ""}}};
  const S3Answer answer = TRY(client.send(call));
  const XmlElement document = TRY(read_answer(client, call, answer, "InitiateMultipartUploadResult"));
  std::string id(document.text_of("UploadId"));
  if (id.empty()) return fail(client.refused(call, answer.response));
  return id;
}

struct Parts {
  std::vector<std::string> etags;
  bool whole = false;  // all of them had the digest that was asked for
};

Result<Parts> send_parts(S3Client& client, const std::string& key, const std::string& id, std::string part,
                         ports::FileReader& reader, const std::string& sha256) {
  Parts parts;
  crypto::Sha256 hash;
  while (!part.empty() && parts.etags.size() < s3_most_parts) {
    hash.update(part);
    S3Call call{.method = "PUT",
                .key = key,
                .query = {{"partNumber", std::to_string(parts.etags.size() + 1)}, {"uploadId", id}}};
    call.body = std::move(part);
    const S3Answer answer = TRY(send(client, call));
    parts.etags.emplace_back(answer.response.header("etag"));
    part = TRY(read_part(reader, s3_part_bytes));
  }
  parts.whole = part.empty() && crypto::to_hex(hash.finish()) == sha256;
  return parts;
}

Result<> complete(S3Client& client, const std::string& key, const std::string& id,
                  const std::vector<std::string>& etags) {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < etags.size(); ++i)
    body +=
        fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1, escape_xml(etags[i]));
  body += "</CompleteMultipartUpload>";
  const S3Call call{.method = "POST",
                    .key = key,
                    .query = {{"uploadId", id}},
                    .headers = {{"content-type", "application/xml"}},
                    .body = std::move(body)};
  const S3Answer answer = TRY(client.send(call));
  TRY(read_answer(client, call, answer, "CompleteMultipartUploadResult"));
  return {};
}

}  // namespace

Result<> upload_file(ports::World& world, S3Options options, const std::string& key, const std::string& path,
                     const std::string& sha256) {
  S3Client client = TRY(S3Client::make(world, std::move(options)));
  const auto reader = TRY(world.files.open(path));
  std::string first = TRY(read_part(*reader, s3_part_bytes));
  if (first.size() < s3_part_bytes) {
    if (crypto::to_hex(crypto::sha256(first)) != sha256) return changed(path);
    S3Call call{.method = "PUT", .key = key, .query = {}, .headers = {}, .body = std::move(first)};
    call.body_sha256 = sha256;
    TRY(send(client, call));
    return {};
  }
  const std::string id = TRY(begin(client, key));
  const auto parts = send_parts(client, key, id, std::move(first), *reader, sha256);
  if (!parts || !parts->whole) {
    // Parts that nobody completes cost money; whether taking them away works changes nothing for this run.
    (void)client.send({.method = "DELETE", .key = key, .query = {{"uploadId", id}}});
    if (!parts) return fail(parts.error());
    return changed(path);
  }
  return complete(client, key, id, parts->etags);
}

}  // namespace tranche::store
