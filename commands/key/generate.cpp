// Key pairs: the public half into the repository, the secret half outside of it. Nothing is overwritten.
#include <algorithm>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/key/shared.hpp"
#include "commands/support.hpp"
#include "signing/keys.hpp"
#include "signing/minisign.hpp"

namespace tranche::commands {
namespace {

constexpr std::string_view minisign = "minisign";  // signs for clients that read minisign; no role of a feed
constexpr std::string_view approver = "approver";  // a person's own, for `tranche approve`

struct Place {
  std::string repository;  // "" is this directory
  std::string app;
};

// With --app the file is not read: keys may be made before it is right.
Result<Place> find_place(const Options& options, Context& context) {
  Place place;
  place.app = options.text("app");
  if (const auto file = find_file(context)) {
    place.repository = directory_name(*file) == "." ? "" : directory_name(*file);
    if (place.app.empty()) {
      const spec::Spec spec = TRY(spec::load(context.world.files, *file));
      if (spec.apps.size() > 1)
        return fail_hint(ErrorKind::usage, "add --app NAME", "{} has {} apps", printable(*file),
                         spec.apps.size());
      place.app = spec.apps.front().name;
    }
  } else if (context.file_given) {
    return fail(file.error());
  }
  if (place.app.empty()) place.app = base_name(TRY(context.world.files.current_directory()));
  return place;
}

// $XDG_CONFIG_HOME or ~/.config (XDG base directory specification), then tranche/keys.
Result<std::string> secrets_directory(Context& context) {
  const std::string config = context.world.environ.get("XDG_CONFIG_HOME").value_or("");
  if (config.starts_with('/')) return config + "/tranche/keys";
  const std::string home = context.world.environ.get("HOME").value_or("");
  if (home.starts_with('/')) return home + "/.config/tranche/keys";
  return fail_hint(ErrorKind::usage, "name the file with --secret PATH", "HOME is not set");
}

std::string shown_secret(Context& context, const std::string& path) {
  const std::string home = context.world.environ.get("HOME").value_or("");
  if (home.size() > 1 && path.starts_with(home + "/")) return "~" + path.substr(home.size());
  return path;
}

std::string variable_of(const std::string& role) {
  std::string name = "TRANCHE_" + role + "_KEY";
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return name;
}

struct Pair {
  std::string role;
  std::string secret_path;
  std::string public_path;   // as written to
  std::string trusted_path;  // as tranche.yaml names it
  std::string key_id;
  std::string client_key;  // minisign: the public half as Tauri's configuration has it
};

std::string lines_for_roles(const std::vector<Pair>& pairs) {
  std::string trust, signing;
  for (const Pair& pair : pairs) {
    if (pair.role == minisign || pair.role == approver) continue;
    trust += fmt::format("    {}: [{}]\n", pair.role, pair.trusted_path);
    if (pair.role == "root") continue;  // signs rotations only, and stays offline
    signing += fmt::format("    {}: env:{}\n", pair.role, variable_of(pair.role));
  }
  if (!trust.empty()) trust = "  trust:\n" + trust;
  return trust + (signing.empty() ? "" : "  signing:\n" + signing);
}

std::string lines_to_paste(Context& context, const std::vector<Pair>& pairs) {
  std::string text = "\nlines for tranche.yaml:\n" + lines_for_roles(pairs);
  std::string exports, config;
  for (const Pair& pair : pairs) {
    if (pair.role == "root") continue;
    exports += fmt::format("  export {}=\"$(cat {})\"\n", variable_of(pair.role),
                           shown_secret(context, pair.secret_path));
    if (pair.role == approver)
      text += fmt::format("  people: {{ release-managers: {{ keys: [{}] }} }}\n", pair.trusted_path);
    if (pair.role != minisign) continue;
    text += fmt::format("  channels: {{ stable: {{ clients: {{ tauri: {{ key: env:{} }} }} }} }}\n",
                        variable_of(pair.role));
    config = fmt::format("\nfor tauri.conf.json, plugins.updater:\n  \"pubkey\": \"{}\"\n", pair.client_key);
  }
  if (!exports.empty())
    text += "\nfor a shell here; in CI, make them secrets of the step that signs:\n" + exports;
  return text + config;
}

Result<> make_pair(const Options& options, Context& context, const std::string& repository, Pair& pair,
                   doc::Value& keys) {
  if (pair.role == minisign) {
    Secret password;
    if (options.given("key-password"))
      password = TRY(signing::read_secret(context.world, repository, options.text("key-password")));
    const auto key = TRY(signing::generate_minisign_key(context.world, repository, pair.secret_path,
                                                        pair.public_path, password));
    pair.key_id = signing::to_text(key.number);
    pair.client_key = to_base64(signing::to_text(key));
    keys.push(doc::Value::object({{"role", pair.role},
                                  {"key-id", pair.key_id},
                                  {"public", pair.public_path},
                                  {"secret", pair.secret_path},
                                  {"tauri-pubkey", pair.client_key}}));
    return {};
  }
  const crypto::PublicKey key =
      TRY(signing::generate_key(context.world, repository, pair.secret_path, pair.public_path));
  pair.key_id = crypto::key_id(key);
  keys.push(key_json(pair.role, key, pair.public_path, pair.secret_path));
  return {};
}

Result<Outcome> run_key_generate(const Options& options, Context& context) {
  const std::vector<std::string> roles = options.list("role");
  if (roles.size() > 1 && (options.given("secret") || options.given("public")))
    return fail_hint(ErrorKind::usage, "one key at a time with --secret and --public",
                     "one path cannot hold {} keys", roles.size());
  const Place place = TRY(find_place(options, context));
  if (options.given("key-password") && std::ranges::find(roles, minisign) == roles.end())
    return fail_hint(ErrorKind::usage, "leave it out: the others are kept by their file's mode",
                     "--key-password locks minisign keys only");
  std::vector<Pair> pairs;
  std::string text;
  doc::Value keys = doc::Value::array();
  for (const std::string& role : roles) {
    Pair pair{.role = role};
    if (options.given("secret"))
      pair.secret_path = options.text("secret");
    else
      pair.secret_path = fmt::format("{}/{}-{}.{}", TRY(secrets_directory(context)), place.app, role,
                                     role == minisign ? "key" : "pem");
    pair.trusted_path = options.given("public") ? options.text("public") : fmt::format("keys/{}.pub", role);
    pair.public_path =
        options.given("public") ? pair.trusted_path : join_path(place.repository, pair.trusted_path);
    if (context.dry_run) {
      text += fmt::format("would write the secret key {} and the public key {}\n",
                          shown_secret(context, pair.secret_path), pair.public_path);
      continue;
    }
    TRY(make_pair(options, context, place.repository.empty() ? "." : place.repository, pair, keys));
    text +=
        fmt::format("{} key {}\n  secret  {}  keep it: nobody can make it again\n  public  {}  commit it\n",
                    role, role == minisign ? pair.key_id : short_id(pair.key_id),
                    shown_secret(context, pair.secret_path), pair.public_path);
    pairs.push_back(std::move(pair));
  }
  if (!pairs.empty()) text += lines_to_paste(context, pairs);
  return Outcome{
      .json = doc::Value::object({{"schema", "tranche/key-generate/v1"}, {"keys", std::move(keys)}}),
      .text = std::move(text)};
}

}  // namespace

doc::Value key_json(std::string_view role, const crypto::PublicKey& key, std::string_view public_path,
                    std::string_view secret_path) {
  doc::Value value = doc::Value::object({{"role", role}, {"key-id", crypto::key_id(key)}});
  if (!public_path.empty()) value.set("public", public_path);
  if (!secret_path.empty()) value.set("secret", secret_path);
  return value;
}

Command key_generate() {
  return {.name = "key generate",
          .summary = "make a key pair for a role",
          .help_path = "commands/key/generate.md",
          .changes = true,
          .arguments = {{.name = "role",
                         .help = "release, feed, journal, root, approver or minisign; one pair for each",
                         .repeated = true,
                         .choices = {"release", "feed", "journal", "root", "approver", "minisign"}}},
          .flags = {{.name = "secret", .value = "PATH", .help = "the secret half, outside the repository"},
                    {.name = "public", .value = "PATH", .help = "the public half, in the repository"},
                    {.name = "key-password",
                     .value = "REF",
                     .help = "locks a minisign key: env:TRANCHE_NAME or file:PATH; without: an empty one"},
                    app_flag()},
          .run = run_key_generate};
}

}  // namespace tranche::commands
