#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/text.hpp"
#include "os/world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;

namespace {
Result<ports::ProcessResult> run(ports::ProcessRequest request) { return os::make_process()->run(request); }
}  // namespace

TEST_CASE("a program's output, errors and exit code come back, whatever the code") {
  const auto result = run({.argv = {"sh", "-c", "cat; echo talk >&2; exit 3"}, .input = "given"});
  REQUIRE(result.has_value());
  CHECK(result->out == "given");
  CHECK(result->err == "talk\n");
  CHECK(result->exit_code == 3);
  CHECK_FALSE(result->cut);
  CHECK(run({.argv = {"sh", "-c", "kill -TERM $$"}})->exit_code == 128 + SIGTERM);
}

TEST_CASE("arguments are not read by any shell") {
  const auto result = run({.argv = {"printf", "%s|", "$HOME `id` ; rm *", "", "two\nlines"}});
  CHECK(result->out == "$HOME `id` ; rm *||two\nlines|");
}

TEST_CASE("the environment is small, and what is asked for is added") {
  setenv("TRANCHE_TEST_SECRET", "must not leak", 1);
  const auto result = run({.argv = {"env"}, .environment = {{"ADDED", "yes"}, {"LANG", "xx"}}});
  unsetenv("TRANCHE_TEST_SECRET");
  REQUIRE(result.has_value());
  for (const auto line : split(result->out, '\n')) {
    const auto name = line.substr(0, line.find('='));
    CAPTURE(name);
    CHECK((name.empty() || name == "PATH" || name == "HOME" || name == "LANG" || name == "TZ" ||
           name == "ADDED"));
  }
  CHECK(result->out.find("ADDED=yes\n") != std::string::npos);
  CHECK(result->out.find("LANG=xx\n") != std::string::npos);
}

TEST_CASE("a child inherits no descriptor of ours") {
  const int fd = open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a careless library opens it
  const auto result = run({.argv = {"ls", "/proc/self/fd"}});
  close(fd);
  CHECK(result->out == "0\n1\n2\n3\n");  // 3 is the directory that ls reads
}

TEST_CASE("a program that does not end is killed with all it started") {
  support::TempDirectory directory;
  const auto files = os::make_files();
  const auto result = run({.argv = {"sh", "-c", "flock lock sleep 1000 & wait"},
                           .directory = directory.path(),
                           .timeout = std::chrono::milliseconds(300)});
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::failed);
  CHECK(result.error().message.find("300ms") != std::string::npos);
  CHECK(files->lock(directory / "lock", std::chrono::seconds(10)).has_value());  // its holder is gone
}

TEST_CASE("what a finished program left running does not keep us, and is ended") {
  support::TempDirectory directory;
  const auto files = os::make_files();
  const auto result =
      run({.argv = {"sh", "-c", "flock lock sleep 1000 & echo done"}, .directory = directory.path()});
  REQUIRE(result.has_value());
  CHECK(result->out == "done\n");
  CHECK(files->lock(directory / "lock", std::chrono::seconds(10)).has_value());
}

TEST_CASE("output beyond the limit is cut and said to be, while the program goes on") {
  const auto result =
      run({.argv = {"sh", "-c", "head -c 3000000 /dev/zero; echo end >&2"}, .max_output_bytes = 1000});
  REQUIRE(result.has_value());
  CHECK(result->out.size() == 1000);
  CHECK(result->cut);
  CHECK(result->err == "end\n");
  CHECK(result->exit_code == 0);
}

TEST_CASE("large input and output flow at once, and unread input is no error") {
  const std::string big(3'000'000, 'x');
  const auto both = run({.argv = {"cat"}, .input = big, .max_output_bytes = big.size()});
  REQUIRE(both.has_value());
  CHECK(both->out == big);
  CHECK(run({.argv = {"true"}, .input = big})->exit_code == 0);
}

TEST_CASE("what cannot run says why and what to do") {
  support::TempDirectory directory;
  const auto files = os::make_files();
  REQUIRE(files->write(directory / "plain", "echo hi\n", 0644));
  REQUIRE(files->write(directory / "headless", "echo hi\n", 0755));
  for (const auto& argv :
       std::vector<std::vector<std::string>>{{"no-such-program-here"},
                                             {directory / "plain"},
                                             {directory / "headless"},  // never given to a shell
                                             {},
                                             {""},
                                             {std::string("a\0b", 3)}}) {
    const auto result = run({.argv = argv});
    REQUIRE_FALSE(result.has_value());
    CHECK_FALSE(result.error().hint.empty());
  }
  CHECK_FALSE(run({.argv = {"true"}, .directory = directory / "none"}).has_value());
  CHECK_FALSE(run({.argv = {"true"}, .environment = {{"A=B", "x"}}}).has_value());
}

TEST_CASE("random bytes differ, and have the asked count") {
  const auto random = os::make_random();
  CHECK(random->bytes(0)->empty());
  CHECK(random->bytes(1000)->size() == 1000);
  CHECK(*random->bytes(32) != *random->bytes(32));
}

TEST_CASE("an interrupt ends a sleep early, and a second one ends the process with 130") {
  // In a child, because the handlers belong to the whole process.
  const auto in_child = [](auto body) {
    const pid_t pid = fork();
    if (pid == 0) {
      os::install_signal_handlers();
      _exit(body());
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  CHECK(in_child([] {
          const auto clock = os::make_clock();
          if (clock->interrupted()) return 1;
          raise(SIGTERM);
          const bool slept = clock->sleep_until(clock->now() + std::chrono::hours(1));
          return !slept && clock->interrupted() ? 42 : 2;
        }) == 42);
  CHECK(in_child([] {
          raise(SIGINT);
          raise(SIGINT);
          return 1;
        }) == 130);
  CHECK(in_child([] { return raise(SIGPIPE) == 0 ? 42 : 1; }) == 42);
}

TEST_CASE("a sleep ends at its time, and at once when that has passed") {
  const auto clock = os::make_clock();
  const auto when = clock->now() + std::chrono::milliseconds(5);
  CHECK(clock->sleep_until(when));
  CHECK(clock->now() >= when);
  CHECK(clock->sleep_until(when - std::chrono::hours(1)));
}
