// The problem: 1 GiB over a slow line, from a runner that may be killed. The idea: the upload itself lives in
// the bucket. Each part is sent with its SHA-256, which S3 checks and keeps; the next run finds the upload,
// asks for the digests of its parts, and sends only those that are missing. The object appears when all parts
// are there and the whole content had the digest that was signed.
//
// Uploads that are not finished cost money for ever: those of this key that are a day old and do not fit are
// taken away. Younger ones may be another runner's.
#include "store/s3_multipart.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "store/publication.hpp"

namespace tranche::store {
namespace {

constexpr std::uint64_t largest_part = 64 << 20;
constexpr int most_pages = 100;  // of listings, 1,000 entries each
constexpr Duration stale_after = std::chrono::hours(24);

struct Part {
  std::uint64_t size = 0;
  std::string etag;
  std::string sha256;  // base64, as S3 tells it; empty when the server keeps none
};
using Parts = std::map<std::uint64_t, Part>;

struct Unfinished {
  std::string id;
  std::string initiated;  // RFC 3339
};

Result<std::vector<Unfinished>> list_unfinished(S3Client& client, const std::string& key) {
  std::vector<Unfinished> out;
  S3Call call{.query = {{"uploads", ""}, {"prefix", key}}, .max_response_bytes = 8 << 20};
  for (int page = 0; page < most_pages; ++page) {
    const S3Answer answer = TRY(client.send(call));
    const XmlElement document = TRY(read_answer(client, call, answer, "ListMultipartUploadsResult"));
    for (const XmlElement& upload : document.children)
      if (upload.name == "Upload" && upload.text_of("Key") == key)
        out.push_back({std::string(upload.text_of("UploadId")), std::string(upload.text_of("Initiated"))});
    if (document.text_of("IsTruncated") != "true") break;
    call.query = {{"uploads", ""},
                  {"prefix", key},
                  {"key-marker", std::string(document.text_of("NextKeyMarker"))},
                  {"upload-id-marker", std::string(document.text_of("NextUploadIdMarker"))}};
  }
  std::sort(out.begin(), out.end(), [](const Unfinished& a, const Unfinished& b) {
    return std::tie(b.initiated, b.id) < std::tie(a.initiated, a.id);  // newest first
  });
  return out;
}

// nullopt: the upload is gone.
Result<std::optional<Parts>> list_parts(S3Client& client, const std::string& key, const std::string& id) {
  Parts parts;
  std::string marker;
  for (int page = 0; page < most_pages; ++page) {
    S3Call call{.key = key, .query = {{"uploadId", id}}, .max_response_bytes = 8 << 20};
    if (!marker.empty()) call.query.emplace_back("part-number-marker", marker);
    const S3Answer answer = TRY(client.send(call));
    if (answer.response.status == 404) return std::optional<Parts>();
    const XmlElement document = TRY(read_answer(client, call, answer, "ListPartsResult"));
    for (const XmlElement& part : document.children) {
      const auto number = parse_u64(part.text_of("PartNumber"));
      const auto size = parse_u64(part.text_of("Size"));
      if (part.name != "Part" || !number || !size) continue;
      parts[*number] = {*size, std::string(part.text_of("ETag")),
                        std::string(part.text_of("ChecksumSHA256"))};
    }
    if (document.text_of("IsTruncated") != "true") break;
    marker = document.text_of("NextPartNumberMarker");
  }
  return std::optional(std::move(parts));
}

class Sending {
 public:
  Sending(S3Client& client, const S3Upload& upload, const File& file)
      : client_(client), upload_(upload), file_(file) {
    part_bytes_ = s3_part_bytes;
    while (part_bytes_ * s3_most_parts < upload.size) part_bytes_ *= 2;
  }

  Result<> run() {
    if (part_bytes_ > largest_part)
      return fail_hint(ErrorKind::invalid, "split it", "'{}' has {} bytes, more than an artifact may have",
                       printable(upload_.path), upload_.size);
    TRY(take_up());
    TRY(send_parts());
    return complete();
  }

 private:
  // An earlier upload whose first part is this file's, or a new one.
  Result<> take_up() {
    const auto first = TRY(part_digest_at_start());
    for (const Unfinished& unfinished : TRY(list_unfinished(client_, upload_.key))) {
      auto parts = TRY(list_parts(client_, upload_.key, unfinished.id));
      if (!parts) continue;
      const auto found = parts->find(1);
      if (found != parts->end() && found->second.sha256 == first && found->second.size == part_bytes_) {
        id_ = unfinished.id;
        there_ = std::move(*parts);
        return {};
      }
      const auto begun = parse_instant(unfinished.initiated);
      if (begun && client_.world().clock.now() - *begun > stale_after) TRY(abort(unfinished.id));
    }
    return begin();
  }

  Result<std::string> part_digest_at_start() {
    const auto reader = TRY(client_.world().files.open(upload_.path));
    const std::string part = TRY(read_part(*reader, part_bytes_));
    return to_base64(crypto::as_bytes(crypto::sha256(part)));
  }

  Result<> begin() {
    S3Call call{.method = "POST", .key = upload_.key, .query = {{"uploads", ""}}, .headers = upload_.headers};
    call.headers.emplace_back("x-amz-checksum-algorithm", "SHA256");
    const S3Answer answer = TRY(client_.send(call));
    const XmlElement document = TRY(read_answer(client_, call, answer, "InitiateMultipartUploadResult"));
    id_ = document.text_of("UploadId");
    if (id_.empty()) return fail(client_.refused(call, answer.response));
    return {};
  }

  Result<> abort(const std::string& id) {
    const S3Call call{.method = "DELETE", .key = upload_.key, .query = {{"uploadId", id}}};
    const S3Answer answer = TRY(client_.send(call));
    if (answer.ok() || answer.response.status == 404) return {};
    return fail(client_.refused(call, answer.response));
  }

  Result<> send_parts() {
    const auto reader = TRY(client_.world().files.open(upload_.path));
    crypto::Sha256 whole;
    std::uint64_t sent = 0;
    for (std::uint64_t number = 1;; ++number) {
      std::string part = TRY(read_part(*reader, part_bytes_));
      if (part.empty() && number > 1) break;
      whole.update(part);
      sent += part.size();
      if (number > s3_most_parts || sent > upload_.size) break;  // it grew: the digest says so below
      const auto digest = crypto::sha256(part);
      const std::string sha256 = to_base64(crypto::as_bytes(digest));
      const auto there = there_.find(number);
      if (there == there_.end() || there->second.sha256 != sha256 || there->second.size != part.size())
        there_[number] = TRY(send_part(number, std::move(part), sha256, crypto::to_hex(digest)));
    }
    const std::string sha256 = crypto::to_hex(whole.finish());
    if (sha256 == upload_.sha256 && sent == upload_.size) {
      there_.erase(there_.upper_bound((upload_.size + part_bytes_ - 1) / part_bytes_), there_.end());
      return {};
    }
    static_cast<void>(abort(id_).has_value());
    File named = file_;
    named.sha256 = upload_.sha256;
    return fail(other_bytes(named, sha256));
  }

  Result<Part> send_part(std::uint64_t number, std::string part, const std::string& sha256,
                         const std::string& hex) {
    const std::uint64_t size = part.size();
    const S3Call call{.method = "PUT",
                      .key = upload_.key,
                      .query = {{"partNumber", std::to_string(number)}, {"uploadId", id_}},
                      .headers = {{"x-amz-checksum-sha256", sha256}},
                      .body = std::move(part),
                      .body_sha256 = hex};
    const S3Answer answer = TRY(client_.send(call));
    if (answer.response.status == 404)
      return fail_hint(ErrorKind::conflict, "run again: another run finished or stopped this upload",
                       "the upload of '{}' to {} is gone", file_.name, client_.shown());
    if (!answer.ok()) return fail(client_.refused(call, answer.response));
    return Part{size, std::string(answer.response.header("etag")), sha256};
  }

  Result<> complete() {
    std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const auto& [number, part] : there_)
      body += fmt::format(
          "<Part><PartNumber>{}</PartNumber><ETag>{}</ETag><ChecksumSHA256>{}</ChecksumSHA256></Part>",
          number, escape_xml(part.etag), escape_xml(part.sha256));
    body += "</CompleteMultipartUpload>";
    const S3Call call{.method = "POST",
                      .key = upload_.key,
                      .query = {{"uploadId", id_}},
                      .headers = {{"content-type", "application/xml"}},
                      .body = std::move(body)};
    const S3Answer answer = TRY(client_.send(call));
    if (answer.response.status == 404 || !answer.ok()) {
      // Another run, or an earlier try of this one, has completed it.
      const auto object = TRY(client_.head(upload_.key));
      if (object && object->size == upload_.size && object->sha256 == upload_.sha256) return {};
    }
    TRY(read_answer(client_, call, answer, "CompleteMultipartUploadResult"));
    return {};
  }

  S3Client& client_;
  const S3Upload& upload_;
  const File& file_;
  std::uint64_t part_bytes_ = 0;
  std::string id_;
  Parts there_;
};

}  // namespace

Result<std::string> read_part(ports::FileReader& reader, std::uint64_t part_bytes) {
  std::string part(part_bytes, '\0');
  std::size_t have = 0;
  while (have < part.size()) {
    const std::size_t got = TRY(reader.read(part.data() + have, part.size() - have));
    if (got == 0) break;
    have += got;
  }
  part.resize(have);
  return part;
}

Result<XmlElement> read_answer(const S3Client& client, const S3Call& call, const S3Answer& answer,
                               std::string_view root) {
  if (!answer.ok()) return fail(client.refused(call, answer.response));
  XmlElement document =
      TRY_WHILE("reading what " + client.shown() + " answers", parse_xml(answer.response.body));
  // Completing an upload and copying may say 200 first and find an error later.
  if (document.name != root) return fail(client.refused(call, answer.response));
  return document;
}

Result<> upload_parts(S3Client& client, const S3Upload& upload, const File& file) {
  return Sending(client, upload, file).run();
}

}  // namespace tranche::store
