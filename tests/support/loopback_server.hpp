// A tiny TCP server on 127.0.0.1 for tests of clients: each request gets the raw bytes that a handler makes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tranche::support {

class LoopbackServer {
 public:
  // Gets one whole request (head, and a body by Content-Length); returns the raw answer, or nullopt to never
  // answer. Connections stay open between requests, so an answer needs Content-Length.
  using Handler = std::function<std::optional<std::string>(const std::string& request)>;
  explicit LoopbackServer(Handler handler);
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path = "/") const;
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] std::vector<std::string> requests();

  static std::string answer(int status, const std::string& body, const std::string& more_headers = "");

 private:
  void serve(int client);
  Handler handler_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};  // readable at its end when the server stops
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::jthread> clients_;
  std::jthread accepting_;
};

}  // namespace tranche::support
