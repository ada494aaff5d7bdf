// Child processes: argv and never a shell, a small environment, bounded output, a deadline.
//
// The child leads a process group of its own. At the deadline the whole group is killed; and when the child
// has ended, what it left running in its group is killed too, so that a step that is reported as done does
// not go on. A pidfd says when the child itself ended: waiting for the end of its pipes would wait for
// whoever inherited them.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "base/text.hpp"
#include "os/system_error.hpp"
#include "os/world.hpp"

namespace tranche::os {
namespace {

using Steady = std::chrono::steady_clock;

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return fail(ErrorKind::failed, "cannot make a pipe: {}", error_text(errno));
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

void set_nonblocking(const Descriptor& fd) { fcntl(fd.get(), F_SETFL, O_NONBLOCK); }

std::vector<std::string> make_environment(const std::map<std::string, std::string>& added) {
  std::map<std::string, std::string> all = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
  for (const char* name : {"PATH", "HOME", "LANG", "TZ"})
    if (const char* value = std::getenv(name)) all[name] = value;
  for (const auto& [name, value] : added) all[name] = value;
  std::vector<std::string> lines;
  lines.reserve(all.size());
  for (const auto& [name, value] : all) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> to_pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<> check(const ports::ProcessRequest& request) {
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (request.argv.empty() || request.argv[0].empty())
    return fail_hint(ErrorKind::invalid, "name a program", "there is no program to run");
  for (const auto& argument : request.argv)
    if (has_nul(argument))
      return fail_hint(ErrorKind::invalid, "remove it", "an argument of '{}' holds a NUL byte",
                       printable(request.argv[0]));
  for (const auto& [name, value] : request.environment)
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value))
      return fail_hint(ErrorKind::invalid, "names have no '=', and neither has NUL bytes",
                       "environment variable '{}' cannot be set", printable(name));
  return {};
}

Error spawn_error(const ports::ProcessRequest& request, int code) {
  std::string hint = "check the program's name and mode";
  if (code == ENOENT) hint = "install it, or check PATH and the working directory";
  if (code == EACCES) hint = "make it executable (chmod +x), and its directory readable";
  if (code == ENOEXEC) hint = "it is neither a program nor a script with a #! line";
  return {ErrorKind::failed, fmt::format("cannot run '{}': {}", printable(request.argv[0]), error_text(code)),
          std::move(hint)};
}

// Owns the running child until it was waited for.
class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) end();
  }
  Result<> start(const ports::ProcessRequest& request, const Pipe& in, const Pipe& out, const Pipe& err);
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }

  bool ended() {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }
  // Kills what is left of the group, reaps the child, and returns its exit code. The child is reaped last:
  // until then its pid, and with it the group's number, cannot be given to anybody else.
  int end() {
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_ = 0;
  Descriptor pidfd_;
};

Result<> Child::start(const ports::ProcessRequest& request, const Pipe& in, const Pipe& out,
                      const Pipe& err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, in.read_end.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_end.get(), STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  if (!request.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, request.directory.c_str());
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&signals, signal);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  auto arguments = request.argv;
  auto environment = make_environment(request.environment);
  const int code = posix_spawnp(&pid_, request.argv[0].c_str(), &actions, &attributes,
                                to_pointers(arguments).data(), to_pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) {
    pid_ = 0;
    return fail(spawn_error(request, code));
  }
  // Not glibc's pidfd_open: its header of 2.36 lacks extern "C".
  pidfd_ = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  return {};
}

// Reads what is there. At the end, or on an error, the descriptor is closed.
void drain(Descriptor& fd, std::string& into, std::size_t limit, bool& cut) {
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return fd.reset();
    const auto size = static_cast<std::size_t>(got);
    const std::size_t room = limit - std::min(limit, into.size());
    into.append(buffer.data(), std::min(size, room));
    if (size > room) {
      cut = true;
      return;  // an endless writer must not keep us from looking at the time
    }
  }
}

void feed(Descriptor& fd, std::string_view& left) {
  while (!left.empty()) {
    const ssize_t written = ::write(fd.get(), left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) break;  // the child does not want it
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  fd.reset();
}

// write() to a child that closed its stdin raises SIGPIPE where main has not ignored it (tests, for one).
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  ~NoSigpipe() {
    const timespec none{};
    while (sigtimedwait(&pipe_, nullptr, &none) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

class RealProcess final : public ports::Process {
 public:
  Result<ports::ProcessResult> run(const ports::ProcessRequest& request) override {
    TRY(check(request));
    const NoSigpipe guard;
    Pipe in = TRY(make_pipe());
    Pipe out = TRY(make_pipe());
    Pipe err = TRY(make_pipe());
    const auto deadline = Steady::now() + request.timeout;
    Child child;
    TRY(child.start(request, in, out, err));
    in.read_end.reset();
    out.write_end.reset();
    err.write_end.reset();
    set_nonblocking(in.write_end);
    set_nonblocking(out.read_end);
    set_nonblocking(err.read_end);

    ports::ProcessResult result;
    std::string_view input(request.input);
    feed(in.write_end, input);
    while (true) {
      const bool ended = child.ended();  // asked before the last read: nothing it wrote is missed
      if (out.read_end.open()) drain(out.read_end, result.out, request.max_output_bytes, result.cut);
      if (err.read_end.open()) drain(err.read_end, result.err, request.max_output_bytes, result.cut);
      if (ended) break;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
      if (left <= 0)
        return fail_hint(ErrorKind::failed, "raise its timeout, or find out why it does not end",
                         "'{}' did not end within {} and was killed", printable(request.argv[0]),
                         to_text(request.timeout));
      std::array<pollfd, 4> watched{{{.fd = child.pidfd(), .events = POLLIN, .revents = 0},
                                     {.fd = in.write_end.get(), .events = POLLOUT, .revents = 0},
                                     {.fd = out.read_end.get(), .events = POLLIN, .revents = 0},
                                     {.fd = err.read_end.get(), .events = POLLIN, .revents = 0}}};
      // Kernels without pidfd: look every 20 ms.
      const auto wait = child.pidfd() < 0 ? std::min<std::int64_t>(left, 20) : left;
      poll(watched.data(), watched.size(), static_cast<int>(std::min<std::int64_t>(wait, 60'000)));
      if (watched[1].revents != 0) feed(in.write_end, input);
    }
    result.exit_code = child.end();
    return result;
  }
};

}  // namespace

std::unique_ptr<ports::Process> make_process() { return std::make_unique<RealProcess>(); }

}  // namespace tranche::os
