#include "commands/bundles.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"
#include "oci/reference.hpp"
#include "sigstore/artifact_file.hpp"
#include "sigstore/read_bundle.hpp"
#include "sigstore/trusted_root.hpp"
#include "sigstore/verify.hpp"

namespace tranche::commands {
namespace {

using sigstore::Reason;
using sigstore::Refusal;
using sigstore::Verdict;

constexpr std::size_t max_bundles = 256;
constexpr std::string_view digest_prefix = "sha256:";

// "sha256:HEX", or what stands behind the @ of an image.
std::optional<std::string> parse_digest(std::string_view text) {
  if (const auto image = oci::parse_reference(text)) text.remove_prefix(text.size() - image->digest.size());
  if (!text.starts_with(digest_prefix)) return std::nullopt;
  const auto digest = crypto::parse_sha256(text.substr(digest_prefix.size()));
  if (!digest) return std::nullopt;
  return std::string(crypto::as_bytes(*digest));
}

struct Believed {
  sigstore::Policy policy;
  std::string root_path;  // empty: none is named
};

// A key that cannot be read is a finding, like a bad signature.
Result<std::optional<Refusal>> read_keys(const Options& options, Context& context, sigstore::Policy& policy) {
  for (const std::string& path : options.list("key")) {
    const std::string pem = TRY(read_input(context, path, 64 << 10));
    auto key = crypto::AnyPublicKey::from_pem(pem);
    if (!key)
      return Refusal{Reason::bad_key, fmt::format("{}: {}", printable(path), error_text(key.error()))};
    policy.keys.push_back(std::move(*key));
  }
  return std::nullopt;
}

std::string root_of(const Loaded& loaded) {
  const std::string& path = loaded.app().trust.trusted_root;
  return path.empty() ? path : join_path(loaded.repository(), path);
}

Result<> believe_repository(const Options& options, Context& context, Believed& believed) {
  const Loaded loaded = TRY(load_app(context, options));
  const signing::Trust trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  for (const crypto::PublicKey& key : trust.release)
    believed.policy.keys.push_back(TRY(crypto::AnyPublicKey::from_pem(crypto::to_pem(key))));
  for (const spec::Identity& one : loaded.app().trust.identities)
    believed.policy.identities.push_back({one.identity, one.issuer});
  if (believed.policy.keys.empty() && believed.policy.identities.empty())
    return fail_hint(ErrorKind::invalid,
                     "add trust: release: or identities:, or name who may have signed: "
                     "--certificate-identity and --certificate-oidc-issuer, or --key PATH",
                     "app '{}' trusts nobody to sign", printable(loaded.app().name));
  believed.root_path = root_of(loaded);
  return {};
}

Result<std::optional<Refusal>> whom_to_believe(const Options& options, Context& context, Believed& believed) {
  const bool identity = options.given("certificate-identity");
  if (identity != options.given("certificate-oidc-issuer"))
    return fail_hint(ErrorKind::usage, "an identity is worth what its provider is: give both",
                     "--certificate-identity and --certificate-oidc-issuer belong together");
  if (identity && options.given("key"))
    return fail_hint(ErrorKind::usage, "a bundle has a certificate or names a key, never both",
                     "--key and --certificate-identity exclude each other");
  if (identity)
    believed.policy.identities.push_back(
        {options.text("certificate-identity"), options.text("certificate-oidc-issuer")});
  else if (options.given("key")) {
    if (auto refusal = TRY(read_keys(options, context, believed.policy))) return refusal;
  } else {
    TRY(believe_repository(options, context, believed));
  }
  return std::nullopt;
}

// --trusted-root, else trust: trusted-root: of the tranche.yaml that is here, if there is one; else empty.
Result<std::string> find_root(const Options& options, Context& context, const Believed& believed) {
  if (options.given("trusted-root")) return options.text("trusted-root");
  if (believed.root_path.empty() && (context.file_given || find_file(context)))
    return root_of(TRY(load_app(context, options)));
  return believed.root_path;
}

bool needs_root(const sigstore::Bundle& bundle) {
  return !bundle.public_key_hint || !bundle.entries.empty() || !bundle.timestamps.empty();
}

// One bundle, or one a line where the name ends in .jsonl.
sigstore::Checked<std::vector<sigstore::Bundle>> read_bundles(const std::string& path,
                                                              const std::string& text) {
  std::vector<sigstore::Bundle> bundles;
  if (!path.ends_with(".jsonl")) {
    auto bundle = sigstore::read_bundle(text);
    if (!bundle) return std::unexpected(std::move(bundle.error()));
    bundles.push_back(std::move(*bundle));
    return bundles;
  }
  std::size_t line = 0;
  for (const std::string_view part : split(text, '\n')) {
    ++line;
    if (trim(part).empty()) continue;
    auto bundle = sigstore::read_bundle(part);
    if (!bundle) {
      bundle.error().detail = fmt::format("line {}: {}", line, bundle.error().detail);
      return std::unexpected(std::move(bundle.error()));
    }
    if (bundles.size() == max_bundles)
      return std::unexpected(
          Refusal{Reason::bad_bundle, fmt::format("more than {} bundles in one file", max_bundles)});
    bundles.push_back(std::move(*bundle));
  }
  if (bundles.empty()) return std::unexpected(Refusal{Reason::bad_bundle, "the file holds no bundle"});
  return bundles;
}

// What to do about a refusal, where something can be done.
std::string_view advice_on(Reason reason) {
  switch (reason) {
    case Reason::no_trusted_root:
      return "; name one with --trusted-root FILE or trust: trusted-root:";
    case Reason::unknown_log:
    case Reason::unknown_ct_log:
    case Reason::unknown_timestamp_authority:
      return "; if the trusted root is older than the bundle, fetch a newer one";
    default:
      return "";
  }
}

std::ptrdiff_t good_rows(const Verdict& verdict) {
  return std::ranges::count(verdict.checks, true, &sigstore::Check::ok);
}

void show(Checks& checks, const Verdict& verdict, const std::string& prefix) {
  for (const sigstore::Check& check : verdict.checks) {
    const std::string name = prefix + check.name;
    if (check.ok)
      checks.good(name, check.detail);
    else
      checks.bad(name, code_of(check.reason), fmt::format("{}{}", check.detail, advice_on(check.reason)));
  }
}

}  // namespace

bool asks_for_bundle(const Options& options) {
  return options.given("bundle") || options.given("certificate-identity") ||
         options.given("certificate-oidc-issuer") || options.given("trusted-root") ||
         options.text("format") == "bundle";
}

Result<std::optional<std::string>> find_bundle_beside(Context& context, const std::string& path) {
  for (const std::string_view suffix : {".sigstore.json", ".sigstore", ".sigstore.jsonl"}) {
    std::string beside = path + std::string(suffix);
    if (TRY(context.world.files.info(beside))) return beside;
  }
  return std::nullopt;
}

struct BundleVerifier::State {
  const Options& options;
  Context& context;
  bool several = false;
  std::optional<Believed> believed{};
  std::optional<Refusal> no_keys{};  // what was found instead
  bool root_read = false;
  std::optional<sigstore::TrustedRoot> root{};
  std::optional<Refusal> no_root{};

  // False after a row that says why not.
  Result<bool> read_believed(Checks& checks, const std::string& prefix) {
    if (!believed) {
      believed.emplace();
      no_keys = TRY(whom_to_believe(options, context, *believed));
    }
    if (no_keys) show(checks, refused("key", *no_keys), prefix);
    return !no_keys;
  }
  // The same. A root is read where one of the bundles needs it.
  Result<bool> read_root(Checks& checks, const std::string& prefix,
                         std::span<const sigstore::Bundle> bundles) {
    if (std::ranges::none_of(bundles, needs_root)) return true;
    if (!root_read) TRY(open_root());
    if (no_root) show(checks, refused("trusted-root", *no_root), prefix);
    return !no_root;
  }
  [[nodiscard]] Verdict verify(const sigstore::Bundle& bundle, const sigstore::Artifact& artifact) const {
    return sigstore::verify(bundle, root ? &*root : nullptr, believed->policy, artifact);
  }

 private:
  Result<> open_root() {
    root_read = true;
    const std::string path = TRY(find_root(options, context, *believed));
    if (path.empty()) return {};
    auto read = sigstore::read_trusted_root(TRY(read_input(context, path, sigstore::max_trusted_root_bytes)));
    if (!read) {
      no_root = std::move(read.error());
      return {};
    }
    root = std::move(*read);
    if (sigstore::is_outdated(*root, context.world.clock.now()))
      context.say(
          "{} is an old trusted root: nothing that is signed today will hold against it; fetch a newer one",
          printable(path));
    return {};
  }
};

BundleVerifier::BundleVerifier(const Options& options, Context& context, bool several)
    : state_(std::make_unique<State>(State{options, context, several})) {}
BundleVerifier::~BundleVerifier() = default;

Result<> BundleVerifier::judge(Checks& checks, const sigstore::Bundle& bundle,
                               const sigstore::Artifact& artifact) {
  if (!TRY(state_->read_believed(checks, ""))) return {};
  if (!TRY(state_->read_root(checks, "", {&bundle, 1}))) return {};
  show(checks, state_->verify(bundle, artifact), "");
  return {};
}

Result<> BundleVerifier::verify(Checks& checks, const std::string& path, std::string at) {
  const Options& options = state_->options;
  Context& context = state_->context;
  const std::string prefix = state_->several ? base_name(path) + " " : "";
  const auto info = TRY(context.world.files.info(path));
  const auto digest = info ? std::nullopt : parse_digest(path);
  if (!info && !digest) {
    checks.bad(prefix + "artifact", "missing-artifact", fmt::format("no such file: {}", printable(path)));
    return {};
  }
  if (at.empty() && options.given("bundle")) at = options.text("bundle");
  if (at.empty() && digest)
    return fail_hint(ErrorKind::usage, "add --bundle PATH; for an image also --fetch DIR",
                     "a digest has no bundle beside it");
  if (at.empty()) at = TRY(find_bundle_beside(context, path)).value_or("");
  if (at.empty()) {
    checks.bad(prefix + "bundle", "unsigned", fmt::format("there is no {}.sigstore.json", printable(path)));
    return {};
  }
  const auto text = TRY(context.world.files.read(at, sigstore::max_bundle_bytes));
  if (!text) {
    checks.bad(prefix + "bundle", "unsigned", fmt::format("there is no {}", printable(at)));
    return {};
  }
  if (!TRY(state_->read_believed(checks, prefix))) return {};
  const auto bundles = read_bundles(at, *text);
  if (!bundles) {
    show(checks, refused("bundle", bundles.error()), prefix);
    return {};
  }
  if (!TRY(state_->read_root(checks, prefix, *bundles))) return {};
  const sigstore::Artifact artifact =
      digest ? sigstore::Artifact{.sha256 = *digest}
             : TRY(sigstore::read_artifact(context.world.files, path, sigstore::needs_of(*bundles)));
  std::vector<Verdict> verdicts;
  for (const sigstore::Bundle& bundle : *bundles) {
    verdicts.push_back(state_->verify(bundle, artifact));
    if (verdicts.back().verified()) {  // what the others lack does not matter
      show(checks, verdicts.back(), prefix);
      return {};
    }
  }
  // The one that came furthest tells best what is wrong.
  std::ranges::stable_sort(verdicts, std::ranges::greater(), good_rows);
  for (const Verdict& verdict : verdicts) show(checks, verdict, prefix);
  return {};
}

}  // namespace tranche::commands
