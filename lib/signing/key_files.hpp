// Files of keys: a public one of the repository is read, a pair of any kind is written. Not for other rooms.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "ports/ports.hpp"

namespace tranche::signing {

// What a file of public keys in the repository holds; a path that leaves it is refused. kind invalid.
inline constexpr std::size_t max_key_file_bytes = 16 * 1024;
Result<std::string> read_public_file(ports::Files& files, const std::string& repository,
                                     const std::string& path, std::size_t max_bytes = max_key_file_bytes);

struct KeyPaths {
  std::string secret_half, public_half;
};
struct KeyTexts {
  Secret secret_half;
  std::string public_half;
};
// The rules of generate_key: nothing is overwritten, and the secret half (mode 0600) never lies where git
// could commit it. `make` is called once all paths are found good.
Result<> write_key_pair(ports::World& world, const std::string& repository, const KeyPaths& paths,
                        const std::function<Result<KeyTexts>()>& make);

}  // namespace tranche::signing
