// What can go wrong between tranche and a bucket, each against a server that checks signatures and
// conditions.
#include "store/s3.hpp"

#include <doctest/doctest.h>

#include "crypto/digest.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/s3_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using store::DigestFrom;
using store::File;
using store::Pointer;
using store::Publication;
using store::Version;

namespace {

constexpr std::size_t mebibyte = 1 << 20;

// A bucket, and a world whose pauses take no time.
struct Bench {
  support::S3Server& server = shared();
  support::TempDirectory directory;
  os::RealWorld real;
  support::FakeClock clock;
  support::SeededRandom random;
  std::optional<ports::World> world;
  store::S3Options options;

  Bench() {
    static int buckets = 0;
    server.command("work");
    clock.set(real.world().clock.now());
    world.emplace(ports::World{clock, real.world().http, real.world().files, real.world().process, random,
                               real.world().environ, real.world().console});
    options.bucket = "faults-" + std::to_string(buckets++);
    options.prefix = "stable";
    options.region = support::S3Server::region;
    options.endpoint = server.endpoint();
    options.path_style = true;
    options.keys = {support::S3Server::access_key, Secret(support::S3Server::secret_key), {}};
    server.command("bucket " + options.bucket);
    server.received();
    server.requests();
  }
  ~Bench() { server.command("work"); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  static support::S3Server& shared() {
    static support::S3Server started;
    return started;
  }
  std::unique_ptr<store::Store> open() {
    auto opened = store::open_s3(*world, options);
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }
  // A local file of `size` bytes that follow from `seed`, and its digest.
  File local(const std::string& name, std::size_t size, char seed = 'a') {
    std::string bytes(size, '\0');
    std::uint32_t state = static_cast<unsigned char>(seed);
    for (char& c : bytes) {
      state = state * 1664525 + 1013904223;
      c = static_cast<char>(state >> 24);
    }
    REQUIRE(real.world().files.write(directory / name, bytes));
    return {.name = "v/" + name,
            .bytes = {},
            .copy_from = directory / name,
            .sha256 = crypto::to_hex(crypto::sha256(bytes))};
  }
};

bool skip() { return !support::S3Server::available(); }

Publication pointing(std::string bytes, Version expected, std::vector<File> files = {}) {
  return {
      .files = std::move(files),
      .pointer = Pointer{.name = "head.json", .bytes = std::move(bytes), .expected = std::move(expected)}};
}
Version must(const Result<Version>& version) {
  if (!version) FAIL(version.error().message << " / " << version.error().hint);
  return *version;
}
std::string text(store::Store& store, std::string_view name) {
  auto blob = store.get(name, mebibyte);
  if (!blob) FAIL(blob.error().message);
  return *blob ? (*blob)->bytes : "(absent)";
}
template <class T>
void refused(const Result<T>& result, ErrorKind kind, std::string_view in_message, std::string_view in_hint) {
  REQUIRE_FALSE(result.has_value());
  CAPTURE(result.error().message);
  CAPTURE(result.error().hint);
  CHECK(result.error().kind == kind);
  CHECK(result.error().message.find(in_message) != std::string::npos);
  CHECK(result.error().hint.find(in_hint) != std::string::npos);
  for (const std::string_view secret : {"tranche/test+secret", "Signature="}) {
    CHECK(result.error().message.find(secret) == std::string::npos);
    CHECK(result.error().hint.find(secret) == std::string::npos);
  }
}

}  // namespace

TEST_CASE("troubles that pass are tried again: refusals to work, lost connections, halves of answers") {
  if (skip()) return;
  for (const char* fault : {"fail 500 InternalError 2 *", "fail 503 SlowDown 3 *", "fail 429 TooMany 1 *",
                            "drop 2 *", "cut 1 GET", "forget 2 PUT", "forget 1 GET"}) {
    CAPTURE(fault);
    Bench bench;
    auto store = bench.open();
    const Version one = must(store->publish(pointing("one", {}, {{.name = "a", .bytes = "1"}})));
    bench.server.command(fault);
    const Version two = must(store->publish(pointing("two", one, {{.name = "b", .bytes = "2"}})));
    CHECK(text(*store, "head.json") == "two");
    bench.server.command("work");
    CHECK(text(*store, "b") == "2");
    CHECK(must(store->publish(pointing("three", two))) != two);
  }
}

TEST_CASE("trouble that stays ends in an error that says what to do, and changes nothing that is named") {
  if (skip()) return;
  Bench bench;
  auto store = bench.open();
  const Version one = must(store->publish(pointing("one", {})));
  bench.server.command("fail 503 SlowDown 1000 PUT");
  refused(store->publish(pointing("two", one)), ErrorKind::failed, "503 SlowDown", "run again");
  bench.server.command("work");
  bench.server.command("drop 1000 GET");
  refused(store->get("head.json", 100), ErrorKind::failed, "", "");
  bench.server.command("work");
  CHECK(text(*store, "head.json") == "one");
  bench.clock.interrupt();
  bench.server.command("fail 503 SlowDown 1 GET");
  refused(store->get("head.json", 100), ErrorKind::interrupted, "interrupted", "run again");
}

TEST_CASE("a pointer whose answer got lost is known as written, and a rival's is not") {
  if (skip()) return;
  Bench bench;
  auto store = bench.open();
  const Version one = must(store->publish(pointing("one", {})));
  const Version two = [&] {
    const Version probed = must(store->publish(pointing("one", one)));  // nothing to write
    bench.server.command("forget 2 PUT");                               // the probe, and the pointer
    return must(store->publish(pointing("two", probed)));
  }();
  CHECK(text(*store, "head.json") == "two");
  bench.server.command("rival stable/head.json theirs");
  refused(store->publish(pointing("three", two)), ErrorKind::conflict, "changed by somebody else", "again");
  CHECK(text(*store, "head.json") == "theirs");
}

TEST_CASE("of followers each is written on its own condition, and none when one has moved before") {
  if (skip()) return;
  Bench bench;
  auto store = bench.open();
  Publication first = pointing("one", {});
  first.followers = {{"a.yml", "a1", {}}, {"b.yml", "b1", {}}};
  const Version one = must(store->publish(first));
  Publication second = pointing("two", one);
  second.followers = {{"a.yml", "a2", store->get("a.yml", 10).value()->version},
                      {"b.yml", "b2", Version{"x"}}};
  refused(store->publish(second), ErrorKind::conflict, "'b.yml'", "again");
  CHECK(text(*store, "head.json") == "one");
  CHECK(text(*store, "a.yml") == "a1");
  second.followers[1].expected = store->get("b.yml", 10).value()->version;
  bench.server.command("rival stable/b.yml theirs");
  refused(store->publish(second), ErrorKind::conflict, "'b.yml'", "again");
  CHECK(text(*store, "a.yml") == "a2");
  CHECK(text(*store, "b.yml") == "theirs");
}

TEST_CASE("a server that ignores conditions is found out before anything is written") {
  if (skip()) return;
  Bench bench;
  bench.server.command("conditions no");
  refused(bench.open()->publish(pointing("one", {}, {{.name = "a", .bytes = "1"}})), ErrorKind::invalid,
          "ignores conditions", "If-Match");
  bench.server.command("conditions yes");
  CHECK(bench.open()->list("")->empty());
}

TEST_CASE("publishing twice sends no byte of content again") {
  if (skip()) return;
  Bench bench;
  const std::vector<File> files{
      bench.local("small", 1000), bench.local("large", 9 * mebibyte), {.name = "meta", .bytes = "meta"}};
  const Version one = must(bench.open()->publish(pointing("one", {}, files)));
  CHECK(bench.server.received() >= 9 * mebibyte + 1000);
  CHECK(must(bench.open()->publish(pointing("one", one, files))) == one);
  std::vector<File> undigested = files;
  for (File& file : undigested) file.sha256.clear();
  CHECK(must(bench.open()->publish(pointing("one", one, undigested))) == one);
  CHECK(bench.server.received() == 0);
}

TEST_CASE("a large file arrives in parts, whole, and its digest is known without reading it") {
  if (skip()) return;
  for (const std::size_t size : {8 * mebibyte, 8 * mebibyte + 1, 16 * mebibyte, 21 * mebibyte + 5}) {
    CAPTURE(size);
    Bench bench;
    auto store = bench.open();
    const File file = bench.local("large", size);
    must(store->publish({.files = {file}}));
    CHECK(bench.server.received() == size);
    const auto recorded = store->stat(file.name, size).value();
    REQUIRE(recorded.has_value());
    CHECK(recorded->size == size);
    CHECK(recorded->sha256 == file.sha256);
    CHECK(store->stat(file.name, size, DigestFrom::content)->value().sha256 == file.sha256);
    CHECK(bench.server.script.command("uploads") == "0");
  }
}

TEST_CASE("an upload that was killed goes on where it stopped: no part is sent twice") {
  if (skip()) return;
  Bench bench;
  const File file = bench.local("large", 40 * mebibyte);
  bench.server.command("vanish 2");  // two parts (opening an upload has no content), then nobody is there
  REQUIRE_FALSE(bench.open()->publish({.files = {file}}).has_value());
  bench.server.command("work");
  CHECK(bench.server.received() == 16 * mebibyte);
  CHECK(bench.server.script.command("uploads") == "1");
  CHECK(text(*bench.open(), file.name) == "(absent)");
  auto store = bench.open();
  must(store->publish({.files = {file}}));
  CHECK(bench.server.received() == 24 * mebibyte);
  CHECK(bench.server.script.command("uploads") == "0");
  CHECK(store->stat(file.name, file.sha256.size() + 40 * mebibyte, DigestFrom::content)->value().sha256 ==
        file.sha256);
}

TEST_CASE("another file's unfinished upload is not taken up, and goes when it is a day old") {
  if (skip()) return;
  Bench bench;
  File file = bench.local("large", 20 * mebibyte, 'x');
  bench.server.command("vanish 1");
  REQUIRE_FALSE(bench.open()->publish({.files = {file}}).has_value());
  bench.server.command("work");
  bench.server.received();
  file = bench.local("large", 20 * mebibyte, 'y');
  must(bench.open()->publish({.files = {file}}));
  CHECK(bench.server.received() == 20 * mebibyte);
  CHECK(bench.server.script.command("uploads") == "1");  // young: may be another runner's
  bench.server.command("age 90000");
  file = bench.local("large", 20 * mebibyte, 'z');
  must(bench.open()->publish({.files = {file}}));
  CHECK(bench.server.script.command("uploads") == "0");
  CHECK(bench.open()->stat(file.name, 1 << 30, DigestFrom::content)->value().sha256 == file.sha256);
}

TEST_CASE("a large file that is not the one that was signed never appears") {
  if (skip()) return;
  Bench bench;
  File file = bench.local("large", 20 * mebibyte);
  file.sha256[0] = file.sha256[0] == '0' ? '1' : '0';
  refused(bench.open()->publish({.files = {file}}), ErrorKind::verification, "not the file that was signed",
          "sign");
  CHECK(bench.open()->list("")->empty());
  CHECK(bench.server.script.command("uploads") == "0");
}

TEST_CASE("an upload whose end got no answer is known as done") {
  if (skip()) return;
  Bench bench;
  const File file = bench.local("large", 9 * mebibyte);
  bench.server.command("forget 3 POST");  // opening it twice (one is left over), and its end
  auto store = bench.open();
  must(store->publish({.files = {file}}));
  CHECK(store->stat(file.name, 1 << 30, DigestFrom::content)->value().sha256 == file.sha256);
}

TEST_CASE("keys, clock, region and bucket that are wrong are each explained, and no secret is shown") {
  if (skip()) return;
  Bench bench;
  const auto ask = [&] { return bench.open()->list(""); };
  const store::S3Options good = bench.options;
  bench.options.keys.secret_key = Secret("tranche/test+secre");
  refused(ask(), ErrorKind::failed, "SignatureDoesNotMatch", "pair");
  bench.options.keys.access_key = "OTHER";
  refused(ask(), ErrorKind::failed, "InvalidAccessKeyId", "pair");
  bench.options = good;
  bench.options.region = "us-east-1";
  refused(ask(), ErrorKind::invalid, "region", "write region: eu-central-1");
  bench.options = good;
  bench.options.bucket = "nobodys-bucket";
  refused(ask(), ErrorKind::invalid, "NoSuchBucket", "make the bucket");
  refused(bench.open()->get("a", 1), ErrorKind::invalid, "NoSuchBucket", "make the bucket");
  refused(bench.open()->publish(pointing("x", {})), ErrorKind::invalid, "NoSuchBucket", "make the bucket");
  bench.options = good;
  bench.server.command("clock 3600");
  refused(ask(), ErrorKind::failed, "RequestTimeTooSkewed", "clock is 1h behind");
  refused(bench.open()->stat("a", 1), ErrorKind::failed, "403", "clock is 1h behind");
  bench.server.command("work");
  bench.server.command("fail 301 PermanentRedirect 1 GET");
  refused(ask(), ErrorKind::invalid, "301", "region");
  bench.server.command("fail 501 NotImplemented 1 GET");
  refused(ask(), ErrorKind::invalid, "501", "another");
}

TEST_CASE("options that name no bucket, region or endpoint are refused before anything is sent") {
  os::RealWorld real;
  store::S3Options good;
  good.bucket = "bucket";
  good.keys = {"key", Secret("secret"), {}};
  CHECK(store::open_s3(real.world(), good).value()->describe() == "s3://bucket");
  const auto bad = [&](auto change) {
    store::S3Options options = good;
    change(options);
    const auto opened = store::open_s3(real.world(), options);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().kind == ErrorKind::invalid);
    CHECK_FALSE(opened.error().hint.empty());
  };
  for (const char* bucket : {"", "ab", "Bucket", "a_b", "-abc", "abc.", "a..b", "a/b", "a?b"})
    bad([&](store::S3Options& o) { o.bucket = bucket; });
  for (const char* region : {"", "eu/central", "EU"}) bad([&](store::S3Options& o) { o.region = region; });
  for (const char* endpoint :
       {"host", "ftp://host", "http://", "http://a/b", "http://u:p@host", "http://h?x"})
    bad([&](store::S3Options& o) { o.endpoint = endpoint; });
  for (const char* prefix : {"a/", "/a", "a//b", "..", "a b"})
    bad([&](store::S3Options& o) { o.prefix = prefix; });
  bad([](store::S3Options& o) { o.keys.access_key.clear(); });
  bad([](store::S3Options& o) { o.keys.secret_key = Secret("a\n"); });
  bad([](store::S3Options& o) {
    o.endpoint = "http://minio.example:9000";
    o.keys.session_token = Secret("t");
  });
}

TEST_CASE("objects say how long they may be kept, and what they are") {
  if (skip()) return;
  Bench bench;
  auto store = bench.open();
  must(store->publish(pointing("{}", {},
                               {bench.local("app.zip", 10),
                                {.name = "by-hash/x", .bytes = "x", .caching = store::Caching::immutable},
                                {.name = "meta.yml", .bytes = "a: 1"},
                                {.name = "latest/app.zip",
                                 .bytes = {},
                                 .copy_of = "v/app.zip",
                                 .caching = store::Caching::revalidate}})));
  const auto header = [&](const std::string& name, const std::string& which) {
    return bench.server.script.command("header stable/" + name + " " + which);
  };
  CHECK(header("v/app.zip", "cache-control") == "public, max-age=31536000, immutable");
  CHECK(header("by-hash/x", "cache-control") == "public, max-age=31536000, immutable");
  CHECK(header("meta.yml", "cache-control") == "public, max-age=300");
  CHECK(header("latest/app.zip", "cache-control") == "no-cache");
  CHECK(header("head.json", "cache-control") == "no-cache");
  CHECK(header("head.json", "content-type") == "application/json");
  CHECK(header("v/app.zip", "content-type") == "application/zip");
  CHECK(header("v/app.zip", "x-amz-meta-sha256") == header("latest/app.zip", "x-amz-meta-sha256"));
}

TEST_CASE("an object of another tool has its digest read, and is listed when a store can name it") {
  if (skip()) return;
  Bench bench;
  bench.server.command("rival stable/theirs content");
  auto store = bench.open();
  must(store->publish({.files = {{.name = "theirs", .bytes = "mine"}}}));  // the rival's came first
  CHECK(text(*store, "theirs") == "mine");
  bench.server.command("rival stable/head.json abc");
  refused(store->publish(pointing("x", {})), ErrorKind::conflict, "changed", "again");
  const auto held = store->stat("head.json", 3).value();
  REQUIRE(held.has_value());
  CHECK(held->sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a listing goes on over its pages") {
  if (skip()) return;
  Bench bench;
  auto store = bench.open();
  std::vector<File> files;
  for (int i = 0; i < 1005; ++i) files.push_back({.name = fmt::format("t/{:04}", i), .bytes = "x"});
  must(store->publish({.files = files}));
  const auto names = store->list("t/").value();
  REQUIRE(names.size() == 1005);
  CHECK(names.front() == "t/0000");
  CHECK(names.back() == "t/1004");
}

TEST_CASE("small files that a pointer names are written under a lock, and a dead writer's is taken over") {
  if (skip()) return;
  Bench bench;
  auto store = bench.open();
  const Version one = must(store->publish(pointing("one", {}, {{.name = "tile", .bytes = "1"}})));
  bench.server.command("rival stable/.tranche-lock somebody");
  const Publication next = pointing("two", one, {{.name = "tile", .bytes = "2"}});
  refused(store->publish(next), ErrorKind::conflict, "locked", "wait");
  CHECK(text(*store, "tile") == "1");
  bench.server.command("clock 61");
  must(store->publish(next));
  CHECK(text(*store, "tile") == "2");
  CHECK(store->list("").value() == std::vector<std::string>{"head.json", "tile"});
  bench.server.command("work");
}
