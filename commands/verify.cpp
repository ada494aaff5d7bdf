// Verification answers with a list of checks and exit 6 when one fails. The decision is lib's; the codes are
// for programs that want to know why.
#include "actions/releases.hpp"
#include "artifact/collect.hpp"
#include "artifact/manifest.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/bundles.hpp"
#include "commands/checks.hpp"
#include "commands/commands.hpp"
#include "commands/image.hpp"
#include "commands/minisign.hpp"
#include "commands/model.hpp"
#include "commands/platform.hpp"
#include "commands/release/make.hpp"
#include "commands/rollout/shared.hpp"
#include "commands/statement.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

struct Believed {
  std::string app;
  signing::Trust trust;
};

// The release keys of --key, else those under `trust:`.
Result<Believed> whom_to_believe(const Options& options, Context& context) {
  Believed believed;
  if (options.given("key")) {
    if (!options.given("app"))
      return fail_hint(ErrorKind::usage, "add --app NAME: a file of another app would pass otherwise",
                       "--key needs to know which app is meant");
    believed.app = options.text("app");
    for (const std::string& path : options.list("key"))
      believed.trust.release.push_back(
          TRY_WHILE("reading " + printable(path),
                    crypto::public_key_from_pem(TRY(read_input(context, path, 16 << 10)))));
    return believed;
  }
  const Loaded loaded = TRY(load_app(context, options));
  believed.app = loaded.app().name;
  believed.trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  if (believed.trust.release.empty())
    return fail_hint(ErrorKind::invalid, "add trust: release:, or name a key with --key PATH",
                     "app '{}' trusts no release key", printable(believed.app));
  return believed;
}

void compare(Checks& checks, const std::string& name, const artifact::Digested& here, std::uint64_t size,
             const std::string& sha256) {
  if (here.size != size)
    checks.bad(name, "changed-bytes", fmt::format("{} bytes, signed were {}", here.size, size));
  else if (!crypto::equal_constant_time(here.sha256, sha256))
    checks.bad(name, "changed-bytes",
               fmt::format("sha256 {}, signed was {}", short_id(here.sha256), short_id(sha256)));
  else
    checks.good(name, fmt::format("sha256 {}", short_id(sha256)));
}

Result<> check_bytes(Checks& checks, ports::Files& files, const std::string& name, const std::string& path,
                     std::uint64_t size, const std::string& sha256) {
  if (TRY(files.info(path)))
    compare(checks, name, TRY(artifact::digest_file(files, path)), size, sha256);
  else
    checks.bad(name, "missing-artifact", fmt::format("no such file: {}", printable(path)));
  return {};
}

Result<> verify_manifest(Checks& checks, Context& context, const Believed& believed,
                         const std::string& envelope, const std::string& version,
                         const std::string& directory) {
  const auto manifest =
      artifact::open_manifest(envelope, believed.trust, believed.app,
                              version.empty() ? std::nullopt : std::optional<std::string_view>(version));
  if (!manifest) {
    std::string_view code = refusal_code(envelope, signing::manifest_type, believed.trust);
    if (const auto payload = signing::open_envelope(envelope, signing::manifest_type, believed.trust)) {
      const auto read = artifact::parse_payload(*payload);
      code = !read ? "malformed" : read->app != believed.app ? "wrong-app" : "wrong-version";
    }
    checks.bad("manifest", code, error_text(manifest.error()));
    return {};
  }
  checks.good("manifest", fmt::format("{} {}, {}", manifest->app, manifest->version,
                                      count_of(manifest->artifacts.size(), "artifact")));
  for (const auto& item : manifest->artifacts)
    TRY(check_bytes(checks, context.world.files, item.name, join_path(directory, item.name), item.size,
                    item.sha256));
  return {};
}

Result<> verify_file(Checks& checks, Context& context, const Believed& believed, const std::string& path) {
  const std::string name = base_name(path);
  const std::string beside = path + std::string(signature_suffix);
  const auto envelope = TRY(context.world.files.read(beside, max_signature_bytes));
  if (!envelope) {
    if (TRY(context.world.files.info(path)))
      checks.bad(name, "unsigned",
                 fmt::format("there is no {} and no {}.sigstore.json", printable(beside), printable(name)));
    else
      checks.bad(name, "missing-artifact", fmt::format("no such file: {}", printable(path)));
    return {};
  }
  const auto statement = open_statement(*envelope, believed.trust);
  if (!statement) {
    checks.bad(name, refusal_code(*envelope, artifact_type, believed.trust), error_text(statement.error()));
    return {};
  }
  if (statement->app != believed.app) {
    checks.bad(
        name, "wrong-app",
        fmt::format("signed for app '{}', not '{}'", printable(statement->app), printable(believed.app)));
    return {};
  }
  if (statement->name != name) {
    checks.bad(name, "wrong-name", fmt::format("the signature is of '{}'", printable(statement->name)));
    return {};
  }
  return check_bytes(checks, context.world.files, name, path, statement->size, statement->sha256);
}

// Where the artifacts of a release lie here: what tranche.yaml's patterns match.
Result<> verify_release(Checks& checks, const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const std::string version = options.text("release");
  const spec::App& app = opened.loaded.app();
  const auto stored = actions::find_release(*opened.deck, version);
  if (!stored && stored.error().kind == ErrorKind::verification) {
    checks.bad("manifest", "bad-manifest", error_text(stored.error()));
    return {};
  }
  if (!stored) return fail(stored.error());
  if (!*stored)
    return fail_hint(ErrorKind::failed, "`tranche release list` shows those on record",
                     "there is no release {} of app '{}'", printable(version, 64), printable(app.name));
  const artifact::Manifest& manifest = (*stored)->manifest;
  checks.good("manifest",
              fmt::format("{} {}, manifest {}", app.name, manifest.version, short_id((*stored)->sha256)));
  if (options.given("directory")) {
    for (const auto& item : manifest.artifacts)
      TRY(check_bytes(checks, context.world.files, item.name, join_path(options.text("directory"), item.name),
                      item.size, item.sha256));
    return {};
  }
  // Pattern by pattern: one that finds nothing must not hide what the others find.
  std::map<std::string, artifact::Digested> here;
  for (const auto& pattern : artifact_patterns(app))
    if (const auto found =
            artifact::collect(context.world.files, opened.loaded.repository(), {pattern}, manifest.version))
      for (const auto& item : *found) here[item.name] = {item.size, item.sha256};
  for (const auto& item : manifest.artifacts) {
    if (const auto found = here.find(item.name); found != here.end())
      compare(checks, item.name, found->second, item.size, item.sha256);
    else
      checks.bad(item.name, "missing-artifact", "nothing under artifacts: finds it");
  }
  return {};
}

Result<> verify_target(Checks& checks, const Options& options, Context& context, const Believed& believed,
                       const std::string& path) {
  constexpr std::size_t most = 4 << 20;  // an envelope; larger files are artifacts
  const auto info = TRY(context.world.files.info(path));
  if (info && info->size <= most && !path.ends_with(signature_suffix)) {
    const std::string bytes = TRY(read_input(context, path, most));
    const auto envelope = signing::parse_envelope(bytes);
    if (envelope && envelope->payload_type == signing::manifest_type) {
      const std::string directory =
          options.given("directory") ? options.text("directory") : directory_name(path);
      return verify_manifest(checks, context, believed, bytes, "", directory);
    }
  }
  if (path.ends_with(signature_suffix))
    return verify_file(checks, context, believed, path.substr(0, path.size() - signature_suffix.size()));
  return verify_file(checks, context, believed, path);
}

// Files by the bundle that is named or lies beside them, else by tranche's own signature or manifest.
Result<> verify_paths(Checks& checks, const Options& options, Context& context) {
  const std::vector<std::string> paths = options.list("path");
  std::optional<Believed> believed;
  BundleVerifier bundles(options, context, paths.size() > 1);
  for (const std::string& path : paths) {
    const bool by_bundle =
        asks_for_bundle(options) || path.starts_with("sha256:") || TRY(names_image(context, path)) ||
        (options.text("format") == "auto" && TRY(find_bundle_beside(context, path)).has_value());
    if (by_bundle) {
      TRY(bundles.verify(checks, path));
      continue;
    }
    if (!believed) believed = TRY(whom_to_believe(options, context));
    TRY(verify_target(checks, options, context, *believed, path));
  }
  return {};
}

Result<Outcome> run(const Options& options, Context& context) {
  if (options.given("release") == options.given("path"))
    return fail_hint(ErrorKind::usage, "`tranche verify FILE`, or `tranche verify --release VERSION`",
                     "name files or a release, and not both");
  Checks checks;
  const std::string format = options.text("format");
  const bool minisign = format == "minisign";
  if (asks_for_bundle(options) && format != "auto" && format != "bundle" && format != "model")
    return fail_hint(ErrorKind::usage, "leave --format out",
                     "--bundle and its like belong to Sigstore's bundles");
  if (asks_for_bundle(options) && options.given("release"))
    return fail_hint(ErrorKind::usage, "name files with --bundle", "--release has no bundle");
  const bool platform = is_platform_format(format);
  if (options.given("signature") && !minisign && !platform)
    return fail_hint(ErrorKind::usage, "add --format minisign, signify or openpgp",
                     "--signature names a signature of theirs");
  if (options.given("authority") && format != "authenticode")
    return fail_hint(ErrorKind::usage, "leave it out", "--authority belongs to --format authenticode");
  const bool fetches = options.given("fetch");
  if (fetches &&
      (options.given("release") || options.given("bundle") || (format != "auto" && format != "bundle")))
    return fail_hint(ErrorKind::usage, "name images with --fetch, and nothing else",
                     "--fetch takes the bundles of images");
  if (!fetches && (options.given("registry-auth") || options.given("plain-http")))
    return fail_hint(ErrorKind::usage, "add --fetch DIR", "without --fetch no registry is asked");
  if (fetches) {
    TRY(verify_images(checks, options, context));
  } else if (minisign) {
    TRY(verify_with_minisign(checks, options, context));
  } else if (platform) {
    TRY(verify_for_platform(checks, options, context));
  } else if (format == "model") {
    TRY(verify_model(checks, options, context));
  } else if (options.given("release")) {
    TRY(verify_release(checks, options, context));
  } else {
    TRY(verify_paths(checks, options, context));
  }
  const bool verified = checks.reason.empty() && checks.count > 0;
  std::string text = checks.table.text();
  text += verified
              ? styled("verified", Style::green, context.color) + "\n"
              : fmt::format("{}: {}\n", styled("NOT VERIFIED", Style::red, context.color), checks.reason);
  return Outcome{.exit_code = verified ? 0 : static_cast<int>(ErrorKind::verification),
                 .json = doc::Value::object({{"schema", "tranche/verify/v1"},
                                             {"verified", verified},
                                             {"reason", verified ? "verified" : checks.reason},
                                             {"checks", std::move(checks.list)}}),
                 .text = std::move(text)};
}

}  // namespace

Command verify() {
  std::vector<std::string> formats{"auto", "bundle", "dsse", "minisign", "model"};
  for (std::string& format : platform_formats()) formats.push_back(std::move(format));
  return {
      .name = "verify",
      .summary = "check files, a manifest or a release against the trusted keys",
      .help_path = "commands/verify.md",
      .arguments =
          {{.name = "path",
            .help = "signed files, release manifests, images IMAGE@sha256:HEX, or with --bundle a digest "
                    "sha256:HEX",
            .required = false,
            .repeated = true}},
      .flags =
          {{.name = "bundle",
            .value = "PATH",
            .help = "a Sigstore bundle; without: FILE.sigstore.json beside the file"},
           {.name = "fetch",
            .value = "DIR",
            .help = "take what is attached to the images from their registries into DIR: the one flag that "
                    "asks the network"},
           image_flags()[0],
           image_flags()[1],
           {.name = "certificate-identity",
            .value = "NAME",
            .help = "who must have signed: an address or a workflow's url, exactly"},
           {.name = "certificate-oidc-issuer",
            .value = "URL",
            .help = "the provider that must have vouched for the identity"},
           {.name = "trusted-root",
            .value = "PATH",
            .help = "a Sigstore trusted_root.json; without: trust: trusted-root:"},
           {.name = "key",
            .value = "PATH",
            .help = "a public key to trust instead of those in tranche.yaml: PEM, or the format's own",
            .repeated = true},
           {.name = "release", .value = "VERSION", .help = "a release on record, and its artifacts here"},
           {.name = "directory", .value = "DIR", .help = "where the artifacts of a manifest or release lie"},
           {.name = "format",
            .value = "FORMAT",
            .help = "whose signatures: auto takes a bundle beside the file, else FILE.tranche.sig",
            .default_text = "auto",
            .choices = std::move(formats)},
           {.name = "signature",
            .value = "PATH",
            .help = "of minisign, signify or openpgp; without: the one beside the file"},
           {.name = "authority",
            .value = "PATH",
            .help = "of authenticode: PEM certificates that signer and timestamp must lead to"},
           app_flag()},
      .run = run};
}

}  // namespace tranche::commands
