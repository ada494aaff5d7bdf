// What works on this machine, and what to do about what does not.
#include <algorithm>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"
#include "ports/first_use.hpp"
#include "signing/keys.hpp"

namespace tranche::commands {
namespace {

class Findings {
 public:
  explicit Findings(bool color) : color_(color) {}
  void good(std::string_view name, std::string detail) {
    add(name, "ok", Style::green, std::move(detail), "");
  }
  void skip(std::string_view name, std::string detail, std::string hint = {}) {
    add(name, "skip", Style::yellow, std::move(detail), std::move(hint));
  }
  void bad(std::string_view name, std::string detail, std::string hint) {
    ++bad_;
    add(name, "FAIL", Style::red, std::move(detail), std::move(hint));
  }
  void bad(std::string_view name, const Error& error) { bad(name, error.message, error.hint); }

  [[nodiscard]] Outcome outcome() && {
    text_ += bad_ == 0 ? "everything that was checked works\n" : count_of(bad_, "problem") + "\n";
    return {.exit_code = bad_ == 0 ? 0 : static_cast<int>(ErrorKind::failed),
            .json = doc::Value::object(
                {{"schema", "tranche/doctor/v1"}, {"good", bad_ == 0}, {"checks", std::move(list_)}}),
            .text = std::move(text_)};
  }

 private:
  void add(std::string_view name, std::string_view status, Style style, std::string detail,
           std::string hint) {
    text_ += fmt::format("{}{}  {:<18}  {}\n", styled(status, style, color_),
                         std::string(4 - status.size(), ' '), name, detail);
    if (!hint.empty()) text_ += fmt::format("{:26}hint: {}\n", "", hint);
    std::string word(status);
    std::transform(word.begin(), word.end(), word.begin(), [](char c) {
      return c == 'F' || c == 'A' || c == 'I' || c == 'L' ? static_cast<char>(c + 32) : c;
    });
    list_.push(doc::Value::object({{"name", name}, {"status", word}, {"detail", detail}, {"hint", hint}}));
  }

  bool color_;
  std::size_t bad_ = 0;
  std::string text_;
  doc::Value list_ = doc::Value::array();
};

void check_git(Findings& findings, Context& context) {
  const auto git =
      context.world.process.run({.argv = {"git", "--version"}, .timeout = std::chrono::seconds(10)});
  if (git && git->exit_code == 0)
    findings.good("git", std::string(trim(git->out)));
  else
    findings.bad("git", "git does not run", "apt-get install git");
}

void check_library(Findings& findings, std::string_view name, const std::string& file,
                   const std::string& package, const char* symbol) {
  // Never destroyed: a library that was opened stays open.
  auto* library = new ports::Library(file, package);
  void (*function)() = nullptr;
  if (const auto loaded = library->load(function, symbol); !loaded)
    findings.bad(name, loaded.error());
  else
    findings.good(name, file);
}

void check_keys(Findings& findings, Context& context, const spec::Spec& spec, const spec::App& app) {
  const auto trust = load_trust(context, spec, app);
  if (!trust) {
    findings.bad("trusted keys", trust.error());
    return;
  }
  const std::size_t trusted =
      trust->root.size() + trust->release.size() + trust->feed.size() + trust->journal.size();
  if (trusted == 0)
    findings.skip("trusted keys", "app '" + printable(app.name) + "' trusts none",
                  "`tranche key generate release feed journal`");
  else
    findings.good("trusted keys", count_of(trusted, "key"));
  for (const auto role : {signing::Role::release, signing::Role::feed, signing::Role::journal}) {
    const std::string name = fmt::format("{} key", signing::to_text(role));
    const std::string& reference = role == signing::Role::release ? app.signing.release
                                   : role == signing::Role::feed  ? app.signing.feed
                                                                  : app.signing.journal;
    if (reference.empty()) {
      findings.skip(name, "none under signing:", "only what signs with it needs it");
      continue;
    }
    if (reference.starts_with("env:") && !context.world.environ.get(reference.substr(4))) {
      findings.skip(name, printable(reference) + " is not set here", "only what signs with it needs it");
      continue;
    }
    const auto key = load_signing_key(context, spec, app, role);
    if (!key)
      findings.bad(name, key.error());
    else if (const auto id = crypto::key_id((*key)->public_key()); trust->role_of(id) != role)
      findings.bad(name, fmt::format("key {} is no trusted {} key", short_id(id), signing::to_text(role)),
                   fmt::format("put its public half under trust: {}:", signing::to_text(role)));
    else
      findings.good(name, short_id(id));
  }
}

void check_store(Findings& findings, Context& context, const spec::Spec& spec, const spec::Channel& channel) {
  const std::string name = "store of " + channel.name;
  const std::string shown = printable(spec::to_text(channel.store));
  if (channel.store.kind != spec::StoreRef::Kind::dir) {
    findings.skip(name, shown + " is asked when it is used");
    return;
  }
  auto& files = context.world.files;
  const std::string directory = join_path(spec.repository, channel.store.path);
  const auto info = files.info(directory);
  if (!info) {
    findings.bad(name, info.error());
  } else if (!*info) {
    findings.skip(name, shown + " does not exist yet", "the first release that is published makes it");
  } else {
    const std::string probe = directory + "/.tranche-doctor";
    const auto wrote = files.write(probe, "");
    const auto removed = wrote ? files.remove(probe) : Result<>();
    if (!wrote)
      findings.bad(name, wrote.error());
    else if (!removed)
      findings.bad(name, removed.error());
    else
      findings.good(name, shown + " can be written");
  }
}

// Any answer counts: this asks whether the way there works, not what the metrics say.
void check_source(Findings& findings, Context& context, const spec::Source& source) {
  const std::string name = "source " + source.name;
  if (source.url.empty() || source.url.find('$') != std::string::npos)
    return findings.skip(name, fmt::format("{}: asked by its gates only", spec::to_text(source.kind)),
                         "`tranche gate run NAME` asks it");
  const auto answer = context.world.http.send({.url = source.url, .timeout = source.timeout});
  if (answer && answer->status < 500)
    findings.good(name, fmt::format("{} answers {}", printable(source.url), answer->status));
  else if (answer)
    findings.bad(name, fmt::format("{} answers {}", printable(source.url), answer->status),
                 "look at its log");
  else
    findings.bad(name, answer.error());
}

Result<Outcome> run_doctor(const Options& options, Context& context) {
  Findings findings(context.color);
  check_git(findings, context);
  check_library(findings, "libcurl", "libcurl.so.4", "libcurl4", "curl_easy_init");
  check_library(findings, "libgit2", "libgit2.so.1.5", "libgit2-1.5", "git_libgit2_init");
  check_library(findings, "libarchive", "libarchive.so.13", "libarchive13", "archive_read_new");
  const auto spec = load_spec(context);
  if (!spec) {
    if (context.file_given || find_file(context))
      findings.bad("tranche.yaml", spec.error().message,
                   spec.error().mark ? "`tranche check` shows all errors" : spec.error().hint);
    else
      findings.skip("tranche.yaml", "none here", "`tranche init` makes one");
    return std::move(findings).outcome();
  }
  findings.good("tranche.yaml", printable(spec->file));
  for (const auto& app : spec->apps) {
    check_keys(findings, context, *spec, app);
    for (const auto& channel : app.channels) check_store(findings, context, *spec, channel);
    if (!options.given("with-network")) continue;
    for (const auto& source : app.sources) check_source(findings, context, source);
  }
  return std::move(findings).outcome();
}

}  // namespace

Command doctor() {
  return {.name = "doctor",
          .summary = "say what works on this machine, and what to do about the rest",
          .help_path = "commands/doctor.md",
          .flags = {{.name = "with-network", .help = "ask the sources of metrics too"}},
          .run = run_doctor};
}

}  // namespace tranche::commands
