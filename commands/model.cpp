#include "commands/model.hpp"

#include <algorithm>

#include "attest/model.hpp"
#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/bundles.hpp"
#include "commands/seal.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"
#include "sigstore/read_bundle.hpp"
#include "sigstore/verify.hpp"

namespace tranche::commands {
namespace {

constexpr std::string_view signature_name = "model.sig";
constexpr std::size_t most_rows = 100;  // of files that differ

Result<std::string> only_path(const Options& options) {
  const std::vector<std::string> paths = options.list("path");
  if (paths.size() != 1)
    return fail_hint(ErrorKind::usage, "name the directory of the model",
                     "--format model takes one directory or file");
  std::string path = paths.front();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Result<std::string> signature_of(Context& context, const std::string& path) {
  const auto info = TRY(context.world.files.info(path));
  const bool is_directory = info && info->kind == ports::FileInfo::Kind::directory;
  return is_directory ? join_path(path, signature_name) : path + "." + std::string(signature_name);
}

// A signature that lies in the model is no part of it.
Result<> ignore_signature(Context& context, const std::string& path, const std::string& signature,
                          std::vector<std::string>& ignored) {
  const std::string inside = normal_path(signature), root = normal_path(path);
  if (inside == root || !is_within(root, inside)) return {};
  const auto info = TRY(context.world.files.info(path));
  if (!info || info->kind != ports::FileInfo::Kind::directory) return {};
  const std::string name = root == "." ? inside : inside.substr(root.size() + (root == "/" ? 0 : 1));
  if (std::find(ignored.begin(), ignored.end(), name) == ignored.end()) ignored.push_back(name);
  return {};
}

Result<> check_files(Checks& checks, Context& context, const std::string& path, const std::string& signature,
                     const attest::Model& model) {
  attest::Serialization how = model.serialization;
  TRY(ignore_signature(context, path, signature, how.ignore_paths));
  const attest::MeasuredModel here = TRY(attest::measure_model(context.world.files, path, how));
  std::vector<attest::ModelProblem> problems = here.problems;
  // A link that may not be there is said once, not also as a file that is missing.
  for (const attest::ModelProblem& problem : attest::compare_models(model, here.model))
    if (std::ranges::find(here.problems, problem.path, &attest::ModelProblem::path) == here.problems.end())
      problems.push_back(problem);
  if (problems.empty()) {
    checks.good("files", fmt::format("{} as signed, {}", count_of(model.resources.size(), "file"),
                                     format_bytes(here.size)));
    return {};
  }
  for (std::size_t i = 0; i < std::min(problems.size(), most_rows); ++i)
    checks.bad(problems[i].path, problems[i].reason, problems[i].detail);
  if (problems.size() > most_rows)
    checks.bad("files", problems.back().reason,
               fmt::format("and {} more differ", problems.size() - most_rows));
  return {};
}

}  // namespace

Result<Outcome> sign_model(const Options& options, Context& context) {
  const std::string path = TRY(only_path(options));
  const std::string output = TRY(signature_of(context, path));
  attest::Serialization how;
  how.ignore_paths = attest::usual_ignored_paths();
  TRY(ignore_signature(context, path, output, how.ignore_paths));
  const attest::MeasuredModel measured = TRY(attest::measure_model(context.world.files, path, how));
  if (!measured.problems.empty()) {
    const attest::ModelProblem& first = measured.problems.front();
    return fail_hint(ErrorKind::invalid, "put a copy of the file there", "'{}' is {}", printable(first.path),
                     first.detail);
  }
  const attest::Statement statement = TRY(attest::to_statement(measured.model));
  const std::string payload = TRY(attest::to_payload(statement));
  const std::string& root = *statement.subjects.front().digest("sha256");
  Sealed sealed;
  if (!context.dry_run)
    sealed = TRY(seal_statement(options, context,
                                {.payload = payload,
                                 .artifact_sha256 = root,
                                 .output = output,
                                 .pending = path + ".model.pending",
                                 .hint = KeyHint::pem}));
  doc::Value files = doc::Value::array();
  files.push(doc::Value::object({{"path", path},
                                 {"size", measured.size},
                                 {"sha256", root},
                                 {"bundle", output},
                                 {"signer", sealed.signer},
                                 {"kept", sealed.kept}}));
  return Outcome{.json = doc::Value::object(
                     {{"schema", "tranche/sign/v1"}, {"format", "model"}, {"files", std::move(files)}}),
                 .text = fmt::format("{} {}: {}, {}, {}  {}\n",
                                     context.dry_run ? "would sign"
                                     : sealed.kept   ? "already signed"
                                                     : "signed",
                                     printable(path), count_of(measured.model.resources.size(), "file"),
                                     format_bytes(measured.size), short_id(root), printable(output))};
}

Result<> verify_model(Checks& checks, const Options& options, Context& context) {
  const std::string path = TRY(only_path(options));
  const std::string at = options.given("bundle") ? options.text("bundle") : TRY(signature_of(context, path));
  const auto text = TRY(context.world.files.read(at, sigstore::max_bundle_bytes));
  if (!text) {
    checks.bad("signature", "unsigned", fmt::format("there is no {}", printable(at)));
    return {};
  }
  const auto bundle = sigstore::read_bundle(*text);
  if (!bundle) {
    checks.bad("bundle", code_of(bundle.error().reason), bundle.error().detail);
    return {};
  }
  if (!bundle->envelope || bundle->envelope->payload_type != attest::in_toto_type) {
    checks.bad("bundle", "wrong-payload-type", "it signs no in-toto statement");
    return {};
  }
  const auto statement = attest::parse_statement(bundle->envelope->payload);
  const auto model =
      statement ? attest::model_from_statement(*statement) : Result<attest::Model>(fail(statement.error()));
  if (!model) {
    checks.bad("manifest", "bad-manifest", error_text(model.error()));
    return {};
  }
  const std::string& root = *statement->subjects.front().digest("sha256");
  BundleVerifier verifier(options, context, false);
  TRY(verifier.judge(checks, *bundle, {.sha256 = from_hex(root).value_or("")}));
  if (!checks.reason.empty()) return {};
  checks.good("manifest", fmt::format("{}, sha256 {}", printable(model->name), short_id(root)));
  return check_files(checks, context, path, at, *model);
}

}  // namespace tranche::commands
