#include "commands/journal/shared.hpp"
#include "commands/journal/verbs.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_journal_witness(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  actions::Deck& deck = *opened.deck;
  const auto policy = TRY(journal::witness_policy(deck.app()));
  if (policy.known.empty())
    return fail_hint(ErrorKind::invalid, "name some under 'witnesses: known:'",
                     "app '{}' knows no witness of its journal", deck.app().name);
  const auto witnessed =
      context.dry_run
          ? TRY(journal::read_witnessed(deck.state_store(), deck.journal(), policy))
          : TRY(journal::ask_witnesses(context.world, deck.state_store(), deck.journal(), policy));
  return Outcome{witnessed.enough() ? 0 : 8,
                 doc::Value::object({{"schema", "tranche/journal-witness/v1"},
                                     {"dry-run", context.dry_run},
                                     {"entries", deck.journal().size()},
                                     {"enough", witnessed.enough()},
                                     {"witnesses", witnessed_json(witnessed)}}),
                 witnessed_text(witnessed, policy)};
}

}  // namespace

Command journal_witness() {
  return {.name = "journal witness",
          .summary = "have others sign that the journal only grew",
          .help_path = "commands/journal/witness.md",
          .changes = true,
          .flags = {app_flag()},
          .run = run_journal_witness};
}

}  // namespace tranche::commands
