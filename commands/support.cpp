#include "commands/support.hpp"

#include <algorithm>
#include <utility>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/talk.hpp"
#include "signing/signers.hpp"

namespace tranche::commands {
namespace {

constexpr std::string_view default_file = "tranche.yaml";
constexpr int most_parents = 64;  // no work tree is deeper; bounds a walk over odd mounts

std::string git_value(Context& context, const std::string& repository, const char* key) {
  const auto result = context.world.process.run({.argv = {"git", "config", "--get", key},
                                                 .directory = repository,
                                                 .timeout = std::chrono::seconds(5),
                                                 .max_output_bytes = 4096});
  if (!result || result->exit_code != 0) return {};
  return std::string(trim(result->out));
}

}  // namespace

Flag app_flag() { return {.name = "app", .value = "NAME", .help = "which app, when the file has several"}; }

Result<std::string> find_file(Context& context) {
  if (context.file_given) return context.file;
  std::string directory = TRY(context.world.files.current_directory());
  std::string prefix;
  for (int i = 0; i < most_parents; ++i) {
    if (TRY(context.world.files.info(join_path(directory, default_file))))
      return prefix + std::string(default_file);
    if (directory == "/" || TRY(context.world.files.info(join_path(directory, ".git")))) break;
    directory = directory_name(directory);
    prefix += "../";
  }
  return fail_hint(ErrorKind::invalid, "make one with `tranche init`, or name it with --file PATH",
                   "there is no {} here", default_file);
}

Result<spec::Spec> load_spec(Context& context) {
  return spec::load(context.world.files, TRY(find_file(context)));
}

Result<Loaded> load_app(Context& context, const Options& options) {
  Loaded loaded{.spec = TRY(load_spec(context))};
  std::vector<std::string> names;
  for (const auto& app : loaded.spec.apps) names.push_back(app.name);
  if (!options.given("app")) {
    if (names.size() == 1) return loaded;
    return fail_hint(ErrorKind::usage, "add --app with one of: " + join(names, ", "), "{} has {} apps",
                     printable(loaded.spec.file), names.size());
  }
  const std::string wanted = options.text("app");
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found == names.end())
    return fail_hint(ErrorKind::usage, "it has: " + join(names, ", "), "{} has no app '{}'",
                     printable(loaded.spec.file), printable(wanted));
  loaded.app_index = static_cast<std::size_t>(found - names.begin());
  return loaded;
}

std::string who(Context& context, const std::string& repository) {
  auto& environ = context.world.environ;
  const auto ci_actor = [&](const char* running, const char* actor) {
    return environ.get(running).value_or("").empty() ? std::string() : environ.get(actor).value_or("");
  };
  for (const auto& [running, actor] :
       {std::pair("GITHUB_ACTIONS", "GITHUB_ACTOR"), std::pair("GITLAB_CI", "GITLAB_USER_LOGIN")})
    if (const std::string name = ci_actor(running, actor); !name.empty()) return printable(name);
  const std::string name = git_value(context, repository, "user.name");
  const std::string email = git_value(context, repository, "user.email");
  if (!email.empty()) return printable(name.empty() ? email : fmt::format("{} <{}>", name, email));
  if (!name.empty()) return printable(name);
  return "unknown";
}

Result<signing::Trust> load_trust(Context& context, const spec::Spec& spec, const spec::App& app) {
  return signing::load_trust(context.world.files, spec.repository,
                             {.root = app.trust.root,
                              .release = app.trust.release,
                              .feed = app.trust.feed,
                              .journal = app.trust.journal});
}

Result<std::unique_ptr<crypto::Ed25519Signer>> load_signing_key(Context& context, const spec::Spec& spec,
                                                                const spec::App& app, signing::Role role) {
  const std::string* reference = nullptr;
  switch (role) {
    case signing::Role::release:
      reference = &app.signing.release;
      break;
    case signing::Role::feed:
      reference = &app.signing.feed;
      break;
    case signing::Role::journal:
      reference = &app.signing.journal;
      break;
    case signing::Role::root:
      break;
  }
  if (reference == nullptr)
    return fail_hint(ErrorKind::denied, "root signs rotations only", "no command signs with the root key");
  if (reference->empty()) {
    const auto name = signing::to_text(role);
    return fail_hint(
        ErrorKind::invalid,
        fmt::format("make one with `tranche key generate {}` and paste the lines it prints", name),
        "app '{}' names no {} key under signing:", printable(app.name), name);
  }
  return signing::load_role_key(context.world, spec.repository, *reference, app.signing.passphrase);
}

Result<std::string> read_input(Context& context, const std::string& path, std::size_t max_bytes) {
  if (path == "-") return context.world.console.in(max_bytes);
  auto bytes = TRY(context.world.files.read(path, max_bytes));
  if (!bytes)
    return fail_hint(ErrorKind::failed, "check the path; - reads stdin", "no such file: '{}'",
                     printable(path));
  return std::move(*bytes);
}

std::string format_age(Instant then, Instant now) {
  const bool ahead = then > now;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(ahead ? then - now : now - then).count();
  std::string amount;
  if (seconds < 1) return "now";
  if (seconds < 60)
    amount = fmt::format("{}s", seconds);
  else if (seconds < 3600)
    amount = fmt::format("{}m", seconds / 60);
  else if (seconds < 48 * 3600)
    amount = fmt::format("{}h", seconds / 3600);
  else
    amount = fmt::format("{}d", seconds / 86400);
  return ahead ? "in " + amount : amount + " ago";
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double amount = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (amount < 1023.95) break;
    amount /= 1024;
    unit = next;
  }
  return fmt::format("{:.1f} {}", amount, unit);
}

std::string format_ratio(double ratio) {
  const double percent = ratio * 100;
  if (percent != 0 && percent < 0.01) return "<0.01%";
  std::string text = fmt::format("{:.2f}", percent);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text + "%";
}

std::string count_of(std::uint64_t count, std::string_view noun) {
  if (count == 1) return fmt::format("1 {}", noun);
  const bool vowel_y = noun.ends_with("ay") || noun.ends_with("ey") || noun.ends_with("oy");
  if (noun.ends_with('y') && !vowel_y) return fmt::format("{} {}ies", count, noun.substr(0, noun.size() - 1));
  return fmt::format("{} {}s", count, noun);
}

std::string short_id(std::string_view hex) { return std::string(hex.substr(0, 12)); }

Table::Table(std::vector<std::string> header) : header_(std::move(header)) {}

Table& Table::row(std::vector<std::string> cells) {
  rows_.push_back(std::move(cells));
  return *this;
}

Table& Table::align_right(std::size_t column) {
  right_.push_back(column);
  return *this;
}

std::string Table::text(std::size_t indent) const {
  if (rows_.empty()) return {};
  std::vector<std::size_t> widths;
  const auto measure = [&](const std::vector<std::string>& cells) {
    if (cells.size() > widths.size()) widths.resize(cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], display_width(cells[i]));
  };
  measure(header_);
  for (const auto& cells : rows_) measure(cells);
  std::string text;
  const auto print = [&](const std::vector<std::string>& cells) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - display_width(cells[i]), ' ');
      const bool right = std::find(right_.begin(), right_.end(), i) != right_.end();
      if (i > 0) line += "  ";
      line += right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  if (!header_.empty()) print(header_);
  for (const auto& cells : rows_) print(cells);
  return text;
}

std::string styled(std::string_view text, Style style, bool on) {
  if (!on) return std::string(text);
  const auto code = [style] {
    switch (style) {
      case Style::bold:
        return 1;
      case Style::dim:
        return 2;
      case Style::red:
        return 31;
      case Style::green:
        return 32;
      case Style::yellow:
        return 33;
    }
    return 0;
  };
  return fmt::format("\x1b[{}m{}\x1b[0m", code(), text);
}

}  // namespace tranche::commands
