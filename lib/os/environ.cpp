#include <cstdlib>

#include "os/world.hpp"

namespace tranche::os {
namespace {

class RealEnviron final : public ports::Environ {
 public:
  std::optional<std::string> get(const std::string& name) override {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  }
};

}  // namespace

std::unique_ptr<ports::Environ> make_environ() { return std::make_unique<RealEnviron>(); }

}  // namespace tranche::os
