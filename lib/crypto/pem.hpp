// The armour of RFC 7468: labelled base64 blocks. What is in them is for its
// reader to believe or not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace tranche::crypto {

struct PemBlock {
  std::string label;    // "PRIVATE KEY"
  bool locked = false;  // has a header of its own: the old form of encryption
  Secret der;
};
// All blocks, in order; text around them is passed over. A block that is broken ends the list, and `broken`
// says so.
struct PemText {
  std::vector<PemBlock> blocks;
  bool broken = false;
};
PemText read_pem_blocks(std::string_view text);

Secret write_pem(const char* label, std::string_view der);

}  // namespace tranche::crypto
