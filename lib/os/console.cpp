// The terminal. Text is written at once and whole; a closed pipe loses it silently, as every tool behind
// `| head` does.
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/system_error.hpp"
#include "os/world.hpp"

namespace tranche::os {
namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&ready, 1, 1000);
    } else if (errno != EINTR) {
      return;
    }
  }
}

class RealConsole final : public ports::Console {
 public:
  void out(std::string_view text) override { write_all(STDOUT_FILENO, text); }
  void err(std::string_view text) override { write_all(STDERR_FILENO, text); }

  Result<std::string> in(std::size_t max_bytes) override {
    std::string text;
    std::array<char, 65536> buffer;
    while (true) {
      const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(path_error("read", "stdin", errno));
      if (got == 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(got));
      if (text.size() > max_bytes)
        return fail_hint(ErrorKind::invalid, "give less, or a file", "stdin holds more than {} bytes",
                         max_bytes);
    }
  }

  bool err_is_terminal() override { return isatty(STDERR_FILENO) == 1; }
  bool out_is_terminal() override { return isatty(STDOUT_FILENO) == 1; }

  int width() override {
    for (const int fd : {STDERR_FILENO, STDOUT_FILENO}) {
      winsize size{};
      if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    }
    return 80;
  }
};

}  // namespace

std::unique_ptr<ports::Console> make_console() { return std::make_unique<RealConsole>(); }

}  // namespace tranche::os
