#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_journal_verify(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const journal::Verification verified = TRY(opened.deck->journal().verify());
  return Outcome{0,
                 doc::Value::object({{"schema", "tranche/journal-verify/v1"},
                                     {"verified", true},
                                     {"entries", verified.entries},
                                     {"root", verified.root},
                                     {"checkpoint", verified.checkpoint}}),
                 fmt::format("{} verified, root {}\n", count_of(verified.entries, "entry"), verified.root)};
}

}  // namespace

Command journal_verify() {
  return {.name = "journal verify",
          .summary = "hash everything again and check the signature",
          .help_path = "commands/journal/verify.md",
          .flags = {app_flag()},
          .run = run_journal_verify};
}

}  // namespace tranche::commands
