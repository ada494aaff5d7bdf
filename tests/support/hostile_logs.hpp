// Logs that were written to be judged well, for tests of the judge by model: orders, fake marks and answers,
// odd bytes, floods, secrets. At least 100, each with a name of its own.
#pragma once

#include <string>
#include <vector>

namespace tranche::support {

struct HostileLog {
  std::string name;
  std::string log;
};
std::vector<HostileLog> hostile_logs();

// Values that no prompt may hold; some of the logs print them.
const std::vector<std::string>& logged_secrets();

}  // namespace tranche::support
