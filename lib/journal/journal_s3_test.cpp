// The journal in a bucket: its head is the one lock there is, and an append whose answer got lost must
// neither be lost nor be done twice.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "journal/journal.hpp"
#include "os/world.hpp"
#include "store/s3.hpp"
#include "support/fake_world.hpp"
#include "support/s3_server.hpp"
#include "support/temp_directory.hpp"

namespace tranche::journal {
namespace {

crypto::SecretKey key_of(char seed) { return *crypto::SecretKey::from_seed(Secret(std::string(32, seed))); }

// A runner: its own store, memory and clock (whose pauses take no time), on a bucket that others use too.
struct Runner {
  os::RealWorld real;
  support::FakeClock clock;
  support::TempDirectory directory;
  ports::World world;
  std::unique_ptr<store::Store> store;
  crypto::SecretKey key = key_of('j');

  explicit Runner(const support::S3Server& server, const std::string& bucket)
      : world{clock,
              real.world().http,
              real.world().files,
              real.world().process,
              real.world().random,
              real.world().environ,
              real.world().console} {
    clock.set(real.world().clock.now());
    store::S3Options options;
    options.bucket = bucket;
    options.prefix = "state";
    options.region = support::S3Server::region;
    options.endpoint = server.endpoint();
    options.path_style = true;
    options.keys = {support::S3Server::access_key, Secret(support::S3Server::secret_key), {}};
    store = store::open_s3(world, options).value();
  }
  std::unique_ptr<Journal> open() {
    auto journal =
        Journal::open(world, *store, {"tranche/notes", {key.public_key()}, directory.path() + "/seen"});
    if (!journal) FAIL(journal.error().message);
    return std::move(*journal);
  }
  Result<> append(const std::string& subject, const std::string& reason) {
    auto journal = open();
    Draft draft;
    draft.kind = "gate.asked";
    draft.subject = subject;
    draft.reason = reason;
    TRY(journal->append({draft}, key));
    return {};
  }
  std::vector<std::string> reasons() {
    auto journal = open();
    std::vector<std::string> out;
    const auto entries = journal->read(0, journal->size());
    if (!entries) FAIL(entries.error().message);
    for (const Entry& entry : *entries) out.push_back(entry.reason);
    return out;
  }
};

TEST_CASE("runners that append to a journal in a bucket at once lose no entry and write none twice") {
  if (!support::S3Server::available()) return;
  support::S3Server server;
  server.command("bucket journal");
  constexpr int runners = 3, entries = 6;
  std::vector<std::unique_ptr<Runner>> all;
  for (int i = 0; i < runners; ++i) all.push_back(std::make_unique<Runner>(server, "journal"));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < runners; ++i)
      threads.emplace_back([&, i] {
        for (int n = 0; n < entries;) {
          const auto done = all[static_cast<std::size_t>(i)]->append("rollout/" + std::to_string(i),
                                                                     fmt::format("{}-{}", i, n));
          if (done) ++n;
          if (!done && done.error().kind != ErrorKind::conflict) return;
        }
      });
  }
  Runner reader(server, "journal");
  auto reasons = reader.reasons();
  std::sort(reasons.begin(), reasons.end());
  std::vector<std::string> expected;
  for (int i = 0; i < runners; ++i)
    for (int n = 0; n < entries; ++n) expected.push_back(fmt::format("{}-{}", i, n));
  CHECK(reasons == expected);
  CHECK(reader.open()->verify().value().entries == runners * entries);
}

TEST_CASE("an append whose answer got lost is in the journal once") {
  if (!support::S3Server::available()) return;
  support::S3Server server;
  server.command("bucket journal");
  Runner runner(server, "journal");
  REQUIRE(runner.append("rollout/a", "first"));
  for (int lost = 1; lost < 4; ++lost) {
    server.command(fmt::format("forget {} PUT", lost));
    const auto done = runner.append("rollout/a", fmt::format("lost {}", lost));
    if (!done) FAIL(done.error().message);
    server.command("work");
  }
  CHECK(runner.reasons() == std::vector<std::string>{"first", "lost 1", "lost 2", "lost 3"});
  CHECK(runner.open()->verify().value().entries == 4);
}

}  // namespace
}  // namespace tranche::journal
