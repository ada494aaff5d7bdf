// bench_journal_filler DIRECTORY COUNT ORIGIN KEY.pem: appends COUNT entries that concern nothing to the
// journal in DIRECTORY, for measurements on a log that has grown old.
#include <cstdio>

#include <fmt/format.h>

#include "base/text.hpp"
#include "journal/journal.hpp"
#include "os/world.hpp"

namespace {

using namespace tranche;

Result<> fill(ports::World& world, const std::string& directory, std::uint64_t count,
              const std::string& origin, const std::string& key_file) {
  const auto pem = TRY(world.files.read(key_file, 64 << 10));
  const auto key = TRY(crypto::SecretKey::from_pem(Secret(pem.value_or(""))));
  const auto store = store::open_directory(world.files, directory);
  const auto journal = TRY(journal::Journal::open(world, *store, {origin, {key.public_key()}, ""}));
  while (count > 0) {
    std::vector<journal::Draft> drafts;
    for (; count > 0 && drafts.size() < 2'000; --count)
      drafts.push_back({"gate.asked", "", "bench", "", doc::Value::object({{"n", count}}), {}});
    TRY(journal->append(drafts, key));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const auto count = argc == 5 ? parse_u64(argv[2]) : std::nullopt;
  if (!count) {
    std::fputs("usage: bench_journal_filler DIRECTORY COUNT ORIGIN KEY.pem\n", stderr);
    return 2;
  }
  tranche::os::RealWorld real;
  const auto done = fill(real.world(), argv[1], *count, argv[3], argv[4]);
  if (!done) fmt::print(stderr, "bench_journal_filler: {}\n", done.error().message);
  return done ? 0 : 1;
}
