// Shared libraries that open on first use. libcurl and libgit2 bring 40 libraries with them and cost 5 ms of
// every start; most commands need neither. A Library is opened when its first symbol is asked for, and stays
// open.
#pragma once

#include <dlfcn.h>

#include <mutex>
#include <string>

#include "base/error.hpp"

namespace tranche::ports {

class Library {
 public:
  // soname: "libcurl.so.4"; package: the Debian package that has it, for the hint.
  Library(std::string soname, std::string package)
      : soname_(std::move(soname)), package_(std::move(package)) {}
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() = default;  // never closed: callbacks and thread-local state outlive main's end

  // `into` is a function pointer of the right type. Thread-safe.
  template <class Function>
  Result<> load(Function*& into, const char* symbol) {
    const std::lock_guard guard(mutex_);
    if (handle_ == nullptr) handle_ = dlopen(soname_.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr)
      return fail_hint(ErrorKind::failed, "install it: apt-get install " + package_, "cannot open {}",
                       soname_);
    void* found = dlsym(handle_, symbol);
    if (found == nullptr)
      return fail_hint(ErrorKind::failed, "install a newer " + package_, "{} has no {}", soname_, symbol);
    into = reinterpret_cast<Function*>(found);
    return {};
  }

 private:
  std::mutex mutex_;
  std::string soname_;
  std::string package_;
  void* handle_ = nullptr;
};

}  // namespace tranche::ports
