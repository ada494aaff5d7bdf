#include "crypto/hash.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"

using namespace tranche;
using namespace tranche::crypto;

TEST_CASE("md5, sha1 and sha512 agree with the vectors of RFC 1321 and FIPS 180-4") {
  const struct {
    HashKind kind;
    std::string message;
    const char* digest;
  } table[] = {
      {HashKind::md5, "", "d41d8cd98f00b204e9800998ecf8427e"},
      {HashKind::md5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
      {HashKind::sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {HashKind::sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {HashKind::sha1, std::string(1'000'000, 'a'), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
      {HashKind::sha512, "abc",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
       "454d4423643ce80e2a9ac94fa54ca49f"},
      {HashKind::sha512, "",
       "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f"
       "63b931bd47417a81a538327af927da3e"},
  };
  for (const auto& row : table) CHECK(to_hex(hash(row.kind, row.message)) == row.digest);
}

TEST_CASE("a hash does not depend on how the data is cut, starts anew after its end, and may be moved") {
  Hash first(HashKind::sha512);
  first.update("a").update("").update("b");
  Hash second = std::move(first);
  CHECK(second.update("c").finish() == hash(HashKind::sha512, "abc"));
  CHECK(second.update("abc").finish() == hash(HashKind::sha512, "abc"));
}
