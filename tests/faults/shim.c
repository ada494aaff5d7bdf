// Preloaded into a program, it makes the world around it fail at one exact place.
//
// A "step" is a call that others can see: on the disk (a file made, written, renamed, linked, removed,
// flushed, locked) or on a socket (connected, sent to). What the program does between two steps nobody can
// see, so a kill before and a kill after each step are all the kills there are; FAULT_TIMER adds kills at any
// instruction, to be sure of that.
//   FAULT_NOW=MS        wall time at the start, in ms since 1970; it goes on from there
//   FAULT_JUMP=N:MS     at step N wall time jumps by MS, which may be negative
//   FAULT_BEFORE=N      SIGKILL before step N takes place
//   FAULT_AFTER=N       SIGKILL right after it
//   FAULT_TIMER=NS      SIGKILL so many nanoseconds after the start
//   FAULT_STOP=N        SIGSTOP before step N, or before the first after it at which no file lock is held:
//   the program
//                       sleeps until somebody sends SIGCONT
//   FAULT_ERRNO=N:CODE  step N and all after it that take room or need permission fail with this errno
//   FAULT_UNDER=TEXT    ... only of files whose path holds this text
//   FAULT_SHORT=N       step N, a write, takes only half of what it was given, and the next one finds the
//   disk full FAULT_COUNT=FILE    at the end the number of steps is written there FAULT_LOG=FILE      every
//   step on the disk, with its bytes, for tests/faults/power.py
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_long steps;
static long kill_before, kill_after, stop_at, jump_at, fail_at, short_at;
static int fail_code, log_fd = -1;
static const char* fail_under;
static int64_t clock_offset_ns;  // added to the real wall clock
enum { most_files = 1024 };
static atomic_int locks, locked[most_files];  // of files, by descriptor
static atomic_int full;                       // a short write was made: the disk is full from there on

static long number(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : atol(text);
}

static int64_t real_now_ns(void) {
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

__attribute__((constructor)) static void begin(void) {
  kill_before = number("FAULT_BEFORE");
  kill_after = number("FAULT_AFTER");
  stop_at = number("FAULT_STOP");
  jump_at = number("FAULT_JUMP");
  short_at = number("FAULT_SHORT");
  const char* code = getenv("FAULT_ERRNO");
  if (code != NULL && strchr(code, ':') != NULL) {
    fail_at = atol(code);
    fail_code = atoi(strchr(code, ':') + 1);
  }
  fail_under = getenv("FAULT_UNDER");
  const char* now = getenv("FAULT_NOW");
  if (now != NULL) clock_offset_ns = atoll(now) * 1000000 - real_now_ns();
  const char* path = getenv("FAULT_LOG");
  if (path != NULL) {
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 700);
    syscall(SYS_close, fd);
  }
  const long long wait = getenv("FAULT_TIMER") == NULL ? 0 : atoll(getenv("FAULT_TIMER"));
  if (wait > 0) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec when = {.it_value = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) timer_settime(timer, 0, &when, NULL);
  }
}

__attribute__((destructor)) static void end(void) {
  const char* path = getenv("FAULT_COUNT");
  if (path == NULL) return;
  char text[32];
  const int size = snprintf(text, sizeof text, "%ld\n", atomic_load(&steps));
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  syscall(SYS_write, fd, text, size);
  syscall(SYS_close, fd);
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) syscall(SYS_pause);
}

// Whether a full or read-only disk refuses a step on this file now: then errno is set.
static int refused(long n, const char* path) {
  const int fails = fail_at != 0 && n >= fail_at;
  if (!fails && !atomic_load(&full)) return 0;
  if (fail_under != NULL && strstr(path, fail_under) == NULL) return 0;
  errno = fails ? fail_code : ENOSPC;
  return 1;
}

// Counts one step, and does to the process what is to be done before it.
static long step(void) {
  const long n = atomic_fetch_add(&steps, 1) + 1;
  if (n == kill_before) die();
  if (stop_at != 0 && n >= stop_at && atomic_load(&locks) == 0) {
    stop_at = 0;
    syscall(SYS_kill, getpid(), SIGSTOP);
  }
  if (n == jump_at) clock_offset_ns += atoll(strchr(getenv("FAULT_JUMP"), ':') + 1) * 1000000;
  return n;
}
static void done(long n) {
  if (n == kill_after) {
    const int kept = errno;
    die();
    errno = kept;
  }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// ---- the log: one record is a line "KIND PATH-BYTES MORE-BYTES\n", then the path, then the rest.
static int is_file(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}
static void path_of(int fd, char* into) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, into, PATH_MAX - 1);
  into[size < 0 ? 0 : size] = '\0';
}
static void absolute(int directory, const char* path, char* into) {
  if (path[0] == '/') {
    snprintf(into, PATH_MAX, "%s", path);
    return;
  }
  char base[PATH_MAX];
  if (directory == AT_FDCWD) {
    if (getcwd(base, sizeof base) == NULL) base[0] = '\0';
  } else {
    path_of(directory, base);
  }
  if (snprintf(into, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) into[0] = '\0';
}
static void note(char kind, const char* path, const void* bytes, size_t size) {
  if (log_fd < 0) return;
  const int kept = errno;
  char head[64];
  const int length = snprintf(head, sizeof head, "%c %zu %zu\n", kind, strlen(path), size);
  const struct iovec parts[] = {{head, (size_t)length}, {(void*)path, strlen(path)}, {(void*)bytes, size}};
  syscall(SYS_writev, log_fd, parts, 3);
  errno = kept;
}
// What a flush made durable: the file as it is now, so that bytes written through a mapping count too.
static void note_flushed(int fd) {
  if (log_fd < 0) return;
  char path[PATH_MAX];
  path_of(fd, path);
  struct stat status;
  if (fstat(fd, &status) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    note('d', path, NULL, 0);
    return;
  }
  char* bytes = malloc((size_t)status.st_size + 1);
  // The descriptor may be for writing only.
  const int reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = bytes == NULL ? -1 : syscall(SYS_pread64, reader, bytes, (size_t)status.st_size, 0);
  syscall(SYS_close, reader);
  if (size >= 0) note('f', path, bytes, (size_t)size);
  free(bytes);
}

// ---- the disk
#define TWO_PATHS(name, parameters, arguments, kind, from_at, from, to_at, to) \
  int name parameters {                                                        \
    const long n = step();                                                     \
    char a[PATH_MAX], b[PATH_MAX];                                             \
    absolute(from_at, from, a);                                                \
    absolute(to_at, to, b);                                                    \
    if (refused(n, b)) return -1;                                              \
    const int answer = REAL(name) arguments;                                   \
    if (answer == 0) note(kind, a, b, strlen(b));                              \
    done(n);                                                                   \
    return answer;                                                             \
  }
TWO_PATHS(rename, (const char* x, const char* y), (x, y), 'r', AT_FDCWD, x, AT_FDCWD, y)
TWO_PATHS(renameat, (int i, const char* x, int j, const char* y), (i, x, j, y), 'r', i, x, j, y)
TWO_PATHS(renameat2, (int i, const char* x, int j, const char* y, unsigned flags), (i, x, j, y, flags), 'r',
          i, x, j, y)
TWO_PATHS(link, (const char* x, const char* y), (x, y), 'l', AT_FDCWD, x, AT_FDCWD, y)
TWO_PATHS(linkat, (int i, const char* x, int j, const char* y, int flags), (i, x, j, y, flags), 'l', i, x, j,
          y)

#define ONE_PATH(name, parameters, arguments, kind, at, path) \
  int name parameters {                                       \
    const long n = step();                                    \
    char a[PATH_MAX];                                         \
    absolute(at, path, a);                                    \
    if (refused(n, a)) return -1;                             \
    const int answer = REAL(name) arguments;                  \
    if (answer == 0) note(kind, a, NULL, 0);                  \
    done(n);                                                  \
    return answer;                                            \
  }
ONE_PATH(unlink, (const char* x), (x), 'u', AT_FDCWD, x)
ONE_PATH(unlinkat, (int i, const char* x, int flags), (i, x, flags), 'u', i, x)
ONE_PATH(rmdir, (const char* x), (x), 'u', AT_FDCWD, x)
ONE_PATH(mkdir, (const char* x, mode_t mode), (x, mode), 'm', AT_FDCWD, x)
ONE_PATH(mkdirat, (int i, const char* x, mode_t mode), (i, x, mode), 'm', i, x)

// Opening is a step where it makes or empties a file, or would have to be refused on a read-only disk.
static int open_step(int directory, const char* path, int flags, mode_t mode) {
  struct stat before;
  const int making = (flags & O_CREAT) != 0 && fstatat(directory, path, &before, 0) != 0;
  const int writing = (flags & O_ACCMODE) != O_RDONLY && (fail_code == EROFS || fail_code == EACCES);
  if (!making && !writing && (flags & O_TRUNC) == 0)
    return (int)syscall(SYS_openat, directory, path, flags | O_LARGEFILE, mode);
  const long n = step();
  char a[PATH_MAX];
  absolute(directory, path, a);
  if (refused(n, a)) return -1;
  const int answer = (int)syscall(SYS_openat, directory, path, flags | O_LARGEFILE, mode);
  if (answer >= 0 && (making || (flags & O_TRUNC) != 0) && is_file(answer)) note('c', a, NULL, 0);
  done(n);
  return answer;
}
#define OPEN(name)                                                                         \
  int name(const char* path, int flags, ...) {                                             \
    va_list rest;                                                                          \
    va_start(rest, flags);                                                                 \
    const mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                                          \
    return open_step(AT_FDCWD, path, flags, mode);                                         \
  }
#define OPENAT(name)                                                                       \
  int name(int directory, const char* path, int flags, ...) {                              \
    va_list rest;                                                                          \
    va_start(rest, flags);                                                                 \
    const mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                                          \
    return open_step(directory, path, flags, mode);                                        \
  }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

// offset: where in the file, or -1: where its descriptor stands.
static ssize_t write_step(int fd, const void* bytes, size_t count, off64_t offset) {
  struct stat status;
  const int known = fd > 2 && fstat(fd, &status) == 0;
  const int file = known && S_ISREG(status.st_mode);
  if (!file && !(known && S_ISSOCK(status.st_mode))) return syscall(SYS_write, fd, bytes, count);
  const long n = step();
  char a[PATH_MAX] = "";
  if (file) path_of(fd, a);
  if (file && refused(n, a)) return -1;
  if (file && n == short_at) {
    atomic_store(&full, 1);
    count /= 2;
  }
  const int64_t at = file && offset < 0 ? lseek64(fd, 0, SEEK_CUR) : offset;
  const ssize_t answer =
      offset < 0 ? syscall(SYS_write, fd, bytes, count) : syscall(SYS_pwrite64, fd, bytes, count, offset);
  if (answer > 0 && file && log_fd >= 0) {
    char* with = malloc((size_t)answer + 8);
    memcpy(with, &at, 8);
    memcpy(with + 8, bytes, (size_t)answer);
    note('w', a, with, (size_t)answer + 8);
    free(with);
  }
  done(n);
  return answer;
}
ssize_t write(int fd, const void* bytes, size_t count) { return write_step(fd, bytes, count, -1); }
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at) { return write_step(fd, bytes, count, at); }
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at) {
  return write_step(fd, bytes, count, at);
}

#define ON_FD(name, parameters, arguments, fd, after) \
  int name parameters {                               \
    const long n = step();                            \
    char a[PATH_MAX];                                 \
    path_of(fd, a);                                   \
    if (refused(n, a)) return -1;                     \
    const int answer = REAL(name) arguments;          \
    if (answer == 0) after;                           \
    done(n);                                          \
    return answer;                                    \
  }
ON_FD(fsync, (int fd), (fd), fd, note_flushed(fd))
ON_FD(fdatasync, (int fd), (fd), fd, note_flushed(fd))
ON_FD(ftruncate, (int fd, off_t size), (fd, size), fd, (void)0)
ON_FD(ftruncate64, (int fd, off64_t size), (fd, size), fd, (void)0)

int flock(int fd, int how) {
  const long n = step();
  const int answer = (int)syscall(SYS_flock, fd, how);
  if (answer == 0 && fd < most_files && !atomic_exchange(&locked[fd], 1)) atomic_fetch_add(&locks, 1);
  done(n);
  return answer;
}
// Closing drops the lock.
int close(int fd) {
  if (fd >= 0 && fd < most_files && atomic_exchange(&locked[fd], 0)) atomic_fetch_sub(&locks, 1);
  return (int)syscall(SYS_close, fd);
}

// ---- the network
int connect(int fd, const struct sockaddr* address, socklen_t size) {
  const long n = step();
  const int answer = (int)syscall(SYS_connect, fd, address, size);
  done(n);
  return answer;
}
#define SEND(name, parameters, arguments)        \
  ssize_t name parameters {                      \
    const long n = step();                       \
    const ssize_t answer = REAL(name) arguments; \
    done(n);                                     \
    return answer;                               \
  }
SEND(send, (int fd, const void* bytes, size_t size, int flags), (fd, bytes, size, flags))
SEND(sendto, (int fd, const void* bytes, size_t size, int flags, const struct sockaddr* to, socklen_t length),
     (fd, bytes, size, flags, to, length))
SEND(sendmsg, (int fd, const struct msghdr* message, int flags), (fd, message, flags))

// ---- the wall clock
int clock_gettime(clockid_t which, struct timespec* into) {
  if (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE)
    return (int)syscall(SYS_clock_gettime, which, into);
  const int64_t now = real_now_ns() + clock_offset_ns;
  into->tv_sec = now / 1000000000;
  into->tv_nsec = now % 1000000000;
  return 0;
}
int gettimeofday(struct timeval* restrict into, void* restrict zone) {
  (void)zone;
  const int64_t now = real_now_ns() + clock_offset_ns;
  into->tv_sec = now / 1000000000;
  into->tv_usec = now % 1000000000 / 1000;
  return 0;
}
time_t time(time_t* into) {
  const time_t now = (time_t)((real_now_ns() + clock_offset_ns) / 1000000000);
  if (into != NULL) *into = now;
  return now;
}
