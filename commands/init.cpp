#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"
#include "scaffold/scaffold.hpp"

namespace tranche {
std::string_view embedded_text(std::string_view path);  // cli/embed.cmake
}

namespace tranche::commands {
namespace {

constexpr std::size_t max_gitignore = 1 << 20;

struct NewFile {
  std::string path;
  std::string bytes;
  std::string what;  // "write", "add to", "replace"
};

// A JSON string is a YAML string too.
std::string quoted(const std::string& text) { return doc::to_json(doc::Value(text)); }

Result<std::string> make_file(const Options& options, Context& context, scaffold::Facts& facts) {
  const std::string here = TRY(context.world.files.current_directory());
  facts = TRY(scaffold::detect(context.world.files, "", base_name(here)));
  if (options.given("app")) facts.app = options.text("app");
  std::vector<std::string> artifacts;
  for (const auto& pattern : facts.artifacts) artifacts.push_back(quoted(pattern));
  const std::string text = TRY(scaffold::render(
      embedded_text("templates/tranche.yaml"),
      {{"app", facts.app},
       {"found", facts.found_in.empty() ? "" : " (guessed from " + facts.found_in + ": correct it)"},
       {"artifacts", join(artifacts, ", ")},
       {"store", quoted(options.text("store"))},
       {"source", quoted(options.text("source"))}}));
  // What was given may be no name or no store: the file that is written always passes `tranche check`.
  TRY_WHILE("making tranche.yaml", spec::parse(text, context.file));
  return text;
}

Result<std::vector<NewFile>> plan(const Options& options, Context& context, scaffold::Facts& facts) {
  std::vector<NewFile> files;
  const bool exists = TRY(context.world.files.info(context.file)).has_value();
  if (exists && !options.given("force"))
    return fail_hint(ErrorKind::failed, "edit it, or write it anew with --force", "'{}' exists already",
                     printable(context.file));
  std::string made = TRY(make_file(options, context, facts));
  files.push_back({context.file, std::move(made), exists ? "replace" : "write"});
  std::vector<std::string> ignored = {"*.pem", "*.tranche.sig"};
  const std::string store = options.text("store");
  if (store.starts_with("dir:") && store.size() > 4 && store[4] != '/')
    ignored.push_back("/" + normal_path(store.substr(4)) + "/");
  const std::string directory = directory_name(context.file);
  const std::string path = directory == "." ? ".gitignore" : directory + "/.gitignore";
  const auto old = TRY(context.world.files.read(path, max_gitignore));
  std::string bytes =
      scaffold::add_lines(old.value_or(""), "# tranche: secret keys and what is published", ignored);
  if (bytes != old.value_or("")) files.push_back({path, std::move(bytes), old ? "add to" : "write"});
  return files;
}

Result<Outcome> run(const Options& options, Context& context) {
  scaffold::Facts facts;
  const auto files = TRY(plan(options, context, facts));
  doc::Value written = doc::Value::array();
  std::string text;
  for (const NewFile& file : files) {
    written.push(doc::Value::object({{"path", file.path}, {"action", file.what}}));
    if (context.dry_run) {
      text += fmt::format("would {} {}:\n{}\n", file.what, printable(file.path), file.bytes);
      continue;
    }
    TRY(context.world.files.write(file.path, file.bytes));
    text += fmt::format("{} {}\n",
                        file.what == "write"     ? "wrote"
                        : file.what == "replace" ? "replaced"
                                                 : "added to",
                        printable(file.path));
  }
  if (!context.dry_run) {
    text += fmt::format("\napp {}{}\n", facts.app,
                        facts.found_in.empty() ? "" : fmt::format(", a project of kind {}", facts.kind));
    text +=
        "next:\n  tranche key generate release feed journal\n  tranche check\n  tranche help release "
        "create\n";
  }
  return Outcome{.json = doc::Value::object({{"schema", "tranche/init/v1"},
                                             {"app", facts.app},
                                             {"kind", facts.kind},
                                             {"files", std::move(written)}}),
                 .text = std::move(text)};
}

}  // namespace

Command init() {
  return {.name = "init",
          .summary = "write a commented tranche.yaml for this project",
          .help_path = "commands/init.md",
          .changes = true,
          .flags = {{.name = "app",
                     .value = "NAME",
                     .help = "the app's name; guessed from the project without it"},
                    {.name = "store",
                     .value = "STORE",
                     .help = "where releases are published",
                     .default_text = "dir:public/stable"},
                    {.name = "source",
                     .value = "URL",
                     .help = "the `tranche serve` whose counters gates read",
                     .default_text = "http://127.0.0.1:8080"},
                    {.name = "force", .help = "replace a tranche.yaml that exists"}},
          .run = run};
}

}  // namespace tranche::commands
