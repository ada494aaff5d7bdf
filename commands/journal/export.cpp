#include "actions/evidence_archive.hpp"
#include "actions/zip_writer.hpp"
#include "base/text.hpp"
#include "commands/journal/listing.hpp"
#include "commands/journal/verbs.hpp"
#include "commands/rollout/shared.hpp"
#include "crypto/digest.hpp"

namespace tranche {
std::string_view embedded_text(std::string_view path);  // cli/embed.cmake
}

namespace tranche::commands {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

Result<Outcome> export_evidence(const Options& options, Context& context) {
  for (const std::string_view name : {"from", "to", "since", "until", "by", "kind", "subject"})
    if (options.given(name))
      return fail_hint(ErrorKind::usage, "leave it out", "evidence about a release is all of it: --{}", name);
  if (!options.given("release") || !options.given("out"))
    return fail_hint(ErrorKind::usage, "tranche journal export --release 1.2.0 --out evidence.zip",
                     "evidence is about a --release and goes to a file, --out");
  const std::string out = options.text("out");
  if (context.json && out == "-")
    return fail_hint(ErrorKind::usage, "name a file", "--json and --out - both want stdout");
  const Opened opened = TRY(open_deck(context, options));
  const std::string version = options.text("release");
  const auto archive = TRY(actions::collect_evidence_archive(*opened.deck, version,
                                                             embedded_text("templates/evidence/README.txt"),
                                                             embedded_text("templates/evidence/verify.py")));
  const std::string bytes = TRY(actions::write_zip(archive.files));
  if (out == "-")
    context.world.console.out(bytes);
  else
    TRY(context.world.files.write(out, bytes));
  const auto number = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  return Outcome{0,
                 doc::Value::object({{"schema", "tranche/journal-export/v1"},
                                     {"release", version},
                                     {"out", out},
                                     {"sha256", crypto::to_hex(crypto::sha256(bytes))},
                                     {"files", number(archive.files.size())},
                                     {"entries", number(archive.entries)},
                                     {"approvals", number(archive.approvals)},
                                     {"documents", number(archive.documents)},
                                     {"summaries", number(archive.summaries)},
                                     {"witnesses", number(archive.witnesses)}}),
                 out == "-" ? std::string()
                            : fmt::format("{}: {} about {}, {}, {}\nunpack it and run: python3 verify.py\n",
                                          printable(out), count_of(archive.entries, "entry"), version,
                                          count_of(archive.documents, "document"),
                                          count_of(archive.approvals, "approval"))};
}

// Lines as they come, in pieces: a log of a million entries takes no more memory than one of ten.
Result<Outcome> export_entries(const Options& options, Context& context, const std::string& format) {
  if (options.given("out"))
    return fail_hint(ErrorKind::usage, "send it there: > FILE", "--out is for evidence; lines go to stdout");
  const auto selection = TRY(read_selection(options));
  const Opened opened = TRY(open_deck(context, options));
  journal::Journal& journal = opened.deck->journal();
  std::string piece;
  if (context.json)
    piece = fmt::format(R"({{"schema":"tranche/journal-export/v1","size":{},"entries":[)", journal.size());
  else if (format == "csv")
    piece = csv_header();
  bool first = true;
  TRY(journal::select(journal, selection,
                      [&](const journal::Entry& entry, std::string_view bytes) -> Result<bool> {
                        if (context.json) {
                          if (!first) piece += ',';
                          piece += bytes;
                        } else if (format == "csv") {
                          piece += csv_row(entry);
                        } else {
                          piece += bytes;
                          piece += '\n';
                        }
                        first = false;
                        if (piece.size() >= piece_bytes) {
                          context.world.console.out(piece);
                          piece.clear();
                        }
                        return !context.world.clock.interrupted();
                      }));
  if (context.world.clock.interrupted()) return fail(ErrorKind::interrupted, "interrupted");
  if (context.json) return Outcome{0, {}, {}, piece + "]}"};
  return Outcome{0, {}, std::move(piece)};
}

Result<Outcome> run_journal_export(const Options& options, Context& context) {
  std::string format = options.text("format");
  if (format.empty()) format = options.text("out").ends_with(".zip") ? "zip" : "jsonl";
  return format == "zip" ? export_evidence(options, context) : export_entries(options, context, format);
}

}  // namespace

Command journal_export() {
  std::vector<Flag> flags = selection_flags();
  flags.push_back(
      {.name = "format",
       .value = "FORMAT",
       .help = "jsonl: the entries word for word; csv; zip: evidence. Default: by --out, else jsonl",
       .choices = {"jsonl", "csv", "zip"}});
  flags.push_back({.name = "out", .value = "FILE", .help = "where the evidence goes; - is stdout"});
  flags.push_back(app_flag());
  return {.name = "journal export",
          .summary = "entries for other tools, evidence for auditors",
          .help_path = "commands/journal/export.md",
          .flags = std::move(flags),
          .run = run_journal_export};
}

}  // namespace tranche::commands
