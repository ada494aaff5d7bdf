#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "os/system_error.hpp"
#include "os/world.hpp"

namespace tranche::os {
namespace {

class RealRandom final : public ports::Random {
 public:
  Result<std::string> bytes(std::size_t count) override {
    std::string out(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const ssize_t got = getrandom(out.data() + have, count - have, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0)
        return fail(ErrorKind::failed, "cannot read random bytes from the kernel: {}", error_text(errno));
      have += static_cast<std::size_t>(got);
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<ports::Random> make_random() { return std::make_unique<RealRandom>(); }

}  // namespace tranche::os
