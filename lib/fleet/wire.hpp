// One keep-alive HTTP/1.1 connection that sends several requests before it reads the answers: a site's
// gateway as seen by the server. Blocking, with a deadline; used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tranche::fleet {

// "http://host:port/prefix": https is kind usage (put a proxy in front).
struct Address {
  std::string host;
  std::string port = "80";
  std::string prefix;  // without a '/' at its end
};
Result<Address> parse_address(std::string_view url);

struct Answer {
  int status = 0;
  std::string etag;
  std::string body;
};

class Wire {
 public:
  explicit Wire(Address address, Duration timeout = std::chrono::seconds(10));
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();

  // Queue; nothing is sent before exchange(). `path` is percent-encoded already.
  void get(std::string_view path, std::string_view if_none_match = {});
  void post(std::string_view path, std::string_view body);
  // Sends what is queued and reads one answer each, in order. Kind failed: no connection, a timeout, an
  // answer that is no HTTP or larger than `most` bytes; the connection is then closed and made anew by the
  // next exchange. A connection that the server had closed while idle is retried once.
  Result<std::vector<Answer>> exchange(std::size_t most = 4 << 20);

 private:
  Result<> connect();
  Result<> send_all();
  Result<Answer> receive(std::size_t most);
  Result<> fill();
  void close();
  std::unexpected<Error> broken(std::string_view what) const;
  Address address_;
  Duration timeout_;
  int fd_ = -1;
  bool close_after_ = false;
  std::string out_, in_;
  std::size_t begin_ = 0;
  std::size_t queued_ = 0;
};

}  // namespace tranche::fleet
