#include <algorithm>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/gate/plan.hpp"
#include "commands/support.hpp"
#include "gate/power.hpp"
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

struct Stages {
  std::string sized;  // a comment: what was assumed
  std::string lines;
};

std::string stage_line(double share, const std::string& bake) {
  return fmt::format("      - {{ percent: {:g}, bake: {}, gates: [crashes] }}\n", share * 100, bake);
}

// Stages that the gate can see something in, when it is known how much there is to see.
Result<Stages> make_stages(const Options& options) {
  Stages out;
  for (const double share : {0.05, 0.2, 0.5}) out.lines += stage_line(share, "6h..24h");
  const int given = static_cast<int>(options.given("devices")) +
                    static_cast<int>(options.given("sessions-per-day")) +
                    static_cast<int>(options.given("crash-rate"));
  if (given == 0) return out;
  if (given < 3)
    return fail_hint(ErrorKind::usage, "add --devices, --sessions-per-day and --crash-rate",
                     "stages are sized by all three");
  const auto devices = static_cast<double>(TRY(options.number("devices")));
  const double sessions = TRY(parse_ratio("sessions-per-day", options.text("sessions-per-day")));
  gate::PowerQuestion question;
  question.base = TRY(parse_part("crash-rate", options.text("crash-rate")));
  question.ratio = 2;
  question.within = std::chrono::hours(48);
  const double whole = devices * sessions / 86'400;
  const std::string assumed = fmt::format("{:.0f} devices with {:g} sessions a day, {} of which crash",
                                          devices, sessions, format_ratio(question.base));
  const auto first = TRY(gate::suggest_stage(question, whole));
  if (!first) {
    out.sized = fmt::format(
        "\n      # With {},\n      # no stage shows within 48h that a release crashes twice as often.",
        assumed);
    return out;
  }
  out.sized = fmt::format(
      "\n      # Sized as `tranche gate plan` does: {}.\n      # A release that crashes twice as often is "
      "seen "
      "within each bake with a chance of 90% or more.",
      assumed);
  out.lines.clear();
  std::vector<gate::StageSize> sizes{*first};
  for (const double share : {0.05, 0.2, 0.5})
    if (share >= 2 * first->share)
      if (const auto size = TRY(gate::size_stage(question, whole, share))) sizes.push_back(*size);
  for (const gate::StageSize& size : sizes) {
    const Duration most = std::max<Duration>(std::chrono::hours(24), 4 * size.bake);
    out.lines += stage_line(size.share, to_text(DurationRange{size.bake, most}));
  }
  return out;
}

Result<std::string> make_file(const Options& options, Context& context, scaffold::Facts& facts) {
  const std::string here = TRY(context.world.files.current_directory());
  facts = TRY(scaffold::detect(context.world.files, "", base_name(here)));
  if (options.given("app")) facts.app = options.text("app");
  std::vector<std::string> artifacts;
  for (const auto& pattern : facts.artifacts) artifacts.push_back(quoted(pattern));
  const Stages stages = TRY(make_stages(options));
  const std::string text = TRY(scaffold::render(
      embedded_text("templates/tranche.yaml"),
      {{"app", facts.app},
       {"found", facts.found_in.empty() ? "" : " (guessed from " + facts.found_in + ": correct it)"},
       {"artifacts", join(artifacts, ", ")},
       {"store", quoted(options.text("store"))},
       {"source", quoted(options.text("source"))},
       {"sized", stages.sized},
       {"stages", stages.lines}}));
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

constexpr std::pair<std::string_view, std::string_view> snippets[] = {
    {"csharp", "templates/telemetry/csharp.cs"},          {"go", "templates/telemetry/go.go"},
    {"javascript", "templates/telemetry/javascript.mjs"}, {"otel", "templates/telemetry/otel.yaml"},
    {"python", "templates/telemetry/python.py"},          {"rust", "templates/telemetry/rust.rs"},
    {"swift", "templates/telemetry/swift.swift"}};

// What an app must report, for a language. Names and address stand in its strings, so they are held to what
// cannot leave them.
Result<Outcome> telemetry_snippet(const Options& options, Context& context) {
  const std::string wanted = options.text("telemetry-snippet");
  std::vector<std::string> languages;
  std::string_view path;
  for (const auto& [language, file] : snippets) {
    languages.emplace_back(language);
    if (language == wanted) path = file;
  }
  if (path.empty())
    return fail_hint(ErrorKind::usage, "ask for " + join(languages, ", "), "there is no snippet for '{}'",
                     printable(wanted, 40));
  const auto within = [](std::string_view text, std::string_view extra) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
             extra.find(c) != std::string_view::npos;
    });
  };
  std::string app = options.text("app");
  if (app.empty())
    app = TRY(scaffold::detect(context.world.files, "",
                               base_name(TRY(context.world.files.current_directory()))))
              .app;
  std::string url = options.text("source");
  while (url.ends_with('/')) url.pop_back();
  const std::size_t scheme = url.find("://");
  if (!within(app, "-"))
    return fail_hint(ErrorKind::usage, "give --app NAME of a-z, 0-9 and -", "'{}' is no app's name",
                     printable(app, 64));
  if (!(url.starts_with("http://") || url.starts_with("https://")) || !within(url, ":/.-_[]~"))
    return fail_hint(ErrorKind::usage, "give --source http://HOST:PORT, where `tranche serve` is",
                     "'{}' is no address for a snippet", printable(url, 64));
  std::string text(embedded_text(path));
  text = replace_all(text, "@APP@", app);
  text = replace_all(text, "@URL@", url);
  text = replace_all(text, "@SCHEME@", url.substr(0, scheme));
  text = replace_all(text, "@HOST@", url.substr(scheme + 3));
  return Outcome{
      .json = doc::Value::object(
          {{"schema", "tranche/telemetry-snippet/v1"}, {"language", wanted}, {"app", app}, {"text", text}}),
      .text = std::move(text)};
}

Result<Outcome> run_init(const Options& options, Context& context) {
  if (options.given("telemetry-snippet")) return telemetry_snippet(options, context);
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
  return {
      .name = "init",
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
                {.name = "devices",
                 .value = "N",
                 .help = "how many there are: sizes the stages, with the next two"},
                {.name = "sessions-per-day", .value = "N", .help = "of one device"},
                {.name = "crash-rate", .value = "RATE", .help = "of a session with a good release, 0.2%"},
                {.name = "telemetry-snippet",
                 .value = "LANGUAGE",
                 .help = "print what an app must report, and write nothing: csharp, go, javascript, otel, "
                         "python, rust, swift"},
                {.name = "force", .help = "replace a tranche.yaml that exists"}},
      .run = run_init};
}

}  // namespace tranche::commands
