// Files of more than 8 MiB, sent in parts. Not for other rooms.
#pragma once

#include "store/s3_client.hpp"

namespace tranche::store {

inline constexpr std::uint64_t s3_part_bytes = 8 << 20;
inline constexpr std::uint64_t s3_most_parts = 10'000;  // S3's limit

// The next part of a file: shorter at its end, empty after it.
Result<std::string> read_part(ports::FileReader& reader, std::uint64_t part_bytes);
// The document of an answer, whose root must have this name.
Result<XmlElement> read_answer(const S3Client& client, const S3Call& call, const S3Answer& answer,
                               std::string_view root);

struct S3Upload {
  std::string key;
  std::string path;  // the local file
  std::uint64_t size = 0;
  std::string sha256;  // what its content must be
  Pairs headers;       // of the object: type, caching, metadata
};
// Sends what the bucket does not hold yet: parts of an earlier upload of this key that was killed are kept
// when their digests are those of this file's. kind verification: the file has other bytes than `sha256`
// says (`name` is for messages); nothing appears in the bucket then.
Result<> upload_parts(S3Client& client, const S3Upload& upload, const File& file);

}  // namespace tranche::store
