// What a served client is given: an updater that cannot decide for itself (or only coarsely) asks, and the
// one decision function answers. PURE.
//
// These clients say less of themselves than FEED.md's reference client does: the id may be missing, the
// version that runs may not be told, labels are known only through the channel file that is read, and most
// of them never take a lower version. Each lack has one reading here, always the one that exposes fewer.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cohort/decide.hpp"

namespace tranche::cohort {

// What reading a channel file of its own says of a device: it belongs to that feed channel's cohort.
struct FeedChannel {
  std::string name;                                       // empty: the channel's own file, says nothing
  std::map<std::string, std::vector<std::string>> match;  // labels of the cohort: each has one of the values
  std::vector<std::string> devices;                       // the cohort's listed ids, plain
};

struct ServedTerms {
  bool allow_downgrade = false;  // the shipped client takes a lower version
  bool manual_checks = true;     // a person who asks is given the offer before it is the device's turn
};

struct Question {
  Device device;             // an empty id: none was sent that can be believed
  std::string_view running;  // empty: the client does not say
  bool manual = false;       // a person asked
};

// Directions, prepared once for the readers of one channel file; answering allocates nothing of size.
class Served {
 public:
  Served(const Directions& directions, const FeedChannel& channel, ServedTerms terms);

  // `version` is what the client should run; empty: keep what runs. As decide() says, and besides:
  // - no id: rules that need one (a share, a list) reach nobody;
  // - manual, where allowed: the offer, unless it is withdrawn, held, or at 0% for everyone. Not for a client
  //   that takes lower versions and does not say what it runs: its next check would send it back;
  // - `running` unknown: the standing release (a fallback that is above the baseline) stands for the
  //   baseline, since nobody knows who runs the withdrawn one;
  // - no downgrade: a fallback below what runs gives way to the offer or a higher fallback, else nothing.
  [[nodiscard]] Decision choose(const Question& question) const;

 private:
  enum Asking { by_id, without_id, by_hand };
  ServedTerms terms_;
  Directions told_[3];    // by Asking: the client says what it runs
  Directions untold_[3];  // it does not
};

}  // namespace tranche::cohort
