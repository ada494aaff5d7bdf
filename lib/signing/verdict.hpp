// What somebody else's tool found of a signature: an answer, not an error.
#pragma once

#include <string>

namespace tranche::signing {

struct Verdict {
  std::string code;    // empty: it holds; else a reason of `verify` ("changed-bytes")
  std::string detail;  // who signed, or what is wrong
  [[nodiscard]] bool holds() const { return code.empty(); }
};

}  // namespace tranche::signing
