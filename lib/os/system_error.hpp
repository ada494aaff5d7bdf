// errno in words, and owners of what the kernel hands out.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace tranche::os {

std::string error_text(int code);  // strerror, thread-safe
// "cannot write 'PATH': No space left on device", with a hint for what a user can mend.
Error path_error(std::string_view what, std::string_view path, int code);

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { reset(); }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

}  // namespace tranche::os
