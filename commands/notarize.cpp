#include "commands/notarize.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "commands/platform.hpp"
#include "commands/support.hpp"
#include "platform/kind.hpp"
#include "platform/notary.hpp"
#include "signing/signers.hpp"
#include "sigstore/services.hpp"

namespace tranche::commands {
namespace {

using platform::NotaryStatus;

constexpr std::string_view state_suffix = ".notary.json";
constexpr std::string_view log_suffix = ".notary-log.json";

int exit_of(NotaryStatus status) {
  if (status == NotaryStatus::accepted) return 0;
  return static_cast<int>(status == NotaryStatus::in_progress ? ErrorKind::pending : ErrorKind::verification);
}

Result<platform::NotaryOptions> read_options(const Options& options) {
  for (const std::string_view name : {"key", "key-id", "issuer"})
    if (!options.given(name))
      return fail_hint(ErrorKind::usage, "add --key file:AuthKey_ID.p8, --key-id ID and --issuer UUID",
                       "the notary service wants an App Store Connect key, and --{} is missing", name);
  platform::NotaryOptions out;
  out.account = {.key_id = options.text("key-id"), .issuer = options.text("issuer")};
  if (options.given("patience")) out.patience = TRY(parse_duration(options.text("patience")));
  if (options.given("notary-url")) out.service = options.text("notary-url");
  out.s3_endpoint = options.text("notary-bucket-url");
  // Whoever reads the token can notarize in the account's name for ten minutes.
  TRY(sigstore::check_service_url(out.service, "the notary service"));
  if (!out.s3_endpoint.empty()) TRY(sigstore::check_service_url(out.s3_endpoint, "the notary's bucket"));
  return out;
}

// `sign dist/*`, run again, names what the first run wrote.
bool is_own(std::string_view path) { return path.ends_with(state_suffix) || path.ends_with(log_suffix); }

Result<> refuse_unfit(ports::Files& files, const std::string& path) {
  const std::string mismatch = TRY(platform::find_mismatch(files, path, "notary"));
  if (mismatch.empty()) return {};
  return fail_hint(ErrorKind::invalid, "pack the app: ditto -c -k, hdiutil or productbuild",
                   "cannot submit '{}': {}", printable(path), mismatch);
}

doc::Value to_value(const std::vector<platform::NotaryIssue>& issues) {
  doc::Value list = doc::Value::array();
  for (const auto& issue : issues)
    list.push(
        doc::Value::object({{"severity", issue.severity}, {"path", issue.path}, {"message", issue.message}}));
  return list;
}

}  // namespace

std::vector<Flag> notary_flags() {
  return {
      {.name = "key-id", .value = "ID", .help = "of notary: the App Store Connect key's id"},
      {.name = "issuer", .value = "UUID", .help = "of notary: who issued the key"},
      {.name = "patience", .value = "TIME", .help = "of notary: how long to wait for an answer; without: 1h"},
      {.name = "notary-url", .value = "URL", .help = "of notary: another service than Apple's"},
      {.name = "notary-bucket-url", .value = "URL", .help = "of notary: another bucket than Amazon's"}};
}

Result<Outcome> notarize_files(const Options& options, Context& context) {
  if (options.given("release"))
    return fail_hint(ErrorKind::usage, "leave it out", "--release belongs to minisign's signatures");
  const platform::NotaryOptions notary = TRY(read_options(options));
  std::vector<std::string> paths = options.list("path");
  std::erase_if(paths, is_own);
  if (paths.empty())
    return fail_hint(ErrorKind::usage, "name the zip, dmg or pkg itself", "these are the notary's answers");
  for (const std::string& path : paths) TRY(refuse_unfit(context.world.files, path));
  const auto signer =
      TRY_WHILE("reading --key", signing::load_signer(context.world, repository_here(context),
                                                      options.text("key"), options.text("key-password")));
  // A key or account that can sign nothing is found out before anything is sent.
  TRY(platform::make_notary_token(*signer, notary.account, context.world.clock.now()));
  Outcome outcome;
  Table table;
  doc::Value files = doc::Value::array();
  std::string found;
  for (const std::string& path : paths) {
    const std::string state = path + std::string(state_suffix);
    if (context.dry_run) {
      const std::string id = TRY(platform::find_submission(context.world.files, path, state));
      table.row({(id.empty() ? "would submit " : "would wait for ") + printable(path),
                 id.empty() ? notary.service : id});
      files.push(doc::Value::object({{"path", path}, {"id", id}, {"resumed", !id.empty()}}));
      continue;
    }
    const auto made = TRY_WHILE("notarizing " + printable(path),
                                platform::notarize(context.world, *signer, notary, path, state));
    if (made.resumed) context.say("{}: carried on with submission {}", printable(path), made.id);
    if (!made.log.empty()) TRY(context.world.files.write(path + std::string(log_suffix), made.log));
    if (!made.log_flaw.empty()) context.say("{}: no log: {}", printable(path), made.log_flaw);
    // A refusal outweighs what is still open.
    if (outcome.exit_code != static_cast<int>(ErrorKind::verification) && exit_of(made.status) != 0)
      outcome.exit_code = exit_of(made.status);
    table.row({printable(path), std::string(platform::to_text(made.status)), made.id});
    for (const auto& issue : made.issues)
      found += fmt::format("  {}: {}: {}\n", printable(issue.severity, 20), printable(issue.path),
                           printable(issue.message));
    files.push(doc::Value::object({{"path", path},
                                   {"id", made.id},
                                   {"status", platform::to_text(made.status)},
                                   {"resumed", made.resumed},
                                   {"log", made.log.empty() ? "" : path + std::string(log_suffix)},
                                   {"issues", to_value(made.issues)}}));
  }
  outcome.json =
      doc::Value::object({{"schema", "tranche/sign/v1"}, {"format", "notary"}, {"files", std::move(files)}});
  outcome.text = table.text() + found;
  return outcome;
}

}  // namespace tranche::commands
