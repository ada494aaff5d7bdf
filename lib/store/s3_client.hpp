// One request to S3 and its answer: signed, sent again while it may pass, explained when it does not. Not for
// other rooms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ports/ports.hpp"
#include "store/s3.hpp"
#include "store/s3_sign.hpp"
#include "store/s3_xml.hpp"

namespace tranche::store {

struct S3Call {
  std::string method = "GET";
  std::string key;  // in the bucket, prefix included; empty: the bucket itself
  Pairs query;
  Pairs headers;  // names in lower case
  std::string body;
  std::string body_sha256;  // hex, when known already
  std::size_t max_response_bytes = 1 << 20;
};

struct S3Answer {
  ports::HttpResponse response;
  bool repeated = false;  // an earlier try got no answer: it may have been performed
  [[nodiscard]] bool ok() const { return response.status >= 200 && response.status < 300; }
  [[nodiscard]] std::string code() const;  // of an error document; empty when there is none
};

// The object that a HEAD or GET tells of.
struct S3Object {
  std::uint64_t size = 0;
  std::string etag;
  std::string sha256;  // as recorded; empty when it is no digest, or another tool wrote the object
  std::string writer;  // which publish() wrote it, as recorded
};

class S3Client {
 public:
  static Result<S3Client> make(ports::World& world, S3Options options);

  // The answer of any status that will not change by trying again; 429 and 5xx to the end are errors.
  Result<S3Answer> send(const S3Call& call);
  // What an answer that the caller did not expect means, and what to do.
  [[nodiscard]] Error refused(const S3Call& call, const ports::HttpResponse& response) const;

  // nullopt: no such object.
  Result<std::optional<S3Object>> head(const std::string& key);
  // SHA-256 of its content, read in pieces while it stays the object of `etag`.
  Result<std::string> digest(const std::string& key, const S3Object& object);

  [[nodiscard]] std::string key_of(std::string_view name) const;
  [[nodiscard]] const S3Options& options() const { return options_; }
  [[nodiscard]] const std::string& shown() const { return shown_; }  // "s3://BUCKET/PREFIX"
  [[nodiscard]] ports::World& world() const { return *world_; }
  Result<std::string> random_hex(std::size_t bytes) const;
  // No request goes on after this point of Clock::elapsed(); nullopt: each has its own time.
  void limit(std::optional<std::chrono::nanoseconds> until) { until_ = until; }

 private:
  S3Client(ports::World& world, S3Options options) : world_(&world), options_(std::move(options)) {}
  [[nodiscard]] ports::HttpRequest signed_request(const S3Call& call, const std::string& sha256) const;
  Result<> pause(int tries, std::string_view retry_after) const;
  ports::World* world_;
  S3Options options_;
  std::string scheme_, host_;  // host with its port, and with the bucket unless path style
  std::string shown_;
  std::optional<std::chrono::nanoseconds> until_;
};

S3Object read_object_headers(const ports::HttpResponse& response, std::uint64_t size);
// Between an object's last change and the answer, by the server's clock.
std::optional<Duration> object_age(const ports::HttpResponse& response);
bool is_sha256(std::string_view text);

}  // namespace tranche::store
