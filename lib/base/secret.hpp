// Secret: bytes that print as *** everywhere and are wiped when they go. Reading them is spelled out:
// expose().
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace tranche {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      bytes_ = std::move(other.bytes_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  [[nodiscard]] std::string_view expose() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  void wipe() noexcept {
    volatile char* p = bytes_.data();  // volatile: the compiler may not drop the writes
    for (std::size_t i = 0; i < bytes_.size(); ++i) p[i] = 0;
    bytes_.clear();
  }
  std::string bytes_;
};

}  // namespace tranche

template <>
struct fmt::formatter<tranche::Secret> : fmt::formatter<std::string_view> {
  auto format(const tranche::Secret&, format_context& ctx) const {
    return fmt::formatter<std::string_view>::format("***", ctx);
  }
};
