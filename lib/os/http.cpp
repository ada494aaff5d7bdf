// HTTP out, through libcurl opened on first use.
//
// Easy handles are kept in a pool: each keeps its connections, so a poll every minute or ten thousand posts
// to one host reuse them. A handle also keeps its options while requests of one shape follow each other, for
// setting all of them costs a quarter of a small request; what belongs to one request alone (address,
// headers, body, time) is set for each and taken off after it, and any other shape, an error, or a key of the
// request's own resets the handle. Redirects are followed here and not by curl, because a header that the
// caller calls secret must not reach another origin, and curl knows only Authorization and Cookie as secret.
// Nothing is decompressed: the limit on bytes is a limit on what crosses the wire and on memory alike.
#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "base/text.hpp"
#include "os/curl.hpp"
#include "os/world.hpp"

namespace tranche::os {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t max_header_bytes = 256 * 1024;

// A URL in the parts that decide: where it goes, and what of it may be shown.
struct Target {
  std::string url;
  std::string scheme;
  std::string host;
  std::string port;
  std::string path;

  [[nodiscard]] bool same_origin(const Target& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
  // For messages: without the query, where tokens are often kept.
  [[nodiscard]] std::string shown() const {
    return printable(fmt::format("{}://{}:{}{}", scheme, host, port, path));
  }
  [[nodiscard]] bool is_loopback() const {
    return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]";
  }
};

Result<Target> parse_target(const Curl& curl, const std::string& url, const Target* relative_to) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parts(curl.url(), curl.url_cleanup);
  if (relative_to != nullptr) curl.url_set(parts.get(), CURLUPART_URL, relative_to->url.c_str(), 0);
  const CURLUcode code =
      url.find('\0') != std::string::npos
          ? CURLUE_MALFORMED_INPUT
          : curl.url_set(parts.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME);
  const auto part = [&](CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl.url_get(parts.get(), which, &text, flags) != CURLUE_OK || text == nullptr) return std::string();
    const std::unique_ptr<char, void (*)(void*)> owner(text, curl.free);
    return std::string(text);
  };
  Target target{part(CURLUPART_URL), part(CURLUPART_SCHEME), lower(part(CURLUPART_HOST)),
                part(CURLUPART_PORT, CURLU_DEFAULT_PORT), part(CURLUPART_PATH)};
  if (code != CURLUE_OK || target.url.empty() || target.host.empty())
    return fail_hint(ErrorKind::invalid, "write it like https://host/path", "'{}' is no web address",
                     printable(std::string_view(url).substr(0, url.find('?'))));
  if (target.scheme != "http" && target.scheme != "https")
    return fail_hint(ErrorKind::invalid, "use http or https", "'{}' is neither http nor https",
                     target.shown());
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty())
    return fail_hint(ErrorKind::invalid, "send credentials in a secret header instead",
                     "the address of '{}' holds credentials", target.shown());
  return target;
}

bool is_token(std::string_view text) {  // RFC 9110 §5.6.2
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

Result<> check(const ports::HttpRequest& request) {
  if (!is_token(request.method))
    return fail_hint(ErrorKind::invalid, "use GET, POST, ...", "'{}' is no HTTP method",
                     printable(request.method));
  const auto check_header = [](std::string_view name, std::string_view value) -> Result<> {
    if (is_token(name) && is_header_value(value)) return {};
    return fail_hint(ErrorKind::invalid, "names are tokens, and values have no line breaks",
                     "header '{}' cannot be sent", printable(name));
  };
  for (const auto& [name, value] : request.headers) TRY(check_header(name, value));
  for (const auto& [name, value] : request.secret_headers) TRY(check_header(name, value.expose()));
  if (request.client_certificate.empty() != request.client_key.empty())
    return fail_hint(ErrorKind::invalid, "give both", "a client certificate and its key belong together");
  return {};
}

// What the callbacks fill.
struct Answer {
  ports::HttpResponse response;
  std::size_t max_bytes = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  if (size * count > answer.max_bytes - answer.response.body.size()) {
    answer.too_large = true;
    return 0;
  }
  answer.response.body.append(data, size * count);
  return size * count;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  const std::string_view line = trim(std::string_view(data, size * count));
  answer.header_bytes += size * count;
  if (answer.header_bytes > max_header_bytes) {
    answer.too_large = true;
    return 0;
  }
  const auto colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    answer.response.headers.clear();  // 100 Continue came before
  } else if (colon != std::string_view::npos) {
    answer.response.headers.emplace_back(lower(trim(line.substr(0, colon))),
                                         std::string(trim(line.substr(colon + 1))));
  }
  return size * count;
}

class HeaderList {
 public:
  explicit HeaderList(const Curl& curl) : curl_(curl) {}
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() {
    curl_.slist_free_all(list_);
    std::fill(line_.begin(), line_.end(), '\0');
  }
  void add_line(const char* line) { list_ = curl_.slist_append(list_, line); }
  // "Name;" is how curl sends a header without a value.
  void add(std::string_view name, std::string_view value) {
    std::fill(line_.begin(), line_.end(), '\0');
    line_.assign(name).append(value.empty() ? ";" : ": ").append(value);
    add_line(line_.c_str());
  }
  [[nodiscard]] curl_slist* get() const { return list_; }

 private:
  const Curl& curl_;
  curl_slist* list_ = nullptr;
  std::string line_;
};

bool is_name(std::string_view name, std::string_view lower_name) {
  return name.size() == lower_name.size() && lower(name) == lower_name;
}

// What requests must have in common to be sent with the same options.
struct Shape {
  std::string method;
  bool is_loopback = false;  // no proxy
  bool posts = false;        // has a body, or a method that wants one
  bool own_agent = false;    // the caller names the user agent
  bool own_tls = false;      // its own authorities, or a certificate of the caller
  bool operator==(const Shape&) const = default;
};

// An easy handle, and the shape that its options were set for.
struct Line {
  CURL* easy = nullptr;
  std::optional<Shape> shape;  // nullopt: reset it first
  CURLU* address = nullptr;    // taken apart once, not for each request
  std::string url;             // what `address` holds
  // Takes another address apart; false when that fails, and curl has to read the text itself.
  bool holds(const Curl& curl, const std::string& wanted) {
    if (address == nullptr || wanted == url) return address != nullptr;
    url.clear();
    if (curl.url_set(address, CURLUPART_URL, wanted.c_str(), 0) != CURLUE_OK) return false;
    url = wanted;
    return true;
  }
  std::array<char, CURL_ERROR_SIZE> words{};
};

std::string hint_for(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "check the host's name, and that this machine has DNS";
    case CURLE_COULDNT_CONNECT:
      return "check that the server runs and that the port is right";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "the server's certificate is not trusted here: check its name and the system's CA certificates";
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "check the proxy variables of the environment";
    default:
      return "run again; if it stays, try the address with curl";
  }
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

class RealHttp final : public ports::Http {
 public:
  RealHttp() = default;
  RealHttp(const RealHttp&) = delete;
  RealHttp& operator=(const RealHttp&) = delete;
  ~RealHttp() override {
    for (const auto& line : idle_) {
      curl_->easy_cleanup(line->easy);
      curl_->url_cleanup(line->address);
    }
  }

  Result<ports::HttpResponse> send(const ports::HttpRequest& request) override {
    TRY(check(request));
    const Curl& curl = *TRY(load());
    const std::shared_ptr<const Target> origin = TRY(target_of(curl, request.url));
    std::shared_ptr<const Target> target = origin;
    const auto deadline = Steady::now() + request.timeout;
    std::string method = request.method;
    bool with_body = !request.body.empty();
    bool with_secrets = true;
    for (int hops = 0;; ++hops) {
      // Once away, a chain that comes back was led by a stranger: it gets no secrets either.
      with_secrets = with_secrets && target->same_origin(*origin);
      auto response =
          TRY(send_once(curl, request, *target, method, with_body, with_secrets, *origin, deadline));
      const std::string location(response.header("location"));
      if (!is_redirect(response.status) || location.empty() || request.max_redirects == 0) return response;
      if (hops >= request.max_redirects)
        return fail_hint(ErrorKind::failed, "use the address that it leads to",
                         "'{}' redirects more than {} times", origin->shown(), request.max_redirects);
      Target next = TRY(parse_target(curl, location, target.get()));
      if (target->scheme == "https" && next.scheme == "http")
        return fail_hint(ErrorKind::failed, "use an address that stays on https",
                         "'{}' redirects from https to http", target->shown());
      // RFC 9110 §15.4: 303 becomes GET, and 301 and 302 do for POST as every client does it.
      if ((response.status == 303 && method != "HEAD") || (response.status < 303 && method == "POST")) {
        method = "GET";
        with_body = false;
      }
      target = std::make_shared<const Target>(std::move(next));
    }
  }

 private:
  // A line out of the pool. Whatever becomes of the request, it goes back without a trace of it.
  class Borrowed {
   public:
    Borrowed(RealHttp& from, const Curl& curl, std::unique_ptr<Line> line)
        : from_(from), curl_(curl), line_(std::move(line)) {}
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    ~Borrowed() {
      const auto set = curl_.easy_setopt;
      set(line_->easy, CURLOPT_HTTPHEADER, nullptr);
      set(line_->easy, CURLOPT_HEADERDATA, nullptr);
      set(line_->easy, CURLOPT_WRITEDATA, nullptr);
      if (line_->shape && line_->shape->posts) {
        set(line_->easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
        set(line_->easy, CURLOPT_POSTFIELDS, "");
      }
      if (line_->shape && line_->shape->own_tls) {
        curl_.easy_reset(line_->easy);  // the key goes with the request
        line_->shape.reset();
      }
      if (!well_) line_->shape.reset();
      const std::lock_guard guard(from_.mutex_);
      from_.idle_.push_back(std::move(line_));
    }
    Line* operator->() const { return line_.get(); }
    Line& operator*() const { return *line_; }
    void went_well() { well_ = true; }

   private:
    RealHttp& from_;
    const Curl& curl_;
    std::unique_ptr<Line> line_;
    bool well_ = false;
  };

  Result<const Curl*> load() {
    const std::lock_guard guard(mutex_);
    if (curl_ == nullptr) curl_ = TRY(load_curl());
    return curl_;
  }

  // A gate asks one address again and again; taking it apart costs as much as reading a small answer.
  Result<std::shared_ptr<const Target>> target_of(const Curl& curl, const std::string& url) {
    {
      const std::lock_guard guard(mutex_);
      if (last_target_ != nullptr && url == last_url_) return last_target_;
    }
    auto target = std::make_shared<const Target>(TRY(parse_target(curl, url, nullptr)));
    const std::lock_guard guard(mutex_);
    last_url_ = url;
    last_target_ = target;
    return target;
  }

  Result<std::unique_ptr<Line>> take_line() {
    const std::lock_guard guard(mutex_);
    std::unique_ptr<Line> line;
    if (!idle_.empty()) {
      line = std::move(idle_.back());  // the one used last has the warmest connections
      idle_.pop_back();
      return line;
    }
    line = std::make_unique<Line>();
    line->easy = curl_->easy_init();
    line->address = curl_->url();
    if (line->easy == nullptr) return fail(ErrorKind::failed, "libcurl has no memory for a request");
    return line;
  }

  static void prepare(const Curl& curl, Line& line, Shape shape) {
    if (line.shape == shape) return;
    curl.easy_reset(line.easy);
    CURL* easy = line.easy;
    const auto set = curl.easy_setopt;
    set(easy, CURLOPT_ERRORBUFFER, line.words.data());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy, CURLOPT_TCP_NODELAY, 1L);
    set(easy, CURLOPT_HEADERFUNCTION, on_header);
    set(easy, CURLOPT_WRITEFUNCTION, on_body);
    if (!shape.own_agent) set(easy, CURLOPT_USERAGENT, "tranche");
    // The environment's proxy is for the world outside; a server of this machine is asked directly.
    if (shape.is_loopback) set(easy, CURLOPT_PROXY, "");
    if (shape.posts) set(easy, CURLOPT_POSTFIELDS, "");
    if (shape.method == "HEAD") set(easy, CURLOPT_NOBODY, 1L);
    set(easy, CURLOPT_CUSTOMREQUEST, shape.method.c_str());
    line.shape = std::move(shape);
  }

  static Result<> set_tls(const Curl& curl, CURL* easy, const ports::HttpRequest& request, bool with_key) {
    const auto set = [&](CURLoption option, std::string_view pem) {
      curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
      return curl.easy_setopt(easy, option, &blob) == CURLE_OK;
    };
    bool good = true;
    if (!request.authorities.empty()) {
      curl.easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // else the system's are trusted beside them
      good = set(CURLOPT_CAINFO_BLOB, request.authorities);
    }
    if (with_key && !request.client_certificate.empty())
      good = good && set(CURLOPT_SSLCERT_BLOB, request.client_certificate) &&
             set(CURLOPT_SSLKEY_BLOB, request.client_key.expose());
    if (!good)
      return fail_hint(ErrorKind::failed, "install a newer libcurl4",
                       "this libcurl takes no certificates from memory");
    return {};
  }

  Result<ports::HttpResponse> send_once(const Curl& curl, const ports::HttpRequest& request,
                                        const Target& target, const std::string& method, bool with_body,
                                        bool with_secrets, const Target& origin,
                                        Steady::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    const auto timed_out = [&] {
      return fail_hint(ErrorKind::failed, "check that the server answers, or raise the timeout",
                       "'{}' did not answer within {}", target.shown(), to_text(request.timeout));
    };
    if (left <= 0) return timed_out();
    HeaderList headers(curl);
    bool has_type = false;
    bool counted = false;
    Shape shape{
        .method = method, .is_loopback = target.is_loopback(), .posts = with_body || method == "POST"};
    shape.own_tls = !request.authorities.empty() || !request.client_certificate.empty();
    for (const auto& [name, value] : request.headers) {
      headers.add(name, value);
      has_type = has_type || is_name(name, "content-type");
      counted = counted || is_name(name, "idempotency-key");
      shape.own_agent = shape.own_agent || is_name(name, "user-agent");
    }
    if (with_secrets)
      for (const auto& [name, value] : request.secret_headers) headers.add(name, value.expose());
    // curl would wait a second for 100 Continue before large bodies (1 MiB in newer versions, once 1 KiB).
    if (with_body && request.body.size() >= 1024) headers.add_line("Expect:");
    if (!has_type) headers.add_line("Content-Type:");

    Answer answer;
    answer.max_bytes = request.max_response_bytes;
    std::unique_ptr<Line> taken = TRY(take_line());
    Borrowed line(*this, curl, std::move(taken));
    prepare(curl, *line, std::move(shape));
    CURL* easy = line->easy;
    if (line->shape->own_tls) TRY(set_tls(curl, easy, request, with_secrets));
    const auto set = curl.easy_setopt;
    line->words[0] = '\0';
    set(easy, CURLOPT_URL, target.url.c_str());
    set(easy, CURLOPT_CURLU, line->holds(curl, target.url) ? line->address : nullptr);
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(left));
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(left));
    set(easy, CURLOPT_HTTPHEADER, headers.get());
    // curl sends a request again by itself, POST too, when a connection that it kept closes without an
    // answer. Who sends an Idempotency-Key counts the tries: a new connection is never tried twice.
    set(easy, CURLOPT_FRESH_CONNECT, counted ? 1L : 0L);
    set(easy, CURLOPT_HEADERDATA, &answer);
    set(easy, CURLOPT_WRITEDATA, &answer);
    if (with_body) {
      set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(easy, CURLOPT_POSTFIELDS, request.body.data());
    }

    const CURLcode code = curl.easy_perform(easy);
    if (answer.too_large)
      return fail_hint(ErrorKind::failed, "ask for less, or check that the address is the right one",
                       "the answer of '{}' is larger than {} bytes", target.shown(),
                       request.max_response_bytes);
    if (code == CURLE_OPERATION_TIMEDOUT) return timed_out();
    if (code != CURLE_OK) {
      const std::string_view detail = line->words[0] != '\0' ? line->words.data() : curl.easy_strerror(code);
      const std::string via = target.same_origin(origin) ? "" : " (redirected from " + origin.shown() + ")";
      return fail_hint(ErrorKind::failed, hint_for(code), "cannot {} '{}'{}: {}", method, target.shown(), via,
                       printable(detail));
    }
    long status = 0;
    curl.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    answer.response.status = static_cast<int>(status);
    line.went_well();
    return std::move(answer.response);
  }  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the line has gone back to the pool

  std::mutex mutex_;
  const Curl* curl_ = nullptr;
  std::vector<std::unique_ptr<Line>> idle_;
  std::string last_url_;  // and what it was taken apart into
  std::shared_ptr<const Target> last_target_;
};

}  // namespace

std::unique_ptr<ports::Http> make_http() { return std::make_unique<RealHttp>(); }

}  // namespace tranche::os
