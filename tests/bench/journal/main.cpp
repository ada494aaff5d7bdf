// bench_journal append DIRECTORY COUNT [BATCH] | verify DIRECTORY | prove DIRECTORY COUNT
//
// append: durable appends to a journal in a directory, and beside them, in turns of the same run, what the
// disk gives at best: a loop that writes to one open file and calls fdatasync. Prints
//   ours N one N two N three N          entries and loops a second
// where `one` writes an entry's bytes and flushes once; `two` writes the bytes of an append (bundle, tile,
// checkpoint) with the two points of durability that any log with a pointer needs: what the pointer names,
// then the pointer; `three` flushes after each of the three.
// verify: the whole log, every hash anew. Prints entries a second.
// prove: a journal opened anew, an inclusion proof made and the entry read, COUNT times. Prints the median in
// milliseconds.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "journal/journal.hpp"
#include "os/world.hpp"
#include "store/logged.hpp"

namespace {

using namespace tranche;

constexpr auto origin = "tranche/journal-story";  // journal_writer's

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

crypto::SecretKey key() { return *crypto::SecretKey::from_seed(Secret(std::string(32, 'j'))); }

journal::Options options(const std::string& directory) {
  return {origin, {key().public_key()}, directory + ".seen"};
}

// One open file, appended to.
class Bare {
 public:
  explicit Bare(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
  ~Bare() { ::close(fd_); }
  void write(std::size_t bytes) {
    const std::string data(bytes, 'x');
    if (::write(fd_, data.data(), data.size()) != static_cast<ssize_t>(bytes) || fdatasync(fd_) != 0)
      std::perror("bench_journal");
  }

 private:
  int fd_;
};

journal::Draft draft_of(std::uint64_t n) {
  return {"gate.asked",
          "rollout/desktop",
          "bench",
          "",
          doc::Value::object({{"n", n}}),
          doc::Value::object({{"n", n}})};
}

Result<> append(ports::World& world, const std::string& directory, std::uint64_t count, std::uint64_t batch) {
  const auto store = store::open_logged_directory(world.files, directory, "checkpoint");
  const auto journal = TRY(journal::Journal::open(world, *store, options(directory)));
  Bare one(directory + ".one"), two(directory + ".two"), three(directory + ".three");
  const crypto::SecretKey signer = key();
  constexpr std::uint64_t turns = 8;
  constexpr std::size_t entry = 260, tile = 32 * 128, bundle = 262 * 128, checkpoint = 180;  // on average
  double ours_s = 0, one_s = 0, two_s = 0, three_s = 0;
  const std::uint64_t each = std::max<std::uint64_t>(count / turns, 1);
  Result<> failed;
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    ours_s += seconds_of([&] {
      for (std::uint64_t i = 0; i < each && failed; i += batch) {
        std::vector<journal::Draft> drafts;
        for (std::uint64_t n = 0; n < batch; ++n) drafts.push_back(draft_of(i + n));
        if (auto done = journal->append(drafts, signer); !done) failed = fail(done.error());
      }
    });
    TRY(failed);
    one_s += seconds_of([&] {
      for (std::uint64_t i = 0; i < each; ++i) one.write(entry);
    });
    two_s += seconds_of([&] {
      for (std::uint64_t i = 0; i < each; i += batch) {
        two.write(bundle + tile);
        two.write(checkpoint);
      }
    });
    three_s += seconds_of([&] {
      for (std::uint64_t i = 0; i < each; i += batch)
        for (const std::size_t bytes : {bundle, tile, checkpoint}) three.write(bytes);
    });
  }
  const auto done = static_cast<double>(each * turns);
  fmt::print("ours {:.0f} one {:.0f} two {:.0f} three {:.0f}\n", done / ours_s, done / one_s, done / two_s,
             done / three_s);
  return {};
}

Result<> verify(ports::World& world, const std::string& directory) {
  const auto store = store::open_logged_directory(world.files, directory, "checkpoint");
  const auto journal = TRY(journal::Journal::open(world, *store, options(directory)));
  double best = 1e9;
  for (int turn = 0; turn < 5; ++turn) {
    Result<> failed;
    best = std::min(best, seconds_of([&] {
                      if (auto done = journal->verify(); !done) failed = fail(done.error());
                    }));
    TRY(failed);
  }
  fmt::print("{:.0f}\n", static_cast<double>(journal->size()) / best);
  return {};
}

Result<> prove(ports::World& world, const std::string& directory, std::uint64_t count) {
  std::vector<double> times;
  std::mt19937_64 random(1);
  for (std::uint64_t i = 0; i < std::max<std::uint64_t>(count, 1); ++i) {
    Result<> failed;
    times.push_back(seconds_of([&] {
      failed = [&]() -> Result<> {
        const auto store = store::open_logged_directory(world.files, directory, "checkpoint");
        const auto journal = TRY(journal::Journal::open(world, *store, options(directory)));
        const std::uint64_t index = random() % journal->size();
        TRY(journal->prove(index));
        TRY(journal->read(index, index + 1));
        return {};
      }();
    }));
    TRY(failed);
  }
  std::ranges::sort(times);
  fmt::print("{:.3f}\n", times[times.size() / 2] * 1000);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  const auto count = argc > 3 ? parse_u64(argv[3]) : std::optional<std::uint64_t>(1);
  const auto batch = argc > 4 ? parse_u64(argv[4]) : std::optional<std::uint64_t>(1);
  tranche::os::RealWorld real;
  Result<> done = fail(ErrorKind::usage, "bench_journal append|verify|prove DIRECTORY [COUNT [BATCH]]");
  if (count && batch && *batch > 0) {
    if (verb == "append") done = append(real.world(), argv[2], *count, *batch);
    if (verb == "verify") done = verify(real.world(), argv[2]);
    if (verb == "prove") done = prove(real.world(), argv[2], *count);
  }
  if (done) return 0;
  fmt::print(stderr, "bench_journal: {}\n", done.error().message);
  return static_cast<int>(done.error().kind);
}
