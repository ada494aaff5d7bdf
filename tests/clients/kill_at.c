// Preloaded into a program, it ends the process at its n-th step that others can see on the disk: before it takes place
// (KILL_AT=n) or right after (KILL_AFTER=n). With KILL_COUNT=FILE it only counts, and writes the number there at the end.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long steps;

static long limit(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : atol(text);
}
static long before(void) {
  const long step = atomic_fetch_add(&steps, 1) + 1;
  if (step == limit("KILL_AT")) kill(getpid(), SIGKILL);
  return step;
}
static void after(long step) {
  if (step == limit("KILL_AFTER")) kill(getpid(), SIGKILL);
}
__attribute__((destructor)) static void report(void) {
  const char* path = getenv("KILL_COUNT");
  if (path == NULL) return;
  FILE* file = fopen(path, "w");
  if (file == NULL) return;
  fprintf(file, "%ld\n", atomic_load(&steps));
  fclose(file);
}

#define STEP(type, name, parameters, arguments)                    \
  type name parameters {                                           \
    static type(*real) parameters = NULL;                          \
    if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
    const long step = before();                                    \
    const type answer = real arguments;                            \
    after(step);                                                   \
    return answer;                                                 \
  }
STEP(int, rename, (const char* from, const char* to), (from, to))
STEP(int, renameat, (int a, const char* from, int b, const char* to), (a, from, b, to))
STEP(int, link, (const char* from, const char* to), (from, to))
STEP(int, linkat, (int a, const char* from, int b, const char* to, int flags), (a, from, b, to, flags))
STEP(int, unlink, (const char* path), (path))
STEP(int, unlinkat, (int directory, const char* path, int flags), (directory, path, flags))
STEP(int, mkdir, (const char* path, mode_t mode), (path, mode))
STEP(int, fsync, (int file), (file))
STEP(int, fdatasync, (int file), (file))
STEP(ssize_t, write, (int file, const void* bytes, size_t count), (file, bytes, count))
