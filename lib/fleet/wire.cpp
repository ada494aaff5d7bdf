#include "fleet/wire.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.hpp"

namespace tranche::fleet {

namespace {

constexpr std::size_t most_head_bytes = 16 * 1024;

// The value of a header in an answer's head; names are compared without case.
std::string_view header(std::string_view head, std::string_view lower_name) {
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon == lower_name.size() && lower(line.substr(0, colon)) == lower_name)
      return trim(line.substr(colon + 1));
    if (end == std::string_view::npos) break;
    head.remove_prefix(end + 2);
  }
  return {};
}

}  // namespace

Result<Address> parse_address(std::string_view url) {
  const auto wrong = [&] {
    return fail_hint(ErrorKind::usage, "give a url such as http://127.0.0.1:8090", "'{}' is no http url",
                     printable(url));
  };
  if (!url.starts_with("http://")) return wrong();
  url.remove_prefix(7);
  Address address;
  const std::size_t slash = url.find('/');
  std::string_view place = url.substr(0, slash);
  if (slash != std::string_view::npos) address.prefix = url.substr(slash);
  while (address.prefix.ends_with('/')) address.prefix.pop_back();
  if (place.starts_with('[')) {
    const std::size_t end = place.find(']');
    if (end == std::string_view::npos) return wrong();
    address.host = place.substr(1, end - 1);
    place.remove_prefix(end + 1);
  } else {
    address.host = place.substr(0, place.find(':'));
    place.remove_prefix(address.host.size());
  }
  if (place.starts_with(':')) {
    const auto port = parse_u64(place.substr(1));
    if (!port || *port < 1 || *port > 65535) return wrong();
    address.port = fmt::format("{}", *port);
  } else if (!place.empty()) {
    return wrong();
  }
  if (address.host.empty() || printable(url) != url || url.find(' ') != std::string_view::npos)
    return wrong();
  return address;
}

Wire::Wire(Address address, Duration timeout) : address_(std::move(address)), timeout_(timeout) {}
Wire::~Wire() { close(); }

void Wire::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  in_.clear();
  begin_ = 0;
}

std::unexpected<Error> Wire::broken(std::string_view what) const {
  return fail_hint(ErrorKind::failed, "see that `tranche serve` runs there", "{}:{}: {}", address_.host,
                   address_.port, what);
}

void Wire::get(std::string_view path, std::string_view if_none_match) {
  out_.append("GET ")
      .append(address_.prefix)
      .append(path)
      .append(" HTTP/1.1\r\nHost: ")
      .append(address_.host);
  if (!if_none_match.empty()) out_.append("\r\nIf-None-Match: ").append(if_none_match);
  out_ += "\r\n\r\n";
  ++queued_;
}

void Wire::post(std::string_view path, std::string_view body) {
  out_.append("POST ")
      .append(address_.prefix)
      .append(path)
      .append(" HTTP/1.1\r\nHost: ")
      .append(address_.host);
  out_ += fmt::format("\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.size());
  out_ += body;
  ++queued_;
}

Result<> Wire::connect() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(address_.host.c_str(), address_.port.c_str(), &hints, &found); code != 0)
    return broken(gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    fd_ = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (fd_ < 0) continue;
    timeval limit{};
    limit.tv_sec = static_cast<time_t>(timeout_.count() / 1000);
    limit.tv_usec = static_cast<suseconds_t>(timeout_.count() % 1000 * 1000);
    const int yes = 1;
    (void)setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(fd_, one->ai_addr, one->ai_addrlen) == 0) return {};
    error = errno;
    close();
  }
  return broken(std::strerror(error));
}

Result<> Wire::send_all() {
  std::string_view left = out_;
  while (!left.empty()) {
    const ssize_t sent = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return broken("the connection was closed while sending");
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<> Wire::fill() {
  if (begin_ > 0) {
    in_.erase(0, begin_);
    begin_ = 0;
  }
  const std::size_t have = in_.size();
  in_.resize(have + 64 * 1024);
  ssize_t got = 0;
  do got = recv(fd_, in_.data() + have, in_.size() - have, 0);
  while (got < 0 && errno == EINTR);
  in_.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got == 0) return broken("the connection was closed before the answer");
  if (got < 0) return broken(errno == EAGAIN ? "no answer in time" : std::strerror(errno));
  return {};
}

Result<Answer> Wire::receive(std::size_t most) {
  std::size_t end = std::string::npos;
  while ((end = in_.find("\r\n\r\n", begin_)) == std::string::npos) {
    if (in_.size() - begin_ > most_head_bytes) return broken("the answer's head is too large");
    TRY(fill());
  }
  const std::string_view head = std::string_view(in_).substr(begin_, end - begin_);
  Answer answer;
  const auto status =
      head.size() > 12 && head.starts_with("HTTP/1.1 ") ? parse_u64(head.substr(9, 3)) : std::nullopt;
  if (!status) return broken("the answer is no HTTP/1.1");
  answer.status = static_cast<int>(*status);
  answer.etag = header(head, "etag");
  close_after_ = lower(header(head, "connection")) == "close";
  std::uint64_t length = 0;
  if (const std::string_view text = header(head, "content-length"); !text.empty()) {
    const auto number = parse_u64(text);
    if (!number) return broken("the answer has no valid length");
    length = *number;
  }
  if (answer.status == 204 || answer.status == 304) length = 0;
  if (length > most) return broken(fmt::format("the answer is larger than {} bytes", most));
  begin_ = end + 4;
  while (in_.size() - begin_ < length) TRY(fill());
  answer.body = in_.substr(begin_, static_cast<std::size_t>(length));
  begin_ += static_cast<std::size_t>(length);
  return answer;
}

Result<std::vector<Answer>> Wire::exchange(std::size_t most) {
  const std::size_t count = std::exchange(queued_, 0);
  std::vector<Answer> answers;
  answers.reserve(count);
  Error last;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool reused = fd_ >= 0;
    Result<> done;
    if (!reused) done = connect();
    if (done) done = send_all();
    while (done && answers.size() < count) {
      auto answer = receive(most);
      if (!answer) {
        done = fail(answer.error());
      } else {
        answers.push_back(std::move(*answer));
        if (close_after_ && answers.size() < count) done = broken("the server closed the connection early");
      }
    }
    if (done) {
      out_.clear();
      if (close_after_) close();
      close_after_ = false;
      return answers;
    }
    close();
    close_after_ = false;
    last = std::move(done.error());
    // Only a connection that was idle may have been closed for that reason alone; nothing was answered then.
    if (!reused || !answers.empty()) break;
  }
  out_.clear();
  return fail(std::move(last));
}

}  // namespace tranche::fleet
