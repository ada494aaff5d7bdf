#include "commands/bundle_signer.hpp"

#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/support.hpp"
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

// The path that a flag names, else the one that tranche.yaml names in the repository; empty: neither.
std::string path_of(const Options& options, std::string_view flag, const Declared& declared,
                    const std::string& from_file) {
  if (options.given(flag)) return options.text(flag);
  return from_file.empty() ? std::string() : join_path(declared.repository, from_file);
}

Result<sigstore::Services> find_services(const Options& options, Context& context, const Declared& declared) {
  const std::string path = path_of(options, "signing-config", declared, declared.signing.signing_config);
  if (!path.empty()) {
    const std::string text = TRY(read_file(context, path, sigstore::max_signing_config_bytes));
    return TRY_WHILE("reading " + printable(path),
                     sigstore::parse_signing_config(text, context.world.clock.now()));
  }
  sigstore::Services services;
  services.fulcio = declared.signing.fulcio;
  if (!declared.signing.rekor.empty())
    services.logs.push_back({declared.signing.rekor, declared.signing.rekor_version});
  if (!declared.signing.tsa.empty()) services.tsas.push_back(declared.signing.tsa);
  return services;
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
          {.name = "again", .help = "sign anew what is signed already"}};
}

Result<sigstore::Session> open_bundle_signer(const Options& options, Context& context) {
  if (options.given("key") && options.given("keyless"))
    return fail_hint(ErrorKind::usage, "give one of them", "--key and --keyless are two ways to sign");
  const Declared declared = TRY(read_declared(options, context));
  const bool keyless = options.given("keyless") || (!options.given("key") && declared.signing.keyless);
  if (!keyless && options.given("identity-token"))
    return fail_hint(ErrorKind::usage, "add --keyless", "--identity-token belongs to keyless signing");
  sigstore::SessionOptions session;
  session.repository = declared.repository;
  session.services = TRY(find_services(options, context, declared));
  session.token_reference =
      options.given("identity-token") ? options.text("identity-token") : declared.signing.token;
  if (!keyless) session.signer = TRY(find_key(options, context, declared));
  const std::string root = path_of(options, "trusted-root", declared, declared.trust.trusted_root);
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

}  // namespace tranche::commands
