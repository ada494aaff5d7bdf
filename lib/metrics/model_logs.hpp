// The newest part of one arm's log, from a file, a command or a log system. Private to this room.
#pragma once

#include <string>

#include "metrics/source.hpp"

namespace tranche::metrics::internal {

inline constexpr std::size_t most_log_bytes = 4 << 20;

struct LogRequest {
  const spec::LogSource& source;
  Variables variables;  // $version is this arm's already
  Arm arm = Arm::canary;
  Secret token;  // of a url
  std::string repository;
  Duration timeout{};
};
// Any bytes, oldest line first, at most 4 MiB: the newest of a file; a command or a url that gives more is
// an error. Kind invalid: the configuration; kind failed: the world. No message holds text of the log.
Result<std::string> read_log(ports::World& world, const LogRequest& request);

}  // namespace tranche::metrics::internal
