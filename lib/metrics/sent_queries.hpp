// The queries of a gate as they are sent: for those who want to ask the source themselves.
#pragma once

#include <string>
#include <vector>

#include "metrics/source.hpp"

namespace tranche::metrics {

struct SentQuery {
  std::string what;  // "events of the canary", "exposure of the control", "query"
  std::string text;  // with its variables filled in; as it is written where that is not possible
};
// Of compare and threshold gates; others keep theirs with each metric: none.
std::vector<SentQuery> sent_queries(const spec::Gate& gate, Variables variables);

}  // namespace tranche::metrics
