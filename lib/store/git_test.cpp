// The git store over a real server: git http-backend with a token, racing writers, hooks, vanishing remotes.
#include <doctest/doctest.h>

#include <algorithm>
#include <barrier>
#include <filesystem>
#include <fstream>
#include <thread>

#include "os/world.hpp"
#include "store/git_address.hpp"
#include "store/store.hpp"
#include "support/git_http_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using store::Pointer;
using store::Publication;
using store::Version;

namespace {

struct Site {
  support::TempDirectory directory;
  os::RealWorld real;
  support::GitHttpServer server{directory.path(), "s3cret"};

  Site() {
    git({"init", "-q", "--bare", directory / "state.git"});
    git({"-C", directory / "state.git", "config", "http.receivepack", "true"});
  }

  std::string git(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-c",
                                         "protocol.file.allow=always"});
    auto result = real.world().process.run({.argv = arguments});
    REQUIRE(result.has_value());
    INFO(result->err);
    REQUIRE(result->exit_code == 0);
    return result->out;
  }
  std::string bare(const std::string& what) {
    return git({"-C", directory / "state.git", "rev-parse", what});
  }

  store::GitOptions options(const std::string& cache = "cache") {
    store::GitOptions options;
    options.remote = server.url("state.git");
    options.token = Secret("s3cret");
    options.cache_directory = directory / cache;
    options.timeout = std::chrono::seconds(20);
    return options;
  }
  std::unique_ptr<store::Store> open(store::GitOptions options) {
    auto opened = store::open_git(real.world(), std::move(options));
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }
  void write_hook(const std::string& name, const std::string& script) {
    const std::string path = directory / ("state.git/hooks/" + name);
    REQUIRE(real.world().files.write(path, "#!/bin/sh\n" + script, 0755));
  }
};

Publication pointing(const std::string& bytes, Version expected = {}) {
  Publication publication;
  publication.files = {{.name = "data/" + bytes, .bytes = bytes, .copy_from = {}}};
  publication.pointer = Pointer{.name = "head", .bytes = bytes, .expected = std::move(expected)};
  publication.message = "publish " + bytes;
  return publication;
}

std::string text_of(const Result<std::optional<store::Blob>>& blob) {
  if (!blob) return "error: " + blob.error().message;
  return *blob ? (*blob)->bytes : std::string("absent");
}

Version must(const Result<Version>& version) {
  if (!version) FAIL(version.error().message << " / " << version.error().hint);
  return *version;
}

std::string head_of(store::Store& store) {
  auto blob = store.get("head", 1000);
  if (!blob) FAIL(blob.error().message);
  return *blob ? (*blob)->bytes : "(absent)";
}

}  // namespace

TEST_CASE("from a shallow clone with a token, state goes to the server's branch and comes back") {
  Site site;
  site.git({"-C", site.directory.path(), "init", "-q", "-b", "main", "work"});
  for (const char* message : {"one", "two", "three"})
    site.git({"-C", site.directory / "work", "commit", "-q", "--allow-empty", "-m", message});
  site.git({"-C", site.directory / "work", "push", "-q", site.directory / "state.git", "main"});
  site.git({"clone", "-q", "--depth", "1", "--branch", "main", "file://" + site.directory / "state.git",
            site.directory / "checkout"});
  REQUIRE(site.git({"-C", site.directory / "checkout", "rev-list", "--count", "HEAD"}) == "1\n");
  site.git({"-C", site.directory / "checkout", "remote", "set-url", "origin", site.server.url("state.git")});
  auto options = site.options();
  options.repository = site.directory / "checkout";
  options.remote = "origin";

  auto store = site.open(options);
  CHECK(store->describe() == "git:origin#tranche-state");
  CHECK(head_of(*store) == "(absent)");
  const Version first = must(store->publish(pointing("1")));
  const Version second = must(store->publish(pointing("2", first)));
  CHECK(first != second);
  CHECK(site.git({"-C", site.directory / "state.git", "rev-list", "--count", "tranche-state"}) == "2\n");
  CHECK(site.git({"-C", site.directory / "state.git", "log", "-1", "--format=%s", "tranche-state"}) ==
        "publish 2\n");
  CHECK(site.git({"-C", site.directory / "state.git", "show", "tranche-state:data/1"}) == "1");
  site.git({"-C", site.directory / "state.git", "fsck", "--strict"});

  auto other = site.open(site.options("other-cache"));
  CHECK(head_of(*other) == "2");
  CHECK(*other->list("data/") == std::vector<std::string>{"data/1", "data/2"});
  // The checkout was not touched.
  CHECK(site.git({"-C", site.directory / "checkout", "rev-list", "--count", "HEAD"}) == "1\n");
}

TEST_CASE("a writer whose state is stale gets a conflict and changes nothing on the server") {
  Site site;
  auto one = site.open(site.options("a"));
  auto two = site.open(site.options("b"));
  const Version first = must(one->publish(pointing("1")));
  CHECK(head_of(*two) == "1");
  must(one->publish(pointing("2", first)));
  const std::string tip = site.bare("tranche-state");

  const auto late = two->publish(pointing("late", first));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == ErrorKind::conflict);
  CHECK(late.error().hint == "run again: it reads the new state first");
  CHECK(site.bare("tranche-state") == tip);
  CHECK(head_of(*two) == "2");  // after a conflict the store looks again
}

TEST_CASE("a fetch is kept until refresh") {
  Site site;
  auto one = site.open(site.options("a"));
  auto two = site.open(site.options("b"));
  const Version first = must(one->publish(pointing("1")));
  CHECK(head_of(*two) == "1");
  must(one->publish(pointing("2", first)));
  CHECK(head_of(*two) == "1");
  two->refresh();
  CHECK(head_of(*two) == "2");
}

TEST_CASE("of two writers that race from the same state exactly one wins each round") {
  Site site;
  // One cache is shared by two writers, as two jobs of one machine do; the third has its own.
  std::vector<std::unique_ptr<store::Store>> writers;
  for (const char* cache : {"a", "a", "b"}) writers.push_back(site.open(site.options(cache)));
  Version expected;
  for (int round = 0; round < 4; ++round) {
    std::vector<Result<Version>> results(writers.size());
    std::barrier start(static_cast<std::ptrdiff_t>(writers.size()));
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < writers.size(); ++i)
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        results[i] = writers[i]->publish(pointing(fmt::format("{}-{}", round, i), expected));
      });
    threads.clear();
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
    CHECK(won == 1);
    expected = next;
  }
  CHECK(site.git({"-C", site.directory / "state.git", "rev-list", "--count", "tranche-state"}) == "4\n");
}

TEST_CASE("a rival that pushes between our advertisement and our pack wins") {
  Site site;
  auto store = site.open(site.options());
  const Version first = must(store->publish(pointing("1")));
  // The rival moves the server's branch when our push has already been sent.
  site.git(
      {"clone", "-q", "--branch", "tranche-state", site.directory / "state.git", site.directory / "rival"});
  const std::string rival = site.directory / "rival.sh";
  REQUIRE(site.real.world().files.write(
      rival,
      "#!/bin/sh\ncd '" + site.directory / "rival" +
          "' && printf rival > head && git -c user.name=r -c user.email=r@localhost commit -q -a -m rival && "
          "git push -q origin HEAD:tranche-state 2>/dev/null\n",
      0755));
  site.server.command("before-push " + rival);
  const auto late = store->publish(pointing("2", first));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == ErrorKind::conflict);
  site.server.command("work");
  CHECK(head_of(*store) == "rival");
}

TEST_CASE("a push that another file's push overtook is built again when the pointer did not change") {
  Site site;
  auto one = site.open(site.options("a"));
  auto two = site.open(site.options("b"));
  const Version first = must(one->publish(pointing("1")));
  CHECK(head_of(*two) == "1");
  must(one->publish(
      {.files = {{.name = "flags", .bytes = "on", .copy_from = {}}}, .pointer = {}, .message = "flags"}));
  must(two->publish(pointing("2", first)));
  one->refresh();
  CHECK(head_of(*one) == "2");
  CHECK((*one->get("flags", 10))->bytes == "on");
}

TEST_CASE("a pre-receive hook that refuses is an error with the server's words") {
  Site site;
  site.write_hook("pre-receive", "echo 'state is frozen until monday' >&2\nexit 1\n");
  auto store = site.open(site.options());
  const auto refused = store->publish(pointing("1"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::failed);
  INFO(refused.error().message);
  CHECK(refused.error().message.find("hook declined") != std::string::npos);
  CHECK(refused.error().message.find("state is frozen until monday") != std::string::npos);
  CHECK_FALSE(refused.error().hint.empty());
  store->refresh();
  CHECK(head_of(*store) == "(absent)");
}

TEST_CASE("a wrong token is denied with a hint and is shown nowhere") {
  Site site;
  for (const char* token : {"wr0ng-token", ""}) {
    auto options = site.options();
    options.token = Secret(token);
    auto store = site.open(options);
    const auto answer = store->get("head", 10);
    REQUIRE_FALSE(answer.has_value());
    INFO(answer.error().message);
    CHECK(answer.error().kind == ErrorKind::denied);
    CHECK_FALSE(answer.error().hint.empty());
    CHECK(answer.error().message.find("wr0ng") == std::string::npos);
  }
}

TEST_CASE("a missing repository says so") {
  Site site;
  auto options = site.options();
  options.remote = site.server.url("nothing.git");
  auto store = site.open(options);
  const auto answer = store->get("head", 10);
  REQUIRE_FALSE(answer.has_value());
  INFO(answer.error().message);
  CHECK(answer.error().kind == ErrorKind::failed);
  CHECK(answer.error().hint == "check the remote's address, and that the token may see it");
}

TEST_CASE("a remote that drops the push leaves the old state, and the next try goes through") {
  Site site;
  auto store = site.open(site.options());
  const Version first = must(store->publish(pointing("1")));
  site.server.command("drop-push");
  const auto lost = store->publish(pointing("2", first));
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().kind == ErrorKind::failed);
  CHECK_FALSE(lost.error().hint.empty());
  site.server.command("work");
  CHECK(head_of(*store) == "1");
  must(store->publish(pointing("2", first)));
}

TEST_CASE("a push that arrived but whose answer was lost counts") {
  Site site;
  auto store = site.open(site.options());
  const Version first = must(store->publish(pointing("1")));
  site.server.command("forget-answer");
  must(store->publish(pointing("2", first)));
  CHECK(head_of(*store) == "2");
}

TEST_CASE("a remote that vanishes is an error that says the outcome is open only when it is") {
  Site site;
  auto store = site.open(site.options());
  const Version first = must(store->publish(pointing("1")));
  const auto check = [&](const Result<Version>& lost, bool is_open) {
    REQUIRE_FALSE(lost.has_value());
    INFO(lost.error().message);
    CHECK(lost.error().kind == ErrorKind::failed);
    CHECK(lost.error().hint.find("run again") != std::string::npos);
    CHECK((lost.error().message.find("is not known") != std::string::npos) == is_open);
  };
  site.server.command("vanish");
  check(store->publish(pointing("2", first)), true);
  site.server.stop();
  check(store->publish(pointing("2", first)), false);
}

TEST_CASE("a server that never answers is given up at the timeout") {
  Site site;
  auto options = site.options();
  options.timeout = std::chrono::milliseconds(300);
  auto store = site.open(options);
  site.server.command("hang");
  const auto answer = store->get("head", 10);
  REQUIRE_FALSE(answer.has_value());
  INFO(answer.error().message);
  CHECK(answer.error().message.find("within 300ms") != std::string::npos);
}

TEST_CASE("a branch that was deleted under us is a conflict, not a fresh start") {
  Site site;
  auto store = site.open(site.options());
  const Version first = must(store->publish(pointing("1")));
  site.git({"-C", site.directory / "state.git", "update-ref", "-d", "refs/heads/tranche-state"});
  const auto late = store->publish(pointing("2", first));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == ErrorKind::conflict);
}

TEST_CASE("a remote by path whose hooks guard it is refused, because hooks would not run") {
  Site site;
  auto options = site.options();
  options.remote = site.directory / "state.git";
  CHECK(store::open_git(site.real.world(), options).has_value());
  site.write_hook("pre-receive", "exit 1\n");
  const auto refused = store::open_git(site.real.world(), options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::invalid);
}

TEST_CASE("the lock of a ref that a killed process left is taken away, in a repository and in the cache") {
  Site site;
  ports::Files& files = site.real.world().files;
  auto options = site.options();
  const auto leave_lock = [&](const std::string& ref, const std::string& bytes) {
    REQUIRE(files.write(site.directory / (ref + ".lock"), bytes));
  };
  const std::string object = "0123456789abcdef0123456789abcdef01234567\n";
  auto remote = site.open(options);
  Version version = must(remote->publish(pointing("1")));
  const auto caches = files.list(site.directory / "cache/git");
  for (const std::string& name : *caches)
    if (!name.ends_with(".lock")) {
      leave_lock("cache/git/" + name + "/refs/tranche/tip", "");
      leave_lock("cache/git/" + name + "/refs/tranche/outgoing", object);
    }
  version = must(remote->publish(pointing("2", version)));

  options.remote = site.directory / "state.git";
  auto local = site.open(options);
  for (const std::string& bytes : {std::string(), object}) {
    leave_lock("state.git/refs/heads/" + options.branch, bytes);
    version = must(local->publish(pointing("after-" + std::to_string(bytes.size()), version)));
  }
  CHECK(head_of(*local) == "after-41");
}

TEST_CASE("a loose object that is torn, emptied or changed is refused, and never read for ever") {
  Site site;
  ports::Files& files = site.real.world().files;
  auto options = site.options();
  options.remote = site.directory / "state.git";
  must(site.open(options)->publish(pointing("some-bytes-to-be-torn")));
  const std::string blob = site.bare(options.branch + ":head").substr(0, 40);
  const std::string path = site.directory / ("state.git/objects/" + blob.substr(0, 2) + "/" + blob.substr(2));
  const std::string good = **files.read(path, 1000);
  const auto answer = [&](const std::string& bytes) {
    REQUIRE(files.write(path, bytes));
    return site.open(options)->get("head", 1000);
  };
  for (std::size_t length = 0; length < good.size(); ++length) {
    CAPTURE(length);
    const auto torn = answer(good.substr(0, length));
    REQUIRE_FALSE(torn.has_value());
    CHECK(torn.error().kind == ErrorKind::verification);
    CHECK_FALSE(torn.error().hint.empty());
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    CAPTURE(at);
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto got = answer(changed);
    if (got) CHECK((*got)->bytes == "some-bytes-to-be-torn");  // a bit of no meaning
  }
  CHECK((*answer(good))->bytes == "some-bytes-to-be-torn");
}

TEST_CASE(
    "this machine's copy of a remote that was broken is fetched anew; a remote's own branch is not made up") {
  Site site;
  {
    const auto store = site.open(site.options());
    REQUIRE(store
                ->publish({.files = {{"a/b", "one", {}}},
                           .pointer = Pointer{"p", "1", {}},
                           .followers = {},
                           .message = {}})
                .has_value());
    REQUIRE(text_of(store->get("p", 9)) == "1");
  }
  const auto harm = [&](const std::string& below, const std::string& bytes) {
    int harmed = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(below)) {
      const std::string path = file.path();
      if (!file.is_regular_file() || path.find("/objects/") == std::string::npos) continue;
      std::filesystem::permissions(path, std::filesystem::perms::owner_all);
      std::ofstream(path, std::ios::trunc) << bytes;
      ++harmed;
    }
    REQUIRE(harmed > 0);
  };
  for (const char* bytes : {"", "torn"}) {
    CAPTURE(bytes);
    harm(site.directory / "cache", bytes);
    CHECK(text_of(site.open(site.options())->get("a/b", 9)) == "one");
    harm(site.directory / "cache", bytes);
    const auto names = site.open(site.options())->list("");
    REQUIRE(names.has_value());
    CHECK(std::ranges::find(*names, "a/b") != names->end());
    harm(site.directory / "cache", bytes);
    const auto store = site.open(site.options());
    CHECK(store->publish({.files = {{"c", bytes, {}}}, .pointer = {}, .followers = {}, .message = {}})
              .has_value());
    CHECK(text_of(store->get("c", 9)) == bytes);
  }
  // By path there is no copy: what is broken there says so, and nothing in it is taken for absent.
  harm(site.directory / "state.git", "");
  store::GitOptions local = site.options();
  local.remote = site.directory / "state.git";
  const auto refused = site.open(local)->get("a/b", 9);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::verification);
  CHECK_FALSE(refused.error().hint.empty());
}

TEST_CASE("a remote's name means what git says it means") {
  Site site;
  const std::string work = site.directory / "work";
  site.git({"init", "-q", "-b", "main", work});
  const auto with_url = [&](const std::string& url) {
    site.git({"-C", work, "config", "remote.o.url", url});
    auto options = site.options();
    options.repository = work;
    options.remote = "o";
    return store::open_git(site.real.world(), options);
  };
  for (const std::string& url : {site.directory / "state.git", std::string("../state.git"),
                                 "file://" + site.directory / "state.git", site.server.url("state.git")}) {
    CAPTURE(url);
    CHECK(with_url(url).has_value());
  }
  CHECK_FALSE(with_url("far:state.git").has_value());
  site.git({"-C", work, "config", "url.ssh://git@far/.insteadOf", "fa"});
  site.git({"-C", work, "config", "url." + site.directory.path() + "/.insteadOf", "far:"});
  CHECK(with_url("far:state.git").has_value());  // the longest rule counts
  CHECK_FALSE(with_url("git@github.com:a/b.git").has_value());
  auto options = site.options();
  options.repository = work;
  options.remote = "none";
  CHECK(store::open_git(site.real.world(), options).error().kind == ErrorKind::invalid);
}

TEST_CASE("the checked-out branch cannot hold state") {
  Site site;
  site.git({"init", "-q", "-b", "main", site.directory / "work"});
  auto options = site.options();
  options.remote = "";
  options.repository = site.directory / "work";
  options.branch = "main";
  CHECK(store::open_git(site.real.world(), options).error().kind == ErrorKind::invalid);
}

TEST_CASE("branch names that mean something in a refspec are refused") {
  Site site;
  for (const char* branch : {"", "a:b", "a*", "-x", "a..b", "a b", "a\nb", "x.lock"}) {
    auto options = site.options();
    options.branch = branch;
    CAPTURE(branch);
    CHECK(store::open_git(site.real.world(), options).error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("a token never goes out in clear to another machine") {
  Site site;
  auto options = site.options();
  options.remote = "http://git.example/state.git";
  const auto refused = store::open_git(site.real.world(), options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::invalid);
}

TEST_CASE("addresses of git remotes are told apart, and credentials in them are dropped") {
  using Kind = store::GitAddress::Kind;
  const auto parse = [](std::string_view text) { return *store::parse_git_address(text); };
  CHECK(parse("https://u:p@h.example/a/b.git") ==
        store::GitAddress{
            .kind = Kind::http, .text = "https://h.example/a/b.git", .encrypted = true, .loopback = false});
  CHECK(parse("http://[::1]:8080/x").loopback);
  CHECK_FALSE(parse("http://localhost.example/x").loopback);
  CHECK(parse("file:///srv/a%20b.git").text == "/srv/a b.git");
  CHECK(parse("/srv/a.git").kind == Kind::path);
  CHECK(parse("../a.git").kind == Kind::path);
  for (const char* refused : {"ssh://git@h/a", "git@h:a/b.git", "git://h/a", "ext::sh -c x", "file://h/a",
                              "https://", "", "https://u:p@/x", "https://h/\n"}) {
    CAPTURE(refused);
    const auto address = store::parse_git_address(refused);
    REQUIRE_FALSE(address.has_value());
    CHECK(address.error().kind == ErrorKind::invalid);
    CHECK(address.error().message.find("u:p") == std::string::npos);
  }
  CHECK(store::is_remote_name("origin"));
  CHECK_FALSE(store::is_remote_name("git@h:a"));
}
