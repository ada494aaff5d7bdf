#include "store/side_hash.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace tranche;

TEST_CASE("the hash on its own thread is the hash, whatever the pieces") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed ", seed);
  std::mt19937 random(seed);
  for (const std::size_t size : {0U, 1U, 1U << 20, (1U << 20) + 1, 4U << 20, (9U << 20) - 3}) {
    CAPTURE(size);
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    store::SideHash hash;
    for (std::string_view rest = bytes; !rest.empty();) {
      const std::size_t piece = std::min<std::size_t>(rest.size(), 1 + random() % 700'000);
      hash.update(rest.substr(0, piece));
      rest.remove_prefix(piece);
    }
    CHECK(hash.finish() == crypto::to_hex(crypto::sha256(bytes)));
  }
  store::SideHash left;  // given up in the middle
  left.update(std::string(3 << 20, 'x'));
}
