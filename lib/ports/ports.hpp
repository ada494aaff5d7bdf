// The doors to the world. Each is a small abstract struct; lib/os has the real ones, tests/support the fakes.
// A room that sees none of these is pure: time, randomness and answers arrive as values.
//
// Every call has bounds in its arguments: bytes, time. No call prompts, none blocks without end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

namespace tranche::ports {

struct Clock {
  virtual ~Clock() = default;
  virtual Instant now() = 0;  // wall time, UTC; may jump
  // Nanoseconds since some fixed point of this process; never goes back. For measuring, never for deciding.
  virtual std::chrono::nanoseconds elapsed() = 0;
  // Returns at `when` or earlier when the user interrupts (false). Fakes advance time at once.
  virtual bool sleep_until(Instant when) = 0;
  [[nodiscard]] virtual bool interrupted() = 0;  // Ctrl-C or SIGTERM was seen
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https only
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::pair<std::string, Secret>>
      secret_headers;  // never logged, dropped on redirect to another host
  std::string body;
  std::size_t max_response_bytes = 1 << 20;
  Duration timeout = std::chrono::seconds(30);  // whole request, redirects included
  int max_redirects = 0;
  // TLS of this request alone, PEM. Empty: the system's authorities, and no certificate of ours.
  std::string authorities;         // trusted instead of the system's
  std::string client_certificate;  // with client_key; not shown to a host that a redirect leads to
  Secret client_key;
};
struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  [[nodiscard]] std::string_view header(std::string_view lower_name) const {
    for (const auto& [name, value] : headers)
      if (name == lower_name) return value;
    return {};
  }
};
struct Http {
  virtual ~Http() = default;
  // An answer of any status is a response. Errors: could not connect, timed out, body larger than asked for.
  virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
};

struct FileInfo {
  enum class Kind { file, directory, symlink, other } kind = Kind::file;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  // permission bits, 07777
  Instant modified{};
};
// A lock on a path, released when destroyed.
struct FileLock {
  virtual ~FileLock() = default;
};
// Reads a file in pieces; empty string at the end.
struct FileReader {
  virtual ~FileReader() = default;
  virtual Result<std::size_t> read(char* into, std::size_t capacity) = 0;  // 0 at the end
};
struct FileWrite {
  std::string path;
  std::string_view bytes;  // of the caller, until the call returns
  std::uint32_t mode = 0644;
};

struct Files {
  virtual ~Files() = default;
  // nullopt: no such file. Error: unreadable, not a regular file, or larger than max_bytes.
  virtual Result<std::optional<std::string>> read(const std::string& path, std::size_t max_bytes) = 0;
  virtual Result<std::unique_ptr<FileReader>> open(const std::string& path) = 0;
  // Atomic and durable: temporary file beside it, fsync, rename, fsync of the directory. Makes parent
  // directories.
  virtual Result<> write(const std::string& path, std::string_view bytes, std::uint32_t mode = 0644) = 0;
  // As write, for many files at the price of few flushes. After a crash each file is its old or its new self;
  // which of them are new is not said. An error leaves no temporary file.
  virtual Result<> write_all(std::span<const FileWrite> files) {
    for (const FileWrite& file : files) TRY(write(file.path, file.bytes, file.mode));
    return {};
  }
  // As write, but refuses (kind conflict) when the path exists. For keys and other things never to be
  // overwritten.
  virtual Result<> create(const std::string& path, std::string_view bytes, std::uint32_t mode = 0644) = 0;
  // Durable, atomic copy of a file; both ends are paths. `watch` sees every byte that is written, in order,
  // and an empty piece at the end; only then the file gets its name. An error of it leaves nothing behind.
  using Watch = std::function<Result<>(std::string_view piece)>;
  virtual Result<> copy(const std::string& from, const std::string& to, const Watch& watch = {}) = 0;
  virtual Result<std::optional<FileInfo>> info(
      const std::string& path) = 0;  // does not follow a final symlink
  virtual Result<std::vector<std::string>> list(
      const std::string& directory) = 0;                 // names, sorted; no dot entries
  virtual Result<> remove(const std::string& path) = 0;  // absent is fine
  virtual Result<> make_directories(const std::string& path) = 0;
  virtual Result<std::string> real_path(const std::string& path) = 0;  // symlinks resolved
  virtual Result<std::string> current_directory() = 0;
  // Exclusive advisory lock on a file (made when absent); waits at most `wait`, then kind conflict.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path, Duration wait) = 0;
};

struct ProcessRequest {
  std::vector<std::string> argv;                   // argv[0] is looked up in PATH; never a shell
  std::string directory;                           // empty: current
  std::map<std::string, std::string> environment;  // added to a minimal one: PATH, HOME, LANG, TZ
  std::string input;
  Duration timeout = std::chrono::seconds(60);
  std::size_t max_output_bytes = 1 << 20;  // for each of stdout and stderr; more is cut, and `cut` says so
};
struct ProcessResult {
  int exit_code = 0;  // 128 + signal when killed
  std::string out;
  std::string err;
  bool cut = false;
};
struct Process {
  virtual ~Process() = default;
  // Any exit code is a result. Errors: not found, timed out (the process group is killed).
  virtual Result<ProcessResult> run(const ProcessRequest& request) = 0;
};

struct Random {
  virtual ~Random() = default;
  virtual Result<std::string> bytes(std::size_t count) = 0;  // from the kernel; fakes are seeded
};

// The IANA database of time zones.
struct Zones {
  virtual ~Zones() = default;
  // By how much the zone's clocks are ahead of UTC at an instant. kind invalid: no such zone.
  virtual Result<Duration> offset(const std::string& zone, Instant at) = 0;
};
// Knows UTC alone.
Zones& utc_only();

struct Environ {
  virtual ~Environ() = default;
  virtual std::optional<std::string> get(const std::string& name) = 0;
};

struct Console {
  virtual ~Console() = default;
  virtual void out(std::string_view text) = 0;                // stdout: the result
  virtual void err(std::string_view text) = 0;                // stderr: the talk
  virtual Result<std::string> in(std::size_t max_bytes) = 0;  // all of stdin
  [[nodiscard]] virtual bool err_is_terminal() = 0;
  [[nodiscard]] virtual bool out_is_terminal() = 0;
  [[nodiscard]] virtual int width() = 0;  // columns, 80 when unknown
};

// All doors in one hand. Owned by cli/main.cpp (or a test); lives longer than anything that holds it.
struct World {
  Clock& clock;
  Http& http;
  Files& files;
  Process& process;
  Random& random;
  Environ& environ;
  Console& console;
  Zones& zones = utc_only();
};

}  // namespace tranche::ports
