#include "signing/private_directory.hpp"

#include <doctest/doctest.h>

#include "os/world.hpp"

using namespace tranche;
using signing::PrivateDirectory;

TEST_CASE("a private directory is for this user, and gone with its owner") {
  os::RealWorld real;
  ports::World& world = real.world();
  std::string path;
  {
    const auto made = PrivateDirectory::make(world, PrivateDirectory::Holds::secrets);
    REQUIRE(made);
    path = (*made)->path();
    CHECK(world.files.info(path).value()->mode == 0700);
    REQUIRE(world.files.write(**made / "key", "secret", 0600));
  }
  CHECK_FALSE(world.files.info(path).value().has_value());
}

TEST_CASE("what a killed run left is removed by the next, what a living one holds is not") {
  os::RealWorld real;
  ports::World& world = real.world();
  const auto living = PrivateDirectory::make(world, PrivateDirectory::Holds::secrets);
  REQUIRE(living);
  const std::string place = (*living)->path().substr(0, (*living)->path().rfind('/'));
  const std::string abandoned = place + "/tranche-test-abandoned";
  const std::string young = place + "/tranche-test-young";      // its owner may be about to lock it
  const std::string foreign = place + "/tranche-test-foreign";  // has no owner's file
  for (const std::string& path : {abandoned, young, foreign})
    REQUIRE(world.process.run({.argv = {"mkdir", "-p", "-m", "700", path}})->exit_code == 0);
  REQUIRE(world.files.write(young + "/owner", "", 0600));
  REQUIRE(world.files.write(abandoned + "/owner", "", 0600));
  REQUIRE(world.process.run({.argv = {"touch", "-d", "2 minutes ago", abandoned + "/owner"}})->exit_code ==
          0);
  REQUIRE(world.files.write(abandoned + "/key", "secret", 0600));
  const auto next = PrivateDirectory::make(world, PrivateDirectory::Holds::secrets);
  REQUIRE(next);
  CHECK_FALSE(world.files.info(abandoned).value().has_value());
  CHECK(world.files.info(foreign).value().has_value());
  CHECK(world.files.info(young).value().has_value());
  CHECK(world.files.info((*living)->path()).value().has_value());
  (void)world.process.run({.argv = {"rm", "-r", foreign, young}});
}
