// Peers that answer line by line: a table of questions goes in, one process a table, one line comes out for
// each.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "os/world.hpp"
#include "support/npm_peer.hpp"

namespace tranche::support {

struct LinePeer {
  std::string name, how_to_get;
  std::vector<std::string> argv;
};

// nullopt: the peer is missing, which is said, and a failure where peers are required.
inline std::optional<std::vector<std::string>> ask_lines(const LinePeer& peer, const std::string& input) {
  const auto process = os::make_process();
  ports::ProcessRequest request;
  request.argv = peer.argv;
  request.input = input;
  const auto result = process->run(request);
  if (!result || result->exit_code != 0) {
    skip_peer(peer.name, peer.how_to_get);
    return std::nullopt;
  }
  std::vector<std::string> out;
  for (const std::string_view line : split(trim(result->out), '\n')) out.emplace_back(trim(line));
  return out;
}

inline std::uint64_t seed_of_run() {
  const char* given = std::getenv("TRANCHE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  fmt::print("seed {} (TRANCHE_SEED)\n", seed);
  return seed;
}

}  // namespace tranche::support
