#include "commands/journal/shared.hpp"
#include "commands/journal/verbs.hpp"
#include "signing/signers.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_journal_rotate_key(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  actions::Deck& deck = *opened.deck;
  const crypto::Ed25519Signer* old_key = TRY(deck.journal_key());
  const auto new_key = TRY_WHILE("loading the new journal key",
                                 signing::load_role_key(context.world, deck.repository(), options.text("to"),
                                                        deck.app().signing.passphrase));
  const std::string old_id = crypto::key_id(old_key->public_key());
  const std::string new_id = crypto::key_id(new_key->public_key());
  doc::Value json = doc::Value::object({{"schema", "tranche/journal-rotate-key/v1"},
                                        {"dry-run", context.dry_run},
                                        {"old", old_id},
                                        {"new", new_id}});
  const journal::Entry entry =
      TRY(deck.journal().rotate(*old_key, *new_key, context.dry_run, deck.by(), context.reason));
  json.set("index", entry.index);
  return Outcome{0, std::move(json),
                 fmt::format("{} {} retires key {} for {}\nnow name the new key under 'signing: journal:'\n",
                             context.dry_run ? "would write: entry" : "entry", entry.index, short_id(old_id),
                             short_id(new_id))};
}

}  // namespace

Command journal_rotate_key() {
  return {.name = "journal rotate-key",
          .summary = "let another key sign the journal from now on",
          .help_path = "commands/journal/rotate_key.md",
          .changes = true,
          .flags = {{.name = "to",
                     .value = "KEY",
                     .help = "the new secret key: env:TRANCHE_NAME, file:PATH or pkcs11:URI",
                     .required = true},
                    app_flag()},
          .run = run_journal_rotate_key};
}

}  // namespace tranche::commands
