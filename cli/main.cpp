#include "cli/run.hpp"
#include "os/world.hpp"

int main(int argc, char** argv) {
  tranche::os::install_signal_handlers();
  tranche::os::RealWorld real;
  return tranche::cli::run({argv + (argc > 0 ? 1 : 0), argv + argc}, real.world());
}
