#include "commands/bundle_signer.hpp"

#include <algorithm>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/support.hpp"
#include "commands/trusted_ref.hpp"
#include "signing/signers.hpp"
#include "sigstore/signing_config.hpp"

namespace tranche::commands {
namespace {

// What tranche.yaml says; empty members without one.
struct Declared {
  spec::Signing signing;
  spec::Trust trust;
  std::string repository;
  std::optional<Loaded> loaded;
};

Result<Declared> read_declared(const Options& options, Context& context) {
  Declared declared;
  const bool enough = options.given("key") || (options.given("keyless") && options.given("signing-config"));
  if (enough && !context.file_given && !find_file(context)) return declared;
  declared.loaded = TRY(load_app(context, options));
  declared.signing = declared.loaded->app().signing;
  declared.trust = declared.loaded->app().trust;
  declared.repository = declared.loaded->repository();
  return declared;
}

Result<std::string> read_file(Context& context, const std::string& path, std::size_t max_bytes) {
  auto text = TRY(context.world.files.read(path, max_bytes));
  if (!text)
    return fail_hint(ErrorKind::failed, "correct the path", "there is no file '{}'", printable(path));
  return std::move(*text);
}

// What the command line says of it; empty members: nothing.
struct Asked {
  std::string signing_config, trusted_root, trusted_ref;
};
Asked asked_by(const Options& options) {
  return {options.text("signing-config"), options.text("trusted-root"), options.text("trusted-ref")};
}

// The path that a flag names, else the one that tranche.yaml names in the repository; empty: neither.
std::string path_of(const std::string& flag, const std::string& repository, const std::string& from_file) {
  if (!flag.empty() || from_file.empty()) return flag;
  return join_path(repository, from_file);
}

Result<sigstore::Services> read_config(ports::Files& files, const std::string& path, Instant now) {
  const auto text = TRY(files.read(path, sigstore::max_signing_config_bytes));
  if (!text)
    return fail_hint(ErrorKind::failed, "correct the path", "there is no file '{}'", printable(path));
  return TRY_WHILE("reading " + printable(path), sigstore::parse_signing_config(*text, now));
}

sigstore::Services declared_services(const spec::Signing& signing) {
  sigstore::Services services;
  services.fulcio = signing.fulcio;
  if (!signing.rekor.empty()) services.logs.push_back({signing.rekor, signing.rekor_version});
  if (!signing.tsa.empty()) services.tsas.push_back(signing.tsa);
  return services;
}

Result<sigstore::Services> find_services(Context& context, const Asked& asked, const Declared& declared) {
  const std::string path =
      path_of(asked.signing_config, declared.repository, declared.signing.signing_config);
  if (path.empty()) return declared_services(declared.signing);
  return read_config(context.world.files, path, context.world.clock.now());
}

// The same services as a trusted ref names them: by --signing-config's file there, else by tranche.yaml
// there.
Result<sigstore::Services> services_at(Context& context, RefFiles& tree, const Asked& asked,
                                       const Declared& declared) {
  const Instant now = context.world.clock.now();
  if (!asked.signing_config.empty()) {
    const auto at = TRY(tree.path_of(asked.signing_config));
    // Outside the work tree no pull request writes.
    return at ? read_config(tree.files(), *at, now)
              : read_config(context.world.files, asked.signing_config, now);
  }
  const auto file = declared.loaded ? TRY(tree.path_of(declared.loaded->spec.file)) : std::nullopt;
  if (!file) return sigstore::Services{};
  const spec::Spec spec = TRY(spec::load(tree.files(), *file));
  const spec::App* app = spec.app(declared.loaded->app().name);
  if (app == nullptr) return sigstore::Services{};
  if (app->signing.signing_config.empty()) return declared_services(app->signing);
  return read_config(tree.files(), join_path(spec.repository, app->signing.signing_config), now);
}

// Sigstore's public instances: anybody may send a token there.
bool is_public(std::string_view url) {
  if (!url.starts_with("https://")) return false;
  const std::string_view rest = url.substr(8);
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#\\"));
  const bool plain = std::ranges::all_of(
      host, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
  return plain && host.ends_with(".sigstore.dev");
}

// What is asked for what: a url that may stamp times may not therefore receive tokens.
using Use = std::pair<std::string_view, std::string>;
std::vector<Use> uses_of(const sigstore::Services& services) {
  std::vector<Use> uses;
  if (!services.fulcio.empty()) uses.emplace_back("certificate authority", services.fulcio);
  for (const sigstore::LogService& log : services.logs) uses.emplace_back("transparency log", log.url);
  for (const std::string& tsa : services.tsas) uses.emplace_back("timestamp authority", tsa);
  return uses;
}

// An identity token goes to urls that the repository names, and whoever opens a pull request writes them.
Result<> check_services(Context& context, const Asked& asked, const Declared& declared,
                        const sigstore::Services& services) {
  const auto ref = TRY(find_trusted_ref(context, asked.trusted_ref));
  std::vector<Use> uses = uses_of(services);
  std::erase_if(uses, [](const Use& use) { return is_public(use.second); });
  if (!ref || uses.empty()) return {};
  const std::string shown = printable(*ref, 80);
  const auto tree = TRY(RefFiles::open(context.world, declared.repository, *ref));
  const auto there = services_at(context, *tree, asked, declared);
  if (!there)
    return fail_hint(ErrorKind::denied, "sign where it is merged, or with Sigstore's public services",
                     "what {} says of the signing services cannot be read: {}", shown, there.error().message);
  const std::vector<Use> trusted = uses_of(*there);
  for (const Use& use : uses)
    if (std::ranges::find(trusted, use) == trusted.end())
      return fail_hint(ErrorKind::denied,
                       "a pull request may not choose who receives the identity token: merge the url first, "
                       "or sign where it is merged",
                       "'{}' is no {} at {}", printable(use.second, 200), use.first, shown);
  return {};
}

// The services, the token and the trusted root of a keyless session or one with a key.
Result<sigstore::Session> open_session(Context& context, const Asked& asked, const Declared& declared,
                                       std::string token, std::unique_ptr<crypto::Signer> signer) {
  const bool keyless = signer == nullptr;
  sigstore::SessionOptions session;
  session.repository = declared.repository;
  session.services = TRY(find_services(context, asked, declared));
  session.token_reference = std::move(token);
  session.signer = std::move(signer);
  if (keyless) TRY(check_services(context, asked, declared, session.services));
  const std::string root = path_of(asked.trusted_root, declared.repository, declared.trust.trusted_root);
  if (!root.empty()) {
    const std::string text = TRY(read_file(context, root, sigstore::max_trusted_root_bytes));
    session.root = TRY_WHILE("reading " + printable(root), sigstore::parse_trusted_root(text));
    if (sigstore::is_outdated(*session.root, context.world.clock.now()))
      context.say("{} is an old trusted root: fetch a newer one", printable(root));
  }
  const bool unjudged =
      !session.root && (keyless || !session.services.logs.empty() || !session.services.tsas.empty());
  sigstore::Session opened = TRY(sigstore::Session::open(context.world, std::move(session)));
  if (unjudged) context.say("no trusted root is named: that the services are the right ones is not checked");
  return opened;
}

Result<> check_trusted(Context& context, const Declared& declared, const crypto::AnyPublicKey& key) {
  if (key.kind() != crypto::AnyPublicKey::Kind::ed25519) return {};
  const signing::Trust trust = TRY(load_trust(context, declared.loaded->spec, declared.loaded->app()));
  if (trust.role_of(key.id()) == signing::Role::release) return {};
  return fail_hint(ErrorKind::denied,
                   "put its public half under trust: release:, or sign with one that stands there",
                   "key {} is no release key of app '{}': nobody would believe the signature",
                   short_id(key.id()), printable(declared.loaded->app().name));
}

Result<std::unique_ptr<crypto::Signer>> find_key(const Options& options, Context& context,
                                                 const Declared& declared) {
  const std::string passphrase =
      options.given("key-password") ? options.text("key-password") : declared.signing.passphrase;
  if (options.given("key"))
    return TRY_WHILE("reading --key", signing::load_signer(context.world, declared.repository,
                                                           options.text("key"), passphrase));
  if (declared.signing.release.empty())
    return fail_hint(ErrorKind::invalid,
                     "name one with --key REF or `signing: release:`, or sign with --keyless; `tranche key "
                     "generate release` makes one",
                     "nothing says which key signs");
  auto signer = TRY_WHILE(
      "reading the release key",
      signing::load_signer(context.world, declared.repository, declared.signing.release, passphrase));
  TRY(check_trusted(context, declared, signer->public_key()));
  return signer;
}

}  // namespace

std::vector<Flag> bundle_signing_flags() {
  return {{.name = "key",
           .value = "REF",
           .help = "the key: env:TRANCHE_NAME, file:PATH or pkcs11:URI; without: signing: release:"},
          {.name = "key-password", .value = "REF", .help = "opens it, or is its token's PIN"},
          {.name = "keyless", .help = "a certificate for an identity token signs, instead of a key"},
          {.name = "identity-token",
           .value = "REF",
           .help = "for --keyless: env:TRANCHE_NAME or file:PATH; without: the CI's own"},
          {.name = "signing-config",
           .value = "PATH",
           .help = "Sigstore signing_config.json: the services; without: those under signing:"},
          {.name = "trusted-root",
           .value = "PATH",
           .help = "Sigstore trusted_root.json that the services' answers must hold against; without: trust: "
                   "trusted-root:"},
          trusted_ref_flag(),
          {.name = "again", .help = "sign anew what is signed already"}};
}

Result<sigstore::Session> open_bundle_signer(const Options& options, Context& context) {
  if (options.given("key") && options.given("keyless"))
    return fail_hint(ErrorKind::usage, "give one of them", "--key and --keyless are two ways to sign");
  const Declared declared = TRY(read_declared(options, context));
  const bool keyless = options.given("keyless") || (!options.given("key") && declared.signing.keyless);
  if (!keyless && options.given("identity-token"))
    return fail_hint(ErrorKind::usage, "add --keyless", "--identity-token belongs to keyless signing");
  std::unique_ptr<crypto::Signer> signer;
  if (!keyless) signer = TRY(find_key(options, context, declared));
  return open_session(
      context, asked_by(options), declared,
      options.given("identity-token") ? options.text("identity-token") : declared.signing.token,
      std::move(signer));
}

Result<sigstore::Session> open_keyless_signer(const Loaded& loaded, Context& context,
                                              const std::string& trusted_ref) {
  const spec::App& app = loaded.app();
  return open_session(context, {.signing_config = {}, .trusted_root = {}, .trusted_ref = trusted_ref},
                      {app.signing, app.trust, loaded.repository(), loaded}, app.signing.token, nullptr);
}

}  // namespace tranche::commands
