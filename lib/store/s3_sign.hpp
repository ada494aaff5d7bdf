// AWS Signature Version 4 for S3, pure: from a request to its Authorization header.
// Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference. S3 differs from other
// services: the path is encoded once, and x-amz-content-sha256 is always sent.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "base/time.hpp"

namespace tranche::store {

struct S3Keys {
  std::string access_key;
  Secret secret_key;
  Secret session_token;  // of temporary credentials; or empty
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What is signed: all of these, and x-amz-date, x-amz-content-sha256, x-amz-security-token of the arguments.
struct SignedRequest {
  std::string method;
  std::string host;            // as in the Host header
  std::string path;            // encoded, begins with '/'
  Pairs query;                 // not encoded
  Pairs headers;               // names in lower case
  std::string payload_sha256;  // hex
};

std::string encode_path(std::string_view path);  // RFC 3986 unreserved bytes and '/' stay
std::string encode_query(Pairs query);           // sorted as it is signed; sent as it is signed
std::string amz_date(Instant when);              // 20130524T000000Z

std::string canonical_request(const SignedRequest& request, const S3Keys& keys, Instant when);
// The header's value: "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...".
Secret authorization(const SignedRequest& request, const S3Keys& keys, std::string_view region, Instant when);

}  // namespace tranche::store
