// A store that is an S3 bucket, or a part of one below a prefix: AWS's own, and servers that speak its
// protocol and honour conditions on writes (a server that ignores them is found out and refused).
#pragma once

#include <memory>
#include <string>

#include "ports/ports.hpp"
#include "store/s3_sign.hpp"
#include "store/store.hpp"

namespace tranche::store {

struct S3Options {
  std::string bucket;
  std::string prefix;  // names lie below it; no '/' at its ends; may be empty
  std::string region = "us-east-1";
  std::string endpoint;     // http(s)://host[:port]; empty: AWS's own for the region
  bool path_style = false;  // https://host/BUCKET/key instead of https://BUCKET.host/key
  S3Keys keys;
};

// Version = ETag. Each object carries its SHA-256 (x-amz-meta-sha256), so what is there already is not sent
// again; a Cache-Control by its kind; and, when larger than 8 MiB, is sent in parts that a later run takes up
// where a killed one stopped. Errors that pass (429, 5xx, lost connections) are tried again, a few seconds at
// most. kind invalid: options that name no bucket, region or endpoint.
Result<std::unique_ptr<Store>> open_s3(ports::World& world, S3Options options);

}  // namespace tranche::store
