// What must be refused, on each kind of store: a directory, a git branch, a bucket. Whoever tampers uses the
// store itself, as somebody with its password would.
#include <filesystem>
#include <functional>

#include "journal/bundle.hpp"
#include "journal/checkpoint.hpp"
#include "journal/entry.hpp"
#include "journal/journal_fixture.hpp"
#include "journal/tree.hpp"
#include "os/world.hpp"
#include "signing/note.hpp"
#include "store/logged.hpp"
#include "store/s3.hpp"
#include "support/s3_server.hpp"
#include "support/temp_directory.hpp"

namespace tranche::journal {
namespace {

// A journal in a real store, and a machine that remembers.
struct Site {
  os::RealWorld real;
  support::FakeClock clock;
  support::TempDirectory directory;
  ports::World world{clock,
                     real.world().http,
                     real.world().files,
                     real.world().process,
                     real.world().random,
                     real.world().environ,
                     real.world().console};
  std::function<std::unique_ptr<store::Store>()> open_store;
  std::unique_ptr<store::Store> store;
  crypto::SecretKey key = key_of('j');

  explicit Site() { clock.set(real.world().clock.now()); }

  void use(std::function<std::unique_ptr<store::Store>()> open) {
    open_store = std::move(open);
    store = open_store();
  }
  std::string memory() { return directory / "seen"; }
  Result<std::unique_ptr<Journal>> try_open() {
    store = open_store();
    return Journal::open(world, *store, {origin, {key.public_key()}, memory()});
  }
  void fill(std::size_t count) {
    auto journal = try_open();
    REQUIRE_MESSAGE(journal.has_value(), (journal ? std::string() : journal.error().message));
    std::vector<Draft> drafts;
    for (std::size_t i = 0; i < count; ++i) drafts.push_back(Fixture::draft(i));
    const auto done = (*journal)->append(drafts, key);
    REQUIRE_MESSAGE(done.has_value(), (done ? std::string() : done.error().message));
  }
  std::string get(const std::string& name) {
    store = open_store();
    const auto blob = store->get(name, 1 << 24);
    REQUIRE(blob.has_value());
    REQUIRE(blob->has_value());
    return (*blob)->bytes;
  }
  void put(const std::string& name, const std::string& bytes) {
    store = open_store();
    const auto old = store->get(name, 1 << 24);
    REQUIRE(old.has_value());
    const auto done = store->publish(
        {.files = {},
         .pointer = store::Pointer{name, bytes, old->has_value() ? (*old)->version : store::Version()},
         .followers = {},
         .message = "tampering"});
    REQUIRE_MESSAGE(done.has_value(), (done ? std::string() : done.error().message));
  }
  // Opening or verifying is refused, with exit code 6 and something to do next.
  void refused(std::string_view words) {
    auto journal = try_open();
    const auto verified = journal ? (*journal)->verify() : Result<Verification>(fail(journal.error()));
    REQUIRE_FALSE(verified.has_value());
    CAPTURE(verified.error().message);
    CHECK(verified.error().kind == ErrorKind::verification);
    CHECK(static_cast<int>(verified.error().kind) == 6);
    CHECK_FALSE(verified.error().hint.empty());
    CHECK(verified.error().message.find(words) != std::string::npos);
  }
};

void check_all(Site& site) {
  site.fill(260);
  const std::string note = site.get("checkpoint");

  // One byte of each file.
  for (const std::string name : {"checkpoint", "tile/0/000", "tile/0/001.p/4", "tile/1/000.p/1",
                                 "tile/entries/000", "tile/entries/001.p/4"}) {
    CAPTURE(name);
    const std::string good = site.get(name);
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    site.put(name, bad);
    site.refused("");
    site.put(name, good);
  }
  CHECK((*site.try_open())->verify().has_value());

  // A checkpoint older than one seen, the log as it was.
  site.fill(3);
  const std::string newer = site.get("checkpoint");
  site.put("checkpoint", note);
  site.refused("the journal is older than one seen");

  // A fork: two checkpoints of one size.
  const std::string seen = *site.real.world().files.read(site.memory(), 1000).value();
  REQUIRE(site.real.world().files.remove(site.memory()));
  site.clock.advance(std::chrono::minutes(1));  // a bucket tolerates fifteen
  site.fill(3);
  REQUIRE(site.real.world().files.write(site.memory(), seen));
  site.refused("not the one seen before");

  // An entry taken out and all hashes made anew: who never saw the log finds it by what the entries say.
  REQUIRE(site.real.world().files.remove(site.memory()));
  auto journal = std::move(site.try_open().value());
  auto entries = *journal->read(0, journal->size());
  entries.erase(entries.begin() + 258);
  std::string full, rest;
  Edge edge;
  std::vector<Edge::Full> completed;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    add_to_bundle(i < 256 ? full : rest, *to_bytes(entries[i]));
    edge.add(hash_leaf(*to_bytes(entries[i])), completed);
  }
  const auto width = std::to_string(entries.size() - 256);
  site.put("tile/entries/001.p/" + width, rest);
  site.put("tile/0/001.p/" + width, to_bytes(edge.levels()[0]));
  const Checkpoint forged{origin, entries.size(), edge.root()};
  site.put("checkpoint", *signing::sign_note(to_text(forged), origin, site.key));
  site.refused("older");
  REQUIRE(site.real.world().files.remove(site.memory()));
  site.refused("calls itself");
}

TEST_CASE("a changed byte, a missing entry, a fork and an old checkpoint are refused in a directory") {
  Site site;
  site.use([&] { return store::open_directory(site.real.world().files, site.directory / "state"); });
  check_all(site);
}

TEST_CASE("a changed byte, a missing entry, a fork and an old checkpoint are refused behind a log") {
  Site site;
  site.use([&] {
    return store::open_logged_directory(site.real.world().files, site.directory / "state",
                                        std::string(checkpoint_name));
  });
  check_all(site);
}

TEST_CASE("appends that a killed run left in the log are entries to the next run, and files after it") {
  Site site;
  const auto open_at = [&](const std::string& place) {
    site.use([&, place] {
      return store::open_logged_directory(site.real.world().files, place, std::string(checkpoint_name));
    });
    return site.try_open();
  };
  auto journal = std::move(open_at(site.directory / "state").value());
  std::vector<std::string> checkpoints;
  for (std::size_t i = 0; i < 300; ++i) {
    const auto done = journal->append({Fixture::draft(i)}, site.key);
    REQUIRE_MESSAGE(done.has_value(), (done ? std::string() : done.error().message));
    checkpoints.push_back(journal->checkpoint());
    if (i % 37 != 0 && (i < 253 || i > 258)) continue;
    // What a kill leaves, and nothing that ends well.
    const std::string left = site.directory / ("left-" + std::to_string(i));
    std::filesystem::copy(site.directory / "state", left, std::filesystem::copy_options::recursive);
    auto kept = std::move(site.store);
    {
      const auto again = open_at(left);
      REQUIRE_MESSAGE(again.has_value(), (again ? std::string() : again.error().message));
      CHECK((*again)->checkpoint() == checkpoints.back());
      CHECK((*again)->verify().value().entries == i + 1);
      site.store.reset();
    }
    // For other tools: no log is needed to read it.
    std::filesystem::remove(left + "/.tranche-log");
    const auto plain = store::open_directory(site.real.world().files, left);
    const auto read = Journal::open(site.world, *plain, {origin, {site.key.public_key()}, ""});
    REQUIRE_MESSAGE(read.has_value(), (read ? std::string() : read.error().message));
    CHECK((*read)->verify().value().entries == i + 1);
    std::filesystem::remove_all(left);
    site.store = std::move(kept);
  }
}

TEST_CASE("a changed byte, a missing entry, a fork and an old checkpoint are refused on a git branch") {
  Site site;
  const auto made =
      site.real.world().process.run({.argv = {"git", "init", "-q", "--bare", site.directory / "state.git"}});
  REQUIRE(made.has_value());
  REQUIRE(made->exit_code == 0);
  site.use([&] {
    store::GitOptions options;
    options.remote = site.directory / "state.git";
    options.cache_directory = site.directory / "cache";
    auto opened = store::open_git(site.world, std::move(options));
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  });
  check_all(site);
}

TEST_CASE("a changed byte, a missing entry, a fork and an old checkpoint are refused in a bucket") {
  if (!support::S3Server::available()) return;
  support::S3Server server;
  server.command("bucket journal");
  Site site;
  site.use([&] {
    store::S3Options options;
    options.bucket = "journal";
    options.prefix = "state";
    options.region = support::S3Server::region;
    options.endpoint = server.endpoint();
    options.path_style = true;
    options.keys = {support::S3Server::access_key, Secret(support::S3Server::secret_key), {}};
    return store::open_s3(site.world, options).value();
  });
  check_all(site);
}

}  // namespace
}  // namespace tranche::journal
