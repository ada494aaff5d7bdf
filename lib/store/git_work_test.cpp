// Commits on people's branches, over a real server and over a bare repository beside us.
#include "store/git_work.hpp"

#include <doctest/doctest.h>

#include "os/world.hpp"
#include "support/git_http_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using store::GitWork;
using store::WorkCommit;
using store::WorkFile;

namespace {

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Site {
  support::TempDirectory directory;
  os::RealWorld real;
  support::GitHttpServer server{directory.path(), "s3cret"};

  Site() {
    git({"init", "-q", "-b", "main", "--bare", directory / "deploy.git"});
    git({"-C", directory / "deploy.git", "config", "http.receivepack", "true"});
    git({"clone", "-q", directory / "deploy.git", directory / "ana"});
    write("values.yaml", "tag: 1.0\nreplicas: 3\n# a\n# b\n# c\n# d\nother: 1\n");
    must(real.world().files.write(directory / "ana/run.sh", "#!/bin/sh\n", 0755));
    git({"-C", directory / "ana", "checkout", "-q", "-B", "main"});
    git({"-C", directory / "ana", "add", "-A"});
    git({"-C", directory / "ana", "commit", "-q", "-m", "first"});
    git({"-C", directory / "ana", "push", "-q", "origin", "main"});
  }
  void write(const std::string& name, const std::string& text) {
    must(real.world().files.write(directory / ("ana/" + name), text));
  }
  // A person commits and pushes.
  void push(const std::string& name, const std::string& text) {
    git({"-C", directory / "ana", "pull", "-q", "--rebase", "origin", "main"});
    write(name, text);
    git({"-C", directory / "ana", "add", "-A"});
    git({"-C", directory / "ana", "commit", "-q", "-m", "ana changes " + name});
    git({"-C", directory / "ana", "push", "-q", "origin", "main"});
  }
  std::string git(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "-c", "user.name=t", "-c", "user.email=t@localhost"});
    auto result = real.world().process.run({.argv = arguments});
    REQUIRE(result.has_value());
    INFO(result->err);
    REQUIRE(result->exit_code == 0);
    return result->out;
  }
  std::string bare(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", directory / "deploy.git"});
    return git(std::move(arguments));
  }
  std::unique_ptr<GitWork> open(bool over_http = true) {
    store::GitOptions options;
    options.remote = over_http ? server.url("deploy.git") : "file://" + (directory / "deploy.git");
    options.branch = "main";
    if (over_http) options.token = Secret("s3cret");
    options.cache_directory = directory / "cache";
    options.timeout = std::chrono::seconds(20);
    return must(store::open_git_work(real.world(), std::move(options)));
  }
};

GitWork::Edit set_tag(const std::string& tag) {
  return [tag](const GitWork::Read& read) -> Result<std::vector<WorkFile>> {
    std::string text = *TRY(read("values.yaml"));
    const auto end = text.find('\n');
    return std::vector<WorkFile>{{"values.yaml", "tag: " + tag + text.substr(end)}};
  };
}

std::string message(const std::string& subject, const std::string& key) {
  return subject + "\n\nTranche-Rollout: r/1\nTranche-Key: " + key + "\n";
}

std::function<bool(const WorkCommit&)> with_key(const std::string& key) {
  return [key](const WorkCommit& one) { return one.trailer("Tranche-Key") == key; };
}

}  // namespace

TEST_CASE("a commit changes the files it names and nothing else, on a server and on a bare repository") {
  for (const bool over_http : {true, false}) {
    CAPTURE(over_http);
    Site site;
    const auto work = site.open(over_http);
    const std::string id = must(work->commit(message("set 1.1", "k1"),
                                             [](const GitWork::Read& read) -> Result<std::vector<WorkFile>> {
                                               auto files = TRY(set_tag("1.1")(read));
                                               files.push_back({"run.sh", "#!/bin/sh\nexit 1\n"});
                                               files.push_back({"new/deep.txt", "x"});
                                               return files;
                                             }));
    CHECK(site.bare({"rev-parse", "main"}) == id + "\n");
    CHECK(site.bare({"log", "-1", "--format=%s%n%b", "main"}) ==
          "set 1.1\nTranche-Rollout: r/1\nTranche-Key: k1\n\n");
    CHECK(site.bare({"show", "main:values.yaml"}).starts_with("tag: 1.1\nreplicas: 3\n"));
    CHECK(site.bare({"ls-tree", "main", "run.sh"}).starts_with("100755 "));
    CHECK(site.bare({"show", "main:new/deep.txt"}) == "x");
    CHECK(must(work->read("new/deep.txt")) == "x");
    CHECK(must(work->commit("again", set_tag("1.1"))).empty());
    CHECK(site.bare({"rev-list", "--count", "main"}) == "2\n");
  }
}

TEST_CASE("when somebody pushes first the edit is made again on what is there") {
  Site site;
  const auto work = site.open();
  int asked = 0;
  must(work->commit("set 1.1", [&](const GitWork::Read& read) -> Result<std::vector<WorkFile>> {
    auto files = TRY(set_tag("1.1")(read));
    if (++asked == 1) site.push("note.txt", "mine");
    return files;
  }));
  CHECK(asked == 2);
  CHECK(site.bare({"show", "main:note.txt"}) == "mine");
  CHECK(site.bare({"show", "main:values.yaml"}).starts_with("tag: 1.1\n"));
}

TEST_CASE("five lost races in a row are an error, and nothing was forced") {
  Site site;
  const auto work = site.open();
  int asked = 0;
  const auto lost = work->commit("set 1.1", [&](const GitWork::Read& read) -> Result<std::vector<WorkFile>> {
    auto files = TRY(set_tag("1.1")(read));
    site.push("note.txt", std::to_string(++asked));
    return files;
  });
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().kind == ErrorKind::failed);
  CHECK(asked == 5);
  CHECK(site.bare({"show", "main:note.txt"}) == "5");
}

TEST_CASE("the branch says whether a commit was made") {
  Site site;
  const auto work = site.open();
  CHECK_FALSE(must(work->find(with_key("k1"), 1000)).commit.has_value());
  const std::string id = must(work->commit(message("set 1.1", "k1"), set_tag("1.1")));
  site.push("note.txt", "mine");
  const auto found = must(site.open()->find(with_key("k1"), 1000));
  REQUIRE(found.commit.has_value());
  CHECK(found.commit->id == id);
  CHECK(found.commit->trailer("Tranche-Rollout") == "r/1");
  CHECK(found.commit->trailer("Tranche").empty());
  CHECK_FALSE(must(work->find(with_key("k1"), 1)).commit.has_value());
  CHECK_FALSE(must(work->find(with_key("k1"), 1)).whole);
  CHECK(must(work->find(with_key("other"), 1000)).whole);
}

TEST_CASE("a word of a subject is no trailer") {
  const WorkCommit one{"0", "Tranche-Key: forged"};
  CHECK(one.trailer("Tranche-Key").empty());
  const WorkCommit two{"0", "subject\n\nTranche-Key: early\n\nlast words\n"};
  CHECK(two.trailer("Tranche-Key").empty());
}

TEST_CASE("a revert takes one commit back and keeps what others did since") {
  Site site;
  const auto work = site.open();
  const std::string id = must(work->commit(message("set 1.1", "k1"), set_tag("1.1")));
  site.push("note.txt", "mine");
  const std::string text = site.bare({"show", "main:values.yaml"});
  site.push("values.yaml", text.substr(0, text.size() - 2) + "2\n");  // the last line, far from ours
  const std::string revert = must(work->revert({id}, message("revert", "k2")));
  CHECK(site.bare({"rev-parse", "main"}) == revert + "\n");
  CHECK(site.bare({"show", "main:values.yaml"}) == "tag: 1.0\nreplicas: 3\n# a\n# b\n# c\n# d\nother: 2\n");
  CHECK(site.bare({"show", "main:note.txt"}) == "mine");
  CHECK(must(work->revert({id}, "again")).empty());
}

TEST_CASE("several commits are taken back by one, and the branch rests at nothing between them") {
  Site site;
  const auto work = site.open();
  const std::string one = must(work->commit(message("5%", "k1"), set_tag("5")));
  site.push("note.txt", "mine");
  const std::string two = must(work->commit(message("20%", "k2"), set_tag("20")));
  const std::string three = must(work->commit(message("50%", "k3"), set_tag("50")));
  must(work->revert({three, two, one}, message("back", "k4")));
  CHECK(site.bare({"show", "main:values.yaml"}).starts_with("tag: 1.0\n"));
  CHECK(site.bare({"show", "main:note.txt"}) == "mine");
  CHECK(site.bare({"rev-list", "--count", "main"}) == "6\n");
}

TEST_CASE("a revert of what changed since in the same place is refused, with the files") {
  Site site;
  const auto work = site.open();
  const std::string id = must(work->commit(message("set 1.1", "k1"), set_tag("1.1")));
  must(work->commit(message("set 1.2", "k2"), set_tag("1.2")));
  const std::string before = site.bare({"rev-parse", "main"});
  const auto refused = work->revert({id}, "revert");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::denied);
  CHECK(refused.error().hint.find("values.yaml") != std::string::npos);
  CHECK(site.bare({"rev-parse", "main"}) == before);
}

TEST_CASE(
    "a merge is reverted against the branch that it went into; strangers and first commits are refused") {
  Site site;
  const std::string ana = site.directory / "ana";
  site.git({"-C", ana, "checkout", "-q", "-b", "topic"});
  site.write("values.yaml", "tag: 2.0\nreplicas: 3\n# a\n# b\n# c\n# d\nother: 1\n");
  site.git({"-C", ana, "commit", "-q", "-a", "-m", "topic"});
  site.git({"-C", ana, "checkout", "-q", "main"});
  site.git({"-C", ana, "merge", "-q", "--no-ff", "-m", "merge topic", "topic"});
  site.git({"-C", ana, "push", "-q", "origin", "main"});
  const auto work = site.open();
  std::string merge = site.bare({"rev-parse", "main"});
  merge.pop_back();
  must(work->revert({merge}, "revert the merge"));
  CHECK(site.bare({"show", "main:values.yaml"}).starts_with("tag: 1.0\n"));
  std::string first = site.bare({"rev-list", "--max-parents=0", "main"});
  first.pop_back();
  CHECK(work->revert({first}, "x").error().kind == ErrorKind::denied);
  CHECK(work->revert({std::string(40, '1')}, "x").error().kind == ErrorKind::invalid);
  CHECK(work->revert({"HEAD"}, "x").error().kind == ErrorKind::invalid);
}

TEST_CASE("a tag is made once, found again, and never moved") {
  for (const bool over_http : {true, false}) {
    CAPTURE(over_http);
    Site site;
    const auto work = site.open(over_http);
    CHECK_FALSE(must(work->tagged("v1", "words\n")).has_value());
    const std::string marked = must(work->tag("v1", "words"));
    CHECK(site.bare({"rev-parse", "v1^{commit}"}) == marked + "\n");
    CHECK(site.bare({"cat-file", "-t", "v1"}) == "tag\n");
    site.push("note.txt", "mine");
    CHECK(must(work->tagged("v1", "words")) == marked);
    CHECK(must(work->tag("v1", "words")) == marked);  // the branch moved, the tag did not
    CHECK(work->tag("v1", "other words").error().kind == ErrorKind::denied);
    site.bare({"tag", "light", "main"});
    CHECK(work->tag("light", "words").error().kind == ErrorKind::denied);
    CHECK(work->tag("a:b", "words").error().kind == ErrorKind::invalid);
    CHECK(work->tag("-d", "words").error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("a new branch begins at the tip, once") {
  Site site;
  const auto work = site.open();
  const std::string id =
      must(work->commit_to_new_branch("tranche/r-1", message("set 1.1", "k1"), set_tag("1.1")));
  CHECK(site.bare({"rev-parse", "tranche/r-1"}) == id + "\n");
  CHECK(site.bare({"rev-list", "--count", "main"}) == "1\n");
  CHECK(must(work->commit_to_new_branch("tranche/r-1", "again", set_tag("1.2"))) == id);
}

TEST_CASE("files that leave the repository, its own directory and what is no file are refused") {
  Site site;
  site.git({"-C", site.directory / "ana", "pull", "-q", "origin", "main"});
  must(site.real.world().process.run({.argv = {"ln", "-s", "/etc/passwd", site.directory / "ana/link"}}));
  site.push("note.txt", "x");
  const auto work = site.open();
  for (const char* path :
       {"../x", "/x", "a//b", ".git/config", "a/.GIT/x", "", "a\nb", ".", "link", "a\\..\\b"}) {
    CAPTURE(path);
    const auto made = work->commit("x", [&](const GitWork::Read&) -> Result<std::vector<WorkFile>> {
      return std::vector<WorkFile>{{path, "x"}};
    });
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().kind == ErrorKind::invalid);
  }
}

TEST_CASE("a push whose answer is lost is settled by asking the server") {
  Site site;
  const auto work = site.open();
  site.server.command("forget-answer");
  const auto made = work->commit(message("set 1.1", "k1"), set_tag("1.1"));
  site.server.command("work");
  if (!made) CHECK(made.error().kind == ErrorKind::failed);
  const auto found = must(work->find(with_key("k1"), 1000));
  REQUIRE(found.commit.has_value());
  if (made) CHECK(found.commit->id == *made);
}

TEST_CASE("a branch that is not there and a wrong token say so") {
  Site site;
  store::GitOptions options;
  options.remote = site.server.url("deploy.git");
  options.branch = "nope";
  options.token = Secret("s3cret");
  options.cache_directory = site.directory / "cache";
  const auto absent = must(store::open_git_work(site.real.world(), options));
  CHECK(absent->commit("x", set_tag("1")).error().kind == ErrorKind::invalid);
  options.branch = "main";
  options.token = Secret("wrong");
  const auto denied = must(store::open_git_work(site.real.world(), options));
  const auto error = denied->commit("x", set_tag("1"));
  REQUIRE_FALSE(error.has_value());
  CHECK(error.error().kind == ErrorKind::denied);
  CHECK(error.error().message.find("wrong") == std::string::npos);
}
