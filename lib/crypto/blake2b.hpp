// BLAKE2b (RFC 7693) by libsodium, in one pass over pieces: what minisign hashes files with.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace tranche::crypto {

// One pass over data that comes in pieces, constant memory. Ends with finish().
class Blake2b {
 public:
  explicit Blake2b(std::size_t digest_bytes = 64);  // 16..64
  Blake2b(const Blake2b&) = delete;
  Blake2b& operator=(const Blake2b&) = delete;
  Blake2b(Blake2b&&) noexcept;
  Blake2b& operator=(Blake2b&&) noexcept;
  ~Blake2b();
  Blake2b& update(std::string_view bytes);
  std::string finish();  // digest_bytes raw bytes

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tranche::crypto
