// Increments over time: a ring of time slots, each with the few series that moved in it. Private to this
// room.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace tranche::server {

class Ring {
 public:
  Ring(Duration resolution, std::size_t slots) : resolution_(resolution), slots_(slots) {}

  [[nodiscard]] Duration resolution() const { return resolution_; }
  [[nodiscard]] Duration memory() const { return resolution_ * static_cast<std::int64_t>(slots_.size() - 1); }

  void add(Instant at, std::uint32_t series, std::uint32_t count) {
    const std::int64_t stamp = at.time_since_epoch() / resolution_;
    Slot& slot = slots_[index(stamp)];
    if (slot.stamp > stamp) return;  // the clock jumped back by more than the ring holds
    if (slot.stamp < stamp) {
      slot.stamp = stamp;
      slot.entries.clear();
    }
    for (Entry& entry : slot.entries)
      if (entry.series == series) {
        entry.count += count;
        return;
      }
    slot.entries.push_back({series, count});
  }

  // Calls visit(series, count) for every entry of the slots in [from, to); both are multiples of the
  // resolution.
  template <class Visit>
  void visit(Instant from, Instant to, Visit&& visit) const {
    const std::int64_t end = to.time_since_epoch() / resolution_;
    for (std::int64_t stamp = from.time_since_epoch() / resolution_; stamp < end; ++stamp) {
      const Slot& slot = slots_[index(stamp)];
      if (slot.stamp != stamp) continue;
      for (const Entry& entry : slot.entries) visit(entry.series, entry.count);
    }
  }

 private:
  struct Entry {
    std::uint32_t series, count;
  };
  struct Slot {
    std::int64_t stamp = -1;
    std::vector<Entry> entries;
  };
  [[nodiscard]] std::size_t index(std::int64_t stamp) const {
    return static_cast<std::size_t>(stamp) % slots_.size();
  }
  Duration resolution_;
  std::vector<Slot> slots_;
};

}  // namespace tranche::server
