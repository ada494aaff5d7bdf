#include "commands/model.hpp"

#include <algorithm>

#include "attest/model.hpp"
#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/seal.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"
#include "signing/dsse.hpp"
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

struct Believed {
  sigstore::Policy policy;
  std::string root_path;
};

Result<Believed> whom_to_believe(const Options& options, Context& context) {
  Believed believed;
  if (options.given("certificate-identity") != options.given("certificate-oidc-issuer"))
    return fail_hint(ErrorKind::usage, "an identity is worth what its provider is: give both",
                     "--certificate-identity and --certificate-oidc-issuer belong together");
  believed.root_path = options.text("trusted-root");
  if (options.given("certificate-identity")) {
    believed.policy.identities.push_back(
        {options.text("certificate-identity"), options.text("certificate-oidc-issuer")});
  } else if (options.given("key")) {
    for (const std::string& path : options.list("key"))
      believed.policy.keys.push_back(
          TRY_WHILE("reading " + printable(path),
                    crypto::AnyPublicKey::from_pem(TRY(read_input(context, path, 64 << 10)))));
  } else {
    const Loaded loaded = TRY(load_app(context, options));
    for (const crypto::PublicKey& key : TRY(load_trust(context, loaded.spec, loaded.app())).release)
      believed.policy.keys.push_back(TRY(crypto::AnyPublicKey::from_pem(crypto::to_pem(key))));
    for (const spec::Identity& one : loaded.app().trust.identities)
      believed.policy.identities.push_back({one.identity, one.issuer});
    if (believed.root_path.empty() && !loaded.app().trust.trusted_root.empty())
      believed.root_path = join_path(loaded.repository(), loaded.app().trust.trusted_root);
  }
  return believed;
}

// A key signed. Model signing's own tool names it by the digest of its PEM and leaves the keyid empty, so the
// hint is no more than a hint here: a key that is believed must have signed.
void check_key(Checks& checks, const sigstore::Bundle& bundle, const Believed& believed) {
  if (believed.policy.keys.empty()) {
    checks.bad("signature", "no-key", "a key signed, and none is trusted here; name one with --key PATH");
    return;
  }
  const std::string message =
      signing::pre_authentication_encoding(bundle.envelope->payload_type, bundle.envelope->payload);
  for (const crypto::AnyPublicKey& key : believed.policy.keys)
    if (key.verify(key.usual_scheme(), message, bundle.envelope->signature)) {
      checks.good("signature", fmt::format("key {}", short_id(key.id())));
      return;
    }
  const bool named = std::ranges::any_of(believed.policy.keys, [&](const crypto::AnyPublicKey& key) {
    return *bundle.public_key_hint == key.id() ||
           *bundle.public_key_hint == crypto::to_hex(crypto::sha256(key.to_pem()));
  });
  if (named)
    checks.bad("signature", "bad-signature",
               "the signature is wrong: the manifest was changed after signing");
  else
    checks.bad(
        "signature", "wrong-key",
        fmt::format("no trusted key signed it; it names key '{}'", printable(*bundle.public_key_hint, 80)));
}

Result<> check_certificate(Checks& checks, Context& context, const sigstore::Bundle& bundle,
                           const Believed& believed, const std::string& root_digest) {
  std::optional<sigstore::TrustedRoot> root;
  if (!believed.root_path.empty()) {
    const auto read = sigstore::read_trusted_root(
        TRY(read_input(context, believed.root_path, sigstore::max_trusted_root_bytes)));
    if (!read) {
      checks.bad("trusted-root", code_of(read.error().reason), read.error().detail);
      return {};
    }
    root = *read;
  }
  const sigstore::Verdict verdict =
      sigstore::verify(bundle, root ? &*root : nullptr, believed.policy,
                       sigstore::Artifact{.sha256 = from_hex(root_digest).value_or("")});
  for (const sigstore::Check& check : verdict.checks) {
    if (check.ok)
      checks.good(check.name, check.detail);
    else
      checks.bad(check.name, code_of(check.reason), check.detail);
  }
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
  const Believed believed = TRY(whom_to_believe(options, context));
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
  if (bundle->public_key_hint)
    check_key(checks, *bundle, believed);
  else
    TRY(check_certificate(checks, context, *bundle, believed, *statement->subjects.front().digest("sha256")));
  if (!checks.reason.empty()) return {};
  checks.good("manifest", fmt::format("{}, sha256 {}", printable(model->name),
                                      short_id(*statement->subjects.front().digest("sha256"))));
  return check_files(checks, context, path, at, *model);
}

}  // namespace tranche::commands
