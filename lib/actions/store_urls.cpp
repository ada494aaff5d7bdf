#include "actions/store_urls.hpp"

#include "base/paths.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

std::string variable(ports::World& world, const char* name) { return world.environ.get(name).value_or(""); }

Result<std::string> absolute_here(ports::World& world, const std::string& path) {
  if (path.starts_with('/')) return path;
  return join_path(TRY(world.files.current_directory()), path);
}

void read_bucket(ports::World& world, spec::S3& s3) {
  if (const std::string region = variable(world, "TRANCHE_S3_REGION"); !region.empty()) s3.region = region;
  s3.endpoint = variable(world, "TRANCHE_S3_ENDPOINT");
  const std::string style = variable(world, "TRANCHE_S3_PATH_STYLE");
  s3.path_style = style == "1" || style == "true";
  if (!variable(world, "TRANCHE_S3_SESSION_TOKEN").empty()) s3.session_token = "env:TRANCHE_S3_SESSION_TOKEN";
}

Result<spec::StoreRef> parse(const std::string& text, const char* flag, const char* forms) {
  auto ref = spec::parse_store_ref(text);
  if (!ref)
    return fail_hint(ErrorKind::usage, fmt::format("write {}", forms), "{} '{}' is no place", flag,
                     printable(text, 200));
  return std::move(*ref);
}

}  // namespace

Result<spec::State> parse_state_url(ports::World& world, const std::string& text) {
  const spec::StoreRef ref =
      TRY(parse(text, "--state", "dir:PATH, git:REMOTE#BRANCH[:DIR] or s3://BUCKET/PREFIX"));
  spec::State state;
  switch (ref.kind) {
    case spec::StoreRef::Kind::dir:
      state.kind = spec::State::Kind::dir;
      state.path = TRY(absolute_here(world, ref.path));
      return state;
    case spec::StoreRef::Kind::s3:
      state.kind = spec::State::Kind::s3;
      state.path = ref.path;
      read_bucket(world, state.s3);
      return state;
    case spec::StoreRef::Kind::git:
      break;
  }
  state.kind = spec::State::Kind::git;
  state.remote = ref.path;
  if (const auto hash = ref.path.rfind('#'); hash != std::string::npos) {
    state.remote = ref.path.substr(0, hash);
    state.branch = ref.path.substr(hash + 1);
    if (const auto colon = state.branch.find(':'); colon != std::string::npos) {
      state.directory = state.branch.substr(colon + 1);
      state.branch.resize(colon);
    }
  }
  if (state.remote.empty() || state.branch.empty())
    return fail_hint(ErrorKind::usage, "write git:REMOTE#BRANCH", "--state '{}' names no remote or no branch",
                     printable(text, 200));
  if (!variable(world, "TRANCHE_GIT_TOKEN").empty()) state.token = "env:TRANCHE_GIT_TOKEN";
  return state;
}

Result<spec::StoreRef> parse_store_url(ports::World& world, const std::string& text) {
  spec::StoreRef ref = TRY(parse(text, "--store", "dir:PATH, git:REMOTE#BRANCH or s3://BUCKET/PREFIX"));
  if (ref.kind == spec::StoreRef::Kind::dir) ref.path = TRY(absolute_here(world, ref.path));
  if (ref.kind == spec::StoreRef::Kind::s3) read_bucket(world, ref.s3);
  return ref;
}

}  // namespace tranche::actions
