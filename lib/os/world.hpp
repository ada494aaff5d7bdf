// The real doors of ports/ports.hpp. Only cli (and tests) build them.
//
// Making a RealWorld opens nothing and costs nothing: libcurl is loaded by the first request.
#pragma once

#include <memory>

#include "ports/ports.hpp"

namespace tranche::os {

std::unique_ptr<ports::Clock> make_clock();
std::unique_ptr<ports::Http> make_http();
std::unique_ptr<ports::Files> make_files();
std::unique_ptr<ports::Process> make_process();
std::unique_ptr<ports::Random> make_random();
std::unique_ptr<ports::Environ> make_environ();
std::unique_ptr<ports::Console> make_console();
std::unique_ptr<ports::Zones> make_zones();  // the machine's, /usr/share/zoneinfo

// All of them, owned.
class RealWorld {
 public:
  RealWorld();
  RealWorld(const RealWorld&) = delete;
  RealWorld& operator=(const RealWorld&) = delete;
  ~RealWorld();
  ports::World& world() { return world_; }

 private:
  std::unique_ptr<ports::Clock> clock_;
  std::unique_ptr<ports::Http> http_;
  std::unique_ptr<ports::Files> files_;
  std::unique_ptr<ports::Process> process_;
  std::unique_ptr<ports::Random> random_;
  std::unique_ptr<ports::Environ> environ_;
  std::unique_ptr<ports::Console> console_;
  std::unique_ptr<ports::Zones> zones_;
  ports::World world_;
};

// SIGINT and SIGTERM make Clock::interrupted() true and end every sleep; what is in flight (a request, a
// child process) ends by its own time limit, so that its outcome is known. A second SIGINT leaves at once
// with 130. SIGPIPE is ignored: a closed stdout is an error of a write. Call once, early, from main.
void install_signal_handlers();

}  // namespace tranche::os
