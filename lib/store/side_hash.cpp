#include "store/side_hash.hpp"

#include <algorithm>

namespace tranche::store {

SideHash::SideHash() {
  for (std::string& slot : slots_) slot.reserve(slot_bytes);
  thread_ = std::jthread([this] { work(); });
}

SideHash::~SideHash() {
  {
    const std::lock_guard guard(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

void SideHash::update(std::string_view bytes) {
  while (!bytes.empty()) {
    // The slot after those handed over is the caller's alone.
    std::string& slot = slots_[filled_ % slots_.size()];
    const std::size_t taken = std::min(slot_bytes - slot.size(), bytes.size());
    slot.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (slot.size() == slot_bytes) hand_over();
  }
}

void SideHash::hand_over() {
  std::unique_lock guard(mutex_);
  ++filled_;
  changed_.notify_all();
  changed_.wait(guard, [&] { return filled_ - hashed_ < slots_.size(); });
  slots_[filled_ % slots_.size()].clear();
}

std::string SideHash::finish() {
  std::unique_lock guard(mutex_);
  ++filled_;
  ended_ = true;
  changed_.notify_all();
  changed_.wait(guard, [&] { return filled_ == hashed_; });
  return crypto::to_hex(hash_.finish());
}

void SideHash::work() {
  std::unique_lock guard(mutex_);
  while (true) {
    changed_.wait(guard, [&] { return hashed_ < filled_ || ended_; });
    if (hashed_ == filled_) return;
    const std::string& slot = slots_[hashed_ % slots_.size()];
    guard.unlock();
    hash_.update(slot);
    guard.lock();
    ++hashed_;
    changed_.notify_all();
  }
}

}  // namespace tranche::store
