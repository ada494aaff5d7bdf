#include "sbom/digest_file.hpp"

#include <algorithm>
#include <memory>

#include "crypto/digest.hpp"

namespace tranche::sbom {

Result<Digested> digest_file(ports::Files& files, const std::string& path, std::size_t max_head) {
  const std::unique_ptr<ports::FileReader> reader = TRY(files.open(path));
  Digested digested;
  crypto::Sha256 sha256;
  std::string piece(256 * 1024, '\0');
  while (const std::size_t count = TRY(reader->read(piece.data(), piece.size()))) {
    const std::string_view bytes = std::string_view(piece).substr(0, count);
    sha256.update(bytes);
    digested.size += count;
    digested.head.append(bytes.substr(0, max_head - std::min(max_head, digested.head.size())));
  }
  digested.hash = {"SHA-256", crypto::to_hex(sha256.finish())};
  return digested;
}

}  // namespace tranche::sbom
