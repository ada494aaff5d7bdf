#include "commands/platform.hpp"

#include <algorithm>
#include <functional>
#include <memory>

#include "base/paths.hpp"
#include "commands/support.hpp"
#include "crypto/pkcs11.hpp"
#include "platform/apt.hpp"
#include "platform/authenticode.hpp"
#include "platform/deb.hpp"
#include "platform/kind.hpp"
#include "platform/rpm.hpp"
#include "signing/gpg.hpp"
#include "signing/keys.hpp"
#include "signing/signify.hpp"

namespace tranche::commands {
namespace {

constexpr std::size_t max_key_bytes = 256 << 10;
constexpr std::size_t max_signature_file = 64 << 10;
constexpr std::size_t max_release_file = 4 << 20;  // an InRelease

Result<Secret> read_key(const Options& options, Context& context) {
  if (!options.given("key"))
    return fail_hint(ErrorKind::usage, "add --key env:TRANCHE_NAME or --key file:PATH",
                     "nothing says which key signs");
  return TRY_WHILE("reading --key",
                   signing::read_secret(context.world, repository_here(context), options.text("key")));
}

Result<Secret> read_password(const Options& options, Context& context) {
  if (!options.given("key-password")) return Secret();
  return TRY_WHILE("reading --key-password", signing::read_secret(context.world, repository_here(context),
                                                                  options.text("key-password")));
}

Result<std::unique_ptr<signing::Gpg>> open_gpg(const Options& options, Context& context) {
  const Secret key = TRY(read_key(options, context));
  Secret password = TRY(read_password(options, context));
  return signing::Gpg::open(context.world, key, std::move(password));
}

// One file signed: what was written, beside it or into it.
using SignOne = std::function<Result<std::string>(const std::string& path)>;

Result<SignOne> signify_signer(const Options& options, Context& context) {
  if (options.given("key-password"))
    return fail_hint(ErrorKind::usage,
                     "leave --key-password out, and give a key made by signify-openbsd -G -n",
                     "locked keys of signify are not opened here");
  const Secret text = TRY(read_key(options, context));
  auto key = std::make_shared<signing::SignifySecretKey>(
      TRY_WHILE("opening the signify key", signing::SignifySecretKey::parse(text)));
  // signify's own words: they tell `signify -V` without -p which key to look for.
  const std::string reference = options.text("key");
  std::string comment = "signature from tranche";
  if (reference.starts_with("file:") && reference.ends_with(".sec"))
    comment =
        fmt::format("verify with {}.pub",
                    base_name(reference.substr(5, reference.size() - 5 - std::string_view(".sec").size())));
  return SignOne([&context, key, comment](const std::string& path) -> Result<std::string> {
    const std::string signature = TRY(key->sign(context.world.files, path, comment));
    std::string output = path + ".sig";
    if (!context.dry_run) TRY(context.world.files.write(output, signature));
    return output;
  });
}

Result<bool> is_directory(Context& context, const std::string& path) {
  if (!TRY(context.world.files.info(path))) return false;
  const auto info = TRY(context.world.files.info(TRY(context.world.files.real_path(path))));
  return info && info->kind == ports::FileInfo::Kind::directory;
}

// The Release of the suite that is named by its directory or by that file.
Result<std::string> release_of(Context& context, const std::string& named) {
  std::string path = TRY(is_directory(context, named)) ? join_path(named, "Release") : named;
  if (base_name(path) != "Release")
    return fail_hint(ErrorKind::usage, "name the directory dists/SUITE, or the file Release in it",
                     "--format apt signs a Release file, not '{}'", printable(path));
  if (!TRY(context.world.files.info(path)))
    return fail_hint(ErrorKind::failed, "make it first: apt-ftparchive release DIRECTORY",
                     "there is no file '{}'", printable(path));
  return path;
}

Result<std::string> sign_apt(Context& context, signing::Gpg& gpg, const std::string& named) {
  const std::string path = TRY(release_of(context, named));
  const std::string text = TRY(read_input(context, path, max_release_file));
  const std::string clear = TRY(gpg.clearsign(text));
  const std::string detached = TRY(gpg.sign_file(path));
  std::string output = join_path(directory_name(path), "InRelease");
  // Release.gpg first: apt asks for InRelease, and finds it with all else in place.
  if (!context.dry_run) {
    TRY(context.world.files.write(path + ".gpg", detached));
    TRY(context.world.files.write(output, clear));
  }
  return output;
}

Result<SignOne> openpgp_signer(const std::string& format, const Options& options, Context& context) {
  std::shared_ptr<signing::Gpg> gpg = TRY(open_gpg(options, context));
  return SignOne([&context, gpg, format](const std::string& path) -> Result<std::string> {
    if (format == "apt") return sign_apt(context, *gpg, path);
    if (format == "openpgp") {
      const std::string signature = TRY(gpg->sign_file(path));
      std::string output = path + ".asc";
      if (!context.dry_run) TRY(context.world.files.write(output, signature));
      return output;
    }
    if (!context.dry_run) {
      if (format == "deb")
        TRY(platform::sign_deb(context.world, path, *gpg));
      else
        TRY(platform::sign_rpm(context.world, path, *gpg));
    }
    return path;
  });
}

Result<SignOne> authenticode_signer(const Options& options, Context& context) {
  if (!options.given("certificate"))
    return fail_hint(ErrorKind::usage, "add --certificate PATH: PEM, the signer's first",
                     "Authenticode needs the certificate of the key");
  auto signer = std::make_shared<platform::AuthenticodeSigner>();
  signer->timestamp_url = options.text("timestamp");
  if (options.given("timestamp") && !signer->timestamp_url.starts_with("http://") &&
      !signer->timestamp_url.starts_with("https://"))
    return fail_hint(ErrorKind::usage, "give the http or https address of an RFC 3161 authority",
                     "--timestamp is no address: '{}'", printable(signer->timestamp_url));
  if (options.text("key").starts_with("pkcs11:")) {
    signer->token = options.text("key");
    signer->module =
        context.world.environ.get("TRANCHE_PKCS11_MODULE").value_or(crypto::default_pkcs11_module);
  } else {
    signer->key = TRY(read_key(options, context));
  }
  signer->password = TRY(read_password(options, context));
  signer->certificates = TRY(read_input(context, options.text("certificate"), max_key_bytes));
  return SignOne([&context, signer](const std::string& path) -> Result<std::string> {
    if (!context.dry_run) TRY(platform::sign_authenticode(context.world, path, *signer));
    return path;
  });
}

Result<SignOne> signer_of(const std::string& format, const Options& options, Context& context) {
  if (format == "signify") return signify_signer(options, context);
  if (format == "authenticode") return authenticode_signer(options, context);
  return openpgp_signer(format, options, context);
}

// Whose signatures lie inside the file; the others lie beside it.
bool signs_inside(std::string_view format) {
  return format == "authenticode" || format == "deb" || format == "rpm";
}

// Before a key is asked for: a file that is none (a directory, a pipe) or of another kind, and a signature.
Result<> refuse_unfit(Context& context, const std::string& format, const std::string& path) {
  if (format == "apt") {
    TRY(release_of(context, path));
    return {};
  }
  if ((format == "openpgp" && path.ends_with(".asc")) || (format == "signify" && path.ends_with(".sig")))
    return fail_hint(ErrorKind::usage, "name the file itself", "'{}' is a signature", printable(path));
  if (!signs_inside(format)) {
    TRY(context.world.files.open(path));
    return {};
  }
  const std::string mismatch = TRY(platform::find_mismatch(context.world.files, path, format));
  if (mismatch.empty()) return {};
  return fail_hint(ErrorKind::invalid, "choose the --format of the file", "cannot sign '{}': {}",
                   printable(path), mismatch);
}

// What reads one file's signature; the key has been read.
using CheckOne = std::function<Result<signing::Verdict>(const std::string& path)>;

Result<std::string> read_public_key(const Options& options, Context& context, std::string_view what) {
  if (options.list("key").size() != 1)
    return fail_hint(ErrorKind::usage, fmt::format("add --key PATH: {}", what),
                     "a signature is worth what its key is, and {} named",
                     options.given("key") ? "several are" : "none is");
  return read_input(context, options.text("key"), max_key_bytes);
}

// The signature that is named, or lies beside. nullopt: there is none.
Result<std::optional<std::string>> find_signature(const Options& options, Context& context,
                                                  const std::string& path,
                                                  std::initializer_list<std::string_view> suffixes) {
  if (options.given("signature"))
    return std::optional(TRY(read_input(context, options.text("signature"), max_signature_file)));
  for (const std::string_view suffix : suffixes)
    if (auto text = TRY(context.world.files.read(path + std::string(suffix), max_signature_file)))
      return text;
  return std::optional<std::string>();
}

signing::Verdict unsigned_file() { return {"unsigned", "there is no signature beside it"}; }

Result<CheckOne> signify_checker(const Options& options, Context& context) {
  const std::string text = TRY(read_public_key(options, context, "the signer's .pub"));
  const auto key = TRY_WHILE("reading --key", signing::parse_signify_public_key(text));
  return CheckOne([&options, &context, key](const std::string& path) -> Result<signing::Verdict> {
    const auto text_here = TRY(find_signature(options, context, path, {".sig"}));
    if (!text_here) return unsigned_file();
    const auto signature = signing::parse_signify_signature(*text_here);
    if (!signature) return signing::Verdict{"malformed", error_text(signature.error())};
    const auto held = signing::verify_signify(context.world.files, path, *signature, key);
    if (!held && held.error().kind != ErrorKind::verification) return fail(held.error());
    if (!held)
      return signing::Verdict{signature->number == key.number ? "changed-bytes" : "unknown-key",
                              error_text(held.error())};
    return signing::Verdict{"", fmt::format("signify key {}", signing::signify_number_text(key.number))};
  });
}

Result<CheckOne> openpgp_checker(const std::string& format, const Options& options, Context& context) {
  const std::string keys = TRY(read_public_key(options, context, "what gpg --armor --export writes"));
  if (format == "rpm")
    return CheckOne(
        [&context, keys](const std::string& path) { return platform::check_rpm(context.world, path, keys); });
  std::shared_ptr<signing::Gpg> gpg =
      TRY_WHILE("reading --key", signing::Gpg::open_public(context.world, keys));
  if (format == "deb")
    return CheckOne(
        [&context, gpg](const std::string& path) { return platform::check_deb(context.world, path, *gpg); });
  if (format == "apt")
    return CheckOne(
        [&context, gpg](const std::string& path) { return platform::check_apt(context.world, path, *gpg); });
  return CheckOne([&options, &context, gpg](const std::string& path) -> Result<signing::Verdict> {
    const auto signature = TRY(find_signature(options, context, path, {".asc", ".sig", ".gpg"}));
    if (!signature) return unsigned_file();
    return gpg->check_file(path, *signature);
  });
}

Result<CheckOne> checker_of(const std::string& format, const Options& options, Context& context) {
  if (format == "signify") return signify_checker(options, context);
  if (format != "authenticode") return openpgp_checker(format, options, context);
  if (!options.given("authority"))
    return fail_hint(ErrorKind::usage, "add --authority PATH: PEM certificates",
                     "an Authenticode signature is worth what its authority is, and none is named");
  if (options.given("key"))
    return fail_hint(ErrorKind::usage, "leave --key out", "Authenticode believes certificates, not keys");
  const std::string authority = options.text("authority");
  TRY(read_input(context, authority, max_key_bytes));  // there, and of a sane size
  return CheckOne([&context, authority](const std::string& path) {
    return platform::check_authenticode(context.world, path, authority);
  });
}

}  // namespace

std::vector<std::string> platform_formats() {
  return {"signify", "openpgp", "apt", "authenticode", "deb", "rpm"};
}

std::string repository_here(Context& context) {
  const auto file = find_file(context);
  return file ? directory_name(*file) : std::string();
}

bool is_platform_format(std::string_view format) {
  const auto formats = platform_formats();
  return std::ranges::find(formats, format) != formats.end();
}

std::vector<Flag> platform_signing_flags() {
  return {{.name = "certificate",
           .value = "PATH",
           .help = "of authenticode: PEM certificates, the signer's first, then those above it"},
          {.name = "timestamp",
           .value = "URL",
           .help = "of authenticode: an RFC 3161 authority, so that the signature outlives the certificate"}};
}

Result<Outcome> sign_for_platform(const Options& options, Context& context) {
  const std::string format = options.text("format");
  if (options.given("release"))
    return fail_hint(ErrorKind::usage, "leave it out", "--release belongs to minisign's signatures");
  for (const std::string& path : options.list("path")) TRY(refuse_unfit(context, format, path));
  const SignOne sign_one = TRY(signer_of(format, options, context));
  doc::Value files = doc::Value::array();
  Table table;
  for (const std::string& path : options.list("path")) {
    const std::string output = TRY_WHILE("signing " + printable(path), sign_one(path));
    table.row({(context.dry_run ? "would sign " : "signed ") + printable(path),
               output == path ? "in place" : printable(output)});
    files.push(doc::Value::object({{"path", path}, {"signature", output}}));
  }
  return Outcome{.json = doc::Value::object(
                     {{"schema", "tranche/sign/v1"}, {"format", format}, {"files", std::move(files)}}),
                 .text = table.text()};
}

Result<> verify_for_platform(Checks& checks, const Options& options, Context& context) {
  const std::string format = options.text("format");
  if (options.given("release"))
    return fail_hint(ErrorKind::usage, "name the files", "a release is checked by tranche's own signature");
  const std::vector<std::string> paths = options.list("path");
  if (options.given("signature") && format != "signify" && format != "openpgp")
    return fail_hint(ErrorKind::usage, "leave --signature out", "--format {} knows where its signature lies",
                     format);
  if (options.given("signature") && paths.size() > 1)
    return fail_hint(ErrorKind::usage, "verify them one by one", "one --signature cannot be of {} files",
                     paths.size());
  const CheckOne check_one = TRY(checker_of(format, options, context));
  for (const std::string& path : paths) {
    const std::string name = base_name(path);
    if (!TRY(context.world.files.info(path))) {
      checks.bad(name, "missing-artifact", fmt::format("no such file: {}", printable(path)));
      continue;
    }
    // Opened once by us: a tool that is given a pipe would wait for whoever writes into it.
    if (signs_inside(format)) {
      if (const std::string other = TRY(platform::find_mismatch(context.world.files, path, format));
          !other.empty()) {
        checks.bad(name, "malformed", other);
        continue;
      }
    } else if (format != "apt") {
      TRY(context.world.files.open(path));
    }
    const signing::Verdict verdict = TRY_WHILE("verifying " + printable(path), check_one(path));
    if (verdict.holds())
      checks.good(name, verdict.detail);
    else
      checks.bad(name, verdict.code, verdict.detail);
  }
  return {};
}

}  // namespace tranche::commands
