#include "commands/trusted_ref.hpp"

#include <algorithm>
#include <map>

#include "base/paths.hpp"
#include "base/text.hpp"

namespace tranche::commands {
namespace {

constexpr std::size_t max_blob_bytes = 16 << 20;
constexpr std::string_view tree_root = "/tree";

bool is_ref(std::string_view ref) {
  return !ref.empty() && ref.size() <= 255 && ref.front() != '-' && std::ranges::all_of(ref, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._/-+@#").find(c) != std::string_view::npos;
  });
}

std::unexpected<Error> read_only() {
  return fail(ErrorKind::bug, "the files of a git ref are for reading only");
}

// One `git` each: few files are asked for.
class Git {
 public:
  Git(ports::Process& process, std::string directory) : process_(process), directory_(std::move(directory)) {}

  // nullopt: git said no.
  Result<std::optional<std::string>> ask(const std::vector<std::string>& words,
                                         std::size_t max_bytes = 64 << 10) {
    ports::ProcessRequest request;
    request.argv = {"git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", directory_};
    request.argv.insert(request.argv.end(), words.begin(), words.end());
    request.timeout = std::chrono::seconds(30);
    request.max_output_bytes = max_bytes;
    const auto answer = TRY(process_.run(request));
    if (answer.exit_code != 0) return std::optional<std::string>();
    if (answer.cut)
      return fail(ErrorKind::invalid, "a file at the trusted ref has more than {} bytes", max_bytes);
    return std::optional(answer.out);
  }

 private:
  ports::Process& process_;
  std::string directory_;
};

class TreeFiles final : public ports::Files {
 public:
  TreeFiles(Git git, std::string commit) : git_(std::move(git)), commit_(std::move(commit)) {}

  Result<std::optional<std::string>> read(const std::string& path, std::size_t max_bytes) override {
    const auto found = TRY(info(path));
    if (!found) return std::optional<std::string>();
    if (found->kind != ports::FileInfo::Kind::file)
      return fail(ErrorKind::invalid, "'{}' is no file at the trusted ref", printable(path));
    return git_.ask({"cat-file", "blob", commit_ + ":" + inside(path)}, std::min(max_bytes, max_blob_bytes));
  }
  Result<std::optional<ports::FileInfo>> info(const std::string& path) override {
    ports::FileInfo one;
    one.kind = ports::FileInfo::Kind::directory;
    if (inside(path).empty()) return std::optional(one);
    const auto line = TRY(git_.ask({"ls-tree", "-z", commit_, "--", inside(path)}));
    if (!line || line->empty()) return std::optional<ports::FileInfo>();
    if (line->starts_with("100"))
      one.kind = ports::FileInfo::Kind::file;
    else if (!line->starts_with("040"))
      one.kind = ports::FileInfo::Kind::symlink;  // or a submodule: nothing that is read
    return std::optional(one);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::vector<std::string> names;
    const std::string where = inside(directory);
    const auto text = TRY(git_.ask({"ls-tree", "-z", "--name-only", commit_ + ":" + where}, 1 << 20));
    if (!text)
      return fail(ErrorKind::invalid, "'{}' is no directory at the trusted ref", printable(directory));
    for (const std::string_view name : split(*text, '\0'))
      if (!name.empty()) names.emplace_back(name);
    std::ranges::sort(names);
    return names;
  }
  Result<std::string> real_path(const std::string& path) override { return normal_path(path); }
  Result<std::string> current_directory() override { return std::string(tree_root); }

  Result<std::unique_ptr<ports::FileReader>> open(const std::string&) override { return read_only(); }
  Result<> write(const std::string&, std::string_view, std::uint32_t) override { return read_only(); }
  Result<> create(const std::string&, std::string_view, std::uint32_t) override { return read_only(); }
  Result<> copy(const std::string&, const std::string&, const Watch&) override { return read_only(); }
  Result<> remove(const std::string&) override { return read_only(); }
  Result<> make_directories(const std::string&) override { return read_only(); }
  Result<std::unique_ptr<ports::FileLock>> lock(const std::string&, Duration) override { return read_only(); }

 private:
  // "/tree/ops/a.yaml" → "ops/a.yaml"
  static std::string inside(const std::string& path) {
    const std::string normal = normal_path(path);
    return normal.size() <= tree_root.size() ? "" : normal.substr(tree_root.size() + 1);
  }
  Git git_;
  std::string commit_;
};

class GitRefFiles final : public RefFiles {
 public:
  GitRefFiles(ports::World& world, std::string top, std::string commit)
      : world_(world), top_(std::move(top)), tree_(Git(world.process, top_), std::move(commit)) {}
  ports::Files& files() override { return tree_; }
  Result<std::optional<std::string>> path_of(const std::string& path) override {
    const std::string name = base_name(path);
    const std::string directory = directory_name(path);
    const std::string real =
        join_path(TRY(world_.files.real_path(directory.empty() ? "." : directory)), name);
    if (!is_within(top_, real)) return std::optional<std::string>();
    return std::optional(std::string(tree_root) + real.substr(top_ == "/" ? 0 : top_.size()));
  }

 private:
  ports::World& world_;
  std::string top_;
  TreeFiles tree_;
};

}  // namespace

Flag trusted_ref_flag() {
  return {
      .name = "trusted-ref",
      .value = "REF",
      .help =
          "what is run, asked and sent must be what the file says at this git ref; in CI of a pull request "
          "by default its target branch"};
}

Result<std::optional<std::string>> find_trusted_ref(Context& context, const std::string& asked) {
  using Found = std::optional<std::string>;
  if (!asked.empty()) return Found(asked);
  const auto value = [&](const char* name) { return context.world.environ.get(name).value_or(""); };
  const auto origin = [](const std::string& branch) { return Found("origin/" + branch); };
  const std::string event = value("GITHUB_EVENT_NAME");
  if (!value("GITHUB_ACTIONS").empty()) {
    if (const std::string base = value("GITHUB_BASE_REF"); !base.empty()) return origin(base);
    if (event.starts_with("pull_request"))
      return fail_hint(ErrorKind::denied, "name the branch that counts: --trusted-ref origin/main",
                       "this is CI of a pull request, and nothing says where it wants to go");
  }
  if (!value("GITLAB_CI").empty()) {
    if (const std::string base = value("CI_MERGE_REQUEST_DIFF_BASE_SHA"); !base.empty()) return Found(base);
    if (const std::string target = value("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"); !target.empty())
      return origin(target);
    if (value("CI_PIPELINE_SOURCE") == "merge_request_event")
      return fail_hint(ErrorKind::denied, "name the branch that counts: --trusted-ref origin/main",
                       "this is CI of a merge request, and nothing says where it wants to go");
  }
  return Found();
}

Result<> demand_trusted(Context& context, const Options& options, const Loaded& loaded,
                        const std::vector<std::string>& keys, std::string_view what) {
  const auto ref =
      TRY(find_trusted_ref(context, options.given("trusted-ref") ? options.text("trusted-ref") : ""));
  if (!ref) return {};
  const std::string shown = printable(*ref, 80);
  const auto refuse = [&](std::string why) {
    return fail_hint(ErrorKind::denied, "merge the change first, or run it where it is merged",
                     "{} is not done for a file that {} does not have: {}", what, shown, std::move(why));
  };
  const auto tree = TRY(RefFiles::open(context.world, loaded.repository(), *ref));
  const auto path = TRY(tree->path_of(loaded.spec.file));
  if (!path) return refuse(printable(loaded.spec.file, 160) + " lies outside the checkout");
  const auto there = spec::load(tree->files(), *path);
  if (!there) return refuse(there.error().message);
  const spec::App* app = there->app(loaded.app().name);
  if (app == nullptr) return refuse("there is no app '" + loaded.app().name + "'");
  const doc::Value mine = spec::to_value(loaded.app());
  const doc::Value trusted = spec::to_value(*app);
  const auto counts = [&](const std::string& key) {
    if (keys.empty()) return key != "artifacts" && key != "sbom";
    return std::ranges::find(keys, key) != keys.end();
  };
  const auto text_of = [](const doc::Value* value) {
    return value == nullptr ? std::string() : doc::to_json(*value);
  };
  for (const auto* side : {&mine, &trusted})
    for (const doc::Member& member : side->as_object())
      if (counts(member.key) && text_of(mine.find(member.key)) != text_of(trusted.find(member.key)))
        return refuse("'" + member.key + ":' differs");
  return {};
}

Result<std::unique_ptr<RefFiles>> RefFiles::open(ports::World& world, const std::string& directory,
                                                 const std::string& ref) {
  if (!is_ref(ref))
    return fail_hint(ErrorKind::usage, "write it as origin/main or a commit", "'{}' is no git ref",
                     printable(ref, 80));
  Git git(world.process, directory.empty() ? "." : directory);
  const auto top = TRY(git.ask({"rev-parse", "--show-toplevel"}));
  const auto commit =
      TRY(git.ask({"rev-parse", "--verify", "--quiet", "--end-of-options", ref + "^{commit}"}));
  if (!top || !commit) {
    const std::string branch = ref.starts_with("origin/") ? ref.substr(7) : ref;
    return fail_hint(
        ErrorKind::denied,
        fmt::format("fetch it: git fetch --depth 1 origin {}:refs/remotes/origin/{}; or name "
                    "another with --trusted-ref",
                    branch, branch),
        "the trusted ref '{}' is not in this checkout: what a pull request changed cannot be told",
        printable(ref, 80));
  }
  const std::string real = TRY(world.files.real_path(std::string(trim(*top))));
  return std::unique_ptr<RefFiles>(std::make_unique<GitRefFiles>(world, real, std::string(trim(*commit))));
}

}  // namespace tranche::commands
