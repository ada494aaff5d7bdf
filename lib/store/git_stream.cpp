#include "store/git_stream.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "base/text.hpp"
#include "store/git2.hpp"

namespace tranche::store {
namespace {

using Steady = std::chrono::steady_clock;
thread_local Steady::time_point deadline{};

struct TcpStream {
  git_stream parent{};  // first: libgit2 knows the stream by this address
  std::string host;
  std::string port;
  int fd = -1;
};
TcpStream* self(git_stream* stream) { return reinterpret_cast<TcpStream*>(stream); }

int refuse(const TcpStream& stream, std::string_view what, std::string_view why = {}) {
  const std::string words =
      fmt::format("{} {}:{}{}", what, printable(stream.host), printable(stream.port), why);
  git2().error_set_str(GIT_ERROR_NET, words.c_str());
  return -1;
}
int refuse_errno(const TcpStream& stream, std::string_view what, int code) {
  std::array<char, 256> text{};
  return refuse(stream, what, fmt::format(" ({})", strerror_r(code, text.data(), text.size())));
}

// True when `fd` is ready before the deadline.
bool wait_for(int fd, short events) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    if (left <= 0) return false;
    pollfd watched{.fd = fd, .events = events, .revents = 0};
    const int ready = poll(&watched, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

int connect_address(TcpStream& stream, const addrinfo& address) {
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  int code = connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (code == EINPROGRESS) {
    code = ETIMEDOUT;
    socklen_t size = sizeof code;
    if (wait_for(fd, POLLOUT)) getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
  }
  if (code != 0) {
    close(fd);
    return code;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  stream.fd = fd;
  return 0;
}

int on_connect(git_stream* base) {
  TcpStream& stream = *self(base);
  if (deadline < Steady::now()) return refuse(stream, "no time left to connect to");
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(stream.host.c_str(), stream.port.c_str(), &wanted, &found); code != 0)
    return refuse(stream, "no such host:", fmt::format(" ({})", gai_strerror(code)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  int code = EADDRNOTAVAIL;
  for (const addrinfo* at = found; at != nullptr && stream.fd < 0; at = at->ai_next)
    code = connect_address(stream, *at);
  return stream.fd >= 0 ? 0 : refuse_errno(stream, "cannot connect to", code);
}

ssize_t on_read(git_stream* base, void* into, size_t size) {
  TcpStream& stream = *self(base);
  while (wait_for(stream.fd, POLLIN)) {
    const ssize_t got = recv(stream.fd, into, size, 0);
    if (got >= 0) return got;
    if (errno != EAGAIN && errno != EINTR) return refuse_errno(stream, "lost the connection to", errno);
  }
  return refuse(stream, "no answer in time from");
}

ssize_t on_write(git_stream* base, const char* bytes, size_t size, int /*flags*/) {
  TcpStream& stream = *self(base);
  while (wait_for(stream.fd, POLLOUT)) {
    const ssize_t sent = send(stream.fd, bytes, size, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EAGAIN && errno != EINTR) return refuse_errno(stream, "lost the connection to", errno);
  }
  return refuse(stream, "could not send in time to");
}

int on_close(git_stream* base) {
  if (self(base)->fd >= 0) close(self(base)->fd);
  self(base)->fd = -1;
  return 0;
}

void on_free(git_stream* base) {
  on_close(base);
  delete self(base);
}

int make_stream(git_stream** out, const char* host, const char* port) {
  auto stream = std::make_unique<TcpStream>();
  stream->parent.version = GIT_STREAM_VERSION;
  stream->parent.connect = on_connect;
  stream->parent.read = on_read;
  stream->parent.write = on_write;
  stream->parent.close = on_close;
  stream->parent.free = on_free;
  stream->host = host;
  stream->port = port;
  *out = &stream.release()->parent;
  return 0;
}

}  // namespace

Result<> register_git_stream() {
  git_stream_registration registration{};
  registration.version = GIT_STREAM_VERSION;
  registration.init = make_stream;
  if (git2().stream_register(GIT_STREAM_STANDARD, &registration) < 0)
    return fail(git_error_of("give libgit2 a stream with time limits"));
  return {};
}

GitDeadline::GitDeadline(Duration from_now) : before_(deadline) { deadline = Steady::now() + from_now; }
GitDeadline::~GitDeadline() { deadline = before_; }
bool GitDeadline::passed() const { return Steady::now() >= deadline; }

}  // namespace tranche::store
