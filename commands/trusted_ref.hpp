// Configuration that a stranger may have written: that of a pull request. What decides where an identity
// token goes, which programs run and who is sent requests is compared with the same at a trusted ref
// (ARCHITECTURE.md, "Security").
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "commands/command.hpp"
#include "commands/support.hpp"

namespace tranche::commands {

// --trusted-ref REF
Flag trusted_ref_flag();

// The ref that counts: `asked` when it is not empty; else in CI of a pull request the branch that it wants to
// go to (GitHub Actions: origin/GITHUB_BASE_REF; GitLab CI: origin/CI_MERGE_REQUEST_TARGET_BRANCH_NAME, or
// CI_MERGE_REQUEST_DIFF_BASE_SHA). nullopt: the configuration is not a stranger's. A pull request whose
// target is not said is kind denied.
Result<std::optional<std::string>> find_trusted_ref(Context& context, const std::string& asked);

// The committed files of a git work tree as they are at a ref, for reading: a path of the work tree stands
// for the same path at the ref. Links are no files. kind denied, with what to fetch, when the ref is not
// here.
class RefFiles {
 public:
  static Result<std::unique_ptr<RefFiles>> open(ports::World& world, const std::string& directory,
                                                const std::string& ref);
  virtual ~RefFiles() = default;
  [[nodiscard]] virtual ports::Files& files() = 0;
  // The path of files() for a path of this machine; nullopt: it lies outside the work tree.
  virtual Result<std::optional<std::string>> path_of(const std::string& path) = 0;
};

// What `config` says must be what the trusted ref says, where one counts: --trusted-ref, or the target of the
// pull request whose CI this is. `keys`: members of the effective app (spec::to_value) that are compared;
// empty: all but `artifacts` and `sbom`, which say what is built and not what is done. kind denied, with the
// first key that differs.
Result<> demand_trusted(Context& context, const Options& options, const Loaded& loaded,
                        const std::vector<std::string>& keys, std::string_view what);

}  // namespace tranche::commands
