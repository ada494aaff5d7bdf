#include "platform/tool.hpp"

#include "base/text.hpp"

namespace tranche::platform {
namespace {

constexpr std::chrono::minutes longest_run{10};  // a package of some GiB, or a slow timestamp authority

}  // namespace

Result<ports::ProcessResult> run_tool(ports::World& world, const ToolRun& run) {
  ports::ProcessRequest request;
  request.argv = run.argv;
  request.environment = run.environment;
  request.environment.insert({"LC_ALL", "C"});
  request.input = std::string(run.input.expose());
  request.timeout = longest_run;
  auto result = world.process.run(request);
  if (result) return std::move(*result);
  // A tool that does not end is there.
  if (!result.error().message.starts_with("cannot run")) return fail(std::move(result.error()));
  return fail(
      std::move(result.error()).with_hint(fmt::format("install it: apt-get install {}", run.package)));
}

std::string file_word(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

std::string last_words(const ports::ProcessResult& result) {
  for (const std::string_view said : {trim(result.err), trim(result.out)})
    if (!said.empty()) return printable(said.substr(said.rfind('\n') + 1));
  return fmt::format("exit code {}", result.exit_code);
}

Result<WorkCopy> WorkCopy::make(ports::World& world, const std::string& path, const std::string& name) {
  const auto info = TRY(world.files.info(path));
  if (!info)
    return fail_hint(ErrorKind::failed, "correct the path", "there is no file '{}'", printable(path));
  std::string target = TRY(world.files.real_path(path));
  auto directory = TRY(signing::PrivateDirectory::make(world, signing::PrivateDirectory::Holds::files));
  std::string copy = *directory / name;
  TRY(world.files.copy(target, copy));
  return WorkCopy(std::move(directory), std::move(target), std::move(copy));
}

Result<> WorkCopy::put_back(ports::Files& files, const std::string& from) const {
  return files.copy(from, target_);
}

}  // namespace tranche::platform
