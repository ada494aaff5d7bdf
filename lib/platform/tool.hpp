// The platforms' own signing tools as child processes, and the copy of a file that they change.
//
// These tools work in place and are killed like any other: so they get a copy in a directory of our own, and
// the file is replaced at once, when the copy has been checked.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "ports/ports.hpp"
#include "signing/private_directory.hpp"

namespace tranche::platform {

struct ToolRun {
  std::vector<std::string> argv;  // no secrets
  std::string_view package;       // Debian's, that has the program
  std::map<std::string, std::string> environment;
  Secret input;
};

// Any exit code is a result. kind failed with a hint when the program is not here.
Result<ports::ProcessResult> run_tool(ports::World& world, const ToolRun& run);
// The path as an argument that is no option and no manifest of paths.
std::string file_word(const std::string& path);
// The last line that the tool said, or its exit code; fit for a message.
std::string last_words(const ports::ProcessResult& result);

class WorkCopy {
 public:
  // Copies the file that `path` names, through links, to a private directory, as `name`.
  static Result<WorkCopy> make(ports::World& world, const std::string& path, const std::string& name);
  [[nodiscard]] const std::string& path() const { return copy_; }
  [[nodiscard]] std::string beside(const std::string& name) const { return *directory_ / name; }
  // `from`, a file beside the copy or the copy itself, takes the file's place: atomic and durable.
  Result<> put_back(ports::Files& files, const std::string& from) const;

 private:
  WorkCopy(std::unique_ptr<signing::PrivateDirectory> directory, std::string target, std::string copy)
      : directory_(std::move(directory)), target_(std::move(target)), copy_(std::move(copy)) {}
  std::unique_ptr<signing::PrivateDirectory> directory_;
  std::string target_;
  std::string copy_;
};

}  // namespace tranche::platform
