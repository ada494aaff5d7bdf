// One file sent to a bucket that belongs to somebody else, with temporary credentials that may write this
// object and nothing more: no listing, no looking, no conditions.
#pragma once

#include <string>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "store/s3.hpp"

namespace tranche::store {

// Constant memory: files of more than 8 MiB are sent in parts, each by its digest. kind verification: the
// file has other bytes than `sha256` (hex) says; the object does not appear then. kind denied: the bucket
// refuses.
Result<> upload_file(ports::World& world, S3Options options, const std::string& key, const std::string& path,
                     const std::string& sha256);

}  // namespace tranche::store
