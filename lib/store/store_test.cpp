// One contract, checked over every kind of store.
#include "store/store.hpp"
#include "store/below.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <barrier>
#include <functional>
#include <numeric>
#include <random>
#include <thread>

#include "os/world.hpp"
#include "store/logged.hpp"
#include "store/s3.hpp"
#include "support/fake_world.hpp"
#include "support/git_http_server.hpp"
#include "support/s3_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using store::File;
using store::Pointer;
using store::Publication;
using store::Version;

namespace {

// A fresh store of one kind; open() gives another handle on the same bytes.
struct Bench {
  std::string kind;
  support::TempDirectory directory;
  os::RealWorld real;
  support::FakeWorld fake;
  std::unique_ptr<support::GitHttpServer> server;
  int opened = 0;
  std::string bucket;

  explicit Bench(std::string k) : kind(std::move(k)) {
    if (kind.starts_with("git")) {
      REQUIRE(real.world()
                  .process.run({.argv = {"git", "init", "-q", "--bare", directory / "state.git"}})
                  ->exit_code == 0);
      real.world()
          .process.run({.argv = {"git", "-C", directory / "state.git", "config", "http.receivepack", "true"}})
          .value();
    }
    if (kind.starts_with("s3")) {
      static int buckets = 0;
      bucket = "bench-" + std::to_string(buckets++);
      s3_server().command("bucket " + bucket);
    }
    if (kind == "git-http") server = std::make_unique<support::GitHttpServer>(directory.path(), "t");
  }
  std::unique_ptr<store::Store> open() {
    if (kind == "dir") return store::open_directory(real.world().files, directory / "out");
    if (kind == "logged")
      return store::open_logged_directory(real.world().files, directory / "out", "feed/head.json");
    if (kind == "below")
      return store::below(store::open_directory(real.world().files, directory / "out"), "apps/backend")
          .value();
    if (kind == "memory") return store::open_directory(fake.files, "out");
    if (kind.starts_with("s3")) return open_bucket();
    store::GitOptions options;
    options.cache_directory = directory / ("cache" + std::to_string(opened++));
    options.token = Secret("t");
    if (kind == "git-local") options.repository = directory / "state.git";
    if (kind == "git-path") options.remote = directory / "state.git";
    if (kind == "git-http") options.remote = server->url("state.git");
    auto opened_store = store::open_git(real.world(), options);
    if (!opened_store) FAIL(opened_store.error().message);
    return std::move(*opened_store);
  }
  // One for all benches: each has a bucket of its own.
  static support::S3Server& s3_server() {
    static support::S3Server started;
    return started;
  }
  std::unique_ptr<store::Store> open_bucket() {
    store::S3Options options;
    options.bucket = bucket;
    options.region = support::S3Server::region;
    options.keys = {support::S3Server::access_key, Secret(support::S3Server::secret_key), {}};
    options.path_style = kind == "s3";
    options.endpoint = s3_server().endpoint(options.path_style ? "127.0.0.1" : "localhost");
    if (options.path_style) options.prefix = "up+dates/stable";
    auto opened_store = store::open_s3(real.world(), options);
    if (!opened_store) FAIL(opened_store.error().message);
    return std::move(*opened_store);
  }
  // A local file for copy_from, in the world that the store reads.
  std::string local_file(const std::string& bytes) {
    const std::string path = kind == "memory" ? "local" : directory / "local";
    REQUIRE(
        (kind == "memory" ? static_cast<ports::Files&>(fake.files) : real.world().files).write(path, bytes));
    return path;
  }
};

void for_each_store(const std::function<void(Bench&)>& check) {
  for (const char* kind :
       {"dir", "logged", "memory", "below", "git-local", "git-path", "git-http", "s3", "s3-in-host"}) {
    CAPTURE(kind);
    if (std::string_view(kind).starts_with("s3") && !support::S3Server::available()) continue;
    Bench bench(kind);
    check(bench);
  }
}

File file(std::string name, std::string bytes) {
  return {.name = std::move(name), .bytes = std::move(bytes), .copy_from = {}};
}
Publication pointing(std::string bytes, Version expected, std::vector<File> files = {}) {
  return {.files = std::move(files),
          .pointer =
              Pointer{.name = "feed/head.json", .bytes = std::move(bytes), .expected = std::move(expected)},
          .message = "test"};
}
Version must(const Result<Version>& version) {
  if (!version) FAIL(version.error().message << " / " << version.error().hint);
  return *version;
}
std::string bytes_of(store::Store& store, std::string_view name) {
  auto blob = store.get(name, 1 << 20);
  if (!blob) FAIL(blob.error().message);
  return *blob ? (*blob)->bytes : "(absent)";
}

}  // namespace

TEST_CASE("an empty store has nothing, and that is no error") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    CHECK(bytes_of(*store, "feed/head.json") == "(absent)");
    CHECK(store->list("")->empty());
    CHECK(store->list("feed/")->empty());
    const std::vector<std::string> names{"feed/none"};
    CHECK(store->remove(names));
  });
}

TEST_CASE("what is published is read back by another handle, byte for byte") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    std::string all_bytes;
    for (int i = 0; i < 256; ++i) all_bytes.push_back(static_cast<char>(i));
    const Version version = must(store->publish(
        pointing("one", {},
                 {file("a/b/c.bin", all_bytes),
                  file("a/empty", ""),
                  {.name = "big", .bytes = {}, .copy_from = bench.local_file("local bytes")}})));
    CHECK_FALSE(version.absent());
    auto other = bench.open();
    CHECK(bytes_of(*other, "a/b/c.bin") == all_bytes);
    CHECK(bytes_of(*other, "a/empty").empty());
    CHECK(bytes_of(*other, "big") == "local bytes");
    CHECK((*other->get("feed/head.json", 100))->version == version);
    CHECK(*other->list("") == std::vector<std::string>{"a/b/c.bin", "a/empty", "big", "feed/head.json"});
    CHECK(*other->list("a/") == std::vector<std::string>{"a/b/c.bin", "a/empty"});
    CHECK(other->list("a/b")->empty() == false);
  });
}

TEST_CASE("the pointer changes only from the version that the writer read") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    const Version one = must(store->publish(pointing("one", {})));
    const auto again = store->publish(pointing("other", {}));  // absent is expected, but it exists
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().kind == ErrorKind::conflict);
    CHECK_FALSE(again.error().hint.empty());
    const Version two = must(store->publish(pointing("two", one)));
    const auto late = store->publish(pointing("late", one, {file("late", "x")}));
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().kind == ErrorKind::conflict);
    CHECK(bytes_of(*store, "feed/head.json") == "two");
    CHECK(bytes_of(*bench.open(), "late") == "(absent)");
    CHECK(must(store->publish(pointing("two", two))) == two);  // nothing to do is fine
    CHECK(must(store->publish(pointing("one", two))) == one);  // equal bytes, equal version
  });
}

TEST_CASE("files go, the rest stays") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    must(store->publish(pointing("one", {}, {file("a/x", "x"), file("a/y", "y")})));
    const std::vector<std::string> names{"a/x", "a/none"};
    REQUIRE(store->remove(names));
    CHECK(*bench.open()->list("a/") == std::vector<std::string>{"a/y"});
    CHECK(bytes_of(*bench.open(), "feed/head.json") == "one");
  });
}

TEST_CASE("more bytes than asked for are an error") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    must(store->publish(pointing("0123456789", {})));
    CHECK((*store->get("feed/head.json", 10))->bytes.size() == 10);
    CHECK_FALSE(store->get("feed/head.json", 9).has_value());
  });
}

TEST_CASE("bad names are refused before anything is written") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    for (const char* name : {"../x", "/x", "a//b", "a/", ".", "a/../b", "a b", "a\\b", ".git/config",
                             "x/.GIT", ".tranche-lock", ""}) {
      CAPTURE(name);
      CHECK(store->get(name, 10).error().kind == ErrorKind::invalid);
      const auto refused = store->publish(pointing("one", {}, {file("good", "x"), file(name, "x")}));
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().kind == ErrorKind::invalid);
    }
    CHECK(store->list("")->empty());
  });
}

TEST_CASE("names have limits at exact places") {
  CHECK(store::check_name(std::string(512, 'a')));
  CHECK_FALSE(store::check_name(std::string(513, 'a')));
  CHECK(store::check_name("A-z/0.9/_~+@=-/..."));
  CHECK_FALSE(store::check_name(std::string_view("a\0b", 3)));
}

TEST_CASE("a missing local file is an error and publishes nothing") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    Publication publication = pointing("one", {});
    publication.files.push_back({.name = "big", .bytes = {}, .copy_from = bench.directory / "none"});
    const auto refused = store->publish(publication);
    REQUIRE_FALSE(refused.has_value());
    CHECK_FALSE(refused.error().hint.empty());
    CHECK(bytes_of(*bench.open(), "feed/head.json") == "(absent)");
  });
}

TEST_CASE("of many writers at once exactly one wins each version") {
  constexpr int writers = 4;
  for_each_store([](Bench& bench) {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    const int rounds = bench.kind == "git-http" ? 2 : bench.kind == "dir" || bench.kind == "memory" ? 25 : 8;
    std::vector<std::unique_ptr<store::Store>> stores;
    for (int i = 0; i < writers; ++i) stores.push_back(bench.open());
    std::mt19937 random(seed);
    Version expected;
    for (int round = 0; round < rounds; ++round) {
      std::vector<Result<Version>> results(writers);
      std::vector<std::size_t> order(writers);
      std::iota(order.begin(), order.end(), 0U);
      std::shuffle(order.begin(), order.end(), random);
      std::barrier start(writers);
      {
        std::vector<std::jthread> threads;
        for (const std::size_t i : order)
          threads.emplace_back([&, i] {
            const auto content = fmt::format("{}-{}", round, i);
            start.arrive_and_wait();
            results[i] = stores[i]->publish(pointing(content, expected, {file("data/" + content, content)}));
          });
      }
      int won = 0;
      Version next;
      for (const auto& result : results) {
        if (result) {
          ++won;
          next = *result;
        } else {
          INFO(result.error().message);
          CHECK(result.error().kind == ErrorKind::conflict);
        }
      }
      REQUIRE(won == 1);
      const auto reader = bench.open();
      const auto head = reader->get("feed/head.json", 100).value();
      REQUIRE(head.has_value());
      CHECK(head->version == next);
      CHECK(bytes_of(*reader, "data/" + head->bytes) == head->bytes);
      expected = next;
    }
  });
}

TEST_CASE("a directory publication that breaks anywhere leaves the old pointer with all it names") {
  // Every operation of the publication fails once; the pointer is then what it was, and a second try
  // succeeds.
  for (int broken_at = 0;; ++broken_at) {
    support::FakeWorld fake;
    auto store = store::open_directory(fake.files, "out");
    const Version one = must(store->publish(pointing("one", {}, {file("data/1", "1")})));
    int operations = 0;
    fake.files.fault = [&](std::string_view operation, std::string_view path) -> Result<> {
      if (operations++ == broken_at)
        return fail(ErrorKind::failed, "cannot {} '{}': No space left on device", operation, path);
      return {};
    };
    const auto result = store->publish(pointing("two", one, {file("data/2", "2"), file("data/3", "3")}));
    fake.files.fault = nullptr;
    if (result) {
      CHECK(broken_at > 5);
      break;
    }
    CHECK(result.error().kind == ErrorKind::failed);
    CHECK(bytes_of(*store, "feed/head.json") == "one");
    CHECK(bytes_of(*store, "data/1") == "1");
    must(store->publish(pointing("two", one, {file("data/2", "2"), file("data/3", "3")})));
    CHECK(fake.files.changes.back() == "write out/feed/head.json");
  }
}

TEST_CASE("a directory does not rewrite a file that is there already") {
  support::FakeWorld fake;
  auto store = store::open_directory(fake.files, "out");
  const Version one = must(store->publish(pointing("one", {}, {file("data/1", "1")})));
  fake.files.changes.clear();
  must(store->publish(pointing("two", one, {file("data/1", "1")})));
  CHECK(fake.files.changes == std::vector<std::string>{"write out/feed/head.json"});
}

TEST_CASE("a directory shows neither its lock, nor links, nor what no store can name") {
  Bench bench("dir");
  auto store = bench.open();
  must(store->publish(pointing("one", {})));
  auto& files = bench.real.world().files;
  REQUIRE(files.write(bench.directory / "out/has blank", "x"));
  REQUIRE(bench.real.world()
              .process.run({.argv = {"ln", "-s", "/etc/passwd", bench.directory / "out/link"}})
              ->exit_code == 0);
  CHECK(*store->list("") == std::vector<std::string>{"feed/head.json"});
}

TEST_CASE("size and digest of a file are told without its content") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    const std::string sha256 =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // of "abc"
    must(store->publish(pointing("one", {}, {file("a/abc", "abc"), file("a/empty", "")})));
    for (const auto from : {store::DigestFrom::record, store::DigestFrom::content}) {
      const auto held = store->stat("a/abc", 3, from).value();
      REQUIRE(held.has_value());
      CHECK(held->size == 3);
      CHECK(held->sha256 == sha256);
      const auto empty = store->stat("a/empty", 0, from).value();
      REQUIRE(empty.has_value());
      CHECK(empty->sha256.starts_with("e3b0c44298fc1c14"));
      CHECK_FALSE(store->stat("a/none", 3, from).value().has_value());
    }
    CHECK(store->stat("a/abc", 2)->value().size == 3);
    CHECK(store->stat("a/abc", 2)->value().sha256.empty());
    CHECK(store->stat("../abc", 3).error().kind == ErrorKind::invalid);
  });
}

TEST_CASE("a file is published under the digest that the caller names, or not at all") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    const std::string sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const std::string local = bench.local_file("abc");
    must(store->publish({.files = {{.name = "a/copied", .bytes = {}, .copy_from = local, .sha256 = sha256},
                                   {.name = "a/given", .bytes = "abc", .copy_from = {}, .sha256 = sha256}}}));
    CHECK(bytes_of(*bench.open(), "a/copied") == "abc");
    CHECK(bytes_of(*bench.open(), "a/given") == "abc");
    bench.local_file("abd");
    for (const File& other : {File{.name = "a/other", .bytes = {}, .copy_from = local, .sha256 = sha256},
                              File{.name = "a/other", .bytes = "abd", .copy_from = {}, .sha256 = sha256},
                              File{.name = "a/other", .bytes = {}, .copy_from = {}, .sha256 = sha256}}) {
      const auto refused = store->publish({.files = {other}});
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().kind == ErrorKind::verification);
      CHECK_FALSE(refused.error().hint.empty());
      CHECK(bytes_of(*bench.open(), "a/other") == "(absent)");
    }
    // What is there by its digest needs no source.
    must(
        store->publish({.files = {{.name = "a/copied", .bytes = {}, .copy_from = local, .sha256 = sha256}}}));
    CHECK(bytes_of(*bench.open(), "a/copied") == "abc");
  });
}

TEST_CASE("a file of the store gets a second name, and another one later") {
  for_each_store([](Bench& bench) {
    auto store = bench.open();
    must(store->publish({.files = {file("v/1/app", "one"), file("v/2/app", "two")}}));
    for (const char* version : {"1", "2"}) {
      const std::string from = std::string("v/") + version + "/app";
      must(
          store->publish({.files = {{.name = "latest/app", .bytes = {}, .copy_from = {}, .copy_of = from}}}));
      CHECK(bytes_of(*bench.open(), "latest/app") == bytes_of(*store, from));
    }
    must(store->publish({.files = {file("v/3/app", "three"),
                                   {.name = "third", .bytes = {}, .copy_from = {}, .copy_of = "v/3/app"}}}));
    CHECK(bytes_of(*bench.open(), "third") == "three");
    const auto none = store->publish(
        {.files = {{.name = "latest/app", .bytes = {}, .copy_from = {}, .copy_of = "v/4/app"}}});
    REQUIRE_FALSE(none.has_value());
    CHECK_FALSE(none.error().hint.empty());
    CHECK(bytes_of(*bench.open(), "latest/app") == "two");
  });
}
