#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/key/shared.hpp"
#include "commands/support.hpp"
#include "signing/keys.hpp"
#include "signing/minisign.hpp"

namespace tranche::commands {
namespace {

constexpr std::size_t max_key_bytes = 16 << 10;

Outcome answer(doc::Value keys, const Table& table) {
  return {.json = doc::Value::object({{"schema", "tranche/key-show/v1"}, {"keys", std::move(keys)}}),
          .text = table.text()};
}

Result<Outcome> run_key_show(const Options& options, Context& context) {
  doc::Value keys = doc::Value::array();
  Table table({"role", "key id", "public key"});
  if (options.given("path")) {
    for (const std::string& path : options.list("path")) {
      const std::string text = TRY(read_input(context, path, max_key_bytes));
      if (const auto minisign = signing::parse_minisign_public_key(text)) {
        const std::string number = signing::to_text(minisign->number);
        table.row({"minisign", number, printable(path)});
        keys.push(doc::Value::object({{"role", "minisign"}, {"key-id", number}, {"public", path}}));
        continue;
      }
      const auto key = TRY_WHILE("reading " + printable(path), crypto::public_key_from_pem(text));
      table.row({"-", crypto::key_id(key), printable(path)});
      keys.push(key_json("-", key, path));
    }
    return answer(std::move(keys), table);
  }
  const Loaded loaded = TRY(load_app(context, options));
  const signing::Trust trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  const spec::Trust& paths = loaded.app().trust;
  const auto add = [&](std::string_view role, const std::vector<crypto::PublicKey>& of,
                       const std::vector<std::string>& at) {
    for (std::size_t i = 0; i < of.size(); ++i) {
      const std::string path = i < at.size() ? at[i] : "";
      table.row({std::string(role), crypto::key_id(of[i]), printable(path)});
      keys.push(key_json(role, of[i], path));
    }
  };
  add("root", trust.root, paths.root);
  add("release", trust.release, paths.release);
  add("feed", trust.feed, paths.feed);
  add("journal", trust.journal, paths.journal);
  if (keys.as_array().empty())
    return fail_hint(ErrorKind::invalid, "make keys with `tranche key generate release feed journal`",
                     "app '{}' trusts no key", printable(loaded.app().name));
  return answer(std::move(keys), table);
}

}  // namespace

Command key_show() {
  return {.name = "key show",
          .summary = "list the trusted keys, or say which key a file holds",
          .help_path = "commands/key/show.md",
          .arguments = {{.name = "path",
                         .help = "public key files; without: the keys under trust:",
                         .required = false,
                         .repeated = true}},
          .flags = {app_flag()},
          .run = run_key_show};
}

}  // namespace tranche::commands
