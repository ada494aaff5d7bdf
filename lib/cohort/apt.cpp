// APT's dice (apt-pkg/policy.cc and upgrade.cc of apt 2.6): a machine's draw for a
// source version comes from
//   std::seed_seq seed(chars of "<source>-<source version>-<machine id>");
//   std::minstd_rand rand(seed);
//   std::uniform_int_distribution<unsigned>(0, 100)(rand)
// The standard leaves the distribution's arithmetic to the library, and APT in the field is built with
// libstdc++. So the three are written out here, as libstdc++ 5 to 14 computes them (bits/random.tcc,
// bits/uniform_int_dist.h), whatever library this is built with.
#include <array>
#include <cstdint>
#include <initializer_list>

#include "cohort/clients.hpp"

namespace tranche::cohort {

namespace {

constexpr std::uint64_t modulus = 2147483647, multiplier = 48271;  // std::minstd_rand
constexpr std::uint64_t faces = 101;                               // 0 .. 100
constexpr std::uint64_t engine_range = modulus - 2;                // its max() - min()
constexpr std::uint64_t scaling = engine_range / faces;
constexpr std::uint64_t past = faces * scaling;

// The four words that a linear congruential engine of 31 bits asks a seed_seq for, [rand.util.seedseq]. The
// text comes in parts, so nothing is put together in memory.
std::array<std::uint32_t, 4> seed_words(std::initializer_list<std::string_view> parts) {
  std::array<std::uint32_t, 4> b;
  b.fill(0x8b8b8b8bU);
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();

  // n = 4 gives p = 1 and q = 2. Step 0 takes the length, steps 1..size one char each, then up to step 3
  // nothing is added.
  std::uint32_t k = 0;
  const auto step = [&](std::uint32_t addend) {
    const std::uint32_t at = k % 4;
    const std::uint32_t mixed = b[at] ^ b[(at + 1) % 4] ^ b[(at + 3) % 4];
    const std::uint32_t r1 = 1664525U * (mixed ^ (mixed >> 27));
    const std::uint32_t r2 = r1 + addend;
    b[(at + 1) % 4] += r1;
    b[(at + 2) % 4] += r2;
    b[at] = r2;
    ++k;
  };
  step(static_cast<std::uint32_t>(size));
  for (const std::string_view part : parts)
    // A char is a signed number there.
    for (const char c : part) step(k % 4 + static_cast<std::uint32_t>(static_cast<signed char>(c)));
  while (k < 4) step(k % 4);
  for (const std::uint32_t end = k + 4; k < end; ++k) {
    const std::uint32_t at = k % 4;
    const std::uint32_t sum = b[at] + b[(at + 1) % 4] + b[(at + 3) % 4];
    const std::uint32_t r3 = 1566083941U * (sum ^ (sum >> 27));
    const std::uint32_t r4 = r3 - at;
    b[(at + 1) % 4] ^= r3;
    b[(at + 2) % 4] ^= r4;
    b[at] = r4;
  }
  return b;
}

}  // namespace

unsigned apt_draw(std::string_view source, std::string_view source_version, std::string_view machine_id) {
  std::uint64_t state = seed_words({source, "-", source_version, "-", machine_id})[3] % modulus;
  if (state == 0) state = 1;
  while (true) {
    state = state * multiplier % modulus;
    const std::uint64_t drawn = state - 1;
    if (drawn < past) return static_cast<unsigned>(drawn / scaling);
  }
}

}  // namespace tranche::cohort
