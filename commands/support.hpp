// What commands share: finding tranche.yaml, saying who acts, keys that are trusted, and showing things.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/time.hpp"
#include "commands/command.hpp"
#include "ports/ports.hpp"
#include "signing/keys.hpp"
#include "spec/spec.hpp"

namespace tranche::commands {

// --app NAME: which app of a file that has several. Every command that calls load_app declares it.
Flag app_flag();

struct Loaded {
  spec::Spec spec;
  std::size_t app_index = 0;
  [[nodiscard]] const spec::App& app() const { return spec.apps[app_index]; }
  [[nodiscard]] const std::string& repository() const { return spec.repository; }
};

// The file that --file names; without it tranche.yaml here or in the nearest directory above, up to the top
// of the git work tree. kind invalid, with a hint to `tranche init`, when there is none.
Result<std::string> find_file(Context& context);
Result<spec::Spec> load_spec(Context& context);
// With several apps and no --app: kind usage, listing them.
Result<Loaded> load_app(Context& context, const Options& options);

// Who acts, for records: the OIDC or CI actor (GITHUB_ACTOR under GITHUB_ACTIONS, GITLAB_USER_LOGIN under
// GITLAB_CI), else git's user.name and user.email in `repository`, else "unknown". An answer, never an error:
// a record of somebody unknown is better than none. Not authenticated: the key that signs the record is.
std::string who(Context& context, const std::string& repository);

// The public keys under `trust:`.
Result<signing::Trust> load_trust(Context& context, const spec::Spec& spec, const spec::App& app);
// What signs for a role, by its reference under `signing:`. kind invalid when the app names none.
Result<std::unique_ptr<crypto::Ed25519Signer>> load_signing_key(Context& context, const spec::Spec& spec,
                                                                const spec::App& app, signing::Role role);

// The bytes of a file argument; "-" is stdin. kind failed when there is no such file.
Result<std::string> read_input(Context& context, const std::string& path, std::size_t max_bytes);

// "3m ago", "2d ago", "in 5m": one unit, rounded down.
std::string format_age(Instant then, Instant now);
std::string format_bytes(std::uint64_t bytes);  // "512 B", "1.4 MiB"
std::string format_ratio(double ratio);         // 0.0123 → "1.23%"; for measured rates, not for Percent
std::string count_of(std::uint64_t count, std::string_view noun);  // "1 device", "3 devices"
// First twelve hex digits: for people; machines get the whole.
std::string short_id(std::string_view hex);

// Columns aligned by what they take in a terminal, two blanks between, no blanks at line ends.
class Table {
 public:
  // An empty header prints no header line.
  explicit Table(std::vector<std::string> header = {});
  Table& row(std::vector<std::string> cells);
  Table& align_right(std::size_t column);
  // Each line begins with `indent` blanks. Empty without rows.
  [[nodiscard]] std::string text(std::size_t indent = 0) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> right_;
};

// Styles; the text itself when `on` is false.
enum class Style { bold, dim, red, green, yellow };
std::string styled(std::string_view text, Style style, bool on);

}  // namespace tranche::commands
