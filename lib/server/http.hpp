// A small HTTP/1.1 server in plain types: what happens on a connection stays behind this header, so that only
// http.cpp sees Boost.
//
// A handler runs on an I/O thread and never blocks; what needs a disk is put into Response::later, which runs
// on a worker thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tranche::server {

// A header that HttpOptions::kept_headers names. Sent twice, the values stand in one, with ", " between.
struct Header {
  std::string_view name;  // lower case
  std::string value;
};

// Views into the connection's buffers: valid until the handler returns.
struct Request {
  std::string_view method;  // as sent: "GET"
  std::string_view path;    // before '?', still percent-encoded
  std::string_view query;   // after '?', still percent-encoded; may be empty
  std::string_view if_none_match;
  std::string_view body;
  std::span<const Header> headers = {};
  // Empty when it was not sent. `name` in lower case, one of the kept ones.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    for (const Header& one : headers)
      if (one.name == name) return one.value;
    return {};
  }
};

// What is sent, shared by all requests that get the same answer.
struct Content {
  std::string bytes;
  std::string_view type = "application/json";   // static text
  std::string_view cache_control = "no-store";  // static text
  std::string etag;                             // with its quotes; empty: none
};

// A body that is not in memory: read in pieces on a worker thread.
struct BodyReader {
  virtual ~BodyReader() = default;
  // At most `capacity` bytes; 0 is the end. An error cuts the connection: the client sees a short body.
  virtual Result<std::size_t> read(char* into, std::size_t capacity) = 0;
};

struct Response {
  int status = 200;
  std::shared_ptr<const Content> content;  // null: no body
  std::string_view allow;                  // static text, for 405
  int retry_after = 0;                     // seconds; 0: not sent
  std::shared_ptr<BodyReader> reader;      // with `content` for the head and `reader_size` bytes
  std::uint64_t reader_size = 0;
  std::function<Response()> later;  // when set, all else is ignored: the answer is made on a worker thread
};

using Handler = std::function<Response(const Request&)>;
// The largest body that this path takes, in bytes; asked before a byte of it is read.
using BodyLimit = std::function<std::size_t(std::string_view path)>;
// Told once per answered request, refusals by this layer (400, 408, 413, 431) included. Must not block.
using Observer = std::function<void(std::string_view path, int status)>;

struct HttpOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  int threads = 2;         // 1..64
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_body_bytes = 1 << 20;                  // whatever the path says
  Duration request_deadline = std::chrono::seconds(10);  // first byte of a request to its last; and an answer
  Duration idle = std::chrono::seconds(60);              // between requests of one connection
  std::size_t max_connections = 10'000;
  std::size_t max_connections_per_address = 256;
  std::vector<std::string> kept_headers;  // lower case: those that the handler reads
  bool limit_loopback = false;            // whether the limit per address holds for 127.0.0.0/8 and ::1 too
};

std::string_view status_text(int status);  // "Not Found"
// What every refusal looks like: {"error": ..., "hint": ...}.
std::shared_ptr<const Content> make_refusal(std::string_view error, std::string_view hint);
Response refuse(int status, std::string_view error, std::string_view hint);

class HttpServer {
 public:
  // Listens when it returns. Kind failed: the address is not ours or the port is taken.
  static Result<std::unique_ptr<HttpServer>> start(HttpOptions options, Handler handler, BodyLimit body_limit,
                                                   Observer observer = {});
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::size_t connections() const = 0;
  // No new connections; requests in flight are answered (2 s at most). Idempotent; the destructor calls it.
  virtual void stop() = 0;
};

}  // namespace tranche::server
