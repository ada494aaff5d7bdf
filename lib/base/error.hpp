// Error and Result: every fallible function of the project returns Result<T> and is called through TRY.
//
// An Error is documentation for its reader: what went wrong, where (a Mark in the user's file when there is
// one), what was being done, and what to do next (hint). Its kind decides the exit code of the process
// (PRODUCT.md "Exit codes"). Waiting, skipping, inconclusive and no-data are values of a verdict, never
// errors.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace tranche {

// The number is the process exit code.
enum class ErrorKind {
  failed = 1,         // the world did not do what was asked: network, disk, a tool
  usage = 2,          // wrong command line
  invalid = 3,        // invalid file or unsupported request
  gate_failed = 4,    // a gate said fail
  verification = 6,   // signature, digest, journal or feed verification failed
  denied = 7,         // policy
  pending = 8,        // baking, held, waiting for approval
  conflict = 9,       // somebody else moved the state; run again
  stranded = 10,      // stopped, devices stranded
  bug = 70,           // ours
  interrupted = 130,  // Ctrl-C
};

// A place in a text that a user wrote. Lines and columns count from 1, columns in bytes; length >= 1.
struct Mark {
  std::string file;
  int line = 0;
  int column = 0;
  int length = 1;
  std::string excerpt;  // the whole line, without its newline; may be empty when unknown
};

struct Error {
  ErrorKind kind = ErrorKind::failed;
  std::string message;       // one sentence, lower case, no full stop
  std::optional<Mark> mark;  // where in the user's file
  std::string hint;          // what to do next; may be empty
  std::vector<std::string>
      while_doing;            // innermost first: "reading tranche.yaml", "planning rollout 'desktop'"
  std::vector<Error> others;  // further errors of the same run (all errors of a file are shown at once)

  Error() = default;
  Error(ErrorKind k, std::string m, std::string h = {})
      : kind(k), message(std::move(m)), hint(std::move(h)) {}
  Error&& with_hint(std::string h) && {
    hint = std::move(h);
    return std::move(*this);
  }
  Error&& at(Mark m) && {
    mark = std::move(m);
    return std::move(*this);
  }
  Error&& during(std::string what) && {
    while_doing.push_back(std::move(what));
    return std::move(*this);
  }
};

template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

// fail(ErrorKind::invalid, "unknown gate '{}'", name) -> return value of any Result-returning function.
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorKind kind, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected<Error>(Error(kind, fmt::format(format, std::forward<Args>(args)...)));
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

// fail_hint(kind, "do this instead", "message {}", x)
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail_hint(ErrorKind kind, std::string hint,
                                               fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected<Error>(
      Error(kind, fmt::format(format, std::forward<Args>(args)...), std::move(hint)));
}

}  // namespace tranche

#define TRANCHE_CONCAT_(a, b) a##b
#define TRANCHE_CONCAT(a, b) TRANCHE_CONCAT_(a, b)

// auto x = TRY(f());   TRY(g());      returns the error to the caller, otherwise yields the value.
// Never behind another element of a braced list, {a, TRY(b())}: GCC 12 leaks `a` when it returns from there
// (tests/layering.py looks for it).
#define TRY(...) TRANCHE_TRY_AS(TRANCHE_CONCAT(try_result_, __COUNTER__), __VA_ARGS__)
#define TRANCHE_TRY_AS(name, ...)                                           \
  __extension__({                                                           \
    auto&& name = (__VA_ARGS__);                                            \
    if (!name.has_value()) return std::unexpected(std::move(name.error())); \
    ::tranche::detail::take(std::move(name));                               \
  })

// auto x = TRY_WHILE("reading " + path, f()) adds what was being done to the error.
#define TRY_WHILE(what, ...) TRANCHE_TRY_WHILE_AS(TRANCHE_CONCAT(try_result_, __COUNTER__), what, __VA_ARGS__)
#define TRANCHE_TRY_WHILE_AS(name, what, ...)                                            \
  __extension__({                                                                        \
    auto&& name = (__VA_ARGS__);                                                         \
    if (!name.has_value()) return std::unexpected(std::move(name.error()).during(what)); \
    ::tranche::detail::take(std::move(name));                                            \
  })

namespace tranche::detail {
template <class T>
T take(Result<T>&& r) {
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}
}  // namespace tranche::detail
