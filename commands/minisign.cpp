#include "commands/minisign.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "commands/platform.hpp"
#include "commands/release/make.hpp"
#include "signing/keys.hpp"
#include "signing/minisign.hpp"

namespace tranche::commands {
namespace {

constexpr std::string_view minisign_suffix = ".minisig";
constexpr std::string_view tauri_suffix = ".sig";

Result<std::vector<signing::MinisignPublicKey>> read_keys(const Options& options, Context& context) {
  if (!options.given("key"))
    return fail_hint(ErrorKind::usage, "add --key PATH: the signer's minisign.pub, or Tauri's key.pub",
                     "a minisign signature is worth what its key is, and none is named");
  std::vector<signing::MinisignPublicKey> keys;
  for (const std::string& path : options.list("key"))
    keys.push_back(TRY_WHILE("reading " + printable(path), signing::parse_minisign_public_key(TRY(read_input(
                                                               context, path, signing::max_minisign_text)))));
  return keys;
}

Result<std::string> signature_path(const Options& options, Context& context, const std::string& path) {
  if (options.given("signature")) return options.text("signature");
  const std::string minisig = path + std::string(minisign_suffix);
  const std::string sig = path + std::string(tauri_suffix);
  if (!TRY(context.world.files.info(minisig)) && TRY(context.world.files.info(sig))) return sig;
  return minisig;
}

Result<> verify_one(Checks& checks, const Options& options, Context& context, const std::string& path,
                    const std::vector<signing::MinisignPublicKey>& keys) {
  const std::string name = base_name(path);
  if (!TRY(context.world.files.info(path))) {
    checks.bad(name, "missing-artifact", fmt::format("no such file: {}", printable(path)));
    return {};
  }
  const std::string at = TRY(signature_path(options, context, path));
  if (!TRY(context.world.files.info(at))) {
    checks.bad(name, "unsigned", fmt::format("there is no {}", printable(at)));
    return {};
  }
  const auto text = context.world.files.read(at, signing::max_minisign_text);
  const auto signature = !text ? Result<signing::MinisignSignature>(fail(text.error()))
                               : signing::parse_minisign_signature(text->value_or(""));
  if (!signature) {
    checks.bad(name, "malformed", error_text(signature.error()));
    return {};
  }
  // The number says which key to try, when several are trusted; the key decides.
  const auto found = std::ranges::find(keys, signature->number, &signing::MinisignPublicKey::number);
  const signing::MinisignPublicKey& key = found == keys.end() ? keys.front() : *found;
  if (const auto comment = signing::verify_minisign_comment(*signature, key); !comment) {
    checks.bad(name, found == keys.end() ? "unknown-key" : "bad-signature", error_text(comment.error()));
    return {};
  }
  if (const auto verdict = signing::verify_minisign(context.world.files, path, *signature, key); !verdict) {
    if (verdict.error().kind != ErrorKind::verification) return fail(verdict.error());
    checks.bad(name, "changed-bytes", error_text(verdict.error()));
    return {};
  }
  checks.good(name, fmt::format("minisign key {}: {}", signing::to_text(key.number),
                                printable(replace_all(signature->trusted_comment, "\t", ", "))));
  return {};
}

}  // namespace

Result<Outcome> sign_with_minisign(const Options& options, Context& context) {
  if (!options.given("key"))
    return fail_hint(
        ErrorKind::usage,
        "add --key env:TRANCHE_NAME or --key file:PATH; `tranche key generate minisign` makes one",
        "nothing says which minisign key signs");
  const bool tauri = options.text("format") == "tauri";
  const std::string_view suffix = tauri ? tauri_suffix : minisign_suffix;
  const std::string repository = repository_here(context);
  const std::vector<std::string> paths = options.list("path");
  for (const std::string& path : paths)
    if (path.ends_with(suffix))
      return fail_hint(ErrorKind::usage, "name the file itself", "'{}' is a signature", printable(path));
  const Secret text = TRY(signing::read_secret(context.world, repository, options.text("key")));
  Secret password;
  if (options.given("key-password"))
    password = TRY(signing::read_secret(context.world, repository, options.text("key-password")));
  const auto key = TRY_WHILE("opening the minisign key", signing::MinisignSecretKey::parse(text, password));
  const Instant when = build_time(context);
  doc::Value files = doc::Value::array();
  Table table;
  for (const std::string& path : paths) {
    const std::string comment = signing::usual_comment(
        when, base_name(path), options.given("release") ? options.text("release") : "");
    const std::string signature = TRY(signing::sign_minisign(context.world.files, path, key, comment));
    const std::string output = path + std::string(suffix);
    if (!context.dry_run) TRY(context.world.files.write(output, tauri ? to_base64(signature) : signature));
    table.row({(context.dry_run ? "would sign " : "signed ") + printable(path), printable(output)});
    files.push(doc::Value::object({{"path", path}, {"signature", output}, {"comment", comment}}));
  }
  return Outcome{.json = doc::Value::object({{"schema", "tranche/sign/v1"},
                                             {"format", options.text("format")},
                                             {"key-id", signing::to_text(key.public_key().number)},
                                             {"files", std::move(files)}}),
                 .text = table.text()};
}

Result<> verify_with_minisign(Checks& checks, const Options& options, Context& context) {
  if (options.given("release"))
    return fail_hint(ErrorKind::usage, "name the files", "a release is checked by tranche's own signature");
  const std::vector<std::string> paths = options.list("path");
  if (options.given("signature") && paths.size() > 1)
    return fail_hint(ErrorKind::usage, "verify them one by one", "one --signature cannot be of {} files",
                     paths.size());
  const auto keys = TRY(read_keys(options, context));
  for (const std::string& path : paths) TRY(verify_one(checks, options, context, path, keys));
  return {};
}

}  // namespace tranche::commands
