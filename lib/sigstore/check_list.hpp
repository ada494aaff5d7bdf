// How the parts of verify() write down what they found.
#pragma once

#include <utility>

#include "sigstore/verify.hpp"

namespace tranche::sigstore {

inline void good(Verdict& verdict, std::string_view name, std::string detail) {
  verdict.checks.push_back({std::string(name), true, Reason::verified, std::move(detail)});
}
// false, for the caller to hand on
inline bool bad(Verdict& verdict, std::string_view name, Reason reason, std::string detail) {
  verdict.checks.push_back({std::string(name), false, reason,
                            detail.empty() ? std::string(sentence_of(reason)) : std::move(detail)});
  return false;
}
inline bool bad(Verdict& verdict, std::string_view name, const Refusal& refusal) {
  return bad(verdict, name, refusal.reason, refusal.detail);
}

}  // namespace tranche::sigstore
