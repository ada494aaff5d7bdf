#include "cohort/static_arm.hpp"

#include <doctest/doctest.h>

#include <random>

#include "base/text.hpp"
#include "cohort/clients.hpp"

using namespace tranche;
using namespace tranche::cohort;

namespace {

Directions offering(std::uint32_t ppm) {
  Directions directions;
  directions.baseline = "1.1.0";
  directions.offer = Offer{"1.2.0", "app/stable/1.2.0", {{}}};
  Rule& rule = directions.offer->rules[0];
  rule.all = ppm == Percent::whole;
  if (!rule.all) rule.below = threshold(Percent{ppm});
  return directions;
}

std::string uuid(std::mt19937_64& random) {
  return fmt::format("{:08x}-{:04x}-5{:03x}-8{:03x}-{:012x}", random() >> 32, random() >> 48, random() >> 52,
                     random() >> 52, random() >> 16);
}

}  // namespace

TEST_CASE("the arm of a device on a static feed is what its own updater makes of the share") {
  std::mt19937_64 random(11);
  for (const std::uint32_t ppm : {10'000u, 55'000u, 500'000u, 990'000u}) {
    const Directions directions = offering(ppm);
    const int percent = static_cast<int>(ppm / 10'000);
    int canaries = 0;
    for (int i = 0; i < 20'000; ++i) {
      const Device device{uuid(random), {}};
      const Placement electron = place(directions, device, "electron");
      CHECK(electron.stratum == static_cast<std::uint32_t>(percent) * 10'000);
      CHECK((electron.arm == Arm::canary) == electron_admits(device.id, std::to_string(percent)));
      CHECK((place(directions, device, "squirrel").arm == Arm::canary) ==
            squirrel_admits(device.id, percent));
      CHECK(place(directions, device, "").arm == place(directions, device).arm);
      canaries += electron.arm == Arm::canary;
    }
    CHECK(std::abs(canaries - 200 * percent) < 400);
  }
}

TEST_CASE("where nobody can know the arm there is none, and everyone is everyone") {
  const Device device{"7a1f3f5e-0b1c-5d2e-8f00-0123456789ab", {}}, nameless{"laptop-17", {}};
  for (const std::string_view feed : {"apt", "sparkle", "tauri", "velopack", "of-tomorrow"}) {
    CAPTURE(feed);
    CHECK(place(offering(500'000), device, feed).arm == Arm::none);
    CHECK(place(offering(1'000'000), device, feed).arm == Arm::canary);
    CHECK_FALSE(place(offering(1'000'000), device, feed).randomised());
  }
  CHECK(place(offering(500'000), nameless, "electron").arm == Arm::none);
  CHECK(place(offering(500'000), nameless, "tranche").arm != Arm::none);
  CHECK(place(offering(5'000), device, "electron").arm == Arm::control);  // 0.5% is 0%: nobody is exposed
  CHECK_FALSE(place(offering(5'000), device, "electron").randomised());
  CHECK(place({}, device, "electron").arm == Arm::none);
}

TEST_CASE("a cohort's share is thrown among those of the cohort") {
  Directions directions = offering(10'000);
  Rule pilots;
  pilots.labels["ring"] = {"pilot"};
  pilots.below = threshold(Percent{500'000});
  directions.offer->rules.push_back(pilots);
  const Device pilot{"00000000-0000-4000-8000-000040000000", {{"ring", "pilot"}}}, other{pilot.id, {}};
  CHECK(place(directions, pilot, "electron").arm == Arm::canary);
  CHECK(place(directions, pilot, "electron").stratum == 500'000);
  CHECK(place(directions, other, "electron").arm == Arm::control);
  CHECK(place(directions, other, "electron").stratum == 10'000);
}
