// SHA-256 on a thread of its own, while the caller copies: of a large file neither waits for the other.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "crypto/digest.hpp"

namespace tranche::store {

class SideHash {
 public:
  SideHash();
  SideHash(const SideHash&) = delete;
  SideHash& operator=(const SideHash&) = delete;
  ~SideHash();
  void update(std::string_view bytes);  // copied; waits when the hash is four slots behind
  std::string finish();                 // hex; once

 private:
  static constexpr std::size_t slot_bytes = 1 << 20;
  void hand_over();
  void work();

  std::array<std::string, 4> slots_;
  std::size_t filled_ = 0;  // slots handed over, ever
  std::size_t hashed_ = 0;  // of these
  bool ended_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  crypto::Sha256 hash_;
  std::jthread thread_;  // last: the others are there when it begins
};

}  // namespace tranche::store
