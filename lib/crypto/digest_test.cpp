#include "crypto/digest.hpp"

#include <doctest/doctest.h>

#include <random>
#include <thread>

using namespace tranche;
using namespace tranche::crypto;

TEST_CASE("sha256 agrees with the vectors of FIPS 180-4") {
  const struct {
    std::string message;
    const char* digest;
  } table[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopq"
       "rst"
       "nopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& row : table) CHECK(to_hex(sha256(row.message)) == row.digest);
}

TEST_CASE("a digest does not depend on how the data is cut into pieces") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Sha256 digest;
  for (int round = 0; round < 50; ++round) {
    std::string text(random() % 5000, '\0');
    for (char& c : text) c = static_cast<char>(random());
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t piece = 1 + random() % rest.size();
      digest.update(rest.substr(0, piece));
      rest.remove_prefix(piece);
    }
    REQUIRE(digest.finish() == sha256(text));
  }
}

TEST_CASE("a moved digest carries its state") {
  Sha256 first;
  first.update("ab");
  Sha256 second = std::move(first);
  CHECK(second.update("c").finish() == sha256("abc"));
}

TEST_CASE("threads hash independently") {
  std::array<Sha256Digest, 4> results;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < results.size(); ++i)
      threads.emplace_back([&results, i] {
        for (int round = 0; round < 1000; ++round) results[i] = sha256(std::string(i, 'x'));
      });
  }
  for (std::size_t i = 0; i < results.size(); ++i) CHECK(results[i] == sha256(std::string(i, 'x')));
}

TEST_CASE("a digest in hex reads back, and only 64 hex digits are one") {
  const auto digest = sha256("abc");
  CHECK(*parse_sha256(to_hex(digest)) == digest);
  for (const std::string& bad :
       {std::string(), std::string(63, 'a'), std::string(66, 'a'), std::string(64, 'g')}) {
    const auto result = parse_sha256(bad);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("constant-time comparison says whether bytes are equal") {
  CHECK(equal_constant_time("", ""));
  CHECK(equal_constant_time("secret", "secret"));
  CHECK_FALSE(equal_constant_time("secret", "secreT"));
  CHECK_FALSE(equal_constant_time("secret", "secret "));
}
