#include "os/signals.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

#include "os/world.hpp"

namespace tranche::os {
namespace {

std::atomic<int> interrupts = 0;
std::atomic<int> wake_read = -1;
std::atomic<int> wake_write = -1;
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

extern "C" void on_interrupt(int signal) {
  const int saved = errno;
  if (interrupts.fetch_add(1) > 0 && signal == SIGINT) _exit(130);
  const char byte = 1;
  [[maybe_unused]] const auto written = write(wake_write.load(), &byte, 1);
  errno = saved;
}

}  // namespace

void install_signal_handlers() {
  int ends[2];
  if (wake_read.load() < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    wake_read = ends[0];
    wake_write = ends[1];
  }
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

bool interrupt_seen() { return interrupts.load() > 0; }
int interrupt_descriptor() { return wake_read.load(); }

}  // namespace tranche::os
