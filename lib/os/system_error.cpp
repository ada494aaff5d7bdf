#include "os/system_error.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace tranche::os {
namespace {

std::string hint_for(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "free some space on that disk and run again; nothing was replaced";
    case EACCES:
    case EPERM:
      return "check the owner and the mode of the path and of its directory";
    case EROFS:
      return "that file system is read-only: use a path on another one";
    case EIO:
      return "the disk fails or was taken away: look at the kernel's log, then run again";
    case ENOENT:
      return "check the spelling of the path";
    case ENOTDIR:
      return "a part of the path is a file, not a directory";
    case EISDIR:
      return "the path is a directory; name a file";
    case ENAMETOOLONG:
      return "use a shorter path";
    case ELOOP:
      return "symbolic links lead in a circle: mend them";
    case EMFILE:
    case ENFILE:
      return "too many open files: raise the limit (ulimit -n)";
    default:
      return {};
  }
}

}  // namespace

std::string error_text(int code) {
  std::array<char, 256> buffer{};
  return strerror_r(code, buffer.data(), buffer.size());
}

Error path_error(std::string_view what, std::string_view path, int code) {
  return {ErrorKind::failed, fmt::format("cannot {} '{}': {}", what, printable(path), error_text(code)),
          hint_for(code)};
}

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace tranche::os
