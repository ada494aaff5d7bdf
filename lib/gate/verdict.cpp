#include "gate/verdict.hpp"

namespace tranche::gate {

std::string_view to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::suspect:
      return "suspect";
    case Verdict::inconclusive:
      return "inconclusive";
    case Verdict::no_data:
      return "no-data";
  }
  return "no-data";
}

std::optional<Verdict> parse_verdict(std::string_view text) {
  for (const Verdict verdict :
       {Verdict::pass, Verdict::fail, Verdict::suspect, Verdict::inconclusive, Verdict::no_data})
    if (text == to_text(verdict)) return verdict;
  return std::nullopt;
}

}  // namespace tranche::gate
