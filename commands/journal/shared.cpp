#include "commands/journal/shared.hpp"

#include "base/text.hpp"
#include "journal/checkpoint.hpp"

namespace tranche::commands {

namespace {

constexpr std::size_t max_key_bytes = 16 * 1024;

}  // namespace

std::vector<Flag> believing_flags() {
  return {{.name = "key",
           .value = "FILE",
           .help = "a journal key to believe (PEM) instead of those under trust:",
           .repeated = true},
          {.name = "origin", .value = "NAME", .help = "the log's name; with --key", .default_text = ""}};
}

Result<Believed> read_believed(Context& context, const Options& options) {
  Believed believed;
  if (!options.given("key")) {
    if (options.given("origin"))
      return fail_hint(ErrorKind::usage, "add --key FILE, or leave it out", "--origin goes with --key");
    const Loaded loaded = TRY(load_app(context, options));
    believed.origin = "tranche/" + loaded.app().name;
    believed.keys = TRY(load_trust(context, loaded.spec, loaded.app())).journal;
    believed.witnesses = TRY(journal::witness_policy(loaded.app()));
    if (believed.keys.empty())
      return fail_hint(ErrorKind::invalid, "name it under 'trust: journal:', or with --key FILE",
                       "app '{}' trusts no journal key", loaded.app().name);
    return believed;
  }
  if (!options.given("origin"))
    return fail_hint(ErrorKind::usage, "it is the first line of the log's checkpoint, such as tranche/APP",
                     "--key needs --origin");
  believed.origin = options.text("origin");
  TRY(journal::check_origin(believed.origin));
  for (const std::string& path : options.list("key"))
    believed.keys.push_back(
        TRY_WHILE("reading " + printable(path),
                  crypto::public_key_from_pem(TRY(read_input(context, path, max_key_bytes)))));
  return believed;
}

doc::Value witnessed_json(const journal::Witnessed& witnessed) {
  doc::Value by = doc::Value::array();
  for (const auto& one : witnessed.by)
    by.push(doc::Value::object({{"name", one.name}, {"at", to_text(one.at)}}));
  doc::Value complaints = doc::Value::array();
  for (const auto& one : witnessed.complaints) complaints.push(one);
  return doc::Value::object(
      {{"required", witnessed.required}, {"by", std::move(by)}, {"complaints", std::move(complaints)}});
}

std::string witnessed_text(const journal::Witnessed& witnessed, const journal::WitnessPolicy& policy) {
  if (policy.known.empty()) return {};
  std::vector<std::string> names;
  names.reserve(witnessed.by.size());
  for (const auto& one : witnessed.by) names.push_back(fmt::format("{} ({})", one.name, to_text(one.at)));
  std::string text = fmt::format("signed by {} of {} known, {} required", witnessed.by.size(),
                                 count_of(policy.known.size(), "witness"), witnessed.required);
  if (!names.empty()) text += ": " + join(names, ", ");
  text += "\n";
  for (const auto& one : witnessed.complaints) text += "  " + one + "\n";
  return text;
}

}  // namespace tranche::commands
