// journal_writer DIRECTORY COUNT [BATCH]: appends COUNT entries to the journal in DIRECTORY, BATCH at a time
// (default: all at once), with a key that is the same every time, verifies the whole journal and prints
// "VERIFIER-KEY SIZE ROOT". For tests that read our journals with other people's tools.
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.hpp"
#include "journal/journal.hpp"
#include "os/world.hpp"
#include "signing/note.hpp"
#include "store/logged.hpp"

namespace {

using namespace tranche;

Result<std::string> write(ports::World& world, const std::string& directory, std::uint64_t count,
                          std::uint64_t batch) {
  const auto key = TRY(crypto::SecretKey::from_seed(Secret(std::string(32, 'j'))));
  const std::string origin = "tranche/journal-story";
  const auto store = store::open_logged_directory(world.files, directory, "checkpoint");
  const auto journal =
      TRY(journal::Journal::open(world, *store, {origin, {key.public_key()}, directory + ".seen"}));
  while (count > 0) {
    std::vector<journal::Draft> drafts;
    for (; count > 0 && drafts.size() < batch; --count) {
      const auto n = static_cast<std::int64_t>(journal->size() + drafts.size());
      drafts.push_back({"gate.asked", n % 3 == 0 ? "rollout/desktop" : "flag/agent-enabled", "story",
                        n % 100 == 0 ? "größer als ein Byte" : "", doc::Value::object({{"n", n}}),
                        n % 5 == 0 ? doc::Value::object({{"n", n}}) : doc::Value()});
    }
    TRY(journal->append(drafts, key));
  }
  const auto verified = TRY(journal->verify());
  return fmt::format("{} {} {}", signing::verifier_key(origin, key.public_key()), verified.entries,
                     verified.root);
}

}  // namespace

int main(int argc, char** argv) {
  const auto count = argc > 2 ? parse_u64(argv[2]) : std::nullopt;
  const auto batch = argc > 3 ? parse_u64(argv[3]) : count;
  if (!count || !batch || argc > 4) {
    std::fputs("usage: journal_writer DIRECTORY COUNT [BATCH]\n", stderr);
    return 2;
  }
  tranche::os::RealWorld real;
  const auto line = write(real.world(), argv[1], *count, std::max<std::uint64_t>(*batch, 1));
  if (!line) {
    fmt::print(stderr, "journal_writer: {}\n", line.error().message);
    return static_cast<int>(line.error().kind);
  }
  fmt::print("{}\n", *line);
  return 0;
}
