#include "attest/provenance.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::attest {
namespace {

constexpr std::size_t max_value_bytes = 1024;

// What git says of the work tree.
struct GitState {
  std::string commit, ref, remote;
  std::optional<bool> dirty;  // nullopt: git did not say
};

std::string git(ports::World& world, const std::string& repository, std::vector<std::string> arguments,
                bool& ran) {
  arguments.insert(arguments.begin(), "git");
  const auto result = world.process.run({.argv = std::move(arguments),
                                         .directory = repository,
                                         .timeout = std::chrono::seconds(20),
                                         .max_output_bytes = 1 << 16});
  ran = result && result->exit_code == 0;
  return ran ? std::string(trim(result->out)) : std::string();
}

bool is_commit(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) && lower(text) == text && from_hex(text);
}

bool usable(std::string_view text) {
  return text.size() <= max_value_bytes && printable(text, max_value_bytes) == text;
}

GitState ask_git(ports::World& world, const std::string& repository) {
  GitState state;
  bool ran = false;
  state.commit = git(world, repository, {"rev-parse", "--verify", "HEAD"}, ran);
  if (!is_commit(state.commit)) return {};
  state.ref = git(world, repository, {"symbolic-ref", "-q", "HEAD"}, ran);
  state.remote = public_remote(git(world, repository, {"config", "--get", "remote.origin.url"}, ran));
  const std::string changes = git(world, repository, {"status", "--porcelain", "--untracked-files=no"}, ran);
  if (ran) state.dirty = !changes.empty();
  if (!usable(state.ref)) state.ref.clear();
  if (!usable(state.remote)) state.remote.clear();
  return state;
}

class CiVariables {
 public:
  CiVariables(ports::World& world, std::string_view system) : world_(world), system_(system) {}

  // Empty when it is not set.
  Result<std::string> text(const char* name) const {
    const std::string value = world_.environ.get(name).value_or("");
    if (!usable(value))
      return fail_hint(ErrorKind::invalid, "run this in a job that " + std::string(system_) + " started",
                       "the variable {} of {} is too long or holds control characters", name, system_);
    return value;
  }
  Result<std::string> must(const char* name) const {
    const std::string value = TRY(text(name));
    if (value.empty())
      return fail_hint(ErrorKind::invalid, "run this in a job that " + std::string(system_) + " started",
                       "{} is said to run this, but {} is not set", system_, name);
    return value;
  }
  Result<std::string> commit(const char* name) const {
    const std::string value = TRY(must(name));
    if (!is_commit(value))
      return fail_hint(ErrorKind::invalid, "run this in a job that " + std::string(system_) + " started",
                       "{} is no commit: '{}'", name, printable(value, 80));
    return value;
  }

 private:
  ports::World& world_;
  std::string_view system_;
};

void set_text(doc::Value& object, std::string_view key, const std::string& text) {
  if (!text.empty()) object.set(std::string(key), text);
}

// What is built may differ from the commit that the CI names: say what lay there.
void add_work_tree(Provenance& made, const GitState& state) {
  doc::Value tree = doc::Value::object();
  if (!state.commit.empty() && state.commit != made.commit) tree.set("commit", state.commit);
  if (state.dirty) tree.set("dirty", *state.dirty);
  if (!tree.as_object().empty()) made.internal_parameters.set("workTree", std::move(tree));
}

// GITHUB_WORKFLOW_REF: "octo/notes/.github/workflows/release.yml@refs/heads/main".
std::string workflow_path(std::string_view workflow_ref, std::string_view repository) {
  if (workflow_ref.starts_with(std::string(repository) + "/"))
    workflow_ref.remove_prefix(repository.size() + 1);
  std::size_t end = workflow_ref.find("@refs/");
  if (end == std::string_view::npos) end = workflow_ref.find('@');
  return std::string(workflow_ref.substr(0, end));
}

Result<Provenance> from_github(ports::World& world) {
  const CiVariables ci(world, "GitHub Actions");
  const std::string server = public_remote(TRY(ci.must("GITHUB_SERVER_URL")));
  const std::string repository = TRY(ci.must("GITHUB_REPOSITORY"));
  const std::string ref = TRY(ci.must("GITHUB_REF"));
  const std::string workflow = TRY(ci.must("GITHUB_WORKFLOW_REF"));
  const std::string run = TRY(ci.must("GITHUB_RUN_ID"));
  const std::string attempt = TRY(ci.text("GITHUB_RUN_ATTEMPT"));
  const std::string url = server + "/" + repository;
  Provenance made;
  made.build_type = github_build_type;
  made.commit = TRY(ci.commit("GITHUB_SHA"));
  made.source = "git+" + url + "@" + ref;
  made.external_parameters.set(
      "workflow",
      doc::Value::object({{"ref", ref}, {"repository", url}, {"path", workflow_path(workflow, repository)}}));
  doc::Value github = doc::Value::object();
  set_text(github, "event_name", TRY(ci.text("GITHUB_EVENT_NAME")));
  set_text(github, "repository_id", TRY(ci.text("GITHUB_REPOSITORY_ID")));
  set_text(github, "repository_owner_id", TRY(ci.text("GITHUB_REPOSITORY_OWNER_ID")));
  set_text(github, "runner_environment", TRY(ci.text("RUNNER_ENVIRONMENT")));
  if (!github.as_object().empty()) made.internal_parameters.set("github", std::move(github));
  made.builder = server + "/" + workflow;
  made.invocation = fmt::format("{}/actions/runs/{}/attempts/{}", url, run, attempt.empty() ? "1" : attempt);
  return made;
}

Result<Provenance> from_gitlab(ports::World& world) {
  const CiVariables ci(world, "GitLab CI");
  const std::string project = public_remote(TRY(ci.must("CI_PROJECT_URL")));
  const std::string tag = TRY(ci.text("CI_COMMIT_TAG"));
  const std::string branch = TRY(ci.text("CI_COMMIT_REF_NAME"));
  Provenance made;
  made.build_type = gitlab_build_type;
  made.commit = TRY(ci.commit("CI_COMMIT_SHA"));
  made.source = "git+" + project;
  if (!tag.empty())
    made.source += "@refs/tags/" + tag;
  else if (!branch.empty())
    made.source += "@refs/heads/" + branch;
  made.external_parameters.set("source", project);
  made.external_parameters.set("entryPoint", TRY(ci.must("CI_JOB_NAME")));
  set_text(made.internal_parameters, "job", TRY(ci.text("CI_JOB_ID")));
  set_text(made.internal_parameters, "project", TRY(ci.text("CI_PROJECT_ID")));
  set_text(made.internal_parameters, "pipelineSource", TRY(ci.text("CI_PIPELINE_SOURCE")));
  set_text(made.internal_parameters, "configPath", TRY(ci.text("CI_CONFIG_PATH")));
  made.builder = project + "/-/runners/" + TRY(ci.must("CI_RUNNER_ID"));
  made.invocation = public_remote(TRY(ci.text("CI_JOB_URL")));
  if (const std::string started = TRY(ci.text("CI_JOB_STARTED_AT")); !started.empty())
    made.started = TRY_WHILE("reading CI_JOB_STARTED_AT", parse_instant(started));
  return made;
}

Provenance from_git(const GitState& state) {
  Provenance made;
  made.build_type = local_build_type;
  made.builder = local_builder;
  made.commit = state.commit;
  if (!state.remote.empty()) {
    made.source = (state.remote.starts_with("git:") ? "" : "git+") + state.remote;
    if (!state.ref.empty()) made.source += "@" + state.ref;
  }
  doc::Value source = doc::Value::object();
  set_text(source, "repository", state.remote);
  set_text(source, "ref", state.ref);
  if (!source.as_object().empty()) made.external_parameters.set("source", std::move(source));
  return made;
}

bool is_set(ports::World& world, const char* name) {
  const std::string value = world.environ.get(name).value_or("");
  return !value.empty() && value != "false";
}

}  // namespace

std::string public_remote(std::string_view remote) {
  const std::size_t scheme = remote.find("://");
  if (scheme != std::string_view::npos) {
    if (remote.starts_with("file:")) return {};
    const std::size_t start = scheme + 3;
    const std::size_t end = std::min(remote.find('/', start), remote.size());
    std::string_view host = remote.substr(start, end - start);
    if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
    if (host.empty()) return {};
    std::string_view rest = remote.substr(end);
    // A query or a fragment may carry a token.
    rest = rest.substr(0, rest.find_first_of("?#"));
    while (rest.ends_with('/')) rest.remove_suffix(1);
    return std::string(remote.substr(0, start)) + std::string(host) + std::string(rest);
  }
  // scp form: [user@]host:path, where no '/' stands before the colon.
  const std::size_t colon = remote.find(':');
  if (colon == std::string_view::npos || remote.find('/') < colon) return {};
  std::string_view host = remote.substr(0, colon);
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  std::string_view path = remote.substr(colon + 1);
  while (path.starts_with('/')) path.remove_prefix(1);
  if (host.empty() || path.empty()) return {};
  return fmt::format("ssh://{}/{}", host, path);
}

doc::Value to_predicate(const Provenance& provenance) {
  doc::Value definition = doc::Value::object(
      {{"buildType", provenance.build_type}, {"externalParameters", provenance.external_parameters}});
  if (!provenance.internal_parameters.as_object().empty())
    definition.set("internalParameters", provenance.internal_parameters);
  if (!provenance.commit.empty()) {
    doc::Value source = doc::Value::object();
    set_text(source, "uri", provenance.source);
    if (provenance.source.empty()) source.set("name", "source");
    source.set("digest", doc::Value::object({{"gitCommit", provenance.commit}}));
    doc::Value dependencies = doc::Value::array();
    dependencies.push(std::move(source));
    definition.set("resolvedDependencies", std::move(dependencies));
  }
  doc::Value details = doc::Value::object({{"builder", doc::Value::object({{"id", provenance.builder}})}});
  doc::Value metadata = doc::Value::object();
  set_text(metadata, "invocationId", provenance.invocation);
  if (provenance.started) metadata.set("startedOn", to_text(*provenance.started));
  if (!metadata.as_object().empty()) details.set("metadata", std::move(metadata));
  return doc::Value::object({{"buildDefinition", std::move(definition)}, {"runDetails", std::move(details)}});
}

Result<Provenance> gather_provenance(ports::World& world, const std::string& repository) {
  const GitState state = ask_git(world, repository);
  Provenance made;
  if (is_set(world, "GITHUB_ACTIONS"))
    made = TRY_WHILE("reading what GitHub Actions says of this run", from_github(world));
  else if (is_set(world, "GITLAB_CI"))
    made = TRY_WHILE("reading what GitLab CI says of this job", from_gitlab(world));
  else
    made = from_git(state);
  add_work_tree(made, state);
  return made;
}

}  // namespace tranche::attest
