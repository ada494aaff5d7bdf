// For this room's tests: a signed channel in a directory, and a raw HTTP client that can misbehave.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "channel/feed.hpp"
#include "crypto/ed25519.hpp"
#include "flags/flags.hpp"
#include "ports/ports.hpp"
#include "server/feeds.hpp"
#include "signing/keys.hpp"

namespace tranche::server::testing {

inline crypto::SecretKey key_of(char seed) {
  return *crypto::SecretKey::from_seed(Secret(std::string(32, seed)));
}

struct TestChannel {
  std::string directory;
  crypto::SecretKey feed_key = key_of('f');
  channel::Feed feed;

  explicit TestChannel(std::string where, Instant now) : directory(std::move(where)) {
    feed.app = "app";
    feed.channel = "stable";
    feed.sequence = 1;
    feed.issued = now;
    feed.expires = now + std::chrono::hours(24);
    feed.directions.baseline = "1.0.0";
    add_release("1.0.0");
  }
  void add_release(const std::string& version) {
    feed.releases.push_back({version, std::string(64, 'a'), channel::manifest_name(version)});
  }
  void offer(const std::string& version, Percent percent) {
    add_release(version);
    cohort::Rule rule;
    if (percent.everyone())
      rule.all = true;
    else
      rule.below = cohort::threshold(percent);
    feed.directions.offer = cohort::Offer{version, "app/stable/" + version, {rule}};
  }
  void publish(ports::Files& files) {
    ++feed.sequence;
    (void)files.write(directory + "/" + std::string(channel::feed_name), *channel::seal(feed, feed_key));
  }
  [[nodiscard]] ServedChannel served() const {
    signing::Trust trust;
    trust.feed.push_back(feed_key.public_key());
    return {feed.app, feed.channel, directory, trust};
  }
};

// One TCP connection to loopback. Reads wait at most five seconds.
class Client {
 public:
  explicit Client(std::uint16_t port) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(fd_); }
  [[nodiscard]] bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  struct Answer {
    int status = 0;  // 0: the connection ended before an answer
    std::string head, body;
  };
  // Reads one answer with a Content-Length. `body` false: the answer to HEAD.
  Answer receive(bool body = true) {
    Answer answer;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!fill()) return answer;
    answer.head = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const std::size_t at = answer.head.find("Content-Length: ");
    if (!body || at == std::string::npos) return answer;
    const std::size_t length = std::stoul(answer.head.substr(at + 16));
    while (buffer_.size() < length)
      if (!fill()) break;
    answer.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return answer;
  }
  Answer get(std::string_view target, std::string_view headers = {}) {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) + "\r\n");
    return receive();
  }
  Answer post(std::string_view target, std::string_view body) {
    send("POST " + std::string(target) + " HTTP/1.1\r\nHost: test\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    return receive();
  }
  // The server has ended the connection (and sent nothing more).
  bool ended() { return buffer_.empty() && !fill(); }

 private:
  bool fill() {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, 5000) != 1) return false;
    char bytes[16384];
    const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  int fd_ = -1;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace tranche::server::testing
