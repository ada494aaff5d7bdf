#include "os/world.hpp"

namespace tranche::os {

RealWorld::RealWorld()
    : clock_(make_clock()),
      http_(make_http()),
      files_(make_files()),
      process_(make_process()),
      random_(make_random()),
      environ_(make_environ()),
      console_(make_console()),
      zones_(make_zones()),
      world_{*clock_, *http_, *files_, *process_, *random_, *environ_, *console_, *zones_} {}

RealWorld::~RealWorld() = default;

}  // namespace tranche::os
