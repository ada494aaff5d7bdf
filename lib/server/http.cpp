// HTTP in: Beast's parser on Asio's sockets, one coroutine a connection.
//
// The problem: strangers talk to this port. A thousand of them may connect and say nothing, dribble a header
// a byte a minute, claim a body of 100 MB, or send two lengths for one body. The idea: each request has an
// absolute deadline that no byte extends, every buffer has a limit that is checked before it grows, and what
// is ambiguous is refused and the connection closed. A sweeper per thread compares deadlines four times a
// second, which costs a request nothing (a timer per request would).
//
// A connection belongs to one thread with an io_context of its own, so nothing in it is locked. The answer is
// built in a buffer that lives as long as the connection: a usual request allocates nothing here.
#include "server/http.hpp"

#define BOOST_ERROR_CODE_HEADER_ONLY
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstring>
#include <ctime>
#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace tranche::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace {

constexpr std::size_t first_buffer_bytes = 4 * 1024;
constexpr std::size_t most_buffer_bytes = 64 * 1024;
constexpr std::size_t most_fields = 100;
constexpr std::size_t piece_bytes = 64 * 1024;         // of a body read on a worker thread
constexpr std::size_t copied_bytes = 16 * 1024;        // larger bodies are sent from where they lie
constexpr std::size_t linger_bytes = 8 * 1024 * 1024;  // read and dropped after a refusal, so that it is seen
constexpr auto linger_time = std::chrono::seconds(2);
constexpr auto sweep_every = std::chrono::milliseconds(250);
constexpr auto stop_grace = std::chrono::seconds(2);

// A request as the connection keeps it: texts are reused from one request to the next.
struct Message {
  std::string method, target, if_none_match, body;
  std::vector<Header> headers;
  bool has_host = false, expects_continue = false, bad_encoding = false;
  int version = 11;
  std::size_t field_bytes = 0, fields = 0;
  std::size_t body_limit = 0;
  void clear() {
    method.clear();
    target.clear();
    if_none_match.clear();
    headers.clear();
    body.clear();
    has_host = expects_continue = bad_encoding = false;
    field_bytes = fields = 0;
  }
};

bool same_word(std::string_view a, std::string_view lower_word) {
  if (a.size() != lower_word.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if ((a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i]) != lower_word[i]) return false;
  return true;
}

class Parser final : public http::basic_parser<true> {
 public:
  Parser(Message& message, const HttpOptions& options)
      : message_(message), kept_(options.kept_headers), max_header_bytes_(options.max_header_bytes) {
    header_limit(static_cast<std::uint32_t>(max_header_bytes_));
    // take() does it: the limit hangs on the path. ("None" would refuse every length in 1.74.)
    body_limit(std::numeric_limits<std::uint64_t>::max());
  }

 private:
  using View = boost::beast::string_view;
  void on_request_impl(http::verb, View method, View target, int version, error_code& ec) override {
    message_.version = version;
    message_.method.assign(method.data(), method.size());
    message_.target.assign(target.data(), target.size());
    count(method.size() + target.size(), ec);
  }
  void on_response_impl(int, View, int, error_code&) override {}
  void on_field_impl(http::field field, View name, View value, error_code& ec) override {
    switch (field) {
      case http::field::host:
        if (message_.has_host) ec = http::error::bad_field;  // RFC 9112, 3.2: more than one is 400
        message_.has_host = true;
        break;
      case http::field::if_none_match:
        message_.if_none_match.assign(value.data(), value.size());
        break;
      case http::field::transfer_encoding:
        if (!same_word({value.data(), value.size()}, "chunked")) message_.bad_encoding = true;
        break;
      case http::field::expect:
        message_.expects_continue = same_word({value.data(), value.size()}, "100-continue");
        break;
      default:
        keep({name.data(), name.size()}, {value.data(), value.size()});
        break;
    }
    if (++message_.fields > most_fields) ec = http::error::header_limit;
    // Beast's own limit forgets what it has consumed: lines that arrive one by one would never reach it.
    count(value.size() + 32, ec);
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(View body, error_code& ec) override { return take(body, ec); }
  void on_chunk_header_impl(std::uint64_t, View, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View body, error_code& ec) override { return take(body, ec); }
  void on_finish_impl(error_code&) override {}

  void keep(std::string_view name, std::string_view value) {
    for (const std::string& wanted : kept_) {
      if (!same_word(name, wanted)) continue;
      for (Header& header : message_.headers)
        if (header.name == wanted) {
          header.value.append(", ").append(value);
          return;
        }
      message_.headers.push_back({wanted, std::string(value)});
      return;
    }
  }
  void count(std::size_t bytes, error_code& ec) {
    message_.field_bytes += bytes;
    if (message_.field_bytes > max_header_bytes_) ec = http::error::header_limit;
  }
  std::size_t take(View body, error_code& ec) {
    if (body.size() > message_.body_limit - message_.body.size()) {
      ec = http::error::body_limit;
      return 0;
    }
    message_.body.append(body.data(), body.size());
    return body.size();
  }

  Message& message_;
  const std::vector<std::string>& kept_;
  std::size_t max_header_bytes_;
};

Response refusal_of(const error_code& ec, const Message& message) {
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
    return refuse(431, "the header is larger than 16 KiB or has more than 100 fields", "send fewer headers");
  if (ec == http::error::body_limit)
    return refuse(413, fmt::format("the body is larger than {} bytes", message.body_limit),
                  "send check-ins in smaller batches");
  if (ec == http::error::bad_content_length || ec == http::error::bad_transfer_encoding)
    return refuse(400, "the length of the body is ambiguous",
                  "send one Content-Length or Transfer-Encoding: chunked, never both");
  if (ec == http::error::bad_version) return refuse(505, "not HTTP/1.0 or HTTP/1.1", "send HTTP/1.1");
  return refuse(400, fmt::format("not a valid HTTP request: {}", ec.message()), "send HTTP/1.1");
}

// What the connections share.
struct Shared {
  HttpOptions options;
  Handler handler;
  BodyLimit body_limit;
  Observer observer;
  asio::thread_pool workers{2};
  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> connections{0};
  std::mutex addresses_mutex;
  std::map<asio::ip::address, std::size_t> addresses;

  bool enter(const asio::ip::address& address) {
    if (connections.load() >= options.max_connections) return false;
    const std::lock_guard lock(addresses_mutex);
    std::size_t& count = addresses[address];
    if (count >= options.max_connections_per_address && (options.limit_loopback || !address.is_loopback()))
      return false;
    ++count;
    ++connections;
    return true;
  }
  void leave(const asio::ip::address& address) {
    const std::lock_guard lock(addresses_mutex);
    const auto found = addresses.find(address);
    if (found != addresses.end() && --found->second == 0) addresses.erase(found);
    --connections;
  }
};

class Connection;

// One I/O thread: its context, the connections that live there, and the sweeper that ends late ones.
struct Lane {
  std::unordered_set<Connection*> connections;
  asio::io_context context{1};  // ends before what its coroutines refer to
  asio::steady_timer sweeper{context};
  std::time_t date_second = 0;
  std::string date;
  std::string_view date_text();
};

std::string_view Lane::date_text() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 40> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    date.assign(text.data(), size);
    date_second = now;
  }
  return date;
}

class Connection {
 public:
  Connection(Shared& shared, Lane& lane, tcp::socket socket, asio::ip::address address)
      : shared_(shared), lane_(lane), socket_(std::move(socket)), address_(std::move(address)) {
    lane_.connections.insert(this);
    extend(shared_.options.request_deadline);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    lane_.connections.erase(this);
    shared_.leave(address_);
  }

  void sweep(SteadyTime now) {
    if (now < deadline_) return;
    late_ = true;
    error_code ignored;
    socket_.cancel(ignored);
    // A second visit means that even the farewell does not get through.
    if (now > deadline_ + std::chrono::seconds(5)) socket_.close(ignored);
  }
  void hurry() {  // the server stops: an idle connection ends now
    if (!idle_) return;
    error_code ignored;
    socket_.cancel(ignored);
  }

  asio::awaitable<void> run() {
    error_code ec;
    socket_.set_option(tcp::no_delay(true), ec);
    socket_.non_blocking(true, ec);
    bool keep = true;
    while (keep && !shared_.stopping) {
      std::optional<Response> refusal;
      const bool got = co_await receive(refusal);
      if (!got && !refusal) break;
      keep = co_await answer(refusal);
    }
  }

 private:
  void extend(Duration by) { deadline_ = std::chrono::steady_clock::now() + by; }

  // Reads what comes into the buffer's free end; false at the end of the stream or the deadline.
  asio::awaitable<bool> fill() {
    if (!co_await flush()) co_return false;  // whoever waits for an answer may not send more before it
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == buffer_.size()) {
      if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
      } else {
        buffer_.resize(std::max(first_buffer_bytes, buffer_.size() * 2));
      }
    }
    error_code ec;
    const std::size_t got =
        co_await socket_.async_read_some(asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
                                         asio::redirect_error(asio::use_awaitable, ec));
    end_ += got;
    co_return !ec && got > 0;
  }

  // One request into message_ and parser_. False without a refusal: nobody is there any more.
  asio::awaitable<bool> receive(std::optional<Response>& refusal) {
    message_.clear();
    parser_.emplace(message_, shared_.options);
    parser_->eager(false);
    bool head_done = false;
    if (begin_ == end_) {
      if (requests_ > 0) {
        idle_ = true;
        extend(shared_.options.idle);
      }
      const bool came = co_await fill();
      idle_ = false;
      if (!came) co_return false;
    }
    extend(shared_.options.request_deadline);
    for (;;) {
      error_code ec;
      // RFC 9112, 2.2: empty lines before a request are skipped.
      if (!parser_->got_some())
        while (begin_ < end_ && (buffer_[begin_] == '\r' || buffer_[begin_] == '\n')) ++begin_;
      begin_ += parser_->put(asio::buffer(buffer_.data() + begin_, end_ - begin_), ec);
      if (ec && ec != http::error::need_more) {
        refusal = refusal_of(ec, message_);
        co_return false;
      }
      if (!head_done && parser_->is_header_done()) {
        head_done = true;
        refusal = check_head();
        if (refusal) co_return false;
        if (!parser_->is_done() && message_.expects_continue && begin_ == end_) {
          out_ += "HTTP/1.1 100 Continue\r\n\r\n";
          if (!co_await flush()) co_return false;
        }
        parser_->eager(true);
        if (!parser_->is_done()) {
          if (begin_ < end_) continue;
          ec = http::error::need_more;
        }
      }
      if (parser_->is_done()) co_return true;
      if (!ec && begin_ < end_) continue;
      if (begin_ == 0 && end_ == buffer_.size() && buffer_.size() >= most_buffer_bytes) {
        refusal = refusal_of(http::error::buffer_overflow, message_);
        co_return false;
      }
      if (!co_await fill()) {
        if (late_) refusal = refuse(408, "the request did not arrive in time", "send it within 10 seconds");
        co_return false;
      }
    }
  }

  std::optional<Response> check_head() {
    const std::string_view target = message_.target;
    const std::string_view path = target.substr(0, target.find('?'));
    message_.body_limit = std::min(shared_.options.max_body_bytes, shared_.body_limit(path));
    if (message_.bad_encoding)
      return refuse(400, "Transfer-Encoding is something else than chunked",
                    "send chunked or Content-Length");
    if (parser_->chunked() && parser_->content_length())
      return refusal_of(http::error::bad_content_length, message_);
    if (!message_.has_host && message_.version >= 11)
      return refuse(400, "the Host header is missing", "send HTTP/1.1 with Host");
    if (!target.starts_with('/'))
      return refuse(400, "the request target is no path", "this is not a proxy: ask for /path");
    if (const auto length = parser_->content_length(); length && *length > message_.body_limit)
      return refusal_of(http::error::body_limit, message_);
    return std::nullopt;
  }

  // Handles message_ or sends the refusal; false when the connection is to end.
  asio::awaitable<bool> answer(std::optional<Response>& refusal) {
    ++requests_;
    const std::string_view target = message_.target;
    const std::size_t mark = target.find('?');
    const std::string_view path = target.substr(0, mark);
    Response response;
    if (refusal) {
      response = std::move(*refusal);
    } else {
      const Request request{message_.method,
                            path,
                            mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1),
                            message_.if_none_match,
                            message_.body,
                            message_.headers};
      response = call([&] { return shared_.handler(request); });
      if (response.later) {
        auto later = std::move(response.later);
        response = co_await on_worker([this, &later] { return call(later); });
      }
    }
    const bool keep = !refusal && !late_ && parser_->keep_alive() && !shared_.stopping;
    if (shared_.observer) shared_.observer(path, response.status);
    write_head(response, keep);
    extend(shared_.options.request_deadline);
    const bool body = message_.method != "HEAD" && response.status != 204 && response.status != 304;
    if (body && response.reader) {
      if (!co_await send_pieces(response)) co_return false;
    } else if (body && response.content && response.content->bytes.size() > copied_bytes) {
      if (!co_await flush()) co_return false;
      error_code ec;
      co_await asio::async_write(socket_, asio::buffer(response.content->bytes),
                                 asio::redirect_error(asio::use_awaitable, ec));
      if (ec) co_return false;
    } else if (body && response.content) {
      out_ += response.content->bytes;
    }
    // Answers to requests that are here already leave together; a big buffer does not wait.
    if (keep && begin_ < end_ && out_.size() < most_buffer_bytes) co_return true;
    if (!co_await flush()) co_return false;
    if (message_.body.capacity() > most_buffer_bytes) std::string().swap(message_.body);
    if (refusal) co_await linger();
    co_return keep;
  }

  template <class Make>
  static Response call(Make&& make) {
    try {
      return make();
    } catch (...) {
      return refuse(500, "the server failed to make an answer", "this is a bug: please report it");
    }
  }

  // Runs `work` on a worker thread and comes back to this one.
  template <class Work>
  auto on_worker(Work work) -> asio::awaitable<decltype(work())> {
    co_return co_await asio::co_spawn(
        shared_.workers,
        [work = std::move(work)]() -> asio::awaitable<decltype(work())> { co_return work(); },
        asio::use_awaitable);
  }

  void write_head(const Response& response, bool keep) {
    char number[24];
    const auto append_number = [&](std::uint64_t value) {
      const auto end = fmt::format_to(number, "{}", value);
      out_.append(number, static_cast<std::size_t>(end - number));
    };
    out_ += "HTTP/1.1 ";
    append_number(static_cast<std::uint64_t>(response.status));
    out_ += ' ';
    out_ += status_text(response.status);
    out_ += "\r\nDate: ";
    out_ += lane_.date_text();
    if (response.content) {
      const Content& content = *response.content;
      if (response.status != 304) {
        out_ += "\r\nContent-Type: ";
        out_ += content.type;
        out_ += "\r\nX-Content-Type-Options: nosniff";
        if (content.type.starts_with("text/html"))
          out_ += "\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'";
      }
      out_ += "\r\nCache-Control: ";
      out_ += content.cache_control;
      if (!content.etag.empty()) {
        out_ += "\r\nETag: ";
        out_ += content.etag;
      }
    }
    if (response.status != 204 && response.status != 304) {
      out_ += "\r\nContent-Length: ";
      append_number(response.reader ? response.reader_size
                                    : (response.content ? response.content->bytes.size() : 0));
    }
    if (!response.allow.empty()) {
      out_ += "\r\nAllow: ";
      out_ += response.allow;
    }
    if (response.retry_after > 0) {
      out_ += "\r\nRetry-After: ";
      append_number(static_cast<std::uint64_t>(response.retry_after));
    }
    if (!keep)
      out_ += "\r\nConnection: close";
    else if (message_.version < 11)
      out_ += "\r\nConnection: keep-alive";
    out_ += "\r\n\r\n";
  }

  // Sends all of out_: at once when the socket takes it, which is the usual case.
  asio::awaitable<bool> flush() {
    if (out_.empty()) co_return true;
    error_code ec;
    std::size_t sent = socket_.write_some(asio::buffer(out_), ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) {
      ec = {};
      sent = 0;
    }
    if (!ec && sent < out_.size())
      co_await asio::async_write(socket_, asio::buffer(out_.data() + sent, out_.size() - sent),
                                 asio::redirect_error(asio::use_awaitable, ec));
    if (out_.capacity() > 4 * most_buffer_bytes)
      std::string().swap(out_);
    else
      out_.clear();
    co_return !ec;
  }

  asio::awaitable<bool> send_pieces(Response& response) {
    if (!co_await flush()) co_return false;
    std::uint64_t left = response.reader_size;
    std::string piece(piece_bytes, '\0');
    while (left > 0) {
      const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
      const std::size_t got = co_await on_worker([&]() -> std::size_t {
        auto read = response.reader->read(piece.data(), want);
        return read ? *read : 0;
      });
      if (got == 0) co_return false;
      // A download may take long; each piece has to get through in time.
      extend(shared_.options.idle);
      error_code ec;
      co_await asio::async_write(socket_, asio::buffer(piece.data(), got),
                                 asio::redirect_error(asio::use_awaitable, ec));
      if (ec) co_return false;
      left -= got;
    }
    co_return true;
  }

  // After a refusal the client may still be sending. Closing at once would reset the connection and take the
  // answer with it, so a bounded amount is read and dropped.
  asio::awaitable<void> linger() {
    error_code ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
    if (late_ || ec) co_return;
    extend(linger_time);
    std::size_t dropped = 0;
    begin_ = end_ = 0;
    buffer_.resize(most_buffer_bytes);
    while (dropped < linger_bytes) {
      const std::size_t got = co_await socket_.async_read_some(asio::buffer(buffer_),
                                                               asio::redirect_error(asio::use_awaitable, ec));
      if (ec || got == 0) co_return;
      dropped += got;
    }
  }

  Shared& shared_;
  Lane& lane_;
  tcp::socket socket_;
  asio::ip::address address_;
  SteadyTime deadline_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::string out_;
  Message message_;
  std::optional<Parser> parser_;
  std::uint64_t requests_ = 0;
  bool idle_ = false, late_ = false;
};

// Many connections need many descriptors: take all that the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

class BeastServer final : public HttpServer {
 public:
  BeastServer(HttpOptions options, Handler handler, BodyLimit body_limit, Observer observer) {
    shared_.options = std::move(options);
    shared_.handler = std::move(handler);
    shared_.body_limit = std::move(body_limit);
    shared_.observer = std::move(observer);
  }
  ~BeastServer() override { stop(); }
  BeastServer(const BeastServer&) = delete;
  BeastServer& operator=(const BeastServer&) = delete;

  Result<> listen() {
    error_code ec;
    const auto address = asio::ip::make_address(shared_.options.address, ec);
    if (ec)
      return fail_hint(ErrorKind::usage, "give an address such as 127.0.0.1 or ::", "'{}' is no IP address",
                       printable(shared_.options.address));
    for (int i = 0; i < shared_.options.threads; ++i) lanes_.emplace_back();
    acceptor_.emplace(lanes_.front().context);
    const tcp::endpoint endpoint(address, shared_.options.port);
    acceptor_->open(endpoint.protocol(), ec);
    if (!ec) acceptor_->set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_->bind(endpoint, ec);
    if (!ec) acceptor_->listen(4096, ec);
    if (ec)
      return fail_hint(ErrorKind::failed, "choose another port, or 0 for any free one",
                       "cannot listen on {} port {}: {}", shared_.options.address, shared_.options.port,
                       ec.message());
    port_ = acceptor_->local_endpoint(ec).port();
    raise_descriptor_limit();
    asio::co_spawn(lanes_.front().context, accept(), asio::detached);
    for (Lane& lane : lanes_) {
      asio::co_spawn(lane.context, sweep(lane), asio::detached);
      threads_.emplace_back([&lane] { lane.context.run(); });
    }
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  [[nodiscard]] std::size_t connections() const override { return shared_.connections.load(); }

  void stop() override {
    if (shared_.stopping.exchange(true)) return;
    for (Lane& lane : lanes_)
      asio::post(lane.context, [this, &lane] {
        error_code ignored;
        if (&lane == &lanes_.front() && acceptor_) acceptor_->close(ignored);
        for (Connection* connection : lane.connections) connection->hurry();
      });
    const auto until = std::chrono::steady_clock::now() + stop_grace;
    while (shared_.connections.load() > 0 && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    shared_.workers.join();
    for (Lane& lane : lanes_) lane.context.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    acceptor_.reset();
    lanes_.clear();  // coroutines that were cut end here, before what they refer to
  }

 private:
  asio::awaitable<void> accept() {
    std::size_t turn = 0;
    asio::steady_timer pause(lanes_.front().context);
    std::vector<Lane*> lanes;
    for (Lane& lane : lanes_) lanes.push_back(&lane);
    while (!shared_.stopping) {
      Lane& lane = *lanes[turn++ % lanes.size()];
      error_code ec;
      tcp::socket socket =
          co_await acceptor_->async_accept(lane.context, asio::redirect_error(asio::use_awaitable, ec));
      if (ec == asio::error::operation_aborted || shared_.stopping) break;
      if (ec) {  // out of descriptors: others have to leave first
        pause.expires_after(std::chrono::milliseconds(50));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        continue;
      }
      const auto peer = socket.remote_endpoint(ec);
      if (ec || !shared_.enter(peer.address())) continue;  // closes it
      asio::post(lane.context, [this, &lane, address = peer.address(), socket = std::move(socket)]() mutable {
        asio::co_spawn(lane.context, converse(shared_, lane, std::move(socket), std::move(address)),
                       asio::detached);
      });
    }
  }

  static asio::awaitable<void> converse(Shared& shared, Lane& lane, tcp::socket socket,
                                        asio::ip::address address) {
    Connection connection(shared, lane, std::move(socket), std::move(address));
    try {
      co_await connection.run();
      // Out of memory in the middle of a request: this connection ends, the others go on.
      // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (...) {
    }
  }

  asio::awaitable<void> sweep(Lane& lane) {
    while (!shared_.stopping) {
      error_code ec;
      lane.sweeper.expires_after(sweep_every);
      co_await lane.sweeper.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      const SteadyTime now = std::chrono::steady_clock::now();
      for (Connection* connection : lane.connections) connection->sweep(now);
    }
  }

  Shared shared_;
  std::list<Lane> lanes_;
  std::optional<tcp::acceptor> acceptor_;
  std::vector<std::thread> threads_;
  std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpOptions options, Handler handler,
                                                      BodyLimit body_limit, Observer observer) {
  if (options.threads < 1 || options.threads > 64)
    return fail_hint(ErrorKind::usage, "give 1 to 64", "{} threads", options.threads);
  try {
    auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler), std::move(body_limit),
                                                std::move(observer));
    TRY(server->listen());
    return std::unique_ptr<HttpServer>(std::move(server));
  } catch (const std::exception& error) {
    return fail(ErrorKind::failed, "cannot start the HTTP server: {}", error.what());
  }
}

}  // namespace tranche::server
