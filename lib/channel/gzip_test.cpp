#include "channel/gzip.hpp"

#include <doctest/doctest.h>

#include <random>

#include "artifact/unpack.hpp"
#include "base/encoding.hpp"

using namespace tranche;
using namespace tranche::channel;

TEST_CASE("what is packed unpacks to the same bytes, with another library") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200; ++i) {
    std::string text("t");
    const std::size_t size = 1 + random() % (i < 190 ? 600 : 200'000);
    const unsigned letters = 1 + static_cast<unsigned>(random() % (i % 2 == 0 ? 3 : 256));
    while (text.size() < size) {
      if (random() % 8 == 0)  // a repetition, near or far
        text += text.substr(random() % text.size(), random() % 400);
      text += static_cast<char>(random() % letters);
    }
    CAPTURE(i);
    const auto back = artifact::unpack(gzip(text), text.size());
    REQUIRE_MESSAGE(back.has_value(), back.error().message);
    CHECK(*back == text);
  }
  CHECK(artifact::unpack(gzip(""), 0).value_or("?") == "");
}

TEST_CASE("an index of packages packs to less than a quarter, and its bytes never change") {
  std::string index;
  for (int i = 0; i < 100; ++i)
    index += fmt::format(
        "Package: notes-agent\nVersion: 1.{}.0\nArchitecture: amd64\nMaintainer: Ana "
        "<ana@example.org>\nDepends: libc6 (>= "
        "2.36), libstdc++6 (>= 12)\nDescription: keeps notes\nFilename: "
        "tranche/v1/releases/1.{}.0/notes-agent.deb\n\n",
        i, i);
  CHECK(gzip(index).size() * 4 < index.size());
  CHECK(to_hex(gzip("tranche tranche tranche")) ==
        "1f8b08000000000000ff2b294acc4bce485540a301d92f445917000000");
}
