// A fresh directory that nobody else can enter, gone with its owner: for keys that a tool wants as files, and
// for the copy of a file that a tool changes in place. What a killed run left is removed by the next one.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::signing {

class PrivateDirectory {
 public:
  enum class Holds { secrets, files };
  // secrets: in memory (/dev/shm) where there is such a place; files may be large: under TMPDIR or /tmp. The
  // path has at most 80 bytes: sockets fit into it. kind failed: none can be made.
  static Result<std::unique_ptr<PrivateDirectory>> make(ports::World& world, Holds holds);
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  ~PrivateDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  PrivateDirectory(ports::World& world, std::string path) : world_(world), path_(std::move(path)) {}
  ports::World& world_;
  std::string path_;
  std::unique_ptr<ports::FileLock> owner_;
};

}  // namespace tranche::signing
