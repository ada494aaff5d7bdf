// Files, made so that a crash at any instant leaves the old bytes or the new ones.
//
// Every durable write goes to a temporary name in the same directory, is fsynced, renamed over the target,
// and the directory is fsynced after it: without the last step the rename itself may be lost with the power.
// Temporary names begin with ".tranche-tmp-"; list() does not show those that a crash left behind, and a
// later write into the same directory removes them.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "base/text.hpp"
#include "os/system_error.hpp"
#include "os/world.hpp"
#include "ports/slab.hpp"

namespace tranche::os {
namespace {

constexpr std::string_view temporary_prefix = ".tranche-tmp-";
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr off_t flush_bytes = 8 << 20;     // of a copy, sent to the disk together
constexpr std::size_t open_at_once = 128;  // of write_all; a process may often have 1,024 open, or 256

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string temporary_beside(const std::string& path) {
  static std::atomic<unsigned> counter = 0;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return fmt::format("{}/{}{}-{}-{}", directory_of(path), temporary_prefix, getpid(), now.tv_nsec,
                     counter.fetch_add(1));
}

// NUL cannot reach the kernel: "a\0b" would silently name "a".
Result<> check_path(const std::string& path) {
  if (path.empty()) return fail_hint(ErrorKind::invalid, "name a file", "the path is empty");
  if (path.find('\0') != std::string::npos)
    return fail_hint(ErrorKind::invalid, "remove it", "the path '{}' holds a NUL byte", printable(path));
  return {};
}

Result<> sync_directory(const std::string& directory) {
  const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return fail(path_error("open directory", directory, errno));
  // Some file systems have no fsync of directories and say EINVAL; there is nothing more to do there.
  if (fsync(fd.get()) != 0 && errno != EINVAL) return fail(path_error("flush directory", directory, errno));
  return {};
}

Result<> write_whole(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(path_error("write", path, errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::size_t> read_some(int fd, char* into, std::size_t capacity, const std::string& path) {
  while (true) {
    const ssize_t got = ::read(fd, into, capacity);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return fail(path_error("read", path, errno));
  }
}

// Those that a killed process left beside `written`, a file that just got its name. No write takes a day, and
// both times are the file system's own. Once a directory and a process; what cannot be removed stays.
void remove_leftovers(const std::string& written) {
  constexpr std::time_t day = 24 * 60 * 60;
  static std::mutex mutex;
  static std::set<std::string> looked;
  const std::string directory = directory_of(written);
  {
    const std::lock_guard guard(mutex);
    if (!looked.insert(directory).second) return;
  }
  struct stat now{};
  if (lstat(written.c_str(), &now) != 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> names(opendir(directory.c_str()), closedir);
  if (names == nullptr) return;
  while (const dirent* entry = readdir(names.get())) {
    if (!std::string_view(entry->d_name).starts_with(temporary_prefix)) continue;
    struct stat left{};
    if (fstatat(dirfd(names.get()), entry->d_name, &left, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(left.st_mode) && left.st_mtime < now.st_mtime - day)
      unlinkat(dirfd(names.get()), entry->d_name, 0);
  }
}

// A file that is complete on disk but has no name yet; gone again unless it was given one.
class Unnamed {
 public:
  explicit Unnamed(const std::string& target) : target_(target), path_(temporary_beside(target)) {}
  Unnamed(const Unnamed&) = delete;
  Unnamed& operator=(const Unnamed&) = delete;
  ~Unnamed() {
    if (made_) unlink(path_.c_str());
  }

  Result<int> open(std::uint32_t mode) {
    fd_ = Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd_.open()) return fail(path_error("write", target_, errno));
    made_ = true;
    return fd_.get();
  }
  Result<> flush() {
    if (fsync(fd_.get()) != 0) return fail(path_error("flush", target_, errno));
    fd_.reset();
    return {};
  }
  // What is new in a file that was just made, its length and mode included, is what fdatasync flushes too.
  Result<> flush_data() {
    if (fdatasync(fd_.get()) != 0) return fail(path_error("flush", target_, errno));
    fd_.reset();
    return {};
  }
  Result<> replace() {
    TRY(take_name());
    return sync_directory(directory_of(target_));
  }
  // Over the old file; the directory is still to be flushed.
  Result<> take_name() {
    if (rename(path_.c_str(), target_.c_str()) != 0) return fail(path_error("replace", target_, errno));
    made_ = false;
    return {};
  }
  Result<> take_new_name() {
    int rc = renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE);
    if (rc == 0) made_ = false;
    if (rc != 0 && (errno == EINVAL || errno == ENOSYS))  // file systems without it
      rc = link(path_.c_str(), target_.c_str());
    if (rc != 0 && errno == EEXIST)
      return fail_hint(ErrorKind::conflict, "choose another name, or move the old file away",
                       "'{}' exists and is never overwritten", printable(target_));
    if (rc != 0) return fail(path_error("create", target_, errno));
    return sync_directory(directory_of(target_));
  }

 private:
  const std::string& target_;
  std::string path_;
  Descriptor fd_;
  bool made_ = false;
};

// Writes what it is given on a thread of its own, in order, and sends it to the disk as it goes: meanwhile
// the next piece is read and watched, and little is left for the flush at the end.
class WriteBehind {
 public:
  WriteBehind(int fd, const std::string& path) : fd_(fd), path_(path) {}
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;
  ~WriteBehind() { stop(); }

  // The next buffer to fill; what is in the one before stays readable until then. Error: an earlier write's.
  Result<std::span<char>> buffer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return given_ - written_ < buffers || failed_; });
    if (failed_) return fail(*failed_);
    return std::span<char>(*pieces_[given_ % buffers].bytes);
  }
  // So much of it is to be written.
  Result<> give(std::size_t size) {
    {
      const std::scoped_lock lock(mutex_);
      pieces_[given_ % buffers].size = size;
      ++given_;
    }
    changed_.notify_all();
    if (given_ < 2 || thread_.joinable()) return {};  // a small file is not worth a thread
    try {
      thread_ = std::thread([this] { work(); });
    } catch (const std::system_error& error) {
      return fail_hint(ErrorKind::failed, "let fewer programs run, or raise `ulimit -u`",
                       "'{}' cannot be written: no thread can be started ({})", printable(path_),
                       error.code().message());
    }
    return {};
  }
  // All is written, or the error that stopped it.
  Result<> finish() {
    stop();
    if (!failed_) work();  // what no thread was started for
    if (failed_) return fail(*failed_);
    return {};
  }

 private:
  static constexpr std::size_t buffers = 8;
  struct Piece {
    std::unique_ptr<std::array<char, piece_bytes>> bytes = std::make_unique<std::array<char, piece_bytes>>();
    std::size_t size = 0;
  };

  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void work() {
    off_t done = 0, on_its_way = 0;
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return given_ > written_ || closed_; });
      if (given_ == written_) return;
      const Piece& piece = pieces_[written_ % buffers];
      lock.unlock();
      const auto ok = write_whole(fd_, {piece.bytes->data(), piece.size}, path_);
      done += static_cast<off_t>(piece.size);
      if (ok && done - on_its_way >= flush_bytes) {
        sync_file_range(fd_, on_its_way, done - on_its_way, SYNC_FILE_RANGE_WRITE);
        on_its_way = done;
      }
      lock.lock();
      ++written_;
      if (!ok) failed_ = ok.error();
      lock.unlock();
      changed_.notify_all();
      if (!ok) return;
    }
  }

  int fd_;
  const std::string& path_;
  std::array<Piece, buffers> pieces_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t given_ = 0, written_ = 0;
  bool closed_ = false;
  std::optional<Error> failed_;
  std::thread thread_;
};

// Regular files only: a FIFO or a device would block, or never end.
Result<std::optional<Descriptor>> open_regular(const std::string& path, struct stat& status) {
  TRY(check_path(path));
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.open() && (errno == ENOENT || errno == ENOTDIR)) return std::optional<Descriptor>();
  if (!fd.open()) return fail(path_error("open", path, errno));
  if (fstat(fd.get(), &status) != 0) return fail(path_error("look at", path, errno));
  if (!S_ISREG(status.st_mode))
    return fail_hint(ErrorKind::failed, "name a regular file", "'{}' is {}, not a file", printable(path),
                     S_ISDIR(status.st_mode) ? "a directory" : "a special file");
  return std::optional<Descriptor>(std::move(fd));
}

class RealReader final : public ports::FileReader {
 public:
  RealReader(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Result<std::size_t> read(char* into, std::size_t capacity) override {
    return read_some(fd_.get(), into, capacity, path_);
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class RealLock final : public ports::FileLock {
 public:
  explicit RealLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;  // closing it releases the lock; so does the end of the process, however it ends
};

class RealSlab final : public ports::Slab {
 public:
  RealSlab(Descriptor fd, std::string path, std::uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }

  Result<std::string> read(std::uint64_t offset, std::size_t count) override {
    std::string bytes(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const ssize_t got =
          pread(fd_.get(), bytes.data() + have, count - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(path_error("read", path_, errno));
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

  Result<> write(std::uint64_t offset, std::string_view bytes, bool durable) override {
    if (offset > size_ || bytes.size() > size_ - offset)
      return fail(ErrorKind::bug, "'{}' is written beyond its {} bytes", printable(path_), size_);
    while (!bytes.empty()) {
      const ssize_t written = pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail(path_error("write", path_, errno));
      bytes.remove_prefix(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    if (durable && fdatasync(fd_.get()) != 0) return fail(path_error("flush", path_, errno));
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
  std::uint64_t size_;
};

class RealFiles final : public ports::Files, public ports::Slabs {
 public:
  Result<std::optional<std::string>> read(const std::string& path, std::size_t max_bytes) override {
    struct stat status{};
    auto fd = TRY(open_regular(path, status));
    if (!fd) return std::optional<std::string>();
    const auto too_large = [&] {
      return fail_hint(ErrorKind::invalid, "give a smaller file", "'{}' is larger than {} bytes",
                       printable(path), max_bytes);
    };
    if (static_cast<std::uint64_t>(status.st_size) > max_bytes) return too_large();
    // One byte more than it should have shows the end, or that it grew since.
    std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');
    std::size_t have = 0;
    while (true) {
      const std::size_t got = TRY(read_some(fd->get(), bytes.data() + have, bytes.size() - have, path));
      if (got == 0) break;
      have += got;
      if (have > max_bytes) return too_large();
      if (have == bytes.size()) bytes.resize(std::min(bytes.size() * 2 + 4096, max_bytes + 1));
    }
    bytes.resize(have);
    return std::optional<std::string>(std::move(bytes));
  }

  Result<std::unique_ptr<ports::FileReader>> open(const std::string& path) override {
    struct stat status{};
    auto fd = TRY(open_regular(path, status));
    if (!fd) return fail(path_error("open", path, ENOENT));
    posix_fadvise(fd->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return std::unique_ptr<ports::FileReader>(std::make_unique<RealReader>(std::move(*fd), path));
  }

  Result<> write(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
    Unnamed file(path);
    TRY(fill(file, path, bytes, mode));
    TRY(file.replace());
    remove_leftovers(path);
    return {};
  }

  // A flush costs a commit of the file system's journal, and one commit carries all that was written before
  // it. So the first flush of a group pays, and those after it find little to do; a directory is flushed
  // once.
  Result<> write_all(std::span<const ports::FileWrite> files) override {
    std::deque<Unnamed> made;
    std::set<std::string> directories;
    while (made.size() < files.size()) {
      const std::size_t begin = made.size();
      const std::size_t end = std::min(begin + open_at_once, files.size());
      for (const ports::FileWrite& file : files.subspan(begin, end - begin)) {
        TRY(check_path(file.path));
        if (directories.insert(directory_of(file.path)).second)
          TRY(make_directories(directory_of(file.path)));
        const int fd = TRY(made.emplace_back(file.path).open(file.mode));
        TRY(write_whole(fd, file.bytes, file.path));
        sync_file_range(fd, 0, 0,
                        SYNC_FILE_RANGE_WRITE);  // sets the disk to work; the flush below is what counts
      }
      for (std::size_t i = begin; i < end; ++i) TRY(made[i].flush_data());
    }
    for (Unnamed& file : made) TRY(file.take_name());
    for (const std::string& directory : directories) TRY(sync_directory(directory));
    for (const ports::FileWrite& file : files) remove_leftovers(file.path);
    return {};
  }

  Result<> create(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
    Unnamed file(path);
    TRY(fill(file, path, bytes, mode));
    return file.take_new_name();
  }

  Result<> copy(const std::string& from, const std::string& to, const Watch& watch) override {
    TRY(check_path(to));
    struct stat status{};
    auto source = TRY(open_regular(from, status));
    if (!source) return fail(path_error("copy", from, ENOENT));
    TRY(make_directories(directory_of(to)));
    Unnamed file(to);
    const int target = TRY(file.open(status.st_mode & 0777));
    posix_fadvise(source->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    WriteBehind behind(target, to);
    while (true) {
      const std::span<char> buffer = TRY(behind.buffer());
      const std::size_t got = TRY(read_some(source->get(), buffer.data(), buffer.size(), from));
      if (got > 0) TRY(behind.give(got));
      if (watch) TRY(watch({buffer.data(), got}));
      if (got == 0) break;
    }
    TRY(behind.finish());
    TRY(file.flush());
    return file.replace();
  }

  Result<std::optional<ports::FileInfo>> info(const std::string& path) override {
    TRY(check_path(path));
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::optional<ports::FileInfo>();
      return fail(path_error("look at", path, errno));
    }
    using Kind = ports::FileInfo::Kind;
    ports::FileInfo info;
    info.kind = S_ISREG(status.st_mode)   ? Kind::file
                : S_ISDIR(status.st_mode) ? Kind::directory
                : S_ISLNK(status.st_mode) ? Kind::symlink
                                          : Kind::other;
    info.size = static_cast<std::uint64_t>(status.st_size);
    info.mode = status.st_mode & 07777;
    info.modified = Instant(Duration(status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000));
    return std::optional(info);
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    TRY(check_path(directory));
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
    if (!dir) return fail(path_error("list", directory, errno));
    std::vector<std::string> names;
    while (true) {
      errno = 0;
      const dirent* entry = readdir(dir.get());
      if (entry == nullptr && errno != 0) return fail(path_error("list", directory, errno));
      if (entry == nullptr) break;
      const std::string_view name(entry->d_name);
      if (name != "." && name != ".." && !name.starts_with(temporary_prefix)) names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<> remove(const std::string& path) override {
    TRY(check_path(path));
    if (unlink(path.c_str()) == 0) return sync_directory(directory_of(path));
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return fail(path_error("remove", path, errno));
  }

  Result<> remove_all(std::span<const std::string> paths) override {
    std::set<std::string> directories;
    for (const std::string& path : paths) {
      TRY(check_path(path));
      if (unlink(path.c_str()) == 0)
        directories.insert(directory_of(path));
      else if (errno != ENOENT && errno != ENOTDIR)
        return fail(path_error("remove", path, errno));
    }
    for (const std::string& directory : directories) TRY(sync_directory(directory));
    return {};
  }

  Result<std::unique_ptr<ports::Slab>> open_slab(const std::string& path) override {
    TRY(check_path(path));
    constexpr int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    Descriptor fd(::open(path.c_str(), O_RDWR | flags));
    if (!fd.open() && (errno == EACCES || errno == EROFS || errno == EPERM))
      fd = Descriptor(::open(path.c_str(), O_RDONLY | flags));
    if (!fd.open() && (errno == ENOENT || errno == ENOTDIR)) return std::unique_ptr<ports::Slab>();
    if (!fd.open()) return fail(path_error("open", path, errno));
    struct stat status{};
    if (fstat(fd.get(), &status) != 0) return fail(path_error("look at", path, errno));
    if (!S_ISREG(status.st_mode))
      return fail_hint(ErrorKind::failed, "move it away: tranche makes a file of its own there",
                       "'{}' is no file", printable(path));
    return std::unique_ptr<ports::Slab>(
        std::make_unique<RealSlab>(std::move(fd), path, static_cast<std::uint64_t>(status.st_size)));
  }

  Result<> make_directories(const std::string& path) override {
    TRY(check_path(path));
    struct stat status{};
    if (stat(path.c_str(), &status) == 0)
      return S_ISDIR(status.st_mode) ? Result<>() : fail(path_error("make directory", path, ENOTDIR));
    if (path.size() > PATH_MAX) return fail(path_error("make directory", path, ENAMETOOLONG));
    const std::string parent = directory_of(path);
    if (parent != path) TRY(make_directories(parent));
    if (mkdir(path.c_str(), 0777) != 0) {
      if (errno == EEXIST) return {};  // "a/" after "a", or another process was first
      return fail(path_error("make directory", path, errno));
    }
    return sync_directory(parent);
  }

  Result<std::string> real_path(const std::string& path) override {
    TRY(check_path(path));
    const std::unique_ptr<char, void (*)(void*)> resolved(realpath(path.c_str(), nullptr), std::free);
    if (!resolved) return fail(path_error("resolve", path, errno));
    return std::string(resolved.get());
  }

  Result<std::string> current_directory() override {
    // glibc allocates as much as it takes. NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions)
    const std::unique_ptr<char, void (*)(void*)> directory(getcwd(nullptr, 0), std::free);
    if (!directory) return fail(path_error("find", "the current directory", errno));
    return std::string(directory.get());
  }

  Result<std::unique_ptr<ports::FileLock>> lock(const std::string& path, Duration wait) override {
    TRY(check_path(path));
    TRY(make_directories(directory_of(path)));
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!fd.open()) return fail(path_error("lock", path, errno));
    const auto give_up = std::chrono::steady_clock::now() + wait;
    // The kernel has no flock with a limit. Holders work for milliseconds to seconds: start at 1 ms, end at
    // 50 ms between tries.
    for (auto pause = std::chrono::milliseconds(1);; pause = std::min(pause * 2, decltype(pause)(50))) {
      if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) break;
      if (errno != EWOULDBLOCK && errno != EINTR) return fail(path_error("lock", path, errno));
      const auto left = give_up - std::chrono::steady_clock::now();
      if (left <= decltype(left)::zero())
        return fail_hint(ErrorKind::conflict, "another tranche process works here: wait for it and run again",
                         "'{}' is locked", printable(path));
      const auto nap = std::min<std::chrono::nanoseconds>(left, pause);
      const timespec time{.tv_sec = 0, .tv_nsec = nap.count()};
      nanosleep(&time, nullptr);
    }
    return std::unique_ptr<ports::FileLock>(std::make_unique<RealLock>(std::move(fd)));
  }

 private:
  Result<> fill(Unnamed& file, const std::string& path, std::string_view bytes, std::uint32_t mode) {
    TRY(check_path(path));
    TRY(make_directories(directory_of(path)));
    const int fd = TRY(file.open(mode));
    TRY(write_whole(fd, bytes, path));
    return file.flush();
  }
};

}  // namespace

std::unique_ptr<ports::Files> make_files() { return std::make_unique<RealFiles>(); }

}  // namespace tranche::os
