#include "platform/file_digest.hpp"

#include <string_view>

#include "crypto/digest.hpp"

namespace tranche::platform {

Result<FileDigest> digest_of(ports::Files& files, const std::string& path) {
  const auto reader = TRY(files.open(path));
  std::string piece(256 << 10, '\0');
  crypto::Sha256 hash;
  FileDigest out;
  while (const std::size_t size = TRY(reader->read(piece.data(), piece.size()))) {
    hash.update(std::string_view(piece).substr(0, size));
    out.size += size;
  }
  out.sha256 = crypto::to_hex(hash.finish());
  return out;
}

}  // namespace tranche::platform
