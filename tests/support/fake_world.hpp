// Fakes of all doors, so that a test decides time, answers, chance and faults, and needs no machine.
//
//   FakeWorld fake;
//   fake.http.handler = [](const ports::HttpRequest& r) -> Result<ports::HttpResponse> { return ...; };
//   fake.files.fault = [](std::string_view op, std::string_view path) -> Result<> { ... };
//   auto world = fake.world();
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ports/ports.hpp"

namespace tranche::support {

// Starts at 2026-01-01T00:00:00Z. sleep_until advances time at once.
class FakeClock final : public ports::Clock {
 public:
  FakeClock();
  Instant now() override;
  std::chrono::nanoseconds elapsed() override;
  bool sleep_until(Instant when) override;  // calls on_sleep first; false once `interrupt` is set
  bool interrupted() override;

  void set(Instant when);
  void advance(Duration by);
  void interrupt();
  std::function<void(Instant)> on_sleep;  // may interrupt

 private:
  std::mutex mutex_;
  Instant now_;
  std::chrono::nanoseconds elapsed_{};
  bool interrupted_ = false;
};

// Answers by `handler`; without one every request fails as a refused connection does.
class FakeHttp final : public ports::Http {
 public:
  Result<ports::HttpResponse> send(const ports::HttpRequest& request) override;

  std::function<Result<ports::HttpResponse>(const ports::HttpRequest&)> handler;
  std::vector<ports::HttpRequest> requests;  // all that were sent, in order

 private:
  std::mutex mutex_;
};

// A tree in memory. Directories exist when something was written below them or they were made. Paths are
// taken as they are, without resolving "..".
class MemoryFiles final : public ports::Files {
 public:
  Result<std::optional<std::string>> read(const std::string& path, std::size_t max_bytes) override;
  Result<std::unique_ptr<ports::FileReader>> open(const std::string& path) override;
  Result<> write(const std::string& path, std::string_view bytes, std::uint32_t mode = 0644) override;
  Result<> create(const std::string& path, std::string_view bytes, std::uint32_t mode = 0644) override;
  Result<> copy(const std::string& from, const std::string& to, const Watch& watch = {}) override;
  Result<std::optional<ports::FileInfo>> info(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<> remove(const std::string& path) override;
  Result<> make_directories(const std::string& path) override;
  Result<std::string> real_path(const std::string& path) override;
  Result<std::string> current_directory() override;
  Result<std::unique_ptr<ports::FileLock>> lock(const std::string& path, Duration wait) override;

  // Called before each operation with its name ("read", "open", "write", "create", "copy", "info", "list",
  // "remove", "make_directories", "real_path", "lock"); an error it returns is what the caller gets, and
  // nothing changes.
  std::function<Result<>(std::string_view operation, std::string_view path)> fault;
  // Every operation that changes something, in order: "write PATH", "remove PATH", ...
  std::vector<std::string> changes;
  std::map<std::string, std::string> bytes;  // path → content; tests may read and write it directly

 private:
  friend class MemoryLock;
  Result<> ask(std::string_view operation, const std::string& path, bool changing);
  bool is_directory(const std::string& path) const;
  std::recursive_mutex mutex_;
  std::map<std::string, std::uint32_t> modes_;
  std::set<std::string> directories_;
  std::set<std::string> locked_;
};

// Answers by `handler`; without one every program is "not found".
class FakeProcess final : public ports::Process {
 public:
  Result<ports::ProcessResult> run(const ports::ProcessRequest& request) override;

  std::function<Result<ports::ProcessResult>(const ports::ProcessRequest&)> handler;
  std::vector<ports::ProcessRequest> requests;
};

// The same bytes for the same seed, on every machine (splitmix64).
class SeededRandom final : public ports::Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : state_(seed) {}
  Result<std::string> bytes(std::size_t count) override;
  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound);  // [0, bound), bound > 0

 private:
  std::uint64_t state_;
};

class FakeEnviron final : public ports::Environ {
 public:
  std::optional<std::string> get(const std::string& name) override;
  std::map<std::string, std::string> values;
};

// Captures; `input` is what stdin gives.
class FakeConsole final : public ports::Console {
 public:
  void out(std::string_view text) override { out_text += text; }
  void err(std::string_view text) override { err_text += text; }
  Result<std::string> in(std::size_t max_bytes) override;
  bool err_is_terminal() override { return terminal; }
  bool out_is_terminal() override { return terminal; }
  int width() override { return columns; }

  std::string out_text;
  std::string err_text;
  std::string input;
  bool terminal = false;
  int columns = 80;
};

// Zones of one fixed offset each, and those that change by hand: `offsets` is asked first, then `rule`.
class FakeZones final : public ports::Zones {
 public:
  Result<Duration> offset(const std::string& zone, Instant at) override;
  std::map<std::string, Duration> offsets{{"UTC", Duration{}}};
  std::function<Result<Duration>(const std::string&, Instant)> rule;
};

struct FakeWorld {
  FakeClock clock;
  FakeHttp http;
  MemoryFiles files;
  FakeProcess process;
  SeededRandom random;
  FakeEnviron environ;
  FakeConsole console;
  FakeZones zones;
  ports::World world() { return {clock, http, files, process, random, environ, console, zones}; }
};

}  // namespace tranche::support
