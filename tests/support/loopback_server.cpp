#include "support/loopback_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace tranche::support {
namespace {

// False when the server stops before `fd` is readable.
bool wait_readable(int fd, int stop) {
  pollfd watched[2] = {{.fd = fd, .events = POLLIN, .revents = 0},
                       {.fd = stop, .events = POLLIN, .revents = 0}};
  return poll(watched, 2, -1) > 0 && watched[1].revents == 0;
}

std::size_t content_length(std::string head) {
  std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto at = head.find("\r\ncontent-length:");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 17));
}

}  // namespace

LoopbackServer::LoopbackServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (pipe2(stop_, O_CLOEXEC) != 0 || bind(listener_, raw, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, raw, &size) != 0)
    throw std::runtime_error("no loopback server");
  port_ = ntohs(address.sin_port);
  accepting_ = std::jthread([this] {
    while (wait_readable(listener_, stop_[0])) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      ++connections_;
      clients_.emplace_back([this, client] { serve(client); });
    }
  });
}

LoopbackServer::~LoopbackServer() {
  close(stop_[1]);
  accepting_.join();
  clients_.clear();
  close(stop_[0]);
  close(listener_);
}

void LoopbackServer::serve(int client) {
  std::string have;
  char buffer[16384];
  while (wait_readable(client, stop_[0])) {
    const ssize_t got = recv(client, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    have.append(buffer, static_cast<std::size_t>(got));
    const auto head_end = have.find("\r\n\r\n");
    if (head_end == std::string::npos) continue;
    const std::size_t total = head_end + 4 + content_length(have.substr(0, head_end));
    if (have.size() < total) continue;
    const std::string request = have.substr(0, total);
    have.erase(0, total);
    {
      const std::lock_guard guard(mutex_);
      requests_.push_back(request);
    }
    const auto reply = handler_(request);
    if (!reply) continue;
    for (std::size_t sent = 0; sent < reply->size();) {
      const ssize_t n = send(client, reply->data() + sent, reply->size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += static_cast<std::size_t>(n);
    }
  }
  close(client);
}

std::string LoopbackServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::vector<std::string> LoopbackServer::requests() {
  const std::lock_guard guard(mutex_);
  return requests_;
}

std::string LoopbackServer::answer(int status, const std::string& body, const std::string& more_headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Text\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + more_headers + "\r\n" + body;
}

}  // namespace tranche::support
