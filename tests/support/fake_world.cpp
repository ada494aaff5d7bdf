#include "support/fake_world.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::support {

FakeClock::FakeClock() : now_(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)) {}

Instant FakeClock::now() {
  const std::lock_guard guard(mutex_);
  return now_;
}
std::chrono::nanoseconds FakeClock::elapsed() {
  const std::lock_guard guard(mutex_);
  return elapsed_;
}
bool FakeClock::sleep_until(Instant when) {
  if (on_sleep) on_sleep(when);
  const std::lock_guard guard(mutex_);
  if (interrupted_) return false;
  if (when > now_) {
    elapsed_ += when - now_;
    now_ = when;
  }
  return true;
}
bool FakeClock::interrupted() {
  const std::lock_guard guard(mutex_);
  return interrupted_;
}
void FakeClock::set(Instant when) {
  const std::lock_guard guard(mutex_);
  now_ = when;
}
void FakeClock::advance(Duration by) {
  const std::lock_guard guard(mutex_);
  now_ += by;
  elapsed_ += by;
}
void FakeClock::interrupt() {
  const std::lock_guard guard(mutex_);
  interrupted_ = true;
}

Result<ports::HttpResponse> FakeHttp::send(const ports::HttpRequest& request) {
  {
    const std::lock_guard guard(mutex_);
    requests.push_back(request);
  }
  if (!handler)
    return fail_hint(ErrorKind::failed, "check that the server runs and that the port is right",
                     "cannot {} '{}': connection refused", request.method, request.url);
  auto response = handler(request);
  if (response && response->body.size() > request.max_response_bytes)
    return fail_hint(ErrorKind::failed, "ask for less, or check that the address is the right one",
                     "the answer of '{}' is larger than {} bytes", request.url, request.max_response_bytes);
  return response;
}

namespace {

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::unexpected<Error> no_such_file(std::string_view what, const std::string& path) {
  return fail_hint(ErrorKind::failed, "check the spelling of the path",
                   "cannot {} '{}': No such file or directory", what, path);
}

class MemoryReader final : public ports::FileReader {
 public:
  explicit MemoryReader(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> read(char* into, std::size_t capacity) override {
    const auto count = bytes_.copy(into, capacity, at_);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

}  // namespace

class MemoryLock final : public ports::FileLock {
 public:
  MemoryLock(MemoryFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  MemoryLock(const MemoryLock&) = delete;
  MemoryLock& operator=(const MemoryLock&) = delete;
  ~MemoryLock() override {
    const std::lock_guard guard(files_.mutex_);
    files_.locked_.erase(path_);
  }

 private:
  MemoryFiles& files_;
  std::string path_;
};

Result<> MemoryFiles::ask(std::string_view operation, const std::string& path, bool changing) {
  if (fault) TRY(fault(operation, path));
  if (changing) changes.push_back(std::string(operation) + " " + path);
  return {};
}

bool MemoryFiles::is_directory(const std::string& path) const {
  if (path == "." || path == "/" || directories_.contains(path)) return true;
  const auto below = bytes.lower_bound(path + "/");
  return below != bytes.end() && below->first.starts_with(path + "/");
}

Result<std::optional<std::string>> MemoryFiles::read(const std::string& path, std::size_t max_bytes) {
  const std::lock_guard guard(mutex_);
  TRY(ask("read", path, false));
  const auto found = bytes.find(path);
  if (found == bytes.end() && is_directory(path))
    return fail_hint(ErrorKind::failed, "name a regular file", "'{}' is a directory, not a file", path);
  if (found == bytes.end()) return std::optional<std::string>();
  if (found->second.size() > max_bytes)
    return fail_hint(ErrorKind::invalid, "give a smaller file", "'{}' is larger than {} bytes", path,
                     max_bytes);
  return std::optional(found->second);
}

Result<std::unique_ptr<ports::FileReader>> MemoryFiles::open(const std::string& path) {
  const std::lock_guard guard(mutex_);
  TRY(ask("open", path, false));
  const auto found = bytes.find(path);
  if (found == bytes.end()) return no_such_file("open", path);
  return std::unique_ptr<ports::FileReader>(std::make_unique<MemoryReader>(found->second));
}

Result<> MemoryFiles::write(const std::string& path, std::string_view content, std::uint32_t mode) {
  const std::lock_guard guard(mutex_);
  if (is_directory(path)) return fail(ErrorKind::failed, "cannot replace '{}': Is a directory", path);
  TRY(ask("write", path, true));
  bytes[path] = content;
  modes_[path] = mode;
  return {};
}

Result<> MemoryFiles::create(const std::string& path, std::string_view content, std::uint32_t mode) {
  const std::lock_guard guard(mutex_);
  if (bytes.contains(path) || is_directory(path))
    return fail_hint(ErrorKind::conflict, "choose another name, or move the old file away",
                     "'{}' exists and is never overwritten", path);
  TRY(ask("create", path, true));
  bytes[path] = content;
  modes_[path] = mode;
  return {};
}

Result<> MemoryFiles::copy(const std::string& from, const std::string& to, const Watch& watch) {
  const std::lock_guard guard(mutex_);
  const auto found = bytes.find(from);
  if (found == bytes.end()) return no_such_file("copy", from);
  if (watch && !found->second.empty()) TRY(watch(found->second));
  if (watch) TRY(watch({}));
  TRY(ask("copy", to, true));
  bytes[to] = found->second;
  modes_[to] = modes_.contains(from) ? modes_[from] : 0644;
  return {};
}

Result<std::optional<ports::FileInfo>> MemoryFiles::info(const std::string& path) {
  const std::lock_guard guard(mutex_);
  TRY(ask("info", path, false));
  using Kind = ports::FileInfo::Kind;
  if (const auto found = bytes.find(path); found != bytes.end())
    return std::optional(ports::FileInfo{.kind = Kind::file,
                                         .size = found->second.size(),
                                         .mode = modes_.contains(path) ? modes_[path] : 0644,
                                         .modified = {}});
  if (is_directory(path))
    return std::optional(ports::FileInfo{.kind = Kind::directory, .size = 0, .mode = 0755, .modified = {}});
  return std::optional<ports::FileInfo>();
}

Result<std::vector<std::string>> MemoryFiles::list(const std::string& directory) {
  const std::lock_guard guard(mutex_);
  TRY(ask("list", directory, false));
  if (!is_directory(directory)) return no_such_file("list", directory);
  std::set<std::string> names;
  const std::string prefix = directory == "." ? "" : directory == "/" ? "/" : directory + "/";
  const auto add = [&](const std::string& path) {
    if (path.starts_with(prefix) && path.size() > prefix.size())
      names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
  };
  for (const auto& [path, content] : bytes) add(path);
  for (const auto& path : directories_) add(path);
  names.erase("");
  return std::vector<std::string>(names.begin(), names.end());
}

Result<> MemoryFiles::remove(const std::string& path) {
  const std::lock_guard guard(mutex_);
  TRY(ask("remove", path, true));
  bytes.erase(path);
  modes_.erase(path);
  return {};
}

Result<> MemoryFiles::make_directories(const std::string& path) {
  const std::lock_guard guard(mutex_);
  TRY(ask("make_directories", path, true));
  for (std::string at = path; at != "." && at != "/" && directories_.insert(at).second;) at = parent_of(at);
  return {};
}

Result<std::string> MemoryFiles::real_path(const std::string& path) {
  const std::lock_guard guard(mutex_);
  TRY(ask("real_path", path, false));
  if (!bytes.contains(path) && !is_directory(path)) return no_such_file("resolve", path);
  return path;
}

Result<std::string> MemoryFiles::current_directory() { return std::string("/"); }

Result<std::unique_ptr<ports::FileLock>> MemoryFiles::lock(const std::string& path, Duration /*wait*/) {
  const std::lock_guard guard(mutex_);
  TRY(ask("lock", path, false));
  if (!locked_.insert(path).second)
    return fail_hint(ErrorKind::conflict, "another tranche process works here: wait for it and run again",
                     "'{}' is locked", path);
  return std::unique_ptr<ports::FileLock>(std::make_unique<MemoryLock>(*this, path));
}

Result<ports::ProcessResult> FakeProcess::run(const ports::ProcessRequest& request) {
  requests.push_back(request);
  if (!handler)
    return fail_hint(ErrorKind::failed, "install it, or check PATH and the working directory",
                     "cannot run '{}': No such file or directory",
                     request.argv.empty() ? std::string() : request.argv[0]);
  return handler(request);
}

std::uint64_t SeededRandom::next() {
  // Sebastiano Vigna, splitmix64.c
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
std::uint64_t SeededRandom::below(std::uint64_t bound) { return next() % bound; }
Result<std::string> SeededRandom::bytes(std::size_t count) {
  std::string out;
  out.reserve(count);
  while (out.size() < count) out.push_back(static_cast<char>(next() >> 56));
  return out;
}

std::optional<std::string> FakeEnviron::get(const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

Result<std::string> FakeConsole::in(std::size_t max_bytes) {
  if (input.size() > max_bytes)
    return fail_hint(ErrorKind::invalid, "give less, or a file", "stdin holds more than {} bytes", max_bytes);
  return input;
}

Result<Duration> FakeZones::offset(const std::string& zone, Instant at) {
  if (const auto found = offsets.find(zone); found != offsets.end()) return found->second;
  if (rule) return rule(zone, at);
  return fail(ErrorKind::invalid, "there is no time zone '{}'", zone);
}

}  // namespace tranche::support
