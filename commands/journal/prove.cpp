#include "base/encoding.hpp"
#include "commands/journal/shared.hpp"
#include "commands/journal/verbs.hpp"
#include "journal/checkpoint.hpp"
#include "journal/tlog_proof.hpp"

namespace tranche::commands {
namespace {

doc::Value hashes_json(const std::vector<journal::Hash>& hashes) {
  doc::Value list = doc::Value::array();
  for (const journal::Hash& hash : hashes) list.push(to_base64(crypto::as_bytes(hash)));
  return list;
}

Result<Outcome> prove_entry(journal::Journal& journal, std::uint64_t index, std::string checkpoint) {
  journal::TlogProof proof;
  proof.index = index;
  proof.hashes = TRY(journal.prove(index));
  proof.checkpoint = std::move(checkpoint);
  TRY(journal.each(index, index + 1, [&](std::uint64_t, std::string_view bytes) -> Result<> {
    proof.extra = bytes;
    return {};
  }));
  std::string text = to_text(proof);
  return Outcome{0,
                 doc::Value::object({{"schema", "tranche/journal-prove/v1"},
                                     {"index", index},
                                     {"size", journal.size()},
                                     {"entry", proof.extra},
                                     {"hashes", hashes_json(proof.hashes)},
                                     {"checkpoint", proof.checkpoint},
                                     {"proof", text}}),
                 std::move(text)};
}

Result<Outcome> prove_growth(journal::Journal& journal, const std::string& origin, std::uint64_t from,
                             std::uint64_t to, std::string checkpoint) {
  journal::GrowthProof proof;
  proof.old_size = from;
  proof.hashes = TRY(journal.prove_growth(from, to));
  const journal::Hash root = TRY(journal.root_at(to));
  const journal::Hash old_root = TRY(journal.root_at(from));
  proof.checkpoint =
      to == journal.size() ? std::move(checkpoint) : journal::to_text(journal::Checkpoint{origin, to, root});
  std::string text = to_text(proof);
  return Outcome{0,
                 doc::Value::object({{"schema", "tranche/journal-prove/v1"},
                                     {"from", from},
                                     {"to", to},
                                     {"from-root", to_base64(crypto::as_bytes(old_root))},
                                     {"to-root", to_base64(crypto::as_bytes(root))},
                                     {"hashes", hashes_json(proof.hashes)},
                                     {"checkpoint", proof.checkpoint},
                                     {"proof", text}}),
                 std::move(text)};
}

Result<Outcome> run_journal_prove(const Options& options, Context& context) {
  if (options.given("index") == options.given("from") || (options.given("to") && !options.given("from")))
    return fail_hint(ErrorKind::usage, "name an entry, or --from SIZE with --to SIZE where it is not today's",
                     "what shall be proved: an entry, or that the log grew?");
  const Opened opened = TRY(open_to_read(context, options));
  journal::Journal& journal = opened.deck->journal();
  const auto policy = TRY(journal::witness_policy(opened.deck->app()));
  auto witnessed = TRY(journal::read_witnessed(opened.deck->state_store(), journal, policy));
  if (options.given("index"))
    return prove_entry(journal, TRY(options.number("index")), std::move(witnessed.note));
  return prove_growth(journal, "tranche/" + opened.deck->app().name, TRY(options.number("from")),
                      options.given("to") ? TRY(options.number("to")) : journal.size(),
                      std::move(witnessed.note));
}

}  // namespace

Command journal_prove() {
  return {
      .name = "journal prove",
      .summary = "prove to others what the journal says",
      .help_path = "commands/journal/prove.md",
      .arguments = {{.name = "index", .help = "the entry, as `journal show` counts them", .required = false}},
      .flags = {{.name = "from", .value = "SIZE", .help = "prove instead that the log grew from this size"},
                {.name = "to", .value = "SIZE", .help = "up to this one; default: all of it"},
                app_flag()},
      .run = run_journal_prove};
}

}  // namespace tranche::commands
