// Strangers post check-ins and ask with query strings: no bytes crash the readers, and what is accepted is
// within the bounds that the counters rely on. rooms: server
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/checkin.hpp"
#include "server/counters.hpp"
#include "server/query.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto query = server::Query::parse(text); query && query->all().size() > 64) std::abort();
  const auto ins = server::parse_checkins(text);
  if (!ins) {
    if (ins.error().message.empty()) std::abort();
    return 0;
  }
  server::Bounds bounds;
  bounds.max_devices = 100;
  server::Counters counters(Instant{}, "0123456789abcdef", bounds);
  cohort::Directions directions;
  directions.baseline = "1.0.0";
  std::size_t good = 0;
  for (int again = 0; again < 2; ++again)
    for (const auto& in : ins->reports) {
      if (!in) continue;
      good += again == 0 ? 1 : 0;
      if (!cohort::check_device(in->device) || in->seq == 0 || in->signals.size() > 16) std::abort();
      (void)counters.report(*in, directions, Instant(std::chrono::seconds(1)));
    }
  std::uint64_t crashes = 0, devices = 0;
  for (const server::Row& row : counters.rows()) {
    crashes += row.crashes;
    devices += row.devices;
  }
  if (devices > good || crashes > good * bounds.crashes) std::abort();
  (void)counters.exposition();
  return 0;
}
