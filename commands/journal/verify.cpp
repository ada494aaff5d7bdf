#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/journal/shared.hpp"
#include "crypto/merkle.hpp"
#include "journal/entry.hpp"
#include "journal/tlog_proof.hpp"

namespace tranche::commands {
namespace {

// Whether there are enough witnesses: 0, or 8 when their signatures are still to come.
int exit_code(const journal::Witnessed& witnessed) { return witnessed.enough() ? 0 : 8; }

Result<Outcome> verify_log(const Options& options, Context& context) {
  const Opened opened = TRY(open_to_read(context, options));
  const auto policy = TRY(journal::witness_policy(opened.deck->app()));
  const journal::Verification verified = TRY(opened.deck->journal().verify());
  const auto witnessed =
      TRY(journal::read_witnessed(opened.deck->state_store(), opened.deck->journal(), policy));
  std::string text =
      fmt::format("{} verified, root {}\n", count_of(verified.entries, "entry"), verified.root);
  return Outcome{exit_code(witnessed),
                 doc::Value::object({{"schema", "tranche/journal-verify/v1"},
                                     {"verified", true},
                                     {"entries", verified.entries},
                                     {"root", verified.root},
                                     {"checkpoint", verified.checkpoint},
                                     {"witnesses", witnessed_json(witnessed)}}),
                 text + witnessed_text(witnessed, policy)};
}

// A proof in a file, by the keys alone: nothing is opened, nobody is asked.
Result<Outcome> verify_entry(const Believed& believed, const journal::TlogProof& proof,
                             const std::string& entry) {
  const auto checkpoint = TRY(journal::check_tlog_proof(proof, entry, believed.origin, believed.keys));
  const auto witnessed = journal::count_witnesses(proof.checkpoint, proof.checkpoint, believed.witnesses);
  doc::Value json = doc::Value::object({{"schema", "tranche/journal-verify/v1"},
                                        {"verified", true},
                                        {"index", proof.index},
                                        {"entries", checkpoint.size},
                                        {"entry", entry},
                                        {"witnesses", witnessed_json(witnessed)}});
  std::string what;
  if (const auto known = journal::parse_entry(entry))
    what = fmt::format(": {} by {} at {}", known->kind, printable(known->by, 60), to_text(known->at));
  return Outcome{exit_code(witnessed), std::move(json),
                 fmt::format("entry {} of {} is in the journal of '{}'{}\n", proof.index, checkpoint.size,
                             printable(believed.origin), what) +
                     witnessed_text(witnessed, believed.witnesses)};
}

Result<Outcome> verify_growth(const Believed& believed, const journal::GrowthProof& proof,
                              const std::string& seen_note) {
  const auto open = [&](const std::string& note) -> Result<journal::Checkpoint> {
    const auto checkpoint =
        TRY(journal::parse_checkpoint(TRY(signing::open_note(note, believed.origin, believed.keys))));
    if (checkpoint.origin != believed.origin)
      return fail_hint(ErrorKind::verification, "compare checkpoints of one log",
                       "a checkpoint is of '{}', not of '{}'", printable(checkpoint.origin),
                       printable(believed.origin));
    return checkpoint;
  };
  const auto seen = TRY_WHILE("checking the checkpoint seen before", open(seen_note));
  const auto now = TRY_WHILE("checking the newer checkpoint", open(proof.checkpoint));
  if (seen.size != proof.old_size)
    return fail_hint(ErrorKind::verification, fmt::format("ask for `journal prove --from {}`", seen.size),
                     "the proof is from {} entries, the checkpoint seen before has {}", proof.old_size,
                     seen.size);
  if (auto grew = crypto::verify_consistency(seen.size, now.size, proof.hashes, seen.root, now.root); !grew)
    return fail_hint(ErrorKind::verification,
                     "two histories exist, or the proof was changed: ask for it anew, then compare copies",
                     "the log of {} entries did not grow from the one of {}: {}", now.size, seen.size,
                     grew.error().message);
  return Outcome{0,
                 doc::Value::object({{"schema", "tranche/journal-verify/v1"},
                                     {"verified", true},
                                     {"from", seen.size},
                                     {"entries", now.size}}),
                 fmt::format("the journal of '{}' grew from {} to {}\n", printable(believed.origin),
                             seen.size, count_of(now.size, "entry"))};
}

Result<Outcome> run_journal_verify(const Options& options, Context& context) {
  if (!options.given("proof")) {
    for (const std::string_view name : {"entry", "seen", "key", "origin"})
      if (options.given(name))
        return fail_hint(ErrorKind::usage, "add --proof FILE, or leave it out", "--{} goes with --proof",
                         name);
    return verify_log(options, context);
  }
  const std::string text = TRY(read_input(context, options.text("proof"), journal::max_tlog_proof_bytes));
  const Believed believed = TRY(read_believed(context, options));
  if (text.starts_with("old ")) {
    if (!options.given("seen"))
      return fail_hint(ErrorKind::usage, "add --seen FILE, the checkpoint that you know",
                       "this proves that a log grew; from what?");
    return verify_growth(believed, TRY(journal::parse_growth_proof(text)),
                         TRY(read_input(context, options.text("seen"), journal::max_checkpoint_bytes)));
  }
  const auto proof = TRY(journal::parse_tlog_proof(text));
  if (!options.given("entry") && proof.extra.empty())
    return fail_hint(ErrorKind::usage, "add --entry FILE with the bytes of the entry",
                     "the proof does not hold the entry that it is about");
  const std::string entry = options.given("entry")
                                ? TRY(read_input(context, options.text("entry"), journal::max_entry_bytes))
                                : proof.extra;
  return verify_entry(believed, proof, entry);
}

}  // namespace

Command journal_verify() {
  std::vector<Flag> flags = {
      {.name = "proof", .value = "FILE", .help = "check this proof instead, offline"},
      {.name = "entry", .value = "FILE", .help = "the entry it is about, where it does not hold it"},
      {.name = "seen", .value = "FILE", .help = "the checkpoint that the log shall have grown from"}};
  for (Flag& flag : believing_flags()) flags.push_back(std::move(flag));
  flags.push_back(app_flag());
  return {.name = "journal verify",
          .summary = "hash everything again and check the signatures",
          .help_path = "commands/journal/verify.md",
          .flags = std::move(flags),
          .run = run_journal_verify};
}

}  // namespace tranche::commands
